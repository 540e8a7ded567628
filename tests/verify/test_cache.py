"""The cache: what it gives back is what was put in, and only where nothing that a verdict rests on has changed."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from tests.documents import source_documents
from verify import cache as module
from verify import installation, quantities
from verify.cache import Cache, cache_folder
from verify.deciders.normal_form import Session
from verify.deciders.outcome import Outcome
from verify.document.statements import read
from verify.errors import WitnessConflict
from verify.judge import Judge
from verify.kept import NotKept, exactly, from_data, to_data
from verify.limits import Effort
from verify.report import json as report_json
from verify.report.model import DocumentReport, Report
from verify.verdict import ReadingVerdict, Verdict

EFFORT = Effort(examples=4)


def settle(cache, claim, effort=EFFORT):
    return cache.settle(claim, effort, Session())


def stored(tmp_path):
    return sorted(tmp_path.rglob("*.json"))


@pytest.fixture
def claim(suite):
    return suite["01-rnn.md::2.3"][0]


@pytest.fixture
def false_claim(suite):
    return suite["01-rnn.md::2.2x"][0]


@pytest.fixture
def counted(monkeypatch):
    """How often a claim was really settled."""
    calls, original = [], module.settle

    def settle(claim, *rest):
        calls.append(claim)
        return original(claim, *rest)

    monkeypatch.setattr(module, "settle", settle)
    return calls


def suite_report(cache, examples=4):
    """The source's derivation, every tenth equation of the next document, and some derived quantities."""
    effort = Effort(examples=examples)
    first, second, *_ = (read(item.name, item.read_text("utf-8")) for item in source_documents())
    second = replace(second, statements=second.statements[::10])
    documents = [DocumentReport(one.source.path, tuple(Judge(one, effort, cache).entries())) for one in (first, second)]
    derived = DocumentReport("derived", tuple(quantities.entries(effort, cache)))
    return Report(tuple(documents), quantities=derived)


def test_a_warm_report_has_the_bytes_and_certificates_of_a_cold_one(tmp_path, counted, monkeypatch):
    some = quantities.known()[::8]
    monkeypatch.setattr(quantities, "known", lambda: some)
    without = suite_report(None)
    cold = suite_report(Cache(tmp_path))
    assert len(counted) > 40
    counted.clear()
    warm = suite_report(Cache(tmp_path))
    assert counted == []
    assert report_json.render(without) == report_json.render(cold) == report_json.render(warm)
    pairs = [(one, other) for one, other in zip(cold.documents[0].claims, warm.documents[0].claims, strict=True)]
    assert [one.verdict.certificate for one, _ in pairs] == [other.verdict.certificate for _, other in pairs]
    assert any(one.verdict.certificate for one, _ in pairs)


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"steps": 5}, {"examples": 5}, {"small_steps": 2}], ids=lambda change: next(iter(change))
)
def test_another_effort_is_another_key(tmp_path, claim, counted, change):
    settle(Cache(tmp_path), claim)
    settle(Cache(tmp_path), claim, replace(EFFORT, **change))
    assert len(counted) == 2


@pytest.mark.parametrize("limit", ["seconds", "repair_seconds"])
def test_a_time_limit_is_no_part_of_the_key(tmp_path, claim, counted, limit):
    settle(Cache(tmp_path), claim)
    settle(Cache(tmp_path), claim, replace(EFFORT, **{limit: 1}))
    assert len(counted) == 1


def test_every_claim_of_the_suite_has_a_key_of_its_own(suite):
    keys = {}
    for claim, _ in suite.values():
        keys.setdefault(Cache()._key(claim, EFFORT), set()).add(claim)
    assert None not in keys
    assert all(len(claims) == 1 for claims in keys.values())
    assert len(keys) == len({claim for claim, _ in suite.values()})


