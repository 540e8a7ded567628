"""Sizes at which every axis has an entry: an axis of length n - k + 1 has none where the kernel is longer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import sympy as sp

from derive.errors import BackproofError
from derive.language.convolution import Convolution
from derive.language.nodes import Application, Entries, Member

MOST = 1000  # raised so often, sizes that fit would be found


class NoSizes(BackproofError):
    """Axes that no choice of sizes gives an entry each."""


@lru_cache(maxsize=4096)
def lengths_in(formula: Any) -> frozenset[Any]:
    """The lengths of axes in a formula that a choice of sizes can make less than 1."""
    sizes: set[Any] = set()
    for node in sp.preorder_traversal(formula):
        if isinstance(node, Member | Application | Entries):
            sizes |= {size for axis in (node.row_axis, node.col_axis) for size in axis}
        elif isinstance(node, Convolution | sp.MatrixSymbol | sp.Identity | sp.OneMatrix | sp.ZeroMatrix):
            sizes |= set(node.shape)
    return frozenset(size for size in sizes if not size.is_positive)


def fitted(sizes: Mapping[str, int], lengths: Iterable[Any], least: int = 1) -> dict[str, int]:
    """The sizes, raised until each length is `least` or more. Raises `NoSizes` where that has no end.

    A length that is too short grows by the last of the letters that make it grow: n in n - k + 1.
    """
    found = dict(sizes)
    for _ in range(MOST):
        short = next((length for length in sorted(lengths, key=str) if _value(length, found) < least), None)
        if short is None:
            return found
        growing = [str(s.name) for s in short.free_symbols if s.name in found and sp.diff(short, s).is_positive]
        if not growing:
            break
        found[max(growing)] += 1
    raise NoSizes("no sizes give each axis an entry: " + ", ".join(sorted(map(str, lengths))))


def _value(length: Any, sizes: Mapping[str, int]) -> int:
    return int(length.xreplace({s: sp.Integer(sizes[s.name]) for s in length.free_symbols}))
