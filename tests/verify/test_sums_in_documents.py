"""Documents with sums over the steps in a forward equation, and with layer normalisation: proved, and slips refuted."""

import pytest

from derive.models.systems import system
from derive.printed import printed
from verify.document.statements import read
from verify.judge import Judge
from verify.limits import Effort

FEW = Effort(examples=8, repair_seconds=0)

POOLED = r"""# A mean over all states

```backproof
symbols:
  a_t: n
  s_t: n
  x_t: m
  U: n x m
  W: n x n
  V: p x n
  q: p
  '\delta_t': n
  E: 1
  f: elementwise
  L: 'function(q: p) -> 1'
time: 1..T
indices: {k: 1..T}
layout: numerator
gradient: shape
matrix: family
vec: column
products: descending
partial: total
given: ['1', '2', '3', '4', 'd']
```

$$a_t = U x_t + W s_{t-1} \tag{1}$$
$$s_t = f(a_t) \tag{2}$$
$$q = \frac{1}{T} \sum_{k=1}^{T} V s_k \tag{3}$$
$$E = L(q) \tag{4}$$
$$\delta_t = \frac{\partial E}{\partial a_t} \tag{d}$$

$$\frac{\partial E}{\partial W} = \sum_{k=1}^{T} \delta_k s_{k-1}^\top \tag{W}$$
$$\frac{\partial E}{\partial V} = \frac{1}{T} \frac{\partial E}{\partial q} \sum_{k=1}^{T} s_k^\top \tag{V}$$
$$\frac{\partial E}{\partial V} = \frac{\partial E}{\partial q} \sum_{k=1}^{T} s_k^\top \tag{V.sum}$$
$$\frac{\partial E}{\partial V} = \frac{1}{T} \frac{\partial E}{\partial q} s_T^\top \tag{V.last}$$

<!-- backproof: where: 1 <= k < T -->
$$\delta_k = f'(a_k) \odot \left(W^\top \delta_{k+1}
    + \frac{1}{T} V^\top \frac{\partial E}{\partial q}\right) \tag{delta}$$
<!-- backproof: where: 1 <= k < T -->
$$\delta_k = f'(a_k) \odot W^\top \delta_{k+1} \tag{delta.unpooled}$$
"""

BY_HAND = r"""# Layer normalisation by hand

```backproof
symbols:
  a_t: n
  U: n x m
  x_t: m
  W: n x n
  s_t: n
  \mu_t: 1
  v_t: n
  \sigma_t: 1
  w_t: n
  \gamma: n
  \beta: n
  '\delta_t': n
  g_t: n
  E: 'loss(last s)'
  f: elementwise
time: 1..t
indices: {k: t}
layout: numerator
gradient: shape
matrix: family
vec: column
products: descending
partial: total
given: ['m1', 'm2', 'm3', 'm4', 'm5', 'm6', 'd1', 'd2']
```

$$a_t = U x_t + W s_{t-1} \tag{m1}$$
$$\mu_t = \frac{1}{n} \mathbf{1}^\top a_t \tag{m2}$$
$$v_t = a_t - \mathbf{1} \mu_t \tag{m3}$$
$$\sigma_t = \sqrt{\frac{1}{n} v_t^\top v_t} \tag{m4}$$
$$w_t = \frac{1}{\sigma_t} v_t \tag{m5}$$
$$s_t = f(\gamma \odot w_t + \beta) \tag{m6}$$
$$\delta_t = \frac{\partial E}{\partial a_t} \tag{d1}$$
$$g_t = \frac{\partial E}{\partial w_t} \tag{d2}$$

$$\frac{\partial v_t}{\partial a_t} = I_n - \frac{1}{n} \mathbf{1} \mathbf{1}^\top \tag{1}$$
$$\frac{\partial w_t}{\partial a_t}
    = \frac{1}{\sigma_t} \left(I_n - \frac{1}{n} \mathbf{1} \mathbf{1}^\top - \frac{1}{n} w_t w_t^\top\right) \tag{2}$$
<!-- backproof: where: k < t -->
$$g_k = \gamma \odot f'(\gamma \odot w_k + \beta) \odot \left(W^\top \delta_{k+1}\right) \tag{4}$$
$$\frac{\partial E}{\partial U} = \sum_{k=1}^{t} \delta_k x_k^\top \tag{5}$$
$$\frac{\partial E}{\partial W} = \sum_{k=1}^{t} \delta_k s_{k-1}^\top \tag{6}$$
$$\mathbf{1}^\top w_t = 0 \tag{8}$$
$$v_t = \left(I_n - \frac{1}{n} \mathbf{1} \mathbf{1}^\top\right) a_t \tag{12}$$
"""


