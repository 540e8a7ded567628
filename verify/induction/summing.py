"""A forward equation with a sum over the steps, such as Y = Σ_j W_j X S_j: claims that imply a claim, for the search.

`sums` says all of this again for the checker.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from derive.language.build import matadd, matmul
from derive.language.derivatives import DerivativeNode, Gradient
from derive.language.nodes import Member, TimeSum
from derive.language.shapes import axes, is_coefficient
from derive.language.substitute import free_letters, substitute
from derive.model import Equation, Loss, Model, members
from verify.claim import Claim, names_in
from verify.induction.certificate import encode
from verify.induction.context import facts_of, is_nonnegative
from verify.induction.formulas import places
from verify.induction.reductions import computed_from, fresh_name, mapped
from verify.induction.rewriting import MOST_REWRITES, Rewriting

# --- a sum that nothing moves --------------------------------------------------------------------------------------


def fixed(claim: Claim) -> tuple[Claim, dict[Any, Any]] | None:
    """A sum that no derivative moves is an input: what holds for every tensor in its place holds for it.

    The claim in that model, and the part of an equation that each new symbol stands for.
    """
    moving, model = _moving(claim), claim.model
    if not moving or claim.assumptions:
        return None
    sums: dict[Any, Any] = {}
    for equation in model.equations:
        for part in _unmoved(equation.right, moving, model) if _is_whole(equation, model) else ():
            sums.setdefault(part, sp.MatrixSymbol(fresh_name(claim, f"R_{len(sums)}"), *part.shape))
    if not sums:
        return None
    equations = [replace(e, right=substitute(e.right, sums)) if _is_whole(e, model) else e for e in model.equations]
    made = Model(equations, model.losses, model.time)
    return replace(claim, model=made), {symbol: part for part, symbol in sums.items()}


def _unmoved(expr: Any, moving: set[str], model: Model) -> Iterator[Any]:
    """The largest parts with a sum over steps that no derivative moves, in which nothing but the last step is free."""
    if not expr.has(TimeSum):
        return
    if isinstance(expr, sp.MatrixExpr) and _is_input(expr, model) and not computed_from(names_in(expr), model) & moving:
        yield expr
    elif not isinstance(expr, TimeSum):
        for arg in expr.args:
            yield from _unmoved(arg, moving, model)


def _is_input(expr: Any, model: Model) -> bool:
    """Nothing but the last step is free in it, and each side has one size at most."""
    shape = axes(expr)
    letters = {letter for letter in free_letters(expr) if not letter.is_positive}  # sizes are
    return letters <= {model.time.last} and len(shape.rows) <= 1 and len(shape.cols) <= 1


def _moving(claim: Claim) -> set[str]:
    """The names by which something is differentiated."""
    formulas = (claim.left, claim.right, *(e.right for e in claim.model.equations))
    nodes = (n for formula in formulas for n in sp.preorder_traversal(formula) if isinstance(n, DerivativeNode))
    return {name for node in nodes for name in names_in(node.by)}


def _is_whole(equation: Equation, model: Model) -> bool:
    """An equation of the whole run, which names no derivative."""
    return equation.index is None and not model.is_definition(equation)


# --- a sum as a running sum ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Sum:
    """Y = c Σ_k b_k + r over all steps: the equation, the number c, the sums, and the terms beside them."""

    equation: Equation
    factor: Any
    totals: tuple[TimeSum, ...]
    beside: tuple[Any, ...]


def running(claim: Claim) -> Claim | None:
    """E = Φ(c Σ_j b_j + r, s_T) is a loss of y_T and s_T, y_j = y_{j-1} + b_j: what holds for every such loss holds.

    Φ and r are what no derivative moves but by s_T; ∂E/∂Y is ∂E/∂y_T / c, and y_0 is 0. Several sums likewise.
    """
    found = (_through(claim, loss) for loss in ([] if claim.assumptions else _losses(claim)))
    return next((made for made in found if made is not None), None)


def _losses(claim: Claim) -> list[Any]:
    """Scalars of the whole run, defined by an equation, of which a total derivative is taken."""
    formulas = (claim.left, claim.right, *(e.right for e in claim.model.equations if claim.model.is_definition(e)))
    nodes = (n for formula in formulas for n in sp.preorder_traversal(formula) if isinstance(n, DerivativeNode))
    found = [n.what for n in nodes if isinstance(n.what, sp.MatrixSymbol) and n.what.shape == (1, 1)]
    return [what for what in dict.fromkeys(found) if what.name in claim.model.by_name]


def _through(claim: Claim, loss: Any) -> Claim | None:
    """The claim with the loss as one of running sums and of last states; None where something else leads to it."""
    model, reached = claim.model, computed_from({str(loss.name)}, claim.model)
    sums = [found for e in model.equations if e.name in reached and e.left != loss and (found := _split(e, model))]
    names = {found.equation.name for found in sums}
    gone = {name for name in reached if computed_from({name}, model) & names}
    if not sums or not all(name in model.by_name and _is_whole(model.by_name[name], model) for name in gone):
        return None
    beside = [term for found in sums for term in found.beside]
    beside += [model.by_name[name].right for name in gone - names]
    states = _states(beside, gone, _moving(claim) - names, model)
    return None if states is None else _rewritten(claim, loss, sums, gone, states)


def _split(equation: Equation, model: Model) -> _Sum | None:
    """An equation with a multiple of sums over all steps; None where it has none, or others."""
    if not _is_whole(equation, model) or not isinstance(equation.left, sp.MatrixSymbol):
        return None
    factors, totals, beside = set[Any](), list[TimeSum](), list[Any]()
    for term in sp.MatAdd.make_args(equation.right):
        *numbers, total = term.args if isinstance(term, sp.MatMul) else (term,)
        if isinstance(total, TimeSum) and all(map(is_coefficient, numbers)):
            factors.add(sp.Mul(*numbers))
            totals.append(total)
        else:
            beside.append(term)
    are_whole = all((total.lo, total.hi) == (model.time.first, model.time.last) for total in totals)
    if not are_whole or len(factors) != 1 or 0 in factors:
        return None
    return _Sum(equation, factors.pop(), tuple(totals), tuple(beside))


def _states(beside: list[Any], gone: set[str], moving: set[str], model: Model) -> list[str] | None:
    """The names that something moves among what is read beside the sums, if they are read at the last step alone."""
    found: dict[str, None] = {}
    for read in (n for part in beside for n in sp.preorder_traversal(part) if isinstance(n, Member | sp.MatrixSymbol)):
        if str(read.name) in gone or not computed_from({str(read.name)}, model) & moving:
            continue
        made = model.produced(str(read.name)) if isinstance(read, Member) and read.indices else None
        if made is None or not made[1] == read.time == model.time.last:
            return None
        found[str(read.name)] = None
    return list(found)


def _rewritten(claim: Claim, loss: Any, sums: list[_Sum], gone: set[str], states: list[str]) -> Claim | None:
    model, letter = claim.model, sp.Symbol("j", integer=True)
    steps, moved = [], dict[Any, Any]()
    for number, found in enumerate(sums):
        member = Member(fresh_name(claim, f"y_{number}"), (letter,), *axes(found.equation.left).plain)
        bodies = (substitute(total.body, {total.index: letter}) for total in found.totals)
        steps.append(Equation(member, matadd(member.at(letter - 1), *bodies), letter))
        last = Gradient(loss, member.at(model.time.last))
        moved[Gradient(loss, found.equation.left)] = matmul(1 / found.factor, last)
    parts = (*((step.name, "last") for step in steps), *((name, "last") for name in states))
    kept = [e for e in model.equations if e.name not in gone]
    made = Model([*kept, *steps], (*model.losses, Loss(loss, parts)), model.time)
    child = replace(claim, left=_put(claim.left, moved), right=_put(claim.right, moved), model=made)
    used = set().union(*(names_in(side) for side in (child.left, child.right, *(e.right for e in made.equations))))
    return None if used & (gone - {str(loss.name)}) else child


def _put(expr: Any, moved: dict[Any, Any]) -> Any:
    if isinstance(expr, DerivativeNode):
        return moved.get(expr, expr)
    return mapped(expr, lambda arg: _put(arg, moved)) if isinstance(expr, sp.MatrixExpr) else expr


# --- one gradient along a running sum --------------------------------------------------------------------------------


def carried(goal: Claim) -> Rewriting:
    """∂E/∂y_a = ∂E/∂y_b for y_k = y_{k-1} + b_k: taken at a step that the goal writes where it stands."""
    current = Rewriting(goal)
    while not goal.assumptions and len(current.steps) < MOST_REWRITES:
        found = next(_carried(current), None)
        if found is None:
            break
        current = found
    return current


def _carried(current: Rewriting) -> Iterator[Rewriting]:
    goal = current.goal
    for side in ("left", "right"):
        for place in places(getattr(goal, side), facts_of(goal)):
            node = place.node
            if not (isinstance(node, Gradient) and node.mode == "total" and _is_running(node, goal.model)):
                continue
            step = _step_of(goal)
            first, last = sp.Integer(goal.model.time.first) - 1, goal.model.time.last
            inside = all(is_nonnegative(gap, place.facts) for gap in (step - first, last - step))
            if inside and step != node.by.time:
                new = Gradient(node.what, node.by.at(step))
                yield current.put(side, place.path, new, {"rule": "carried", "to": encode(step)})


def _is_running(node: Any, model: Model) -> bool:
    """Whether a gradient is of an opaque loss of the last y, by a y that nothing but its own next step reads."""
    loss = model.loss_by_name.get(str(getattr(node.what, "name", "")))
    equation = model.by_name.get(str(getattr(node.by, "name", "")))
    if loss is None or equation is None or equation.index is None or not isinstance(node.by, Member):
        return False
    terms = sp.MatAdd.make_args(equation.right)
    is_sum = [name for term in terms for name in names_in(term)].count(equation.name) == 1
    alone = not any(equation.name in names_in(e.right) for e in model.equations if e is not equation)
    return is_sum and alone and equation.left.at(equation.index - 1) in terms and (equation.name, "last") in loss.parts


def _step_of(goal: Claim) -> Any:
    """A step that the goal writes apart from running sums: a letter's own, where it has one."""
    running_names = {n.by.name for n in _gradients(goal) if _is_running(n, goal.model)}
    letters = {index.letter for index in goal.indices} | {goal.model.time.last}
    times = [m.time for side in (goal.left, goal.right) for m in members(side) if m.name not in running_names]
    return next((time for time in times if time in letters), next(iter(times), goal.model.time.last))


def _gradients(goal: Claim) -> Iterator[Any]:
    for side in (goal.left, goal.right):
        yield from (n for n in sp.preorder_traversal(side) if isinstance(n, Gradient))
