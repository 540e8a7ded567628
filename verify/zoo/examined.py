"""What a run finds of each entry: the verdicts of the published formula and its mend, and whether one edit mends it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from verify.document.statements import Document, read
from verify.edits import Draft, edits_of
from verify.judge import Entry, Judge, link_id
from verify.limits import Effort
from verify.repair import Search
from verify.report.model import DocumentReport
from verify.verdict import ORDER, Verdict
from verify.zoo.entries import MEND, PUBLISHED, Specimen


@dataclass(frozen=True)
class Examined:
    """An entry with its report. `is_one_edit`: some single edit of the published formula is the mend."""

    specimen: Specimen
    report: DocumentReport
    is_one_edit: bool

    @property
    def published(self) -> Verdict:
        """The published equation's verdict: its worst link's."""
        return _worst(self.report, PUBLISHED)

    @property
    def mend(self) -> Verdict:
        """The mend's verdict."""
        return _worst(self.report, MEND)

    @property
    def repairs(self) -> tuple[str, ...]:
        """The single edits of the published equation that are proved, in words."""
        links = (entry for entry in self.report.claims if entry.statement == PUBLISHED and entry.verdict is not None)
        return tuple(str(repair.edit) for entry in links for repair in getattr(entry.verdict, "repairs", ()))

    @property
    def troubles(self) -> tuple[str, ...]:
        """What is not as the entry says, one sentence each."""
        return tuple(self._troubles())

    def _troubles(self) -> Iterator[str]:
        yield from (str(error) for error in self.report.errors)
        wrong = [entry for entry in self.report.entries if entry.verdict is not None and not entry.is_ok()]
        for entry in wrong:
            assert entry.verdict is not None
            found = entry.verdict.verdict
            yield f"{entry.id} is {found}, expected {entry.expected or 'proved'}: {entry.verdict.message}"
        yield from self._mismatches({entry.statement for entry in wrong})

    def _mismatches(self, told: set[str]) -> Iterator[str]:
        """Where the front matter, and not a directive, is at odds with what was found."""
        wanted = (self.specimen.published, self.specimen.reason)
        found = (self.published.verdict, self.published.reason or "")
        if found != wanted and PUBLISHED not in told:
            yield f"published is {_words(found)}, expected {_words(wanted)}: {self.published.message}"
        if self.mend.verdict != self.specimen.mend and MEND not in told:
            yield f"mend is {self.mend.verdict}, expected {self.specimen.mend}: {self.mend.message}"


def examine(specimen: Specimen, effort: Effort) -> Examined:
    """Judge one entry's document. Raises `DocumentError`, `WitnessConflict`."""
    document = read(specimen.path, specimen.text)
    judge = Judge(document, effort)
    entries = tuple(judge.entries())
    report = DocumentReport(specimen.path, entries, document.errors)
    return Examined(specimen, report, _is_one_edit(document, judge, entries))


def _is_one_edit(document: Document, judge: Judge, entries: tuple[Entry, ...]) -> bool:
    """Whether every refuted link of the published equation is, after one edit, a link of the mend, side for side."""
    wrong = {
        entry.id
        for entry in entries
        if entry.statement == PUBLISHED and entry.verdict is not None and entry.verdict.verdict == "refuted"
    }
    drafts = {name: draft for name, draft in _drafts(document, judge, PUBLISHED) if name in wrong}
    mends = {(draft.left, draft.right) for _, draft in _drafts(document, judge, MEND)}
    is_near = all(any((edit.claim.left, edit.claim.right) in mends for edit in edits_of(d)) for d in drafts.values())
    return bool(wrong) and set(drafts) == wrong and is_near


def _drafts(document: Document, judge: Judge, name: str) -> Iterator[tuple[str, Draft]]:
    """The links of an equation that have one reading, ill-typed or not: an edit speaks of one reading alone."""
    for statement in (statement for statement in document.claims if statement.id == name):
        for link in statement.links:
            readings = () if link.problem is not None else judge.interpreter.readings(statement, link)
            search = Search(statement, link, judge.interpreter, judge.verdict, 0)
            draft = search.draft(readings[0]) if len(readings) == 1 else None
            if draft is not None:
                yield link_id(statement, link), draft


def _worst(report: DocumentReport, name: str) -> Verdict:
    verdicts = [entry.verdict for entry in report.claims if entry.statement == name and entry.verdict is not None]
    if not verdicts:
        return Verdict("unreadable", f"the document has no equation {name}")
    return min(verdicts, key=lambda verdict: ORDER.index(verdict.verdict))


def _words(found: tuple[str, str]) -> str:
    return f"{found[0]} ({found[1]})" if found[1] else found[0]
