"""Formulas as class counts: what the small-model lemma and the error bound need, without expanding anything.

A formula expands into contraction networks: sums over index classes of products of tensor entries and function
atoms. A `Networks` value bounds, over all networks of a formula,

* `total`: the index classes of each sort of axis, open ones included (product: sum less the joined ones; sum:
  maximum). A derivative is followed as a generic tensor dX that multiplies: taking its coefficient opens dX's
  classes and changes no count;
* `cover`: which axes some factor of *every* network touches, for the loops: a contracted class that nothing touches
  makes a coefficient a polynomial in the sizes, whose degrees are `up` (numerators) and `down` (denominators);
* `denominators`: reciprocals of 1×1 expressions, to be cleared by their highest powers;
* degree and height of numerator and denominator as polynomials in the random values.

Every count is an upper bound; where a shape hides how classes merge (`linked`), the larger count is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from math import log2
from typing import Any

import sympy as sp

from verify.deciders.prime_field.coefficients import Coefficient
from verify.deciders.prime_field.jets import Axis
from verify.deciders.prime_field.problems import Unsupported

Counts = tuple[int, ...]  # one number a sort (or a size), in the program's order

# What is known of an axis: every network has a factor on it that never cancels (PURE), a factor with positive
# powers (TOUCHED); some network has a reciprocal on it, which may cancel what touches it (INVERSE).
PURE, TOUCHED, INVERSE = 1, 2, 4


@dataclass(frozen=True, slots=True)
class Denominator:
    """A 1×1 expression whose reciprocal occurs: its power, its classes, its degrees in the sizes."""

    power: int
    total: Counts
    up: Counts


@dataclass(frozen=True, slots=True)
class Networks:
    """Upper bounds over all contraction networks of a value (see the module)."""

    total: Counts
    rows: int
    cols: int
    up: Counts
    down: Counts
    degree: int = 1
    depth: int = 0  # degree of the denominator
    height: float = 0.0  # log2 of the sum of absolute coefficients of an entry, contractions not counted
    fall: float = 0.0  # the same of the denominator
    linked: bool = False
    is_unit: bool = False  # the identity matrix itself
    letters: Mapping[str, int] = field(default_factory=dict)
    denominators: Mapping[int, Denominator] = field(default_factory=dict)
    touched: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Atom:
    """A function application: classes and degrees of its argument, its slots, its argument's degree and height."""

    function: str
    classes: Counts
    slots: Counts
    up: Counts
    degree: int
    height: float


@dataclass(frozen=True)
class Assumed:
    """What the counts take for granted, and an evaluation over a field confirms or denies.

    `slots_vary`: every function's argument differs along each of its axes. `exp_cancels`: opposite arguments of exp
    occur. `dirty`: the tensors and functions that stand inside reciprocals with axes.
    """

    slots_vary: bool = True
    exp_cancels: bool = False
    dirty: frozenset[str] = frozenset()

    def weakened(self, has_equal_atoms: bool, has_opposite_exponents: bool) -> Assumed:
        """What is left of it after an evaluation."""
        return Assumed(self.slots_vary and not has_equal_atoms, self.exp_cancels or has_opposite_exponents, self.dirty)


