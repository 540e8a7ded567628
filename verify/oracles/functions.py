"""Concrete elementwise functions with their derivatives up to order 4, by hand; real and complex arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verify.oracles.limits import Unsupported

Array = NDArray[Any]
HIGHEST = 4

# Row k holds the coefficients of the k-th derivative as a polynomial in tanh itself: tanh' = 1 - tanh² …
IN_TANH = ((0, 1), (1, 0, -1), (0, -2, 0, 2), (-2, 0, 8, 0, -6), (0, 16, 0, -40, 0, 24))
# … and in the sigmoid: σ' = σ - σ², σ'' = σ - 3σ² + 2σ³ …
IN_SIGMOID = ((0, 1), (0, 1, -1), (0, 1, -3, 2), (0, 1, -7, 12, -6), (0, 1, -15, 50, -60, 24))


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


KNOWN: dict[str, Callable[[int, Array], Array]] = {
    "identity": identity,
    "tanh": tanh,
    "sigmoid": sigmoid,
    "relu": relu,
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
        """Σ |c_j| |t|^j for the polynomials in t = tanh or σ; |f⁽ᵏ⁾(z)| itself for the others."""
        if self.kind in ("tanh", "sigmoid"):
            table = IN_TANH if self.kind == "tanh" else IN_SIGMOID
            return horner(tuple(abs(c) for c in table[order]), np.abs(self.value(0, z)))
        return np.abs(self.value(order, z))


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
