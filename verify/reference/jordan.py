"""The Jordan network (Jordan 1986), forward and backward: what returns is the output, not the state.

    Net_t = U x_t + W o_{t-1} + b      s_t = f(Net_t)                       t = 1 … T
    z_t   = V s_t + c                  o_t = g(z_t)

    x (T, B, m) · o0 (B, p) · U (n, m) · W (n, p) · b (n) · V (p, n) · c (p) · Net, s (T, B, n) · z, o (T, B, p)

b and c may be absent. Every array may carry further axes before these, as in `verify.reference.rnn`.
"""

from __future__ import annotations

import numpy as np

from verify.reference import gates
from verify.reference.activations import IDENTITY, TANH, Activation
from verify.reference.sequences import (
    Adjoints,
    Array,
    Arrays,
    Values,
    before,
    row,
    summed_outer,
    transposed,
)
from verify.reference.shapes import Shapes

SHAPES = Shapes({"x": "T B m", "o0": "B p", "U": "n m", "W": "n p", "V": "p n"}, {"b": "n", "c": "p"})


def forward(inputs: Arrays, f: Activation = TANH, g: Activation = IDENTITY) -> dict[str, Array]:
    """Net, s, z, o at every step. Keys and shapes as in the module's heading."""
    SHAPES.check(inputs)
    keep = Values()
    o = inputs["o0"]
    for x in inputs["x"]:
        s = keep("s", f.value(keep("Net", gates.net(inputs, "", x, o))))
        z = s @ transposed(inputs["V"])
        z = keep("z", z + row(inputs["c"]) if "c" in inputs else z)
        o = keep("o", g.value(z))
    return keep.arrays()


def backward(
    inputs: Arrays, values: Arrays, cotangents: Arrays, f: Activation = TANH, g: Activation = IDENTITY
) -> dict[str, Array]:
    """The adjoints of every value and the gradients of x, o0, U, W, b, V, c, from direct cotangents of any values.

    ō_t = o-cotangent + Wᵀ N̄et_{t+1}    z̄_t = g'(z_t)ᵀ ō_t    s̄_t = Vᵀ z̄_t    N̄et_t = f'(Net_t)ᵀ s̄_t
    Ū = Σ_t N̄et_t x_tᵀ    W̄ = Σ_t N̄et_t o_{t-1}ᵀ    b̄ = Σ_t N̄et_t    V̄ = Σ_t z̄_t s_tᵀ    c̄ = Σ_t z̄_t
    """
    SHAPES.check(inputs)
    adjoint = Adjoints(cotangents, values)
    later: Array | float = 0.0
    for k in reversed(range(len(inputs["x"]))):
        z_bar = adjoint("z", k, g.pull(values["z"][k], adjoint("o", k, later)))
        s_bar = adjoint("s", k, z_bar @ inputs["V"])
        later = adjoint("Net", k, f.pull(values["Net"][k], s_bar)) @ inputs["W"]
    found = adjoint.arrays()
    found |= {"o0": later + np.zeros_like(inputs["o0"]), "x": gates.input_adjoint(inputs, found, [""])}
    found |= gates.input_gradients(inputs, "", found["Net"], inputs["x"])
    found |= gates.state_gradient("", found["Net"], before(inputs["o0"], values["o"]))
    found["V"] = summed_outer(found["z"], values["s"])
    return found | gates.bias_gradient(inputs, "c", found["z"])
