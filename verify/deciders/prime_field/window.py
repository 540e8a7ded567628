"""Symbolic steps: a claim about neighbouring steps, decided in a window of a run whose rest is opaque.

All members that the claim writes must be offsets from *one* letter (the last step, or an index), no sum, product or
power may have symbolic bounds, and equations may read the past only. The claim is then evaluated in the steps from
the earliest to the latest one written, and what lies outside is replaced by something more general:

* a produced member from before the window is a free input, and its derivative by each parameter from which its
  equations can be reached is a free tensor;
* a loss is an unknown function of its own arguments inside the window, of the members that later steps read (where
  the window does not end with the run), and of one more scalar, the rest: earlier arguments, and what parameters
  do in later steps. The rest's derivative by each parameter is a free tensor; it does not move with members of the
  window, for equations read the past only.

**Soundness.** At steps where every equation of the window holds (its first step lies in every range), a run's values
and first derivatives are an instance of these: take for the free tensors the values and derivatives that the run
has, and for the loss the composition with the later steps; to first order the rest's part of a derivative is one
tensor of the parameter's shape, Σ ∂E/∂a · da/dW over the arguments a outside. An identity in free tensors holds for
each instance; so `equal` is sound for all those steps. Second derivatives see more than one tensor of the rest and
are not decided here. An immediate derivative of a loss by a member follows the loss's own arguments only. Steps so
early that a member of the window lies before an equation's range (t = 1, where s_0 is an input) are finitely many
for the letter: each is evaluated from the run's true start, with the same future. Both ends are decided: the
window's last step is the run's last one, or it is not. Conditions on letters are dropped, which claims more.

The converse fails: a run is a special instance. What differs here is `unknown`; concrete steps refute.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardPower

from derive.language.nodes import Member, Power, TimeProduct, TimeSum
from derive.language.shapes import axes, is_coefficient
from derive.language.substitute import free_letters
from derive.model import Equation, Model, members
from verify.claim import Claim
from verify.deciders.outcome import Outcome
from verify.deciders.prime_field.decide import DEFAULT, WITNESS, answered, decide
from verify.deciders.prime_field.limits import Limits
from verify.deciders.prime_field.problems import Unsupported
from verify.deciders.prime_field.program import Program, compiled, names_in
from verify.deciders.prime_field.scope import Key, Shape, Window
from verify.times import ground_model

FAR = 1000  # a step far from both ends; only differences of steps matter
SPARE = 5  # each window is decided with so many bits to spare: the bounds of all of them add


def decide_window(claim: Claim, *, seed: int = 0, limits: Limits = DEFAULT) -> Outcome:
    """Decide a claim for all steps and all sizes at once.

    `equal` holds for every step in scope, `unknown` names why the window does not settle the claim: it may hold at
    all steps (and need induction), or not.
    """
    return answered(lambda: _decide(claim, seed, limits))


def _decide(claim: Claim, seed: int, limits: Limits) -> Outcome:
    program = compiled(claim, limits)
    frame = _frame(claim, program)
    instances, bound = 0, 0.0
    for label, step, window in _cases(claim, frame):
        env = {frame.letter: step, frame.end: _end(frame, step, window)}
        found = decide(program, env, seed, replace(limits, error_exponent=limits.error_exponent + SPARE), window)
        if found.outcome != "equal":
            detail = f"{label}: {found.detail}"
            return Outcome(WITNESS, "limit" if found.outcome == "limit" else "unknown", found.instances, detail=detail)
        if found.at_sizes:
            return Outcome(WITNESS, "unknown", found.instances, detail=f"{label}: equal {found.detail}")
        instances, bound = instances + found.instances, bound + (found.bound or 0.0)
    span = f"{frame.letter}{frame.low:+d} .. {frame.letter}{frame.high:+d}"
    return Outcome(WITNESS, "equal", instances, bound, f"a window of steps {span}, all else opaque")


@dataclass(frozen=True)
class Frame:
    """The window of a claim: its letter, the letter of the run's end, the offsets written, what equations read.

    `first` is the first step at which all equations hold; `reads` holds (name, axes, steps back).
    """

    letter: str
    end: str
    low: int
    high: int
    first: int
    reads: tuple[tuple[str, Shape, int], ...]
    computed_from: Mapping[str, frozenset[str]]

    @property
    def is_at_end(self) -> bool:
        """The letter is the run's last step itself."""
        return self.letter == self.end


