"""A leaky relu with a slope of its own, `leaky relu 1/5` or `leaky relu \\alpha`: what it is of the relu."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sympy as sp

from derive.errors import NotationError
from derive.language.build import constant, matadd, matmul, negate, ones
from derive.language.nodes import Elementwise, Scale
from derive.language.shapes import axes, is_coefficient
from derive.latex.constants import ones_like
from derive.latex.parser import parse

if TYPE_CHECKING:
    from derive.latex.elaborate import Reader


def leaky_relu(reader: Reader, slope: str, order: int, value: Any, start: int, end: int) -> Any:
    """f(z) = a z + (1 - a) relu(z), f'(z) = a + (1 - a) relu'(z) for z ≠ 0, f'' = 0."""
    a = _slope(reader, slope, start, end)
    if order > 1:
        return constant(sp.ZeroMatrix, *axes(value).plain)
    part = Elementwise("\\operatorname{relu}", "relu", order, value)
    return matadd(_times(a, ones_like(value) if order else value), _times(_one_less(a), part))


def _slope(reader: Reader, text: str, start: int, end: int) -> Any:
    """A number, or a declared scalar."""
    try:
        chains = parse(text, reader.vocabulary.lexicon)
        value = reader.read(chains[0].sides[0]) if len(chains) == 1 and not chains[0].relations else None
    except NotationError:
        value = None
    if value is None or not (is_coefficient(value) or axes(value).is_scalar):
        raise NotationError(f"the slope {text} of a leaky relu is a number or a declared scalar", start, end)
    return value


def _one_less(a: Any) -> Any:
    return 1 - a if is_coefficient(a) else matadd(ones(1, 1), negate(a))


def _times(a: Any, value: Any) -> Any:
    return matmul(a, value) if is_coefficient(a) else Scale(a, value)
