"""Annotations for GitHub Actions: `::error file=…,line=…,title=…::message`, one command a line.

Nothing that a document says can end a command or begin another: in data `%` and line breaks are escaped, in properties
`:` and `,` too, and each line that is printed is one command. The runner also looks for the older form `##[…]`,
anywhere in a line, but only in lines that are no command.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.console import Console
from rich.text import Text

from verify.errors import clean
from verify.report.findings import Finding, changes, findings
from verify.report.model import DocumentReport, Report
from verify.report.regions import Region

_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_DATA, ":": "%3A", ",": "%2C"}


def show_document(document: DocumentReport, report: Report, console: Console) -> None:
    """An error on each source line with a claim that is not as it should be."""
    for line in lines(document, report.require_proof):
        console.print(Text(line), soft_wrap=True)


def show_locked(report: Report, console: Console) -> None:
    """An error for each change since the lock."""
    for line in map(_annotation, changes(report)):
        console.print(Text(line), soft_wrap=True)


def show_summary(report: Report, console: Console) -> None:
    """One notice with the numbers."""
    counts = ", ".join(f"{count} {verdict}" for verdict, count in report.summary.items() if count) or "nothing claimed"
    so_far = "" if report.is_complete else "interrupted, so far: "
    console.print(Text(command("notice", f"{so_far}{counts}", {"title": "Backproof"})), soft_wrap=True)


def complain(message: str) -> None:
    """What goes wrong with the run, as an annotation of its own."""
    Console(stderr=True, highlight=False).print(Text(command("error", message, {"title": "Backproof"})), soft_wrap=True)


def lines(document: DocumentReport, require_proof: bool = False) -> Iterator[str]:
    """The commands of one document, in its order."""
    return map(_annotation, findings(document, require_proof))


def _annotation(finding: Finding) -> str:
    at = finding.region
    words = (f"{at.inside}: " if at.inside else "") + "\n".join(finding.words)
    return command("error", words, {**_place(at), "title": finding.title})


def _place(at: Region) -> Mapping[str, object]:
    """Columns count within one line only; the last one is meant to be marked too."""
    place: dict[str, object] = {"file": at.file, "line": at.line, "endLine": at.end_line}
    if at.line == at.end_line and at.column is not None and at.end_column is not None:
        place |= {"col": at.column, "endColumn": at.end_column - 1}
    return place


def command(name: str, data: str, properties: Mapping[str, object]) -> str:
    """A workflow command on one line, whatever its texts hold."""
    named = ",".join(f"{key}={_escaped(str(value), _PROPERTY)}" for key, value in properties.items() if value != "")
    return f"::{name} {named}::{_escaped(data, _DATA)}"


def _escaped(text: str, table: Mapping[str, str]) -> str:
    return clean("".join(table.get(sign, sign) for sign in text)).replace("\u2028", " ").replace("\u2029", " ")