def test_what_is_claimed_of_the_sides_is_in_the_key(suite, claim):
    from verify.claim import Assumption, Condition

    others = [
        replace(claim, relation="<="),
        replace(claim, right=claim.left, left=claim.right),
        replace(claim, conditions=(Condition(claim.step_letters[0], "<", claim.step_letters[0] + 1),)),
        replace(claim, assumptions=(Assumption("symmetric", claim.model.equations[0].left),)),
        replace(claim, model=suite["02-rnn-every-step.md::2.3"][0].model),
    ]
    keys = {Cache()._key(one, EFFORT) for one in (claim, *others)}
    assert len(keys) == 1 + len(others)


def test_the_source_and_the_versions_are_in_the_key(tmp_path, claim, monkeypatch):
    before = Cache()._key(claim, EFFORT)
    for name, value in (("source_digest", lambda: "other"), ("_version", lambda name: "0"), ("VERSION", "9")):
        module.ground.cache_clear()
        with monkeypatch.context() as patch:
            patch.setattr(installation, name, value)
            assert Cache()._key(claim, EFFORT) != before, name
        module.ground.cache_clear()
    assert Cache()._key(claim, EFFORT) == before


def test_the_digest_covers_every_source_file():
    names = {name for package in ("derive", "verify") for name, _ in installation._sources(files(package), package)}
    root = Path(str(files("verify"))).parent
    expected = {
        str(path.relative_to(root)) for package in ("derive", "verify") for path in (root / package).rglob("*.py")
    }
    assert expected <= names
    assert "derive/latex/grammar.lark" in names
    assert not any("__pycache__" in name for name in names)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: "[" * 100_000,
        lambda text: "null",
        lambda text: text.replace('"refuted"', '"proved"'),
        lambda text: text.replace('"seconds"', '"x"').replace('"message": "false', '"message": "true'),
        lambda text: json.dumps({**json.loads(text), "key": "0" * 64}),
        lambda text: "{}",
    ],
)
def test_a_damaged_entry_is_ignored_and_rewritten(tmp_path, false_claim, counted, damage):
    found = settle(Cache(tmp_path), false_claim)
    (path,) = stored(tmp_path)
    whole = path.read_text("utf-8")
    path.write_text(damage(whole), "utf-8")
    assert path.read_text("utf-8") != whole
    again = settle(Cache(tmp_path), false_claim)
    assert again.verdict == "refuted"
    assert repr(replace(again, seconds=0)) == repr(replace(found, seconds=0))
    assert len(counted) == 2
    assert path.read_text("utf-8") == whole


def test_an_entry_under_the_name_of_another_claim_is_damaged(tmp_path, claim, false_claim):
    settle(Cache(tmp_path), claim)
    (proved,) = stored(tmp_path)
    settle(Cache(tmp_path), false_claim)
    (refuted,) = [path for path in stored(tmp_path) if path != proved]
    refuted.write_bytes(proved.read_bytes())
    assert settle(Cache(tmp_path), false_claim).verdict == "refuted"


def test_conflicts_broken_witnesses_and_clocks_are_never_kept(tmp_path, claim, monkeypatch):
    def conflict(*_):
        raise WitnessConflict("two are sure")

    monkeypatch.setattr(module, "settle", conflict)
    with pytest.raises(WitnessConflict):
        settle(Cache(tmp_path), claim)
    failed = Verdict("tested", witnesses=(Outcome("bptt", "failed"),))
    monkeypatch.setattr(module, "settle", lambda *_: failed)
    settle(Cache(tmp_path), claim)
    monkeypatch.setattr(module, "CLOCK", 0.0)
    for verdict in ("undecided", "tested"):
        monkeypatch.setattr(module, "settle", lambda *_, name=verdict: Verdict(name))
        settle(Cache(tmp_path), claim)
    assert stored(tmp_path) == []
    monkeypatch.setattr(module, "settle", lambda *_: Verdict("proved"))
    settle(Cache(tmp_path), claim)
    assert len(stored(tmp_path)) == 1


def test_a_claim_that_runs_out_of_time_is_decided_again(tmp_path, monkeypatch):
    item = files("verify.suite") / "03-conventions.md"
    document = read("c.md", item.read_text("utf-8"))
    found = list(Judge(document, Effort(examples=4, seconds=1e-4), Cache(tmp_path)).entries())
    assert "undecided" in {entry.verdict.verdict for entry in found if entry.verdict is not None}
    again = list(Judge(document, EFFORT, Cache(tmp_path)).entries())
    assert "undecided" not in {entry.verdict.verdict for entry in again if entry.verdict is not None}


