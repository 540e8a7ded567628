"""The residual recurrence, forward and backward: a step adds to the state (He et al. 2016, over time instead of depth).

    Net_t = U x_t + W s_{t-1} + b      r_t = f(Net_t)      s_t = s_{t-1} + r_t            t = 1 … T

    x (T, B, m) · s0 (B, n) · U (n, m) · W (n, n) · b (n) · Net, r, s (T, B, n)

b may be absent. Every array may carry further axes before these, as in `verify.reference.rnn`.
"""

from __future__ import annotations

import numpy as np

from verify.reference import gates
from verify.reference.activations import TANH, Activation
from verify.reference.sequences import Adjoints, Array, Arrays, Values, before
from verify.reference.shapes import Shapes

SHAPES = Shapes({"x": "T B m", "s0": "B n", "U": "n m", "W": "n n"}, {"b": "n"})


def forward(inputs: Arrays, f: Activation = TANH) -> dict[str, Array]:
    """Net, r, s at every step. Keys and shapes as in the module's heading."""
    SHAPES.check(inputs)
    keep = Values()
    s = inputs["s0"]
    for x in inputs["x"]:
        r = keep("r", f.value(keep("Net", gates.net(inputs, "", x, s))))
        s = keep("s", s + r)
    return keep.arrays()


def backward(inputs: Arrays, values: Arrays, cotangents: Arrays, f: Activation = TANH) -> dict[str, Array]:
    """The adjoints of every value and the gradients of x, s0, U, W, b, from direct cotangents of any values.

    s̄_t = s-cotangent + s̄_{t+1} + Wᵀ N̄et_{t+1}      r̄_t = s̄_t      N̄et_t = f'(Net_t)ᵀ r̄_t
    Ū = Σ_t N̄et_t x_tᵀ      W̄ = Σ_t N̄et_t s_{t-1}ᵀ      b̄ = Σ_t N̄et_t
    """
    SHAPES.check(inputs)
    adjoint = Adjoints(cotangents, values)
    later: Array | float = 0.0
    for k in reversed(range(len(inputs["x"]))):
        s_bar = adjoint("s", k, later)
        net_bar = adjoint("Net", k, f.pull(values["Net"][k], adjoint("r", k, s_bar)))
        later = s_bar + net_bar @ inputs["W"]
    found = adjoint.arrays()
    found |= {"s0": later + np.zeros_like(inputs["s0"]), "x": gates.input_adjoint(inputs, found, [""])}
    found |= gates.input_gradients(inputs, "", found["Net"], inputs["x"])
    return found | gates.state_gradient("", found["Net"], before(inputs["s0"], values["s"]))
