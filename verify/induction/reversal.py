"""A claim of a run read from its end: what reads later steps reads earlier ones there.

s'_k = s_{b+T-k}, b the first step, is a run of the reversed equations, and every run is one; so a claim holds for all
runs if and only if the claim with every step k written b + T - k holds for all runs of these.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sympy as sp

from derive.language.nodes import Member, TimeProduct, TimeSum
from derive.language.substitute import substitute
from derive.model import Equation, Model, members
from verify.claim import Claim, Condition, Index
from verify.induction.formulas import rebuilt


def reversed_in_time(claim: Claim) -> Claim | None:
    """The claim of the reversed model, where that reads earlier steps alone and this one does not; else None."""
    model = claim.model
    is_all_alike = all(where == "each" for loss in model.losses for _, where in loss.parts)
    if claim.assumptions or not is_all_alike or not _reads_later(model):
        return None
    turn = _Turn(sp.Integer(model.time.first) + model.time.last)
    letters = {index.letter: turn.total - index.letter for index in claim.indices}
    indices = tuple(
        Index(i.letter, turn.step(i.last.xreplace(letters)), turn.step(i.first.xreplace(letters)))
        for i in claim.indices
    )
    conditions = tuple(
        Condition(sp.expand(c.left.xreplace(letters)), c.relation, sp.expand(c.right.xreplace(letters)))
        for c in claim.conditions
    )
    sides = {side: turn.formula(substitute(getattr(claim, side), letters)) for side in ("left", "right")}
    reversed_ = Model(tuple(map(turn.equation, model.equations)), model.losses, model.time)
    return replace(claim, **sides, indices=indices, conditions=conditions, model=reversed_)


def _reads_later(model: Model) -> bool:
    """Whether some equation reads a later step, and none an earlier one."""
    gaps = [
        member.time - equation.index
        for equation in model.equations
        if equation.index is not None and not model.is_definition(equation)
        for member in members(equation.right)
    ]
    return all(gap.is_Integer and gap >= 0 for gap in gaps) and any(gap != 0 for gap in gaps)


class _Turn:
    """k to `total` - k, in formulas whose free letters stand for the reversed steps already."""

    def __init__(self, total: Any) -> None:
        self.total = total

    def step(self, time: Any) -> Any:
        return sp.expand(self.total - time)

    def formula(self, expr: Any) -> Any:
        if isinstance(expr, Member):
            return expr.at(*expr.indices[:-1], self.step(expr.time)) if expr.indices else expr
        if isinstance(expr, TimeSum | TimeProduct):
            body = self.formula(substitute(expr.body, {expr.index: self.total - expr.index}))
            lo, hi = self.step(expr.hi), self.step(expr.lo)
            if isinstance(expr, TimeSum):
                return TimeSum(body, expr.index, lo, hi)
            order = "ascending" if expr.direction == "descending" else "descending"
            return TimeProduct(body, expr.index, lo, hi, order)
        args = [self.formula(arg) if isinstance(arg, sp.MatrixExpr) else arg for arg in expr.args]
        return expr if isinstance(expr, sp.MatrixSymbol) or not args else rebuilt(expr, args)

    def equation(self, equation: Equation) -> Equation:
        letter = equation.index
        if letter is None:
            return replace(equation, right=self.formula(equation.right))
        right = self.formula(substitute(equation.right, {letter: self.total - letter}))
        first, last = (None if end is None else self.step(end) for end in (equation.last, equation.first))
        return replace(equation, right=right, first=first, last=last)
