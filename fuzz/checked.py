"""One text through the whole reader, and what must hold of everything that it says."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

from verify.document.interpret import Interpreter
from verify.document.readers import Form
from verify.document.source import Source
from verify.document.statements import Document, Problem, read
from verify.errors import DocumentError, Place

ROOT = Path(__file__).resolve().parent.parent
FORBIDDEN = (
    "open",
    "exec",
    "compile",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "subprocess.Popen",
    "pickle.find_class",
)
ENDINGS = {"md": "notes.md", "tex": "notes.tex", "ipynb": "notes.ipynb"}
assert set(ENDINGS) == set(get_args(Form))


class Broken(AssertionError):
    """Something that must hold of a message, or of what the reader does, does not."""


@dataclass
class Watch:
    """What Python does while a text is read: code made or run, files opened outside the text's folder."""

    folder: Path
    is_on: bool = False
    seen: list[str] = field(default_factory=list)

    def install(self) -> Watch:
        """Listen for the rest of this process: such a hook cannot be taken away again."""
        sys.addaudithook(self._hear)
        return self

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.is_on or (event not in FORBIDDEN and not event.startswith("socket.")):
            return
        name = {"exec": lambda: args[0].co_filename, "compile": lambda: args[1], "open": lambda: args[0]}.get(event)
        where = "" if name is None else str(name())
        if not (where and self._is_allowed(Path(where).absolute(), event)):
            self.seen.append(f"{event} {where}")

    def _is_allowed(self, path: Path, event: str) -> bool:
        """Files of the folder; modules that Python imports late."""
        is_module = path.suffix in (".py", ".pyc", ".so") or path.is_dir()
        homes = {Path(home).absolute() for home in (sys.prefix, sys.base_prefix)} | {ROOT}
        return (event == "open" and path.is_relative_to(self.folder)) or (
            is_module and any(path.is_relative_to(home) for home in homes)
        )


def check(form: Form, text: str, watch: Watch | None = None) -> tuple[int, int]:
    """Read a text to its claims; how many equations it has, and how many links could be read as claims.

    Raises `Broken` where a message has no proper place or something forbidden was done; whatever else the reader
    raises is a crash.
    """
    if watch is not None:
        watch.seen.clear()
        watch.is_on = True
    try:
        return _checked(form, text, None if watch is None else watch.folder)
    finally:
        if watch is not None:
            watch.is_on = False
            if watch.seen:
                raise Broken(f"while reading: {', '.join(watch.seen)}")


def _checked(form: Form, text: str, folder: Path | None) -> tuple[int, int]:
    try:
        document = read(ENDINGS[form], text, form, folder)
    except DocumentError as error:
        _check_message(error.message, error.place, None)
        return 0, 0
    for error in document.errors:
        _check_message(error.message, error.place, document)
    readable = 0
    for problem in _problems(document):
        if problem is None:
            readable += 1
        else:
            _check_message(problem.message, problem.place, document)
    return len(document.statements), readable


def _problems(document: Document) -> Iterator[Problem | None]:
    """The problems of a document's equations; None for each link that became a claim."""
    interpreter = Interpreter(document)
    for statement in document.statements:
        if statement.problem is not None:
            yield statement.problem
        for link in statement.links if statement.role == "claim" else ():
            if link.problem is not None or link.skip is not None:
                if link.problem is not None:
                    yield link.problem
                continue
            try:
                readings = interpreter.readings(statement, link)
            except RecursionError:  # the judge says so at the statement
                continue
            for reading in readings:
                yield None if reading.claim is not None else reading.problem


def _check_message(message: str, place: Place, document: Document | None) -> None:
    if not message.strip():
        raise Broken("an empty message")
    if place.line < 1 or place.column < 1 or place.width < 1 or not place.path:
        raise Broken(f"no place: {place!r}")
    if document is not None:
        _check_place(place, document)
    lines = place.caret().split("\n")
    if len(lines) != 2 or "^" not in lines[1] or lines[1].strip("^ \t"):
        raise Broken(f"no caret: {lines!r}")


def _check_place(place: Place, document: Document) -> None:
    """The line exists, and the column lies in it or just behind it."""
    widths = _line_widths(document.source).get(place.path, [])
    if not any(place.line <= len(lines) and place.column <= lines[place.line - 1] + 1 for lines in widths):
        raise Broken(f"a place outside the text: {place!r}")


@lru_cache(maxsize=1)
def _line_widths(source: Source) -> dict[str, list[list[int]]]:
    """How long the lines of each part of a document are, by its path."""
    found: dict[str, list[list[int]]] = {}
    ends = [*(part.start - 1 for part in source.parts[1:]), len(source.text)]
    for part, end in zip(source.parts, ends, strict=True):
        lines = [len(line) for line in source.text[part.start : end].split("\n")]
        found.setdefault(part.path, []).append(lines)
    return found
