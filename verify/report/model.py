"""A report: what was read, what is known of each claim, and whether all is as it should be."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from verify.document.statements import Document
from verify.errors import DocumentError
from verify.judge import Entry
from verify.verdict import ORDER, Verdict


@dataclass(frozen=True)
class DocumentReport:
    """One document's entries in order, its wrong declarations, and the document itself where it could be read."""

    path: str
    entries: tuple[Entry, ...]
    errors: tuple[DocumentError, ...] = ()
    document: Document | None = field(default=None, repr=False, compare=False)

    @property
    def claims(self) -> tuple[Entry, ...]:
        """The entries that claim something."""
        return tuple(entry for entry in self.entries if entry.role == "claim")

    def __getitem__(self, name: str) -> Verdict:
        """The verdict of a claim by its id."""
        for entry in self.entries:
            if entry.id == name and entry.verdict is not None:
                return entry.verdict
        known = ", ".join(entry.id for entry in self.claims)
        raise KeyError(f"no claim {name}; expect one of {known}")


@dataclass(frozen=True)
class Report:
    """All documents of one run."""

    documents: tuple[DocumentReport, ...]
    seed: int = 0
    examples: int = 100
    require_proof: bool = False
    quantities: DocumentReport | None = None
    is_complete: bool = True
    notes: tuple[str, ...] = field(default=())

    @property
    def summary(self) -> dict[str, int]:
        """How many claims have each verdict."""
        counts = Counter(entry.verdict.verdict for entry in self._claims() if entry.verdict is not None)
        return {verdict: counts.get(verdict, 0) for verdict in reversed(ORDER)}

    @property
    def ok(self) -> bool:
        """Whether every claim is as it should be, and something was claimed: the one bool."""
        claims = self._claims()
        givens = [entry for document in self.documents for entry in document.entries if entry.role != "claim"]
        has_errors = any(document.errors for document in self.documents)
        all_ok = all(entry.is_ok(self.require_proof) for entry in claims)
        givens_ok = all(entry.verdict is None for entry in givens)
        return bool(claims) and all_ok and givens_ok and not has_errors and self.is_complete

    def __getitem__(self, name: str) -> Verdict:
        """The verdict of a claim by id, in the first document that has it."""
        for document in self.documents:
            if any(entry.id == name for entry in document.claims):
                return document[name]
        known = ", ".join(entry.id for document in self.documents for entry in document.claims)
        raise KeyError(f"no claim {name}; expect one of {known}")

    def _repr_html_(self) -> str:
        from verify.report.html.fragments import of_report  # only here: no other use of a report needs templates

        return of_report(self)

    def _claims(self) -> list[Entry]:
        found = [entry for document in self.documents for entry in document.claims]
        return found + list(self.quantities.claims if self.quantities else ())
