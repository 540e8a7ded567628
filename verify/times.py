"""Concrete steps for a claim: which values its step letters may take, and the claim at one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import Any

import sympy as sp

from derive.language.nodes import Member, TimeProduct, TimeSum
from derive.language.show import show, show_name
from derive.language.substitute import substitute
from derive.model import Equation, Model
from verify.claim import Claim, Condition

Times = Mapping[sp.Symbol, int]


def ground(claim: Claim, times: Times) -> Claim:
    """The claim with every step letter replaced by a number; its model ends at that last step."""
    values = {letter: sp.Integer(value) for letter, value in times.items()}
    return replace(
        claim,
        left=substitute(claim.left, values),
        right=substitute(claim.right, values),
        model=ground_model(claim.model, times),
        indices=(),
        conditions=tuple(
            Condition(c.left.xreplace(values), c.relation, c.right.xreplace(values)) for c in claim.conditions
        ),
    )


def ground_model(model: Model, times: Times) -> Model:
    """The model with a last step that is a number."""
    last = model.time.last
    return _ending(model, int(times[last])) if isinstance(last, sp.Symbol) and last in times else model


@lru_cache(maxsize=256)
def _ending(model: Model, steps: int) -> Model:
    values = {model.time.last: sp.Integer(steps)}
    equations = tuple(_ground_equation(equation, values) for equation in model.equations)
    return Model(equations, model.losses, model.time.concrete(steps))


def _ground_equation(equation: Equation, values: Mapping[sp.Symbol, sp.Integer]) -> Equation:
    free = {letter: value for letter, value in values.items() if letter != equation.index}
    return replace(
        equation,
        right=substitute(equation.right, free),
        first=None if equation.first is None else equation.first.xreplace(dict(values)),
        last=None if equation.last is None else equation.last.xreplace(dict(values)),
    )


def instances(claim: Claim, steps: int) -> Iterator[dict[sp.Symbol, int]]:
    """All values of the step letters that are in scope with a last step ≤ `steps`, the smallest first."""
    return (times for times in _candidates(claim, steps) if in_scope(claim, times))


def is_exhausted(claim: Claim) -> bool:
    """Whether `instances` are all that there are: the last step and all ranges are numbers, and in its reach."""
    first, last = claim.model.time.first, claim.model.time.last
    ends = [end for index in claim.indices for end in (index.first, index.last)]
    return all(end.is_Integer for end in (last, *ends)) and all(first - 1 <= end <= last + 1 for end in ends)


def reaches_outside(claim: Claim, steps: int) -> str | None:
    """A sum or product that reaches a member that does not exist, though all else does: an error, not a scope."""
    for times in _candidates(claim, steps):
        values = {letter: sp.Integer(value) for letter, value in times.items()}
        spans = _spans(ground_model(claim.model, times))
        places = [place for side in (claim.left, claim.right) for place in _written(side)]
        if not _is_in_ranges(claim, times) or not all(p.is_inside(spans, values) for p in places if not p.binders):
            continue
        found = (place.obstacle(spans, values) for place in places if place.binders)
        reason = next((one for one in found if one is not None and "does not exist" in one), None)
        if reason is not None:
            return f"with {', '.join(f'{letter} = {value}' for letter, value in times.items())}: {reason}"
    return None


def _candidates(claim: Claim, steps: int) -> Iterator[dict[sp.Symbol, int]]:
    last = claim.model.time.last
    letters = [index.letter for index in claim.indices]
    ends = range(claim.model.time.first, steps + 1) if isinstance(last, sp.Symbol) else [int(last)]
    for end in ends:
        fixed = {last: end} if isinstance(last, sp.Symbol) else {}
        for values in product(*(range(claim.model.time.first - 1, end + 2) for _ in letters)):
            yield {**fixed, **dict(zip(letters, values, strict=True))}


def in_scope(claim: Claim, times: Times) -> bool:
    """Whether ranges and conditions hold and every member that the claim writes exists at these steps."""
    if not _is_in_ranges(claim, times):
        return False
    values = {letter: sp.Integer(value) for letter, value in times.items()}
    spans = _spans(ground_model(claim.model, times))
    return all(place.is_inside(spans, values) for side in (claim.left, claim.right) for place in _written(side))


def _is_in_ranges(claim: Claim, times: Times) -> bool:
    values = {letter: sp.Integer(value) for letter, value in times.items()}
    for index in claim.indices:
        if not int(index.first.xreplace(values)) <= times[index.letter] <= int(index.last.xreplace(values)):
            return False
    steps = [c for c in claim.conditions if (c.left.free_symbols | c.right.free_symbols) <= set(times)]
    return all(condition.holds(dict(times)) for condition in steps)


def obstacle(claim: Claim, steps: int) -> str:
    """Why a claim is made at no step: what it writes that does not exist in a run of `steps` steps."""
    last = claim.model.time.last
    end = steps if isinstance(last, sp.Symbol) else int(last)
    times = {
        **({last: end} if isinstance(last, sp.Symbol) else {}),
        **{i.letter: (end + 1) // 2 for i in claim.indices},
    }
    values = {letter: sp.Integer(value) for letter, value in times.items()}
    spans = _spans(ground_model(claim.model, times))
    found = (place.obstacle(spans, values) for side in (claim.left, claim.right) for place in _written(side))
    reason = next((one for one in found if one is not None), "its conditions exclude one another")
    return f"with {', '.join(f'{letter} = {value}' for letter, value in times.items())}: {reason}"


Span = tuple[int, int]
Values = Mapping[sp.Symbol, sp.Integer]


@dataclass(frozen=True)
class _Place:
    """A member (None: the bounds alone) as written under binders, outermost first: (letter, lowest, highest)."""

    member: Member | None
    binders: tuple[tuple[sp.Symbol, sp.Expr, sp.Expr], ...]

    def is_inside(self, spans: Mapping[str, tuple[Span, ...]], values: Values) -> bool:
        """Whether it exists for all values of the bound letters; bounds may be empty, and nothing below empty."""
        return self.obstacle(spans, values) is None

    def obstacle(self, spans: Mapping[str, tuple[Span, ...]], values: Values) -> str | None:
        """What does not exist and the fact that is missing, None where all is well."""
        if not self.binders:
            return None if self.member is None else _missing(self.member, spans, values)
        letter, lowest, highest = self.binders[0]
        lo, hi = int(lowest.xreplace(values)), int(highest.xreplace(values))
        if hi < lo - 1:
            return f"the range {letter} = {lowest}..{highest} is {lo}..{hi} there, which is less than empty"
        inner = replace(self, binders=self.binders[1:])
        found = (inner.obstacle(spans, {**values, letter: sp.Integer(k)}) for k in range(lo, hi + 1))
        reason = next((one for one in found if one is not None), None)
        return None if reason is None else f"{reason}; the range {letter} = {lowest}..{highest} reaches it"


def exists(member: Member, model: Model) -> bool:
    """Whether a member at a step that is a number exists in a model that ends at a number."""
    return _missing(member, _spans(model), {}) is None


def _missing(member: Member, spans: Mapping[str, tuple[Span, ...]], values: Values) -> str | None:
    """A member is produced by an equation, read as an input, or of a family that no equation mentions."""
    time = member.time.xreplace(values)
    if time.free_symbols:
        letters = ", ".join(sorted(str(letter) for letter in time.free_symbols))
        return f"{show(member)} uses the step {letters}, which nothing binds"
    known = spans.get(member.name, ())
    if not known or any(lo <= int(time) <= hi for lo, hi in known):
        return None
    ranges = " and ".join(dict.fromkeys(f"{lo}..{hi}" for lo, hi in known))
    there = show(member.at(*member.indices[:-1], time))
    return f"{there} does not exist: {show_name(member.name)} is there for the steps {ranges}"


@lru_cache(maxsize=256)
def _spans(model: Model) -> Mapping[str, tuple[Span, ...]]:
    """The steps of each family of a model with a last step that is a number."""
    names = {*model.by_name, *model.reads}
    return {name: tuple((int(lo), int(hi)) for lo, hi in model.spans(name)) for name in names}


@lru_cache(maxsize=4096)
def _written(expr: Any) -> tuple[_Place, ...]:
    """Every member that a formula writes, and every range of a sum or product."""
    if isinstance(expr, TimeSum | TimeProduct):
        binder = (expr.index, expr.lo, expr.hi)
        inner = (*_written(expr.body), _Place(None, ()))
        return tuple(replace(place, binders=(binder, *place.binders)) for place in inner)
    own = (_Place(expr, ()),) if isinstance(expr, Member) and expr.indices else ()
    return own + tuple(place for arg in expr.args for place in _written(arg))
