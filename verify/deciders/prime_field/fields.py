"""Where entries live: prime fields (one prime a trial), the rationals, real balls.

Arrays carry the trial on their first axis. A field knows entrywise arithmetic, the matrix product of the last two
axes, and what an unknown function or a random tensor is worth; it knows nothing of formulas.

Opaque functions and losses are random functions: their values are hashes of (value, name, order, trial, seed), so
equal arguments give equal values and all else is independent. Over Q a polynomial with these jets exists at any
finite set of points, so a difference seen here is one for some differentiable function.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from verify.deciders.prime_field.problems import Degenerate

Array = NDArray[Any]
TOP = 29  # primes lie just below 2^29: 31 products fit in 63 bits, so one integer matmul needs one reduction
FITS = 31


class Field(Protocol):
    """Entrywise arithmetic, the matrix product, and random or unknown values."""

    trials: int

    def constant(self, value: Fraction) -> Array: ...
    def add(self, a: Array, b: Array) -> Array: ...
    def negate(self, a: Array) -> Array: ...
    def multiply(self, a: Array, b: Array) -> Array: ...
    def matmul(self, a: Array, b: Array) -> Array: ...
    def reduce(self, a: Array) -> Array: ...
    def integers(self, a: Array) -> Array: ...
    def draw(self, name: str, places: Array) -> Array: ...
    def opaque(self, name: str, order: int, a: Array) -> Array: ...
    def exp(self, a: Array) -> Array: ...
    def log(self, a: Array) -> Array: ...
    def sqrt(self, a: Array) -> Array: ...
    def inverse(self, a: Array) -> Array: ...
    def step(self, a: Array) -> Array: ...
    def differ(self, a: Array, b: Array) -> Array: ...


@lru_cache(maxsize=4096)
def word(*parts: object) -> int:
    """64 bits that stand for names and numbers, the same in every process."""
    return int.from_bytes(blake2b(repr(parts).encode(), digest_size=8).digest(), "little")


def is_prime(number: int) -> bool:
    """Miller–Rabin with bases that decide every number below 3·10^24."""
    if number < 2 or number % 2 == 0:
        return number == 2
    power = (number - 1) & -(number - 1)
    odd = (number - 1) // power
    for base in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41):
        if number % base == 0:
            return number == base
        x = pow(base, odd, number)
        seen = [pow(x, 1 << k, number) for k in range(power.bit_length() - 1)]
        if x != 1 and number - 1 not in seen:
            return False
    return True


@lru_cache(maxsize=8)
def primes_below(bits: int, count: int) -> tuple[int, ...]:
    """The `count` largest primes below 2^bits."""
    found: list[int] = []
    candidate = (1 << bits) - 1
    while len(found) < count:
        if is_prime(candidate):
            found.append(candidate)
        candidate -= 2
    return tuple(found)


def _mix(x: Array) -> Array:
    """The finaliser of splitmix64, entry by entry."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


