"""What a refuted claim is told: the convention under which it holds, what holds instead, the term that is missing."""

import pytest

from verify.document.statements import read
from verify.judge import Judge
from verify.limits import Effort

BLOCK = r"""```backproof
symbols: {x_t: m, s_t: n, '\mathrm{Net}_t': n, '\delta_t': n, U: n x m, W: n x n, f: elementwise, E: loss(LOSS)}
time: 1..t
layout: numerator
gradient: row
products: descending
partial: total
vec: column
given: ['1', 'd']
```
$$\mathrm{Net}_t = U x_t + W s_{t-1}, \quad s_t = f(\mathrm{Net}_t) \tag{1}$$
$$\delta_t^\top = \frac{\partial E}{\partial \mathrm{Net}_t} \tag{d}$$
"""
JACOBIAN = r"\frac{\partial \mathrm{Net}_t}{\partial \mathrm{Net}_{t-1}}"
SLOPE = r"\operatorname{diag}[f'(\mathrm{Net}_{t-1})]"


def hint(formula, loss="last s"):
    document = read("notes.md", BLOCK.replace("LOSS", loss) + f"$${formula} \\tag{{c}}$$\n")
    (entry,) = [e for e in Judge(document, Effort(examples=0)).entries() if e.role == "claim"]
    return entry.verdict.verdict, entry.verdict.hint


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (rf"{JACOBIAN} = {SLOPE} W^\top",
         "right with layout: denominator; with the declared layout: numerator it reads W diag(f'(Net[t-1]))"),
        (rf"{JACOBIAN} = W^\top {SLOPE}",
         "right in no layout; with the declared layout: numerator it reads W diag(f'(Net[t-1]))"),
        (r"\frac{\partial \operatorname{vec} \mathrm{Net}_t}{\partial \operatorname{vec} W} = s_{t-1}^\top \otimes I_n",
         "right with partial: immediate"),
    ],
)  # fmt: skip
def test_a_claim_of_another_convention_is_told_so(formula, expected):
    assert hint(formula) == ("refuted", expected)


@pytest.mark.parametrize(
    ("formula", "term"),
    [
        (rf"\delta_{{t-1}}^\top = \delta_t^\top W {SLOPE}", "(∂⁺E/∂s[t-1])ᵀ diag(f'(Net[t-1]))"),
        (rf"\delta_{{t-1}} = {SLOPE} W^\top \delta_t", "diag(f'(Net[t-1])) ∂⁺E/∂s[t-1]"),
        (r"\frac{\partial E}{\partial s_{t-1}} = \delta_t^\top W", "(∂⁺E/∂s[t-1])ᵀ"),
    ],
)
def test_with_a_loss_at_every_step_the_missing_term_is_named(formula, term):
    verdict, found = hint(formula, "each s")
    assert verdict == "refuted"
    assert f"the term {term} is missing" in found
    assert hint(formula, "last s") == ("proved", "")


def test_a_number_in_a_missing_term():
    """s_t = f(½ Net_t): a number in a Jacobian stays in its transpose."""
    block = BLOCK.replace("LOSS", "each s").replace(r"f(\mathrm{Net}_t) \tag", r"f(\frac{1}{2} \mathrm{Net}_t) \tag")
    formula = r"\delta_{t-1} = \frac{1}{2} \operatorname{diag}[f'(\frac{1}{2} \mathrm{Net}_{t-1})] W^\top \delta_t"
    document = read("notes.md", block + f"$${formula} \\tag{{c}}$$\n")
    (entry,) = [e for e in Judge(document, Effort(examples=0)).entries() if e.role == "claim"]
    assert entry.verdict.verdict == "refuted"
    assert "the term 1/2 diag(f'(1/2 Net[t-1])) ∂⁺E/∂s[t-1] is missing" in entry.verdict.hint


def test_a_wrong_claim_that_no_reading_saves_gets_no_false_hope():
    assert hint(r"\delta_{t-1}^\top = 2 \delta_t^\top W \operatorname{diag}[f'(\mathrm{Net}_{t-1})]") == ("refuted", "")
