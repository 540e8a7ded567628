"""Commands as users start them, each in a session of its own, and what is left of them."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

HEAVY = pytest.mark.skipif(os.environ.get("BACKPROOF_SCALE") != "1", reason="it takes long: .ci/scale runs it")


@contextmanager
def started(command, folder):
    """The command with what it starts in a session of its own, Ctrl-C as in a terminal; nothing outlives the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "verify.cli", *command], cwd=folder, text=True, start_new_session=True,
        env={**os.environ, "BACKPROOF_CACHE": str(folder / "cache")}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    try:
        yield process
    finally:
        for one in in_session(process.pid):
            os.kill(one, signal.SIGKILL)
        process.wait()


def in_session(session):
    """The living processes of a session."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, own = path.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(own) == session and state != "Z":
            found.append(int(path.parent.name))
    return found


def check_nothing_is_left(session, seconds=20):
    """Raises `AssertionError` where a process of a session still lives after so many seconds."""
    ends = time.monotonic() + seconds
    while in_session(session) and time.monotonic() < ends:
        time.sleep(0.05)
    assert in_session(session) == []