def _end(frame: Frame, step: int, window: Window | None) -> int:
    """The run's last step: the window's, or far behind it."""
    last = step if frame.is_at_end else step + frame.high
    return last if window is None or window.leaving is None else last + FAR


@lru_cache(maxsize=512)
def _frame(claim: Claim, program: Program) -> Frame:
    """The frame of a claim. Raises `Unsupported` where a window does not apply."""
    end = claim.model.time.last
    if not isinstance(end, sp.Symbol):
        raise Unsupported("the last step is a number: no symbolic steps")
    equations = [e for e in claim.model.equations if e.name in program.system.rules]
    _check_ranges(claim, equations)
    letter, offsets = _offsets(claim, end)
    reads = _reads(equations, end, letter == end)
    _check_ends(equations, end, letter == end)
    _check_forward(claim.model, equations)
    starts = [claim.model.time.first if e.first is None else e.first for e in equations if e.index is not None]
    if not all(sp.sympify(start).is_Integer for start in starts):
        raise Unsupported("an equation's first step is no number")
    first = max((int(start) for start in starts), default=int(claim.model.time.first))
    return Frame(str(letter.name), str(end.name), min(offsets), max(offsets), first, reads, _computed_from(claim.model))


def _offsets(claim: Claim, end: sp.Symbol) -> tuple[sp.Symbol, list[int]]:
    """The one letter from which all written members are offset, and the offsets."""
    written = [member.time for side in (claim.left, claim.right) for member in members(side)]
    letters = set().union(*(time.free_symbols for time in written)) if written else {end}
    if len(letters) != 1 or not all(time.free_symbols for time in written):
        raise Unsupported("the claim's members are offsets from more than one step")
    letter = next(iter(letters))
    if letter not in claim.step_letters:
        raise Unsupported(f"{letter} is no step letter of the claim")
    shifts = [time - letter for time in written] or [sp.Integer(0)]
    if not all(shift.is_Integer for shift in shifts):
        raise Unsupported("a member's step is no offset from a letter")
    return letter, [int(shift) for shift in shifts]


def _check_ranges(claim: Claim, equations: list[Equation]) -> None:
    steps = {*claim.step_letters, *(equation.index for equation in equations if equation.index is not None)}
    for formula in (claim.left, claim.right, *(equation.right for equation in equations)):
        for node in sp.preorder_traversal(formula):
            if isinstance(node, TimeSum | TimeProduct):
                raise Unsupported("a sum or product over steps needs induction")
            if isinstance(node, Power | HadamardPower) and not node.args[1].is_Integer:
                raise Unsupported("a power with a symbolic exponent needs induction")
            if isinstance(node, sp.MatMul) and any(free_letters(f) & steps for f in node.args if is_coefficient(f)):
                raise Unsupported("a coefficient depends on the step")


def _check_ends(equations: list[Equation], end: sp.Symbol, is_at_end: bool) -> None:
    for equation in equations:
        if equation.last is not None and equation.last != end:
            raise Unsupported(f"the equation of {equation.name} ends before the last step")
        if equation.index is None and free_letters(equation.right) & {end} and not is_at_end:
            raise Unsupported(f"{equation.name} reads the last step, the claim another one")


def _check_forward(model: Model, equations: list[Equation]) -> None:
    """No step reads a name that is computed from the end of the run: a loss, a derivative of one."""
    backward = set(model.loss_by_name) | {e.name for e in equations if e.index is None and members(e.right)}
    backward |= {e.name for e in equations if model.is_definition(e)}
    for equation in equations:
        if equation.index is not None and not model.is_definition(equation):
            for name in sorted(names_in(equation.right) & backward):
                raise Unsupported(f"the equation of {equation.name} reads {name}, which is computed from later steps")


def _reads(equations: list[Equation], end: sp.Symbol, is_at_end: bool) -> tuple[tuple[str, Shape, int], ...]:
    """How far back equations read each family. Raises `Unsupported` where one reads a later or a fixed step."""
    found: dict[tuple[str, Shape, int], None] = {}
    for equation in equations:
        for member in members(equation.right):
            if equation.index is None:
                _check_timeless(equation, member, end)
                continue
            back = equation.index - member.time
            if not back.is_Integer or back < 0:
                raise Unsupported(f"the equation of {equation.name} reads a later or a fixed step")
            found[member.name, axes(member).plain, int(back)] = None
    return tuple(found)


