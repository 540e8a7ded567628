"""A hand-written backward pass of the Elman network, right or with one planted error.

    s_t = tanh(U x_t + W s_{t-1} + b)        δ_t = (1 - s_t²) ⊙ (s̄_t + Wᵀ δ_{t+1})
    x̄_t = Uᵀ δ_t    s̄_0 = Wᵀ δ_1    Ū = Σ_t δ_t x_tᵀ    W̄ = Σ_t δ_t s_{t-1}ᵀ    b̄ = Σ_t δ_t

x (T, B, m) · s0 (B, n) · s, s̄ (T, B, n). A loop over the steps
gives the δ's, one product over all steps each sum.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.side_by_side.problems import Arrays

WINDOW = 5  # steps that truncated backpropagation goes back


def states(inputs: Arrays) -> np.ndarray:
    """s_0 … s_T, (T + 1, B, n)."""
    found = [inputs["s0"]]
    for x in inputs["x"]:
        found.append(np.tanh(x @ inputs["U"].T + found[-1] @ inputs["W"].T + inputs["b"]))
    return np.stack(found)


def backward(inputs: Arrays, direct: np.ndarray, error: str = "") -> Arrays:
    """The gradients; `error` is a name in `STRUCTURAL` or `SMALL`, or nothing."""
    x, U, W = inputs["x"], inputs["U"], inputs["W"]
    s = states(inputs)
    slope = 1 - s if error == "1 - s for 1 - s²" else 1 - s**2
    T = len(x)
    back = W.T if error == "W for Wᵀ" else W  # rows: Wᵀ δ is δ @ W
    deltas = np.zeros_like(direct)
    later = np.zeros_like(inputs["s0"])  # δ_{t+1}
    for t in reversed(range(T)):
        f = slope[min(t + 2, T) if error == "f' one step late" else t + 1]
        if error == "diag and Wᵀ swapped":
            deltas[t] = f * direct[t] + (f * later) @ back
        else:
            deltas[t] = f * (direct[t] + later @ back)
        later = deltas[t]
        if error == "truncated to 5 steps" and (T - t) % WINDOW == 0:
            later = np.zeros_like(later)
    before = s[1:] if error == "s_t for s_{t-1}" else s[:-1]
    summed = deltas.copy()  # the δ's that W̄'s sum runs over
    if error in MISSING:
        summed[MISSING[error](T)] = 0
    found = {
        "x": deltas @ U,
        "s0": later @ back,
        "U": _flat(deltas).T @ _flat(x),
        "W": _flat(summed).T @ _flat(before),
        "b": _flat(deltas).sum(0),
    }
    return _touched(found, error)


def _flat(sequence: np.ndarray) -> np.ndarray:
    return sequence.reshape(-1, sequence.shape[-1])


def _touched(found: Arrays, error: str) -> Arrays:
    W = found["W"]
    if error == "b̄ missing":
        found["b"] = np.zeros_like(found["b"])
    elif error == "the sign of Ū":
        found["U"] = -found["U"]
    elif error == "all of W̄ × (1 + 1e-6)":
        W *= 1 + 1e-6
    elif error in ENTRY:
        W[0, 0] *= ENTRY[error]
    return found


MISSING: dict[str, Callable[[int], int]] = {
    "the oldest term missing": lambda T: 0,
    "a term in the middle missing": lambda T: T // 2,
}
ENTRY = {
    "one entry of W̄ × 1.5": 1.5,
    "one entry of W̄ × (1 + 1e-6)": 1 + 1e-6,
    "one entry of W̄ × (1 + 1e-9)": 1 + 1e-9,
}
STRUCTURAL = (
    "W for Wᵀ",
    "diag and Wᵀ swapped",
    "s_t for s_{t-1}",
    "f' one step late",
    "a term in the middle missing",
    "the oldest term missing",
    "b̄ missing",
    "the sign of Ū",
    "1 - s for 1 - s²",
    "truncated to 5 steps",
)
SMALL = (
    "one entry of W̄ × 1.5",
    "all of W̄ × (1 + 1e-6)",
    "one entry of W̄ × (1 + 1e-6)",
    "one entry of W̄ × (1 + 1e-9)",
)
ERRORS = (*STRUCTURAL, *SMALL)


def function(error: str = "") -> Callable[[Arrays, Arrays], Arrays]:
    """gradients(inputs, cotangents), as an audit takes it."""
    if error and error not in ERRORS:
        raise ValueError(f"error is one of {', '.join(ERRORS)}, not {error!r}")
    return lambda inputs, cotangents: backward(inputs, cotangents["s"], error)
