"""Declared functions of several arguments: `function(x: m, h: n) -> n`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import sympy as sp

from derive.language.functions import SlottedFunction
from derive.language.shapes import Axes
from verify.document.sizes import SizeError, read_shape

_TYPE = re.compile(r"function\s*\((.*)\)\s*(?:->|→)\s*(.+)", re.DOTALL)
_NAME = re.compile(r"(?:[A-Za-z]+|\\[A-Za-z]+(?:\{[A-Za-z]+\})?)(?:[_^](?:\w|\{[^{}]*\}))*")
EXAMPLE = "function(x: m, h: n) -> n"
SEVERAL = "several"


def is_function(text: str) -> bool:
    """Whether a declaration is meant as one of a function of several arguments."""
    return re.match(r"function\b", text.strip()) is not None


def read_function(name: str, text: str, sizes: dict[str, Any], steps: Mapping[str, sp.Symbol]) -> SlottedFunction:
    """The function that a declaration says; new size letters are added to `sizes`. Raises SizeError."""
    match = _TYPE.fullmatch(text.strip())
    if match is None:
        raise SizeError(f"{text!r} is no function; expected {EXAMPLE}")
    slots = [_slot(part, sizes, steps) for part in match.group(1).split(",")]
    names = [slot for slot, _ in slots]
    twice = next((slot for slot in names if names.count(slot) > 1), None)
    if twice is not None:
        raise SizeError(f"the argument {twice} stands twice")
    return SlottedFunction(name, tuple(slots), *read_shape(match.group(2), sizes, steps))


def _slot(part: str, sizes: dict[str, Any], steps: Mapping[str, sp.Symbol]) -> tuple[str, Axes]:
    name, colon, size = (piece.strip() for piece in part.partition(":"))
    if not colon or not _NAME.fullmatch(name):
        raise SizeError(f"{part.strip()!r} is no argument with its size, as h: n in {EXAMPLE}")
    return name, Axes(*read_shape(size, sizes, steps))
