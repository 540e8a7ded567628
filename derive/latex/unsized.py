"""Constants that take their size from where they stand: I, 0, and the vector of ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from derive.errors import NotationError
from derive.language.build import matmul
from derive.language.nodes import AxisSizes, length
from derive.language.shapes import Axes


class NeedSize(NotationError):
    """A constant whose size nothing nearby settles."""


@dataclass(frozen=True)
class Unsized:
    """identity, zero or ones (a column of ones; a row if transposed)."""

    kind: str
    is_row: bool = False
    start: int = 0
    end: int = 1

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
        raise _need_size(value)
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
    if axis is None or (value.kind == "zero" and (rows is None or cols is None)):
        raise _need_size(value)
    if value.kind == "identity":
        return sp.Identity(length(axis))
    assert rows is not None
    assert cols is not None
    return (sp.OneMatrix if value.kind == "ones" else sp.ZeroMatrix)(length(rows), length(cols))


def scaled_ones(value: Any, shape: Axes) -> Any:
    """A number added to an array adds to each entry."""
    if value == 0:
        return sp.ZeroMatrix(length(shape.rows), length(shape.cols))
    array = sp.OneMatrix(length(shape.rows), length(shape.cols))
    return array if value == 1 else matmul(value, array)


def _need_size(value: Unsized) -> NeedSize:
    hint = "; write it as an index, I_n" if value.kind == "identity" else ""
    return NeedSize(f"the size of {_NAMES[value.kind]} is not known here{hint}", value.start, value.end)
