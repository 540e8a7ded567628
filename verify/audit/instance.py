"""Inputs and cotangents on which no error of a backward pass can hide.

An instance is drawn from sizes and a seed: sizes distinct and at least 2, T at least 3, s_0 ≠ 0, W not symmetric,
cotangents at every step of every output. Every row of a matrix holds one large entry (0.6) and small ones that sum to
at most 0.35: so signals pass through any size, pre-activations stay around 2, and |W| is a contraction, which keeps
the error bounds of long sequences finite. Instances that somebody asks for may be degenerate: they say so.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from verify.reference.sequences import Array

LARGE, SMALL = 0.6, 0.35  # of a row of a matrix: its one large entry, and the sum of all others
STEPS = (7, 5, 12, 23)  # T by number of the instance: a truncation after 4, 5, 10 or 20 steps shows
FEWEST_STEPS = 3
WIDTHS = (2, 3, 4, 5, 6, 8, 9, 10, 11, 13, 14, 15)
SEQUENCE, BATCH = "T", "B"


@dataclass(frozen=True)
class Instance:
    """One problem: `sizes` by letter, `inputs` and `cotangents` by the model's keys, the seed that filled them."""

    sizes: Mapping[str, int]
    inputs: dict[str, Array]
    cotangents: dict[str, Array]
    seed: int
    written: Mapping[str, str] = field(default_factory=dict)  # the shapes of the inputs and outputs, "n m"

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The inputs' dtype."""
        return next(iter(self.inputs.values())).dtype

    def blind_spots(self) -> tuple[str, ...]:
        """What this instance cannot show, one line each; none where it was drawn by default."""
        return (*blind_sizes(self.sizes), *self._blind_values())

    def _blind_values(self) -> tuple[str, ...]:
        found = [f"{key} = 0 hides what reads it" for key, array in sorted(self.inputs.items()) if not array.any()]
        square = (k for k, a in self.inputs.items() if a.ndim == 2 and a.shape[0] == a.shape[1] > 1)
        found += [
            f"{key} is symmetric: a missing transpose does not show"
            for key in sorted(square)
            if BATCH not in self.written.get(key, "").split() and np.array_equal(self.inputs[key], self.inputs[key].T)
        ]
        for key, array in sorted(self.cotangents.items()):
            steps = array if self.written.get(key, "").startswith(SEQUENCE) else array[None]
            speaks = steps.any(axis=tuple(range(1, steps.ndim)))
            if not speaks.all():
                found.append(f"the cotangent of {key} is 0 at step {int(speaks.argmin()) + 1}")
        return tuple(found)


def blind_sizes(sizes: Mapping[str, int]) -> tuple[str, ...]:
    """What sizes cannot show: fewer than three steps, an axis of length 1, two axes of one length."""
    found = []
    if sizes.get(SEQUENCE, FEWEST_STEPS) < FEWEST_STEPS:
        found.append(f"T = {sizes[SEQUENCE]} hides errors in time: three steps are needed")
    found += [
        f"{letter} = 1 hides transposed and summed axes"
        for letter, size in sorted(sizes.items())
        if size == 1 and letter not in (SEQUENCE, BATCH)
    ]
    if sizes.get(BATCH) == 1:
        found.append("B = 1 hides errors in the sum over the batch")
    widths = sorted((size, letter) for letter, size in sizes.items())
    for (size, one), (other, two) in pairwise(widths):
        if size == other > 1:
            found.append(f"{one} = {two} = {size} hides exchanged axes")
    return tuple(found)


def told_sizes(sizes: Mapping[str, int]) -> str:
    """B = 2, T = 7, n = 3."""
    return ", ".join(f"{letter} = {size}" for letter, size in sorted(sizes.items()))


def letters_of(shapes: Iterable[str]) -> tuple[str, ...]:
    """The size letters of some shapes, sorted."""
    return tuple(sorted({multiple(axis)[1] for written in shapes for axis in written.split()} - {""}))


