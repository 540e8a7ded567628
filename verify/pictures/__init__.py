"""Pictures for reports: what an entry or a document is better seen than read, as SVG text.

Each picture has a file of its own, whose first function names in its docstring when there is something to draw.
"""

from __future__ import annotations

from verify.judge import Entry
from verify.pictures.activations import activation_pictures
from verify.pictures.picture import Picture
from verify.report.model import DocumentReport

__all__ = ["Picture", "pictures_of_document", "pictures_of_entry"]


def pictures_of_entry(entry: Entry) -> tuple[Picture, ...]:
    """What is to be seen of one line of a report; nothing for most lines. Names begin with the entry's id."""
    return ()


def pictures_of_document(document: DocumentReport) -> tuple[Picture, ...]:
    """What is to be seen of a document: its activations. Names occur once among them and those of its entries."""
    claims = [entry.claim for entry in document.entries if entry.claim is not None]
    models = tuple(dict.fromkeys(claim.model for claim in claims))
    return activation_pictures(models, [side for claim in claims for side in (claim.left, claim.right)])
