"""From applications of unknown functions to forms, and their derivatives by a slot."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import sympy as sp

from derive.language.derivatives import DerivativeNode, slot_of, variable_of
from derive.language.functions import signature
from derive.language.nodes import Application
from derive.language.shapes import axes
from derive.language.show import show
from verify.deciders.normal_form.applications import applied
from verify.deciders.normal_form.arrays import Array
from verify.deciders.normal_form.term import Form, Unsupported, constant

if TYPE_CHECKING:
    from verify.deciders.normal_form.build import Builder


def build_application(builder: Builder, expr: Application) -> Array:
    """F(a, b, …); inside a derivative by a slot ∂_kF, whose new slots ride along as letters."""
    moving = builder.slot if builder.slot is not None and builder.slot[0] == expr else None
    outer, builder.slot = builder.slot, None
    arguments = [builder.build(argument) for argument in expr.arguments]
    builder.slot = outer
    for argument in arguments:
        if argument.back is not None or argument.letters:
            raise Unsupported(f"{show(expr)}, an argument of which has component letters")
    shape = axes(expr)
    own = builder.axis(shape.rows + shape.cols)
    forms = [argument.form for argument in arguments]
    found = Array(applied(builder.store, signature(expr), own, forms), len(shape.rows), len(shape.cols))
    if moving is None:
        return found
    place = moving[1].number - 1
    letters = riding(len(forms[place].slots))
    return replace(found, form=applied(builder.store, signature(expr), own, forms, (place,)), letters=letters)


def riding(count: int) -> tuple[sp.Symbol, ...]:
    """Names of the slots of a derivative while it is laid out; no text has such letters."""
    return tuple(sp.Symbol(f"slot {position}", integer=True) for position in range(count))


def differentiated_by_slot(builder: Builder, expr: DerivativeNode) -> tuple[Array, Array, Form]:
    """What is differentiated, a stand-in with the slot's axes, and ∂_kF: slots of the first, then of the slot."""
    outer, builder.slot = builder.slot, slot_of(expr)
    what = builder.build(expr.what)
    builder.slot = outer
    shape = axes(variable_of(expr.by))
    by = Array(constant(builder.axis(shape.rows + shape.cols)), len(shape.rows), len(shape.cols))
    return replace(what, letters=()), by, what.form
