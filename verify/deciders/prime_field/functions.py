"""Elementwise functions on jets: opaque ones by their unknown derivatives, the known ones by their laws.

Laws in use: exp' = exp, exp(-z) = 1/exp(z), exp(0) = 1, log' = 1/z, sqrt' = 1/(2 sqrt), a · (1/a) = 1,
relu(z) = z · step(z) with step' = 0, tanh = (e^z - e^-z)/(e^z + e^-z), σ = 1/(1 + e^-z),
softmax = e^z / (1ᵀ e^z), softplus = log(1 + e^z), leaky relu = a z + (1 - a) relu, gelu(z) = z Φ(z), Φ' = φ,
φ'(z) = -z φ(z). A derivative f', f'' of a known function is taken by a perturbation of its own.

tanh, σ and softplus have a second reading, `BY_SLOPE`: any function with tanh' = 1 - tanh², any with σ' = σ (1 - σ),
any with softplus' = σ. What holds
for all of these holds for them, and their atoms need no fractions: this reading is tried first. Exponentials say
no more as long as no two functions meet at equal or opposite arguments: e^z and σ(z), e^2z and tanh z are fractions of
each other, and those of different arguments are independent atoms (`PrimeField.has_related_functions`).
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache, reduce
from math import factorial
from typing import Any

from verify.deciders.prime_field import jets
from verify.deciders.prime_field.coefficients import MINUS, plain
from verify.deciders.prime_field.jets import Algebra, Axis, Jet, Value
from verify.deciders.prime_field.problems import Unsupported

LEAK = Fraction(1, 100)  # the slope of the leaky relu below 0
SIGMOID_SLOPE = (0, 1, -1)
OWN = 1 << 20  # perturbations above this bit are opened and closed inside one application


class Application:
    """One application of a function: its axes, and what its atoms are worth.

    The value at the point of the evaluation is the same in every scope, so atoms are remembered by where they stand
    (`memo`): the class counts see each of them once.
    """

    def __init__(self, algebra: Algebra, rows: Axis, cols: Axis, memo: dict[Any, Value]) -> None:
        self.algebra, self.rows, self.cols, self._memo = algebra, rows, cols, memo

    def atom(self, place: str, kind: str, name: str, order: int, a: Jet) -> Value:
        """f⁽ᵏ⁾ at the point of the evaluation."""
        key = place, kind, order
        if key not in self._memo:
            self._memo[key] = self.algebra.function(kind, name, order, self.base(a), self.rows, self.cols)
        return self._memo[key]

    def base(self, a: Jet) -> Value:
        """The argument at the point of the evaluation."""
        return a[0] if 0 in a else self.algebra.zero(self.rows, self.cols)

    def chain(self, derivative: Callable[[int], Value | None], a: Jet) -> Jet:
        """f(a) by the derivatives of f."""
        return jets.chain(self.algebra, derivative, a, self.rows, self.cols)

    def hadamard(self, a: Jet, b: Jet) -> Jet:
        """a ⊙ b."""
        return jets.bilinear(self.algebra, self._multiply, a, b)

    def scaled(self, c: Fraction, a: Jet) -> Jet:
        """c a."""
        return jets.linear(lambda value: self.algebra.times(plain(c), value), a)

    def times(self, x: Value, y: Value) -> Value:
        """x ⊙ y at the point of the evaluation."""
        return self._multiply(x, y)

    def _multiply(self, x: Value, y: Value) -> Value:
        return self.algebra.hadamard(x, y, self.rows, self.cols)

    def power(self, value: Value, k: int) -> Value:
        """x^k for k ≥ 1, entry by entry."""
        found = value
        for _ in range(k - 1):
            found = self._multiply(found, value)
        return found

    def polynomial(self, coefficients: tuple[int, ...], value: Value) -> Value:
        """Σ c_k x^k entry by entry, some c_k not 0."""
        terms = [
            self.algebra.times(plain(c), self.power(value, k) if k else self.algebra.ones(self.rows, self.cols))
            for k, c in enumerate(coefficients)
            if c
        ]
        return reduce(self.algebra.add, terms)

    def minus(self, a: Jet) -> Jet:
        """-a."""
        return jets.linear(lambda value: self.algebra.times(MINUS, value), a)

    def ones(self) -> Jet:
        """1 everywhere."""
        return {0: self.algebra.ones(self.rows, self.cols)}

    def scalar(self) -> Application:
        """The same for 1×1 values."""
        return Application(self.algebra, (), (), self._memo)


def apply(
    algebra: Algebra, kind: str, name: str, order: int, a: Jet, rows: Axis, cols: Axis, memo: dict[Any, Value]
) -> Jet:
    """f⁽ᵏ⁾(a) entry by entry; `memo` belongs to this application at this point."""
    application = Application(algebra, rows, cols, memo)
    if kind == "opaque":
        return _opaque(application, name, order, a)
    if kind not in KNOWN:
        raise Unsupported(f"no law of the function {kind} is known here")
    own = [OWN << k for k in range(order)]
    unit = algebra.ones(rows, cols) if own else None
    law = KNOWN[kind] if algebra.by_exponentials else BY_SLOPE.get(kind, KNOWN[kind])
    found = law(application, {**a, **dict.fromkeys(own, unit)}, "")
    mask = sum(own)
    return {key ^ mask: value for key, value in found.items() if key & mask == mask} if own else found


def _opaque(f: Application, name: str, order: int, a: Jet) -> Jet:
    """(f⁽ᵏ⁾)' = f⁽ᵏ⁺¹⁾, and nothing else is known."""
    return f.chain(lambda k: f.atom("", "opaque", name, order + k, a), a)


