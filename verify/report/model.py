"""A report: what was read, what is known of each claim, and whether all is as it should be."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from verify.document.statements import Document
from verify.errors import DocumentError, Place, clean
from verify.judge import Entry
from verify.scale.shard import Shard
from verify.verdict import ORDER, Verdict

SIGNS = {"proved": "✓", "tested": "~", "conditional": "?", "refuted": "✗", "undecided": "?", "unreadable": "!"}


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
class Difference:
    """One change since a lock: the document's key and the claim's (empty: the whole document), what kind, in words."""

    document: str
    id: str
    kind: str
    message: str
    place: Place | None = None

    def __str__(self) -> str:
        return f"{self.id}: {self.message}" if self.id else self.message


@dataclass(frozen=True)
class Comparison:
    """What changed since the lock file at a path was written; nothing, where all is as it was."""

    path: str
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True)
class Report:
    """All documents of one run; `notes` are what went wrong beside them: files that could not be read."""

    documents: tuple[DocumentReport, ...]
    seed: int = 0
    examples: int = 100
    require_proof: bool = False
    quantities: DocumentReport | None = None
    is_complete: bool = True
    notes: tuple[str, ...] = field(default=())
    locked: Comparison | None = None  # with the lock file that was named
    shard: Shard | None = None  # where this is one of several runs, to which the claims were dealt

    @property
    def shown(self) -> tuple[DocumentReport, ...]:
        """The documents, and the derived quantities behind them as one more."""
        return (*self.documents, *([self.quantities] if self.quantities else []))

    @property
    def summary(self) -> dict[str, int]:
        """How many claims have each verdict."""
        counts = Counter(entry.verdict.verdict for entry in self._claims() if entry.verdict is not None)
        return {verdict: counts.get(verdict, 0) for verdict in reversed(ORDER)}

    @property
    def ok(self) -> bool:
        """Whether every claim is as it should be, and something was claimed, but for a shard: the one bool."""
        claims = self._claims()
        givens = [entry for document in self.documents for entry in document.entries if entry.role != "claim"]
        is_good = all(entry.is_ok(self.require_proof) for entry in claims)
        has_errors = bool(self.notes) or any(document.errors for document in self.documents)
        was_read = not has_errors and all(entry.verdict is None for entry in givens)
        is_as_locked = self.locked is None or not self.locked.differences
        return bool(claims or self.shard) and is_good and was_read and is_as_locked and self.is_complete

    def __repr__(self) -> str:
        """One line, which is what a failed `assert report.ok` shows: the counts, and the first that is wrong."""
        counts = ", ".join(f"{count} {verdict}" for verdict, count in self.summary.items() if count) or "no claim"
        wrong = [f"{error}" for document in self.documents for error in document.errors]
        entries = (entry for document in self.documents for entry in document.entries)
        wrong += [f"{e.place}: {e.id}: {e.verdict!r}" for e in entries if not e.is_ok(self.require_proof)]
        return clean(" ".join(f"<Report {'ok' if self.ok else 'not ok'}: {'; '.join((counts, *wrong[:1]))}>".split()))

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
