"""One line a claim, as compilers and grep write: `file:line:column: verdict: id: message; what to do`."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from verify.errors import Place, clean
from verify.judge import Entry
from verify.report.model import DocumentReport, Report


def show_document(document: DocumentReport, report: Report, console: Console, everything: bool = False) -> None:
    """One document's lines: what is not as it should be, and with `everything` each good claim too."""
    for line in lines(document, report.require_proof, everything):
        console.print(Text(line), soft_wrap=True)


def lines(document: DocumentReport, require_proof: bool = False, everything: bool = False) -> Iterator[str]:
    """The lines in the document's order; wrong declarations come first, as `error`."""
    for error in document.errors:
        yield _line(error.place, "error", error.message)
    for entry in document.entries:
        if entry.verdict is not None and (everything or not _is_good(entry, require_proof)):
            at = entry.verdict.place or entry.place
            yield _line(at, entry.verdict.verdict, f"{entry.id}: {'; '.join(_words(entry, require_proof))}")


def _is_good(entry: Entry, require_proof: bool) -> bool:
    """A given carries a verdict only where it cannot be read."""
    return entry.role == "claim" and entry.is_ok(require_proof)


def _words(entry: Entry, require_proof: bool) -> Iterator[str]:
    """What is known, what was expected, and what to do about it."""
    assert entry.verdict is not None
    if entry.verdict.message:
        yield entry.verdict.message
    if entry.expected is not None:
        yield f"{'as' if entry.is_ok(require_proof) else 'but'} the document expects {entry.expected}"
    if entry.verdict.hint:
        yield entry.verdict.hint
    for repair in entry.verdict.repairs:
        yield f"one edit away: {repair.edit}: {repair.latex}"


def _line(place: Place, verdict: str, message: str) -> str:
    """One line whatever the message holds."""
    return clean(" ".join(f"{place}: {verdict}: {message}".split()))
