"""Where entries live: what a field is, and prime fields with a prime of their own for each trial.

Arrays carry the trial on their first axis. A field knows entrywise arithmetic, the matrix product of the last two
axes, and what an unknown function or a random tensor is worth; it knows nothing of formulas.

Opaque functions and losses are random functions: their values are hashes of (value, name, order, trial, seed), so
equal arguments give equal values and all else is independent. Over Q a polynomial with these jets exists at any
finite set of points, so a difference seen here is one for some differentiable function.
"""

from __future__ import annotations

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
    def point(self, name: str, a: Array) -> Array: ...
    def unknown(self, name: str, point: Array, places: Array, counts: tuple[int, int]) -> Array: ...
    def exp(self, a: Array) -> Array: ...
    def log(self, a: Array) -> Array: ...
    def sqrt(self, a: Array) -> Array: ...
    def tanh(self, a: Array) -> Array: ...
    def sigmoid(self, a: Array) -> Array: ...
    def softplus(self, a: Array) -> Array: ...
    def normal_cdf(self, a: Array) -> Array: ...
    def normal_density(self, a: Array) -> Array: ...
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
        self._asked: dict[str, list[Array]] = {}  # arguments of exp and its kin in the first trial: do they meet?

    def _key(self, name: str) -> Array:
        found = self._keys.get(name)
        if found is None:
            start = word(name, self._seed)
            trial = np.array([(start + t * 0x9E3779B97F4A7C15) % 2**64 for t in range(self.trials)], dtype=np.uint64)
            found = self._keys[name] = _mix(trial).reshape(self._shape)
        return found

    def _hash(self, name: str, a: Array) -> Array:
        return _mix(a.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + self._key(name))

    def constant(self, value: Fraction) -> Array:
        """A rational number modulo each prime. Raises `Degenerate` where one divides its denominator."""
        if any(value.denominator % p == 0 for p in self.primes):
            raise Degenerate("a prime in a denominator")
        residues = [value.numerator * pow(value.denominator, -1, p) % p for p in self.primes]
        return np.array(residues, dtype=np.int64).reshape(self._shape)

    def number(self, name: str) -> int:
        """A whole number, uniform and independent modulo all primes, up to 2^-64."""
        return sum(word("number", name, self._seed, i) << (64 * i) for i in range(self.trials // 2 + 2))

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

    def point(self, name: str, a: Array) -> Array:
        """All entries of a column in one word, (…, 1, 1): equal columns have equal words."""
        found = self._key(f"{name} at") + np.zeros_like(a[..., :1, :], dtype=np.uint64)
        for entry in range(a.shape[-2]):
            part = a[..., entry : entry + 1, :].astype(np.uint64)
            found = _mix(found * np.uint64(0x9E3779B97F4A7C15) + part + np.uint64(entry))
        return np.asarray(found)

    def unknown(self, name: str, point: Array, places: Array, counts: tuple[int, int]) -> Array:
        """Uniform entries of D^k F at a point: independent for different points, orders and places.

        `places` (rows, columns, 1 + k) holds the number of the value's entry and of k sorted entries of the argument.
        """
        order, weights = places.shape[-1] - 1, [1, *(counts[0] * counts[1] ** k for k in range(places.shape[-1] - 1))]
        number = (places @ np.array(weights, dtype=np.int64)).reshape(*(1,) * (point.ndim - 2), *places.shape[:-1])
        return (_mix(self._hash(f"{name} {order}", number) ^ point) % self._p).astype(np.int64)

    def exp(self, a: Array) -> Array:
        """A random function without zeros, with exp(-v) = 1/exp(v) and exp(0) = 1."""
        self._note("exp", a)
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

    def tanh(self, a: Array) -> Array:
        """A random function; that its derivative is 1 - tanh² is all that is used of it."""
        self._note("tanh", a)
        return self.draw("tanh", a)

    def sigmoid(self, a: Array) -> Array:
        """A random function; that its derivative is σ (1 - σ) is all that is used of it."""
        self._note("sigmoid", a)
        return self.draw("sigmoid", a)

    def softplus(self, a: Array) -> Array:
        """A random function; that its derivative is σ is all that is used of it."""
        self._note("softplus", a)
        return self.draw("softplus", a)

    def normal_cdf(self, a: Array) -> Array:
        """A random function; that its derivative is φ is all that is used of it."""
        return self.draw("normal cdf", a)

    def normal_density(self, a: Array) -> Array:
        """A random function; that its derivative is -z φ(z) is all that is used of it."""
        return self.draw("normal density", a)

    def _note(self, name: str, a: Array) -> None:
        self._asked.setdefault(name, []).append(np.ravel(a[0]))

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
        return self._meet("exp", "exp")

    def has_related_functions(self) -> bool:
        """Whether tanh, σ or softplus was asked for the same value, up to its sign, as exp or another, or for v and -v.

        If not here, then not formally; then exponentials say no more of tanh, σ and softplus than their slopes do.
        """
        related = ("tanh", "sigmoid", "softplus")
        pairs = [(one, other) for one in related for other in ("exp", *related)]
        return any(self._meet(one, other) for one, other in pairs)

    def _meet(self, one: str, other: str) -> bool:
        """Whether one function was asked for the opposite of what another was, or another one for the same."""
        if one not in self._asked or other not in self._asked:
            return False
        first, second = (np.concatenate(self._asked[name]) for name in (one, other))
        is_opposite = np.isin((-first) % self.primes[0], second).any()
        return bool(is_opposite or (one != other and np.isin(first, second).any()))
