"""A short run of fuzz/reader.py, and that it sees a crash, a hang and a bad message where there is one."""

import importlib.util
import sys
import time
from pathlib import Path

import pytest

FUZZ = Path(__file__).resolve().parent.parent / "fuzz"


@pytest.fixture(scope="module")
def reader():
    """The script as a module, beside those that it imports."""
    sys.path.insert(0, str(FUZZ))
    try:
        spec = importlib.util.spec_from_file_location("reader", FUZZ / "reader.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules["reader"] = module
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(FUZZ))
        for name in ("reader", "checked", "shrink", "texts"):
            sys.modules.pop(name, None)


def test_nothing_breaks_the_reader(reader):
    """A hundred documents, the same ones every time."""
    tally = reader.run(seed=7, inputs=100 * reader.DISPLAYS, seconds=120, report=lambda line: None)
    assert tally.failures == {}
    assert tally.documents >= 100
    assert tally.equations > 1_000, "the texts hold too few equations to try anything"
    assert tally.claims > 100, "hardly a formula gets as far as its shapes"


def broken(form, text, watch=None):
    raise ZeroDivisionError


def hanging(form, text, watch=None):
    while True:
        pass


def opening(form, text, watch=None):
    watch.is_on = True
    with Path("/etc/hostname").open():
        pass
    if watch.seen:
        raise AssertionError(watch.seen[0])


@pytest.mark.parametrize(
    ("check", "name"), [(broken, "ZeroDivisionError"), (hanging, "TooLong"), (opening, "AssertionError")]
)
def test_what_breaks_is_seen(reader, monkeypatch, check, name):
    """A crash, a hang, a file opened elsewhere."""
    monkeypatch.setattr(reader, "SECONDS", 0.2)
    monkeypatch.setattr(reader, "check", check)
    began = time.monotonic()
    tally = reader.run(seed=7, inputs=2 * reader.DISPLAYS, seconds=60, report=lambda line: None)
    assert [failure.split(" ")[0] for failure in tally.failures] == [name]
    assert time.monotonic() - began < 30


def test_a_failing_text_is_made_short(reader):
    assert reader.shrunk("one\ntwo X three\nfour", lambda text: "X" in text) == "X"
