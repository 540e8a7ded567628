"""The built-in suite against the source derivation's table, and copies of it with planted errors."""

from importlib.resources import files

import pytest

from tests.documents import source_documents, system_documents
from verify.document.statements import read
from verify.judge import Judge
from verify.limits import Effort
from verify.quantities import claim_of, derivations

FEW = Effort(examples=12)

# The table of the source derivation, row by row; the inequality is tested by numbers.
LAST = {
    "tanh": "proved", "tanh'": "proved", "2.1/1": "proved", "2.1/2": "proved", "2.2": "proved", "2.2a.ij": "proved",
    "2.2a": "proved", "2.2b.0": "proved", "2.2b.ij": "proved", "2.2b": "proved", "2.2c": "proved",
    "2.2c.denominator": "refuted", "2.2c.mended": "proved", "2.2x": "refuted", "2.3": "proved", "2.4": "proved",
    "2.4.ascending": "refuted", "2.6/1": "proved", "2.6/2": "proved", "2.7a": "proved", "2.7": "proved",
    "2.7b": "proved", "2.7c": "proved", "2.8": "proved", "2.9": "proved", "K1": "proved", "K1.vec": "proved",
    "K2": "proved", "K2.U": "proved", "K2.total": "refuted", "K2.G": "proved", "K2.closed": "proved", "K2.H": "proved",
    "K3": "proved",
    "K3.column": "refuted", "K4": "proved", "K4.kron": "refuted", "2.11": "tested",
}  # fmt: skip
EVERY = {
    "2.1/1": "proved", "2.1/2": "refuted", "2.2": "proved", "2.2a.ij": "proved", "2.2a": "proved", "2.2b.0": "proved",
    "2.2b.ij": "proved", "2.2b": "proved", "2.2c": "proved", "2.2c.denominator": "refuted", "2.2x": "refuted",
    "2.3": "refuted", "2.3.local": "proved", "2.4": "refuted", "2.6/1": "refuted", "2.6/2": "proved",
    "2.7a": "proved", "2.7": "refuted", "2.7b": "proved", "2.7c": "refuted", "2.6.every": "proved", "2.8": "proved",
    "2.9": "proved", "2.4.every": "proved",
}  # fmt: skip
OPEN = {"2.2c": "conditional", "2.4": "conditional", "K4": "conditional", "2.3": "proved"}
LAYERS = {
    "2.5/1": "proved", "2.5/2": "proved", "2.5.delta": "proved", "two.2.5": "proved", "two.2.5.delta": "refuted",
    "two.2.5.last": "proved", "two.2.5.mended": "proved", "two.upper/1": "proved", "two.upper/2": "proved",
    "two.lower/1": "proved", "two.lower/2": "proved",
}  # fmt: skip
OUTPUTS = {
    "2.10": "proved", "softmax.jacobian": "proved", "2.10.softmax": "proved", "2.10.unassumed": "refuted",
    "2.10.general": "proved", "2.10.squared": "proved",
}  # fmt: skip
LOSSES = dict.fromkeys(
    ("sq.o", "sq.z", "sq.zi", "ce.oi", "ce.z", "bce.oi", "bce.jacobian", "bce.z", "bce.softplus", "bce.logits",
     "weighted.bce.z", "weighted.ce.z", "weighted.sq.z"), "proved"
)  # fmt: skip
CONVOLUTION = {
    "line.input": "proved", "line.kernel": "proved", "line.bias": "proved", "line.input.unflipped": "refuted",
    "line.kernel.turned": "refuted", "layers.error": "proved", "layers.upper": "proved", "layers.lower": "proved",
    "image.input": "proved", "image.kernel": "proved", "image.bias": "proved", "image.kernel.unflipped": "refuted",
    "image.kernel.turned": "tested", "image.associative": "tested", "connected.toeplitz": "proved",
    "connected.input": "proved", "connected.kernel": "proved", "channels.input": "proved",
    "channels.kernel": "proved", "channels.bias": "proved",
}  # fmt: skip
TABLE = {
    "01-rnn.md": LAST, "02-rnn-every-step.md": EVERY, "03-conventions.md": OPEN, "04-layers.md": LAYERS,
    "05-outputs.md": OUTPUTS, "06-convolution.md": CONVOLUTION, "07-losses.md": LOSSES,
}  # fmt: skip


