"""Concrete elementwise functions with their derivatives up to order 4, by hand; real and complex arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import erfc, pi
from math import sqrt as root
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verify.oracles.limits import Unsupported

Array = NDArray[Any]
Formula = Callable[[int, Array], Array]  # order, argument
HIGHEST = 4

# Row k holds the coefficients of the k-th derivative as a polynomial in tanh itself: tanh' = 1 - tanh² …
IN_TANH = ((0, 1), (1, 0, -1), (0, -2, 0, 2), (-2, 0, 8, 0, -6), (0, 16, 0, -40, 0, 24))
# … and in the sigmoid: σ' = σ - σ², σ'' = σ - 3σ² + 2σ³ …
IN_SIGMOID = ((0, 1), (0, 1, -1), (0, 1, -3, 2), (0, 1, -7, 12, -6), (0, 1, -15, 50, -60, 24))

# … and row k of the derivatives of φ as a polynomial in z times φ: φ' = -z φ, φ'' = (z² - 1) φ …
OF_DENSITY = ((1,), (0, -1), (-1, 0, 1), (0, 3, 0, -1), (3, 0, -6, 0, 1))
NEAR = 2.0  # where Φ of complex numbers goes from one formula to the other
LEAK = 0.01  # of the leaky relu below 0


def horner(coefficients: tuple[int, ...], x: Array) -> Array:
    """c_0 + c_1 x + c_2 x² + …"""
    found = np.full_like(x, coefficients[-1])
    for c in reversed(coefficients[:-1]):
        found = found * x + c
    return found


def tanh(order: int, z: Array) -> Array:
    """tanh and its derivatives."""
    return horner(IN_TANH[order], np.tanh(z))


def sigmoid(order: int, z: Array) -> Array:
    """σ(z) = 1/(1 + e^-z) and its derivatives."""
    return horner(IN_SIGMOID[order], 1 / (1 + np.exp(-z)))


def exp(order: int, z: Array) -> Array:
    """exp' = exp."""
    return np.exp(z)


def log(order: int, z: Array) -> Array:
    """log, 1/z, -1/z², 2/z³, -6/z⁴."""
    return np.log(z) if order == 0 else reciprocal(order - 1, z)


def reciprocal(order: int, z: Array) -> Array:
    """1/z, -1/z², 2/z³, -6/z⁴, 24/z⁵."""
    return (1, -1, 2, -6, 24)[order] / z ** (order + 1)


def sqrt(order: int, z: Array) -> Array:
    """√z, ½ z^-½, -¼ z^-3/2, 3/8 z^-5/2, -15/16 z^-7/2."""
    return (1, 1 / 2, -1 / 4, 3 / 8, -15 / 16)[order] * np.sqrt(z) / z**order


def identity(order: int, z: Array) -> Array:
    """z, 1, 0."""
    return z if order == 0 else np.full_like(z, 1 if order == 1 else 0)


def relu(order: int, z: Array) -> Array:
    """z where z > 0, else 0; its derivative is a step."""
    return np.where(z.real > 0, identity(order, z), 0)


def leaky_relu(order: int, z: Array) -> Array:
    """z where z > 0, else z/100; its derivative is 1 or 1/100."""
    return np.where(z.real > 0, 1, LEAK) * identity(order, z)


def softplus(order: int, z: Array) -> Array:
    """log(1 + e^z), σ, σ' …."""
    return np.log1p(np.exp(z)) if order == 0 else sigmoid(order - 1, z)


def normal_density(order: int, z: Array) -> Array:
    """φ(z) = e^(-z²/2)/√2π and its derivatives."""
    return horner(OF_DENSITY[order], z) * np.exp(-z * z / 2) / root(2 * pi)


def normal_cdf(order: int, z: Array) -> Array:
    """Φ, φ, φ' …."""
    if order:
        return normal_density(order - 1, z)
    return _complex_normal_cdf(z) if np.iscomplexobj(z) else np.asarray(_normal_cdf(z), dtype=float)


def gelu(order: int, z: Array) -> Array:
    """z Φ, Φ + z φ, 2 φ + z φ' …."""
    first = z * normal_cdf(order, z)
    return first + order * normal_cdf(order - 1, z) if order else first


_normal_cdf = np.frompyfunc(lambda x: erfc(-x / root(2)) / 2, 1, 1)


