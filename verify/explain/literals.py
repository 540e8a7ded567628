"""Values as Python text: names, keys, numbers, tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

DECIMAL = 1000  # the largest denominator of a decimal that is meant as it is written


def quoted(text: str) -> str:
    """A string."""
    return json.dumps(text, ensure_ascii=False)


def key(parts: list[str]) -> str:
    """A tuple of texts."""
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"


def bare(text: str) -> str:
    """A formula without parentheses around all of it."""
    if not text.startswith("("):
        return text
    depth = 0
    for place, sign in enumerate(text):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if depth == 0:
            return text[1:-1] if place == len(text) - 1 else text
    return text


def number(value: Any) -> str:
    """An exact number as Python, a ball by its middle, a decimal of more than three places as a float."""
    if isinstance(value, dict):
        return repr(float(value["mid"]))
    exact = Fraction(value)
    if "." in value and exact.denominator > DECIMAL:
        return repr(float(value))
    return str(exact) if exact.denominator == 1 else f"Fraction({exact.numerator}, {exact.denominator})"


def array(value: Any) -> str:
    """Nested lists of numbers."""
    return f"[{', '.join(map(array, value))}]" if isinstance(value, list) else number(value)


def point(text: str) -> str:
    """The key of a table: a number, or names of entries; the value itself is by none."""
    try:
        return number(text)
    except ValueError:
        return quoted("" if text == "value" else text)


def table(pairs: Mapping[str, Any]) -> str:
    """Numbers by point or by entries."""
    return "{" + ", ".join(f"{point(at)}: {number(value)}" for at, value in pairs.items()) + "}"
