"""Concrete steps for a claim: which values its step letters may take, and the claim at one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import product
from typing import Any

import sympy as sp

from derive.language.nodes import Member, TimeProduct, TimeSum
from derive.language.substitute import free_letters, substitute
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
    model = ground_model(claim.model, times)
    return all(_all_exist(substitute(side, values), model) for side in (claim.left, claim.right))


def exists(member: Member, model: Model) -> bool:
    """Whether a member at a concrete step exists: produced, read as an input, or the loss's own."""
    return any(int(lo) <= int(member.time) <= int(hi) for lo, hi in model.spans(member.name)) or not model.spans(
        member.name
    )


def _all_exist(expr: Any, model: Model) -> bool:
    """Every member written exists; a sum or product contributes its members at its bounds, unless it is empty."""
    if isinstance(expr, TimeSum | TimeProduct):
        lo, hi = int(expr.lo), int(expr.hi)
        if hi < lo - 1:
            return False
        return all(_all_exist(substitute(expr.body, {expr.index: sp.Integer(k)}), model) for k in range(lo, hi + 1))
    if isinstance(expr, Member) and expr.indices:
        return not free_letters(sp.Tuple(*expr.indices)) and exists(expr, model)
    return all(_all_exist(arg, model) for arg in expr.args)
