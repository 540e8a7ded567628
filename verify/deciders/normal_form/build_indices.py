"""Sums and products over steps, components and sums over components as forms."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sympy as sp

from derive.language import nodes
from derive.language.letters import component_letters, summed_axis
from derive.language.shapes import axes
from derive.language.show import show
from verify.deciders.normal_form.algebra import contract
from verify.deciders.normal_form.arrays import Array, add_arrays, chain, named_slots
from verify.deciders.normal_form.term import Atom, Form, Unsupported, constant, identity, of_atom

if TYPE_CHECKING:
    from verify.deciders.normal_form.build import Builder


def build_time_sum(builder: Builder, expr: nodes.TimeSum) -> Array:
    """Σ over steps, written out; 0 where the range is empty."""
    steps = _range(builder, expr)
    if steps is None:
        return closed(builder, expr)
    if not steps:
        shape = axes(expr.body)
        back = shape.back or ((), ())
        slots = builder.axis((*shape.rows, *shape.cols, *back[0], *back[1]))
        return Array(
            constant(slots, 0), len(shape.rows), len(shape.cols), (len(back[0]), len(back[1])) if shape.back else None
        )
    return add_arrays(builder.store, [(1, builder.at(expr.index, step).build(expr.body)) for step in steps])


def build_time_product(builder: Builder, expr: nodes.TimeProduct) -> Array:
    """Π over steps, written out in its direction; I where the range is empty."""
    steps = _range(builder, expr)
    if steps is None:
        return closed(builder, expr)
    ordered = reversed(steps) if expr.direction == "descending" else steps
    arrays = [builder.at(expr.index, step).build(expr.body) for step in ordered]
    return chain(builder.store, arrays, builder.axis(axes(expr.body).rows))


def _range(builder: Builder, expr: Any) -> range | None:
    """The steps of a sum or product, None where a bound does not follow the symbolic letter."""
    try:
        lo, hi = builder.step(expr.lo), builder.step(expr.hi)
    except Unsupported:
        if builder.system.window.anchor == 0:
            raise
        return None
    if hi < lo - 1:
        raise Unsupported(f"{show(expr)} from {lo} to {hi}, below an empty range")
    return range(lo, hi + 1)


def closed(builder: Builder, expr: Any) -> Array:
    """A sum or product over symbolic steps: one atom, equal to itself and to nothing else."""
    shape, letters = axes(expr), component_letters(expr)
    if shape.back is not None:
        raise Unsupported(f"{show(expr)} over symbolic steps")
    slots = builder.axis((*shape.rows, *shape.cols, *(size for axis in letters.values() for size in axis)))
    free = tuple(sorted((str(k), v) for k, v in builder.letters.items() if k in expr.free_symbols))
    number = builder.store.atom(Atom("closed", (expr, free), slots))
    return Array(of_atom(number, slots), len(shape.rows), len(shape.cols), None, tuple(letters))


def build_component(builder: Builder, expr: nodes.Component) -> Array:
    """[A]_ij: slots become letters; an equal letter twice selects the diagonal."""
    array = builder.build(expr.matrix)
    if any(letter is not None and not isinstance(letter, sp.Symbol) for letter in (expr.row, expr.col)):
        raise Unsupported(f"the fixed component {show(expr)}")
    selected = [letter for letter in (expr.row, expr.col) if letter is not None]
    letters = tuple(dict.fromkeys((*selected, *array.letters)))
    back = named_slots("back", sum(array.back)) if array.back else ()
    form = contract(builder.store, [(array.form, (*selected, *array.tail))], (*back, *letters))
    return Array(form, 0, 0, array.back, letters)


def build_delta(builder: Builder, expr: nodes.Delta) -> Array:
    """δ_ij: the letters share a label."""
    first, second = expr.args
    size = builder.sizes.get(first, builder.sizes.get(second))
    if size is None:
        raise Unsupported(f"{show(expr)} of letters that run over nothing")
    if first == second:
        return Array(constant(()))
    return Array(identity((size,)), 0, 0, None, (first, second))


def build_entries(builder: Builder, expr: nodes.Entries) -> Array:
    """(a_ij): the letters' slots become rows and columns; a letter that the body lacks is a slot of its own."""
    inner = builder.over(expr.bound)
    array = inner.build(expr.body)
    bound = [letter for letter, _ in expr.bound]
    letters = tuple(letter for letter in array.letters if letter not in bound)
    back = named_slots("back", sum(array.back)) if array.back else ()
    sizes = {letter: inner.sizes[letter] for letter in bound}
    form = contract(builder.store, [(array.form, array.layout(0, 1))], (*bound, *back, *letters), sizes)
    return Array(form, len(expr.row_axis), len(expr.col_axis), array.back, letters)


def build_component_sum(builder: Builder, expr: nodes.ComponentSum) -> Array:
    """Σ_i: the letter is no longer open."""
    axis = summed_axis(expr)
    builder = builder if axis is None else builder.over(((expr.letter, axis),))
    array = builder.build(expr.body)
    if expr.letter not in array.letters:
        if expr.letter not in builder.sizes:
            raise Unsupported(f"a sum over {expr.letter}, which runs over nothing")
        count = builder.store.loop(builder.sizes[expr.letter])
        return add_arrays(builder.store, [(1, _times(builder, array, constant((), c, loops))) for c, loops in count])
    letters = tuple(letter for letter in array.letters if letter != expr.letter)
    layout = array.layout(0, 1)
    output = (*layout[: len(layout) - len(array.letters)], *letters)
    return replace(array, form=contract(builder.store, [(array.form, layout)], output), letters=letters)


def _times(builder: Builder, array: Array, scalar: Form) -> Array:
    layout = array.layout(0, 1)
    return replace(array, form=contract(builder.store, [(array.form, layout), (scalar, ())], layout))
