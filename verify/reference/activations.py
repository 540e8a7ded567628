"""Activations and their derivatives, written by hand.

All take complex arguments, for a complex step: kinks are judged by the real part, and no function takes an absolute
value or a maximum of a complex number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Activation:
    """A vector function f and how it moves a small change forward and a cotangent backward.

    `value(z)`: f(z), z (..., n). `pull(z, d)`: Jᵀ d, and `push(z, v)`: J v, where J = ∂f/∂z at z.
    """

    name: str
    value: Callable[[Array], Array]
    pull: Callable[[Array, Array], Array]
    push: Callable[[Array, Array], Array]


def elementwise(name: str, value: Callable[[Array], Array], slope: Callable[[Array], Array]) -> Activation:
    """f entry by entry: J = diag(f'(z)), so Jᵀ d = f'(z) ⊙ d."""

    def scaled(z: Array, d: Array) -> Array:
        return slope(z) * d

    return Activation(name, value, scaled, scaled)


def tanh_slope(z: Array) -> Array:
    """tanh'(z) = 1 - tanh²(z)."""
    return 1 - np.tanh(z) ** 2


def sigmoid(z: Array) -> Array:
    """σ(z) = 1/(1 + e^-z)."""
    return 1 / (1 + np.exp(-z))


def sigmoid_slope(z: Array) -> Array:
    """σ'(z) = σ(z) (1 - σ(z))."""
    return sigmoid(z) * (1 - sigmoid(z))


def relu(z: Array) -> Array:
    """relu(z) = z where z > 0, else 0 (a complex z is judged by its real part)."""
    return np.where(z.real > 0, z, 0)


def relu_slope(z: Array) -> Array:
    """relu'(z) = 1 where z > 0, else 0."""
    return (z.real > 0).astype(float)


def leaky_relu(alpha: float = 0.01) -> Activation:
    """leaky(z) = z where z > 0, else α z, with slope 1 or α (a complex z is judged by its real part)."""

    def value(z: Array) -> Array:
        return np.where(z.real > 0, z, alpha * z)

    def slope(z: Array) -> Array:
        return np.where(z.real > 0, 1.0, alpha)

    return elementwise("leaky relu", value, slope)


def softplus(z: Array) -> Array:
    """log(1 + e^z) = max(z, 0) + log(1 + e^-|z|), |z| being z or -z by the sign of the real part."""
    positive = z.real > 0
    return np.where(positive, z, 0) + np.log1p(np.exp(np.where(positive, -z, z)))


FLAT = 6.0  # beyond it 1 - |erf| < 2.2e-17 and erf' < 2.7e-16
TERMS = 200  # the last one is below 1e-40 of the sum at |z| = 6


def erf_series(z: Array) -> Array:
    """erf(z) = 2/√π e^{-z²} Σ_k 2^k z^{2k+1} / (1 · 3 ⋯ (2k+1)) (Abramowitz & Stegun 7.1.6), entire in z.

    Near the real axis no terms cancel, and no derivative is used: an imaginary step keeps its own information. Where
    |Re z| > 6, erf is ±1 to double precision, and an imaginary part is lost with it.
    """
    near = np.where(np.abs(z.real) > FLAT, 0, z)
    term = total = near
    for k in range(1, TERMS):
        term = term * (2 * near * near) / (2 * k + 1)
        total = total + term
    return np.where(np.abs(z.real) > FLAT, np.sign(z.real), 2 / math.sqrt(math.pi) * np.exp(-near * near) * total)


def normal_distribution(z: Array) -> Array:
    """Φ(z) = ½ erfc(-z/√2), accurate in its lower tail too; of a complex z ½ (1 + erf(z/√2)), by the series."""
    if np.iscomplexobj(z):
        return (1 + erf_series(z / math.sqrt(2))) / 2
    return _erfc(-z / math.sqrt(2)) / 2


_erfc = np.vectorize(math.erfc, otypes=[float])


def normal_density(z: Array) -> Array:
    """φ(z) = e^{-z²/2} / √(2π) = Φ'(z)."""
    return np.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def gelu(z: Array) -> Array:
    """gelu(z) = z Φ(z) (Hendrycks & Gimpel 2016), the exact form."""
    return z * normal_distribution(z)


def gelu_slope(z: Array) -> Array:
    """gelu'(z) = Φ(z) + z φ(z)."""
    return normal_distribution(z) + z * normal_density(z)


def softmax(z: Array) -> Array:
    """softmax(z)_i = e^{z_i} / Σ_j e^{z_j}; the largest real part is taken off first, which changes nothing."""
    e = np.exp(z - z.real.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_jacobian_times(z: Array, v: Array) -> Array:
    """J v = (diag(p) - p pᵀ) v = p ⊙ v - p (pᵀv), p = softmax(z); J is symmetric."""
    p = softmax(z)
    return p * v - p * (p * v).sum(axis=-1, keepdims=True)


TANH = elementwise("tanh", np.tanh, tanh_slope)
SIGMOID = elementwise("sigmoid", sigmoid, sigmoid_slope)
RELU = elementwise("relu", relu, relu_slope)
IDENTITY = elementwise("identity", lambda z: z, np.ones_like)
LEAKY_RELU = leaky_relu()
SOFTPLUS = elementwise("softplus", softplus, sigmoid)
GELU = elementwise("gelu", gelu, gelu_slope)
SOFTMAX = Activation("softmax", softmax, softmax_jacobian_times, softmax_jacobian_times)

ACTIVATIONS: dict[str, Activation] = {
    a.name: a for a in (TANH, SIGMOID, RELU, LEAKY_RELU, SOFTPLUS, GELU, IDENTITY, SOFTMAX)
}
