"""Stretches of a document as they are read, and where each character of them was written."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from verify.document.source import Source
from verify.errors import Place


@dataclass(frozen=True)
class Piece:
    """What a scanner finds, in order, each with the offset of its text in the document.

    kind: block (declarations), directive, display (an equation's LaTeX), definition (of a macro), open and close
    (of a group: its definitions end with it), error. A piece with a `fault` is wrong as a whole; a display with one
    begins with what opens it. `whole` is the stretch that it takes of the document, delimiters and all.
    """

    kind: str
    text: str
    offset: int  # of the text's first character
    environment: str = ""  # of a display: align, gather*, …; empty for $$ … $$ and \\[ … \\]
    fault: str = ""
    whole: tuple[int, int] = (0, 0)


class Run(NamedTuple):
    """From character `at` of a passage on: copied from `start` on, or, with a width, all standing for one stretch."""

    at: int
    start: int
    width: int = 0


@dataclass(frozen=True)
class Passage:
    """Text with its origin: what a macro expands to stands where the macro is used."""

    text: str
    runs: tuple[Run, ...]
    source: Source = field(compare=False, repr=False)
    first: int = 0  # the runs count from a text of which this is the part from here on

    @classmethod
    def copied(cls, text: str, offset: int, source: Source) -> Passage:
        """Text as it stands in the document at an offset."""
        return cls(text, (Run(0, offset),), source)

    def origin(self, place: int) -> tuple[int, int]:
        """The stretch (start, end) of the document for which one character stands."""
        place = self.first + max(0, min(place, len(self.text) - 1))
        run = self.runs[max(0, bisect_right(self.runs, place, key=_at) - 1)]
        if run.width:
            return run.start, run.start + run.width
        start = run.start + place - run.at
        return start, start + 1

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The stretch of the document for which the characters from start to end stand."""
        (low, first_end), (last, high) = self.origin(start), self.origin(max(start, end - 1))
        return min(low, last), max(first_end, high)

    def place(self, start: int, end: int) -> Place:
        """Where characters from start to end were written."""
        low, high = self.span(start, end)
        return self.source.place(low, high - low)

    def part(self, start: int, end: int) -> Passage:
        """The characters from start to end."""
        return Passage(self.text[start:end], self.runs, self.source, self.first + start)

    def with_text(self, text: str) -> Passage:
        """Another text of the same length, character for character."""
        assert len(text) == len(self.text), "places would shift"
        return Passage(text, self.runs, self.source, self.first)

    def blanked(self, stretches: Iterable[tuple[int, int]]) -> Passage:
        """With blanks in place of some stretches."""
        return self.with_text(blanked(self.text, stretches))

    def followed_by(self, other: Passage) -> Passage:
        """This passage, a blank, and another."""
        shift = len(self.text) + 1
        runs = [*self._own_runs(0), Run(shift - 1, self.span(0, len(self.text))[1]), *other._own_runs(shift)]
        return Passage(f"{self.text} {other.text}", tuple(runs), self.source)

    def replaced(self, start: int, end: int, text: str) -> Passage:
        """With another text in place of a stretch, for which it stands."""
        low, high = self.span(start, end)
        head, tail = self.part(0, start), self.part(end, len(self.text))
        runs = [*head._own_runs(0), Run(start, low, high - low), *tail._own_runs(start + len(text))]
        return Passage(head.text + text + tail.text, tuple(runs), self.source)

    def _own_runs(self, shift: int) -> list[Run]:
        """The runs of this text alone, counted from `shift`."""
        found = []
        for run, following in zip(self.runs, (*self.runs[1:], None), strict=True):
            begin = max(run.at, self.first)
            if begin < self.first + len(self.text) and (following is None or following.at > begin):
                start = run.start if run.width else run.start + begin - run.at
                found.append(Run(begin - self.first + shift, start, run.width))
        return found


def _at(run: Run) -> int:
    return run.at


def blanked(text: str, stretches: Iterable[tuple[int, int]]) -> str:
    """Text with blanks in place of some stretches, its line breaks kept; stretches in order, none within another."""
    found, place = [], 0
    for start, end in stretches:
        if start >= place:
            kept = "".join("\n" if character == "\n" else " " for character in text[start:end])
            found += [text[place:start], kept]
            place = end
    return "".join([*found, text[place:]])
