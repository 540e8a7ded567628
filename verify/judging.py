"""Who judges what: the claims of a run in parts, dealt to shards, judged by this process or by others."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from verify.cache import Cache
from verify.document.statements import Document
from verify.errors import WitnessConflict
from verify.judge import Entry, Judge, chosen, claim_ids, unsettled
from verify.limits import Effort
from verify.manuscript import Manuscript
from verify.scale.crew import Done, Lost, Task, listed, wall_limit, work
from verify.scale.shard import Shard

if TYPE_CHECKING:
    from verify.quantities import Settler

DERIVED = "derived quantities"

Documents = Mapping[str, tuple[Manuscript, Document]]  # by path, in the order of the run
Lines = Generator[tuple["Part", Entry], None, None]


@dataclass(frozen=True)
class Part:
    """What is judged at a time: the claims `names` of one statement of a document, or one derived quantity.

    `place` counts from 0 among the document's statements, or among the quantities; `lines` is how many lines of the
    report it gives.
    """

    path: str
    place: int
    names: tuple[str, ...] = ()
    lines: int = 1

    @property
    def is_derived(self) -> bool:
        """Whether it stands in no document."""
        return not self.names


@dataclass(frozen=True)
class Conflict:
    """A `WitnessConflict` of another process."""

    message: str


@dataclass(frozen=True)
class Judging:
    """How the parts of a run are judged: which of them, and by how many processes (1: by this one)."""

    effort: Effort
    cache: Cache | None = None
    jobs: int = 1
    shard: Shard = field(default_factory=Shard)

    def parts(self, documents: Documents, wanted: Callable[[str, str], bool], with_derived: bool) -> Iterator[Part]:
        """This shard's share of what `wanted` asks for by path and id, in the report's order."""
        return self.shard.deal(_parts(documents, wanted, with_derived))

    def entries(self, parts: Iterable[Part], documents: Documents) -> Lines:
        """The report's lines, each with its part: in order where this process judges, else as they come.

        Raises `WitnessConflict`, and `CallError` where other processes cannot live.
        """
        return self._here(parts, documents) if self.jobs == 1 else self._elsewhere(parts, documents)

    def _here(self, parts: Iterable[Part], documents: Documents) -> Lines:
        judge: Judge | None = None
        derived = None
        for part in parts:
            if part.is_derived:
                from verify.quantities import Settler  # only here: documents of one's own need no systems of ours

                derived = derived or Settler(self.effort, self.cache)
                yield part, derived.entry(part.place)
                continue
            document = documents[part.path][1]
            if judge is None or judge.document is not document:
                judge = Judge(document, self.effort, self.cache)
            for entry in judge.claimed(document.statements[part.place], part.names):
                yield part, entry

    def _elsewhere(self, parts: Iterable[Part], documents: Documents) -> Lines:
        from verify.scale.pool import Pool  # only here: one process needs no Pebble

        conflicts: list[tuple[int, int, str]] = []
        places = {path: place for place, path in enumerate(documents)}
        pool = Pool(self.jobs, ("verify.judging", "verify.quantities"))
        try:
            for task, outcome in work(pool, listed(self._task(part, documents) for part in parts)):
                part = task.about
                if isinstance(outcome, Done) and isinstance(outcome.value, Conflict):
                    conflicts.append((places.get(part.path, len(places)), part.place, outcome.value.message))
                    continue
                found = outcome.value if isinstance(outcome, Done) else _lost(part, documents, outcome)
                yield from ((part, entry) for entry in found)
        finally:
            pool.close()
            if self.cache is not None:
                self.cache.written += 1  # the other processes wrote: at the end the folder's size is looked at
        if conflicts:
            raise WitnessConflict(min(conflicts)[2])

    def _task(self, part: Part, documents: Documents) -> Task:
        kept = None if self.cache is None else (self.cache.home,)
        one = self.effort.seconds + 10 * self.effort.repair_seconds
        limit = wall_limit(part.lines * one if self.effort.seconds else 0)
        if part.is_derived:
            return Task(judged_quantity, (self.effort, kept, part.place), limit, part)
        return Task(judged, (documents[part.path][0], self.effort, kept, part.place, part.names), limit, part)


def _parts(documents: Documents, wanted: Callable[[str, str], bool], with_derived: bool) -> Iterator[Part]:
    for path, (_, document) in documents.items():
        for place, statement in enumerate(document.statements):
            if statement.role == "claim":
                names = tuple(name for name in claim_ids(statement) if wanted(path, name))
                if names:
                    yield Part(path, place, names, len(chosen(statement, names)))
    if with_derived:
        from verify.quantities import known

        yield from (Part(DERIVED, place) for place in range(len(known())))


def _lost(part: Part, documents: Documents, outcome: Lost) -> list[Entry]:
    """The lines of a part of which nothing came back."""
    if part.is_derived:
        from verify.quantities import unsettled_entry

        return [unsettled_entry(part.place, outcome.reason)]
    return list(unsettled(documents[part.path][1].statements[part.place], part.names, outcome.reason))


# --- in the other process ------------------------------------------------------------------------------------------

Kept = tuple[Path | None] | None  # the folder of a cache, which may have none; or no cache


def judged(
    manuscript: Manuscript, effort: Effort, kept: Kept, place: int, names: tuple[str, ...]
) -> list[Entry] | Conflict:
    """The lines of one statement of a document."""
    judge = _judge(manuscript, effort, kept)
    try:
        return list(judge.claimed(judge.document.statements[place], names))
    except WitnessConflict as conflict:
        return Conflict(str(conflict))


def judged_quantity(effort: Effort, kept: Kept, place: int) -> list[Entry] | Conflict:
    """The line of one derived quantity."""
    try:
        return [_settler(effort, kept).entry(place)]
    except WitnessConflict as conflict:
        return Conflict(str(conflict))


@lru_cache(maxsize=2)  # documents come one after the other
def _judge(manuscript: Manuscript, effort: Effort, kept: Kept) -> Judge:
    return Judge(manuscript.read(), effort, None if kept is None else _cache(*kept))


@lru_cache(maxsize=1)
def _settler(effort: Effort, kept: Kept) -> Settler:
    from verify.quantities import Settler

    return Settler(effort, None if kept is None else _cache(*kept))


@lru_cache(maxsize=1)
def _cache(folder: Path | None) -> Cache:
    return Cache(folder)
