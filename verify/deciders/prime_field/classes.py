"""Formulas as class counts: what the small-model lemma and the error bound need, without expanding anything.

The algebra of `networks.Networks`, followed by the same evaluation as the arrays.

* Index classes: a product has the sum of its factors' less the joined ones, a sum the maximum. A derivative is
  followed as a generic tensor dX that multiplies: taking its coefficient opens dX's classes and changes no count.
* Loops: a contracted class that nothing need touch makes a coefficient a polynomial in the sizes. An axis is sure to
  be touched by a free tensor on it; by a function atom if its argument varies along the axis, which the evaluation
  over a field confirms (`Assumed`).
* Reciprocals of 1×1 expressions are cleared by their highest powers. A reciprocal with axes is one more factor on
  its slots; it may cancel what it touches, so its argument's names (`dirty`) are no longer sure to stay.

Every count is an upper bound; where a shape hides how classes merge (`linked`), the larger count is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from verify.deciders.prime_field.coefficients import Coefficient
from verify.deciders.prime_field.convolution import Slide, joined, turned
from verify.deciders.prime_field.jets import Axis
from verify.deciders.prime_field.networks import (
    INVERSE,
    PURE,
    TOUCHED,
    Counts,
    Networks,
    degree_in,
    either,
    larger,
    minus,
    plus,
    product,
    total_of_sum,
)
from verify.deciders.prime_field.problems import Unsupported


@dataclass(frozen=True, slots=True)
class Atom:
    """A function application: its name and slots, its argument; the argument's classes and degrees in the sizes."""

    function: str
    slots: Counts
    argument: Networks
    classes: Counts
    up: Counts


@dataclass(frozen=True)
class Assumed:
    """What the counts take for granted, and an evaluation over a field confirms or denies.

    `slots_vary`: every function's argument differs along each of its axes. `exp_cancels`: opposite arguments of exp
    occur. `dirty`: the tensors and functions that stand inside reciprocals with axes. `by_exponentials` is how tanh and
    σ are read (`functions`): not at first.
    """

    slots_vary: bool = True
    exp_cancels: bool = False
    dirty: frozenset[str] = frozenset()
    by_exponentials: bool = False
    slides_are_opaque: bool = False

    def weakened(self, has_equal_atoms: bool, has_opposite_exponents: bool) -> Assumed:
        """What is left of it after an evaluation."""
        return replace(
            self,
            slots_vary=self.slots_vary and not has_equal_atoms,
            exp_cancels=self.exp_cancels or has_opposite_exponents,
        )


