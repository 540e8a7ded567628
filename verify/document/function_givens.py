"""Givens that say what a declared elementwise function is: f(z) = z ⊙ σ(z), and f'(z) = … as the rule to be checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from derive.errors import NotationError, RuleError
from derive.language.derivatives import DerivativeNode
from derive.language.laws import OPAQUE, PLACE, Law
from derive.language.nodes import Elementwise
from derive.language.show import show
from derive.language.substitute import substitute
from derive.latex import syntax
from derive.rules.rewriting import rebuilt
from verify.document.statements import Link, Statement


@dataclass(frozen=True)
class Said:
    """f(z) or f'(z), `order` 0 or 1, as a formula of PLACE."""

    function: str
    order: int
    formula: Any


def is_of_function(given: Statement, link: Link) -> bool:
    """Whether a given equation's left side applies a function that is declared elementwise."""
    side = link.chain.sides[0]
    declared = given.meaning.vocabulary.functions
    return isinstance(side, syntax.Apply) and side.function in declared and declared[side.function].kind == OPAQUE


def said(link: Link, left: Any, right: Any) -> Said:
    """What f(z) = … says; z is any declared vector without an index. Raises NotationError."""
    place = link.chain.start, link.chain.end
    name = left.argument if isinstance(left, Elementwise) else None
    if not isinstance(name, sp.MatrixSymbol) or left.order > 1 or name.shape[1] != 1:
        example = "f(z) = …, or its rule f'(z) = …, for a declared vector z without an index"
        raise NotationError(f"a given equation says what a function is as {example}", *place)
    size = name.shape[0]
    moved = {name: PLACE, **({size: PLACE.shape[0]} if isinstance(size, sp.Symbol) else {})}
    formula = substitute(right, moved)
    try:
        Law(left.name, *((formula, None) if left.order == 0 else (None, formula)))
    except RuleError as error:
        raise NotationError(str(error).replace(show(PLACE), show(name)), *place) from None
    return Said(left.name, left.order, formula)


def laws(found: Iterable[Said]) -> dict[str, Law]:
    """One law for each function; the caller refuses a function of which one thing is said twice."""
    parts: dict[str, dict[int, Any]] = {}
    for one in found:
        parts.setdefault(one.function, {})[one.order] = one.formula
    made: dict[str, Law] = {}
    for name, orders in parts.items():
        value, slope = (None if formula is None else with_laws(formula, made) for formula in map(orders.get, (0, 1)))
        made[name] = Law(name, value, slope)
    return made


def with_laws(expr: Any, known: Mapping[str, Law]) -> Any:
    """A formula whose functions carry what is known of them."""
    if not known or not isinstance(expr, sp.MatrixExpr):
        return expr
    if isinstance(expr, DerivativeNode):
        return expr.func(with_laws(expr.what, known), expr.by, expr.mode)
    if isinstance(expr, Elementwise) and expr.kind == OPAQUE and expr.name in known:
        return Elementwise(expr.args[0], known[expr.name], expr.order, with_laws(expr.argument, known))
    args = tuple(with_laws(arg, known) for arg in expr.args)
    return expr if args == expr.args else rebuilt(expr, args)