def _check_timeless(equation: Equation, member: Member, end: sp.Symbol) -> None:
    if member.time != end:
        raise Unsupported(f"{equation.name} reads another step than the last one")


def _computed_from(model: Model) -> dict[str, frozenset[str]]:
    """For each defined name and loss, all names from which it is computed, at any step."""
    direct = {equation.name: names_in(equation.right) for equation in model.equations}
    direct |= {name: {part for part, _ in loss.parts} for name, loss in model.loss_by_name.items()}
    return {name: frozenset(_reachable(name, direct)) for name in direct}


def _reachable(name: str, direct: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    todo = {name}
    while todo:
        current = todo.pop()
        found.add(current)
        todo |= direct.get(current, set()) - found
    return found


# --- the windows of a claim ------------------------------------------------------------------------------------


def _cases(claim: Claim, frame: Frame) -> Iterator[tuple[str, int, Window | None]]:
    """All windows to decide: (what it is, the letter's value, the window; None for a run that lies inside)."""
    for step in _early(claim, frame):
        if frame.is_at_end or _may_end(claim, frame):
            yield f"{frame.letter} = {step}, the run's end", step, None
        if not frame.is_at_end:
            yield f"{frame.letter} = {step}, before the run's end", step, _window(frame, step, None, True)
    step = FAR
    past = step + frame.low
    if frame.is_at_end or _may_end(claim, frame):
        yield "the run's end", step, _window(frame, step, past, False)
    if not frame.is_at_end:
        yield "before the run's end", step, _window(frame, step, past, True)


def _window(frame: Frame, step: int, past: int | None, has_future: bool) -> Window:
    last = step + (0 if frame.is_at_end else frame.high)
    leaving: dict[tuple[Key, Shape], None] = {}
    if has_future:
        for name, shape, back in frame.reads:
            for time in range(last - back + 1, last + 1):
                if past is None or time >= past:
                    leaving[(name, (time,)), shape] = None
    return Window(past, last, tuple(leaving) if has_future else None, frame.computed_from)


def _early(claim: Claim, frame: Frame) -> list[int]:
    """The letter's values at which some member lies before an equation's range, as far as they are in scope."""
    lowest = int(claim.model.time.first) - 1 - frame.high - max((back for *_, back in frame.reads), default=0)
    return [step for step in range(lowest, frame.first - frame.low) if _is_in_scope(claim, frame, step)]


def _is_in_scope(claim: Claim, frame: Frame, step: int) -> bool:
    """Whether the letter may take a value in some run: every member exists, its own range and conditions hold."""
    end = claim.model.time.last
    letter = next(known for known in claim.step_letters if str(known.name) == frame.letter)
    here: dict[Any, Any] = {letter: sp.Integer(step)}
    for index in claim.indices:
        if index.letter == letter and any(
            bound.is_Integer and bound > 0 for bound in (index.first - step, step - index.last.xreplace(here))
        ):
            return False
    for condition in claim.conditions:
        free = condition.left.free_symbols | condition.right.free_symbols
        if free == {letter} and not condition.holds({letter: step}):
            return False
    last = step if frame.is_at_end else step + frame.high + FAR
    if last < claim.model.time.first:
        return False
    model = ground_model(claim.model, {end: last})
    written = [member for side in (claim.left, claim.right) for member in members(side)]
    return all(_exists(member.name, int(member.time.xreplace(here)), model) for member in written)


def _exists(name: str, step: int, model: Model) -> bool:
    """Whether a family has a member at a step: produced, read as an input, or mentioned by no equation."""
    spans = model.spans(name)
    return not spans or any(int(first) <= step <= int(last) for first, last in spans)


def _may_end(claim: Claim, frame: Frame) -> bool:
    """Whether the window's last step can be the run's, by the letter's range and the conditions."""
    end = claim.model.time.last
    letter = next(known for known in claim.step_letters if str(known.name) == frame.letter)
    here = {end: letter + frame.high}
    for index in claim.indices:
        if index.letter == letter and (letter - index.last.xreplace(here)).is_positive:
            return False
    for condition in claim.conditions:
        difference = condition.left.xreplace(here) - condition.right.xreplace(here)
        if difference.is_Integer and not condition.holds({end: 0, letter: -frame.high}):
            return False
    return True