def verdicts(text, wanted=lambda _: True):
    """Verdicts by id."""
    return {
        entry.id: entry.verdict.verdict
        for entry in Judge(read("x.md", text), FEW).entries(wanted)
        if entry.verdict is not None
    }


SLIPS = [  # in the document that derive writes for a system: what is written, the slip, the claim that has it
    ("convolution", r"\sum_{j=1}^{K} W_j^\top", r"\sum_{j=2}^{K} W_j^\top", "grad.X"),
    (
        "convolution",
        r"W_j^\top \frac{\partial E}{\partial Y} S_j^\top",
        r"W_j^\top \frac{\partial E}{\partial Y} S_K^\top",
        "grad.X",
    ),
    ("convolution", r"W_j^\top \frac{\partial E}{\partial Y}", r"W_j^\top \frac{\partial E}{\partial A}", "grad.X"),
    ("convolution", r"f'(Y) \odot \frac{\partial E}{\partial A}", r"\frac{\partial E}{\partial A}", "grad.Y"),
    (
        "convolution",
        r"\frac{\partial E}{\partial Y} S_k^\top X^\top",
        r"\frac{\partial E}{\partial Y} S_1^\top X^\top",
        "grad.W",
    ),
    (
        "convolution",
        r"\frac{\partial E}{\partial Y} \mathbf{1} \tag",
        r"\frac{\partial E}{\partial A} \mathbf{1} \tag",
        "grad.b",
    ),
    ("layer norm", r"\frac{2}{n} v_k", r"\frac{1}{n} v_k", "delta.a"),
    ("layer norm", r"\sum_{k=1}^{t} w_k \odot", r"\sum_{k=1}^{t} v_k \odot", "grad.gamma"),
    ("layer norm", r"\delta^{a}_k s_{k-1}^\top", r"\delta^{a}_k s_k^\top", "grad.W"),
    ("layer norm", r"W^\top \delta^{a}_{k+1}", r"W \delta^{a}_{k+1}", "delta.Net"),
]


@pytest.mark.parametrize(("name", "old", "new", "claim"), SLIPS)
def test_slips_in_what_derive_writes_are_refuted(name, old, new, claim):
    """A wrong bound, a fixed step, one gradient for another, a lost factor, v for w, a step and a transpose.

    Without them every line is proved: `test_closed_loop`.
    """
    text = printed(system(name), form="md")
    assert text.count(old) == 1
    assert verdicts(text.replace(old, new), claim.__eq__) == {claim: "refuted"}


def test_a_mean_over_all_states():
    """Gradients through a mean over the states; without the mean, at the last state alone, or unpooled they fail."""
    assert verdicts(POOLED) == {
        "W": "proved",
        "V": "proved",
        "V.sum": "refuted",
        "V.last": "refuted",
        "delta": "proved",
        "delta.unpooled": "refuted",
    }


def test_layer_normalisation_by_hand():
    """The mean as a member of its own, and ∂w/∂a as it is usually written: 1ᵀw = 0 is used, so v keeps its value."""
    found = verdicts(BY_HAND)
    assert set(found.values()) == {"proved"}
    assert set(found) == {"1", "2", "4", "5", "6", "8", "12"}
    wrong = BY_HAND.replace(r"- \frac{1}{n} w_t w_t^\top\right)", r"+ \frac{1}{n} w_t w_t^\top\right)")
    assert wrong != BY_HAND
    assert verdicts(wrong, "2".__eq__) == {"2": "refuted"}
