"""Activations and their derivatives, written by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import erfc, pi, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
NODES, WEIGHTS = np.polynomial.legendre.leggauss(48)


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


def leaky_relu(z: Array) -> Array:
    """z where z > 0, else z/100."""
    return np.where(z.real > 0, z, z / 100)


def leaky_relu_slope(z: Array) -> Array:
    """1 where z > 0, else 1/100."""
    return np.where(z.real > 0, 1.0, 0.01)


def softplus(z: Array) -> Array:
    """log(1 + e^z) = max(z, 0) + log(1 + e^-|z|)."""
    is_positive = z.real > 0
    return np.where(is_positive, z, 0) + np.log1p(np.exp(np.where(is_positive, -z, z)))


def normal_cdf(z: Array) -> Array:
    """Φ(z) = ½ erfc(-z/√2), of complex z by Gauss's rule: Φ(z) = ½ + z/2 Σ w_j φ(z (1 + x_j)/2)."""
    if not np.iscomplexobj(z):
        return np.vectorize(lambda x: erfc(-x / sqrt(2)) / 2, otypes=[float])(z)
    half = z[..., None] / 2
    return 0.5 + (half * WEIGHTS * normal_density(half * (1 + NODES))).sum(axis=-1)


def normal_density(z: Array) -> Array:
    """φ(z) = e^(-z²/2)/√(2π)."""
    return np.exp(-z * z / 2) / sqrt(2 * pi)


def gelu(z: Array) -> Array:
    """z Φ(z)."""
    return z * normal_cdf(z)


def gelu_slope(z: Array) -> Array:
    """Φ(z) + z φ(z)."""
    return normal_cdf(z) + z * normal_density(z)


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
LEAKY_RELU = elementwise("leaky relu", leaky_relu, leaky_relu_slope)
SOFTPLUS = elementwise("softplus", softplus, sigmoid)
GELU = elementwise("gelu", gelu, gelu_slope)
IDENTITY = elementwise("identity", lambda z: z, np.ones_like)
SOFTMAX = Activation("softmax", softmax, softmax_jacobian_times, softmax_jacobian_times)

ACTIVATIONS: dict[str, Activation] = {
    a.name: a for a in (TANH, SIGMOID, RELU, LEAKY_RELU, SOFTPLUS, GELU, IDENTITY, SOFTMAX)
}
