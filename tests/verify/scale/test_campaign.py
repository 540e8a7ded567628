"""`backproof campaign`: every planted error is accounted for, and a run that is cut short goes on where it stopped."""

import json
import os
import signal
import sys
import time
from dataclasses import replace
from io import BytesIO, TextIOWrapper
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from tests.verify.scale import chaos
from tests.verify.scale.notes import NOTES
from tests.verify.scale.sessions import HEAVY, check_nothing_is_left, started
from verify.campaign import command, planting
from verify.campaign import run as module
from verify.campaign.run import Options, header, strands
from verify.cli import main
from verify.edits import edits
from verify.limits import Effort
from verify.manuscript import Manuscript
from verify.mutants import Fate
from verify.scale.shard import Shard
from verify.verdict import Verdict

LIMIT = 3
PLANTED = 5 * LIMIT  # in the five links that hold


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.md").write_text(NOTES, encoding="utf-8")

    def call(*arguments, journal="journal.jsonl", name="notes.md"):
        given = ["campaign", "--limit", str(LIMIT), "--examples", "2", "--journal", journal, *arguments, name]
        return CliRunner().invoke(main, given)

    return call


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The journal and the report of a run that nothing disturbs."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("whole")
        result = run.__wrapped__(folder, patch)("--json", "out.json")
        assert result.exit_code == 0, result.output
        return SimpleNamespace(
            output=result.output,
            journal=(folder / "journal.jsonl").read_text("utf-8"),
            data=json.loads((folder / "out.json").read_text("utf-8")),
        )


def test_every_error_in_what_holds_is_killed_and_nothing_is_planted_in_what_does_not(whole):
    assert whole.data["ok"]
    assert whole.data["fates"]["killed"] + whole.data["fates"]["out of range"] == whole.data["planted"] == PLANTED
    assert {claim["claim"] for claim in whole.data["unplanted"]} == {"notes.md::J", "notes.md::b", "notes.md::u"}
    assert "killed: " in whole.output
    killed = [line for line in map(json.loads, whole.journal.splitlines()) if line.get("fate") == "killed"]
    assert len(killed) == whole.data["fates"]["killed"]
    assert all(line["sizes"] for line in killed)


def test_processes_change_nothing_and_nothing_is_done_twice(run, whole):
    two = run("--jobs", "2")
    assert (two.exit_code, two.output) == (0, whole.output)
    journal = Path("journal.jsonl").read_bytes()
    assert sorted(journal.decode().splitlines()) == sorted(whole.journal.splitlines())
    assert run().output == whole.output
    assert Path("journal.jsonl").read_bytes() == journal


@pytest.mark.parametrize("count", [1, 3, 50])
def test_every_claim_and_seed_falls_to_one_shard(count):
    manuscript = Manuscript("notes.md", NOTES)
    read = [(manuscript, manuscript.read())]
    options = [Options(Effort(), 2, None, Shard(index, count)) for index in range(1, count + 1)]
    dealt = [strand.key for one in options for strand in strands(read, one)]
    assert sorted(dealt) == sorted(strand.key for strand in strands(read, Options(Effort(), 2)))
    assert len(set(dealt)) == len(dealt)


def test_what_is_not_killed_is_listed_with_formula_and_place(run, monkeypatch):
    """A checker that accepts is seen to be caught."""
    monkeypatch.setattr(planting, "fate", lambda edit, *_: Fate(edit, "alive"))
    monkeypatch.setattr(planting, "settle", lambda *_: Verdict("tested", "held on 3 instances"))
    result = run("--json", "out.json")
    assert result.exit_code == 1
    assert "survived (accepted as tested, and not proved equal):\n  notes.md:13:3: notes.md::2.3: " in result.output
    assert "      held on 3 instances\n" in result.output
    found = json.loads(Path("out.json").read_text("utf-8"))
    assert found["fates"]["survived"] == found["planted"]
    assert all(mutant["formula"] and mutant["place"] for mutant in found["mutants"])


def test_an_edit_that_leaves_a_claim_true_is_proved_to_do_so():
    mutant = next(m for m in edits(planting._Bench(Manuscript("n.md", NOTES).read()).claim(4, 0)) if m.kind == "sign")
    session = planting.Session()
    assert planting._judged(mutant, Effort(examples=0), session)["fate"] == "killed"
    same = replace(mutant, claim=replace(mutant.claim, right=mutant.claim.left))
    found = planting._judged(same, Effort(examples=0), session)
    assert found["fate"] == "equal"
    assert " = " in found["formula"]


