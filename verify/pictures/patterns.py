"""Where a claim's sides can be other than zero, and what stands there: exact evaluation at random values.

Nothing is known here of Kronecker products: a side is computed modulo primes at random values, and an entry is named
where its value is that of one entry of one variable. A structural zero is zero in every draw; an entry that is not
would be zero by chance with a probability below 2^-28 in each of four trials.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from derive.language.show import show_name
from verify.claim import Claim
from verify.deciders.prime_field.arrays import Arrays, ndim
from verify.deciders.prime_field.decide import sides_of
from verify.deciders.prime_field.fields import PrimeField, word
from verify.deciders.prime_field.limits import Limits
from verify.deciders.prime_field.problems import Degenerate
from verify.deciders.prime_field.program import Program, compiled
from verify.deciders.prime_field.scope import Run
from verify.pictures.labels import Label, indexed
from verify.pictures.picture import NoPicture
from verify.times import Times, instances

LIMITS = Limits(entries=200_000, steps=8)
STEPS = 3  # the last step that is looked at
TRIALS = 2  # primes in one draw
REDRAWS = 4
SIZES = ((3, 4, 2, 5), (2, 3, 1, 4), (2, 2, 2, 2))  # of the letters n, m, p, …: different ones first
LETTERS = ("n", "m")  # which are given their sizes first, as most derivations use them
Sizes = Mapping[str, int]
Names = tuple[tuple[Label | None, ...], ...]  # what stands in a cell


@dataclass(frozen=True)
class Side:
    """One side of a claim: where it is not zero, the names of what stands there, and whose entries these are."""

    nonzero: NDArray[np.bool_]
    names: Names
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Patterns:
    """Both sides of a claim at the same sizes and steps."""

    sizes: Sizes
    times: Times
    left: Side
    right: Side


def patterns(claim: Claim, most_rows: int, most_cols: int, seed: int = 0) -> Patterns:
    """Both sides' patterns at the largest of `SIZES` at which they have no more rows and columns than given.

    Raises `NoPicture` where the claim has component letters or is made at no step, where no sizes fit, or where two
    draws disagree; `BackproofError` for what cannot be evaluated.
    """
    if claim.letters:
        raise NoPicture("one entry is no matrix")
    program, times = compiled(claim, LIMITS), shown_times(claim)
    for sizes in _sizes(program):
        rows, cols = (_length(axis, sizes) for axis in program.shape)
        if rows <= most_rows and cols <= most_cols:
            draws = [_draw(program, sizes, times, word("pattern", seed, k)) for k in range(2)]
            if any(not np.array_equal(one.nonzero, other.nonzero) for one, other in zip(*draws, strict=True)):
                raise NoPicture("two draws disagree")
            return Patterns(sizes, times, *draws[0])
    raise NoPicture(f"more than {most_rows} rows or {most_cols} columns at every size")


def shown_times(claim: Claim) -> Times:
    """The steps at which a claim is drawn: as many different ones as there are, the last step at most `STEPS`."""
    found = list(instances(claim, STEPS))
    if not found:
        raise NoPicture(f"nothing is claimed up to step {STEPS}")
    return max(found, key=lambda times: (len(set(times.values())), tuple(times.values())))


def _sizes(program: Program) -> Iterator[dict[str, int]]:
    """Sizes for the letters of a program, in the order of `SIZES`."""
    order = sorted(program.symbols, key=lambda name: (name not in LETTERS, name != "n", name))
    for choice in SIZES:
        numbers = [*choice, *([choice[-1]] * len(order))]
        sizes = dict(zip(order, numbers, strict=False))
        if all(_basic(size, sizes) >= 1 for size in program.sorts):
            yield sizes


def _basic(size: Any, sizes: Sizes) -> int:
    return int(size.subs({letter: sizes[str(letter)] for letter in size.free_symbols}))


def _length(axis: Any, sizes: Sizes) -> int:
    return prod(_basic(sp.sympify(size), sizes) for size in axis)


def _draw(program: Program, sizes: Sizes, times: Times, seed: int) -> tuple[Side, Side]:
    """Both sides at random values modulo two primes."""
    env = {str(letter.name): int(value) for letter, value in times.items()}
    for attempt in range(REDRAWS):
        field = PrimeField(TRIALS, ndim(0), word(program.key, seed, attempt))
        run = Run(program.system, Arrays(field, sizes, {}, LIMITS.entries, True, True), env)
        try:
            sides = sides_of(program, run)
        except Degenerate:
            continue
        if any(side.shape[1:-2].count(1) != side.ndim - 3 for side in sides):
            raise NoPicture("a family of derivatives is no matrix")
        known = _known(run, field)
        left, right = (_side(np.broadcast_to(s, (TRIALS, *s.shape[1:])), known) for s in sides)
        return left, right
    raise NoPicture("a value that does not exist in every draw")


Known = Mapping[
    tuple[int, ...], tuple[Label, str]
]  # by the values in all trials: an entry's name, and of what it is one


def _side(side: NDArray[Any], known: Known) -> Side:
    """The pattern of a side (trials, 1 …, rows, columns), and the names of the values in it."""
    values = side.reshape(TRIALS, *side.shape[-2:])
    found = [
        [known.get(tuple(int(v) for v in values[:, row, col])) for col in range(values.shape[2])]
        for row in range(values.shape[1])
    ]
    names = tuple(tuple(None if cell is None else cell[0] for cell in row) for row in found)
    sources = {cell[1]: None for row in found for cell in row if cell is not None and cell[1]}
    return Side(np.asarray(values.any(axis=0)), names, tuple(sources))


def _known(run: Run, field: PrimeField) -> Known:
    """The labels of 1, -1 and of every entry of every variable that the evaluation has met, by its values."""
    found = {(1,) * TRIALS: (Label("1"), ""), tuple(p - 1 for p in field.primes): (Label("−1"), "")}
    members = {key: jet.get(0) for key, jet in run.root.memo.items()}
    for (name, steps), value in sorted(members.items(), key=lambda item: str(item[0])):
        if value is None or value.ndim < 2 or value.shape[1:-2].count(1) != value.ndim - 3:
            continue
        entries = np.broadcast_to(value, (TRIALS, *value.shape[1:])).reshape(TRIALS, *value.shape[-2:])
        rows, cols = entries.shape[1:]
        for row, col in product(range(rows), range(cols)):
            place = entry_index(row, col, cols) if rows * cols > 1 else ""
            whose = show_name(name) + (f"[{','.join(map(str, steps))}]" if steps else "")
            found.setdefault(tuple(int(v) for v in entries[:, row, col]), (indexed(name, place), whose))
    return found


def entry_index(row: int, col: int, cols: int) -> str:
    """Which entry, counted from 1: 2 of a column, 23 of a matrix, 2,13 where two digits are needed."""
    if cols == 1:
        return str(row + 1)
    return f"{row + 1}{col + 1}" if max(row, col) < 9 else f"{row + 1},{col + 1}"