def text_of(name):
    return files("verify.suite").joinpath(name).read_text(encoding="utf-8")


def entries(name, text, effort=FEW):
    document = read(name, text)
    assert not document.errors, document.errors
    return {entry.id: entry for entry in Judge(document, effort).entries() if entry.role == "claim"}


@pytest.mark.parametrize("name", sorted(TABLE))
def test_every_row_gets_the_verdict_of_the_table(name):
    found = entries(name, text_of(name))
    assert {key: entry.verdict.verdict for key, entry in found.items()} == TABLE[name]
    assert all(entry.is_ok() for entry in found.values())


def test_the_table_covers_the_whole_suite():
    assert {item.name for item in source_documents()} == set(TABLE)


@pytest.mark.parametrize("name", [item.name for item in system_documents()])
def test_every_line_of_a_system_is_proved_or_as_the_document_says(name):
    """By deciders and induction alone: the command runs the numeric witnesses on the same lines."""
    found = entries(name, text_of(name), Effort(examples=0, repair_seconds=0))
    assert {key: entry.verdict.verdict for key, entry in found.items() if not entry.is_ok(require_proof=True)} == {}
    assert sum(entry.verdict.verdict == "proved" for entry in found.values()) > 15


def test_sums_and_products_over_symbolic_steps_are_proved_by_induction():
    found = entries("01-rnn.md", text_of("01-rnn.md"))
    for name, times in (("2.8", "1 <= t"), ("2.4", "1 <= t, 1 <= k <= t"), ("K2.closed", "1 <= t")):
        verdict = found[name].verdict
        assert verdict.times == times
        assert "induction" in {outcome.witness for outcome in verdict.witnesses}
        assert verdict.certificate is not None
    assert found["2.3"].verdict.certificate is None
    assert found["2.11"].verdict.times == "t in 1..6, 1 <= k <= t"


@pytest.mark.parametrize(
    ("row", "before", "after"),
    [
        ("2.3", r"\delta_t^\top W \operatorname{diag}\left[f'(\mathrm{Net}_{t-1})\right] \tag{2.3}",
         r"\delta_t^\top W^\top \operatorname{diag}\left[f'(\mathrm{Net}_{t-1})\right] \tag{2.3}"),
        ("2.2c", r"W \operatorname{diag}\left[f'(\mathrm{Net}_{t-1})\right] \tag{2.2c}",
         r"\operatorname{diag}\left[f'(\mathrm{Net}_{t-1})\right] W \tag{2.2c}"),
        ("K2", r"s_{t-1}^\top \otimes I_n \tag{K2}", r"I_n \otimes s_{t-1}^\top \tag{K2}"),
    ],
)  # fmt: skip
def test_a_planted_error_is_refuted_at_n_2_and_changes_nothing_else(row, before, after):
    text = text_of("01-rnn.md")
    assert text.count(before) == 1
    found = entries("01-rnn.md", text.replace(before, after))
    assert {key: e.verdict.verdict for key, e in found.items()} == {**LAST, row: "refuted"}
    assert found[row].verdict.counterexample.sizes["n"] == 2


def test_the_misprint_is_refuted_at_n_1():
    assert entries("01-rnn.md", text_of("01-rnn.md"))["2.2x"].verdict.counterexample.sizes["n"] == 1


def test_ascending_products_fail_first_at_two_steps_between_and_n_2():
    example = entries("01-rnn.md", text_of("01-rnn.md"))["2.4.ascending"].verdict.counterexample
    assert example.times["t"] - example.times["k"] == 2
    assert example.sizes["n"] == 2


def test_every_step_of_every_derivation_is_a_true_claim():
    """A derivation is data with provenance: a wrong rule would be named by the first step that fails."""
    from dataclasses import replace

    from verify.deciders import prime_field
    from verify.times import instances

    checked = 0
    for name, derivation in derivations():
        whole = claim_of(derivation)
        for step in derivation.steps:
            claim = replace(whole, left=step.before, right=step.after)
            for times in list(instances(claim, 3))[:2]:
                outcome = prime_field.decide_at(claim, times).outcome
                assert outcome in ("equal", "limit", "unknown"), f"{name}: {step.rule}"
                checked += outcome == "equal"
    assert checked > 300
