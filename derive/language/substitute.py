"""Substitution that knows binders: Σ, Π and Σ_i hide their letter, and never capture a free one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sympy as sp

from derive.language.nodes import ComponentSum, TimeProduct, TimeSum

BINDERS = (TimeSum, TimeProduct, ComponentSum)  # args[0] is the body, args[1] the bound letter


def substitute(expr: Any, mapping: Mapping[Any, Any]) -> Any:
    """Replace letters and whole subformulas; a bound letter is renamed where a replacement mentions it."""
    if expr in mapping:
        return mapping[expr]
    if isinstance(expr, BINDERS):
        return _under_binder(expr, mapping)
    if not expr.args:
        return expr
    args = tuple(substitute(arg, mapping) for arg in expr.args)
    if args == expr.args:
        return expr
    if isinstance(expr, sp.MatrixExpr):
        return sp.Basic.__new__(type(expr), *args) if type(expr).__module__.startswith("sympy") else expr.func(*args)
    return expr.func(*args)


def _under_binder(expr: Any, mapping: Mapping[Any, Any]) -> Any:
    body, letter, *bounds = expr.args
    inner = {key: value for key, value in mapping.items() if letter not in key.free_symbols}
    if any(letter in value.free_symbols for value in inner.values()):
        fresh = fresh_letter(letter, expr, *inner.values())
        body = substitute(body, {letter: fresh})
        letter = fresh
    outer = [substitute(bound, mapping) for bound in bounds]
    return expr.func(substitute(body, inner), letter, *outer)


def fresh_letter(letter: sp.Symbol, *avoid: Any) -> sp.Symbol:
    """A letter like `letter` that occurs in none of the formulas."""
    taken = {str(symbol) for expr in avoid for symbol in sp.Basic.atoms(expr, sp.Symbol)}
    names: Iterator[str] = (f"{letter.name}_{i}" for i in range(1, len(taken) + 2))
    return sp.Symbol(next(name for name in names if name not in taken), integer=True)


def free_letters(expr: Any) -> set[sp.Symbol]:
    """The letters that occur free: indices, sizes and component letters, without bound ones."""
    if isinstance(expr, sp.Symbol):
        return {expr}
    if isinstance(expr, BINDERS):
        body, letter, *bounds = expr.args
        outer = set().union(*(free_letters(bound) for bound in bounds)) if bounds else set()
        return (free_letters(body) - {letter}) | outer
    if isinstance(expr, sp.MatrixSymbol):
        return set().union(*(free_letters(size) for size in expr.shape))
    return set().union(*(free_letters(arg) for arg in expr.args)) if expr.args else set()
