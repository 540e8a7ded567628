"""Declared shapes: `n x m`, `1 x n`, `n_a x (n_a+n_x)`, `n_l x n_{l-1}`; one size alone is a column vector."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import sympy as sp

from derive.errors import NotationError
from derive.language.nodes import AxisSizes
from derive.latex.lexicon import Lexicon
from derive.latex.sizes import SizeError, axis_of
from derive.latex.tokenizer import tokenize

_CROSS = re.compile(r"\s+x\s+|\s*×\s*|\s*\\times\s*")
_WORDS = Lexicon(operators={"*": "matmul"})

__all__ = ["SizeError", "read_shape"]


def read_shape(text: str, sizes: dict[str, Any], steps: Mapping[str, sp.Symbol]) -> tuple[AxisSizes, AxisSizes]:
    """The two axes of a declared shape. New size letters are added to `sizes`. Raises `SizeError`."""
    parts = _CROSS.split(text.strip())
    if len(parts) > 2:
        raise SizeError(f"{text!r} has {len(parts)} axes; a symbol has one or two")
    axes = [_axis(part, sizes, steps) for part in parts]
    return axes[0], axes[1] if len(axes) == 2 else ()


def _axis(text: str, sizes: dict[str, Any], steps: Mapping[str, sp.Symbol]) -> AxisSizes:
    bare = text.strip()
    if bare.startswith("(") and bare.endswith(")"):
        bare = bare[1:-1]
    try:
        tokens = tokenize(bare, _WORDS)
    except NotationError as error:
        raise SizeError(f"{text!r} is no size: {error}") from None
    if not tokens:
        raise SizeError("a size is missing")
    try:
        return axis_of(tokens, sizes, steps)
    except SizeError as error:
        raise SizeError(f"{text.strip()!r}: {error}") from None
