"""`backproof verify --jobs` and `--shard`: the same report, whoever judges and whatever becomes of the processes."""

import json
import os
import pickle
import signal
import sys
import time
from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.verify.scale import chaos
from tests.verify.scale.notes import NOTES
from tests.verify.scale.sessions import HEAVY, check_nothing_is_left, in_session, started
from verify import judging, quantities
from verify.cli import main
from verify.document.statements import read
from verify.errors import WitnessConflict
from verify.judge import Judge
from verify.judging import Conflict, Judging, judged
from verify.limits import Effort
from verify.manuscript import Manuscript
from verify.scale.shard import Shard
from verify.verdict import Verdict

EFFORT = Effort(examples=2, repair_seconds=0)


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.md").write_text(NOTES, encoding="utf-8")
    (tmp_path / "more.md").write_text("".join(NOTES.splitlines(keepends=True)[:13]), encoding="utf-8")

    def call(*arguments):
        return CliRunner().invoke(main, ["verify", "--examples", "2", "--repair-limit", "0", "--no-cache", *arguments])

    return call


def verdicts(path, document=0):
    data = json.loads(Path(path).read_text(encoding="utf-8"))
    return {claim["id"]: claim for claim in data["documents"][document]["claims"]}


def test_several_processes_write_the_bytes_of_one(run):
    """Table, JSON and certificates, of all claims and of some; the verdicts of two documents stay apart."""
    for jobs in "12":
        arguments = ("--jobs", jobs, "--certificates", f"proofs{jobs}", "notes.md", "more.md")
        result = run("--json", f"all{jobs}.json", *arguments)
        assert result.exit_code == 1
        Path(f"table{jobs}").write_text(result.output, encoding="utf-8")
        assert run("--jobs", jobs, "--only", "notes.md::a/2", "--json", f"some{jobs}.json", "notes.md").exit_code == 0
    for name in ("all{}.json", "some{}.json", "table{}"):
        assert Path(name.format(1)).read_bytes() == Path(name.format(2)).read_bytes()
    proofs = [{path.name: path.read_bytes() for path in Path(f"proofs{jobs}").iterdir()} for jobs in "12"]
    assert set(proofs[0]) == {"notes-S.json"}
    assert proofs[0] == proofs[1]
    assert set(verdicts("all1.json")) == {"1", "d", "2.3", "J", "a/1", "a/2", "b", "u", "D", "S"}
    assert list(verdicts("some1.json")) == ["1", "d", "a/2"]


def test_a_statement_whose_process_dies_or_hangs_is_undecided_and_says_why(run, monkeypatch):
    monkeypatch.setattr(judging, "judged", chaos.judged_but)
    monkeypatch.setattr(judging, "wall_limit", lambda seconds: 0.5 if seconds == 40 else None)  # of two links
    assert run("--jobs", "2", "--json", "out.json", "notes.md").exit_code == 1
    found = verdicts("out.json")
    lost = {name: found[name] for name in ("2.3", "a/1", "a/2")}
    assert {claim["verdict"] for claim in lost.values()} == {"undecided"}
    assert "died (signal SIGKILL" in lost["2.3"]["message"]
    assert lost["a/1"]["message"] == lost["a/2"]["message"] == "no answer after 0.5 s, so its process was killed"
    assert [found[name]["verdict"] for name in ("J", "b", "u", "D")] == ["refuted", "refuted", "unreadable", "proved"]
    assert found["b"]["expected"] == "refuted"


def test_a_conflict_of_witnesses_crosses_to_exit_code_3(run, monkeypatch):
    monkeypatch.setattr(judging, "judged", chaos.conflicting)
    result = run("--jobs", "2", "notes.md")
    assert result.exit_code == 3
    assert "2.3: one says equal, one says differ" in " ".join(result.output.split())

    def disagree(*arguments):
        raise WitnessConflict("here")
        yield

    monkeypatch.setattr(Judge, "claimed", disagree)
    assert judged(Manuscript("fresh.md", NOTES), EFFORT, None, 2, ("2.3",)) == Conflict("here")


