"""The Elman network, forward and backward through time.

    Net_t = U x_t + W s_{t-1} + b      s_t = f(Net_t)                       t = 1 … T
    z_t   = V s_t + c                  o_t = g(z_t)

Arrays are time-major and hold one row for each member of the batch, so U x_t is written x_t Uᵀ:

    x (T, B, m) · s0 (B, n) · U (n, m) · W (n, n) · b (n) · V (p, n) · c (p)
    Net, s (T, B, n) · z, o (T, B, p)

W, b, V, c may be absent (no recurrence, no bias, no output); so may U: then Net_t = x_t + W s_{t-1} + b.
Every array may carry further axes before these (x (T, ..., B, m), U (..., n, m), b (..., n)): many problems at
once, each with its own parameters. Python's index k holds step k + 1.
"""

from __future__ import annotations

import numpy as np

from verify.reference.activations import IDENTITY, TANH, Activation
from verify.reference.sequences import (
    Adjoints,
    Array,
    Arrays,
    before,
    one_after_another,
    over_time,
    row,
    side_by_side,
    summed,
    summed_outer,
    transposed,
)
from verify.reference.shapes import Shapes

SHAPES = Shapes(
    {"x": "T B m"}, {"s0": "B n", "U": "n m", "W": "n n", "b": "n", "V": "p n", "c": "p"}
)  # without U, m = n


def forward(inputs: Arrays, f: Activation = TANH, g: Activation = IDENTITY) -> dict[str, Array]:
    """Net, s and (with V) z, o at every step. Keys and shapes as in the module's heading."""
    SHAPES.check(inputs)
    nets: list[Array] = []
    states: list[Array] = []
    s = inputs.get("s0")
    for net in affine(inputs, "U", "b", inputs["x"]):
        if "W" in inputs:
            net = net + s @ transposed(inputs["W"])
        s = f.value(net)
        nets.append(net)
        states.append(s)
    values = {"Net": over_time(nets), "s": over_time(states)}
    if "V" in inputs:
        values["z"] = affine(inputs, "V", "c", values["s"])
        values["o"] = g.value(values["z"])
    return values


def affine(inputs: Arrays, weight: str, bias: str, v: Array) -> Array:
    """A v_t + b at every step at once, A and b where they are there: (T, ..., B, m) -> (T, ..., B, n)."""
    rows = side_by_side(v)
    if weight in inputs:
        rows = rows @ transposed(inputs[weight])
    if bias in inputs:
        rows = rows + row(inputs[bias])
    return one_after_another(rows, len(v))


def backward(
    inputs: Arrays,
    values: Arrays,
    cotangents: Arrays,
    f: Activation = TANH,
    g: Activation = IDENTITY,
) -> dict[str, Array]:
    """The adjoints of every member and the gradients of every parameter (Werbos 1990, backpropagation through time).

    `cotangents` holds the direct ∂E/∂v of any of Net, s, z, o, (T, B, n) each, at whichever steps they are not zero;
    they may carry further axes before the batch's: one run for many cotangents. Returned under the
    inputs' keys, x, s0, U, W, b, V, c, and the values' keys, Net, s, z, o, with *total* derivatives:

        z̄_t = z-cotangent + g'(z_t)ᵀ ō_t            s̄_t = s-cotangent + Vᵀ z̄_t + Wᵀ N̄et_{t+1}
        N̄et_t = Net-cotangent + f'(Net_t) ⊙ s̄_t      x̄_t = Uᵀ N̄et_t           s̄_0 = Wᵀ N̄et_1
        Ū = Σ_t N̄et_t x_tᵀ    W̄ = Σ_t N̄et_t s_{t-1}ᵀ    b̄ = Σ_t N̄et_t    V̄ = Σ_t z̄_t s_tᵀ    c̄ = Σ_t z̄_t
    """
    SHAPES.check(inputs)
    adjoint = Adjoints(cotangents, values)
    later: Array | float = 0.0  # Wᵀ N̄et_{t+1}; nothing comes after the last step
    for k in reversed(range(len(values["s"]))):
        received = later
        if "V" in inputs:
            z_bar = adjoint("z", k, g.pull(values["z"][k], adjoint("o", k)))
            received = z_bar @ inputs["V"] + later
        net_bar = adjoint("Net", k, f.pull(values["Net"][k], adjoint("s", k, received)))
        later = net_bar @ inputs["W"] if "W" in inputs else 0.0
    found = adjoint.arrays()
    if "s0" in inputs:
        found["s0"] = later + np.zeros_like(inputs["s0"])
    found["x"] = found["Net"] @ inputs["U"] if "U" in inputs else found["Net"]
    return found | _gradients(inputs, values, found)


def _gradients(inputs: Arrays, values: Arrays, adjoint: Arrays) -> dict[str, Array]:
    """Ū = Σ_t N̄et_t x_tᵀ and its kin; the sum over the batch is the matrix product's."""
    nets = adjoint["Net"]
    found: dict[str, Array] = {}
    if "U" in inputs:
        found["U"] = summed_outer(nets, inputs["x"])
    if "W" in inputs:
        states = before(inputs["s0"], values["s"])
        found["W"] = summed_outer(nets, states)
    if "b" in inputs:
        found["b"] = summed(nets)
    if "V" in inputs:
        found["V"] = summed_outer(adjoint["z"], values["s"])
    if "c" in inputs:
        found["c"] = summed(adjoint["z"])
    return found
