"""Stacked arrays and cases: [x; h], [x, h], block matrices, and definitions by cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sympy as sp

from derive.errors import NotationError
from derive.language import nodes
from derive.language.build import hadamard, matadd, matmul
from derive.language.shapes import Axes, axes, is_coefficient
from derive.latex import syntax
from derive.latex.constants import complement, indicator
from derive.latex.unsized import Unsized, fit, scaled_ones

if TYPE_CHECKING:
    from derive.latex.elaborate import Reader

_OPPOSITE = {">": ("<=", "<"), ">=": ("<", "<="), "<": (">=", ">"), "<=": (">", ">="), "=": ("!=",), "!=": ("=",)}


def stacked(reader: Reader, node: syntax.Bracket) -> Any:
    """[x; h] stacks, [x, h] sets side by side; in any other bracket a list is no formula."""
    if node.kind != "square":
        raise NotationError("a bracket holds one formula here", node.start, node.end)
    rows: list[list[syntax.Node]] = [[]]
    for part, separator in zip(node.parts, (*node.separators, ""), strict=True):
        rows[-1].append(part.sides[0])
        if separator in (";", "；"):
            rows.append([])
    return blocks([[reader.read(cell) for cell in row] for row in rows], node)


def grid(reader: Reader, node: syntax.Grid, want: Axes | None) -> Any:
    """A matrix of blocks, its determinant between bars, or cases."""
    if node.kind in ("cases", "dcases"):
        return _cases(reader, node, want)
    for row in node.rows:
        for cell in row:
            if cell.relations or cell.is_condition:
                raise NotationError("a cell holds one formula here", cell.start, cell.end)
    found = blocks([[reader.read(cell.sides[0]) for cell in row] for row in node.rows], node)
    return nodes.Det(found) if node.kind == "vmatrix" else found


def blocks(cells: list[list[Any]], node: syntax.Node) -> Any:
    """Blocks side by side and on top of one another; 0 and I take their size from their row and column."""
    if len({len(row) for row in cells}) != 1:
        raise NotationError("the rows of a matrix have equally many cells", node.start, node.end)
    heights = [_known(row, lambda shape: shape.rows) for row in cells]
    widths = [_known([row[place] for row in cells], lambda shape: shape.cols) for place in range(len(cells[0]))]
    rows = tuple(
        tuple(_cell(cell, Axes(height, width), node) for cell, width in zip(row, widths, strict=True))
        for row, height in zip(cells, heights, strict=True)
    )
    if len(rows) == 1 and len(rows[0]) == 1:
        return rows[0][0]
    found = nodes.Blocks(rows)
    axes(found)
    return found


def _known(cells: list[Any], side: Any) -> Any:
    """The axis that the arrays of a row or column have; numbers alone are 1×1."""
    sized = [side(axes(cell)) for cell in cells if not is_coefficient(cell) and not isinstance(cell, Unsized)]
    return sized[0] if sized else ()


def _cell(cell: Any, shape: Axes, node: syntax.Node) -> Any:
    if not is_coefficient(cell):
        return fit(cell, shape)
    if cell != 0 and not shape.is_scalar:
        raise NotationError(f"the number {cell} stands where a block of {shape} is expected", node.start, node.end)
    return scaled_ones(cell, shape)


# --- cases -------------------------------------------------------------------------------------------------------


def _cases(reader: Reader, node: syntax.Grid, want: Axes | None) -> Any:
    """A where a condition holds, B elsewhere: χ A + (1 - χ) B, χ the indicator; a scalar is one for each entry."""
    if len(node.rows) != 2 or any(len(row) != 2 for row in node.rows):
        raise NotationError("cases are read with two lines: a value and its condition each", node.start, node.end)
    (first, condition), (second, otherwise) = node.rows
    if condition.is_condition and not condition.sides:
        (first, condition), (second, otherwise) = (second, otherwise), (first, condition)
    _check_complement(condition, otherwise)
    chi = indicator(reader, condition)
    values = [_case_value(reader, case) for case in (first, second)]
    sized = [axes(v) for v in values if not is_coefficient(v) and not isinstance(v, Unsized)]
    shape = next((one for one in sized if not one.is_scalar), None)
    shape = shape or (sized[0] if sized and axes(chi).is_scalar else None) or want or axes(chi)
    arrays = [scaled_ones(v, shape) if is_coefficient(v) else _sized(v, shape) for v in values]
    found = matadd(_times(chi, arrays[0]), _times(complement(chi), arrays[1]))
    axes(found)
    return found


def _case_value(reader: Reader, chain: syntax.Chain) -> Any:
    if chain.relations or chain.is_condition:
        raise NotationError("a case holds one formula and its condition", chain.start, chain.end)
    return reader.read(chain.sides[0])


def _sized(value: Any, shape: Axes) -> Any:
    is_number = not isinstance(value, Unsized) and axes(value).is_scalar
    return value if is_number else fit(value, shape)


def _times(chi: Any, value: Any) -> Any:
    """χ times A: a scalar χ scales, any other multiplies entry by entry; 0 stays 0."""
    if isinstance(value, sp.ZeroMatrix):
        return value
    if axes(chi).is_scalar and not axes(value).is_scalar:
        return nodes.Scale(chi, value)
    if axes(chi).is_scalar:
        return matmul(chi, value) if not isinstance(value, sp.OneMatrix) else chi
    if axes(value).is_scalar:
        return nodes.Scale(value, chi)
    return chi if isinstance(value, sp.OneMatrix) else hadamard(chi, value)


def _check_complement(condition: syntax.Chain, other: syntax.Chain) -> None:
    """The second condition is the first one's opposite, or "otherwise"."""
    if other.is_condition and not other.sides:
        return
    if len(condition.relations) != 1 or len(other.relations) != 1:
        raise NotationError("a case has one condition", other.start, other.end)
    if other.relations[0] not in _OPPOSITE.get(condition.relations[0], ()):
        raise NotationError("the second case is the opposite of the first, or otherwise", other.start, other.end)
    if [_bare(side) for side in condition.sides] != [_bare(side) for side in other.sides]:
        raise NotationError("both cases compare the same two things", other.start, other.end)


def _bare(node: syntax.Node) -> str:
    """A side without its place, to compare two writings."""
    fields = {key: value for key, value in vars(node).items() if key not in ("start", "end")}
    return f"{type(node).__name__}{[_plain(value) for value in fields.values()]}"


def _plain(value: Any) -> str:
    if isinstance(value, syntax.Node):
        return _bare(value)
    if isinstance(value, syntax.Scripts):
        return f"{[t.text for t in value.sub]}{[t.text for t in value.sup]}{value.primes}"
    return str([_plain(item) for item in value]) if isinstance(value, tuple) else str(value)
