"""Substitution that knows binders: Σ, Π, Σ_i and arrays by entries hide their letters, and never capture a free one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sympy as sp

from derive.language.nodes import ComponentSum, Entries, TimeProduct, TimeSum

BINDERS = (TimeSum, TimeProduct, ComponentSum, Entries)  # args[0] is the body, the bound letters follow


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


def bound_letters(expr: Any) -> tuple[sp.Symbol, ...]:
    """The letters that a binder hides in its body; none of any other node."""
    if not isinstance(expr, BINDERS):
        return ()
    return tuple(letter for letter in _split(expr)[0] if isinstance(letter, sp.Symbol))


def _split(expr: Any) -> tuple[list[Any], list[Any]]:
    """A binder's letters (-1 where an axis has none), and what follows them."""
    count = 2 if isinstance(expr, Entries) else 1
    return list(expr.args[1 : 1 + count]), list(expr.args[1 + count :])


def _under_binder(expr: Any, mapping: Mapping[Any, Any]) -> Any:
    body, (letters, bounds) = expr.args[0], _split(expr)
    inner = {key: value for key, value in mapping.items() if key.free_symbols.isdisjoint(letters)}
    for place, letter in enumerate(letters):
        if any(letter in value.free_symbols for value in inner.values()):
            letters[place] = fresh_letter(letter, expr, *letters, *inner.values())
            body = substitute(body, {letter: letters[place]})
    outer = [substitute(bound, mapping) for bound in bounds]
    return expr.func(substitute(body, inner), *letters, *outer)


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
        _, bounds = _split(expr)
        return set().union(free_letters(expr.args[0]) - set(bound_letters(expr)), *map(free_letters, bounds))
    if isinstance(expr, sp.MatrixSymbol):
        return set().union(*(free_letters(size) for size in expr.shape))
    return set().union(*(free_letters(arg) for arg in expr.args)) if expr.args else set()
