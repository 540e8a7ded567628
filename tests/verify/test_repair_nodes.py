"""A wrong line about stacks, functions of several arguments or components: refuted, mended, explained."""

import random

import pytest

from derive.errors import BackproofError
from derive.latex.printer import latex
from tests.verify.explained import check_same, printed, printed_all
from verify.document.statements import read
from verify.edits import edits
from verify.explain import program
from verify.judge import Judge
from verify.limits import Effort
from verify.repair import Search

KEYS = """
layout: numerator
gradient: shape
matrix: family
vec: column
products: descending
partial: total
"""
LSTM = (
    r"""```backproof
symbols: {x_t: m, h_t: n, c_t: n, W: n x n+m, b: n, V: n x n+m, a_t: n, z_t: n, g: elementwise, E: loss(last h),
          sigma: elementwise, f_t: n, p: n}
time: 1..T
indices: {k: t}
given: ['z', 'a', 'f', 'c', 'h']
"""
    + KEYS
    + r"""```
$$ z_t = W [h_{t-1}; x_t] + b \tag{z}$$
$$ a_t = V [h_{t-1}; x_t] + p \tag{a}$$
$$ f_t = \sigma(z_t) \tag{f}$$
$$ c_t = f_t \odot c_{t-1} + g(a_t) \tag{c}$$
$$ h_t = g(c_t) \tag{h}$$
"""
).replace("sigma:", r"'\sigma':")
SLOTS = (
    r"""```backproof
symbols: {x_t: m, h_t: n, F: 'function(x: m, h: n) -> n', E: loss(last h)}
time: 1..T
indices: {k: t}
given: ['h']
"""
    + KEYS
    + r"""```
$$ h_t = F(x_t, h_{t-1}) \tag{h}$$
"""
)
COMPONENTS = (
    r"""```backproof
symbols: {x: m, z: n, y: n, W: n x m, f: elementwise, E: loss(y)}
indices: {i: component, j: component, k: component}
given: ['z', 'y']
"""
    + KEYS
    + r"""```
$$ z_i = \sum_j W_{ij} x_j \tag{z}$$
$$ y_i = f(z_i) \tag{y}$$
"""
)

RIGHT_AND_WRONG = {  # document, the line as it should be, the line with one slip
    "stack: the step": (
        LSTM,
        r"\frac{\partial E}{\partial W} = \sum_{k=1}^{T} \frac{\partial E}{\partial z_k} [h_{k-1}; x_k]^\top",
        r"\frac{\partial E}{\partial W} = \sum_{k=1}^{T} \frac{\partial E}{\partial z_k} [h_{k}; x_k]^\top"),
    "stack: the other gate": (
        LSTM,
        r"\frac{\partial E}{\partial V} = \sum_{k=1}^{T} \frac{\partial E}{\partial a_k} [h_{k-1}; x_k]^\top",
        r"\frac{\partial E}{\partial V} = \sum_{k=1}^{T} \frac{\partial E}{\partial z_k} [h_{k-1}; x_k]^\top"),
    "slot: the step": (
        SLOTS,
        r"\frac{\partial h_t}{\partial x_{t-1}} = \frac{\partial F(x_t, h_{t-1})}{\partial h_{t-1}}"
        r" \frac{\partial h_{t-1}}{\partial x_{t-1}}",
        r"\frac{\partial h_t}{\partial x_{t-1}} = \frac{\partial F(x_t, h_{t-1})}{\partial h_{t-1}}"
        r" \frac{\partial h_{t}}{\partial x_{t-1}}"),
    "slot: the other slot": (
        SLOTS,
        r"\frac{\partial h_t}{\partial x_t} = \frac{\partial F(x_t, h_{t-1})}{\partial x_t}",
        r"\frac{\partial h_t}{\partial x_t} = \frac{\partial F(x_t, h_t)}{\partial x_t}"),
    "slot: a transpose": (
        SLOTS,
        r"\frac{\partial E}{\partial h_{t-1}} = \frac{\partial F(x_t, h_{t-1})}{\partial h_{t-1}}^\top"
        r" \frac{\partial E}{\partial h_t}",
        r"\frac{\partial E}{\partial h_{t-1}} = \frac{\partial F(x_t, h_{t-1})}{\partial h_{t-1}}"
        r" \frac{\partial E}{\partial h_t}"),
    "component: a factor": (
        COMPONENTS,
        r"\frac{\partial E}{\partial W_{ij}} = \frac{\partial E}{\partial z_i} x_j",
        r"\frac{\partial E}{\partial W_{ij}} = -\frac{\partial E}{\partial z_i} x_j"),
    "component: a slope": (
        COMPONENTS,
        r"\frac{\partial E}{\partial z_i} = \frac{\partial E}{\partial y_i} f'(z_i)",
        r"\frac{\partial E}{\partial z_i} = \frac{\partial E}{\partial y_i} f(z_i)"),
    "component: summed": (
        COMPONENTS,
        r"\frac{\partial E}{\partial x_j} = \sum_i \frac{\partial E}{\partial z_i} W_{ij}",
        r"\frac{\partial E}{\partial x_j} = \sum_i \frac{\partial E}{\partial y_i} W_{ij}"),
}  # fmt: skip


