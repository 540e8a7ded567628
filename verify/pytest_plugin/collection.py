"""Documents as files of tests, their equations as tests, in the document's order and by the document's ids."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from verify.document.readers import form_of, pieces, read_bytes, why_unread
from verify.document.statements import Document, Link, Statement, read
from verify.errors import DocumentError, Place, WitnessConflict, clean
from verify.judge import Entry, Judge, lines, link_id
from verify.pytest_plugin.hooks import CONFLICT
from verify.pytest_plugin.judging import conflict_text, own_filters, trouble_of
from verify.pytest_plugin.settings import settings_of
from verify.report.junit import properties
from verify.report.terminal import declaration_text

WORD = "backproof"  # every declaration block has it


class BackproofWarning(pytest.PytestWarning):
    """A file that was asked for holds nothing to judge, or has a wrong declaration that was not asked for."""


class DocumentFile(pytest.File):
    """A file, read once: what is wrong with its declarations, then its equations.

    Its text stays in memory: what is judged is what was collected, also if the file changes meanwhile.
    """

    judge: Judge
    untold: tuple[DocumentError, ...] = ()

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        """Nothing of a file without a backproof block: it is no derivation."""
        try:
            document = self._document()
        except (OSError, UnicodeDecodeError) as error:
            if not isinstance(error, UnicodeDecodeError) or WORD.encode() in error.object or self._is_named:
                text = f"{self.shown}: cannot be read: {why_unread(error)}"
                yield DeclarationItem.from_parent(self, name="unreadable", text=text, place=Place(self.shown, 1, 1))
            return
        except DocumentError as error:
            yield from self._declarations([error], set())
            return
        if document is not None:
            self.judge = Judge(document, self.settings.effort, self.settings.cache)
            self.untold = document.errors
            yield from self._items(document)

    @cached_property
    def shown(self) -> str:
        """The path as a person at the terminal would write it."""
        try:
            return Path(os.path.relpath(self.path, self.config.invocation_params.dir)).as_posix()
        except ValueError:  # another drive
            return self.path.as_posix()

    @cached_property
    def settings(self) -> Any:
        """The settings of the run."""
        return settings_of(self.config)

    @property
    def _is_named(self) -> bool:
        return self.session.isinitpath(self.path)

    def _document(self) -> Document | None:
        """The document; None, with a warning if the call names it, where there is no block."""
        text = read_bytes(str(self.path))
        if not _is_derivation(self.shown, text, self.path.parent):
            if self._is_named:
                self.warn(BackproofWarning(f"{self.shown}: no backproof block, so nothing is collected"))
            return None
        document = read(self.shown, text, folder=self.path.parent)
        if not document.claims and not document.errors:
            self.warn(BackproofWarning(f"{self.shown}: no claim: no display equation outside given and skip"))
        return document

    def _items(self, document: Document) -> Iterator[pytest.Item | pytest.Collector]:
        taken: set[str] = set()
        yield from self._declarations(document.errors, taken)
        asked = {argument.partition("::")[2] for argument in self.config.args}
        for statement, link in lines(document):
            if statement.role == "given" and statement.problem is None:
                continue
            name = _unique(statement.id if link is None else link_id(statement, link), taken)
            item: pytest.Item = EquationItem.from_parent(self, name=name, statement=statement, link=link)
            yield item
            if link is not None and link.position == 1 and statement.id in asked and statement.id not in taken:
                yield ChainCollector.from_parent(self, name=_unique(statement.id, taken), statement=statement)

    def _declarations(self, errors: Iterable[DocumentError], taken: set[str]) -> Iterator[pytest.Item]:
        for error in errors:
            name = _unique(f"declaration-L{error.place.line}", taken)
            yield DeclarationItem.from_parent(self, name=name, text=declaration_text(error), place=error.place)

    def warn_of_declarations(self) -> None:
        """Once, that a declaration is wrong, where equations were chosen and the error was not."""
        wrong, self.untold = self.untold, ()
        shown = {item.parent for item in self.session.items if isinstance(item, DeclarationItem)}
        if wrong and self not in shown:
            self.warn(BackproofWarning(clean(f"{wrong[0]}; the equations of {self.shown} are judged without it")))

    def line_of(self, place: Place) -> tuple[Path, int]:
        """A file and a line from 0; a notebook's cell is no file, so its equations stand at the notebook's head."""
        if place.path == self.shown:
            return self.path, place.line - 1
        part = self.config.invocation_params.dir / place.path  # what \input reads
        return (part, place.line - 1) if part.is_file() else (self.path, 0)


class ChainCollector(pytest.Collector):
    """All links of one equation, collected only where the call names the equation: `notes.md::2.3`."""

    def __init__(self, *, statement: Statement, **rest: Any) -> None:
        super().__init__(**rest)
        self.statement = statement

    def collect(self) -> Iterator[pytest.Item]:
        """The same tests, by the same ids, as the file has."""
        assert isinstance(self.parent, DocumentFile)
        taken: set[str] = set()
        for link in self.statement.links:
            name = _unique(link_id(self.statement, link), taken)
            yield EquationItem.from_parent(self.parent, name=name, statement=self.statement, link=link)


class PlacedItem(pytest.Item):
    """A test that stands at a place of a document."""

    parent: DocumentFile

    def __init__(self, *, place: Place, **rest: Any) -> None:
        super().__init__(**rest)
        self.place = place
        self.add_marker("backproof")

    def reportinfo(self) -> tuple[Path, int, str]:
        """File, line from 0, and the heading of a failure."""
        path, line = self.parent.line_of(self.place)
        return path, line, f"{self.place.path}:{self.place.line}: {self.name}"


class DeclarationItem(PlacedItem):
    """A wrong declaration: an error, beside which the document's equations are judged all the same."""

    def __init__(self, *, text: str, **rest: Any) -> None:
        super().__init__(**rest)
        self.text = text

    def setup(self) -> None:
        """In the setup, so that pytest counts an error, and not a false equation."""
        pytest.fail(self.text, pytrace=False)

    def runtest(self) -> None:
        """Never reached."""
        raise AssertionError("a wrong declaration fails before it runs")


