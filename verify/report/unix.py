"""One line a claim, as compilers and grep write: `file:line:column: verdict: id: message; what to do`."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from verify.errors import Place, clean
from verify.report.findings import in_words, is_good
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
        if entry.verdict is not None and (everything or not is_good(entry, require_proof)):
            at = entry.verdict.place or entry.place
            yield _line(at, entry.verdict.verdict, f"{entry.id}: {'; '.join(in_words(entry, require_proof))}")


def _line(place: Place, verdict: str, message: str) -> str:
    """One line whatever the message holds."""
    return clean(" ".join(f"{place}: {verdict}: {message}".split()))
