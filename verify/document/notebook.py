"""Jupyter notebooks: the Markdown cells, each a part of the document with lines of its own."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from json.decoder import scanstring  # type: ignore[attr-defined]  # typeshed lists neither
from json.scanner import py_make_scanner  # type: ignore[attr-defined]
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
    for number, cell, lines in _markdown_cells(text):
        size += len(cell)
        if size > MAX_BYTES:
            raise NoNotebook(f"the notebook's Markdown is larger than {MAX_BYTES} characters")
        offset = assembly.add(f"{assembly.path}#cell-{number}", cell, f"cell-{number}", lines)
        found += markdown.pieces(cell, offset, definitions)
    return found


class _Written(str):
    """A string of a JSON text, and the offset at which it stands there."""

    offset: int


def _written(text: str, start: int, strict: bool = True) -> tuple[_Written, int]:
    value, end = scanstring(text, start, strict)
    found = _Written(value)
    found.offset = start
    return found, end


class _Reader(json.JSONDecoder):
    """Reads JSON, its strings with the offsets at which they stand."""

    def __init__(self) -> None:
        super().__init__()
        self.parse_string = _written
        self.scan_once = py_make_scanner(self)  # the one in C knows no other reader of strings


def _markdown_cells(text: str) -> Iterator[tuple[int, str, tuple[int, ...]]]:
    """The number and text of each Markdown cell, and in which line of the file each of its lines stands."""
    try:
        notebook = _Reader().decode(text)
    except (ValueError, RecursionError) as error:
        raise NoNotebook(f"the file is no notebook: {error}") from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise NoNotebook("the file is no notebook of format 4: it has no list of cells")
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    for number, cell in enumerate(cells, 1):
        if isinstance(cell, dict) and cell.get("cell_type") == "markdown":
            pieces = _pieces(cell.get("source"), number)
            yield number, normal(_HALF.sub("\ufffd", "".join(pieces))), _lines(pieces, starts)


def _pieces(source: Any, number: int) -> list[_Written]:
    """A cell's text, which may be a list of lines."""
    pieces = source if isinstance(source, list) else [source]
    if not all(isinstance(piece, str) for piece in pieces):
        raise NoNotebook(f"the text of cell {number} is no text")
    return pieces


def _lines(pieces: list[_Written], starts: list[int]) -> tuple[int, ...]:
    """The line of the file in which each line of a cell begins; a string of JSON has no line break of its own."""
    found: list[int] = []
    begins = True
    for piece in pieces:
        line = bisect_right(starts, piece.offset)
        text = normal(piece)
        if text:
            found += [line] * (text.count("\n") + begins - text.endswith("\n"))
            begins = text.endswith("\n")
    return tuple(found) or (1,)
