"""Mistakes of a document or call, with the place that they point at."""

from __future__ import annotations

from dataclasses import dataclass
from unicodedata import combining, east_asian_width

from derive.errors import BackproofError

_CONTROL = dict.fromkeys((*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0)))
_BIDI = dict.fromkeys((*range(8234, 8239), *range(8294, 8298), 8206, 8207, 1564))
_UNCLEAN = {**_CONTROL, **_BIDI}


def clean(text: str) -> str:
    """Text without control and direction characters, which must never reach a terminal."""
    return text.translate(_UNCLEAN)


@dataclass(frozen=True)
class Place:
    """A place in a file: line and column from 1, the source line, and how many characters are meant.

    Of a long line `source` is the part around the place, after `skipped` characters.
    """

    path: str
    line: int
    column: int
    source: str = ""
    width: int = 1
    skipped: int = 0

    def __str__(self) -> str:
        return f"{clean(self.path)}:{self.line}:{self.column}"

    def caret(self) -> str:
        """The source line with a caret line under the place; long lines are cut around it."""
        at = self.column - 1 - self.skipped
        first = max(0, at - 60)
        before, meant = clean(self.source[first:at]), clean(self.source[at : min(at + max(1, self.width), first + 120)])
        after = clean(self.source[at : first + 120])
        return f"{before}{after}\n{_as_blanks(before)}{'^' * max(1, _cells(meant))}"


def _cells(text: str) -> int:
    """How many columns of a terminal a text fills: wide characters two, combining ones none."""
    return sum(0 if combining(sign) else 2 if east_asian_width(sign) in "WF" else 1 for sign in text)


def _as_blanks(text: str) -> str:
    """Blanks as wide as a text; tabs stay tabs."""
    return "".join("\t" if sign == "\t" else " " * _cells(sign) for sign in text)


class DocumentError(BackproofError):
    """A declaration or call is wrong (exit code 2): the message, and where."""

    def __init__(self, message: str, place: Place) -> None:
        super().__init__(f"{place}: {message}")
        self.message = message
        self.place = place


class CallError(BackproofError):
    """A call is wrong (exit code 2): a file that cannot be read, a filter that matches nothing."""


class WitnessConflict(BackproofError):
    """Two witnesses that are both sure disagree (exit code 3): an error in Backproof itself."""
