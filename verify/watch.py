"""`verify --watch`: check again on every save, and print what changed since the last time.

Polling needs nothing that Python lacks, and sees files on every kind of disk. A file that is gone, half written or
unreadable is reported once; the next save is another chance.
"""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from rich.console import Console
from rich.text import Text

from verify.errors import CallError, WitnessConflict, clean
from verify.judge import Entry
from verify.report.model import DocumentReport, Report
from verify.run import EXIT_INTERRUPTED, Run

PAUSE = 0.3  # seconds between two looks at the files
CALM = 0.05  # a file that has not changed for so long is not being written
PATIENCE = 40  # looks at a file that never comes to rest
_BY_LINE = re.compile(r"L\d+(\.\d+)?(/\d+)?")

State = tuple[Any, ...]


@dataclass
class Watch:
    """What the last check of each document found."""

    run: Run
    console: Console
    claims: dict[str, Counter[State]] = field(default_factory=dict)
    troubles: tuple[str, ...] = ()

    def forever(self) -> int:
        """Check, wait, check again; Ctrl-C ends it with the code of an interrupted run."""
        try:
            while True:
                before = _calm(self.run.files)
                if not self.check():
                    return EXIT_INTERRUPTED
                while _signature(self.run.files) == before:
                    time.sleep(PAUSE)
        except KeyboardInterrupt:
            return EXIT_INTERRUPTED

    def check(self) -> bool:
        """One check; False where it was interrupted."""
        run = replace(self.run, done=[], failures=[], matched=set())
        try:
            report = run.report()
            self._complain(run.failures)
            run.write(report)
        except (CallError, WitnessConflict) as error:
            self._complain([*run.failures, str(error)])
            return True
        run.show(self._changed(report), self.console)
        run.sum_up(report, self.console)
        return report.is_complete

    def _complain(self, troubles: list[str]) -> None:
        """What is wrong with the call or a file, unless it was wrong in the same way before."""
        for trouble in dict.fromkeys(troubles):
            if trouble not in self.troubles:
                self.run.screen.complain(trouble)
        self.troubles = tuple(troubles)

    def _changed(self, report: Report) -> Report:
        """The report without what was found the last time too; a document without news has no part in it."""
        changed = [self._news(document) for document in report.documents]
        return replace(report, documents=tuple(document for document in changed if document is not None))

    def _news(self, document: DocumentReport) -> DocumentReport | None:
        old = self.claims.get(document.path, Counter())
        new = Counter({_state_of_error(error): 1 for error in document.errors})
        left, entries = old.copy(), []
        for entry in document.entries:
            state = _state(entry)
            new[state] += 1
            left[state] -= 1
            if left[state] < 0:
                entries.append(entry)
        self.claims[document.path] = new
        gone = sorted(_names(old) - _names(new)) if not self.run.screen.is_for_machines else []
        for name in gone:
            self.console.print(Text(clean(f"{document.path}: {name} is gone"), style="dim"))
        errors = tuple(error for error in document.errors if _state_of_error(error) not in old)
        return replace(document, entries=tuple(entries), errors=errors) if entries or errors else None


def _state(entry: Entry) -> State:
    """What makes an entry news: a line that only moved is none."""
    name = "" if _BY_LINE.fullmatch(entry.id) else entry.id
    verdict = entry.verdict
    found = None if verdict is None else (verdict.verdict, verdict.message, verdict.hint)
    return name, entry.role, entry.latex, entry.expected, found


def _state_of_error(error: Any) -> State:
    return "", "error", error.message, None, None


def _names(states: Counter[State]) -> set[str]:
    """The claims that have a name of their own."""
    return {name for name, role, *_ in states if name and role == "claim"}


# --- the files -----------------------------------------------------------------------------------------------------


def _signature(files: tuple[str, ...]) -> tuple[Any, ...]:
    """What a save changes: time, size and identity of each file, None for one that is not there."""
    return tuple(_of_file(name) for name in files)


def _of_file(name: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(name)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _calm(files: tuple[str, ...]) -> tuple[Any, ...]:
    """The signature once nobody is writing: an editor may truncate, write, and rename."""
    looks = _looks(files)
    last = next(looks)
    for now in looks:
        if now == last:
            break
        last = now
    return last


def _looks(files: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
    for _ in range(PATIENCE):
        yield _signature(files)
        time.sleep(CALM)