class PrimeField:
    """F_p with a prime of its own for each trial; arrays are int64, reduced to 0 … p - 1."""

    def __init__(self, trials: int, ndim: int, seed: int, first: int = 0) -> None:
        shape = (trials,) + (1,) * (ndim - 1)
        self.trials = trials
        self.primes = primes_below(TOP, first + trials)[first:]
        self.p = np.array(self.primes, dtype=np.int64).reshape(shape)
        self._p = self.p.astype(np.uint64)
        self._seed = seed
        self._shape = shape
        self._keys: dict[str, Array] = {}
        self.exponents: list[Array] = []  # the arguments of exp in the first trial: do opposite ones occur?

    def _key(self, name: str) -> Array:
        found = self._keys.get(name)
        if found is None:
            start = word(name, self._seed)
            trial = np.array([(start + t * 0x9E3779B97F4A7C15) % 2**64 for t in range(self.trials)], dtype=np.uint64)
            found = self._keys[name] = _mix(trial).reshape(self._shape)
        return found

    def _hash(self, name: str, a: Array) -> Array:
        return _mix(_mix(a.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + self._key(name)))

    def constant(self, value: Fraction) -> Array:
        """A rational number modulo each prime."""
        residues = [value.numerator * pow(value.denominator, -1, p) % p for p in self.primes]
        return np.array(residues, dtype=np.int64).reshape(self._shape)

    def add(self, a: Array, b: Array) -> Array:
        """a + b."""
        return (a + b) % self.p

    def negate(self, a: Array) -> Array:
        """-a."""
        return -a % self.p

    def multiply(self, a: Array, b: Array) -> Array:
        """a b entry by entry."""
        return a * b % self.p

    def reduce(self, a: Array) -> Array:
        """A sum of a few reduced arrays, reduced."""
        return a % self.p

    def integers(self, a: Array) -> Array:
        """Small integers as field elements."""
        return a.astype(np.int64)

    def matmul(self, a: Array, b: Array) -> Array:
        """A B; long sums are cut so that none overflows."""
        inner = a.shape[-1]
        if inner <= FITS:
            return np.matmul(a, b) % self.p
        total = 0
        for start in range(0, inner, FITS):
            total = total + np.matmul(a[..., start : start + FITS], b[..., start : start + FITS, :]) % self.p
        return np.asarray(total) % self.p

    def draw(self, name: str, places: Array) -> Array:
        """Uniform entries; equal places hold equal entries."""
        return (self._hash(name, places) % self._p).astype(np.int64)

    def opaque(self, name: str, order: int, a: Array) -> Array:
        """f^(k): a random function."""
        return self.draw(f"{name} {order}", a)

    def exp(self, a: Array) -> Array:
        """A random function without zeros, with exp(-v) = 1/exp(v) and exp(0) = 1."""
        self.exponents.append(np.ravel(a[0]))
        is_upper = a > self.p // 2
        value = (self._hash("exp", np.where(is_upper, self.p - a, a)) % (self._p - np.uint64(1))).astype(np.int64) + 1
        if is_upper.any():
            value = np.where(is_upper, self.inverse(value), value)
        return np.where(a == 0, 1, value)

    def log(self, a: Array) -> Array:
        """A random function; that its derivative is 1/z is all that is known of it."""
        return self.draw("log", a)

    def sqrt(self, a: Array) -> Array:
        """A random function; that its derivative is 1/(2 sqrt z) is all that is used of it."""
        return self.draw("sqrt", a)

    def step(self, a: Array) -> Array:
        """A random function: relu is z · step(z), step' = 0, and nothing else is used of it."""
        return self.draw("step", a)

    def inverse(self, a: Array) -> Array:
        """1/a entry by entry. Raises `Degenerate` where an entry is zero."""
        if not a.all():
            raise Degenerate("the reciprocal of zero")
        flat = np.broadcast_to(a, (self.trials, *a.shape[1:])).reshape(self.trials, -1).tolist()
        found = [[pow(v, -1, p) for v in row] for row, p in zip(flat, self.primes, strict=True)]
        return np.array(found, dtype=np.int64).reshape(self.trials, *a.shape[1:])

    def differ(self, a: Array, b: Array) -> Array:
        """Where two arrays differ."""
        return np.asarray(a != b)

    def has_opposite_exponents(self) -> bool:
        """Whether exp was asked for some v and for -v: if not here, then not formally."""
        if not self.exponents:
            return False
        values = np.concatenate(self.exponents)
        return bool(np.isin((-values) % self.primes[0], values).any())


class Rationals:
    """Q, one trial: object arrays of `Fraction`; unknown functions take small integer values, kept in `tables`."""

    trials = 1

    def __init__(self, ndim: int, seed: int, spread: int = 3) -> None:
        self._shape = (1,) * ndim
        self._seed, self._spread = seed, spread
        self.tables: dict[tuple[str, int], dict[Fraction, Fraction]] = {}

    def constant(self, value: Fraction) -> Array:
        """A rational number."""
        found = np.empty(self._shape, dtype=object)
        found[...] = value
        return found

    def add(self, a: Array, b: Array) -> Array:
        """a + b."""
        return np.asarray(a + b, dtype=object)

    def negate(self, a: Array) -> Array:
        """-a."""
        return np.asarray(-a, dtype=object)

    def multiply(self, a: Array, b: Array) -> Array:
        """a b entry by entry."""
        return np.asarray(a * b, dtype=object)

    def reduce(self, a: Array) -> Array:
        """Nothing to reduce."""
        return np.asarray(a, dtype=object)

    def integers(self, a: Array) -> Array:
        """Small integers as fractions."""
        return self._each(lambda v: Fraction(int(v)), a)

    def matmul(self, a: Array, b: Array) -> Array:
        """A B."""
        return np.asarray(np.matmul(a, b), dtype=object)

    def draw(self, name: str, places: Array) -> Array:
        """Small integers; equal places hold equal entries."""
        return self._each(lambda v: self._small(name, int(v)), places)

    def _small(self, name: str, place: object) -> Fraction:
        return Fraction(word(name, str(place), self._seed) % (2 * self._spread + 1) - self._spread)

    def opaque(self, name: str, order: int, a: Array) -> Array:
        """f^(k) by a table of small integers that grows as values are asked for."""
        table = self.tables.setdefault((name, order), {})

        def value(v: Fraction) -> Fraction:
            if v not in table:
                table[v] = self._small(f"{name} {order}", v)
            return table[v]

        return self._each(value, a)

    def exp(self, a: Array) -> Array:
        """Only exp(0) = 1 is rational."""
        return self._each(self._only({Fraction(0): Fraction(1)}), a)

    def log(self, a: Array) -> Array:
        """Only log(1) = 0 is rational."""
        return self._each(self._only({Fraction(1): Fraction(0)}), a)

    def sqrt(self, a: Array) -> Array:
        """Only the roots of 0 and 1 are needed here."""
        return self._each(self._only({Fraction(0): Fraction(0), Fraction(1): Fraction(1)}), a)

    @staticmethod
    def _only(table: dict[Fraction, Fraction]) -> Any:
        def value(v: Fraction) -> Fraction:
            if v not in table:
                raise Degenerate("an irrational value")
            return table[v]

        return value

    def step(self, a: Array) -> Array:
        """1 for z > 0, 0 for z < 0; z = 0 is excluded."""

        def value(v: Fraction) -> Fraction:
            if v == 0:
                raise Degenerate("relu at zero")
            return Fraction(int(v > 0))

        return self._each(value, a)

    def inverse(self, a: Array) -> Array:
        """1/a entry by entry. Raises `Degenerate` where an entry is zero."""

        def value(v: Fraction) -> Fraction:
            if v == 0:
                raise Degenerate("the reciprocal of zero")
            return 1 / v

        return self._each(value, a)

    def differ(self, a: Array, b: Array) -> Array:
        """Where two arrays differ."""
        return np.asarray(a != b, dtype=bool)

    def _each(self, function: Any, a: Array) -> Array:
        return _each(function, a)


