"""Affine step indices as integers, once translated and remembered."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import sympy as sp

from verify.deciders.normal_form.term import Unsupported

Affine = tuple[int, tuple[tuple[Any, int], ...]]  # constant, (letter, coefficient) …


@lru_cache(maxsize=4096)
def affine(expr: Any) -> Affine:
    """An index t - 1 as (-1, ((t, 1),)); refuses what is not affine with integers."""
    constant, rest = sp.sympify(expr, strict=True).as_coeff_Add()
    pairs = []
    for part in sp.Add.make_args(rest):
        if part == 0:
            continue
        number, letter = part.as_coeff_Mul()
        if not (isinstance(letter, sp.Symbol) and number.is_Integer):
            raise Unsupported(f"the index {expr}")
        pairs.append((letter, int(number)))
    if not constant.is_Integer:
        raise Unsupported(f"the index {expr}")
    return int(constant), tuple(pairs)


def evaluate(expr: Any, letters: Mapping[Any, int], anchor: int | None, kind: str = "step") -> int:
    """An index at the letters' values.

    With an unknown anchor the values are offsets from one letter: a step must then follow that letter, and a
    number (a count, an exponent) must not.
    """
    value, pairs = affine(expr)
    weight = 0
    for letter, number in pairs:
        if letter not in letters:
            raise Unsupported(f"the step {letter}, which has no value here")
        value += number * letters[letter]
        weight += number
    wanted = 1 if kind == "step" else 0
    if weight == wanted or anchor == 0:
        return value
    if anchor is None:
        raise Unsupported(f"{expr} at a symbolic step")
    return value + (weight - wanted) * anchor
