"""Plants errors in one claim and judges each, for a slice of time: what one process does of a campaign."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from time import perf_counter
from typing import Any
from zlib import crc32

from derive.language.show import show
from derive.model import Model
from verify.check import settle
from verify.claim import Claim
from verify.deadline import Overtime, deadline
from verify.deciders.normal_form import Session
from verify.document.interpret import Interpreter
from verify.document.statements import Document
from verify.edits import Edit, edits
from verify.errors import WitnessConflict
from verify.judge import IS_GOOD, RELATION_SIGNS, understood
from verify.limits import Effort
from verify.manuscript import Manuscript
from verify.mutants import fate

SLICE = 5.0  # seconds after which a slice ends, so that little is lost with a process and the journal follows closely
NAME_ONLY = 0  # as `most`: the mutant at `start` is named, not judged

FATES = {"proved": "equal", "refuted": "killed", "tested": "survived"}  # by the verdict; any other is undecided

Record = dict[str, Any]  # of one mutant, as JSON data


@dataclass(frozen=True)
class Target:
    """A claim in which errors are planted: one link of one statement of a document, by their places.

    `effort` has the seed; of the claim's mutants `limit` are taken (None: all).
    """

    manuscript: Manuscript = field(repr=False)
    statement: int
    link: int
    effort: Effort
    limit: int | None = None


@dataclass(frozen=True)
class Slice:
    """Mutants in order, each with its fate; where to go on, None at the end; why a claim has no mutants."""

    records: tuple[Record, ...] = ()
    following: int | None = None
    note: str = ""


def planted(target: Target, start: int, most: int | None = None) -> Slice:
    """Judge the mutants of a claim from the `start`-th on, at most so many, until the slice of time is over."""
    began = perf_counter()
    bench = _bench(target.manuscript)
    claim = bench.claim(target.statement, target.link)
    if claim is None:
        return Slice(note="it is not read as one formula")
    session = bench.session(claim)
    if start == 0 and most != NAME_ONLY and not _holds(claim, target.effort, session):
        return Slice(note="it is not known to hold: errors are planted in what does")
    mutants = _mutants(target)
    if most == NAME_ONLY:
        return Slice(tuple(_named(mutant) for mutant in mutants[start : start + 1]))
    records: list[Record] = []
    for place in range(start, len(mutants)):
        if records and (len(records) == most or perf_counter() - began > SLICE):
            return Slice(tuple(records), place)
        records.append(_named(mutants[place]) | _judged(mutants[place], target.effort, session))
    return Slice(tuple(records))


def _named(mutant: Edit) -> Record:
    return {"rule": mutant.kind, "edit": mutant.description}


def _judged(mutant: Edit, effort: Effort, session: Session) -> Record:
    """What became of one mutant; a witness that breaks or a clock costs this one its fate and no other."""
    try:
        with deadline(effort.seconds):
            found = _fate(mutant, effort, session)
    except Overtime:
        found = {"fate": "undecided", "why": f"the time limit of {effort.seconds:g} s for one mutant was reached"}
    except WitnessConflict as conflict:
        found = {"fate": "conflict", "why": str(conflict)}
    except (Exception, RecursionError) as error:  # any error here is ours, whatever its kind
        found = {"fate": "undecided", "why": f"an error in Backproof: {type(error).__name__}: {error}"}
    return found if found["fate"] == "killed" else found | {"formula": _formula(mutant.claim)}


def _fate(mutant: Edit, effort: Effort, session: Session) -> Record:
    """Killed where both deciders see a difference; what they do not, every witness is asked about."""
    if mutant.claim.relation == "=":
        found = fate(mutant, effort.steps, effort.seed, session)
        if found.fate == "killed":
            field, _ = found.outcomes
            times = {str(letter): value for letter, value in (found.times or {}).items()}
            return {"fate": "killed", "times": times, "sizes": dict(field.where.get("sizes", {}))}
        if found.fate == "out of range":
            return {"fate": "out of range", "why": "it names a step that does not exist, and is undecided for that"}
    verdict = settle(mutant.claim, effort, session)
    return {"fate": FATES.get(verdict.verdict, "undecided"), "why": verdict.message}


def _holds(claim: Claim, effort: Effort, session: Session) -> bool:
    """Whether a claim is a truth, as far as the deciders of mutants see, else as far as any witness does."""
    try:
        with deadline(effort.seconds):
            found = fate(Edit("", "", claim), effort.steps, effort.seed, session).fate if claim.relation == "=" else ""
            if found in ("killed", "alive"):
                return found == "alive"
            return settle(claim, effort, session).verdict in IS_GOOD
    except (Overtime, Exception):  # what becomes of the claim itself is for `backproof verify` to say
        return False


def _formula(claim: Claim) -> str:
    return f"{show(claim.left)} {RELATION_SIGNS[claim.relation]} {show(claim.right)}"


# --- kept between slices, which come one after the other ------------------------------------------------------------


class _Bench:
    """A document as this process has read it; the claims of one model share the normal form's memory."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.interpreter = Interpreter(document)
        self.sessions: dict[Model, Session] = {}

    def claim(self, statement: int, link: int) -> Claim | None:
        """What one link says in the first reading that type-checks."""
        of = self.document.statements[statement]
        one = of.links[link]
        return None if one.problem is not None else understood(self.interpreter.readings(of, one))

    def session(self, claim: Claim) -> Session:
        """The memory of a claim's model."""
        return self.sessions.setdefault(claim.model, Session())


@lru_cache(maxsize=2)
def _bench(manuscript: Manuscript) -> _Bench:
    return _Bench(manuscript.read())


@lru_cache(maxsize=2)
def _mutants(target: Target) -> tuple[Edit, ...]:
    """The mutants of a claim in their order: all, or those whose names come first by a hash, always the same."""
    claim = _bench(target.manuscript).claim(target.statement, target.link)
    assert claim is not None
    found = tuple(edits(claim))
    if target.limit is None or len(found) <= target.limit:
        return found
    drawn = sorted(found, key=lambda mutant: (crc32(mutant.name.encode()), mutant.name))[: target.limit]
    taken = {mutant.name for mutant in drawn}
    return tuple(mutant for mutant in found if mutant.name in taken)