class Balls(Rationals):
    """R, one trial: intervals of `mpmath.iv` that hold the true value. An unknown f is a fixed quintic."""

    def __init__(self, ndim: int, seed: int, digits: int = 40) -> None:
        super().__init__(ndim, seed)
        from mpmath import iv  # only a claim with concrete functions needs real numbers

        iv.dps = digits
        self._iv = iv

    def constant(self, value: Fraction) -> Array:
        """A ball around a rational number."""
        found = np.empty(self._shape, dtype=object)
        found.fill(self._ball(value))
        return found

    def _ball(self, value: Fraction) -> Any:
        return self._iv.mpf(value.numerator) / value.denominator

    def integers(self, a: Array) -> Array:
        """Small integers as balls."""
        return _each(lambda v: self._ball(Fraction(int(v))), a)

    def draw(self, name: str, places: Array) -> Array:
        """Multiples of 1/4 between -3/4 and 3/4."""
        return _each(lambda v: self._ball(self._small(name, int(v)) / 4), places)

    def opaque(self, name: str, order: int, a: Array) -> Array:
        """The derivative of Σ c_k z^k / k!, k ≤ 5, with small integers c_k: one instance of an unknown f."""
        c = [int(self._small(name, k)) for k in range(6)]

        def value(v: Any) -> Any:
            total, power = self._iv.mpf(0), self._iv.mpf(1)
            for k in range(6 - order):
                total += c[k + order] * power
                power = power * v / (k + 1)
            return total

        return _each(value, a)

    def exp(self, a: Array) -> Array:
        """e^z."""
        return _each(self._iv.exp, a)

    def log(self, a: Array) -> Array:
        """log z. Raises `Degenerate` off z > 0."""
        return _each(self._positive(self._iv.log), a)

    def sqrt(self, a: Array) -> Array:
        """√z. Raises `Degenerate` off z > 0."""
        return _each(self._positive(self._iv.sqrt), a)

    @staticmethod
    def _positive(function: Any) -> Any:
        def value(v: Any) -> Any:
            if not v.a > 0:
                raise Degenerate("not positive")
            return function(v)

        return value

    def step(self, a: Array) -> Array:
        """1 for z > 0, 0 for z < 0; a ball around 0 is excluded."""

        def value(v: Any) -> Any:
            if not (v.a > 0 or v.b < 0):
                raise Degenerate("relu at zero")
            return self._iv.mpf(int(v.a > 0))

        return _each(value, a)

    def inverse(self, a: Array) -> Array:
        """1/a. Raises `Degenerate` where a ball holds zero."""

        def value(v: Any) -> Any:
            if v.a <= 0 <= v.b:
                raise Degenerate("the reciprocal of zero")
            return 1 / v

        return _each(value, a)

    def differ(self, a: Array, b: Array) -> Array:
        """Where two balls have no point in common."""
        a, b = np.broadcast_arrays(a, b)
        found = np.empty(a.shape, dtype=bool)
        for place in np.ndindex(a.shape):
            found[place] = bool(a[place].b < b[place].a or b[place].b < a[place].a)
        return found


def _each(function: Any, a: Array) -> Array:
    """A function of each entry, as an object array (never collapsed by NumPy)."""
    found = np.empty(a.shape, dtype=object)
    places: Sequence[tuple[int, ...]] = list(np.ndindex(a.shape))
    for place in places:
        found[place] = function(a[place])
    return found