def identity(f: Application, a: Jet, place: str) -> Jet:
    """id(z) = z."""
    return a


def exp(f: Application, a: Jet, place: str) -> Jet:
    """exp' = exp."""
    value = f.atom(place, "exp", "exp", 0, a)
    return f.chain(lambda k: value, a)


def reciprocal(f: Application, a: Jet, place: str) -> Jet:
    """(1/z)⁽ᵏ⁾ = (-1)ᵏ k! / zᵏ⁺¹."""
    return f.chain(lambda k: _inverse_derivative(f, a, place, k), a)


def _inverse_derivative(f: Application, a: Jet, place: str, k: int) -> Value:
    """(1/z)⁽ᵏ⁾ at the point of the evaluation."""
    value = f.power(f.atom(place, "reciprocal", "reciprocal", 0, a), k + 1)
    return f.algebra.times(plain((-1) ** k * factorial(k)), value) if k else value


def log(f: Application, a: Jet, place: str) -> Jet:
    """log' = 1/z."""

    def derivative(k: int) -> Value:
        return _inverse_derivative(f, a, place, k - 1) if k else f.atom(place, "log", "log", 0, a)

    return f.chain(derivative, a)


def sqrt(f: Application, a: Jet, place: str) -> Jet:
    """sqrt⁽ᵏ⁾ = ½ (½ - 1) … (½ - k + 1) / sqrt²ᵏ⁻¹."""
    root = f.atom(place, "sqrt", "sqrt", 0, a)

    def derivative(k: int) -> Value:
        if k == 0:
            return root
        falling = Fraction(1)
        for j in range(k):
            falling *= Fraction(1, 2) - j
        inverse = f.atom(place, "reciprocal", "reciprocal", 0, {0: root})
        return f.algebra.times(plain(falling), f.power(inverse, 2 * k - 1))

    return f.chain(derivative, a)


def relu(f: Application, a: Jet, place: str) -> Jet:
    """relu(z) = z · step(z), step' = 0."""
    return f.hadamard({0: f.atom(place, "step", "step", 0, a)}, a)


def leaky_relu(f: Application, a: Jet, place: str) -> Jet:
    """leaky relu(z) = a z + (1 - a) relu(z), a = 1/100."""
    return jets.add(f.algebra, f.scaled(LEAK, a), f.scaled(1 - LEAK, relu(f, a, place)))


def normal_density(f: Application, a: Jet, place: str) -> Jet:
    """φ⁽ᵏ⁾(z) = (-1)ᵏ He_k(z) φ(z)."""
    return f.chain(lambda k: _density_derivative(f, a, place, k), a)


def _density_derivative(f: Application, a: Jet, place: str, k: int) -> Value:
    """φ⁽ᵏ⁾ at the point of the evaluation: φ times the polynomial p_k, p_{k+1} = p_k' - z p_k."""
    value = f.atom(place, "normal density", "normal density", 0, a)
    return f.times(f.polynomial(density_polynomial(k), f.base(a)), value) if k else value


