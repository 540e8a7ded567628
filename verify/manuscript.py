"""A document as it is sent to another process: its text, its name, and where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from verify.document.readers import Form
from verify.document.statements import Document, read


@dataclass(frozen=True)
class Manuscript:
    """What `read` takes; the same text gives the same document everywhere."""

    path: str
    text: str
    form: Form | None = None
    folder: Path | None = None

    def read(self) -> Document:
        """The document. Raises `DocumentError`."""
        return read(self.path, self.text, self.form, self.folder)
