"""A document's text and the places in it."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

from verify.errors import Place

MAX_BYTES = 4_000_000


@dataclass(frozen=True)
class Source:
    """The text of one file, with offsets turned into lines and columns."""

    path: str
    text: str

    @cached_property
    def starts(self) -> list[int]:
        """The offset of each line's first character."""
        return [0, *(place + 1 for place, character in enumerate(self.text) if character == "\n")]

    def line_of(self, offset: int) -> int:
        """The line number, from 1."""
        return bisect_right(self.starts, offset)

    def place(self, offset: int, width: int = 1) -> Place:
        """Where an offset lies."""
        line = self.line_of(offset)
        start = self.starts[line - 1]
        end = self.text.find("\n", start)
        source = self.text[start : len(self.text) if end < 0 else end]
        return Place(self.path, line, offset - start + 1, source, max(1, width))

    def offset(self, line: int) -> int:
        """The offset of a line's first character (line from 0, as Markdown tokens count)."""
        return self.starts[min(line, len(self.starts) - 1)]
