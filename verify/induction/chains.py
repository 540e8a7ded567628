"""Chains of derivatives, members as losses, ends that nothing reads: for the checker, which has nothing of `chaining`.

By the chain rule ∂a/∂c = ∂a/∂b ∂b/∂c if every way from c to a leads through b: a is then a function of b and of
what c does not move. `_check_cut` follows the equations from a back and meets nothing that c moves but b.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import sympy as sp

from derive.language.build import matmul, transpose
from derive.language.derivatives import Collect, DerivativeNode, Gradient, Jacobian, variable_of
from derive.language.nodes import Member, TimeProduct, TimeSum
from derive.language.substitute import substitute
from derive.model import Model
from verify.claim import Claim
from verify.induction.redone import Facts, Hypothesis, Rejected, follows, is_range, known_of, mapped, need, under

Known = tuple[Hypothesis, ...]

# --- cuts ----------------------------------------------------------------------------------------------------------


def _depending(name: str, model: Model) -> set[str]:
    """The name and all that is computed from it, at any steps."""
    found, size = {name}, 0
    while len(found) > size:
        size = len(found)
        found |= {e.name for e in model.equations if _names(e.right) & found}
        found |= {str(loss.symbol.name) for loss in model.losses if {part for part, _ in loss.parts} & found}
    return found


def _check_cut(a: Member, b: Member, name: str, model: Model) -> None:
    """Every way from what has this name to a, met from behind, leads through b."""
    moved, todo, met = _depending(name, model), [a], set[Any]()
    while todo:
        here = todo.pop()
        for read in _read(here, model):
            if str(read.name) not in moved or read in met:
                continue
            met.add(read)
            need(len(met) < 100, "a way without end")
            if read != b:
                need(isinstance(read, Member) and read.indices and read.name != name, f"{read.name} is a way beside it")
                todo.append(read)
    need(b in met, "no way through it")


def _read(a: Any, model: Model) -> list[Any]:
    """What the equation of a member reads."""
    equation: Any = model.by_name.get(a.name)
    need(equation is not None and equation.index is not None, f"{a.name} has no equation")
    right = substitute(equation.right, {equation.index: a.time})
    nodes = list(sp.preorder_traversal(right))
    need(not any(is_range(n) or isinstance(n, DerivativeNode) for n in nodes), f"{a.name} is no plain function")
    return [n for n in nodes if isinstance(n, Member | sp.MatrixSymbol)]


def _check_column(expr: Any) -> None:
    need(isinstance(expr, Member) and expr.indices and not expr.col_axis, "no column of a step")


# --- rewrites ------------------------------------------------------------------------------------------------------


def _chained(node: Any, known: Facts, model: Model) -> Any:
    """The first pair of neighbours ∂a/∂b ∂b/∂c that b cuts becomes ∂a/∂c."""
    need(isinstance(node, sp.MatMul), "no product")
    for i, pair in enumerate(zip(node.args, node.args[1:], strict=False)):
        with suppress(Rejected):  # the next pair may be one
            return matmul(*node.args[:i], _joined(*pair, model), *node.args[i + 2 :])
    raise Rejected("no chain that a cut makes short")


def _joined(first: Any, second: Any, model: Model) -> Any:
    is_row = isinstance(first, sp.Transpose)
    outer = first.args[0] if is_row else first
    need(type(outer) is (Gradient if is_row else Jacobian) and type(second) is Jacobian, "no chain")
    need((outer.mode, second.mode, second.what) == ("total", "total", outer.by), "no chain")
    a, b, c = outer.what, outer.by, second.by
    _check_column(b)
    _check_column(c)
    need(isinstance(a, Member) and a.indices and a.name != c.name, "the end is no other member")
    _check_cut(a, b, c.name, model)
    if is_row:
        return transpose(Gradient(a, c))
    _check_column(a)
    return Jacobian(a, c)


def _telescoped(node: Any, known: Facts, model: Model) -> Any:
    """By induction: ∂h_b/∂h_{a-1} = ∂h_b/∂h_{b-1} ∂h_{b-1}/∂h_{a-1} for b ≥ a, and I for b = a - 1."""
    need(isinstance(node, TimeProduct) and node.direction == "descending", "no descending product")
    body = node.body
    need(type(body) is Jacobian and body.mode == "total", "no Jacobians")
    late, early = body.what, body.by
    _check_column(late)
    _check_column(early)
    need(late.time == node.index and early == late.at(node.index - 1), "not of neighbouring steps")
    made: Any = model.produced(late.name)
    need(made is not None, f"{late.name} has no equation")
    need(follows(node.lo - made[0], known) and follows(made[1] - node.hi, known), "the equation holds not throughout")
    _check_cut(late, early, late.name, model)
    return Jacobian(late.at(node.hi), late.at(node.lo - 1))


def _skipped(node: Any, known: Facts, model: Model) -> Any:
    """The first term is zero: it has the derivative of an input by something else as a factor."""
    need(isinstance(node, TimeSum) and follows(node.hi - node.lo, known), "the range may be empty")
    first = substitute(node.body, {node.index: node.lo})
    inner = first.args[0] if type(first) is Collect else first  # linear as well
    factors = inner.args if isinstance(inner, sp.MatMul) else (inner,)
    need(any(isinstance(d, DerivativeNode) and _is_zero(d, model) for d in factors), "the first term may not be zero")
    return TimeSum(node.body, node.index, node.lo + 1, node.hi)


def _is_zero(derivative: Any, model: Model) -> bool:
    """∂h_a/∂W of a member before the first that an equation produces."""
    what, by = derivative.what, variable_of(derivative.by)
    if not (isinstance(what, Member) and what.indices and isinstance(by, sp.MatrixSymbol)):
        return False
    made = model.produced(what.name)
    return made is not None and by.name != what.name and follows(made[0] - 1 - what.time, ())


REWRITES: dict[str, Callable[[Any, Facts, Model], Any]] = {
    "chained": _chained,
    "telescoped": _telescoped,
    "skipped": _skipped,
}


def on(model: Model, rule: str) -> Callable[[Any, Facts], Any]:
    """A rewrite that knows the equations."""
    return lambda node, known: REWRITES[rule](node, known, model)


# --- a member as a loss ----------------------------------------------------------------------------------------------


def opaque(node: Any, goal: Claim, known: Known, child: Claim) -> None:
    """P for e_t = g(y_t, z), if P for every loss of y_t: z, and what it is computed from, moves in no derivative.

    e is written in the claim at the last step alone, as what a total derivative is of.
    """
    model, made, last = goal.model, child.model, goal.model.time.last
    need(not goal.assumptions and goal.relation == "=", "something is assumed")
    dropped = [e for e in model.equations if e not in made.equations]
    need(len(dropped) == 1 and dropped[0].index is not None, "not one family is a loss")
    (equation,) = dropped
    need(tuple(e for e in model.equations if e is not equation) == made.equations, "other equations")
    loss = made.losses[-1]
    need((made.losses[:-1], made.time) == (model.losses, model.time), "other losses or time")
    need(equation.left.shape == loss.symbol.shape == (1, 1), "no scalar")
    formulas = (goal.left, goal.right, *(e.right for e in model.equations))
    inputs = {part for other in model.losses for part, _ in other.parts}
    used = inputs.union(model.by_name, model.loss_by_name, *(_names(formula) for formula in formulas))
    need(loss.symbol.name not in used, "the loss is not new")
    left = [*(e.right for e in made.equations), child.left, child.right]
    need(all(equation.name not in _names(formula) for formula in left) and equation.name not in inputs, "it is read")
    need(equation.first is None and equation.last is None, "not of every step")
    e = equation.left.at(last)
    moving = [
        name
        for formula in formulas
        for n in sp.preorder_traversal(formula)
        if isinstance(n, DerivativeNode)
        for name in _names(n.by)
    ]
    moved = set[str]().union(*(_depending(name, model) for name in moving))
    parts = {(m.name, m.time) for m in _read(e, model) if isinstance(m, Member) and m.indices and m.name in moved}
    need(parts == {(name, last) for name, _ in loss.parts} and loss.parts, "not a function of what the loss sees")
    need(all(place == "last" for _, place in loss.parts), "not of the last step")
    need(all((model.produced(name) or (0, 0))[1] == last for name, _ in loss.parts), "not of the last step")
    symbols = {m.name for m in _read(e, model) if not (isinstance(m, Member) and m.indices)}
    need(not symbols & moved, "a parameter moves it as well")

    def back(expr: Any) -> Any:
        if isinstance(expr, DerivativeNode):
            need(expr.what != loss.symbol or expr.mode == "total", "an immediate derivative")
            return expr.func(e, expr.by) if expr.what == loss.symbol else expr
        return mapped(expr, back)

    need(goal == replace(child, left=back(child.left), right=back(child.right), model=model), "not of that loss")


# --- steps that nothing reads ----------------------------------------------------------------------------------------


def trim(node: Any, goal: Claim, known: Known, child: Claim) -> None:
    """The claim where equations end with the run: what they say of later steps is read by nothing."""
    model, made = goal.model, child.model
    need(child == replace(goal, model=made), "another claim")
    need((made.losses, made.time) == (model.losses, model.time), "other losses or time")
    pairs = list(zip(model.equations, made.equations, strict=True))
    ended = {old.name for old, new in pairs if old != new}
    for old, new in pairs:
        need(old == new or (old.index is not None and new == replace(old, last=None)), "not an equation's end")
        need(old == new or follows(old.last - model.time.last, known_of(goal)), "the equation ends before the run")
    need(
        all(place == "last" for loss in model.losses for name, place in loss.parts if name in ended), "a loss reads it"
    )
    for side in (goal.left, goal.right):
        _check_within(side, ended, model, known_of(goal))
    for e in model.equations:
        first, last = model.produced(e.name) or (0, 0)
        own = () if e.index is None else (sp.expand(e.index - first), sp.expand(last - e.index))
        kept = (sp.expand(model.time.last - model.time.first), *own)
        _check_within(e.right, ended, model, kept)


def _check_within(expr: Any, names: set[str], model: Model, known: Facts) -> None:
    """No member of these families is written at a step after the last."""
    known = under(known, expr) if is_range(expr) else known
    if isinstance(expr, Member) and expr.name in names:
        need(len(expr.indices) == 1 and follows(model.time.last - expr.time, known), f"{expr.name} is read later")
    for arg in expr.args:
        if isinstance(arg, sp.Basic):
            _check_within(arg, names, model, known)


def _names(expr: Any) -> set[str]:
    return {str(node.name) for node in sp.preorder_traversal(expr) if isinstance(node, Member | sp.MatrixSymbol)}


RULES = {rule.__name__: rule for rule in (opaque, trim)}
