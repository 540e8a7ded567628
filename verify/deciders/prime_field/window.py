"""Symbolic steps: not yet."""

from __future__ import annotations

from verify.claim import Claim
from verify.deciders.outcome import Outcome
from verify.deciders.prime_field.limits import Limits

WITNESS = "prime field"


def decide_window(claim: Claim, *, seed: int = 0, limits: Limits | None = None) -> Outcome:
    """Placeholder."""
    return Outcome(WITNESS, "unknown", detail="symbolic steps")