def judged(block, formula, examples=8, **effort):
    document = read("notes.md", f"{block}$${formula} \\tag{{line}}$$\n")
    (entry,) = [
        e for e in Judge(document, Effort(examples=examples, seconds=0, **effort)).entries() if e.role == "claim"
    ]
    return entry.verdict


def check_explained(verdict, tmp_path):
    """The program prints both sides as the report does."""
    check_same(printed(program(verdict.claim, verdict.counterexample, "line"), tmp_path), verdict.counterexample)


@pytest.mark.parametrize("name", RIGHT_AND_WRONG)
def test_a_wrong_line_is_refuted_mended_and_explained(name, tmp_path):
    block, right, wrong = RIGHT_AND_WRONG[name]
    assert judged(block, right, repair_seconds=0).verdict == "proved"
    verdict = judged(block, wrong, repair_seconds=20)
    assert (verdict.verdict, verdict.reason) == ("refuted", "value"), verdict.message
    assert judged(block, verdict.repairs[0].latex, repair_seconds=0).verdict == "proved"
    assert verdict.repairs[0].latex.split("=")[0].strip() == right.split("=")[0].strip()
    check_explained(verdict, tmp_path)


def test_a_stack_between_known_functions_is_explained_in_rounded_numbers(tmp_path):
    """σ and tanh; one gate alone, for the exact witness multiplies out all paths."""
    known = LSTM.replace("g: elementwise", "g: tanh").replace("elementwise", "sigmoid")
    gate = known.replace("+ g(a_t)", "+ p").replace("'a', ", "")
    gate = "".join(line for line in gate.splitlines(keepends=True) if r"\tag{a}" not in line)
    verdict = judged(gate, RIGHT_AND_WRONG["stack: the step"][2], repair_seconds=0, examples=4)
    assert verdict.verdict == "refuted", verdict.message
    assert verdict.message.startswith("block ")
    check_explained(verdict, tmp_path)


def planted(name):
    """A true line, some edits planted in it, each read again where it can be written: a search for repairs."""
    block, right, _ = RIGHT_AND_WRONG[name]
    document = read("notes.md", f"{block}$${right} \\tag{{line}}$$\n")
    judge = Judge(document, Effort(examples=4, seconds=0, repair_seconds=20))
    (statement,) = document.claims
    (link,) = statement.links
    (reading,) = judge.interpreter.readings(statement, link)
    conventions = statement.declarations.conventions.reading(reading.choices)
    found = sorted(edits(reading.claim), key=lambda edit: edit.name)
    for edit in random.Random(name).sample(found, 6):
        try:
            line = " = ".join(latex(side, conventions) for side in (edit.claim.left, edit.claim.right))
            wrong = Search(statement, link, judge.interpreter, judge.verdict, 20).read(line)
            readings = judge.interpreter.readings(statement, wrong)
        except BackproofError:  # not to be written in this document
            continue
        yield (
            judge.verdict(wrong, readings),
            Search(statement, wrong, judge.interpreter, judge.verdict, 20, text=line),
            readings,
        )


def test_planted_errors_are_refuted_mended_and_explained(tmp_path):
    outcomes, verdicts = [], []
    for name in RIGHT_AND_WRONG:
        for verdict, search, readings in planted(name):
            if verdict.verdict == "refuted" and verdict.reason == "value":
                verdicts.append(verdict)
                search.run(readings)
                assert all(repair.verdict.verdict == "proved" for repair in search.repairs)
                outcomes.append((name, bool(search.repairs)))
    texts = [program(verdict.claim, verdict.counterexample, "line") for verdict in verdicts]
    for output, verdict in zip(printed_all(texts, tmp_path), verdicts, strict=True):
        check_same(output, verdict.counterexample)
    assert len(outcomes) > 24
    assert {name for name, is_mended in outcomes if is_mended} == set(RIGHT_AND_WRONG)
    assert sum(is_mended for _, is_mended in outcomes) >= 0.9 * len(outcomes)