def multiple(axis: str) -> tuple[int, str]:
    """An axis as a multiple of a letter: "n" is (1, "n"), "2n" is (2, "n"), "1" is (1, "")."""
    letter = axis.lstrip("0123456789")
    return int(axis[: len(axis) - len(letter)] or 1), letter


def chosen_sizes(letters: Iterable[str], number: int, asked: Mapping[str, int] | None = None) -> dict[str, int]:
    """Sizes for the `number`-th instance: those that are asked for, the others distinct; T ≥ 3, all others ≥ 2."""
    found = dict(asked or {})
    wanted = [letter for letter in letters if letter not in found]
    if SEQUENCE in wanted:
        found[SEQUENCE] = next(t for t in (*STEPS[number % len(STEPS) :], *range(7, 99)) if t not in found.values())
    free = [width for width in WIDTHS if width not in found.values()]
    others = [letter for letter in wanted if letter != SEQUENCE]
    order = np.random.default_rng(number).permutation(len(others))
    return found | {others[i]: free[place] for place, i in enumerate(order)}


def drawn(
    shapes: Mapping[str, str],
    outputs: Mapping[str, str],
    sizes: Mapping[str, int],
    seed: int,
    dtype: object = np.float64,
    scales: Mapping[str, float] | None = None,
) -> Instance:
    """The instance of some sizes and a seed.

    `shapes` of the inputs and `outputs` by key, written "T B m"; `scales` multiplies the entries of some inputs.
    Floats are rounded to `dtype` here: the reference sees what the function sees.
    """
    scales = scales or {}
    inputs = {key: scales.get(key, 1.0) * entries(key, written, sizes, seed) for key, written in shapes.items()}
    cotangents = {key: away_from_zero(shape(written, sizes), key, seed) for key, written in outputs.items()}
    return Instance(
        dict(sizes),
        {key: np.asarray(array, dtype=dtype) for key, array in inputs.items()},  # type: ignore[call-overload]
        {key: np.asarray(array, dtype=dtype) for key, array in cotangents.items()},  # type: ignore[call-overload]
        seed,
        {**shapes, **outputs},
    )


def shape(written: str, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """ "T B m" at some sizes."""
    return tuple(number * (sizes[letter] if letter else 1) for number, letter in map(multiple, written.split()))


def entries(key: str, written: str, sizes: Mapping[str, int], seed: int) -> Array:
    """The entries of an input by the kind of its shape."""
    letters, sides = written.split(), shape(written, sizes)
    if BATCH in letters:
        return uniform(sides, key, seed)
    if len(letters) == 1:
        return 0.5 * away_from_zero(sides, key, seed)
    return contraction(sides, key, seed)


def contraction(sides: tuple[int, ...], key: str, seed: int) -> Array:
    """A matrix or kernel (rows, …), Σ |a_ij| ≤ 0.95 in every row: one large entry in each, its place shifting."""
    rows, columns = sides[0], int(np.prod(sides[1:]))
    found = uniform((rows, columns), key, seed)
    found *= SMALL / np.maximum(np.abs(found).sum(axis=1, keepdims=True), 1e-9)
    places = (np.arange(rows) + 1) % columns
    found[np.arange(rows), places] += LARGE * np.where(uniform((rows,), key, "signs", seed) < 0, -1, 1)
    return found.reshape(sides)


def away_from_zero(sides: tuple[int, ...], *seeds: object) -> Array:
    """Entries of either sign, 1/4 ≤ |a| < 1."""
    found = uniform(sides, *seeds)
    return np.copysign(0.25 + 0.75 * np.abs(found), found)


def uniform(sides: tuple[int, ...], *seeds: object) -> Array:
    """Entries in (-1, 1) by name and seed: an array does not change when another one is left out."""
    return np.random.default_rng([zlib.crc32(str(seed).encode()) for seed in seeds]).uniform(-1, 1, sides)