class Classes:
    """The algebra of class counts over the given sorts of axes and sizes."""

    def __init__(self, sorts: tuple[Any, ...], symbols: tuple[str, ...], letters: Mapping[str, Axis], assumed: Assumed):
        self.sorts, self.symbols, self.letters, self.assumed = sorts, symbols, letters, assumed
        self.atoms: list[Atom] = []
        self.reciprocals: list[Counts] = []  # the slots of each reciprocal that has some
        self.dirty: set[str] = set(assumed.dirty)
        self._none = (0,) * len(sorts)
        self._flat = (0,) * len(symbols)
        self._counts: dict[Axis, Counts] = {}
        self._degrees: dict[Axis, Counts] = {}
        self._keys = 0

    # --- counting ----------------------------------------------------------------------------------------------

    def count(self, axis: Axis) -> Counts:
        """How many classes of each sort an axis has."""
        found = self._counts.get(axis)
        if found is None:
            found = self._counts[axis] = tuple(axis.count(sort) for sort in self.sorts)
        return found

    def loop(self, axis: Axis) -> Counts:
        """The degree in each size of a loop over an axis."""
        found = self._degrees.get(axis)
        if found is None:
            found = self._degrees[axis] = tuple(
                sum(degree_in(size, symbol) for size in axis) for symbol in self.symbols
            )
        return found

    def _value(self, axes: Axis, cover: int, **more: Any) -> Networks:
        return Networks(self.count(axes), cover, cover, self._flat, self._flat, **more)

    # --- constants and inputs ----------------------------------------------------------------------------------

    def zero(self, rows: Axis, cols: Axis) -> Networks:
        """0, whose axes count as open."""
        return self._value(rows + cols, 0, degree=0)

    def ones(self, rows: Axis, cols: Axis) -> Networks:
        """The matrix of ones touches neither axis."""
        return self._value(rows + cols, 0, degree=0)

    def identity(self, axis: Axis) -> Networks:
        """I merges its rows and columns."""
        return self._value(axis, 0, degree=0, linked=True, is_unit=True)

    def commutation(self, n: Axis, m: Axis) -> Networks:
        """K merges rows and columns crosswise."""
        return self._value(n + m, 0, degree=0, linked=True)

    def tensor(self, name: str, rows: Axis, cols: Axis, kind: str) -> Networks:
        """A free input touches both its axes, purely unless it stands inside a reciprocal with axes."""
        cover = TOUCHED | (0 if name in self.dirty else PURE)
        touched = frozenset((name,))
        if kind == "diagonal":
            return self._value(rows, cover, linked=True, touched=touched)
        return self._value(rows + cols, cover, touched=touched)

    def seed(self, level: int, rows: Axis, cols: Axis) -> Networks:
        """dX, generic: it touches purely, and its axes are opened when its coefficient is taken."""
        return self._value(rows + cols, PURE | TOUCHED, degree=0)

    def tangent(self, name: str, level: int, by_rows: Axis, by_cols: Axis, rows: Axis, cols: Axis) -> Networks:
        """An unknown derivative: a generic tensor joined to dX in all of X's axes."""
        return self._value(by_rows + by_cols + rows + cols, PURE | TOUCHED, touched=frozenset((name,)))

    # --- algebra -----------------------------------------------------------------------------------------------

    def add(self, a: Networks, b: Networks) -> Networks:
        """Bounds of a sum: the larger ones; over a common denominator."""
        same = a.depth == b.depth == 0
        return Networks(
            total=larger(a.total, b.total),
            rows=_either(a.rows, b.rows),
            cols=_either(a.cols, b.cols),
            up=larger(a.up, b.up),
            down=larger(a.down, b.down),
            degree=max(a.degree, b.degree) if same else max(a.degree + b.depth, b.degree + a.depth),
            depth=a.depth + b.depth,
            height=log_sum(a.height + b.fall, b.height + a.fall),
            fall=a.fall + b.fall,
            linked=a.linked or b.linked,
            letters=_merged_letters(a.letters, b.letters, _either) if a.letters or b.letters else a.letters,
            denominators=_most(a.denominators, b.denominators),
            touched=a.touched | b.touched,
        )

    def times(self, c: Coefficient, a: Networks) -> Networks:
        """A number times a."""
        return replace(
            a,
            up=plus(a.up, tuple(c.up.get(name, 0) for name in self.symbols)) if c.up else a.up,
            down=plus(a.down, tuple(c.down.get(name, 0) for name in self.symbols)) if c.down else a.down,
            height=a.height + c.height,
            fall=a.fall + c.depth,
            is_unit=False,
        )

    def _product(self, a: Networks, b: Networks, total: Counts, rows: int, cols: int) -> Networks:
        return Networks(
            total=total,
            rows=rows,
            cols=cols,
            up=plus(a.up, b.up),
            down=plus(a.down, b.down),
            degree=a.degree + b.degree,
            depth=a.depth + b.depth,
            height=a.height + b.height,
            fall=a.fall + b.fall,
            linked=a.linked or b.linked,
            letters=_merged_letters(a.letters, b.letters, int.__or__) if a.letters or b.letters else a.letters,
            denominators=_together(a.denominators, b.denominators),
            touched=a.touched | b.touched,
        )

    def matmul(self, a: Networks, b: Networks, joined: Axis) -> Networks:
        """A B: the joined classes merge; a loop where nothing need touch them."""
        if a.is_unit:
            return b
        if b.is_unit:
            return a
        found = self._product(a, b, self._joined(a, b, joined), a.rows, b.cols)
        return self._contracted(found, a.cols | b.rows, joined)

    def _joined(self, a: Networks, b: Networks, axis: Axis) -> Counts:
        """Classes after joining axes: one less for each, but only one a sort is sure if both may be linked."""
        merged = self.count(axis)
        if a.linked and b.linked:
            merged = tuple(min(count, 1) for count in merged)
        return minus(plus(a.total, b.total), merged)

    def _contracted(self, a: Networks, cover: int, axis: Axis) -> Networks:
        if not axis or cover & PURE or (cover & TOUCHED and not cover & INVERSE):
            return a
        return replace(a, up=plus(a.up, self.loop(axis)))

    def hadamard(self, a: Networks, b: Networks, rows: Axis, cols: Axis) -> Networks:
        """A ⊙ B merges rows with rows and columns with columns."""
        return self._product(a, b, self._joined(a, b, rows + cols), a.rows | b.rows, a.cols | b.cols)

    def scale(self, c: Networks, a: Networks) -> Networks:
        """A 1×1 c times a."""
        return self._product(c, a, plus(c.total, a.total), a.rows, a.cols)

    def transpose(self, a: Networks) -> Networks:
        """Aᵀ."""
        return replace(a, rows=a.cols, cols=a.rows)

    def diag(self, a: Networks) -> Networks:
        """diag(v): one class for both axes."""
        cover = a.rows | a.cols if a.rows == a.cols else _line(a)
        return replace(a, rows=cover, cols=cover, linked=True, is_unit=False)

    def vec(self, a: Networks, order: str) -> Networks:
        """vec A: an axis of both."""
        return replace(a, rows=_either(a.rows, a.cols), cols=0, is_unit=False)

    def kron(self, a: Networks, b: Networks) -> Networks:
        """A ⊗ B."""
        return self._product(a, b, plus(a.total, b.total), _either(a.rows, b.rows), _either(a.cols, b.cols))

    def trace(self, a: Networks, axis: Axis) -> Networks:
        """tr A merges rows and columns."""
        total = a.total if a.linked else minus(a.total, self.count(axis))
        found = replace(a, total=total, rows=0, cols=0, linked=False, is_unit=False)
        return self._contracted(found, a.rows | a.cols, axis)

    def total(self, a: Networks, rows: Axis, cols: Axis) -> Networks:
        """1ᵀ A 1."""
        found = replace(a, rows=0, cols=0, linked=False, is_unit=False)
        return self._contracted(self._contracted(found, a.rows, rows), a.cols, cols)

    # --- components --------------------------------------------------------------------------------------------

    def component(self, a: Networks, row: str | None, col: str | None) -> Networks:
        """[A]_ij: rows and columns become letters."""
        letters = dict(a.letters)
        for letter, cover in ((row, a.rows), (col, a.cols)):
            if letter is not None:
                letters[letter] = letters.get(letter, 0) | cover
        return replace(a, rows=0, cols=0, letters=letters, linked=False, is_unit=False)

    def delta(self, i: str, j: str) -> Networks:
        """δ_ij."""
        return self._value(self.letters[i] + self.letters[j], 0, degree=0, letters={i: 0, j: 0})

    def component_sum(self, a: Networks, letter: str) -> Networks:
        """Σ_i closes a letter."""
        letters = {name: cover for name, cover in a.letters.items() if name != letter}
        axis = self.letters[letter]
        total = a.total if letter in a.letters else plus(a.total, self.count(axis))
        return self._contracted(replace(a, letters=letters, total=total), a.letters.get(letter, 0), axis)

    # --- functions ---------------------------------------------------------------------------------------------

    def function(self, kind: str, name: str, order: int, a: Networks, rows: Axis, cols: Axis) -> Networks:
        """An atom: its slots are its classes, whatever its argument holds."""
        if kind == "reciprocal":
            return self._reciprocal(a, rows, cols)
        slots = self._slots(a, rows, cols)
        cleared = self.cleared(a)
        ups = [d.up for d in a.denominators.values() for _ in range(d.power)]
        self.atoms.append(
            Atom(
                f"{kind} {name}",
                cleared,
                plus(slots, minus(cleared, a.total)),
                plus(a.up, a.down, *ups),
                a.degree + a.depth,
                a.height + a.fall,
            )
        )
        cover = self._atom_cover(kind, name)
        cancels = kind == "exp" and self.assumed.exp_cancels
        if cancels:
            self.reciprocals.append(slots)
        return Networks(
            slots,
            cover,
            cover,
            self._flat,
            self._flat,
            depth=int(cancels),
            linked=a.linked,
            letters=dict.fromkeys(a.letters, cover),
            touched=frozenset((f"{kind} {name}",)),
        )

    def _atom_cover(self, kind: str, name: str) -> int:
        if not self.assumed.slots_vary:
            return INVERSE if kind == "exp" and self.assumed.exp_cancels else 0
        if kind == "exp" and self.assumed.exp_cancels:
            return INVERSE
        return TOUCHED | (0 if f"{kind} {name}" in self.dirty else PURE)

    def _slots(self, a: Networks, rows: Axis, cols: Axis) -> Counts:
        return self.count(rows + cols + tuple(size for letter in a.letters for size in self.letters[letter]))

    def cleared(self, a: Networks) -> Counts:
        """Classes once denominators are cleared."""
        return plus(a.total, *(d.total for d in a.denominators.values() for _ in range(d.power)))

    def _reciprocal(self, a: Networks, rows: Axis, cols: Axis) -> Networks:
        """1/(N / Π D) = Π D / N: a new denominator N where it has no axes, else a factor on its slots."""
        slots = self._slots(a, rows, cols)
        cleared = self.cleared(a)
        ups = plus(self._flat, *(d.up for d in a.denominators.values() for _ in range(d.power)))
        found = Networks(
            plus(slots, minus(cleared, a.total)),
            INVERSE,
            INVERSE,
            plus(a.down, ups),
            self._flat,
            degree=a.depth,
            depth=a.degree,
            height=a.fall,
            fall=a.height,
            linked=a.linked,
            touched=a.touched,
        )
        if not any(slots):
            self._keys += 1
            denominator = Denominator(1, cleared, plus(a.up, a.down, ups))
            return replace(found, rows=0, cols=0, denominators={self._keys: denominator})
        self._check_slotted(a, slots)
        self.reciprocals.append(slots)
        self.dirty |= a.touched
        return replace(found, letters=dict.fromkeys(a.letters, INVERSE))

    def _check_slotted(self, a: Networks, slots: Counts) -> None:
        if any(c > s for c, s in zip(a.total, slots, strict=True)) or any(a.up) or any(a.down):
            raise Unsupported("the reciprocal of a vector whose entries are sums over an index, for all sizes")

    def form(self, name: str, base: list[Networks], blocks: list[dict[int, Networks]]) -> Networks:
        """D^k E on k arguments: a generic tensor joined to each argument in all its axes."""
        found = self._value((), 0, touched=frozenset((name,)))
        for block in blocks:
            first, *rest = block.values()
            for other in rest:
                first = self.add(first, other)
            found = self._product(found, first, plus(found.total, first.total), 0, 0)
        return found

    # --- derivatives -------------------------------------------------------------------------------------------

    def _opened(self, a: Networks) -> Networks:
        return replace(a, rows=0, cols=0, linked=True, is_unit=False)

    def jacobian(self, a: Networks, level: int, rows: Axis, cols: Axis, order: str) -> Networks:
        """dX's classes become columns; no count changes."""
        return replace(self._opened(a), rows=_line(a))

    def gradient(self, a: Networks, level: int, rows: Axis, cols: Axis) -> Networks:
        """dX's classes become rows and columns."""
        return self._opened(a)

    def family(self, a: Networks, level: int, rows: Axis, cols: Axis) -> Networks:
        """dX's classes become back axes."""
        return replace(a, linked=True, is_unit=False)

    def block(self, a: Networks, level: int, rows: Axis, cols: Axis) -> Networks:
        """dX's classes join rows and columns."""
        return self._opened(a)

    def collect(self, a: Networks) -> Networks:
        """Back axes become rows and columns."""
        return self._opened(a)


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


