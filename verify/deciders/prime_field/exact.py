"""The rationals and real balls: exact values for counterexamples and for confirming a refutation.

One trial; arrays of Python integers, `Fraction`s or `mpmath.iv` balls with dtype object throughout. Everything
unknown (tensor entries, values of unknown functions, derivatives of losses) is a small integer, not 0, that
depends on its name and place alone; `choices` overrides single ones, and `asked` keeps all that were asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np

from verify.deciders.prime_field.fields import Array, word
from verify.deciders.prime_field.problems import Degenerate

BITS = 1 << 15  # of one exact number
LARGEST_NORMAL = 30  # up to which Φ is summed

Choice = tuple[str, Any]  # a name and a place: entry of a tensor, argument of a function


class Rationals:
    """Q. `signs` names tensors whose entries must be `positive` or `nonzero`."""

    trials = 1
    span = 3  # unknowns are ±1 … ±span
    grain = 1  # what is drawn are multiples of 1/grain

    def __init__(
        self,
        ndim: int,
        seed: int,
        choices: Mapping[Choice, int] | None = None,
        signs: Mapping[str, str] | None = None,
    ) -> None:
        self._shape = (1,) * ndim
        self._seed = seed
        self._choices, self._signs = choices or {}, signs or {}
        self.asked: dict[Choice, int] = {}

    def constant(self, value: Fraction) -> Array:
        """A rational number."""
        found = np.empty(self._shape, dtype=object)
        found.fill(int(value) if value.denominator == 1 else value)
        return found

    def check_digits(self, *arrays: Array) -> None:
        """Raises `Degenerate` past BITS: a power of a power doubles its digits each time."""
        for value in (value for array in arrays for value in array.flat):
            if max(abs(int(value.numerator)), int(value.denominator)).bit_length() > BITS:
                raise Degenerate(f"a number of more than {BITS} bits")

    def add(self, a: Array, b: Array) -> Array:
        """a + b."""
        return np.asarray(a + b, dtype=object)

    def negate(self, a: Array) -> Array:
        """-a."""
        return np.asarray(-a, dtype=object)

    def multiply(self, a: Array, b: Array) -> Array:
        """a b entry by entry. Raises `Degenerate` where a number has too many digits to be shown."""
        self.check_digits(a, b)
        return np.asarray(a * b, dtype=object)

    def reduce(self, a: Array) -> Array:
        """Nothing to reduce."""
        return np.asarray(a, dtype=object)

    def integers(self, a: Array) -> Array:
        """Small integers as they are."""
        return a.astype(object)

    def matmul(self, a: Array, b: Array) -> Array:
        """A B. Raises `Degenerate` where a number has too many digits to be shown."""
        self.check_digits(a, b)
        return np.asarray(np.matmul(a, b), dtype=object)

    def draw(self, name: str, places: Array) -> Array:
        """Small integers; equal places hold equal entries."""
        return each(lambda place: self.small(name, int(place)), places)

    def small(self, name: str, place: Any) -> int:
        """The integer that stands for one unknown."""
        choice = (name, place)
        value = self._choices.get(choice)
        if value is None:
            draw = word(name, str(place), self._seed)
            is_positive = draw & 8 or self._signs.get(name.split("@")[0]) == "positive"
            value = (1 + draw % self.span) * (1 if is_positive else -1)
        self.asked[choice] = value
        return value

    def opaque(self, name: str, order: int, a: Array) -> Array:
        """f^(k) by a table of small integers: a polynomial with these jets exists."""
        return each(lambda v: self.small(name + "'" * order, v), a)

    def point(self, name: str, a: Array) -> Array:
        """The entries of a column as they are: what is unknown of F there is asked for by them."""
        return a

    def unknown(self, name: str, point: Array, places: Array, counts: tuple[int, int]) -> Array:
        """D^k F at a point by a table of small integers: a polynomial with these jets exists."""
        found = np.empty((*point.shape[:-2], *places.shape[:-1]), dtype=object)
        for at in np.ndindex(point.shape[:-2]):
            entries = tuple(point[at][:, 0])
            for place in np.ndindex(places.shape[:-1]):
                value, *by = (int(number) for number in places[place])
                found[(*at, *place)] = self.unknown_entry(name, entries, value, tuple(by))
        return found

    def unknown_entry(self, name: str, point: tuple[Any, ...], value: int, by: tuple[int, ...]) -> Any:
        """∂^k F_value/∂(entries `by`) at a point."""
        return self.small(name, (value, by, tuple(map(_exact, point))))

    def exp(self, a: Array) -> Array:
        """Only exp(0) = 1 is rational."""
        return each(_only({0: 1}), a)

    def log(self, a: Array) -> Array:
        """Only log(1) = 0 is rational."""
        return each(_only({1: 0}), a)

    def sqrt(self, a: Array) -> Array:
        """Only the roots of 0 and 1 are needed here."""
        return each(_only({0: 0, 1: 1}), a)

    def tanh(self, a: Array) -> Array:
        """Only tanh(0) = 0 is rational."""
        return each(_only({0: 0}), a)

    def sigmoid(self, a: Array) -> Array:
        """Only σ(0) = 1/2 is rational."""
        return each(_only({0: Fraction(1, 2)}), a)

    def softplus(self, a: Array) -> Array:
        """log(1 + e^z) is irrational at every rational z."""
        return each(_only({}), a)

    def normal_cdf(self, a: Array) -> Array:
        """Only Φ(0) = 1/2 is rational."""
        return each(_only({0: Fraction(1, 2)}), a)

    def normal_density(self, a: Array) -> Array:
        """φ(z) = e^(-z²/2)/√(2π) is irrational at every rational z."""
        return each(_only({}), a)

    def step(self, a: Array) -> Array:
        """1 for z > 0, 0 for z < 0; z = 0 is excluded."""
        return each(_step, a)

    def inverse(self, a: Array) -> Array:
        """1/a entry by entry. Raises `Degenerate` where an entry is zero."""
        return each(_inverse, a)

    def differ(self, a: Array, b: Array) -> Array:
        """Where two arrays differ."""
        return np.asarray(a != b, dtype=bool)


def _exact(value: Any) -> Any:
    """A whole number as an int: equal points are asked for by equal words."""
    return int(value) if value.denominator == 1 else Fraction(value)


def _only(table: Mapping[int, Any]) -> Callable[[Any], Any]:
    def value(v: Any) -> Any:
        if v not in table:
            raise Degenerate("an irrational value")
        return table[v]

    return value


def _step(v: Any) -> int:
    if v == 0:
        raise Degenerate("relu at zero")
    return int(v > 0)


def _inverse(v: Any) -> Any:
    if v == 0:
        raise Degenerate("the reciprocal of zero")
    found = 1 / Fraction(v)
    return int(found) if found.denominator == 1 else found


class Balls(Rationals):
    """R: balls that hold the true value. Tensor entries are quarters; an unknown f is a fixed quintic."""

    grain = 4  # so that functions do not saturate

    def __init__(
        self,
        ndim: int,
        seed: int,
        choices: Mapping[Choice, int] | None = None,
        signs: Mapping[str, str] | None = None,
        digits: int = 40,
    ) -> None:
        super().__init__(ndim, seed, choices, signs)
        from mpmath import iv  # only a claim with concrete functions needs real numbers

        iv.dps = digits
        self._iv = iv
        self._tiny = iv.mpf(10) ** -digits

    def check_digits(self, *arrays: Array) -> None:
        """A ball has as many digits as any other."""

    def _ball(self, value: Fraction | int) -> Any:
        return self._iv.mpf(value.numerator) / value.denominator

    def constant(self, value: Fraction) -> Array:
        """A ball around a rational number."""
        found = np.empty(self._shape, dtype=object)
        found.fill(self._ball(value))
        return found

    def integers(self, a: Array) -> Array:
        """Small integers as balls."""
        return each(lambda v: self._ball(int(v)), a)

    def draw(self, name: str, places: Array) -> Array:
        """Multiples of 1/4."""
        return each(lambda place: self._ball(Fraction(self.small(name, int(place)), self.grain)), places)

    def opaque(self, name: str, order: int, a: Array) -> Array:
        """The derivative of order k of Σ c_j z^j / j!, j ≤ 5, with small integers c_j: one instance of an unknown f."""
        c = [self.small(name, j) for j in range(6)]
        return each(lambda v: self._quintic(c, order, v), a)

    def _quintic(self, c: list[int], order: int, v: Any) -> Any:
        total, power = self._iv.mpf(0), self._iv.mpf(1)
        for k in range(6 - order):
            total += c[k + order] * power
            power = power * v / (k + 1)
        return total

    def unknown_entry(self, name: str, point: tuple[Any, ...], value: int, by: tuple[int, ...]) -> Any:
        """The derivative of q_1(w_1 · a) + q_2(w_2 · a), q_r quintics of small integers: one instance of F."""
        total, scale = self._iv.mpf(0), 4 * len(point)
        for ridge in (1, 2):
            w = [self.small(name, (value, f"w{ridge}", entry)) for entry in range(len(point))]
            c = [self.small(name, (value, f"q{ridge}", j)) for j in range(6)]
            inner = sum((weight * a for weight, a in zip(w, point, strict=True)), self._iv.mpf(0)) / scale
            slope = prod((Fraction(w[entry], scale) for entry in by), start=Fraction(1))
            total += self._quintic(c, len(by), inner) * self._ball(slope)
        return total

    def exp(self, a: Array) -> Array:
        """e^z."""
        return each(self._iv.exp, a)

    def log(self, a: Array) -> Array:
        """log z. Raises `Degenerate` off z > 0."""
        return each(_on_positive(self._iv.log), a)

    def sqrt(self, a: Array) -> Array:
        """√z. Raises `Degenerate` off z > 0."""
        return each(_on_positive(self._iv.sqrt), a)

    def tanh(self, a: Array) -> Array:
        """1 - 2/(e^2z + 1)."""
        return each(lambda v: 1 - 2 / (self._iv.exp(2 * v) + 1), a)

    def sigmoid(self, a: Array) -> Array:
        """1/(1 + e^-z)."""
        return each(lambda v: 1 / (1 + self._iv.exp(-v)), a)

    def softplus(self, a: Array) -> Array:
        """log(1 + e^z)."""
        return each(lambda v: self._iv.log(1 + self._iv.exp(v)), a)

    def normal_cdf(self, a: Array) -> Array:
        """Φ grows: its values at a ball's ends hold those at all its points."""
        return each(lambda v: self._iv.mpf([self._phi_at(v.a).a, self._phi_at(v.b).b]), a)

    def _phi_at(self, v: Any) -> Any:
        """Φ(z) = 1/2 + φ(z) (z + z³/3 + z⁵/(3·5) + …) for z ≥ 0, Φ(-z) = 1 - Φ(z).

        Where terms shrink by a half each, what is left out is at most the last of them.
        Source: Abramowitz and Stegun, 26.2.11.
        """
        if v.b < 0:
            return 1 - self._phi_at(-v)
        if v.b > LARGEST_NORMAL:
            raise Degenerate("Φ far from 0")
        square, term, total, k = v * v, v, v, 1
        while 2 * square.b > 2 * k + 1 or term.b > self._tiny:
            term = term * square / (2 * k + 1)
            total, k = total + term, k + 1
        return 0.5 + self._density(v) * (total + self._iv.mpf([0, term.b]))

    def normal_density(self, a: Array) -> Array:
        """e^(-z²/2)/√(2π)."""
        return each(self._density, a)

    def _density(self, v: Any) -> Any:
        return self._iv.exp(-v * v / 2) / self._iv.sqrt(2 * self._iv.pi)

    def step(self, a: Array) -> Array:
        """1 for z > 0, 0 for z < 0; a ball around 0 is excluded."""

        def value(v: Any) -> Any:
            if not (v.a > 0 or v.b < 0):
                raise Degenerate("relu at zero")
            return self._ball(int(v.a > 0))

        return each(value, a)

    def inverse(self, a: Array) -> Array:
        """1/a. Raises `Degenerate` where a ball holds zero."""

        def value(v: Any) -> Any:
            if v.a <= 0 <= v.b:
                raise Degenerate("the reciprocal of zero")
            return 1 / v

        return each(value, a)

    def differ(self, a: Array, b: Array) -> Array:
        """Where two balls have no point in common."""
        a, b = np.broadcast_arrays(a, b)
        found = np.empty(a.shape, dtype=bool)
        for place in np.ndindex(a.shape):
            found[place] = _apart(a[place], b[place])
        return found


def _apart(x: Any, y: Any) -> bool:
    """No point of x is one of y; plain integers are balls of radius 0."""
    return bool(getattr(x, "b", x) < getattr(y, "a", y) or getattr(y, "b", y) < getattr(x, "a", x))


def _on_positive(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def value(v: Any) -> Any:
        if not v.a > 0:
            raise Degenerate("not positive")
        return function(v)

    return value


def each(function: Callable[[Any], Any], a: Array) -> Array:
    """A function of each entry, as an object array (never collapsed by NumPy)."""
    found = np.empty(a.shape, dtype=object)
    for place in np.ndindex(a.shape):
        found[place] = function(a[place])
    return found
