"""What both hand-made LSTMs share: the gates' order, their stacked weights, the coefficients of the backward pass."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy import multiply, subtract

Arrays = dict[str, np.ndarray]
GATES = "oifg"


def stacked(inputs: Arrays, letter: str) -> np.ndarray:
    """The four gates' U, W or b, one below the other, (4 n, …)."""
    return np.concatenate([inputs[f"{letter}_{gate}"] for gate in GATES])


def halved(weights: np.ndarray) -> np.ndarray:
    """A copy with the ½ of σ(z) = ½ + ½ tanh(z/2) taken into o, i and f."""
    found = weights.copy()
    found[: 3 * len(weights) // 4] *= np.array(0.5, weights.dtype)
    return found


def coefficients(values: np.ndarray, tanh_c: np.ndarray, into: np.ndarray, k: np.ndarray) -> None:
    """What δ_o, δ_i, δ_f, δ_g (`into`) are multiples by, and k; `values` are o, i, f, g, c_{t-1}, (5, steps, …)."""
    for_o, for_g = into[0], into[3]
    subtract(1, values[:3], into[:3])
    multiply(into[:3], values[:3], into[:3])  # a (1 - a)
    multiply(into[1:3], values[3:], into[1:3])
    multiply(for_o, tanh_c, for_o)
    multiply(values[3], values[3], for_g)
    subtract(1, for_g, for_g)
    multiply(for_g, values[1], for_g)
    multiply(tanh_c, tanh_c, k)
    subtract(1, k, k)
    multiply(k, values[0], k)


def by_gate(letter: str, blocks: Sequence[np.ndarray] | np.ndarray) -> Arrays:
    """Gradients under the inputs' keys."""
    return {f"{letter}_{gate}": block for gate, block in zip(GATES, blocks, strict=True)}
