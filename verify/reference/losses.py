"""Losses and their cotangents, written by hand.

A loss takes the outputs o (..., n) and targets y of the same shape and sums over the last axis; the cotangent
∂L/∂o has o's shape. Over time a loss is taken `on_last` or `on_every` step, or on steps that are `weighted` or masked:
arrays are time-major, (T, B, n). Losses "of sigmoid" and "of softmax" take the pre-activation z for o.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verify.reference.activations import sigmoid, softmax, softplus

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
    """L = -yᵀ log o - (1 - y)ᵀ log(1 - o), every entry of o a probability of its own."""
    return -(y * np.log(o) + (1 - y) * np.log(1 - o)).sum(axis=-1)


def binary_cross_entropy_slope(o: Array, y: Array) -> Array:
    """∂L/∂o = (o - y) / (o (1 - o))."""
    return (o - y) / (o * (1 - o))


def binary_cross_entropy_of_sigmoid(z: Array, y: Array) -> Array:
    """L = Σ log(1 + e^z) - yᵀ z, the binary cross-entropy of o = σ(z)."""
    return (softplus(z) - y * z).sum(axis=-1)


def log_sum_exp(z: Array) -> Array:
    """log Σ_j e^{z_j}; the largest real part is taken off first and added again."""
    largest = z.real.max(axis=-1, keepdims=True)
    return np.asarray(np.log(np.exp(z - largest).sum(axis=-1)) + largest[..., 0])


def cross_entropy_of_softmax(z: Array, y: Array) -> Array:
    """L = (1ᵀy) log Σ_j e^{z_j} - yᵀ z, the cross-entropy of o = softmax(z)."""
    return y.sum(axis=-1) * log_sum_exp(z) - (y * z).sum(axis=-1)


def cross_entropy_of_softmax_slope(z: Array, y: Array) -> Array:
    """∂L/∂z = (1ᵀy) softmax(z) - y."""
    return y.sum(axis=-1, keepdims=True) * softmax(z) - y


LINEAR = Loss("linear", linear, lambda o, y: y)
SQUARED_ERROR = Loss("squared error", squared_error, lambda o, y: o - y)
CROSS_ENTROPY = Loss("cross-entropy", cross_entropy, lambda o, y: -y / o)

REST = Loss("cross-entropy of the rest", cross_entropy_of_the_rest, lambda o, y: (1 - y) / (1 - o))
BINARY_CROSS_ENTROPY = Loss("binary cross-entropy", binary_cross_entropy, binary_cross_entropy_slope)
BINARY_CROSS_ENTROPY_OF_SIGMOID = Loss(
    "binary cross-entropy of sigmoid", binary_cross_entropy_of_sigmoid, lambda z, y: sigmoid(z) - y
)
CROSS_ENTROPY_OF_SOFTMAX = Loss("cross-entropy of softmax", cross_entropy_of_softmax, cross_entropy_of_softmax_slope)

LOSSES: dict[str, Loss] = {
    loss.name: loss
    for loss in (
        LINEAR,
        SQUARED_ERROR,
        CROSS_ENTROPY,
        REST,
        BINARY_CROSS_ENTROPY,
        BINARY_CROSS_ENTROPY_OF_SIGMOID,
        CROSS_ENTROPY_OF_SOFTMAX,
    )
}


def on_last(loss: Loss, o: Array, y: Array) -> tuple[Array, Array]:
    """E = Σ_batch L(o_T, y_T) and its cotangents: zero before the last step. o, y: (T, B, n)."""
    cotangents = np.zeros_like(o)
    cotangents[-1] = loss.cotangent(o[-1], y[-1])
    return loss.value(o[-1], y[-1]).sum(), cotangents


def on_every(loss: Loss, o: Array, y: Array) -> tuple[Array, Array]:
    """E = Σ_t Σ_batch L(o_t, y_t) and its cotangents. o, y: (T, B, n)."""
    return loss.value(o, y).sum(), loss.cotangent(o, y)


def weighted(loss: Loss, o: Array, y: Array, weights: Array) -> tuple[Array, Array]:
    """E = Σ_t Σ_batch w_t L(o_t, y_t) and its cotangents. o, y: (T, B, n), weights: (T, B), or (T, 1) for all members.

    A mask is a weight of 0 or 1. What stands in o and y where the weight is 0 is not read: padding may be anything.
    """
    used = np.broadcast_to(weights != 0, o.shape[:-1])
    factors = np.broadcast_to(weights, o.shape[:-1])[used]
    cotangents = np.zeros_like(o)
    cotangents[used] = factors[:, None] * loss.cotangent(o[used], y[used])
    return (factors * loss.value(o[used], y[used])).sum(), cotangents
