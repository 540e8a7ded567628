"""Exact numbers that carry derivatives, the values of names, and derivatives as tables.

The text of what a program uses is copied into it, so nothing here may need more than NumPy.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np


class Jet:
    """a + b ε with ε² = 0: b is the derivative of a. Each derivative has an ε of its own, told apart by level."""

    def __init__(self, level: int, a: Any, b: Any) -> None:
        self.level, self.a, self.b = level, a, b

    def __add__(self, other: Any) -> Jet:
        level = max(self.level, getattr(other, "level", 0))
        (a, b), (c, d) = parts(self, level), parts(other, level)
        return Jet(level, a + c, b + d)

    def __mul__(self, other: Any) -> Jet:
        level = max(self.level, getattr(other, "level", 0))
        (a, b), (c, d) = parts(self, level), parts(other, level)
        return Jet(level, a * c, a * d + b * c)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> Jet:
        return self * -1

    def __sub__(self, other: Any) -> Jet:
        return self + other * -1


def parts(z: Any, level: int) -> tuple[Any, Any]:
    """The value and the derivative of a number at one level."""
    return (z.a, z.b) if isinstance(z, Jet) and z.level == level else (z, 0)


def plain(z: Any) -> Any:
    """The value alone."""
    return plain(z.a) if isinstance(z, Jet) else z


def each(function: Any, a: Any) -> Any:
    """A function of every entry."""
    found = np.empty(a.shape, dtype=object)
    for place in np.ndindex(a.shape):
        found[place] = function(a[place])
    return found


class Values:
    """The value of every name. In a child, one entry of one name moves by ε, and what depends on it follows.

    `held` says which names stay what they are in the parent.
    """

    def __init__(self, inputs: Any, equations: Any, parent: Any = None, by: Any = None, entry: Any = None) -> None:
        self.inputs, self.equations = inputs, equations
        self.parent, self.by, self.entry = parent, by, entry
        self.level = 0 if parent is None else parent.level + 1
        self.held: Any = None
        self.known: dict[Any, Any] = {}

    def __call__(self, name: str, *steps: int) -> Any:
        key = (name, *steps)
        if key not in self.known:
            is_held = self.held is not None and self.held(key)
            self.known[key] = self.parent(*key) if is_held else self.moved(key)
        return self.known[key]

    def moved(self, key: Any) -> Any:
        """An input, or what its equation gives; plus the ε of every open derivative by it."""
        found = self.inputs[key] if key in self.inputs else self.equations[key[0]](self, *key[1:])
        scope = self
        while scope.parent is not None:
            if scope.by == key:
                found = found.copy()
                found[scope.entry] = found[scope.entry] + Jet(scope.level, 0, 1)
            scope = scope.parent
        return found


def derivative(v: Any, what: Any, by: Any, shape: Any, held: Any = None) -> Any:
    """∂ what / ∂ by as a table [row of by, column of by, row, column]."""
    found = []
    for entry in product(range(shape[0]), range(shape[1])):
        child = Values(v.inputs, v.equations, v, by, entry)
        child.held = held
        found.append(slopes_of(what(child), child.level))
    return tabled(found, shape)


def by_slot(v: Any, what: Any, argument: Any) -> Any:
    """The same by one argument of a function of several, all else held."""
    found = []
    for entry in np.ndindex(argument.shape):
        moved = argument.copy()
        moved[entry] = moved[entry] + Jet(v.level + 1, 0, 1)
        found.append(slopes_of(what(moved), v.level + 1))
    return tabled(found, argument.shape)


def slopes_of(value: Any, level: int) -> Any:
    """What stands before the ε of one level."""
    return each(lambda z: parts(z, level)[1], value)


def tabled(members: Any, shape: Any) -> Any:
    """A list of arrays as one, by the entries of what they belong to."""
    found = np.empty((len(members), *members[0].shape), dtype=object)
    for place, member in enumerate(members):
        found[place] = member
    return found.reshape(*shape, *members[0].shape)


def jacobian(table: Any, order: str) -> Any:
    """Row a, column b: ∂y_a/∂x_b; the entries of a matrix in the order of vec."""
    table = table.swapaxes(0, 1) if order == "column" else table
    return table.reshape(table.shape[0] * table.shape[1], -1).T


def gradient(table: Any) -> Any:
    """The derivatives of a number, in the shape of what it is differentiated by."""
    return table[..., 0, 0]


def block(table: Any) -> Any:
    """The block matrix whose block (i, j) is ∂Y/∂x_ij."""
    i, j, a, b = table.shape
    return table.transpose(0, 2, 1, 3).reshape(i * a, j * b)