class Classes:
    """The algebra of class counts over the given sorts of axes and sizes.

    `atoms` are all function applications, `inverted` the expressions whose reciprocals occur, by number.
    """

    def __init__(self, sorts: tuple[Any, ...], symbols: tuple[str, ...], letters: Mapping[str, Axis], assumed: Assumed,
                 free_numbers: bool = False):  # fmt: skip
        self.sorts, self.symbols, self.letters, self.assumed = sorts, symbols, letters, assumed
        self.by_exponentials, self.slides_are_opaque = assumed.by_exponentials, assumed.slides_are_opaque
        self.free_numbers = free_numbers
        self.atoms: list[Atom] = []
        self.inverted: list[Atom] = []
        self.dirty: set[str] = set(assumed.dirty)
        self.covers_all_sizes = True  # False once a value is no contraction network
        self._flat = (0,) * len(symbols)
        self._counts: dict[Axis, Counts] = {}
        self._degrees: dict[Axis, Counts] = {}

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
            found = self._degrees[axis] = tuple(sum(degree_in(s, symbol) for s in axis) for symbol in self.symbols)
        return found

    def cleared(self, a: Networks) -> Counts:
        """Classes once scalar denominators are cleared."""
        return plus(a.total, *(b.classes for b in self._scalars(a)))

    def cleared_up(self, a: Networks) -> Counts:
        """Degrees in the sizes once scalar denominators are cleared."""
        return plus(a.up, a.down, *(b.up for b in self._scalars(a)))

    def _scalars(self, a: Networks) -> list[Atom]:
        bases = [(self.inverted[key], power) for key, power in a.under.items()]
        return [base for base, power in bases if not any(base.slots) for _ in range(power)]

    def _value(self, axes: Axis, cover: int, degree: int = 1, linked: bool = False, name: str = "") -> Networks:
        touched = frozenset((name,)) if name else frozenset()
        return Networks(self.count(axes), cover, cover, *(self._flat,) * 3, degree, linked=linked, touched=touched)

    # --- constants and inputs ----------------------------------------------------------------------------------

    def zero(self, rows: Axis, cols: Axis) -> Networks:
        """0, whose axes count as open."""
        return self._value(rows + cols, 0, 0)

    def ones(self, rows: Axis, cols: Axis) -> Networks:
        """The matrix of ones touches neither axis."""
        return self._value(rows + cols, 0, 0)

    def identity(self, axis: Axis) -> Networks:
        """I merges its rows and columns."""
        return replace(self._value(axis, 0, 0, linked=True), is_unit=True)

    def commutation(self, n: Axis, m: Axis) -> Networks:
        """K merges rows and columns crosswise."""
        return self._value(n + m, 0, 0, linked=True)

    def tensor(self, name: str, rows: Axis, cols: Axis, kind: str) -> Networks:
        """A free input touches both its axes, purely unless it stands inside a reciprocal with axes."""
        cover = TOUCHED | (0 if name in self.dirty else PURE)
        is_diagonal = kind == "diagonal"
        return self._value(rows if is_diagonal else rows + cols, cover, linked=is_diagonal, name=name)

    def seed(self, level: int, rows: Axis, cols: Axis) -> Networks:
        """dX, generic: it touches purely, and its axes are opened when its coefficient is taken."""
        return self._value(rows + cols, PURE | TOUCHED, 0)

    def tangent(self, name: str, level: int, by_rows: Axis, by_cols: Axis, rows: Axis, cols: Axis) -> Networks:
        """An unknown derivative: a generic tensor joined to dX in all of X's axes."""
        return self._value(by_rows + by_cols + rows + cols, PURE | TOUCHED, name=name)

    # --- algebra -----------------------------------------------------------------------------------------------

    def add(self, a: Networks, b: Networks) -> Networks:
        """a + b: what lacks a letter is constant along it, which is a class of its own."""
        return total_of_sum(self._spread(a, b.letters), self._spread(b, a.letters))

    def _spread(self, a: Networks, letters: Mapping[str, int]) -> Networks:
        missing = [letter for letter in letters if letter not in a.letters]
        if not missing:
            return a
        classes = self.count(tuple(size for letter in missing for size in self.letters[letter]))
        return replace(a, total=plus(a.total, classes), letters={**a.letters, **dict.fromkeys(missing, 0)})

    def times(self, c: Coefficient, a: Networks) -> Networks:
        """A number times a; a free one counts in the degrees of random values."""
        height, fall = a.height + c.height, a.fall + c.depth
        if self.free_numbers:
            degree, low = a.degree + sum(c.up.values()), a.low + sum(c.down.values()) + sum(c.below.values())
            return replace(a, degree=degree, low=low, height=height, fall=fall, is_unit=False)
        return replace(
            a,
            up=plus(a.up, tuple(c.up.get(name, 0) for name in self.symbols)) if c.up else a.up,
            down=plus(a.down, tuple(c.down.get(name, 0) for name in self.symbols)) if c.down else a.down,
            below=plus(a.below, tuple(c.below.get(name, 0) for name in self.symbols)) if c.below else a.below,
            height=height,
            fall=fall,
            is_unit=False,
        )

    def matmul(self, a: Networks, b: Networks, joined: Axis) -> Networks:
        """A B: the joined classes merge; a loop where nothing need touch them."""
        if a.is_unit:
            return b
        if b.is_unit:
            return a
        found = product(a, b, self._joined(a, b, joined), a.rows, b.cols)
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
        return product(a, b, self._joined(a, b, rows + cols), a.rows | b.rows, a.cols | b.cols)

    def scale(self, c: Networks, a: Networks) -> Networks:
        """A 1×1 c times a."""
        return product(c, a, plus(c.total, a.total), a.rows, a.cols)

    def transpose(self, a: Networks) -> Networks:
        """Aᵀ."""
        return replace(a, rows=a.cols, cols=a.rows)

    def diag(self, a: Networks) -> Networks:
        """diag(v): one class for both axes."""
        cover = either(a.rows, a.cols)
        return replace(a, rows=cover, cols=cover, linked=True, is_unit=False)

    def vec(self, a: Networks, order: str) -> Networks:
        """vec A: an axis of both."""
        return replace(a, rows=either(a.rows, a.cols), cols=0, is_unit=False)

    def kron(self, a: Networks, b: Networks) -> Networks:
        """A ⊗ B."""
        return product(a, b, plus(a.total, b.total), either(a.rows, b.rows), either(a.cols, b.cols))

    def trace(self, a: Networks, axis: Axis) -> Networks:
        """tr A merges rows and columns."""
        total = a.total if a.linked else minus(a.total, self.count(axis))
        return self._contracted(replace(self._scalar(a), total=total), a.rows | a.cols, axis)

    def total(self, a: Networks, rows: Axis, cols: Axis) -> Networks:
        """1ᵀ A 1."""
        return self._contracted(self._contracted(self._scalar(a), a.rows, rows), a.cols, cols)

    def _scalar(self, a: Networks) -> Networks:
        return replace(a, rows=0, cols=0, linked=False, is_unit=False)

    def slide(self, x: Networks, w: Networks, slide: Slide) -> Networks:
        """Opaque tensors joined to both. Itself a slide is no contraction network: counts bound degrees, no more."""
        if not self.slides_are_opaque:
            self.covers_all_sizes = False
            return product(x, w, plus(x.total, w.total, self.count(slide.found[0] + slide.found[1])), 0, 0)
        return joined(self, x, w, slide, self._slide_tensor)

    def _slide_tensor(self, output: Axis, kernel: Axis, source: Axis) -> Networks:
        """T, a tensor like any other; where one of its axes is 1 it merges the two others."""
        if output and kernel and source:
            return self.tensor(" slide", output, kernel + source, "")
        return self._value(output or source, 0, 0, linked=True)

    def flip(self, a: Networks, shape: tuple[Axis, Axis]) -> Networks:
        """Opaque matrices on both sides; itself a flip is no contraction network."""
        if self.slides_are_opaque:
            return turned(self, a, shape)
        self.covers_all_sizes = False
        return replace(a, is_unit=False)

    def flip_tensor(self, axis: Axis) -> Networks:
        """R, a tensor like any other."""
        return self.tensor(" flip", axis, axis, "symmetric")

    # --- components --------------------------------------------------------------------------------------------

    def component(self, a: Networks, row: str | None, col: str | None) -> Networks:
        """[A]_ij: rows and columns become letters."""
        letters = dict(a.letters)
        for letter, cover in ((row, a.rows), (col, a.cols)):
            if letter is not None:
                letters[letter] = letters.get(letter, 0) | cover
        return replace(self._scalar(a), letters=letters)

    def delta(self, i: str, j: str) -> Networks:
        """δ_ij."""
        return replace(self._value(self.letters[i] + self.letters[j], 0, 0), letters={i: 0, j: 0})

    def entries(self, a: Networks, row: str | None, col: str | None) -> Networks:
        """(a_ij): letters become rows and columns, which may be linked."""
        bound = [letter for letter in (row, col) if letter is not None]
        a = self._spread(a, dict.fromkeys(bound, 0))
        rows, cols = (0 if letter is None else a.letters[letter] for letter in (row, col))
        letters = {letter: cover for letter, cover in a.letters.items() if letter not in bound}
        linked = a.linked or len(bound) == 2
        return replace(a, rows=rows, cols=cols, letters=letters, linked=linked, is_unit=False)

    def component_sum(self, a: Networks, letter: str) -> Networks:
        """Σ_i closes a letter."""
        letters = {name: cover for name, cover in a.letters.items() if name != letter}
        axis = self.letters[letter]
        total = a.total if letter in a.letters else plus(a.total, self.count(axis))
        return self._contracted(replace(a, letters=letters, total=total), a.letters.get(letter, 0), axis)

    # --- functions ---------------------------------------------------------------------------------------------

    def function(self, kind: str, name: str, order: int, a: Networks, rows: Axis, cols: Axis) -> Networks:
        """An atom: its slots are its classes, whatever its argument holds."""
        slots = self.count(rows + cols + tuple(size for letter in a.letters for size in self.letters[letter]))
        if kind == "reciprocal":
            return self._reciprocal(a, slots)
        atom = Atom(f"{kind} {name}", slots, a, self.cleared(a), self.cleared_up(a))
        self.atoms.append(atom)
        cover = self._atom_cover(kind, atom.function)
        return Networks(
            slots,
            cover,
            cover,
            self._flat,
            self._flat,
            self._flat,
            linked=a.linked,
            letters=dict.fromkeys(a.letters, cover),
            under={self._exponential(atom): 1} if kind == "exp" and self.assumed.exp_cancels else {},
            touched=frozenset((atom.function,)),
        )

    def _exponential(self, atom: Atom) -> int:
        """exp(z) stands for itself or its reciprocal where opposite arguments occur."""
        zero = replace(atom.argument, total=atom.slots, degree=1, height=0.0, fall=0.0, low=0, under={}, over={})
        self.inverted.append(Atom("", atom.slots, zero, atom.slots, self._flat))
        return len(self.inverted) - 1

    def _atom_cover(self, kind: str, function: str) -> int:
        if kind == "exp" and self.assumed.exp_cancels:
            return INVERSE
        if not self.assumed.slots_vary:
            return 0
        return TOUCHED | (0 if function in self.dirty else PURE)

    def _reciprocal(self, a: Networks, slots: Counts) -> Networks:
        """1/(N / Π D) = Π D / N: to be cleared where it has no axes, else a factor on its slots."""
        cleared = self.cleared(a)
        if any(slots):
            self._check_slotted(a, slots)
            self.dirty |= a.touched
        self.inverted.append(Atom("", slots, a, cleared, self.cleared_up(a)))
        cover = INVERSE if any(slots) else 0
        return Networks(
            plus(slots, minus(cleared, a.total)),
            cover,
            cover,
            plus(minus(self.cleared_up(a), a.up), a.below),
            self._flat,
            self._flat,
            degree=a.low,
            height=a.fall,
            linked=a.linked,
            letters=dict.fromkeys(a.letters, INVERSE),
            under={len(self.inverted) - 1: 1},
            over=a.under,
            touched=a.touched,
        )

    def _check_slotted(self, a: Networks, slots: Counts) -> None:
        sums = (c > s for c, s, sort in zip(a.total, slots, self.sorts, strict=True) if not sort.is_Integer)
        if any(sums) or any(a.up) or any(a.down) or any(a.below):
            raise Unsupported("the reciprocal of a vector whose entries are sums over an index, for all sizes")

    def form(self, name: str, base: list[Networks], blocks: list[dict[int, Networks]]) -> Networks:
        """D^k E on k arguments: a generic tensor joined to each argument in all its axes."""
        found = self._value((), 0, name=name)
        for block in blocks:
            first, *rest = block.values()
            for other in rest:
                first = self.add(first, other)
            found = product(found, first, plus(found.total, first.total), 0, 0)
        return found

    def point(self, name: str, base: list[Networks]) -> tuple[str, Mapping[str, int]]:
        """The arguments of an unknown function as one atom; its classes are the most that any argument has.

        Two applications are different variables where one pair of arguments differs at the chosen sizes: a pair of
        atoms as for f, whose slots are the open component letters alone (a value's entries are never compared).
        """
        argument = base[0]
        for other in base[1:]:
            argument = self.add(argument, other)
        slots = self.count(tuple(size for letter in argument.letters for size in self.letters[letter]))
        cleared = larger(self.cleared(argument), slots)
        self.atoms.append(Atom(f"application {name}", slots, argument, cleared, self.cleared_up(argument)))
        return f"application {name}", dict.fromkeys(argument.letters, 0)

    def application(
        self,
        name: str,
        point: tuple[str, Mapping[str, int]],
        blocks: list[dict[int, Networks]],
        rows: Axis,
        cols: Axis,
    ) -> Networks:
        """D^k F on k arguments: a generic tensor on its own axes, joined to each argument in all its axes."""
        function, letters = point
        cover = TOUCHED | (0 if function in self.dirty else PURE)
        found = self._value(rows + cols + tuple(s for letter in letters for s in self.letters[letter]), cover)
        found = replace(found, letters=letters, touched=frozenset((function,)))
        for block in blocks:
            first, *rest = block.values()
            for other in rest:
                first = self.add(first, other)
            found = product(found, first, plus(found.total, first.total), cover, cover)
        return found

    # --- derivatives -------------------------------------------------------------------------------------------

    def _opened(self, a: Networks) -> Networks:
        return replace(a, rows=0, cols=0, linked=True, is_unit=False)

    def jacobian(self, a: Networks, level: int, rows: Axis, cols: Axis, order: str) -> Networks:
        """dX's classes become columns; no count changes."""
        return replace(self._opened(a), rows=either(a.rows, a.cols))

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
