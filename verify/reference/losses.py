"""Losses and their cotangents, written by hand.

A loss takes the outputs o (..., n) and targets y of the same shape and sums over the last axis; the cotangent
∂L/∂o has o's shape. Over time a loss is taken `on_last` or `on_every` step: arrays are time-major, (T, B, n).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Loss:
    """L(o, y) and its cotangent ∂L/∂o."""

    name: str
    value: Callable[[Array, Array], Array]
    cotangent: Callable[[Array, Array], Array]


def linear(o: Array, y: Array) -> Array:
    """L = yᵀ o: y is the cotangent itself."""
    return (y * o).sum(axis=-1)


def squared_error(o: Array, y: Array) -> Array:
    """L = ½ ‖o - y‖²."""
    return ((o - y) ** 2).sum(axis=-1) / 2


def cross_entropy(o: Array, y: Array) -> Array:
    """L = -yᵀ log o."""
    return -(y * np.log(o)).sum(axis=-1)


def cross_entropy_of_the_rest(o: Array, y: Array) -> Array:
    """L = -(1 - y)ᵀ log(1 - o): with the cross-entropy it makes the binary one."""
    return -((1 - y) * np.log(1 - o)).sum(axis=-1)


def binary_cross_entropy(o: Array, y: Array) -> Array:
    """L = -yᵀ log o - (1 - y)ᵀ log(1 - o)."""
    return -(y * np.log(o) + (1 - y) * np.log(1 - o)).sum(axis=-1)


LINEAR = Loss("linear", linear, lambda o, y: y)
SQUARED_ERROR = Loss("squared error", squared_error, lambda o, y: o - y)
CROSS_ENTROPY = Loss("cross-entropy", cross_entropy, lambda o, y: -y / o)
REST = Loss("cross-entropy of the rest", cross_entropy_of_the_rest, lambda o, y: (1 - y) / (1 - o))
BINARY = Loss("binary cross-entropy", binary_cross_entropy, lambda o, y: (1 - y) / (1 - o) - y / o)

LOSSES: dict[str, Loss] = {loss.name: loss for loss in (LINEAR, SQUARED_ERROR, CROSS_ENTROPY, REST, BINARY)}


def on_last(loss: Loss, o: Array, y: Array) -> tuple[Array, Array]:
    """E = Σ_batch L(o_T, y_T) and its cotangents: zero before the last step. o, y: (T, B, n)."""
    cotangents = np.zeros_like(o)
    cotangents[-1] = loss.cotangent(o[-1], y[-1])
    return loss.value(o[-1], y[-1]).sum(), cotangents


def on_every(loss: Loss, o: Array, y: Array) -> tuple[Array, Array]:
    """E = Σ_t Σ_batch L(o_t, y_t) and its cotangents. o, y: (T, B, n)."""
    return loss.value(o, y).sum(), loss.cotangent(o, y)
