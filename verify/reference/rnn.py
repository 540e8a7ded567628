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

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verify.reference.activations import IDENTITY, TANH, Activation

Array = NDArray[Any]
Arrays = Mapping[str, Array]


def transposed(matrix: Array) -> Array:
    """Aᵀ of the last two axes."""
    return matrix.swapaxes(-1, -2)


def over_time(steps: Iterable[Array]) -> Array:
    """One array (T, ...) from one array a step; axes that only some steps carry are repeated."""
    return np.stack(np.broadcast_arrays(*steps))


def row(bias: Array) -> Array:
    """A bias (..., n) as a row (..., 1, n) that every member of the batch receives."""
    return bias[..., None, :]


def forward(inputs: Arrays, f: Activation = TANH, g: Activation = IDENTITY) -> dict[str, Array]:
    """Net, s and (with V) z, o at every step. Keys and shapes as in the module's heading."""
    nets: list[Array] = []
    states: list[Array] = []
    s = inputs.get("s0")
    for x in inputs["x"]:
        net = x @ transposed(inputs["U"]) if "U" in inputs else x
        if "W" in inputs:
            net = net + s @ transposed(inputs["W"])
        if "b" in inputs:
            net = net + row(inputs["b"])
        s = f.value(net)
        nets.append(net)
        states.append(s)
    values = {"Net": over_time(nets), "s": over_time(states)}
    if "V" in inputs:
        values["z"] = values["s"] @ transposed(inputs["V"])
        if "c" in inputs:
            values["z"] = values["z"] + row(inputs["c"])
        values["o"] = g.value(values["z"])
    return values


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
    given = _Given(cotangents, values)
    adjoint = _outputs_backward(inputs, values, given, g)
    nets: list[Array] = []
    states: list[Array] = []
    later: Array | float = 0.0  # Wᵀ N̄et_{t+1}; nothing comes after the last step
    for k in reversed(range(len(values["s"]))):
        s_bar = given.at("s", k) + later
        if "z" in adjoint:
            s_bar = s_bar + adjoint["z"][k] @ inputs["V"]
        net_bar = given.at("Net", k) + f.pull(values["Net"][k], s_bar)
        later = net_bar @ inputs["W"] if "W" in inputs else 0.0
        states.append(s_bar)
        nets.append(net_bar)
    adjoint["s"], adjoint["Net"] = over_time(states[::-1]), over_time(nets[::-1])
    if "s0" in inputs:
        adjoint["s0"] = later + np.zeros_like(inputs["s0"])
    adjoint["x"] = adjoint["Net"] @ inputs["U"] if "U" in inputs else adjoint["Net"]
    return adjoint | _gradients(inputs, values, adjoint)


class _Given:
    """The direct cotangent of a value at a step: zero where none was given."""

    def __init__(self, cotangents: Arrays, values: Arrays) -> None:
        unknown = set(cotangents) - set(values)
        if unknown:
            raise KeyError(f"cotangents of {', '.join(sorted(unknown))}; expected some of {', '.join(sorted(values))}")
        self.cotangents, self.values = cotangents, values

    def at(self, key: str, k: int) -> Array:
        return self.cotangents[key][k] if key in self.cotangents else np.zeros_like(self.values[key][k])


def _outputs_backward(inputs: Arrays, values: Arrays, given: _Given, g: Activation) -> dict[str, Array]:
    """z̄_t = z-cotangent + g'(z_t)ᵀ ō_t."""
    if "V" not in inputs:
        return {}
    steps = range(len(values["z"]))
    o_bar = over_time(given.at("o", k) for k in steps)
    z_bar = over_time(given.at("z", k) + g.pull(values["z"][k], o_bar[k]) for k in steps)
    return {"z": z_bar, "o": o_bar}


def _gradients(inputs: Arrays, values: Arrays, adjoint: Arrays) -> dict[str, Array]:
    """Ū = Σ_t N̄et_t x_tᵀ and its kin; the sum over the batch is the matrix product's."""
    nets, before = adjoint["Net"], [inputs.get("s0"), *values["s"][:-1]]
    found: dict[str, Array] = {}
    if "U" in inputs:
        found["U"] = sum_over_time(transposed(d) @ x for d, x in zip(nets, inputs["x"], strict=True))
    if "W" in inputs:
        found["W"] = sum_over_time(transposed(d) @ s for d, s in zip(nets, before, strict=True))
    if "b" in inputs:
        found["b"] = sum_over_time(d.sum(axis=-2) for d in nets)
    if "V" in inputs:
        found["V"] = sum_over_time(transposed(d) @ s for d, s in zip(adjoint["z"], values["s"], strict=True))
    if "c" in inputs:
        found["c"] = sum_over_time(d.sum(axis=-2) for d in adjoint["z"])
    return found


def sum_over_time(terms: Iterable[Array]) -> Array:
    """Σ_t of the terms."""
    return over_time(terms).sum(axis=0)
