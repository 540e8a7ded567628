"""Component letters: which are free in a formula, and over what axis each runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy as sp

from derive.errors import ShapeError
from derive.language import nodes
from derive.language.nodes import AxisSizes
from derive.language.shapes import axes
from derive.language.show import show_axes


def component_letters(expr: Any) -> dict[sp.Symbol, AxisSizes]:
    """The free component letters of a formula with the axis each runs over; a letter over two sizes is refused."""
    return {letter: axis for letter, axis in _all_letters(expr).items() if isinstance(letter, sp.Symbol)}


def summed_axis(expr: nodes.ComponentSum) -> AxisSizes | None:
    """The axis that a sum over components runs over; None where nothing in its body says."""
    return component_letters(expr.body).get(expr.letter)


_Letter = Any  # a free letter; a bound one with its binder's place, a pair


def _all_letters(expr: Any) -> dict[_Letter, AxisSizes]:
    found: dict[_Letter, AxisSizes] = {}
    equal: list[tuple[_Letter, _Letter]] = []
    _note_letters(expr, {}, found, equal)
    for _ in equal:
        for pair in equal:
            known = found.get(pair[0], found.get(pair[1]))
            if known is not None and any(found.setdefault(letter, known) != known for letter in pair):
                first, second = (letter if isinstance(letter, sp.Symbol) else letter[0] for letter in pair)
                raise ShapeError(f"δ compares {first} and {second}, which run over different axes")
    return found


def _note_letters(
    expr: Any,
    names: Mapping[sp.Symbol, _Letter],
    found: dict[_Letter, AxisSizes],
    equal: list[tuple[_Letter, _Letter]],
) -> None:
    """The letters of a formula; `names` has the letters that are bound there."""
    if isinstance(expr, nodes.Component):
        inner = axes(expr.matrix)
        for letter, axis in ((expr.row, inner.rows), (expr.col, inner.cols)):
            _note_letter(letter, axis, names, found)
    elif isinstance(expr, nodes.Delta):
        first, second = (names.get(letter, letter) for letter in expr.args)
        equal.append((first, second))
    elif isinstance(expr, nodes.ComponentSum):
        names = {**names, expr.letter: (expr.letter, object())}
    elif isinstance(expr, nodes.Entries):
        names = {**names, **{letter: (letter, object()) for letter, _ in expr.bound}}
        for letter, axis in expr.bound:
            _note_letter(letter, axis, names, found)
    for arg in expr.args:
        _note_letters(arg, names, found, equal)


def _note_letter(
    letter: Any, axis: AxisSizes, names: Mapping[sp.Symbol, _Letter], found: dict[_Letter, AxisSizes]
) -> None:
    name = names.get(letter, letter)
    if isinstance(letter, sp.Symbol) and found.setdefault(name, axis) != axis:
        raise ShapeError(
            f"the component letter {letter} runs over two axes, {show_axes(axis, ())} and {show_axes(found[name], ())}"
        )
