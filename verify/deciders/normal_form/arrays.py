"""Forms with rows and columns: how the slots of a form are read as the axes of a matrix formula."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace

import sympy as sp

from verify.deciders.normal_form.algebra import Operand, add, contract
from verify.deciders.normal_form.store import Store
from verify.deciders.normal_form.term import Coefficient, Form, identity

Slots = tuple[Hashable, ...]


@dataclass(frozen=True)
class Array:
    """A form whose open slots are: rows, columns, the two back axes of a family, free component letters."""

    form: Form
    rows: int = 0
    cols: int = 0
    back: tuple[int, int] | None = None
    letters: tuple[sp.Symbol, ...] = ()

    def layout(self, left: Hashable, right: Hashable) -> Slots:
        """Index names of the slots: (left, p) for rows, (right, p) for columns, common names for the rest."""
        return (*named_slots(left, self.rows), *named_slots(right, self.cols), *self.tail)

    @property
    def tail(self) -> Slots:
        """The index names of back axes and letters: equal in every array."""
        behind = named_slots("back", sum(self.back)) if self.back else ()
        return (*behind, *self.letters)


def named_slots(name: Hashable, count: int) -> Slots:
    """Index names of one axis."""
    return tuple((name, position) for position in range(count))


def join(store: Store, operands: list[tuple[Array, Slots]], rows: Slots, cols: Slots) -> Array:
    """The product of arrays with named slots, as an array with the given rows and columns."""
    back = next((array.back for array, _ in operands if array.back), None)
    letters = tuple(dict.fromkeys(letter for array, _ in operands for letter in array.letters))
    behind = named_slots("back", sum(back)) if back else ()
    parts: list[Operand] = [(array.form, layout) for array, layout in operands]
    form = contract(store, parts, (*rows, *cols, *behind, *letters))
    return Array(form, len(rows), len(cols), back, letters)


def add_arrays(store: Store, parts: list[tuple[Coefficient, Array]]) -> Array:
    """Σ c A of arrays with the same axes."""
    first = parts[0][1]
    letters = tuple(dict.fromkeys(letter for _, array in parts for letter in array.letters))
    forms = [
        (c, array.form if array.letters == letters else spread(store, array, letters, parts)) for c, array in parts
    ]
    return replace(first, form=add(store, *forms), letters=letters)


def spread(store: Store, array: Array, letters: tuple[sp.Symbol, ...], parts: list[tuple[Coefficient, Array]]) -> Form:
    """The array's form with all the letters: constant in those it lacks."""
    sizes: dict[Hashable, int] = {}
    for _, other in parts:
        sizes.update(zip(other.letters, other.form.slots[len(other.form.slots) - len(other.letters) :], strict=True))
    layout = array.layout("row", "col")
    output = (*layout[: len(layout) - len(array.letters)], *letters)
    return contract(store, [(array.form, layout)], output, sizes)


def chain(store: Store, arrays: list[Array], axis: tuple[int, ...]) -> Array:
    """The product of square arrays in this order, I where there is none."""
    if not arrays:
        return Array(identity(axis), len(axis), len(axis))
    result = arrays[0]
    for array in arrays[1:]:
        operands = [(result, result.layout(0, 1)), (array, array.layout(1, 2))]
        result = join(store, operands, named_slots(0, result.rows), named_slots(2, array.cols))
    return result
