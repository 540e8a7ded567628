"""Judging within a test: apart from the test's warning filters, and what fails it in the command's words."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from verify.errors import WitnessConflict, clean
from verify.judge import IS_GOOD, Entry
from verify.report.terminal import trouble_text
from verify.verdict import Verdict

UNCHECKED = "no check ran, which is an error in Backproof; please report it"


@contextmanager
def own_filters() -> Iterator[None]:
    """Warnings of what judges stay warnings: `-W error` would break a witness, and the verdict would be another."""
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        yield


def trouble_of(entry: Entry, require_proof: bool = False) -> str | None:
    """What is wrong with a claim, None where it is as it should be."""
    if not entry.is_ok(require_proof):
        return trouble_text(entry)
    if is_unchecked(entry.verdict):
        return clean(f"{entry.place}: {entry.id}: {UNCHECKED}")
    return None


def is_unchecked(verdict: Verdict | None) -> bool:
    """Whether a verdict is good and rests on nothing: never green."""
    return verdict is None or (verdict.verdict in IS_GOOD and not verdict.has_checks)


def conflict_text(conflict: WitnessConflict) -> str:
    """Two witnesses that are both sure disagree."""
    return clean(f"two witnesses disagree, which is an error in Backproof; please report it: {conflict}")