def test_entries_and_models_cross_to_another_process_as_they_are():
    document = read("notes.md", NOTES)
    for entry in Judge(document, EFFORT).entries():
        back = pickle.loads(pickle.dumps(entry))
        assert (back, back.claim, repr(back)) == (entry, entry.claim, repr(entry))
        if entry.claim is not None:
            hash(entry.claim.model)
            assert set(vars(pickle.loads(pickle.dumps(entry.claim.model)))) == {"equations", "losses", "time"}


def test_what_is_said_of_a_claim_does_not_depend_on_the_claims_before_it():
    """The terms of a difference were once written in the order in which a session had met them."""
    document = read("c.md", (files("verify.suite") / "06-convolution.md").read_text(encoding="utf-8"))
    effort, name = Effort(examples=0, repair_seconds=0), "image.kernel.turned"
    alone = [entry for entry in Judge(document, effort).entries({name}.__contains__) if entry.statement == name]
    both = list(Judge(document, effort).entries({"line.kernel", name}.__contains__))
    assert [entry for entry in both if entry.statement == name] == alone


def test_a_hint_rests_on_nothing_that_other_claims_left_behind():
    """A line that is `tested` was once good enough for a hint where its own claim had been judged before."""
    document = read("notes.md", NOTES)
    judge, fresh = Judge(document, EFFORT), Judge(document, EFFORT)
    claim = next(entry.claim for entry in fresh.entries({"J"}.__contains__) if entry.id == "J")
    judge.known[claim] = Verdict("tested", "held on 3 instances")
    assert judge._is_good(claim) is fresh._is_good(claim) is False


# --- shards --------------------------------------------------------------------------------------------------------


def test_every_claim_falls_to_one_shard():
    documents = {path: (Manuscript(path, NOTES), read(path, NOTES)) for path in ("notes.md", "more.md")}
    for count in (1, 3, 50):
        shards = [Judging(EFFORT, shard=Shard(index, count)) for index in range(1, count + 1)]
        dealt = [part for one in shards for part in one.parts(documents, lambda path, name: True, True)]
        claims = [(part.path, part.names[0]) for part in dealt if not part.is_derived]
        assert sorted(claims) == sorted((path, name) for path in documents for name in ("2.3", *"JabuDS"))
        places = sorted(part.place for part in dealt if part.is_derived)
        assert places == list(range(len(quantities.known())))
        assert sum(part.lines for part in dealt if part.path == "notes.md") == 8  # a has two links


def test_a_shard_without_claims_is_right_and_says_so(run):
    result = run("--shard", "2/2", "--only", "2.3", "--json", "out.json", "notes.md")
    assert result.exit_code == 0
    data = json.loads(Path("out.json").read_text(encoding="utf-8"))
    assert (data["shard"], data["ok"]) == ({"index": 2, "count": 2}, True)
    assert list(verdicts("out.json")) == ["1", "d"]
    assert "shard 2/2: no claim fell to it" in result.output
    assert run("--shard", "2/2", "--only", "gone", "notes.md").exit_code == 2


@pytest.mark.parametrize("option", ["--watch", "--explain=J"])
def test_what_has_no_parts_takes_no_jobs(run, option):
    for part in (["--jobs", "2"], ["--shard", "1/2"]):
        assert run(option, *part, "notes.md").exit_code == 2


# --- interrupted ---------------------------------------------------------------------------------------------------


@HEAVY
@pytest.mark.skipif(sys.platform != "linux", reason="processes are counted in /proc")
def test_ctrl_c_prints_what_is_known_and_leaves_no_process(tmp_path):
    claim = r"$$%d \frac{\partial \mathrm{Net}_t}{\partial s_{t-1}} = %d W$$" + "\n"
    text = "".join([*NOTES.splitlines(keepends=True)[:12], *(claim % (place, place) for place in range(2, 120))])
    (tmp_path / "notes.md").write_text(text, encoding="utf-8")
    command = ["verify", "--jobs", "2", "--examples", "2", "--json", "out.json", "notes.md"]
    with started(command, tmp_path) as process:
        while not list((tmp_path / "cache").rglob("*.json")):  # the first claim is settled
            assert process.poll() is None
            time.sleep(0.05)
        assert len(in_session(process.pid)) >= 3
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=60)
        check_nothing_is_left(process.pid)
    assert process.returncode == 130, output
    assert "interrupted: these are the results so far" in output
    assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["complete"] is False
