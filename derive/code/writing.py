"""Lines of Python: functions, lists that are too long for a line, shapes in a docstring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import indent, wrap

INDENT = "    "


def function(head: str, said: str, lines: Sequence[str]) -> str:
    """A function with its docstring and its lines."""
    first = "\n".join(wrap(f"def {head}:", 110, subsequent_indent=INDENT * 2))
    return f"{first}\n" + indent("\n".join([f'"""{said}"""', *lines]), INDENT) + "\n"


def by_windows(up: bool) -> list[str]:
    """The head of a loop over windows of steps, from the first step up or from the last one down."""
    if up:
        return ["for low in range(0, T, window):", f"{INDENT}high = min(T, low + window)"]
    return ["for high in range(T, 0, -window):", f"{INDENT}low = max(0, high - window)"]


def listed(before: str, items: Sequence[str], after: str) -> list[str]:
    """before a, b, c after, in lines of some length; brackets open where the list has none."""
    joined = ", ".join(items) + ("," if len(items) == 1 and not before.endswith("[") else "")
    text = f"{before}{joined}{after}"
    if len(text) <= 110:
        return [text]
    inner = whole_items(items, 100)
    if before:
        return [before, *(INDENT + line for line in inner), after]
    return ["(", *(INDENT + line for line in inner), f"){after}"]


def shapes_in_lines(title: str, shapes: Mapping[str, str]) -> list[str]:
    """Keys with shapes, in lines that break between keys alone."""
    items = [f"{key} {shape}" for key, shape in shapes.items()]
    return whole_items(items, 110, f"{title}: ", " " * (len(title) + 2))


def whole_items(items: Sequence[str], width: int, first: str = "", later: str = "") -> list[str]:
    """Items in lines of some width, none of them broken."""
    space = "\u00a0"
    text = ", ".join(item.replace(" ", space) for item in items)
    lines = wrap(text, width, initial_indent=first, subsequent_indent=later, break_long_words=False)
    return [line.replace(space, " ") for line in lines]