@cache
def density_polynomial(k: int) -> tuple[int, ...]:
    """Coefficients of (-1)ᵏ He_k, lowest first."""
    if k == 0:
        return (1,)
    lower = density_polynomial(k - 1)
    slope = [*(i * c for i, c in enumerate(lower) if i), 0, 0]
    return tuple(s - c for s, c in zip(slope, (0, *lower), strict=True))


def normal_cdf(f: Application, a: Jet, place: str) -> Jet:
    """Φ' = φ."""

    def derivative(k: int) -> Value:
        return _density_derivative(f, a, place, k - 1) if k else f.atom(place, "normal cdf", "normal cdf", 0, a)

    return f.chain(derivative, a)


def gelu(f: Application, a: Jet, place: str) -> Jet:
    """gelu(z) = z Φ(z)."""
    return f.hadamard(normal_cdf(f, a, place), a)


def tanh(f: Application, a: Jet, place: str) -> Jet:
    """tanh(z) = (e^z - e^-z) / (e^z + e^-z)."""
    up, down = exp(f, a, "up"), exp(f, f.minus(a), "down")
    return f.hadamard(jets.add(f.algebra, up, f.minus(down)), reciprocal(f, jets.add(f.algebra, up, down), "over"))


def sigmoid(f: Application, a: Jet, place: str) -> Jet:
    """σ(z) = 1 / (1 + e^-z)."""
    return reciprocal(f, jets.add(f.algebra, f.ones(), exp(f, f.minus(a), "down")), "over")


def softplus(f: Application, a: Jet, place: str) -> Jet:
    """softplus(z) = log(1 + e^z)."""
    return log(f, jets.add(f.algebra, f.ones(), exp(f, a, "up")), "of sum")


def softplus_by_slope(f: Application, a: Jet, place: str) -> Jet:
    """softplus' = σ."""

    def derivative(k: int) -> Value:
        if k == 0:
            return f.atom(place, "softplus", "softplus", 0, a)
        value = f.atom(place, "sigmoid", "sigmoid", 0, a)
        return f.polynomial(slope_polynomial(SIGMOID_SLOPE, k - 1), value) if k > 1 else value

    return f.chain(derivative, a)


def tanh_by_slope(f: Application, a: Jet, place: str) -> Jet:
    """tanh' = 1 - tanh²."""
    return _by_slope(f, "tanh", (1, 0, -1), a, place)


def sigmoid_by_slope(f: Application, a: Jet, place: str) -> Jet:
    """σ' = σ (1 - σ)."""
    return _by_slope(f, "sigmoid", SIGMOID_SLOPE, a, place)


def _by_slope(f: Application, name: str, slope: tuple[int, ...], a: Jet, place: str) -> Jet:
    """Where g' = p(g), g⁽ᵏ⁾ = p_k(g) with p_0(g) = g and p_{k+1} = p_k' p."""
    value = f.atom(place, name, name, 0, a)
    return f.chain(lambda k: f.polynomial(slope_polynomial(slope, k), value) if k else value, a)


@cache
def slope_polynomial(slope: tuple[int, ...], k: int) -> tuple[int, ...]:
    """Coefficients of p_k, lowest first, where g' = p(g)."""
    if k == 0:
        return 0, 1
    lower = slope_polynomial(slope, k - 1)
    found = [0] * (len(lower) + len(slope) - 2)
    for i, c in enumerate(lower[1:], start=1):
        for j, s in enumerate(slope):
            found[i - 1 + j] += i * c * s
    return tuple(found)


def softmax(f: Application, a: Jet, place: str) -> Jet:
    """softmax(z) = e^z / (1ᵀ e^z)."""
    up = exp(f, a, "up")
    total = jets.linear(lambda value: f.algebra.total(value, f.rows, f.cols), up)
    return jets.bilinear(f.algebra, f.algebra.scale, reciprocal(f.scalar(), total, "over"), up)


KNOWN: dict[str, Callable[[Application, Jet, str], Jet]] = {
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
    "softmax": softmax,
}

BY_SLOPE: dict[str, Callable[[Application, Jet, str], Jet]] = {
    "tanh": tanh_by_slope,
    "sigmoid": sigmoid_by_slope,
    "softplus": softplus_by_slope,
}
