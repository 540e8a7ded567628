"""Where a claim stands in a file that a person can open: the whole formula, in the file that really holds it.

A file read by \\input is a file of its own. A notebook's cell is not: its lines are found in the notebook's text, where
columns mean nothing, since there each line is a quoted string.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from verify.document.source import Source
from verify.document.statements import Link, Statement
from verify.errors import Place
from verify.judge import Entry, link_id
from verify.report.model import DocumentReport

_OPENING = re.compile(r"\\(?:left|[bB]igg?l?)\s*$")
_REACH = 10  # characters before a side in which a \left may stand


@dataclass(frozen=True)
class Region:
    """A stretch of a file: its lines, its columns where it has any (`end_column` is the one behind it), its text.

    Lines and columns count from 1, columns in characters (code points). `inside` names the part of the file and the
    line in that part, for a notebook's cell.
    """

    file: str
    line: int
    end_line: int
    column: int | None = None
    end_column: int | None = None
    text: str = ""
    inside: str = ""


def file_of(path: str) -> str:
    """A path as others write it: from the folder in which the command runs, with slashes."""
    try:
        return Path(os.path.relpath(path)).as_posix()
    except ValueError:  # another drive
        return Path(path).as_posix()


class Regions:
    """The regions of one document's entries."""

    def __init__(self, document: DocumentReport) -> None:
        read = document.document
        self.source = None if read is None else read.source
        self.statements = {} if read is None else {statement.id: statement for statement in read.statements}

    def of_entry(self, entry: Entry) -> Region:
        """What is meant: what cannot be read, else the whole relation."""
        if entry.verdict is not None and entry.verdict.place is not None:
            return self.of_place(entry.verdict.place)
        found = self._linked(entry)
        if self.source is None or found is None:
            return self.of_place(entry.place)
        statement, link = found
        start, end = _written(statement, link)
        low, high = statement.passage.span(start, end)
        return _stretch(self.source, max(low, self.source.offset(entry.place)), high)

    def of_place(self, place: Place) -> Region:
        """The characters at a place."""
        if self.source is None:
            return Region(file_of(place.path), place.line, place.line, place.column, place.column + place.width)
        start = self.source.offset(place)
        return _stretch(self.source, start, min(start + place.width, len(self.source.text)))

    def of_line(self, entry: Entry) -> Region | None:
        """The characters of a relation that a mended line could replace as they stand; None where that is not sure.

        They are what was read, without macros, comments or the marks of rows and columns between, and the relation is
        all that its equation states.
        """
        found = self._linked(entry)
        if self.source is None or found is None or len(found[0].links) > 1:
            return None
        statement, link = found
        start, end = _written(statement, link)
        low, high = statement.passage.span(start, end)
        text = self.source.text[low:high]
        is_exact = text == statement.passage.text[start:end] and "&" not in text and "\\\\" not in text
        region = _stretch(self.source, low, high)
        return region if is_exact and region.column is not None else None

    def _linked(self, entry: Entry) -> tuple[Statement, Link] | None:
        statement = self.statements.get(entry.statement)
        links = () if statement is None else statement.links
        link = next((link for link in links if statement is not None and link_id(statement, link) == entry.id), None)
        return None if statement is None or link is None else (statement, link)


def _written(statement: Statement, link: Link) -> tuple[int, int]:
    """The characters of a relation in its passage, with a \\left before them, which no token keeps."""
    start, end = link.chain.start, link.chain.end
    opening = _OPENING.search(statement.passage.text, max(0, start - _REACH), start)
    return opening.start() if opening else start, end


def _stretch(source: Source, start: int, end: int) -> Region:
    """The region of the characters from start to end, of which there is at least one."""
    first, last = source.place(start), source.place(max(start, end - 1))
    part = source.part(start)
    text = source.text[start : max(start + 1, end)]
    if not part.lines:
        return Region(file_of(first.path), first.line, last.line, first.column, last.column + 1, text)
    lines = [part.lines[min(place.line, len(part.lines)) - 1] for place in (first, last)]
    inside = f"{part.label.replace('-', ' ')}, line {first.line}"
    return Region(file_of(source.path), lines[0], lines[1], text=text, inside=inside)
