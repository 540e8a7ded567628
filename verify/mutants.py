"""Planted errors: every single edit of a true claim, and whether the deciders refute it.

A checker that accepts everything accepts true claims too. So each true claim is edited in every way of
`verify.edits`, and what is not refuted must be known to be equivalent.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from verify.deciders import normal_form, prime_field
from verify.deciders.normal_form import Session
from verify.deciders.outcome import Outcome
from verify.edits import Edit
from verify.errors import WitnessConflict
from verify.times import instances, reaches_outside


@dataclass(frozen=True)
class Fate:
    """What became of one planted error.

    `killed`: both deciders see the difference at `times`; `alive`: equal at every step tried; `unsettled`: a construct,
    law or limit at some step for which the prime field does not decide; `out of range`: a member that does not exist
    is written, so nothing runs and the claim is `undecided`.
    """

    edit: Edit
    fate: str
    times: dict[sp.Symbol, int] | None = None
    outcomes: tuple[Outcome, ...] = ()


def fate(edit: Edit, steps: int = 6, seed: int = 0, session: Session | None = None) -> Fate:
    """Killed where the prime field and the normal form both see a difference; small steps are tried first."""
    ran = exists = False
    is_decided = True
    for times in instances(edit.claim, steps):
        field = prime_field.decide_at(edit.claim, times, seed=seed)
        ran, exists = ran or field.outcome in ("equal", "differ"), True
        is_decided = is_decided and field.outcome in ("equal", "differ")
        if field.outcome == "differ":
            form = normal_form.decide_at(edit.claim, times, session=session)
            if form.outcome == "equal":
                raise WitnessConflict(f"{edit.name}: the prime field differs at {times}, the normal form says equal")
            return Fate(edit, "killed", times, (field, form))
        if edit.claim.is_timeless:
            break
    is_outside = not edit.claim.is_timeless and reaches_outside(edit.claim, steps) is not None
    if exists and not (ran and is_decided):
        return Fate(edit, "unsettled")
    return Fate(edit, "alive" if ran and not is_outside else "out of range")
