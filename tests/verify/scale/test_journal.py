"""The journal: every whole line is kept, a torn one dropped, and nobody else's file is touched."""

import json

import pytest

from verify.campaign import journal
from verify.campaign.journal import Journal
from verify.errors import CallError

CAMPAIGN = {"documents": {"notes.md": "1234"}, "seed": 0, "limit": None}
RECORDS = [{"claim": "notes.md::α", "n": number, "edit": "δ\n\u2028\udc80"} for number in range(3)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "campaign.jsonl"


def written(path, *records):
    with Journal(str(path), CAMPAIGN) as opened:
        opened.append(*records)
    return path.read_bytes()


def read(path):
    with Journal(str(path), CAMPAIGN) as opened:
        return opened.lines


def test_what_was_written_is_there_the_next_time(path):
    written(path, *RECORDS[:2])
    written(path, RECORDS[2])
    assert read(path) == RECORDS
    assert len(path.read_bytes().splitlines()) == 4


def test_a_run_that_is_killed_anywhere_loses_the_torn_line_alone(path):
    """Cut after every byte: the whole lines are read, and what is appended then is whole again."""
    whole = written(path, *RECORDS)
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        kept = max(0, whole[:size].count(b"\n") - 1)
        assert read(path) == RECORDS[:kept]
        assert written(path, {"n": "more"}).endswith(b'}\n{"n": "more"}\n')
        assert read(path) == [*RECORDS[:kept], {"n": "more"}]


@pytest.mark.parametrize("change", [{"seed": 1}, {"documents": {"notes.md": "5678"}}, {"limit": 3}, {"new": 1}])
def test_another_campaign_is_refused_by_what_differs_and_left_alone(path, change):
    before = written(path, *RECORDS)
    with pytest.raises(CallError, match=f"of another campaign, which differs in: {next(iter(change))}"):
        Journal(str(path), {**CAMPAIGN, **change})
    assert path.read_bytes() == before


@pytest.mark.parametrize("text", [b"my notes", b"my notes\n", b'{"a": 1}\n', b"[]\n", b"\xff\xfe\n", b"\n"])
def test_somebody_elses_file_is_refused_and_left_alone(path, text):
    path.write_bytes(text)
    with pytest.raises(CallError, match="something else than a campaign"):
        Journal(str(path), CAMPAIGN)
    assert path.read_bytes() == text


@pytest.mark.parametrize("line", [b"{", b"[1]", b"\xff", b""])
def test_a_line_that_was_damaged_is_named(path, line):
    written(path, *RECORDS)
    lines = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([*lines[:2], line, *lines[2:]]) + b"\n")
    with pytest.raises(CallError, match="line 3 is damaged"):
        Journal(str(path), CAMPAIGN)


def test_a_journal_in_use_is_refused(path):
    with Journal(str(path), CAMPAIGN), pytest.raises(CallError, match="another campaign is writing it"):
        Journal(str(path), CAMPAIGN)


def test_a_disk_that_is_full_is_said(path):
    opened = Journal(str(path), CAMPAIGN)
    opened.file.close()
    opened.file = open("/dev/full", "r+b")  # noqa: SIM115  # the journal closes it
    with pytest.raises(CallError, match="cannot be written: No space left on device; what it holds is kept"):
        opened.append(RECORDS[0])
    assert json.loads(path.read_bytes())["seed"] == 0


def test_a_file_that_cannot_be_opened_is_said(tmp_path):
    with pytest.raises(CallError, match="cannot be opened: Is a directory"):
        Journal(str(tmp_path), CAMPAIGN)


def test_a_device_is_refused():
    with pytest.raises(CallError, match="cannot be written: Invalid argument"):
        Journal("/dev/null", CAMPAIGN)


def test_what_is_not_read_of_a_large_journal_is_not_cut_off(path, monkeypatch):
    whole = written(path, *RECORDS)
    monkeypatch.setattr(journal, "LARGEST", len(whole) - 1)
    with pytest.raises(CallError, match="larger than"):
        read(path)
    assert path.read_bytes() == whole