def _complex_normal_cdf(z: Array) -> Array:
    """Φ of complex z without its slope, as the complex step asks: a series near 0, a continued fraction far from it."""
    is_near = np.abs(z.real) < NEAR
    far = np.where(is_near, NEAR, np.where(z.real > 0, z, -z))
    tail = _normal_tail(far)
    return np.where(is_near, _normal_cdf_near(np.where(is_near, z, 0)), np.where(z.real > 0, 1 - tail, tail))


def _normal_cdf_near(z: Array) -> Array:
    """Φ(z) = 1/2 + φ(z) (z + z³/3 + z⁵/(3·5) + …)."""
    total = term = z
    for k in range(1, 40):
        term = term * z * z / (2 * k + 1)
        total = total + term
    return 0.5 + normal_density(0, z) * total


def _normal_tail(z: Array) -> Array:
    """1 - Φ(z) = φ(z) / (z + 1/(z + 2/(z + 3/(z + …)))) for a real part above 0."""
    below = z
    for k in range(200, 0, -1):
        below = z + k / below
    return normal_density(0, z) / below


KNOWN: dict[str, Formula] = {
    "identity": identity,
    "tanh": tanh,
    "sigmoid": sigmoid,
    "relu": relu,
    "leaky relu": leaky_relu,
    "softplus": softplus,
    "gelu": gelu,
    "normal cdf": normal_cdf,
    "normal density": normal_density,
    "exp": exp,
    "log": log,
    "reciprocal": reciprocal,
    "sqrt": sqrt,
}


@dataclass(frozen=True)
class Known:
    """A known function: the formulas above."""

    kind: str

    def value(self, order: int, z: Array) -> Array:
        """f⁽ᵏ⁾(z)."""
        if order > HIGHEST:
            raise Unsupported(f"the derivative of order {order} of {self.kind}")
        return KNOWN[self.kind](order, z)

    def size(self, order: int, z: Array) -> Array:
        """Σ |c_j| |t|^j for the polynomials in t = tanh, σ or z; |f⁽ᵏ⁾(z)| itself for the others."""
        if self.kind in SIZES:
            return SIZES[self.kind](order, z)
        return np.abs(self.value(order, z))


def _in_value(table: tuple[tuple[int, ...], ...], value: Formula) -> Formula:
    """Sizes of polynomials in the function itself."""
    return lambda order, z: horner(tuple(abs(c) for c in table[order]), np.abs(value(0, z)))


def _softplus_size(order: int, z: Array) -> Array:
    return SIZES["sigmoid"](order - 1, z) if order else softplus(0, z)


def _density_size(order: int, z: Array) -> Array:
    """φ loses as much as its exponent z²/2 is rounded."""
    return horner(tuple(abs(c) for c in OF_DENSITY[order]), np.abs(z)) * normal_density(0, z) * (1 + z * z)


def _cdf_size(order: int, z: Array) -> Array:
    return _density_size(order - 1, z) if order else normal_cdf(0, z)


def _gelu_size(order: int, z: Array) -> Array:
    first = np.abs(z) * _cdf_size(order, z)
    return first + order * _cdf_size(order - 1, z) if order else first


SIZES: dict[str, Formula] = {
    "tanh": _in_value(IN_TANH, tanh),
    "sigmoid": _in_value(IN_SIGMOID, sigmoid),
    "softplus": _softplus_size,
    "normal density": _density_size,
    "normal cdf": _cdf_size,
    "gelu": _gelu_size,
}


@dataclass(frozen=True)
class Smooth:
    """f(z) = a z + b tanh(z + c) + d sin(z + e): an opaque function made concrete.

    The coefficients have one value an instance. f is neither odd nor monotonic, f(0) ≠ 0, and no derivative
    up to the fourth vanishes identically: nothing about f holds by accident.
    """

    a: Array
    b: Array
    c: Array
    d: Array
    e: Array

    def value(self, order: int, z: Array) -> Array:
        """f⁽ᵏ⁾(z)."""
        if order > HIGHEST:
            raise Unsupported(f"the derivative of order {order} of an opaque function")
        straight = self.a * identity(order, z) if order < 2 else 0
        return straight + self.b * tanh(order, z + self.c) + self.d * sine(order, z + self.e)

    def size(self, order: int, z: Array) -> Array:
        """|a| |z| + |b| Σ|c_j||t|^j + |d|."""
        straight = np.abs(self.a * identity(order, z)) if order < 2 else 0
        return straight + np.abs(self.b) * TANH.size(order, z + self.c) + np.abs(self.d)


TANH = Known("tanh")


def sine(order: int, z: Array) -> Array:
    """sin, cos, -sin, -cos, sin."""
    return (np.sin, np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x), np.sin)[order](z)
