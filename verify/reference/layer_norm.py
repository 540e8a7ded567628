"""The recurrence with layer normalization (Ba, Kiros & Hinton 2016, equation 4), forward and backward.

    a_t   = U x_t + W s_{t-1}                                                     t = 1 … T
    w_t   = (a_t - μ_t) / ρ_t        μ_t = mean a_t        ρ_t = √(mean (a_t - μ_t)² + ε)
    Net_t = γ ⊙ w_t + β              s_t = f(Net_t)

    x (T, B, m) · s0 (B, n) · U (n, m) · W (n, n) · gamma, beta (n) · a, w, Net, s (T, B, n)

The means run over the n entries of one step and one member of the batch. ε is 0 in their equation; the libraries take
1e-5, which keeps ρ from 0.
Every array may carry further axes before these, as in `verify.reference.rnn`.
"""

from __future__ import annotations

import numpy as np

from verify.reference import gates
from verify.reference.activations import TANH, Activation
from verify.reference.sequences import Adjoints, Array, Arrays, Values, before, row, sum_over_time
from verify.reference.shapes import Shapes

SHAPES = Shapes({"x": "T B m", "s0": "B n", "U": "n m", "W": "n n", "gamma": "n", "beta": "n"}, {})


def mean(v: Array) -> Array:
    """The mean of the entries, kept as an axis."""
    found: Array = v.mean(axis=-1, keepdims=True)
    return found


def spread(a: Array, epsilon: float) -> Array:
    """ρ = √(mean (a - μ)² + ε); no absolute value, so that a complex step passes through."""
    return np.sqrt(mean((a - mean(a)) ** 2) + epsilon)


def normalized_pull(a: Array, w: Array, d: Array, epsilon: float) -> Array:
    """(∂w/∂a)ᵀ d = (d - mean d - w mean(d ⊙ w)) / ρ."""
    return (d - mean(d) - w * mean(d * w)) / spread(a, epsilon)


def forward(inputs: Arrays, f: Activation = TANH, epsilon: float = 0.0) -> dict[str, Array]:
    """a, w, Net, s at every step. Keys and shapes as in the module's heading."""
    SHAPES.check(inputs)
    keep = Values()
    s = inputs["s0"]
    for x in inputs["x"]:
        a = keep("a", gates.net(inputs, "", x, s))
        w = keep("w", (a - mean(a)) / spread(a, epsilon))
        s = keep("s", f.value(keep("Net", row(inputs["gamma"]) * w + row(inputs["beta"]))))
    return keep.arrays()


def backward(
    inputs: Arrays, values: Arrays, cotangents: Arrays, f: Activation = TANH, epsilon: float = 0.0
) -> dict[str, Array]:
    """The adjoints of every value and the gradients of x, s0, U, W, gamma, beta, from direct cotangents of any values.

    s̄_t = s-cotangent + Wᵀ ā_{t+1}    N̄et_t = f'(Net_t)ᵀ s̄_t    w̄_t = γ ⊙ N̄et_t
    ā_t = (w̄_t - mean w̄_t - w_t mean(w̄_t ⊙ w_t)) / ρ_t
    γ̄ = Σ_t N̄et_t ⊙ w_t    β̄ = Σ_t N̄et_t    Ū = Σ_t ā_t x_tᵀ    W̄ = Σ_t ā_t s_{t-1}ᵀ
    """
    SHAPES.check(inputs)
    adjoint = Adjoints(cotangents, values)
    later: Array | float = 0.0
    for k in reversed(range(len(inputs["x"]))):
        net_bar = adjoint("Net", k, f.pull(values["Net"][k], adjoint("s", k, later)))
        w_bar = adjoint("w", k, row(inputs["gamma"]) * net_bar)
        later = adjoint("a", k, normalized_pull(values["a"][k], values["w"][k], w_bar, epsilon)) @ inputs["W"]
    found = adjoint.arrays()
    found |= {"s0": later + np.zeros_like(inputs["s0"]), "x": found["a"] @ inputs["U"]}
    found |= gates.input_gradients(inputs, "", found["a"], inputs["x"])
    found |= gates.state_gradient("", found["a"], before(inputs["s0"], values["s"]))
    scaled = zip(found["Net"], values["w"], strict=True)
    found["gamma"] = sum_over_time((d * w).sum(axis=-2) for d, w in scaled)
    return found | gates.bias_gradient(inputs, "beta", found["Net"])
