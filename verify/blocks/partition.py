"""The parts of stacked axes, read off the block matrices of a claim and its model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import sympy as sp

from derive.errors import BackproofError
from derive.language.nodes import AxisSizes, Blocks
from derive.language.shapes import axes, stacked
from derive.language.show import show, show_axes

Parts = tuple[AxisSizes, ...]


class Unsupported(BackproofError):
    """A claim that is not split into blocks: what stands in the way is named."""


class Partition:
    """Which sizes are stacked, and of what. Raises `Unsupported` where one size has two lists of parts."""

    def __init__(self, formulas: Iterable[Any]) -> None:
        written: dict[Any, dict[Parts, Any]] = {}
        for formula in formulas:
            for node in sp.preorder_traversal(formula):
                if isinstance(node, Blocks):
                    for size, parts in _stacks(node):
                        written.setdefault(size, {}).setdefault(parts, node)
        self._parts = {size: next(iter(lists)) for size, lists in written.items()}
        for size, lists in written.items():
            _check_unique(size, {self._refined(parts): node for parts, node in lists.items()})

    def parts(self, axis: AxisSizes) -> Parts:
        """The parts of an axis, itself where nothing in it is stacked; a stack is divided where it is the slow size."""
        if any(size in self._parts for size in axis[1:]):
            raise Unsupported(f"a stacked size as the fast part of the axis {_text(axis)}")
        if not axis or axis[0] not in self._parts:
            return (axis,)
        return tuple(part + axis[1:] for part in self._refined(self._parts[axis[0]]))

    def _refined(self, parts: Parts) -> Parts:
        """Parts that are stacks themselves, divided."""
        return tuple(part for whole in parts for part in self.parts(whole))


def _stacks(node: Blocks) -> Iterator[tuple[Any, Parts]]:
    """The stacked sizes of a block matrix with their parts, without the fast sizes that all parts share."""
    rows = tuple(axes(row[0]).rows for row in node.rows_of_blocks)
    cols = tuple(axes(block).cols for block in node.rows_of_blocks[0])
    for parts in (rows, cols):
        if len(parts) > 1:
            size, *shared = stacked(parts)
            yield size, tuple(part[: len(part) - len(shared)] for part in parts)


def _check_unique(size: Any, lists: dict[Parts, Any]) -> None:
    if len(lists) > 1:
        (one, first), (two, second), *_ = lists.items()
        raise Unsupported(
            f"the size {size} is stacked in two ways: {' then '.join(map(_text, one))} in {show(first)}, "
            f"{' then '.join(map(_text, two))} in {show(second)}"
        )


def _text(axis: AxisSizes) -> str:
    return show_axes(axis, ()).removesuffix("×1")
