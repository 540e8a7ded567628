"""What `backproof lock` does: judge, then write the lock file as a whole, or leave it as it was."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.text import Text

from verify.errors import CallError, WitnessConflict, clean
from verify.lock.run import Lock
from verify.report.complaints import complain
from verify.report.model import Report
from verify.run import EXIT_CALL, EXIT_CLAIMS, EXIT_CONFLICT, EXIT_INTERRUPTED, EXIT_OK, Run
from verify.verdict import ORDER


def relock(run: Run, path: str, prune: bool = False) -> int:
    """Lock the documents of a run; the exit code. Nothing is written unless every document could be read."""
    console, named = run.console(), run.files
    try:
        old = Lock.to_renew(path)
        if not named:
            run = replace(run, files=old.files, with_suite=old.has_suite)
        report = run.report()
        if not report.is_complete:
            complain(f"interrupted: {path} is as it was")
            return EXIT_INTERRUPTED
        errors = [str(error) for document in report.documents for error in document.errors]
        if run.failures or errors:
            raise CallError("\n".join([*run.failures, *errors]))
        new = old.with_report(report, run.effort, run.suite, prune)
        new.write()
    except CallError as error:
        complain(f"{error}{_unchanged(path, bool(named))}")
        return EXIT_CALL
    except WitnessConflict as error:
        complain(f"two witnesses disagree, which is an error in Backproof: {error}{_unchanged(path)}")
        return EXIT_CONFLICT
    _sum_up(report, path, console)
    return EXIT_OK if report.ok else EXIT_CLAIMS


def _unchanged(path: str, is_named: bool = True) -> str:
    """That the old file is whole, and how a document leaves it that it names and that is gone."""
    if not Path(path).exists():
        return ""
    gone = "" if is_named else "; `backproof lock --prune FILE…` drops documents that are not named"
    return f"\n{path} is as it was{gone}"


def compare_with(run: Run, path: str) -> int:
    """Run, and compare with a lock file; without files its own documents. The exit code."""
    try:
        lock = Lock.read(path)
    except CallError as error:
        complain(str(error))
        return EXIT_CALL
    if not run.files:
        run = replace(run, files=lock.files, with_suite=lock.has_suite)
    return replace(run, lock=lock).execute()


def _sum_up(report: Report, path: str, console: Console) -> None:
    """How many claims were locked, and which of them are not as they should be."""
    claims = [entry for document in report.shown for entry in document.claims]
    counts = Counter(entry.verdict.verdict for entry in claims if entry.verdict is not None)
    verdicts = ", ".join(f"{counts[name]} {name}" for name in reversed(ORDER) if counts[name])
    console.print(Text(clean(f"{path}: {_number(len(claims), 'claim')}: {verdicts}")), soft_wrap=True)
    for entry in (entry for document in report.shown for entry in document.entries):  # a given may be wrong too
        if entry.verdict is not None and not entry.is_ok():
            line = f"{entry.place}: {entry.id}: {entry.verdict.verdict}, which is not as it should be"
            console.print(Text(clean(line), "yellow"), soft_wrap=True)


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
