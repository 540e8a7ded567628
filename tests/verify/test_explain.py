"""Explanations: the programs of all refuted claims run by themselves and print what the report says."""

import random

import pytest
from click.testing import CliRunner

from derive.language.nodes import Slot
from tests.documents import source_documents
from tests.verify.explained import check_same, printed, printed_all
from verify.check import settle
from verify.cli import main
from verify.document.statements import read
from verify.edits import edits
from verify.explain import missing_rows, program
from verify.judge import Judge
from verify.limits import Effort

QUICK = Effort(examples=0, repair_seconds=0)


def refuted():
    for item in source_documents():
        document = read(item.name, item.read_text(encoding="utf-8"))
        wrong = {s.id for s in document.claims if {"refuted", "conditional"} & set(s.directives.expect.values())}
        for entry in Judge(document, QUICK).entries(lambda name, wrong=wrong: name.split("/")[0] in wrong):
            if entry.role == "claim" and entry.verdict.counterexample is not None:
                yield f"{item.name} {entry.id}", entry.verdict


def test_every_refuted_claim_of_the_suite_explains_itself(tmp_path):
    found = list(refuted())
    texts = [program(verdict.claim, verdict.counterexample, name) for name, verdict in found]
    assert not any("import verify" in text or "import sympy" in text for text in texts)
    for (_, verdict), output in zip(found, printed_all(texts, tmp_path), strict=True):
        check_same(output, verdict.counterexample)
    assert len(found) == 19


def test_planted_errors_explain_themselves(suite, tmp_path):
    """All kinds of formulas of the suite, each with one edit: every node of the language that it uses is computed."""
    texts, examples = [], []
    for name, (claim, expected) in suite.items():
        if expected == "" and claim.relation == "=":
            found = sorted(edits(claim), key=lambda edit: edit.name)
            for edit in random.Random(name).sample(found, 1):
                verdict = settle(edit.claim, QUICK)
                if verdict.verdict == "refuted":
                    texts.append(program(edit.claim, verdict.counterexample, edit.name))
                    examples.append(verdict.counterexample)
    for output, example in zip(printed_all(texts, tmp_path), examples, strict=True):
        check_same(output, example)
    assert len(texts) > 40


def test_only_a_slot_has_no_value():
    """It is a place, below the line of a derivative only."""
    assert missing_rows() == (Slot,)


def test_whatever_a_claim_is_called_stays_text(tmp_path):
    verdict = next(verdict for name, verdict in refuted() if name == "01-rnn.md K3.column")
    text = program(verdict.claim, verdict.counterexample, '"""\\\nimport nothing_of_this_kind\n"""')
    check_same(printed(text, tmp_path), verdict.counterexample)


def test_the_command_prints_a_program_and_nothing_else(tmp_path):
    result = CliRunner().invoke(main, ["verify", "--explain", "01-rnn.md::K3.column"])
    assert result.exit_code == 0
    output = printed(result.output, tmp_path)
    assert output.splitlines()[:2] == [
        "left  = [[0, 0, 1, 0], [0, 0, 0, 1]]",
        "right = [[0, 1, 0, 0], [0, 0, 0, 1]]",
    ]


@pytest.mark.parametrize(("name", "says"), [("K1", "it is proved, which leaves no"), ("9.9", "matches no claim")])
def test_what_cannot_be_explained_is_said(name, says):
    result = CliRunner().invoke(main, ["verify", "--explain", name])
    assert result.exit_code == 2
    assert says in " ".join(result.stderr.split())
    assert result.stdout == ""


NUMERIC = r"""```backproof
symbols: {A: n x n, B: n x n, v: n, f: elementwise, g: tanh}
```
$$(A B)^{-1} = A^{-1} B^{-1} \tag{inverse}$$
$$\|A B\| \ge \|A\| \|B\| \tag{norm}$$
$$\|g(v)\| \le \frac{1}{2} \|v\| \tag{known}$$
$$\|f(v)\| \le \|v\| \tag{unknown}$$
"""


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("inverse", "they differ at"),
        ("norm", "left >= right fails at (1, 1)"),
        ("known", "left <= right fails at (1, 1)"),
    ],
)
def test_the_command_explains_what_numbers_refuted(name, says, tmp_path):
    (tmp_path / "notes.md").write_text(NUMERIC, encoding="utf-8")
    result = CliRunner().invoke(main, ["verify", str(tmp_path / "notes.md"), "--explain", name])
    assert result.exit_code == 0, result.stderr
    assert says in printed(result.stdout, tmp_path)


def test_the_command_says_why_there_is_no_program(tmp_path):
    (tmp_path / "notes.md").write_text(NUMERIC, encoding="utf-8")
    result = CliRunner().invoke(main, ["verify", str(tmp_path / "notes.md"), "--explain", "unknown"])
    assert (result.exit_code, result.stdout) == (2, "")
    message = " ".join(result.stderr.split())
    assert "--explain unknown: it was refuted by numeric witnesses alone, which drew f at random" in message
    assert "with a known function for f there is one" in message
