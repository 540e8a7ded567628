"""Jupyter notebooks: the Markdown cells, each a part of the document with lines of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from derive.errors import BackproofError
from verify.document import markdown
from verify.document.macros import Definitions
from verify.document.passages import Piece
from verify.document.source import MAX_BYTES, Assembly, normal

MAX_NOTEBOOK_BYTES = 32_000_000  # pictures in outputs are large; what is read of a notebook is bounded like a text
_HALF = re.compile("[\ud800-\udfff]")  # half a character, which JSON can name and no file can hold


class NoNotebook(BackproofError):
    """A file is no notebook of format 4."""


def pieces(text: str, assembly: Assembly) -> list[Piece]:
    """What the Markdown cells say, in order; each is a part `FILE#cell-N`, counted from 1. Raises `NoNotebook`."""
    found: list[Piece] = []
    definitions = Definitions()
    size = 0
    for number, cell in _markdown_cells(text):
        size += len(cell)
        if size > MAX_BYTES:
            raise NoNotebook(f"the notebook's Markdown is larger than {MAX_BYTES} characters")
        offset = assembly.add(f"{assembly.path}#cell-{number}", cell, f"cell-{number}")
        found += markdown.pieces(cell, offset, definitions)
    return found


def _markdown_cells(text: str) -> Iterator[tuple[int, str]]:
    """The number and text of each Markdown cell."""
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NoNotebook(f"the file is no notebook: {error}") from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise NoNotebook("the file is no notebook of format 4: it has no list of cells")
    for number, cell in enumerate(cells, 1):
        if isinstance(cell, dict) and cell.get("cell_type") == "markdown":
            yield number, normal(_text(cell.get("source"), number))


def _text(source: Any, number: int) -> str:
    """A cell's text, which may be a list of lines."""
    lines = source if isinstance(source, list) else [source]
    if not all(isinstance(line, str) for line in lines):
        raise NoNotebook(f"the text of cell {number} is no text")
    return _HALF.sub("\ufffd", "".join(lines))
