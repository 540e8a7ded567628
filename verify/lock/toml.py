"""Writing TOML: the tables, keys and values of a lock file. The standard library reads TOML and does not write it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_NEEDS_ESCAPES = re.compile(r"['\x00-\x1f\x7f]")
_SURROGATES = re.compile("[\ud800-\udfff]")


def table(path: Sequence[str], content: Mapping[str, Any]) -> str:
    """[a."b.c"] and its keys, one a line."""
    lines = [header(path), *(f"{key(name)} = {value(item)}" for name, item in content.items())]
    return "\n".join(lines) + "\n"


def header(path: Sequence[str]) -> str:
    """The line that opens a table."""
    return f"[{'.'.join(map(key, path))}]"


def key(name: str) -> str:
    """A key, bare where that is allowed."""
    return name if _BARE.fullmatch(name) else text(name)


def value(item: Any) -> str:
    """A text, a whole number, or an array of values."""
    if isinstance(item, str):
        return text(item)
    if isinstance(item, list | tuple):
        return f"[{', '.join(map(value, item))}]"
    if type(item) is int:
        return str(item)
    raise TypeError(f"no value of a lock file: {item!r}")


def text(item: str) -> str:
    r"""A text: '\delta' as it is where it can stand so, else with escapes."""
    item = _SURROGATES.sub("\ufffd", item)  # a notebook's JSON may hold half a sign
    if "\\" in item and not _NEEDS_ESCAPES.search(item):
        return f"'{item}'"
    return json.dumps(item, ensure_ascii=False).replace("\x7f", "\\u007f")
