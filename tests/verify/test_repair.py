"""Repairs: the source rows are mended as the source says, and nothing is offered that is not proved."""

import random
from dataclasses import replace

import pytest

from derive.errors import BackproofError
from derive.latex.printer import latex
from tests.documents import source_documents
from verify.document.statements import read
from verify.edits import KINDS, edits
from verify.judge import Judge
from verify.limits import Effort
from verify.repair import FREQUENT, Search

BLOCK = r"""```backproof
symbols: {x_t: m, s_t: n, '\mathrm{Net}_t': n, '\delta_t': n, U: n x m, W: n x n, f: elementwise, E: loss(last s)}
time: 1..t
indices: {k: t}
KEYS
given: ['1', 'd']
```
$$\mathrm{Net}_t = U x_t + W s_{t-1}, \quad s_t = f(\mathrm{Net}_t) \tag{1}$$
$$\delta_t^\top = \frac{\partial E}{\partial \mathrm{Net}_t} \tag{d}$$
"""
KEYS = "layout: numerator\ngradient: row\nproducts: descending\npartial: total\nvec: column\nmatrix: family"
J = r"\frac{\partial \mathrm{Net}_t}{\partial \mathrm{Net}_{t-1}}"
SLOPE = r"f'(\mathrm{Net}_{t-1})"
D = rf"\operatorname{{diag}}\left[{SLOPE}\right]"


def judged(formula, keys=KEYS, **effort):
    document = read("notes.md", BLOCK.replace("KEYS", keys) + f"$${formula} \\tag{{c}}$$\n")
    (entry,) = [e for e in Judge(document, Effort(examples=2, **effort)).entries() if e.role == "claim"]
    return entry.verdict


def check_mended(formula, line, words, keys=KEYS):
    """The best repair is this line, and the line by itself is proved."""
    verdict = judged(formula, keys)
    assert verdict.verdict == "refuted"
    assert (verdict.repairs[0].latex, verdict.repairs[0].edit) == (line, words)
    assert judged(line, keys).verdict == "proved"


