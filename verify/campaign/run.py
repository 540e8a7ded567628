"""One campaign: which claims, by which crew, and on from where an earlier run stopped."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from verify.cache import ground
from verify.campaign.journal import Journal
from verify.campaign.planting import NAME_ONLY, SLICE, Record, Target, planted
from verify.document.statements import Document
from verify.judge import link_id
from verify.limits import Effort
from verify.manuscript import Manuscript
from verify.report.progress import progress
from verify.scale.crew import Crew, Done, Lost, Task, wall_limit, work
from verify.scale.shard import Shard

MODULES = ("verify.campaign.planting",)  # what a process that plants has imported beforehand


@dataclass(frozen=True)
class Options:
    """What a campaign is: its results depend on these and on the documents, not on who does the work."""

    effort: Effort
    seeds: int = 1
    limit: int | None = None
    shard: Shard | None = None


@dataclass(frozen=True)
class Strand:
    """One claim with one seed: `name` is document::id, `place` where it is written."""

    name: str
    place: str
    target: Target

    @property
    def key(self) -> tuple[str, int]:
        """What its lines in the journal begin with."""
        return self.name, self.target.effort.seed


@dataclass
class Found:
    """What is known of a strand: its mutants by their number, and whether these are all; why there are none."""

    records: dict[int, Record]
    is_whole: bool = False
    note: str = ""
    is_lost: bool = False  # the process hung or died before a mutant could be named

    @property
    def start(self) -> int:
        """The first mutant of which nothing is known."""
        return next(number for number in range(len(self.records) + 1) if number not in self.records)


def strands(documents: Iterable[tuple[Manuscript, Document]], options: Options) -> list[Strand]:
    """Every claim of the documents with every seed, or this shard's share of them."""
    claims = [
        (manuscript, statement, place, link, position)
        for manuscript, document in documents
        for place, statement in enumerate(document.statements)
        if statement.role == "claim" and statement.problem is None
        for position, link in enumerate(statement.links)
        if link.skip is None and link.problem is None
    ]
    seeds = [replace(options.effort, seed=options.effort.seed + number) for number in range(options.seeds)]
    return [
        Strand(
            f"{manuscript.path}::{link_id(statement, link)}",
            str(statement.place),
            Target(manuscript, place, position, effort, options.limit),
        )
        for manuscript, statement, place, link, position in (options.shard or Shard()).deal(claims)
        for effort in seeds
    ]


def header(documents: Iterable[Document], options: Options) -> dict[str, Any]:
    """What tells one campaign from another: documents, options, and all that computes."""
    effort = options.effort
    return {
        "version and installed packages": hashlib.sha256(ground().encode()).hexdigest()[:16],
        "documents": [[document.source.path, _digest(document)] for document in documents],  # in the order of the deal
        "seed": effort.seed,
        "seeds": options.seeds,
        "limit": options.limit,
        "shard": None if options.shard is None else str(options.shard),
        "steps": effort.steps,
        "examples": effort.examples,
        "time limit": effort.seconds,
    }


def _digest(document: Document) -> str:
    """A hash of a document's text with that of the files that it reads, and of where each of them begins."""
    text = f"{document.source.parts}\n{document.source.text}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Campaign:
    """Sees every strand through; what an earlier run wrote into the journal is not done again."""

    def __init__(self, todo: list[Strand], journal: Journal, quiet: bool = False) -> None:
        self.strands = todo
        self.journal = journal
        self.quiet = quiet
        self.found = {strand.key: Found({}) for strand in todo}
        for number, line in enumerate(journal.lines, start=2):
            try:
                self._take(line)
            except (KeyError, TypeError, ValueError):
                raise journal.damaged(number) from None

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left to do."""
        return all(found.is_whole for found in self.found.values())

    def run(self, crew: Crew) -> None:
        """Raises `CallError` where the journal or the crew fails; what is known by then is in `found`."""
        left = [strand for strand in self.strands if not self.found[strand.key].is_whole]
        queue = deque(self._task(strand) for strand in left)
        with progress("planting errors", len(left), self.quiet) as tick:
            for task, outcome in work(crew, lambda: queue.popleft() if queue else None):
                following = self._after(task, outcome)
                if following is None:
                    tick(task.about[0].name)
                else:
                    queue.appendleft(following)  # who has this claim's mutants at hand goes on with them

    def _task(self, strand: Strand, most: int | None = None, lost: str = "") -> Task:
        """The next slice of a strand; `lost` is why the mutant that it begins with has no result."""
        effort = strand.target.effort
        limit = wall_limit(effort.seconds and effort.seconds + SLICE)
        start = self.found[strand.key].start
        return Task(planted, (strand.target, start, most), limit, (strand, start, most, lost))

    def _after(self, task: Task, outcome: Done | Lost) -> Task | None:
        """Write down what came; the task that goes on from there, None where the strand is at its end.

        Of a slice that is lost the mutants are tried one by one, and the one that is lost again is named and left.
        """
        strand, start, most, why = task.about
        if isinstance(outcome, Done):
            records = outcome.value.records
            if most == NAME_ONLY and records:
                self._write(strand, {"n": start, **records[0], "fate": "lost", "why": why})
                return self._task(strand)
            lines = [{"n": start + number, **record} for number, record in enumerate(records)]
            is_end = outcome.value.following is None
            end = [{"end": start + len(records), "note": outcome.value.note}] if is_end else []
            self._write(strand, *lines, *end)
            return None if is_end else self._task(strand, most)
        if most is None:
            return self._task(strand, most=1)
        if most > NAME_ONLY:
            return self._task(strand, NAME_ONLY, outcome.reason)
        self._write(strand, {"end": start, "note": f"no errors could be planted: {outcome.reason}", "lost": True})
        return None

    def _write(self, strand: Strand, *records: Record) -> None:
        name, seed = strand.key
        lines = [{"claim": name, "seed": seed, **record} for record in records]
        self.journal.append(*lines)
        for line in lines:
            self._take(line)

    def _take(self, line: Record) -> None:
        """A line of the journal, as it was written or read; what is no result of this campaign is passed over."""
        found = self.found.get((str(line.get("claim")), int(line.get("seed", -1))))
        if found is None:
            return
        if "end" in line:
            found.is_whole = found.start == line["end"]
            found.note, found.is_lost = line["note"], line.get("lost", False)
        else:
            found.records[line["n"]] = line