def test_fates_that_contradict_over_the_seeds_are_a_conflict(run, whole):
    """A journal of two seeds, the second of which proves what the first one kills."""
    head, *rest = [json.loads(line) for line in whole.journal.splitlines()]
    second = [{**line, "seed": 1} for line in rest]
    next(line for line in second if line.get("fate") == "killed")["fate"] = "equal"
    lines = [{**head, "seeds": 2}, *rest, *second]
    Path("journal.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    result = run("--seeds", "2")
    assert result.exit_code == 3
    assert "killed with one seed and proved with another" in result.output


@HEAVY
def test_a_mutant_whose_process_dies_is_named_and_no_other_is_lost(run, monkeypatch):
    monkeypatch.setattr(module, "planted", chaos.planted_but)
    result = run("--jobs", "2", "--json", "out.json")
    assert result.exit_code == 1
    found = json.loads(Path("out.json").read_text("utf-8"))
    (lost,) = [mutant for mutant in found["mutants"] if mutant["fate"] == "lost"]
    assert (lost["claim"], bool(lost["edit"])) == ("notes.md::2.3", True)
    assert "died (signal SIGKILL" in lost["why"]
    assert found["planted"] == PLANTED


@pytest.mark.skipif(sys.platform != "linux", reason="processes are counted in /proc")
def test_a_run_that_is_killed_in_the_middle_of_a_line_goes_on_and_reports_the_same(run, whole, tmp_path):
    command = [
        "campaign",
        "--limit",
        str(LIMIT),
        "--examples",
        "2",
        "--jobs",
        "2",
        "--journal",
        "journal.jsonl",
        "notes.md",
    ]
    journal = tmp_path / "journal.jsonl"
    with started(command, tmp_path) as process:
        while not journal.exists() or journal.read_bytes().count(b"\n") < 2:
            assert process.poll() is None
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        check_nothing_is_left(process.pid)
    kept = journal.read_bytes()
    journal.write_bytes(kept[:-7])
    assert run().output == whole.output
    assert journal.read_bytes().startswith(kept[: kept[:-7].rfind(b"\n") + 1])


def test_wrong_calls(run, whole):
    Path("journal.jsonl").write_text(whole.journal, "utf-8")
    assert run("--seed", "1").exit_code == 2
    assert "differs in: seed" in " ".join(run("--seed", "1").output.split())
    assert run("--journal", "gone/journal.jsonl").exit_code == 2
    assert run(name="gone.md").exit_code == 2
    assert run("--cluster", "tcp://127.0.0.1:1", "--jobs", "2").exit_code == 2
    assert Path("journal.jsonl").read_text("utf-8") == whole.journal


def test_a_file_that_a_document_reads_is_part_of_the_campaign(tmp_path):
    part = tmp_path / "part.tex"
    found = []
    for text in ("$$a = b$$", "$$a = c$$"):
        part.write_text(text, "utf-8")
        found.append(header([Manuscript("main.tex", r"\input{part}", None, tmp_path).read()], Options(Effort())))
    assert [key for key in found[0] if found[0][key] != found[1][key]] == ["documents"]


def test_a_report_that_cannot_be_written_is_said(run, whole, monkeypatch):
    Path("journal.jsonl").write_text(whole.journal, "utf-8")

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(command, "write", refuse)
    result = run("--json", "out.json")
    assert result.exit_code == 2
    assert "--json out.json: cannot be written: No space left on device" in " ".join(result.output.split())


def test_a_document_of_several_files_is_not_sent_to_a_cluster(run):
    Path("main.tex").write_text("\\input{part}", "utf-8")
    Path("part.tex").write_text("$$a = b$$", "utf-8")
    result = run("--cluster", "tcp://127.0.0.1:1", name="main.tex")
    assert result.exit_code == 2
    assert "main.tex reads part.tex, which is not sent with it" in " ".join(result.output.split())


def test_a_terminal_without_greek_shows_what_it_can(run, whole, monkeypatch):
    Path("journal.jsonl").write_text(whole.journal, "utf-8")
    stream = TextIOWrapper(BytesIO(), "ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    found = command.Command(("notes.md",), "journal.jsonl", Options(Effort(examples=2, repair_seconds=0), 1, LIMIT))
    monkeypatch.setattr(command, "text", lambda report: "\u03b4\n")
    assert found.execute() == 0
    stream.flush()
    assert stream.buffer.getvalue() == b"?\n"
