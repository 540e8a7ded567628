"""What is not as it should be in a document, each with its rule and its place: what every form for machines tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from verify.judge import Entry
from verify.report.model import DocumentReport, Report
from verify.report.regions import Region, Regions, file_of
from verify.report.rules import RULES, Rule, rule_of


@dataclass(frozen=True)
class Finding:
    """One trouble: a key of RULES, the claim's id (empty for a declaration), where, what in words, and the entry.

    `mended` is where the best repair's line could stand instead, if that is known exactly.
    """

    key: str
    name: str
    region: Region
    words: tuple[str, ...]
    entry: Entry | None = None
    mended: Region | None = None

    @property
    def rule(self) -> Rule:
        """What the rule says."""
        return RULES[self.key]

    @property
    def title(self) -> str:
        """The verdict, or what is wrong, with the claim's id."""
        verdict = None if self.entry is None else self.entry.verdict
        if verdict is not None:
            return f"{self.name}: {verdict.verdict}"
        return "wrong declaration" if self.key == "declaration" else f"{self.name or self.region.file}: changed"


def of_report(report: Report) -> list[Finding]:
    """Those of every document, in the report's order, and behind them what changed since the lock."""
    found = [finding for document in report.shown for finding in findings(document, report.require_proof)]
    return [*found, *changes(report)]


def changes(report: Report) -> Iterator[Finding]:
    """What changed since the lock; a claim or document that is gone has its place in the lock file."""
    if report.locked is None:
        return
    parts = {document.path: document for document in report.shown}
    for document in report.shown:
        for part in document.document.source.parts if document.document else ():
            parts.setdefault(part.path, document)
    for one in report.locked.differences:
        if one.place is None:
            region = Region(file_of(report.locked.path), 1, 1)
            yield Finding("changed", one.id, region, (f"{one.document}: {one}",))
        else:
            home = parts.get(one.place.path, DocumentReport(one.place.path, ()))
            yield Finding("changed", one.id, Regions(home).of_place(one.place), (one.message,))


def findings(document: DocumentReport, require_proof: bool = False) -> Iterator[Finding]:
    """In the document's order; wrong declarations come first."""
    regions = Regions(document)
    for error in document.errors:
        yield Finding("declaration", "", regions.of_place(error.place), (error.message,))
    for entry in document.entries:
        if entry.verdict is not None and not is_good(entry, require_proof):
            mended = regions.of_line(entry) if entry.verdict.repairs else None
            words = tuple(in_words(entry, require_proof))
            yield Finding(rule_of(entry), entry.id, regions.of_entry(entry), words, entry, mended)


def is_good(entry: Entry, require_proof: bool = False) -> bool:
    """A given carries a verdict only where it cannot be read."""
    return entry.role == "claim" and entry.is_ok(require_proof)


def in_words(entry: Entry, require_proof: bool = False, with_lines: bool = True) -> Iterator[str]:
    """What is known, what was expected, and what to do about it; with the LaTeX of mended lines, or without."""
    assert entry.verdict is not None
    if entry.verdict.message:
        yield entry.verdict.message
    if entry.expected is not None:
        yield f"{'as' if entry.is_ok(require_proof) else 'but'} the document expects {entry.expected}"
    if entry.verdict.advice:
        yield entry.verdict.advice
    for repair in entry.verdict.repairs:
        yield f"one edit away: {repair.edit}{f': {repair.latex}' if with_lines else ''}"


def fingerprints(found: Iterable[Finding]) -> Iterator[str]:
    """For each finding what stays the same wherever its line stands and whatever its number.

    Of the file, the rule and the formula, or a wrong declaration's message; equal ones are counted.
    """
    seen: Counter[str] = Counter()
    for finding in found:
        about = finding.words[0] if finding.entry is None else finding.entry.latex
        text = "\0".join((finding.region.file, finding.key, "".join(about.split())))
        mark = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        seen[mark] += 1
        yield f"{mark}:{seen[mark]}"
