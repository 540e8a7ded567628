"""Upper bounds over all contraction networks of a value, and how they add and multiply.

A formula expands into contraction networks: sums over index classes of products of tensor entries, function atoms
and reciprocals. `classes` follows a formula through these bounds without expanding anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from math import log2
from typing import Any

import sympy as sp

Counts = tuple[int, ...]  # one number a sort (or a size), in the program's order
Powers = Mapping[int, int]  # powers of reciprocated expressions, by the numbers they were given

# What is known of an axis: every network has a factor on it that never cancels (PURE), a factor with positive
# powers (TOUCHED); some network has a reciprocal on it, which may cancel what touches it (INVERSE).
PURE, TOUCHED, INVERSE = 1, 2, 4


@dataclass(frozen=True, slots=True)
class Networks:
    """Upper bounds over all contraction networks of a value.

    `total`: index classes of each sort, open ones included. `rows`, `cols`, `letters`: the cover of each axis.
    `up`: degrees in the sizes of the coefficients' numerators; `down`: powers of sizes in their denominators; `below`:
    degrees of what else stands there, such as n + 1, which sums multiply. `degree`, `height`: degree in random values,
    and log2 of the sum of an entry's absolute coefficients, contractions not counted; `fall`: the same of constant
    denominators; `low`: their degree in numbers that are free. `under`, `over`: reciprocated expressions below and
    above the fraction bar. `linked`: two open positions may be one class. `touched`: names of tensors and functions.
    """

    total: Counts
    rows: int
    cols: int
    up: Counts
    down: Counts
    below: Counts
    degree: int = 1
    height: float = 0.0
    fall: float = 0.0
    low: int = 0
    linked: bool = False
    is_unit: bool = False  # the identity matrix itself
    letters: Mapping[str, int] = field(default_factory=dict)
    under: Powers = field(default_factory=dict)
    over: Powers = field(default_factory=dict)
    touched: frozenset[str] = frozenset()


def total_of_sum(a: Networks, b: Networks) -> Networks:
    """Bounds of a + b: the larger ones; heights add."""
    return Networks(
        total=larger(a.total, b.total),
        rows=either(a.rows, b.rows),
        cols=either(a.cols, b.cols),
        up=larger(plus(a.up, b.below), plus(b.up, a.below)),
        down=larger(a.down, b.down),
        below=plus(a.below, b.below),
        degree=max(a.degree + b.low, b.degree + a.low),
        height=log_sum(a.height + b.fall, b.height + a.fall),
        fall=a.fall + b.fall,
        low=a.low + b.low,
        linked=a.linked or b.linked,
        letters=_letters(a.letters, b.letters, either) if a.letters or b.letters else a.letters,
        under=_highest(a.under, b.under),
        over=_highest(a.over, b.over),
        touched=a.touched if a.touched == b.touched else a.touched | b.touched,
    )


def product(a: Networks, b: Networks, total: Counts, rows: int, cols: int) -> Networks:
    """Bounds of a product with the given classes and cover: all else adds."""
    return Networks(
        total=total,
        rows=rows,
        cols=cols,
        up=plus(a.up, b.up),
        down=plus(a.down, b.down),
        below=plus(a.below, b.below),
        degree=a.degree + b.degree,
        height=a.height + b.height,
        fall=a.fall + b.fall,
        low=a.low + b.low,
        linked=a.linked or b.linked,
        letters=_letters(a.letters, b.letters, int.__or__) if a.letters or b.letters else a.letters,
        under=together(a.under, b.under),
        over=together(a.over, b.over),
        touched=a.touched if a.touched == b.touched else a.touched | b.touched,
    )


# --- arithmetic of counts --------------------------------------------------------------------------------------


def plus(first: Counts, *others: Counts) -> Counts:
    """Entrywise sum."""
    for other in others:
        first = tuple(map(int.__add__, first, other))
    return first


def minus(first: Counts, second: Counts) -> Counts:
    """Entrywise difference, never below 0."""
    return tuple(max(x - y, 0) for x, y in zip(first, second, strict=True))


def larger(first: Counts, second: Counts) -> Counts:
    """Entrywise maximum."""
    return first if first == second else tuple(map(max, first, second))


def log_sum(x: float, y: float) -> float:
    """log2(2^x + 2^y)."""
    top = max(x, y)
    return top + log2(1 + 2 ** (min(x, y) - top))


@cache
def degree_in(size: Any, symbol: str) -> int:
    """The degree of a size in a symbol."""
    found = [s for s in size.free_symbols if str(s.name) == symbol]
    return int(sp.degree(size, found[0])) if found else 0


def either(x: int, y: int) -> int:
    """Cover of a sum, or of an axis made of two: sure only where both are."""
    return x & y & (PURE | TOUCHED) | (x | y) & INVERSE


def together(x: Powers, y: Powers) -> Powers:
    """Powers of a product: they add."""
    if not x or not y:
        return x or y
    return {key: x.get(key, 0) + y.get(key, 0) for key in {**x, **y}}


def _highest(x: Powers, y: Powers) -> Powers:
    """Powers of a sum, over a common denominator: the higher ones."""
    if not x or not y:
        return x or y
    return {key: max(x.get(key, 0), y.get(key, 0)) for key in {**x, **y}}


def _letters(x: Mapping[str, int], y: Mapping[str, int], merge: Any) -> dict[str, int]:
    return {letter: merge(x.get(letter, 0), y.get(letter, 0)) for letter in {**x, **y}}
