"""What a run found, as the entries of a lock: one for each claim, by the document's path and the claim's key."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from derive.errors import BackproofError
from derive.language.show import show
from verify.document.statements import Document
from verify.errors import CallError, Place
from verify.induction.certificate import CertificateError
from verify.judge import RELATION_SIGNS, Entry
from verify.limits import Effort
from verify.lock.meaning import canonical, claim_of, given_texts, meaning, names_in
from verify.report.model import DocumentReport, Report
from verify.verdict import Verdict

SUITE, QUANTITIES = "<suite>", "<derived quantities>"
STANDARD_INPUT = "<stdin>"
DECIDERS = ("prime field", "normal form", "induction")
EFFORT = ("steps", "examples", "seed")


@dataclass(frozen=True)
class Locked:
    """What is known of one claim.

    `formula` is its plain text and `given` that of each given by name; `by` the witnesses that settled it; `meaning`
    the claim as data, None where it could not be read or does not type-check. `place` is where it stands in the
    document of this run, or in the lock file.
    """

    formula: str
    verdict: str
    reason: str = ""
    sizes: str = "all"
    steps: str = "all"
    by: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    readings: tuple[str, ...] = ()
    expected: str = ""
    given: Mapping[str, str] = field(default_factory=dict)
    meaning: Mapping[str, Any] | None = None
    place: Place | None = field(default=None, compare=False)
    id: str = field(default="", compare=False)  # what the report calls it


@dataclass(frozen=True)
class LockedDocument:
    """The claims of one document by key, its conventions, and how hard the run tried."""

    effort: Mapping[str, int]
    conventions: tuple[str, ...] = ()
    claims: Mapping[str, Locked] = field(default_factory=dict)
    declared: frozenset[str] = field(default=frozenset(), compare=False)  # names, where the document itself is at hand

    @property
    def names(self) -> set[str]:
        """What the document calls its tensors and functions, as far as is known."""
        return {*self.declared, *names_in([claim.meaning for claim in self.claims.values()])}


def documents_of(report: Report, effort: Effort, lock: str, suite: Set[str]) -> dict[str, LockedDocument]:
    """The documents of a report by their keys in a lock file at the path `lock`; `suite` has the suite's own paths."""
    found = {key_of(document.path, lock, suite): _locked(document, effort) for document in report.documents}
    if report.quantities is not None:
        found[QUANTITIES] = _locked(report.quantities, effort)
    return found


def key_of(path: str, lock: str, suite: Set[str] = frozenset()) -> str:
    """A document's path from the lock file's folder, with forward slashes; `<suite>/…` is the built-in suite."""
    if path in suite:
        return f"{SUITE}/{Path(path).name}"
    if path == STANDARD_INPUT:
        return path
    try:
        return Path(os.path.relpath(path, os.path.dirname(os.path.abspath(lock)))).as_posix()
    except ValueError:  # on another drive
        return Path(path).absolute().as_posix()


def path_of(key: str, lock: str) -> str:
    """Where a document that a lock file names is, from here."""
    return os.path.normpath(os.path.join(os.path.dirname(lock), key))


def _locked(report: DocumentReport, effort: Effort) -> LockedDocument:
    claims: dict[str, Locked] = {}
    for entry, is_named in _claims(report):
        locked = _entry(entry)
        key = entry.id if is_named else by_form(locked)
        count = 1
        while (name := key if count == 1 else f"{key} ({count})") in claims:  # the same line stands in two sections
            count += 1
        claims[name] = locked
    tried = {name: getattr(effort, name) for name in EFFORT}
    if report.document is None:
        return LockedDocument(tried, (), claims)
    conventions, declared = set(_conventions(report.document)), frozenset(_declared(report.document))
    return LockedDocument(tried, tuple(sorted(conventions)), claims, declared)


def _claims(report: DocumentReport) -> Iterator[tuple[Entry, bool]]:
    """The claims, each with whether its author gave it a name: one that is named after its line has none."""
    named = {s.id for s in report.document.statements if s.is_named} if report.document is not None else None
    for entry in report.claims:
        yield entry, named is None or entry.statement in named


def _conventions(document: Document) -> Iterator[str]:
    for statement in document.claims:
        chosen = vars(statement.declarations.conventions)
        yield from (f"{key}: {value}" for key, value in chosen.items() if value)


def _declared(document: Document) -> Iterator[str]:
    for words in {id(s.meaning): s.meaning.vocabulary for s in document.claims}.values():
        yield from (tensor.name for tensor in words.tensors)
        yield from words.functions


def _entry(entry: Entry) -> Locked:
    verdict = entry.verdict
    assert verdict is not None
    meant, given = _meant(entry)
    formula = entry.text or " ".join(entry.latex.split())
    return Locked(
        formula, verdict.verdict, verdict.reason or "", verdict.sizes, verdict.times,
        route(verdict), tuple(sorted(verdict.assumptions)), tuple(sorted(map(_reading, verdict.readings))),
        entry.expected or "", given, meant, verdict.place or entry.place, entry.id,
    )  # fmt: skip


def _reading(reading: Any) -> str:
    choices = ", ".join(f"{key}: {value}" for key, value in sorted(reading.choices.items()))
    return f"{choices}: {reading.verdict}"


def _meant(entry: Entry) -> tuple[dict[str, Any] | None, dict[str, str]]:
    if entry.claim is None:
        return None, {}
    try:
        return meaning(entry.claim), given_texts(entry.claim)
    except (CertificateError, RecursionError):
        return None, given_texts(entry.claim)


def route(verdict: Verdict) -> tuple[str, ...]:
    """Which witnesses settled it: the deciders, the way of the induction, the numeric witnesses by name."""
    sure = "differ" if verdict.verdict == "refuted" else "equal"
    found = {
        f"induction: {detail}" if outcome.witness == "induction" and (detail := outcome.detail.partition("; rules:")[0])
        else outcome.witness
        for outcome in verdict.witnesses if outcome.outcome == sure
    }  # fmt: skip
    return tuple(sorted(found, key=lambda name: (not name.startswith(DECIDERS), name)))


def check_readable(locked: Locked) -> None:
    """Raises `CallError` where what a lock file says of a formula means nothing."""
    if locked.meaning is None:
        return
    try:
        claim_of(locked.meaning)
        claim_of(canonical(locked.meaning)[0])
    except (BackproofError, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        where = "" if locked.place is None else f"{locked.place.path}:{locked.place.line}: "
        raise CallError(
            f"{where}the lock file is damaged at {locked.id}: what it says of the formula means nothing: "
            f"{str(error)[:200]}; run `backproof lock` again"
        ) from None


def is_unnamed(key: str, locked: Locked) -> bool:
    """Whether a claim's key is its form, and no name that its author gave."""
    form = by_form(locked)
    return key == form or key.startswith(f"{form} (")


def by_form(locked: Locked) -> str:
    """The canonical form as text: the key of a claim that has no name."""
    if locked.meaning is None:
        return locked.formula
    claim = claim_of(canonical(locked.meaning)[0])
    return f"{show(claim.left)} {RELATION_SIGNS[claim.relation]} {show(claim.right)}"
