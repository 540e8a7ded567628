"""One step of each cell, written once for whichever library's arrays: its tanh, σ and concatenate are handed in.

The gates' parameters are joined before the loop, as a user who cares for speed would.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.side_by_side.problems import Model

Array = Any
States = tuple[Array, ...]
Function = Callable[[Array], Array]


def joined(model: Model, values: Mapping[str, Array], concatenate: Callable[[list[Array]], Array]) -> list[Array]:
    """Uᵀ, Wᵀ, b of all gates."""
    U, W, b = (concatenate([values[key] for key in model.keys(letter)]) for letter in "UWb")
    return [U.T, W.T, b]


def rnn(
    values: Mapping[str, Array], parts: list[Array], x: Array, states: States, tanh: Function, sigma: Function
) -> tuple[Array, States]:
    """s' = tanh(U x + W s + b)."""
    U, W, b = parts
    s = tanh(x @ U + states[0] @ W + b)
    return s, (s,)


def lstm(
    values: Mapping[str, Array], parts: list[Array], x: Array, states: States, tanh: Function, sigma: Function
) -> tuple[Array, States]:
    """c' = f ⊙ c + i ⊙ g, h' = o ⊙ tanh(c')."""
    U, W, b = parts
    h, c = states
    n = h.shape[1]
    net = x @ U + h @ W + b
    i, f, g, o = (net[:, k * n : (k + 1) * n] for k in range(4))
    c = sigma(f) * c + sigma(i) * tanh(g)
    h = sigma(o) * tanh(c)
    return h, (h, c)


def gru(
    values: Mapping[str, Array], parts: list[Array], x: Array, states: States, tanh: Function, sigma: Function
) -> tuple[Array, States]:
    """h' = z ⊙ h + (1 - z) ⊙ n, n = tanh(U_n x + b_n + r ⊙ (W_n h + c_n))."""
    U, W, b = parts
    (h,) = states
    n = h.shape[1]
    driven, recurrent = x @ U + b, h @ W
    r, z = (sigma(driven[:, k * n : (k + 1) * n] + recurrent[:, k * n : (k + 1) * n]) for k in range(2))
    new = tanh(driven[:, 2 * n :] + r * (recurrent[:, 2 * n :] + values["c_n"]))
    h = z * h + (1 - z) * new
    return h, (h,)


STEPS = {"rnn": rnn, "lstm": lstm, "gru": gru}
