"""Declared sizes: n, 1, n x m, 2n, n_a + n_x, and ordered products n*m (slow to fast)."""

from __future__ import annotations

import re
from collections.abc import MutableMapping

import sympy as sp

from derive.language.nodes import AxisSizes

_TERM = re.compile(r"\s*(\d{0,6})\s*\*?\s*([A-Za-z](?:_(?:\w|\{\w+\}))?|)\s*(?:\^\s*(\d))?\s*")
_CROSS = re.compile(r"\s+x\s+|\s*×\s*|\s*\\times\s*")
_NAME = re.compile(r"[A-Za-z](?:_(?:\w|\{\w+\}))?")

Sizes = MutableMapping[str, sp.Symbol]


class SizeError(ValueError):
    """A size that cannot be read."""


def read_shape(text: str, sizes: Sizes) -> tuple[AxisSizes, AxisSizes]:
    """The two axes of `n x m`; one size alone is a column vector. New size letters are added to `sizes`."""
    parts = _CROSS.split(text.strip())
    if len(parts) > 2:
        raise SizeError(f"{text!r} has {len(parts)} axes; a symbol has one or two")
    axes = [read_axis(part, sizes) for part in parts]
    return axes[0], axes[1] if len(axes) == 2 else ()


def read_axis(text: str, sizes: Sizes) -> AxisSizes:
    """One axis: an ordered product of basic sizes, or one sum."""
    if "+" in text or "-" in text:
        return (_sum(text, sizes),)
    axis: list[sp.Expr] = []
    for part in re.split(r"\*|\s+", text.strip()):
        axis.extend(_factor(part, sizes))
    return tuple(size for size in axis if size != 1)


def _factor(text: str, sizes: Sizes) -> list[sp.Expr]:
    match = _TERM.fullmatch(text)
    if not match or not (match.group(1) or match.group(2)):
        raise SizeError(f"{text!r} is no size; expected a letter, a number, or n x m")
    number, name, power = match.groups()
    count = int(number) if number else 1
    if count == 0:
        raise SizeError("a size is at least 1")
    if not name:
        return [sp.Integer(count)]
    letter = _letter(name, sizes)
    if count > 1:
        return [count * letter]
    return [letter] * (int(power) if power else 1)


def _sum(text: str, sizes: Sizes) -> sp.Expr:
    total: sp.Expr = sp.S.Zero
    if not re.fullmatch(r"[^+-]+(?:[+-][^+-]+)*", text.strip()):
        raise SizeError(f"{text!r} is no size")
    for sign, part in re.findall(r"([+-]?)\s*([^+-]+)", text):
        value = sp.Mul(*_factor(part.strip(), sizes))
        total += -value if sign == "-" else value
    if total.is_positive is False:
        raise SizeError("a size is at least 1")
    return total


def _letter(name: str, sizes: Sizes) -> sp.Symbol:
    plain = name.replace("{", "").replace("}", "")
    return sizes.setdefault(plain, sp.Symbol(plain, integer=True, positive=True))
