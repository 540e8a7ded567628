"""Pictures for reports: what an entry or a document is better seen than read, as SVG text."""

from __future__ import annotations

from dataclasses import dataclass

from verify.judge import Entry
from verify.report.model import DocumentReport

__all__ = ["Picture", "pictures_of_document", "pictures_of_entry"]


@dataclass(frozen=True)
class Picture:
    """A picture: its name, the SVG (escaped text of our own), what is to be seen, and the same in words."""

    name: str
    svg: str
    caption: str
    alt: str


def pictures_of_entry(entry: Entry) -> tuple[Picture, ...]:
    """What is to be seen of one line of a report; nothing for most lines."""
    return ()


def pictures_of_document(document: DocumentReport) -> tuple[Picture, ...]:
    """What is to be seen of a document."""
    return ()
