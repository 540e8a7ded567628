"""The page of a report: a summary, what is wrong first, then each document as it was written."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from verify.document.statements import Statement
from verify.errors import clean
from verify.pictures import Picture, pictures_of_document
from verify.report.findings import changes
from verify.report.html.derivations import OPEN
from verify.report.html.documents import Written
from verify.report.html.entries import EntryView, view
from verify.report.html.page import environment
from verify.report.html.page import page as whole_page
from verify.report.model import SIGNS, DocumentReport, Report
from verify.verdict import ORDER

KINDS = (*reversed(ORDER), "given", "skipped")
MEANINGS = {
    "proved": "true for all sizes and steps in scope: two independent deciders agree",
    "tested": "never refuted, but not proved",
    "conditional": "true under one reading of an open convention, false under another",
    "refuted": "false, with a counterexample; or ill-typed in every reading",
    "undecided": "the deciders reached a limit, or a construct outside their language",
    "unreadable": "could not be read",
    "given": "taken as given: what the claims rest on",
    "skipped": "not checked, as the document says",
}


@dataclass(frozen=True)
class ErrorView:
    """A wrong declaration and where it stands."""

    place: str
    message: str
    caret: str


@dataclass(frozen=True)
class DocumentView:
    """One document: its name, what is wrong with its declarations, its text, its lines."""

    path: str
    anchor: str
    errors: Sequence[ErrorView]
    body: Markup
    entries: Sequence[EntryView]
    pictures: Sequence[Picture]
    counts: Mapping[str, int]


def page(report: Report, timings: bool = False) -> str:
    """The report as a page."""
    documents = views(report, timings)
    everything = [entry for document in documents for entry in document.entries]
    counts = Counter(entry.kind for entry in everything)
    wrong = [entry for entry in everything if not entry.is_ok]
    return whole_page(
        "report.html",
        title=_title(report),
        report=report,
        documents=documents,
        wrong=wrong,
        errors=sum(len(document.errors) for document in documents),
        notes=[clean(note) for note in report.notes],
        changed=[(clean(f"{one.region.file}:{one.region.line}"), clean(one.words[0])) for one in changes(report)],
        total=len(everything),
        expected=Counter(entry.kind for entry in everything if entry.is_expected),
        kinds=[(kind, counts[kind], SIGNS.get(kind, "·"), MEANINGS[kind]) for kind in KINDS if counts[kind]],
    )


def views(report: Report, timings: bool = False) -> list[DocumentView]:
    """Every document of a report, the derived quantities last."""
    names = _Anchors(report.shown)
    return [_document(one, names, report.require_proof, timings) for one in report.shown]


def _title(report: Report) -> str:
    paths = [PurePath(document.path).name for document in report.documents]
    return clean(paths[0]) if len(paths) == 1 else f"{len(paths)} documents"


def _document(document: DocumentReport, names: _Anchors, require_proof: bool, timings: bool) -> DocumentView:
    statements = document.document.statements if document.document else ()
    declared = {statement.id: statement.declarations.conventions for statement in statements}
    lines = [
        view(
            entry,
            names.of(document, entry.id),
            require_proof,
            timings,
            chain=names.of(document, entry.statement or entry.id),
            declared=declared.get(entry.statement, OPEN),
        )
        for entry in document.entries
    ]
    return DocumentView(
        clean(document.path),
        names.of(document, ""),
        [ErrorView(str(error.place), clean(error.message), error.place.caret()) for error in document.errors],
        _body(document, lines, names),
        lines,
        pictures_of_document(document),
        Counter(line.kind for line in lines),
    )


def _body(document: DocumentReport, lines: Sequence[EntryView], names: _Anchors) -> Markup:
    """The text with its equations; the equations alone where there is no text."""
    pieces: Any = environment().get_template("entry.html").module
    by_statement: dict[str, list[EntryView]] = {}
    for line in lines:
        by_statement.setdefault(line.entry.statement, []).append(line)
    if document.document is None:
        return Markup("").join(pieces.statement(found[0].entry.latex, found) for found in by_statement.values())

    def shown(statement: Statement, latex: str) -> Markup:
        return Markup(pieces.statement(latex, by_statement.get(statement.id, [])))

    links = {name: statement.id for statement in document.document.statements for name in statement.names}

    def link(label: str) -> Markup | None:
        if label not in links:
            return None
        target = quote(names.of(document, links[label]), safe="/:")
        return Markup('<a href="#{}">{}</a>').format(target, f"({clean(links[label])})")

    return Written(document.document, shown, link).html()


_OWN = ("bp-main", "bp-auto", "bp-light", "bp-dark")  # the ids of the page itself


def _plain(name: str) -> str:
    return re.sub(r"\s+", "-", clean(name)) or "line"


class _Anchors:
    """A name for every line of a report: its id, with the document's name before it where two documents share it."""

    def __init__(self, documents: Sequence[DocumentReport]) -> None:
        self.found: dict[tuple[int, str], str] = {}
        taken = set(_OWN)
        for document in documents:
            for entry in document.entries:
                for name in dict.fromkeys((entry.id, entry.statement or entry.id)):
                    self._take(document, name, name, taken)
        for document in documents:
            self._take(document, "", f"file:{document.path}", taken)

    def of(self, document: DocumentReport, name: str) -> str:
        """The anchor of a line, or of a document for the empty name."""
        return self.found.get((id(document), name), "")

    def _take(self, document: DocumentReport, name: str, wanted: str, taken: set[str]) -> None:
        if (id(document), name) in self.found:
            return
        anchor = _plain(wanted)
        if anchor in taken:
            anchor = f"{_plain(document.path)}::{anchor}"
        while anchor in taken:
            anchor += "'"
        taken.add(anchor)
        self.found[id(document), name] = anchor
