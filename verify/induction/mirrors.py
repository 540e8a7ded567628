"""A goal from the goal of the reversed run, for the checker: shares nothing with `reversal`, which finds it."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

import sympy as sp

from derive.language.nodes import Member, TimeSum
from derive.language.substitute import substitute
from derive.model import Equation
from verify.claim import Claim
from verify.induction.redone import Hypothesis, is_range, mapped, need

Known = tuple[Hypothesis, ...]


def mirror(node: Any, goal: Claim, known: Known, child: Claim) -> None:
    """A claim holds for all runs, if with k for b + T - k it holds for all runs of the equations with k for b + T - k.

    b is the first step and T the last; a loss sees every step of a family alike.
    """
    need(not known and not goal.assumptions and not child.assumptions, "something is assumed")
    need(goal.relation == child.relation == "=" and goal.letters == child.letters, "another claim")
    model, other = goal.model, child.model
    need((model.time, model.losses) == (other.time, other.losses), "another loss or time")
    need(all(where == "each" for loss in model.losses for _, where in loss.parts), "a loss of the last step")
    end = sp.sympify(model.time.first) + model.time.last
    back = {index.letter: end - index.letter for index in goal.indices}
    need(len(back) == len(goal.indices) == len(child.indices), "other letters")
    known_letters = {model.time.last, *back}
    for side in ("left", "right"):
        turned = _seen(substitute(getattr(goal, side), back), end, known_letters)
        need(getattr(child, side) == turned, "not the claim from the other end")
    for here, there in zip(goal.indices, child.indices, strict=True):
        need(here.letter == there.letter, "other letters")
        need(sp.expand(end - here.first.xreplace(back) - there.last) == 0, "another range")
        need(sp.expand(end - here.last.xreplace(back) - there.first) == 0, "another range")
    for one, two in zip(goal.conditions, child.conditions, strict=True):
        gap = (one.right - one.left).xreplace(back) - (two.right - two.left)
        need(one.relation == two.relation and sp.expand(gap) == 0, "another condition")
    need(len(model.equations) == len(other.equations), "other equations")
    for e, f in zip(model.equations, other.equations, strict=True):
        _check_equation(e, f, end)


def _check_equation(e: Equation, f: Equation, end: Any) -> None:
    """The same equation of the same name at the step seen from the other end."""
    need((e.left, e.index, e.id) == (f.left, f.index, f.id), "another equation")
    letter = {} if e.index is None else {e.index: end - e.index}
    turned = _seen(substitute(e.right, letter), end, end.free_symbols | set(letter))
    need(f.right == turned, f"{e.name} is not what it is from the other end")
    for one, two in ((e.first, f.last), (e.last, f.first)):
        need((one is None) == (two is None), "another range of an equation")
        need(one is None or sp.expand(end - one - two) == 0, "another range of an equation")


def _seen(expr: Any, end: Any, letters: Set[sp.Symbol]) -> Any:
    """Members at `end` minus their step; ranges run the other way, with the letter of each turned inside."""
    if isinstance(expr, Member):
        need(not expr.indices or expr.time.free_symbols <= letters, "a step of no range")
        return expr.at(*expr.indices[:-1], sp.expand(end - expr.time)) if expr.indices else expr
    if not is_range(expr):
        return mapped(expr, lambda arg: _seen(arg, end, letters))
    inside = _seen(substitute(expr.body, {expr.index: end - expr.index}), end, letters | {expr.index})
    low, high = sp.expand(end - expr.hi), sp.expand(end - expr.lo)
    if isinstance(expr, TimeSum):
        return TimeSum(inside, expr.index, low, high)
    order = {"ascending": "descending", "descending": "ascending"}[expr.direction]
    return type(expr)(inside, expr.index, low, high, order)


RULES = {"mirror": mirror}
