"""Components of an array: W_{ij}, a row P_{i:}, the entry at a label, \\hat y_{y_t}."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sympy as sp

from derive.errors import NotationError
from derive.language.build import matmul, transpose
from derive.language.nodes import Component, Entries
from derive.language.shapes import axes
from derive.language.show import show
from derive.latex import syntax
from derive.latex.vocabulary import Selector, Use

if TYPE_CHECKING:
    from derive.latex.elaborate import Reader

_OPEN = sp.Symbol("_open", integer=True)


def selected(reader: Reader, node: syntax.Node, value: Any, selectors: tuple[Selector, ...]) -> Any:
    """The entry, row, column or entry at a label that selectors choose; the array itself without selectors."""
    if not selectors:
        return value
    shape = axes(value)
    count = (shape.rows != ()) + (shape.cols != ())
    if len(selectors) != count:
        raise NotationError(
            f"{show(value)} is {shape}: it takes {count} component letters, not {len(selectors)}", node.start, node.end
        )
    rest = iter(selectors)
    row, col = (_of_axis(next(rest), axis) if axis != () else False for axis in (shape.rows, shape.cols))
    if isinstance(row, Use):
        return _at_column(matmul(transpose(reader.member(row)), value), row, col, reader)
    if isinstance(col, Use):
        return _at_row(matmul(value, reader.member(col)), row)
    return _entries(value, row, col)


def _of_axis(selector: Selector, axis: Any) -> Selector:
    """A number as a component stands for some entry of its own axis: #1_n is no entry of an axis m."""
    if isinstance(selector, sp.Symbol) and selector.name.startswith("#"):
        return sp.Symbol(f"{selector.name}_{'·'.join(map(str, axis))}", integer=True)
    return selector


def _at_column(entry: Any, row: Use, col: Any, reader: Reader) -> Any:
    """yᵀ A is the row at the label y; its entry at a letter or another label."""
    if col is False:
        return entry
    if isinstance(col, Use):
        return matmul(entry, reader.member(col))
    return entry if col is None else Component(entry, None, col)


def _at_row(column: Any, row: Any) -> Any:
    """A y is the column at the label y."""
    return column if row is False or row is None else Component(column, row, None)


def _entries(value: Any, row: Any, col: Any) -> Any:
    """Letters select; a colon keeps its axis."""
    shape = axes(value)
    i = None if row is False else _OPEN if row is None else row
    j = None if col is False else _OPEN if col is None else col
    if i is _OPEN and j is _OPEN:
        return value
    entry = Component(value, i, j)
    if i is _OPEN:
        return Entries(entry, _OPEN, None, shape.rows, ())
    return Entries(entry, None, _OPEN, (), shape.cols) if j is _OPEN else entry
