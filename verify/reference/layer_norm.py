"""The recurrence with layer normalization (Ba, Kiros & Hinton 2016, equation 4), forward and backward.

    Net_t = U x_t + W s_{t-1}                                                     t = 1 … T
    hat_t = (Net_t - μ_t) / σ_t      μ_t = mean Net_t      σ_t = √(mean (Net_t - μ_t)² + ε)
    a_t   = γ ⊙ hat_t + β            s_t = f(a_t)

    x (T, B, m) · s0 (B, n) · U (n, m) · W (n, n) · gamma, beta (n) · Net, hat, a, s (T, B, n)

The means run over the n entries of one step and one member of the batch. ε (their equation has none) keeps σ from 0.
Every array may carry further axes before these, as in `verify.reference.rnn`.
"""

from __future__ import annotations

import numpy as np

from verify.reference import gates
from verify.reference.activations import TANH, Activation
from verify.reference.sequences import Adjoints, Array, Arrays, Values, before, row, sum_over_time
from verify.reference.shapes import Shapes

SHAPES = Shapes({"x": "T B m", "s0": "B n", "U": "n m", "W": "n n", "gamma": "n", "beta": "n"}, {})
EPSILON = 1e-5


def mean(v: Array) -> Array:
    """The mean of the entries, kept as an axis."""
    return np.asarray(v.mean(axis=-1, keepdims=True))


def spread(net: Array, epsilon: float) -> Array:
    """σ = √(mean (Net - μ)² + ε); no absolute value, so that a complex step passes through."""
    return np.sqrt(mean((net - mean(net)) ** 2) + epsilon)


def normalized_pull(net: Array, hat: Array, d: Array, epsilon: float) -> Array:
    """(∂hat/∂Net)ᵀ d = (d - mean d - hat mean(d ⊙ hat)) / σ."""
    return (d - mean(d) - hat * mean(d * hat)) / spread(net, epsilon)


def forward(inputs: Arrays, f: Activation = TANH, epsilon: float = EPSILON) -> dict[str, Array]:
    """Net, hat, a, s at every step. Keys and shapes as in the module's heading."""
    SHAPES.check(inputs)
    keep = Values()
    s = inputs["s0"]
    for x in inputs["x"]:
        net = keep("Net", gates.net(inputs, "", x, s))
        hat = keep("hat", (net - mean(net)) / spread(net, epsilon))
        s = keep("s", f.value(keep("a", row(inputs["gamma"]) * hat + row(inputs["beta"]))))
    return keep.arrays()


def backward(
    inputs: Arrays, values: Arrays, cotangents: Arrays, f: Activation = TANH, epsilon: float = EPSILON
) -> dict[str, Array]:
    """The adjoints of every value and the gradients of x, s0, U, W, gamma, beta, from direct cotangents of any values.

    s̄_t = s-cotangent + Wᵀ N̄et_{t+1}    ā_t = f'(a_t)ᵀ s̄_t    h̄at_t = γ ⊙ ā_t
    N̄et_t = (h̄at_t - mean h̄at_t - hat_t mean(h̄at_t ⊙ hat_t)) / σ_t
    γ̄ = Σ_t ā_t ⊙ hat_t    β̄ = Σ_t ā_t    Ū = Σ_t N̄et_t x_tᵀ    W̄ = Σ_t N̄et_t s_{t-1}ᵀ
    """
    SHAPES.check(inputs)
    adjoint = Adjoints(cotangents, values)
    later: Array | float = 0.0
    for k in reversed(range(len(inputs["x"]))):
        a_bar = adjoint("a", k, f.pull(values["a"][k], adjoint("s", k, later)))
        hat_bar = adjoint("hat", k, row(inputs["gamma"]) * a_bar)
        pulled = normalized_pull(values["Net"][k], values["hat"][k], hat_bar, epsilon)
        later = adjoint("Net", k, pulled) @ inputs["W"]
    found = adjoint.arrays()
    found |= {"s0": later + np.zeros_like(inputs["s0"]), "x": gates.input_adjoint(inputs, found, [""])}
    found |= gates.input_gradients(inputs, "", found["Net"], inputs["x"])
    found |= gates.state_gradient("", found["Net"], before(inputs["s0"], values["s"]))
    scaled = zip(found["a"], values["hat"], strict=True)
    found["gamma"] = sum_over_time((d * hat).sum(axis=-2) for d, hat in scaled)
    return found | gates.bias_gradient(inputs, "beta", found["a"])
