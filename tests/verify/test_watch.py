"""`verify --watch` as a user has it: a process, a file that is saved, a pipe or a terminal, Ctrl-C."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from importlib.resources import files
from pathlib import Path

import pytest

from tests.documents import HEAD

NOTES = (
    HEAD
    + r"""$$\delta_{t-1}^\top = \delta_t^\top W \operatorname{diag}\left[f'(\mathrm{Net}_{t-1})\right] \tag{2.3}$$
$$\frac{\partial \mathrm{Net}_t}{\partial s_{t-1}} = W \tag{2.2a}$$
"""
)
WRONG = NOTES.replace("= W \\tag{2.2a}", "= W^\\top \\tag{2.2a}")
SUMMARY = ("all as it should be", "not as it should be")


def _heed_interrupts():
    """A shell's background jobs ignore Ctrl-C, and so do their children, this one too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Watched:
    """A watching process, and what it has printed so far."""

    def __init__(self, folder, *options, stdout=subprocess.PIPE):
        root = str(Path(str(files("verify"))).parent)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "verify.cli", "verify", "--watch", "--examples", "2", *options, "notes.md"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": root, "BACKPROOF_CACHE": str(folder / "cache")},
            stdout=stdout,
            stderr=subprocess.STDOUT,
            preexec_fn=_heed_interrupts,
        )
        self.lines = queue.Queue()

    def read(self, stream):
        threading.Thread(target=self._read, args=(stream,), daemon=True).start()
        return self

    def _read(self, stream):
        try:
            for line in stream:
                self.lines.put(line.decode())
        except OSError:  # a terminal whose other end has closed
            pass

    def until(self, *words, seconds=60):
        """The lines up to one that has one of the words."""
        found = []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                found.append(self.lines.get(timeout=0.2))
            except queue.Empty:
                assert self.process.poll() is None, "".join(found)
                continue
            if any(word in found[-1] for word in words):
                return "".join(found)
        raise AssertionError(f"no {words} in {''.join(found)!r}")

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=30)


@pytest.fixture
def watching(tmp_path):
    running = []

    def start(text, *options):
        save(tmp_path, text)
        watched = Watched(tmp_path, *options)
        running.append(watched)
        return watched.read(watched.process.stdout)

    yield start
    for watched in running:
        watched.process.kill()
        watched.process.wait(timeout=30)
        watched.process.stdout.close()


def save(folder, text):
    (folder / "notes.md").write_text(text, encoding="utf-8")


def test_a_save_prints_what_changed_and_the_summary(watching, tmp_path):
    watched = watching(NOTES)
    first = watched.until(*SUMMARY)
    assert "2.3" in first
    assert "2.2a" in first
    save(tmp_path, WRONG)
    second = watched.until(*SUMMARY)
    assert "notes.md:14:3: 2.2a: refuted" in second
    assert "2.3" not in second
    assert "1 proved  1 refuted" in second
    save(
        tmp_path,
        NOTES.replace("# notes", "# notes\n\nA line more moves every equation.") + "$$\\delta_t = Q \\tag{q}$$\n",
    )
    third = watched.until(*SUMMARY)
    assert "✓ proved" in third
    assert "q: unreadable" in third
    assert "2.3" not in third
    save(tmp_path, NOTES)
    assert "q is gone" in watched.until(*SUMMARY)
    assert watched.interrupt() == 130


def test_a_file_that_is_gone_half_written_or_no_text_is_survived(watching, tmp_path):
    watched = watching(NOTES, "--format", "unix", "--all")
    assert "2.2a: " in watched.until("2.2a")
    (tmp_path / "notes.md").unlink()
    assert "cannot be read: No such file" in watched.until("No such file")
    (tmp_path / "notes.md").write_bytes(b"\xff\xfe\x00")
    assert "it is no UTF-8 text" in watched.until("no UTF-8 text")
    save(tmp_path, NOTES[: NOTES.index("given")])
    watched.until("no claim")
    beside = tmp_path / "notes.tmp"
    beside.write_text(WRONG, encoding="utf-8")
    beside.replace(tmp_path / "notes.md")
    found = watched.until("2.2a")
    assert "notes.md:14:3: refuted: 2.2a" in found
    assert watched.interrupt() == 130


def test_a_report_is_written_at_every_check_and_only_the_changed_line_is_settled(watching, tmp_path):
    watched = watching(NOTES, "--json", "r.json", "--timings", "--no-cache")
    watched.until(*SUMMARY)
    save(tmp_path, WRONG)
    watched.until(*SUMMARY)
    claims = {
        claim["id"]: claim for claim in json.loads((tmp_path / "r.json").read_text("utf-8"))["documents"][0]["claims"]
    }
    assert claims["2.2a"]["verdict"] == "refuted"
    assert claims["2.3"]["verdict"] == "proved"
    assert claims["2.3"]["seconds"] < claims["2.2a"]["seconds"]
    assert not (tmp_path / "cache").exists()


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminals here")
def test_it_works_in_a_terminal(tmp_path):
    save(tmp_path, NOTES)
    own, theirs = os.openpty()
    watched = Watched(tmp_path, stdout=theirs)
    os.close(theirs)
    with os.fdopen(own, "rb", buffering=0) as stream:
        watched.read(stream)
        watched.until(*SUMMARY)
        save(tmp_path, WRONG)
        assert "refuted" in watched.until(*SUMMARY)
        assert watched.interrupt() == 130
