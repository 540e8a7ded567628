"""Constants that take their size from where they stand: I, 0, and the vector of ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from derive.errors import NotationError, ShapeError
from derive.language.build import constant, identity, matmul
from derive.language.nodes import AxisSizes, length
from derive.language.shapes import Axes


class NeedSize(NotationError):
    """A constant whose size nothing nearby settles."""


@dataclass(frozen=True)
class Unsized:
    """identity, zero or ones (a column of ones; a row if transposed).

    I_{nm} and 1_{nm} state their size but not the order of n·m, which is that of what stands beside them.
    """

    kind: str
    is_row: bool = False
    start: int = 0
    end: int = 1
    size: Any = None  # n m, where it is stated: how many entries, and not in which order

    @property
    def transposed(self) -> Unsized:
        """The transpose, still without a size."""
        return replace(self, is_row=not self.is_row)


_NAMES = {"identity": "I", "zero": "0", "ones": "1"}


def fit(value: Any, want: Axes | None) -> Any:
    """A formula as it is; a constant with the wanted axes. Raises `NeedSize` where none are known."""
    if not isinstance(value, Unsized):
        return value
    if want is None:
        return sized(value, None, None)
    return sized(value, want.rows, want.cols)


def sized(value: Unsized, rows: AxisSizes | None, cols: AxisSizes | None) -> Any:
    """A constant between two neighbours: rows from the left one, columns from the right one."""
    if value.kind == "identity":
        axis = rows if rows is not None else cols
    elif value.kind == "ones":
        rows, cols = ((), cols) if value.is_row else (rows, ())
        axis = cols if value.is_row else rows
    else:
        axis = rows if cols is not None else None
    if value.size is not None:
        axis = _of_size(value, axis)
        rows, cols = (rows, axis) if value.is_row else (axis, cols)
    if axis is None or (value.kind == "zero" and (rows is None or cols is None)):
        raise _need_size(value)
    if value.kind == "identity":
        return identity(axis)
    assert rows is not None
    assert cols is not None
    return constant(sp.OneMatrix if value.kind == "ones" else sp.ZeroMatrix, rows, cols)


def _of_size(value: Unsized, axis: AxisSizes | None) -> AxisSizes:
    """The axis beside a constant of a stated size. Raises `ShapeError` where it has another number of entries."""
    if axis is None:
        return (value.size,)
    if length(axis) != value.size:
        name = _NAMES[value.kind]
        raise ShapeError(f"{name} is of size {value.size}, and what stands beside it has {length(axis)} entries there")
    return axis


def scaled_ones(value: Any, shape: Axes) -> Any:
    """A number added to an array adds to each entry."""
    if value == 0:
        return constant(sp.ZeroMatrix, shape.rows, shape.cols)
    array = constant(sp.OneMatrix, shape.rows, shape.cols)
    return array if value == 1 else matmul(value, array)


def _need_size(value: Unsized) -> NeedSize:
    hint = "; write it as an index, I_n" if value.kind == "identity" else ""
    return NeedSize(f"the size of {_NAMES[value.kind]} is not known here{hint}", value.start, value.end)
