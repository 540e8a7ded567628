"""A document's text and the places in it; it may have parts: a notebook's cells, files read by \\input."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

from verify.errors import Place

MAX_BYTES = 4_000_000
_WINDOW = 400  # of a longer line a place keeps the surroundings only


@dataclass(frozen=True)
class Part:
    """A stretch of a document that has a path, and lines, of its own; `label` tells its equations' ids apart.

    Of a part that is no file of its own (a notebook's cell), `lines` says in which line of the document's file each of
    its lines stands.
    """

    path: str
    start: int
    label: str = ""
    lines: tuple[int, ...] = ()


@dataclass(frozen=True)
class Source:
    """The text of one document, parts one after the other, with offsets turned into lines and columns."""

    path: str
    text: str
    parts: tuple[Part, ...] = ()

    @cached_property
    def starts(self) -> list[int]:
        """The offset of each line's first character."""
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    @cached_property
    def _part_starts(self) -> list[int]:
        return [part.start for part in self.parts]

    def part(self, offset: int) -> Part:
        """The part in which an offset lies."""
        place = bisect_right(self._part_starts, offset) - 1
        return self.parts[place] if place >= 0 else Part(self.path, 0)

    def place(self, offset: int, width: int = 1) -> Place:
        """Where an offset lies."""
        offset = max(0, min(offset, len(self.text) - 1))
        part = self.part(offset)
        line = bisect_right(self.starts, offset)
        start, end = self.starts[line - 1], self.starts[line] - 1 if line < len(self.starts) else len(self.text)
        first = start if end - start <= _WINDOW else max(start, offset - _WINDOW // 2)
        text = self.text[first : min(end, first + _WINDOW)]
        number = line - bisect_right(self.starts, part.start) + 1
        return Place(part.path, number, offset - start + 1, text, max(1, width), first - start)

    def offset(self, place: Place) -> int:
        """Where a place lies: what `place` is the inverse of."""
        start = next((part.start for part in self.parts if part.path == place.path), 0)
        line = min(bisect_right(self.starts, start) + place.line - 1, len(self.starts))
        return min(self.starts[line - 1] + place.column - 1, len(self.text))


class Assembly:
    """Puts a document together from its parts, in the order in which they are read."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.parts: list[Part] = []
        self.texts: list[str] = []
        self.length = 0

    def add(self, path: str, text: str, label: str = "", lines: tuple[int, ...] = ()) -> int:
        """Append a part; the offset of its first character."""
        start = self.length
        self.parts.append(Part(path, start, label, lines))
        self.texts.append(text)
        self.length += len(text) + 1  # a line break between parts
        return start

    def source(self) -> Source:
        """The document as one text."""
        return Source(self.path, "\n".join(self.texts), tuple(self.parts))


def normal(text: str) -> str:
    """Text with one sort of line break and no byte order mark."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
