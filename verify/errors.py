"""Mistakes of a document or call, with the place that they point at."""

from __future__ import annotations

from dataclasses import dataclass

from derive.errors import BackproofError

_CONTROL = {code: None for code in (*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0)) if code != 0x0A}
_BIDI = dict.fromkeys((*range(8234, 8239), *range(8294, 8298), 8206, 8207, 1564))


def clean(text: str) -> str:
    """Text without control and direction characters, which must never reach a terminal."""
    return text.translate({**_CONTROL, **_BIDI})


@dataclass(frozen=True)
class Place:
    """A place in a file: line and column from 1, the whole source line, and how many characters are meant."""

    path: str
    line: int
    column: int
    source: str = ""
    width: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"

    def caret(self) -> str:
        """The source line with a caret line under the place; long lines are cut around it."""
        first = max(0, self.column - 1 - 60)
        line = clean(self.source)[first : first + 120]
        width = max(1, min(self.width, len(line) - (self.column - 1 - first)))
        return f"{line}\n{' ' * (self.column - 1 - first)}{'^' * width}"


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