class EquationItem(PlacedItem):
    """One relation of a document."""

    def __init__(self, *, statement: Statement, link: Link | None, **rest: Any) -> None:
        super().__init__(place=statement.place, **rest)
        self.statement, self.link = statement, link
        self.summary = ""
        reason = statement.directives.skip if link is None else link.skip
        if reason is not None:
            self.add_marker(pytest.mark.skip(reason=" ".join(clean(reason).split())))

    def runtest(self) -> None:
        """Judge it; fail with the text of the command."""
        self.parent.warn_of_declarations()
        try:
            with own_filters():
                entry = self.parent.judge.entry(self.statement, self.link)
        except WitnessConflict as conflict:
            self.user_properties.append(CONFLICT)
            self.summary = clean(f"two witnesses disagree: {conflict}")
            raise pytest.fail.Exception(conflict_text(conflict), pytrace=False) from None
        self.user_properties += properties(entry)
        trouble = trouble_of(entry, self.parent.settings.require_proof)
        if trouble is not None:
            self.summary = _summary(entry)
            pytest.fail(trouble, pytrace=False)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The text alone, at the equation's file and line."""
        found: Any = super().repr_failure(excinfo, style)
        crash = getattr(found, "reprcrash", None)
        if self.summary and crash is not None:
            path, line, _ = self.reportinfo()
            crash.path, crash.lineno, crash.message = str(path), line + 1, self.summary  # what xdist sends shares it
        return found


def _summary(entry: Entry) -> str:
    """The end of a line of pytest's short summary."""
    verdict = entry.verdict
    assert verdict is not None
    expected = "" if entry.expected is None else f", expected {entry.expected}"
    return " ".join(clean(f"{verdict.verdict}{expected}: {verdict.message}").split())


def _is_derivation(path: str, text: str, folder: Path) -> bool:
    """Whether a document has a block, or something that was to be one; in LaTeX it may stand in a file that is read."""
    if WORD not in text and form_of(path, text) != "tex":
        return False
    found = pieces(path, text, folder=folder)[1]
    return any(piece.kind == "block" or (piece.kind == "error" and WORD in piece.text) for piece in found)


def _unique(name: str, taken: set[str]) -> str:
    """A name that a node id can hold, which no other test of the document has."""
    name = " ".join(clean(name).split()).replace("::", ":") or "equation"
    free, count = name, 1
    while free in taken:
        count += 1
        free = f"{name}.{count}"
    taken.add(free)
    return free
