"""Claims at a symbolic step: one letter, and the window of offsets from it that the claim writes.

Equations are unfolded inside the window only. What lies before it is opaque (and does not move with a member of the
window), what lies after it reaches the loss through opaque cotangents. A claim that is equal so is equal at every
value of the letter at which the window lies inside the equations' ranges; the few first values, where a member
of the window is an input (s_0), are cases of their own, and so is a window that ends with the model's last step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sympy as sp

from derive.language.nodes import Member, TimeProduct, TimeSum
from derive.language.show import show
from derive.language.substitute import free_letters
from derive.model import Model, members
from verify.claim import Claim
from verify.deciders.normal_form.decide import (
    WITNESS,
    Difference,
    Session,
    decide_at,
    guarded,
    laws_text,
    subtract,
)
from verify.deciders.normal_form.indices import affine
from verify.deciders.normal_form.system import Window, first_step
from verify.deciders.normal_form.term import Limits, Unsupported
from verify.deciders.outcome import Outcome


def decide_symbolic(claim: Claim, *, limits: Limits | None = None, session: Session | None = None) -> Outcome:
    """Decides a claim for every value of its step letter at once: equal, or unknown with the terms that remain.

    A claim without a step letter may also differ. Raises nothing.
    """
    session = session or Session(limits)
    return guarded(claim, lambda: _decide(session, claim), session, {})


def _decide(session: Session, claim: Claim) -> Outcome:
    letter = _letter(claim)
    if letter is None:
        return decide_at(claim, {}, session=session)
    _check_causal(claim.model)
    instances = 0
    for window in _windows(claim, letter):
        system = session.system(claim.model, window, {letter: 0}, claim.assumptions)
        found = subtract(system, claim, {letter: 0})
        instances += 1
        if not found.left_over.is_zero:
            return Outcome(WITNESS, "unknown", instances, detail=_remains(letter, window, found))
    return Outcome(WITNESS, "equal", instances, detail=laws_text(session))


def _remains(letter: sp.Symbol, window: Window, found: Difference) -> str:
    case = f"{letter} = {window.anchor}: " if window.anchor is not None else ""
    return f"{case}left - right = " + " + ".join(found.terms()[:6]).replace("+ -", "- ")


def _letter(claim: Claim) -> sp.Symbol | None:
    """The one step letter of the claim; None for a claim without steps."""
    used = (free_letters(claim.left) | free_letters(claim.right)) & set(claim.step_letters)
    if len(used) > 1:
        raise Unsupported(f"the independent steps {', '.join(sorted(map(str, used)))}")
    return used.pop() if used else None


def _check_causal(model: Model) -> None:
    """No equation of the forward computation reads a later step, and ranges end with the model's."""
    for equation in model.equations:
        if equation.index is None or model.is_definition(equation):
            continue
        if equation.last is not None and equation.last != model.time.last:
            raise Unsupported(f"the range of {show(equation.left)} at a symbolic step")
        for member in members(equation.right):
            shift = member.time - equation.index
            if not shift.is_Integer or shift > 0:
                raise Unsupported(f"{show(member)} in the equation of {show(equation.left)} at a symbolic step")


@dataclass(frozen=True)
class _Reach:
    """The offsets that a claim writes, and those of the members it writes by name."""

    lo: int
    hi: int
    written: tuple[tuple[str, int], ...]


def _reach(claim: Claim, letter: sp.Symbol) -> _Reach:
    """All offsets from the letter, also through names for derivatives (δ_t is ∂E/∂Net_t)."""
    written: dict[tuple[str, int], None] = {}
    for side in (claim.left, claim.right):
        for name, offset in _offsets(side, letter, claim.model):
            written[name, offset] = None
    offsets = [offset for _, offset in written]
    if letter == claim.model.time.last:
        offsets.append(0)
    if not offsets:
        raise Unsupported(f"no member at a step of {letter}")
    hi = max(offsets)
    if letter == claim.model.time.last:
        hi = 0
    return _Reach(min(offsets), hi, tuple(written))


def _offsets(expr: Any, letter: sp.Symbol, model: Model, shift: int = 0, depth: int = 0) -> Iterator[tuple[str, int]]:
    if depth > 8:
        raise Unsupported("names for derivatives that define each other")
    if isinstance(expr, TimeSum | TimeProduct) and letter in expr.free_symbols:
        return  # closed over symbolic steps: an atom
    if isinstance(expr, Member) and expr.indices:
        constant, pairs = affine(expr.time)
        if pairs != ((letter, 1),):
            raise Unsupported(f"{show(expr)} beside the step {letter}")
        offset = constant + shift
        yield expr.name, offset
        equation = model.by_name.get(expr.name)
        if equation is not None and equation.index is not None and model.is_definition(equation):
            yield from _offsets(equation.right, equation.index, model, offset, depth + 1)
        return
    for arg in expr.args:
        if isinstance(arg, sp.Basic):
            yield from _offsets(arg, letter, model, shift, depth)


def _windows(claim: Claim, letter: sp.Symbol) -> Iterator[Window]:
    """The cases: any value of the letter, then its first values; with and without steps after the window."""
    reach, model = _reach(claim, letter), claim.model
    ends = (True,) if letter == model.time.last else (True, False) if _may_end(claim, letter, reach.hi) else (False,)
    starts = [first_step(model, equation) for equation in model.equations if equation.index is not None]
    generic = max([model.time.first, *starts]) - reach.lo  # from this value on every equation holds in the window
    for end in ends:
        yield Window(reach.lo, reach.hi, None, end)
        for value in range(_earliest(model) - reach.hi, generic):
            ends_early = end and value + reach.hi < model.time.first  # no run ends before its first step
            if not ends_early and _in_scope(claim, letter, value, reach):
                yield Window(min(reach.lo, min(starts, default=model.time.first) - value), reach.hi, value, end)


def _earliest(model: Model) -> int:
    """No later than the first step of any member: s_0, where an equation reads the step before the run's first."""
    lows = [lo for name in model.by_name for lo, _ in model.spans(name) if lo.is_Integer]
    return min([model.time.first - 1, *map(int, lows)])


def _may_end(claim: Claim, letter: sp.Symbol, hi: int) -> bool:
    """Whether the window can end with the model's last step: not for k ≤ t - 1 where k is the last that is written."""
    for index in claim.indices:
        gap = index.last - claim.model.time.last
        if index.letter == letter and gap.is_Integer:
            return bool(hi + int(gap) >= 0)
    return True


def _in_scope(claim: Claim, letter: sp.Symbol, value: int, reach: _Reach) -> bool:
    """Whether the letter may have this value: its declared range, and members that exist."""
    for index in claim.indices:
        if index.letter == letter and index.first.is_Integer and value < int(index.first):
            return False
    if letter == claim.model.time.last and value < claim.model.time.first:
        return False
    return all(_exists(claim.model, name, value + offset) for name, offset in reach.written)


def _exists(model: Model, name: str, step: int) -> bool:
    """Whether a family has a member at this early step: not before the first that is produced or read."""
    lows = [lo for lo, _ in model.spans(name) if lo.is_Integer]
    return not lows or step >= min(int(lo) for lo in lows)
