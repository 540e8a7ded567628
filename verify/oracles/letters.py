"""Letters to numbers: step letters, component letters and sizes in index expressions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import sympy as sp

from verify.oracles.limits import Unsupported

Env = Mapping[sp.Symbol, int]  # the values of step letters, component letters and sizes


def integer(expr: Any, env: Env) -> int:
    """An index expression's value."""
    if isinstance(expr, sp.Integer):
        return int(expr)
    if isinstance(expr, sp.Symbol) and expr in env:
        return env[expr]
    found = number(expr, env)
    if not found.is_Integer:
        raise Unsupported(f"the index {expr}")
    return int(found)


def number(expr: Any, env: Env) -> Any:
    """A coefficient's value as a SymPy number: 2, 1/n, n - 1, 1/√d."""
    if expr.is_Number:
        return expr
    letters = symbols_of(expr)
    missing = [str(letter) for letter in letters if letter not in env]
    if missing:
        raise Unsupported(f"{expr}: {', '.join(missing)} has no value")
    found = evaluated(expr, tuple((letter, env[letter]) for letter in letters))
    if not (found.is_number and found.is_real) or found.is_finite is False:
        raise Unsupported(f"the coefficient {expr}")
    return found


@lru_cache(maxsize=4096)
def symbols_of(expr: Any) -> tuple[sp.Symbol, ...]:
    """The letters of an expression, sorted by name."""
    return tuple(sorted(expr.free_symbols, key=lambda letter: str(letter.name)))


@lru_cache(maxsize=1 << 16)
def evaluated(expr: Any, values: tuple[tuple[sp.Symbol, int], ...]) -> Any:
    """The expression with numbers for its letters."""
    return expr.xreplace({letter: sp.Integer(value) for letter, value in values})
