"""Concrete steps for a claim: which values its step letters may take, and the claim at one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import Any

import sympy as sp

from derive.language.nodes import Member, TimeProduct, TimeSum
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
    last = claim.model.time.last
    letters = [index.letter for index in claim.indices]
    ends = range(claim.model.time.first, steps + 1) if isinstance(last, sp.Symbol) else [int(last)]
    for end in ends:
        fixed = {last: end} if isinstance(last, sp.Symbol) else {}
        for values in product(*(range(claim.model.time.first - 1, end + 2) for _ in letters)):
            times = {**fixed, **dict(zip(letters, values, strict=True))}
            if in_scope(claim, times):
                yield times


def in_scope(claim: Claim, times: Times) -> bool:
    """Whether ranges and conditions hold and every member that the claim writes exists at these steps."""
    values = {letter: sp.Integer(value) for letter, value in times.items()}
    for index in claim.indices:
        if not int(index.first.xreplace(values)) <= times[index.letter] <= int(index.last.xreplace(values)):
            return False
    steps = [c for c in claim.conditions if (c.left.free_symbols | c.right.free_symbols) <= set(times)]
    if not all(condition.holds(dict(times)) for condition in steps):
        return False
    spans = _spans(ground_model(claim.model, times))
    return all(place.is_inside(spans, dict(values)) for side in (claim.left, claim.right) for place in _written(side))


Span = tuple[int, int]


@dataclass(frozen=True)
class _Place:
    """A member (None: the bounds alone) as written under binders, outermost first: (letter, lowest, highest)."""

    member: Member | None
    binders: tuple[tuple[sp.Symbol, sp.Expr, sp.Expr], ...]

    def is_inside(self, spans: Mapping[str, tuple[Span, ...]], values: dict[sp.Symbol, sp.Integer]) -> bool:
        """Whether it exists for all values of the bound letters; bounds may be empty, and nothing below empty."""
        if not self.binders:
            return self.member is None or _exists(self.member, spans, values)
        letter, lowest, highest = self.binders[0]
        lo, hi = int(lowest.xreplace(values)), int(highest.xreplace(values))
        inner = replace(self, binders=self.binders[1:])
        return hi >= lo - 1 and all(
            inner.is_inside(spans, {**values, letter: sp.Integer(k)}) for k in range(lo, hi + 1)
        )


def exists(member: Member, model: Model) -> bool:
    """Whether a member at a step that is a number exists in a model that ends at a number."""
    return _exists(member, _spans(model), {})


def _exists(member: Member, spans: Mapping[str, tuple[Span, ...]], values: dict[sp.Symbol, sp.Integer]) -> bool:
    """Produced by an equation, read as an input, or of a family that no equation mentions."""
    time = member.time.xreplace(values)
    if time.free_symbols:
        return False
    known = spans.get(member.name, ())
    return not known or any(lo <= int(time) <= hi for lo, hi in known)


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
