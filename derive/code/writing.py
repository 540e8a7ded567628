"""Lines of Python: functions, lists that are too long for a line, shapes in a docstring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import indent, wrap

INDENT = "    "


def function(head: str, said: str, lines: Sequence[str]) -> str:
    first = "\n".join(wrap(f"def {head}:", 110, subsequent_indent=INDENT * 2))
    return f"{first}\n" + indent("\n".join([f'"""{said}"""', *lines]), INDENT) + "\n"


def listed(before: str, items: Sequence[str], after: str) -> list[str]:
    """before a, b, c after, in lines of some length; brackets open where the list has none."""
    joined = ", ".join(items) + ("," if len(items) == 1 and not before.endswith("[") else "")
    text = f"{before}{joined}{after}"
    if len(text) <= 110:
        return [text]
    whole = "\u00a0"  # an item is not broken
    joined = ", ".join(item.replace(" ", whole) for item in items)
    inner = [line.replace(whole, " ") for line in wrap(joined, 100, break_long_words=False)]
    if before:
        return [before, *(INDENT + line for line in inner), after]
    return ["(", *(INDENT + line for line in inner), f"){after}"]


def shapes_in_lines(title: str, shapes: Mapping[str, str]) -> list[str]:
    """Keys with shapes, in lines that break between keys alone."""
    joined = "\u00a0"
    text = ", ".join(f"{key} {shape}".replace(" ", joined) for key, shape in shapes.items())
    lines = wrap(f"{title}: {text}", 110, subsequent_indent=" " * (len(title) + 2), break_long_words=False)
    return [line.replace(joined, " ") for line in lines]