def _either(x: int, y: int) -> int:
    """Cover of a sum, or of an axis made of two: sure only where both are."""
    return x & y & (PURE | TOUCHED) | (x | y) & INVERSE


def _line(a: Networks) -> int:
    """Cover of the one axis of a vector, whichever of rows and columns it is."""
    return _either(a.rows, a.cols)


def _merged_letters(x: Mapping[str, int], y: Mapping[str, int], merge: Any) -> dict[str, int]:
    return {letter: merge(x.get(letter, 0), y.get(letter, 0)) for letter in {**x, **y}}


def _most(x: Mapping[int, Denominator], y: Mapping[int, Denominator]) -> Mapping[int, Denominator]:
    """Denominators of a sum: the higher power of each."""
    if not x or not y:
        return x or y
    return {key: _higher(x.get(key), y.get(key)) for key in {**x, **y}}


def _higher(x: Denominator | None, y: Denominator | None) -> Denominator:
    return max((d for d in (x, y) if d is not None), key=lambda d: d.power)


def _together(x: Mapping[int, Denominator], y: Mapping[int, Denominator]) -> Mapping[int, Denominator]:
    """Denominators of a product: powers add."""
    if not x or not y:
        return x or y
    return {
        key: replace(_higher(x.get(key), y.get(key)), power=sum(d[key].power for d in (x, y) if key in d))
        for key in {**x, **y}
    }