@pytest.mark.parametrize(
    ("formula", "line", "words"),
    [
        (rf"{J} = W^\top {D}", rf"{J} = W {D}", "Wᵀ should be W"),
        (r"\delta_{t-1} = W^\top \delta_t \odot f'(\mathrm{Net}_t)",
         rf"\delta_{{t-1}} = W^\top \delta_t \odot {SLOPE}", "f'(Net[t]) should be f'(Net[t-1])"),
        (r"\delta_{t-1} = W^\top \delta_t \odot f(\mathrm{Net}_{t-1})",
         rf"\delta_{{t-1}} = W^\top \delta_t \odot {SLOPE}", "f(Net[t-1]) should be f'(Net[t-1])"),
        (r"\delta_{t-1} = W^\top \delta_t", rf"\delta_{{t-1}} = {D} W^\top \delta_t",
         "Wᵀ δ[t] should be diag(f'(Net[t-1])) Wᵀ δ[t]"),
        (rf"\delta_{{t-1}} = W^\top (\delta_t \odot {SLOPE})", rf"\delta_{{t-1}} = W^\top \delta_t \odot {SLOPE}",
         "Wᵀ (δ[t] ⊙ f'(Net[t-1])) should be Wᵀ δ[t] ⊙ f'(Net[t-1])"),
        (rf"\delta_{{t-1}}^\top = -\delta_t^\top W {D}", rf"\delta_{{t-1}}^\top = \delta_t^\top W {D}",
         "-δ[t]ᵀ W diag(f'(Net[t-1])) should be δ[t]ᵀ W diag(f'(Net[t-1]))"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_mended(formula, line, words):
    check_mended(formula, line, words)
    assert judged(formula).reason == "value"


@pytest.mark.parametrize(
    ("formula", "line", "words"),
    [
        (rf"\delta_{{t-1}}^\top = \delta_t W {D}", rf"\delta_{{t-1}}^\top = \delta_t^\top W {D}",
         "δ[t] should be δ[t]ᵀ"),
        (rf"\delta_{{t-1}}^\top = W \delta_t^\top {D}", rf"\delta_{{t-1}}^\top = \delta_t^\top W {D}",
         "W δ[t]ᵀ diag(f'(Net[t-1])) should be δ[t]ᵀ W diag(f'(Net[t-1]))"),
        (rf"{J} = W {SLOPE}", rf"{J} = W {D}", "f'(Net[t-1]) should be diag(f'(Net[t-1]))"),
        (rf"\delta_{{t-1}} = {D} \odot W^\top \delta_t", rf"\delta_{{t-1}} = {SLOPE} \odot W^\top \delta_t",
         "diag(f'(Net[t-1])) should be f'(Net[t-1])"),
        (rf"\delta_{{t-1}} = W^\top \delta_t {D}", rf"\delta_{{t-1}} = {D} W^\top \delta_t",
         "Wᵀ δ[t] diag(f'(Net[t-1])) should be diag(f'(Net[t-1])) Wᵀ δ[t]"),
        (r"\frac{\partial E}{\partial W} = \sum_{k=1}^{t} \delta_k s_{k-1}",
         r"\frac{\partial E}{\partial W} = \sum_{k=1}^{t} \delta_k s_{k-1}^\top", "s[k-1] should be s[k-1]ᵀ"),
        (r"\frac{\partial \mathrm{Net}_t}{\partial x_t} = W", r"\frac{\partial \mathrm{Net}_t}{\partial x_t} = U",
         "W should be U"),
    ],
)  # fmt: skip
def test_a_wrong_shape_is_mended_by_the_same_list(formula, line, words):
    check_mended(formula, line, words)
    assert judged(formula).reason == "shape"


def test_an_open_convention_must_be_mended_in_every_reading():
    """Under an open layout the Jacobian has two values; δ has one."""
    keys = "gradient: row"
    check_mended(rf"\delta_{{t-1}}^\top = \delta_t W {D}", rf"\delta_{{t-1}}^\top = \delta_t^\top W {D}",
                 "δ[t] should be δ[t]ᵀ", keys)  # fmt: skip
    assert judged(rf"{J} = W^\top {SLOPE}", keys).repairs == ()
    check_mended(r"\frac{\partial \mathrm{Net}_t}{\partial x_t} = 2 U^\top",  # in one layout only it is no shape error
                 r"\frac{\partial \mathrm{Net}_t}{\partial x_t} = U^\top", "2 Uᵀ should be Uᵀ", keys)  # fmt: skip
    conditional = judged(rf"{J} = W {D}", keys)
    assert (conditional.verdict, conditional.repairs) == ("conditional", ())


@pytest.mark.parametrize(
    "formula",
    [
        r"\delta_{t-1} = U x_t",
        r"\delta_{t-1} = W \delta_t \odot f'(\mathrm{Net}_t)",  # two slips
        r"\delta_{t-1} = x_t x_t^\top W",  # ill-typed, and no single edit helps
    ],
)
def test_what_is_more_than_one_edit_away_gets_no_false_hope(formula):
    verdict = judged(formula)
    assert (verdict.verdict, verdict.repairs, verdict.repair_note) == ("refuted", (), "")


def test_the_limit_is_kept_and_said():
    formula = rf"{J} = W^\top {D}"
    assert judged(formula, repair_seconds=0).repairs == ()
    short = judged(formula, repair_seconds=1e-9)
    assert short.repairs == ()
    assert "stopped after 1e-09 s; --repair-limit" in short.repair_note


def check_open_product(formula, line):
    """The direction of products is open, and nothing in the line asks for it."""
    keys = KEYS.replace("products: descending\n", "")
    verdict = judged(formula, keys)
    assert (verdict.verdict, verdict.readings) == ("refuted", ())
    assert verdict.repairs[0].latex == line
    assert judged(line, keys).verdict == "proved"


def test_a_product_with_bounds_that_run_down_keeps_them():
    body = r"W \operatorname{diag}\left[f'(\mathrm{Net}_i)\right]"
    left = r"\frac{\partial \mathrm{Net}_t}{\partial \mathrm{Net}_k}"
    check_open_product(rf"{left} = \prod_{{i=t}}^{{k}} {body}", rf"{left} = \prod_{{t-1 \ge i \ge k}} {body}")


NUMBERED = r"""```backproof
symbols: {x_t: m, s_t: N, net_t: N, U: N x m, W: N x N, w: entries of W, f: elementwise}
indices: {t: 1..T, n: component}
layout: numerator
given: ['1']
```
$$net_t = U x_t + W s_{t-1}, \quad s_t = f(net_t) \tag{1}$$
"""
STACKED = r"""```backproof
symbols:
  'h_t^{(l)}': n_l
  'U^{(l)}': n_l x n_l
  'W^{(l)}': n_l x n_{l-1}
  'b^{(l)}': n_l
  f: elementwise
indices: {t: 1..T, l: 1..L}
given: ['1']
```
$$h_t^{(l)} = f(U^{(l)} h_{t-1}^{(l)} + W^{(l)} h_t^{(l-1)} + b^{(l)}) \tag{1}$$
"""
LAYER = r"h_t^{(l)} = f\left(U^{(l)} h_{t-1}^{(l)} + W^{(l)} h_t^{(l-1)} + b^{(l)}\right)"


def judge_of(head, formula, **effort):
    return Judge(read("notes.md", f"{head}$${formula} \\tag{{c}}$$\n"), Effort(examples=2, **effort))


def verdict_in(head, formula, **effort):
    (entry,) = [e for e in judge_of(head, formula, **effort).entries() if e.role == "claim"]
    return entry.verdict


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        (r"w_{1n} f(net_n^{t-1})", r"W_{1n} f'\left(\left[net_{t-1}\right]_{n}\right)"),
        (r"w_{12} f(net_2^{t-1})", r"W_{1,2} f'\left(\left[net_{t-1}\right]_{2}\right)"),
    ],
)
def test_numbered_components_are_printed_as_numbers(wrong, right):
    column = "2" if "_2" in wrong else "n"
    left = rf"\frac{{\partial net_1^{{t}}}}{{\partial net_{column}^{{t-1}}}}"
    (repair, *_) = verdict_in(NUMBERED, f"{left} = {wrong}").repairs
    assert repair.latex == f"{left} = {right}"
    assert verdict_in(NUMBERED, repair.latex).verdict == "proved"


@pytest.mark.parametrize(
    "wrong",
    [
        r"f(U^{(l)} h_{t-1}^{(l)} + W^{(l)} h_{t-1}^{(l-1)} + b^{(l)})",
        r"f'(U^{(l)} h_{t-1}^{(l)} + W^{(l)} h_t^{(l-1)} + b^{(l)})",
        r"f(U^{(l)} h_t^{(l)} + W^{(l)} h_t^{(l-1)} + b^{(l)})",
    ],
)
def test_a_claim_over_layers_is_mended_as_written(wrong):
    """At one layer the line has names, h^(2), that nobody wrote; the edit is made before that."""
    verdict = verdict_in(STACKED, f"h_t^{{(l)}} = {wrong}")
    assert (verdict.verdict, verdict.repairs[0].latex) == ("refuted", LAYER)
    mended = verdict.repairs[0].verdict
    assert (mended.verdict, mended.is_proved_at_each) == ("tested", True)
    assert "L = 1, l = 1 to L = 3, l = 3" in mended.times


def test_edits_over_layers_hold_sizes_of_layers_and_break_nothing():
    """The sum 1ᵀc of a slip has a row of n_l ones: its size is a function of the layer."""
    head = STACKED.replace("  'b^{(l)}': n_l", "  'b^{(l)}': n_l\n  'c^{(l)}': n_l")
    verdict = verdict_in(head, r"h_t^{(l)} = f(U^{(l)} h_{t-1}^{(l)} + W^{(l)} h_t^{(l-1)} + c^{(l)})")
    assert (verdict.verdict, verdict.repairs, verdict.repair_note) == ("refuted", (), "")


def test_over_layers_nothing_is_offered_that_is_only_tested_at_one_of_them():
    judge = judge_of(STACKED, "h_t^{(l)} = f(U^{(l)} h_{t-1}^{(l)} + W^{(l)} h_{t-1}^{(l-1)} + b^{(l)})")
    settle = judge.settler

    def doubting(claim, effort, session):
        verdict = settle(claim, effort, session)
        is_second = str(claim.left.name) == "h^{(2)}"
        return replace(verdict, verdict="tested") if is_second and verdict.verdict == "proved" else verdict

    judge.settler = doubting
    (entry,) = [e for e in judge.entries() if e.role == "claim"]
    assert (entry.verdict.verdict, entry.verdict.repairs) == ("refuted", ())


MENDS = {
    "01-rnn.md::2.2c.denominator": rf"{J} = {D} W^\top",
    "01-rnn.md::2.2x": rf"{J} = W {D}",
    "01-rnn.md::2.4.ascending":
        r"\delta_k^\top = \delta_t^\top \prod_{t-1 \ge i \ge k} W \operatorname{diag}\left[f'(\mathrm{Net}_i)\right]",
    "01-rnn.md::K2.total":
        r"\frac{\partial^{+} \operatorname{vec} \mathrm{Net}_t}{\partial \operatorname{vec} W}"
        r" = s_{t-1}^\top \otimes I_n",
    "01-rnn.md::K3.column":
        r"\frac{\partial^{+} \operatorname{vec} \mathrm{Net}_t}{\partial \operatorname{vec} W}"
        r" = s_{t-1}^\top \otimes I_n",
    "01-rnn.md::K4.kron":
        r"\frac{\partial W}{\partial W} = \operatorname{vec}(I_n) \operatorname{vec}(I_n)^\top",
    "02-rnn-every-step.md::2.1/2":
        r"\frac{\partial E}{\partial \mathrm{Net}_{t-1}} = \delta_t^\top"
        rf" {J} + \frac{{\partial^{{+}} E}}{{\partial s_{{t-1}}}} {D}",
    "02-rnn-every-step.md::2.2c.denominator": rf"{J} = {D} W^\top",
    "02-rnn-every-step.md::2.2x": rf"{J} = W {D}",
    "02-rnn-every-step.md::2.3":
        rf"\delta_{{t-1}}^\top = \delta_t^\top W {D} + \frac{{\partial^{{+}} E}}{{\partial s_{{t-1}}}} {D}",
    "04-layers.md::two.2.5.delta":
        r"\lambda_t^\top = \delta_t^\top U \operatorname{diag}\left[g'(\mathrm{Low}_t)\right]"
        r" + \lambda_{t+1}^\top B \operatorname{diag}\left[g'(\mathrm{Low}_t)\right]",
    "05-outputs.md::2.10.unassumed":
        r"\frac{\partial E}{\partial z_k} = \left(\left(\mathbf{1}^\top y_k\right) o_k - y_k\right)^\top",
    "06-convolution.md::line.input.unflipped":
        r"\frac{\partial E}{\partial x} = \operatorname{convolve}_{\mathrm{full}}\left(\delta, w\right)",
    "06-convolution.md::line.kernel.turned":
        r"\frac{\partial E}{\partial w} = \operatorname{correlate}\left(x, \delta\right)",
    "06-convolution.md::image.kernel.unflipped":
        r"\frac{\partial E}{\partial K}"
        r" = \operatorname{rot180}\left(\operatorname{correlate}\left(X, \delta\right)\right)",
}  # fmt: skip
FURTHER_AWAY = {  # a sum over steps, or the unrolled form of another line, must be written anew
    "02-rnn-every-step.md::2.4",
    "02-rnn-every-step.md::2.6/1",
    "02-rnn-every-step.md::2.7",
    "02-rnn-every-step.md::2.7c",
}


def suite_documents():
    for item in source_documents():
        yield read(item.name, item.read_text(encoding="utf-8"))


def test_the_refuted_rows_of_the_suite_are_mended_as_the_source_says():
    found = {}
    for document in suite_documents():
        wrong = {s.id for s in document.claims if "refuted" in s.directives.expect.values()}
        judge = Judge(document, Effort(examples=2, repair_seconds=20))
        for entry in judge.entries(lambda name, wrong=wrong: name.split("/")[0] in wrong):
            if entry.role == "claim" and entry.verdict.verdict == "refuted":
                assert all(repair.verdict.verdict == "proved" for repair in entry.verdict.repairs)
                found[f"{document.source.path}::{entry.id}"] = [repair.latex for repair in entry.verdict.repairs]
    assert {name: lines[0] for name, lines in found.items() if lines} == MENDS
    assert {name for name, lines in found.items() if not lines} == FURTHER_AWAY


def planted():
    """True lines of the suite, one edit planted in each, read again: judge, statement, link, readings, text."""
    for document in suite_documents():
        judge = Judge(document, Effort(examples=0, repair_seconds=20))
        for statement in document.claims:
            for link in statement.links:
                expected = statement.directives.expect
                if expected.get(str(link.position), expected.get("", "proved")) == "proved":
                    yield from planted_in(judge, statement, link)


def planted_in(judge, statement, link):
    readings = judge.interpreter.readings(statement, link)
    claim = readings[0].claim
    if claim.relation != "=" or judge.verdict(link, readings).verdict != "proved":
        return
    conventions = statement.declarations.conventions.reading(readings[0].choices)
    found = sorted(edits(claim), key=lambda edit: edit.name)
    for edit in random.Random(statement.id).sample(found, 1):
        try:
            line = " = ".join(latex(side, conventions) for side in (edit.claim.left, edit.claim.right))
            wrong = Search(statement, link, judge.interpreter, judge.verdict, 20).read(line)
        except BackproofError:  # not to be written under the conventions of this document
            continue
        yield judge, statement, wrong, judge.interpreter.readings(statement, wrong), line


def test_planted_errors_are_mended():
    """What one edit broke, one edit mends: nearly always, and by what is proved."""
    outcomes = []
    for judge, statement, link, readings, line in planted():
        if judge.verdict(link, readings).verdict == "refuted":
            search = Search(statement, link, judge.interpreter, judge.verdict, 20, text=line)
            search.run(readings)
            assert search.is_complete
            assert all(repair.verdict.verdict == "proved" for repair in search.repairs)
            outcomes.append(bool(search.repairs))
    assert len(outcomes) > 40
    assert sum(outcomes) >= 0.9 * len(outcomes)


def test_every_kind_of_edit_has_its_rank():
    assert sorted(FREQUENT) == sorted(KINDS)
