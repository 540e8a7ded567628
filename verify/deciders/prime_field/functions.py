"""Elementwise functions on jets: opaque ones by their unknown derivatives, the known ones by their laws.

Laws in use: exp' = exp, exp(-z) = 1/exp(z), exp(0) = 1, log' = 1/z, sqrt' = 1/(2 sqrt), a · (1/a) = 1,
relu(z) = z · step(z) with step' = 0, tanh = (e^z - e^-z)/(e^z + e^-z), σ = 1/(1 + e^-z),
softmax = e^z / (1ᵀ e^z). A derivative f', f'' of a known function is taken by a perturbation of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from math import factorial

from verify.deciders.prime_field import jets
from verify.deciders.prime_field.coefficients import MINUS, plain
from verify.deciders.prime_field.jets import Algebra, Axis, Jet, Value
from verify.deciders.prime_field.problems import Unsupported

OWN = 1 << 20  # perturbations above this bit are opened and closed inside one application


def apply(algebra: Algebra, kind: str, name: str, order: int, a: Jet, rows: Axis, cols: Axis) -> Jet:
    """f⁽ᵏ⁾(a) entry by entry."""
    if 0 not in a:
        a = {**a, 0: algebra.zero(rows, cols)}
    if kind == "opaque":
        return _opaque(algebra, name, order, a, rows, cols)
    if kind not in KNOWN:
        raise Unsupported(f"no law of the function {kind} is known here")
    own = [OWN << k for k in range(order)]
    unit = algebra.ones(rows, cols) if own else None
    found = KNOWN[kind](algebra, {**a, **dict.fromkeys(own, unit)}, rows, cols)
    mask = sum(own)
    return {key ^ mask: value for key, value in found.items() if key & mask == mask} if own else found


def _opaque(algebra: Algebra, name: str, order: int, a: Jet, rows: Axis, cols: Axis) -> Jet:
    """(f⁽ᵏ⁾)' = f⁽ᵏ⁺¹⁾, and nothing else is known."""

    @cache
    def derivative(k: int) -> Value:
        return algebra.function("opaque", name, order + k, a[0], rows, cols)

    return jets.chain(algebra, derivative, a, rows, cols)


def identity(algebra: Algebra, a: Jet, rows: Axis, cols: Axis) -> Jet:
    """id(z) = z."""
    return a


def exp(algebra: Algebra, a: Jet, rows: Axis, cols: Axis) -> Jet:
    """exp' = exp."""
    value = algebra.function("exp", "exp", 0, _base(algebra, a, rows, cols), rows, cols)
    return jets.chain(algebra, lambda k: value, a, rows, cols)


def reciprocal(algebra: Algebra, a: Jet, rows: Axis, cols: Axis) -> Jet:
    """(1/z)⁽ᵏ⁾ = (-1)ᵏ k! / zᵏ⁺¹."""
    return jets.chain(algebra, _powers_of_inverse(algebra, _base(algebra, a, rows, cols), rows, cols), a, rows, cols)


def log(algebra: Algebra, a: Jet, rows: Axis, cols: Axis) -> Jet:
    """log' = 1/z."""
    base = _base(algebra, a, rows, cols)
    inverse = _powers_of_inverse(algebra, base, rows, cols)

    def derivative(k: int) -> Value:
        return inverse(k - 1) if k else algebra.function("log", "log", 0, base, rows, cols)

    return jets.chain(algebra, derivative, a, rows, cols)


def sqrt(algebra: Algebra, a: Jet, rows: Axis, cols: Axis) -> Jet:
    """sqrt⁽ᵏ⁾ = ½ (½ - 1) … (½ - k + 1) / sqrt²ᵏ⁻¹."""
    root = algebra.function("sqrt", "sqrt", 0, _base(algebra, a, rows, cols), rows, cols)
    powers = _powers(algebra, lambda: algebra.function("reciprocal", "reciprocal", 0, root, rows, cols), rows, cols)

    def derivative(k: int) -> Value:
        falling = Fraction(1)
        for j in range(k):
            falling *= Fraction(1, 2) - j
        return algebra.times(plain(falling), powers(2 * k - 1)) if k else root

    return jets.chain(algebra, derivative, a, rows, cols)


def relu(algebra: Algebra, a: Jet, rows: Axis, cols: Axis) -> Jet:
    """relu(z) = z · step(z), step' = 0."""
    step = algebra.function("step", "step", 0, _base(algebra, a, rows, cols), rows, cols)
    return jets.linear(lambda value: algebra.hadamard(step, value, rows, cols), a)


def tanh(algebra: Algebra, a: Jet, rows: Axis, cols: Axis) -> Jet:
    """tanh(z) = (e^z - e^-z) / (e^z + e^-z)."""
    up, down = exp(algebra, a, rows, cols), exp(algebra, _minus(algebra, a), rows, cols)
    over = reciprocal(algebra, jets.add(algebra, up, down), rows, cols)
    return _hadamard(algebra, jets.add(algebra, up, _minus(algebra, down)), over, rows, cols)


def sigmoid(algebra: Algebra, a: Jet, rows: Axis, cols: Axis) -> Jet:
    """σ(z) = 1 / (1 + e^-z)."""
    down = exp(algebra, _minus(algebra, a), rows, cols)
    return reciprocal(algebra, jets.add(algebra, {0: algebra.ones(rows, cols)}, down), rows, cols)


def softmax(algebra: Algebra, a: Jet, rows: Axis, cols: Axis) -> Jet:
    """softmax(z) = e^z / (1ᵀ e^z)."""
    up = exp(algebra, a, rows, cols)
    over = reciprocal(algebra, jets.linear(lambda value: algebra.total(value, rows, cols), up), (), ())
    return jets.bilinear(algebra, algebra.scale, over, up)


KNOWN: dict[str, Callable[[Algebra, Jet, Axis, Axis], Jet]] = {
    "identity": identity,
    "tanh": tanh,
    "sigmoid": sigmoid,
    "relu": relu,
    "exp": exp,
    "log": log,
    "reciprocal": reciprocal,
    "sqrt": sqrt,
    "softmax": softmax,
}


def _base(algebra: Algebra, a: Jet, rows: Axis, cols: Axis) -> Value:
    return a[0] if 0 in a else algebra.zero(rows, cols)


def _minus(algebra: Algebra, a: Jet) -> Jet:
    return jets.linear(lambda value: algebra.times(MINUS, value), a)


def _hadamard(algebra: Algebra, a: Jet, b: Jet, rows: Axis, cols: Axis) -> Jet:
    return jets.bilinear(algebra, lambda x, y: algebra.hadamard(x, y, rows, cols), a, b)


def _powers(algebra: Algebra, first: Callable[[], Value], rows: Axis, cols: Axis) -> Callable[[int], Value]:
    """k ↦ x^k for k ≥ 1, entry by entry; x is asked for once."""

    @cache
    def power(k: int) -> Value:
        return first() if k == 1 else algebra.hadamard(power(k - 1), power(1), rows, cols)

    return power


def _powers_of_inverse(algebra: Algebra, base: Value, rows: Axis, cols: Axis) -> Callable[[int], Value]:
    """k ↦ (1/z)⁽ᵏ⁾ at z = base."""
    power = _powers(algebra, lambda: algebra.function("reciprocal", "reciprocal", 0, base, rows, cols), rows, cols)

    def derivative(k: int) -> Value:
        value = power(k + 1)
        return algebra.times(plain((-1) ** k * factorial(k)), value) if k else value

    return derivative
