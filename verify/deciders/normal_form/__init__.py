"""The index normal form: a witness that decides claims for all sizes and explains what remains."""

from verify.deciders.normal_form.decide import Session, decide_at, difference, normalise
from verify.deciders.normal_form.symbolic import decide_symbolic
from verify.deciders.normal_form.term import LimitReached, Limits, Unsupported

__all__ = [
    "LimitReached",
    "Limits",
    "Session",
    "Unsupported",
    "decide_at",
    "decide_symbolic",
    "difference",
    "normalise",
]
