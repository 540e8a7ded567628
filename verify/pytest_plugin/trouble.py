"""What fails a test, in the command's words: a claim that is not as it should be, or one that nothing checked."""

from __future__ import annotations

from verify.errors import WitnessConflict, clean
from verify.judge import IS_GOOD, Entry
from verify.report.terminal import trouble_text
from verify.verdict import Verdict


def trouble_of(entry: Entry, require_proof: bool = False) -> str | None:
    """What is wrong with a claim, None where it is as it should be."""
    if not entry.is_ok(require_proof):
        return trouble_text(entry)
    if is_unchecked(entry.verdict):
        return clean(f"{entry.place}: {entry.id}: {UNCHECKED}")
    return None


UNCHECKED = "no check ran, which is an error in Backproof; please report it"


def is_unchecked(verdict: Verdict | None) -> bool:
    """Whether a verdict is good and rests on nothing: never green."""
    return verdict is None or (verdict.verdict in IS_GOOD and not verdict.has_checks)


def conflict_text(conflict: WitnessConflict) -> str:
    """Two witnesses that are both sure disagree."""
    return clean(f"two witnesses disagree, which is an error in Backproof; please report it: {conflict}")
