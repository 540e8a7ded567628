"""Second order: the Hessian times a direction, by one tangent of the forward and of the backward recursions.

Pearlmutter (1994). Along a direction Ẋ of the parameters, every family y_t has a tangent ẏ_t that runs forwards, every
δ_k a tangent δ̇_k that runs backwards, and the gradient's tangent is the Hessian's row at X times the direction:
𝓗_W = d/dε ∂E/∂W at W + ε Ẇ. Inputs do not move; the tangent of a state before the first step is a direction of its own.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import Any

import sympy as sp

from derive.derivation import Derivation, folded
from derive.errors import RuleError
from derive.language.keys import plain_key
from derive.language.nodes import Member
from derive.model import Equation, Model
from derive.naming import delta_names
from derive.quantities import Options, Quantity, parameters, quantities_of
from derive.rules.rewriting import Rule, Step, theorem
from derive.rules.simplify import simplified
from derive.rules.tangent import tangent


def second_order_of(model: Model, sum_one: tuple[str, ...] = ()) -> tuple[Quantity, ...]:
    """Tangents of every equation and of every δ recursion, and the Hessian's product for every parameter."""
    found = [_forward_tangent(equation) for equation in model.forward if equation.index is not None]
    wanted = {f"grad.{plain_key(str(parameter.name))}" for parameter in parameters(model)}
    for quantity in quantities_of(model, sum_one):
        if quantity.id.startswith("delta."):
            found.append(Quantity(f"T.{quantity.id}", quantity.wrt, partial(_backward_tangent, first=quantity)))
        elif quantity.id in wanted:
            found.append(Quantity(f"H.{quantity.wrt}", quantity.wrt, partial(_product, first=quantity)))
    return tuple(found)


def dotted(name: str) -> str:
    """The name of a tangent: a dot over the letter, its marks behind: \\dot{\\delta}^{c}."""
    base, marks = _SPLIT.match(name).groups()  # type: ignore[union-attr]
    return f"\\dot{{{base}}}{marks}"


_SPLIT = re.compile(r"(\\[A-Za-z]+(?:\{[^{}]*\})?|.)(.*)$")


def _forward_tangent(equation: Equation) -> Quantity:
    key = plain_key(equation.name)

    def ask(model: Model, options: Options) -> Derivation:
        return tangent_of_equation(model, equation)

    return Quantity(f"T.{key}", key, ask)


def tangent_of_equation(model: Model, equation: Equation) -> Derivation:
    """ẏ_t from the tangents of what y_t reads."""
    return _tangent(model, _dot(equation.left), equation.right, ())


def _backward_tangent(model: Model, options: Options, first: Quantity) -> Derivation:
    found = first.ask(model, options)
    return replace(_tangent(model, _dot(found.left), found.right, found.definitions), conditions=found.conditions)


def _product(model: Model, options: Options, first: Quantity) -> Derivation:
    """𝓗_X, the X-part of the Hessian times the direction, in X's shape."""
    found = first.ask(model, options)
    variable = found.left.by
    left = sp.MatrixSymbol(f"\\mathcal{{H}}_{{{variable.name}}}", *variable.shape)
    return _tangent(model, left, found.right, found.definitions)


def _tangent(model: Model, left: Any, formula: Any, definitions: tuple[Equation, ...]) -> Derivation:
    used: list[Rule] = []
    moving = {*(e.name for e in model.forward), *(e.name for e in definitions), *delta_names(model).values()}
    found = tangent(formula, partial(_change, model, moving), used)
    if found is None:
        found = sp.ZeroMatrix(*formula.shape)
    rules = "; ".join(theorem(rule) for rule in used) or "what moves nothing has the tangent 0"
    step = Step(rules, left, found, tuple(rule.__name__ for rule in used))
    tidied, tidy = simplified(found)
    right, steps = folded(model, tidied, [step, *tidy])
    return Derivation(left, right, tuple(steps), model, definitions)


def _change(model: Model, moving: set[str], leaf: Any) -> Any:
    """Parameters, what equations produce and names of gradients move; inputs stand still."""
    is_parameter = isinstance(leaf, sp.MatrixSymbol) and model.equation_of(leaf) is None
    return _dot(leaf) if is_parameter or str(leaf.name) in moving else None


def _dot(leaf: Any) -> Any:
    if isinstance(leaf, Member):
        return Member(dotted(leaf.name), leaf.indices, leaf.row_axis, leaf.col_axis)
    if not isinstance(leaf, sp.MatrixSymbol):
        raise RuleError(f"no name for the tangent of {leaf}")
    return sp.MatrixSymbol(dotted(str(leaf.name)), *leaf.shape)
