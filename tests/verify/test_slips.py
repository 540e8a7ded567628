"""The slips that a proof for all steps must not survive: each refuted with a smallest counterexample."""

import pytest

from verify.document.statements import read
from verify.judge import Judge
from verify.limits import Effort

HEAD = r"""```backproof
symbols: {x_t: m, s_t: n, '\mathrm{Net}_t': n, '\delta_t': n, e_t: n, G_t: n x n*n, U: n x m, W: n x n,
          f: elementwise, E: loss(LOSS)}
time: 1..t
indices: {k: t}
layout: numerator
gradient: row
matrix: family
vec: column
products: descending
partial: total
given: ['1', 'd', 'e', 'G']
```
$$\mathrm{Net}_t = U x_t + W s_{t-1}, \quad s_t = f(\mathrm{Net}_t) \tag{1}$$
$$\delta_t^\top = \frac{\partial E}{\partial \mathrm{Net}_t} \tag{d}$$
$$e_t^\top = \frac{\partial^{+} E}{\partial s_t} \tag{e}$$
$$G_t = \frac{\partial \operatorname{vec} \mathrm{Net}_t}{\partial \operatorname{vec} W} \tag{G}$$
"""


def D(step):
    return rf"\operatorname{{diag}}[f'(\mathrm{{Net}}_{{{step}}})]"


def product(body, low="k", high="t-1"):
    return rf"\delta_k^\top = \delta_t^\top \prod_{{i={low}}}^{{{high}}} {body}"


def closed(left=None, low="1", high="t", inner="t-1", tail=r"(s_{k-1}^\top \otimes I_n)"):
    body = left or f"W {D('i')}"
    return rf"G_t = \sum_{{k={low}}}^{{{high}}} \left(\prod_{{i=k}}^{{{inner}}} {body}\right) {tail}"


RIGHT = {
    "2.4": product(f"W {D('i')}"),
    "G": closed(),
    "W": r"\frac{\partial E}{\partial W} = \sum_{k=1}^{t} \delta_k s_{k-1}^\top",
    "U": r"\frac{\partial E}{\partial U} = \sum_{k=1}^{t} \delta_k x_k^\top",
    "G recurrence": rf"G_t = s_{{t-1}}^\top \otimes I_n + W {D('t-1')} G_{{t-1}}",
}
WRONG = {
    "2.4: D W": product(f"{D('i')} W"),
    "2.4: transposed": product(rf"W^\top {D('i')}"),
    "2.4: upper bound t": product(f"W {D('i')}", high="t"),
    "2.4: lower bound k+1": product(f"W {D('i')}", low="k+1"),
    "2.4: no f'": product("W"),
    "2.4: f' at i-1": product(f"W {D('i-1')}"),
    "G: sum to t-1": closed(high="t-1"),
    "G: sum from 2": closed(low="2"),
    "G: s_k": closed(tail=r"(s_k^\top \otimes I_n)"),
    "G: I ⊗ sᵀ": closed(tail=r"(I_n \otimes s_{k-1}^\top)"),
    "G: D W": closed(left=f"{D('i')} W"),
    "G: product to t": closed(inner="t"),
    "W: transposed": r"\frac{\partial E}{\partial W} = \sum_{k=1}^{t} s_{k-1} \delta_k^\top",
    "W: s_k": r"\frac{\partial E}{\partial W} = \sum_{k=1}^{t} \delta_k s_k^\top",
    "U: x_{k-1}": r"\frac{\partial E}{\partial U} = \sum_{k=1}^{t} \delta_k x_{k-1}^\top",
    "G recurrence: immediate part only": r"G_t = s_{t-1}^\top \otimes I_n",
    "G recurrence: no first term": rf"G_t = W {D('t-1')} G_{{t-1}}",
}


def verdict(formula, loss="last s"):
    document = read("notes.md", HEAD.replace("LOSS", loss) + f"$${formula} \\tag{{c}}$$\n")
    assert not document.errors, document.errors
    (entry,) = [e for e in Judge(document, Effort(examples=8)).entries() if e.role == "claim"]
    return entry.verdict


@pytest.mark.parametrize("name", sorted(RIGHT))
def test_the_right_form_is_proved_for_all_steps(name):
    assert verdict(RIGHT[name]).verdict == "proved"


@pytest.mark.parametrize("name", sorted(WRONG))
def test_a_slip_is_refuted_with_a_smallest_counterexample(name):
    found = verdict(WRONG[name])
    assert found.verdict == "refuted", found.message
    assert found.counterexample.left != found.counterexample.right
    assert found.counterexample.times["t"] <= 3


def test_the_error_term_of_a_loss_at_every_step_needs_its_local_term():
    term = rf"e_\tau^\top {D(chr(92) + 'tau')} \prod_{{i=k}}^{{\tau-1}} W {D('i')}"
    assert verdict(rf"\delta_k^\top = \sum_{{\tau=k}}^{{t}} {term}", "each s").verdict == "proved"
    without = verdict(rf"\delta_k^\top = \sum_{{\tau=k+1}}^{{t}} {term}", "each s")
    assert without.verdict == "refuted"
    assert without.counterexample.times["t"] <= 2
