"""Arrays of residues modulo a prime that pass for arrays of floats: NumPy code runs on them unchanged, and exactly.

A residue r stands in memory as the float 1 + (r 2²⁹ + tag) 2⁻⁵², so it survives copies, assignments and joins of
every kind, in plain arrays too, while any arithmetic that passes by this class leaves a number without the tag (all
but one in 2²⁹): a value that leaves the field is noticed. Numbers of the code itself are read as k / 1024, k < 2²⁰.

Division is the field's. Elementary functions are random ones that keep the identities which code relies on: e^{-a} =
1 / e^a, tanh a = (e^{2a} - 1) / (e^{2a} + 1), a > 0 or -a > 0. Which of them were taken, and where, is kept:
two codes that took the same ones can be compared (`verify.audit.exact`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import asarray  # by its name: `np.asarray` is another one while a function runs (`exact.constructors`)

from verify.reference.sequences import Array

PRIME = 8388593  # < 2²³: products of residues are below 2⁴⁶
TAG = 0x3FF0_0000_0A53_71C9  # of a float in [1, 2), and of its last 29 bits
MASK = -(1 << 52) | (1 << 29) - 1  # of the bits that are 0 once the tag is taken off
BITS = 29
BLOCK = 1 << 16  # so many products of residues fit into 63 bits
SCALE, LIMIT = 1024, 1 << 20  # the numbers that code may hold: k / SCALE, |k| < LIMIT
INVERSE_SCALE = pow(SCALE, -1, PRIME)
MIXER = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


class LeftField(Exception):
    """A value left the field: what happened."""


class Run:
    """One exact run: the seed of its elementary functions, where each was taken, and why the run was given up."""

    def __init__(self, seed: int) -> None:
        self.seed, self.left = seed, ""
        self.taken: dict[str, set[int]] = {"exp": set(), "sign": set()}
        self.memo: dict[tuple[str, bytes], Array] = {}

    def leave(self, why: str) -> LeftField:
        """The exception to raise; code that swallows it does not hide it."""
        self.left = self.left or why
        return LeftField(why)

    def again(self) -> Run:
        """The same functions for another code."""
        other = Run(self.seed)
        other.memo = self.memo
        return other

    def kept(self, kind: str, argument: Array, compute: Callable[[], Array]) -> Array:
        """An elementary function at residues, computed once."""
        key = (kind, argument.tobytes())
        if key not in self.memo:
            self.memo[key] = compute()
        return self.memo[key].reshape(argument.shape)


class Residues(np.ndarray):
    """An array of float64 whose entries are tagged residues, or numbers k / 1024."""

    run: Run | None

    def __array_finalize__(self, source: Any) -> None:
        self.run = getattr(source, "run", None)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        from verify.audit.operations import operate  # the operations know this class

        return operate(ufunc, method, inputs, options)

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        from verify.audit.operations import call

        def default() -> Any:
            return super(Residues, self).__array_function__(function, types, arguments, options)

        return call(function, arguments, options, default)

    def __getitem__(self, place: Any) -> Any:
        found = super().__getitem__(place)
        if isinstance(found, np.ndarray):
            return found
        entry = asarray(found).view(Residues)  # one entry stays in the field
        entry.run = self.run
        return entry

    def __iter__(self) -> Any:
        return (self[k] for k in range(len(self)))

    def _ordered(self, *arguments: Any, **options: Any) -> Any:
        raise run_of(self).leave("the order of numbers (argmax, sort …)")

    argmax = argmin = argsort = argpartition = sort = partition = nonzero = searchsorted = (
        _ordered  # no ufuncs: NumPy would not ask
    )

    def _decided(self, *arguments: Any) -> Any:
        raise run_of(self).leave("whether a number is 0, or its whole part")

    __bool__ = __int__ = _decided  # `__float__` moves entries too, as in z[k] = a[k]

    def dot(self, other: Any, out: Any = None) -> Any:
        """As `np.dot`."""
        return np.dot(self, other, out) if out is not None else np.dot(self, other)

    def astype(self, dtype: Any, *arguments: Any, **options: Any) -> Any:
        """A copy; any dtype but float64 leaves the field."""
        if np.dtype(dtype) != np.float64:
            raise run_of(self).leave(f"an array is converted to {np.dtype(dtype)}")
        return self.copy()


def run_of(*arrays: Any) -> Run:
    """The run of the first array that has one."""
    return next(a.run for a in arrays if isinstance(a, Residues) and a.run is not None)


def encoded(residues: Array, run: Run) -> Residues:
    """Residues (integers from 0 to p - 1) as an array for NumPy code."""
    bits = (asarray(residues, dtype=np.int64) << BITS) + TAG
    found = asarray(bits).view(np.float64).view(Residues)
    found.run = run
    return found


def decoded(array: Any, run: Run) -> Array:
    """The residues of an array, tagged ones and numbers. Raises LeftField for any other number."""
    if isinstance(array, int | float):
        return asarray(residue_of(array, run))
    plain = asarray(array)
    if plain.dtype != np.float64:
        return _whole(plain, run)
    shifted = asarray(plain.view(np.ndarray).view(np.int64) - TAG)
    if not (shifted & MASK).any():
        return shifted >> BITS
    is_tagged = (shifted & MASK) == 0
    return np.where(is_tagged, shifted >> BITS, _numbers(np.where(is_tagged, 0.0, plain), run))


def _whole(plain: Array, run: Run) -> Array:
    if plain.dtype.kind in "iub":
        if plain.dtype.kind != "b" and plain.size and np.abs(plain.astype(float)).max() >= 2.0**53:
            raise run.leave(f"an array of whole numbers beyond 2^53 ({plain.dtype})")
        return plain.astype(np.int64) % PRIME
    raise run.leave(f"an array of {plain.dtype}")


def _numbers(plain: Array, run: Run) -> Array:
    """k / 1024 in the field."""
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = plain * SCALE
        is_number = (np.abs(scaled) < LIMIT) & (scaled == np.rint(scaled))
    if not is_number.all():
        stray = float(plain[~is_number].flat[0])
        raise run.leave(
            f"the number {stray!r}, which is not known exactly: a constant, or computed where NumPy does not tell"
        )
    return scaled.astype(np.int64) * INVERSE_SCALE % PRIME


def residue_of(number: float, run: Run) -> int:
    """A number k / 1024 in the field."""
    if isinstance(number, int) and abs(number) < LIMIT:
        return int(number) % PRIME
    return int(_numbers(asarray(float(number)), run)) if not isinstance(number, bool) else int(number)


# --- arithmetic --------------------------------------------------------------------------------------------------


def product(a: Array, b: Array) -> Array:
    """A B modulo p, by blocks where the sum of products would not fit into 63 bits."""
    length = a.shape[-1]
    if length <= BLOCK:
        return np.matmul(a, b) % PRIME
    rows = b.ndim == 1
    parts = (slice(k, k + BLOCK) for k in range(0, length, BLOCK))
    terms = (np.matmul(a[..., part], b[part] if rows else b[..., part, :]) % PRIME for part in parts)
    total = next(terms)
    for term in terms:
        total = (total + term) % PRIME
    return total


def inverse(a: Array, run: Run) -> Array:
    """a^{p-2} = 1 / a (Fermat), p - 2 = 2²³ - 17."""
    if (a == 0).any():
        raise run.leave("a division by zero")
    found, power = np.ones_like(a), a
    for bit in range(23):
        if (PRIME - 2) >> bit & 1:
            found = found * power % PRIME
        power = power * power % PRIME
    return found


def hashed(kind: int, a: Array, seed: int) -> Array:
    """A random residue from 2 on for each argument, by SplitMix64 (Steele, Lea & Flood 2014)."""
    with np.errstate(over="ignore"):  # arithmetic modulo 2⁶⁴ is meant
        z = (a.astype(np.uint64) + np.uint64(kind << 32) + np.uint64(1)) * np.uint64(MIXER[0])
        z = z ^ (np.uint64(seed % 2**64) * np.uint64(MIXER[2]))
        z = (z ^ (z >> np.uint64(30))) * np.uint64(MIXER[1])
        z = (z ^ (z >> np.uint64(27))) * np.uint64(MIXER[2])
        z = z ^ (z >> np.uint64(31))
    return (z % np.uint64(PRIME - 2)).astype(np.int64) + 2


def exponential(a: Array, run: Run) -> Array:
    """e^a: random, e^{-a} = 1 / e^a, e^0 = 1."""
    canonical = np.minimum(a, (PRIME - a) % PRIME)
    run.taken["exp"].update(canonical.ravel().tolist())

    def compute() -> Array:
        base = np.where(canonical == 0, 1, hashed(1, canonical, run.seed))
        return np.where(a == canonical, base, inverse(base, run))

    return run.kept("exp", a, compute)


def tangent(a: Array, run: Run) -> Array:
    """tanh a = (e^{2a} - 1) / (e^{2a} + 1)."""
    double = 2 * a % PRIME
    e = exponential(double, run)
    return run.kept("tanh", a, lambda: (e - 1) * inverse((e + 1) % PRIME, run) % PRIME)


def is_positive(a: Array, run: Run) -> Array:
    """a > 0: random; of a and -a one is, of 0 neither."""
    negated = (PRIME - a) % PRIME
    canonical = np.minimum(a, negated)
    run.taken["sign"].update(canonical.ravel().tolist())
    coin = hashed(2, canonical, run.seed) & 1 == 1
    return np.where(a == canonical, coin, ~coin) & (a != 0)