def test_a_formula_without_a_canonical_text_is_settled_every_time(tmp_path, claim, counted, monkeypatch):
    from verify.induction.certificate import CertificateError

    def refuse(*_):
        raise CertificateError("no place")

    monkeypatch.setattr(module, "encode_claim", refuse)
    cache = Cache(tmp_path)
    assert settle(cache, claim).verdict == settle(cache, claim).verdict == "proved"
    assert len(counted) == 2


def test_tuples_lists_and_order_come_back_as_they_were(claim):
    where = {"entry": (0, 1), "sizes": {"m": 2, "a": [1, (2,)]}}
    verdict = Verdict("proved", witnesses=(Outcome("w", "equal", bound=1e-300, where=where),), assumptions=("x", "y"))
    back = from_data(json.loads(json.dumps(to_data(verdict, claim))), claim)
    assert exactly(back) == exactly(verdict)


@pytest.mark.parametrize(
    "verdict",
    [
        Verdict("proved", witnesses=(Outcome("w", "equal", where={1: 2}),)),
        Verdict("proved", certificate={"()": 1}),
        Verdict("proved", certificate={"a": {1, 2}}),
        Verdict("conditional", readings=(ReadingVerdict({}, "proved"),)),
    ],
)
def test_what_does_not_come_back_is_not_kept(verdict, claim):
    with pytest.raises(NotKept):
        to_data(verdict, claim)


def test_the_folder_is_bounded_and_the_oldest_go(tmp_path):
    for number in range(10):
        path = tmp_path / f"{number:02d}" / f"{number:064x}.json"
        path.parent.mkdir()
        path.write_text("x" * 100, "utf-8")
        os.utime(path, (number, number))
    stranger = tmp_path / "00" / "thesis.json"
    stranger.write_text("x" * 1000, "utf-8")
    module._prune(tmp_path, 10_000, 100)
    assert len(stored(tmp_path)) == 11
    module._prune(tmp_path, 500, 100)
    assert {int(path.stem, 16) for path in stored(tmp_path) if path != stranger} == {6, 7, 8, 9}
    module._prune(tmp_path, 500, 3)
    assert {int(path.stem, 16) for path in stored(tmp_path) if path != stranger} == {8, 9}
    assert stranger.exists()


def test_what_is_used_is_younger(tmp_path, claim):
    settle(Cache(tmp_path), claim)
    (path,) = stored(tmp_path)
    os.utime(path, (1, 1))
    settle(Cache(tmp_path), claim)
    assert path.stat().st_mtime > 1


def test_a_folder_that_cannot_be_used_costs_nothing_but_time(tmp_path, claim):
    blocked = tmp_path / "file"
    blocked.write_text("no folder", "utf-8")
    cache = Cache(blocked)
    assert settle(cache, claim).verdict == "proved"
    cache.close()


def test_two_processes_may_share_a_folder(tmp_path):
    command = [sys.executable, "-m", "verify.cli", "verify", "--examples", "2", "--json", "-", "notes.md"]
    text = (files("verify.suite") / "03-conventions.md").read_text("utf-8")
    (tmp_path / "notes.md").write_text(text, "utf-8")
    root = str(Path(str(files("verify"))).parent)
    environment = {**os.environ, "BACKPROOF_CACHE": str(tmp_path / "cache"), "PYTHONPATH": root}
    running = [
        subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    outputs = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert len(set(outputs)) == 1
    assert len(stored(tmp_path / "cache")) >= 5
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"BACKPROOF_CACHE": "/a/b", "XDG_CACHE_HOME": "/x"}, "/a/b"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/backproof"),
        ({"BACKPROOF_CACHE": ""}, None),
        ({"XDG_CACHE_HOME": "relative"}, None),
    ],
)
def test_where_the_folder_is(environment, expected):
    found = cache_folder(environment)
    assert found == (Path(expected) if expected else cache_folder({}))
