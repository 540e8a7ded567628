"""Chains of derivatives made short, a member of the last step as a loss, ends that nothing reads: for the search.

A member b cuts a from c if every way from c to a leads through b. `chains` says all of this again for the checker.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import sympy as sp

from derive.language.build import matmul, transpose
from derive.language.derivatives import Collect, DerivativeNode, Gradient, Jacobian, variable_of
from derive.language.nodes import Member, TimeProduct, TimeSum
from derive.model import Loss, Model
from verify.claim import Claim
from verify.induction.context import Facts, facts_of, is_nonnegative
from verify.induction.formulas import Place, places
from verify.induction.reductions import computed_from, fresh_name, mapped
from verify.induction.rewriting import MOST_REWRITES, Rewriting

# --- chains --------------------------------------------------------------------------------------------------------


def chained(node: Any, facts: Facts, model: Model) -> Any | None:
    """∂a/∂b ∂b/∂c = ∂a/∂c, where b cuts a from c; (∂E/∂b)ᵀ ∂b/∂c = (∂E/∂c)ᵀ likewise."""
    for place in range(len(node.args) - 1) if isinstance(node, sp.MatMul) else ():
        made = _product(node.args[place], node.args[place + 1], model)
        if made is not None:
            return matmul(*node.args[:place], made, *node.args[place + 2 :])
    return None


def _product(first: Any, second: Any, model: Model) -> Any | None:
    outer = first.args[0] if isinstance(first, sp.Transpose) else first
    wanted = Gradient if isinstance(first, sp.Transpose) else Jacobian
    if not (isinstance(outer, wanted) and isinstance(second, Jacobian) and outer.mode == second.mode == "total"):
        return None
    a, b, c = outer.what, outer.by, second.by
    if second.what != b or not (is_column(b) and is_column(c) and a.name != c.name and cuts(a, b, c.name, model)):
        return None
    if wanted is Jacobian:
        return Jacobian(a, c) if is_column(a) else None
    return transpose(Gradient(a, c))


def telescoped(node: Any, facts: Facts, model: Model) -> Any | None:
    """Π_{j=a}^{b} ∂h_j/∂h_{j-1} descending = ∂h_b/∂h_{a-1}, where h_{j-1} cuts h_j from all earlier h."""
    if not isinstance(node, TimeProduct) or node.direction != "descending":
        return None
    body, index, made = node.body, node.index, None
    if isinstance(body, Jacobian) and body.mode == "total" and is_column(body.what) and is_column(body.by):
        made = model.produced(body.what.name)
    if made is None or body.what.name != body.by.name or (body.what.time, body.by.time) != (index, index - 1):
        return None
    if not (is_nonnegative(node.lo - made[0], facts) and is_nonnegative(made[1] - node.hi, facts)):
        return None
    if not cuts(body.what, body.by, body.by.name, model):
        return None
    return Jacobian(body.what.at(node.hi), body.by.at(node.lo - 1))


def skipped(node: Any, facts: Facts, model: Model) -> Any | None:
    """Σ_{k=a}^{b} A_k = Σ_{k=a+1}^{b} A_k, if A_a has a factor ∂h_a/∂W, h_a an input and W another; a ≤ b."""
    if not isinstance(node, TimeSum) or not is_nonnegative(node.hi - node.lo, facts):
        return None
    inner = node.body.family if isinstance(node.body, Collect) else node.body
    factors = inner.args if isinstance(inner, sp.MatMul) else (inner,)
    if not any(isinstance(d, DerivativeNode) and _is_unmoved(d, node, model) for d in factors):
        return None
    return TimeSum(node.body, node.index, node.lo + 1, node.hi)


def _is_unmoved(derivative: Any, total: TimeSum, model: Model) -> bool:
    what, by = derivative.what, variable_of(derivative.by)
    made = model.produced(what.name) if isinstance(what, Member) and what.indices else None
    if made is None or not isinstance(by, sp.MatrixSymbol) or by.name == what.name:
        return False
    before = sp.expand(made[0] - what.time.xreplace({total.index: total.lo}))
    return bool(before.is_Integer and before > 0)


def is_column(expr: Any) -> bool:
    """A member of a step that is a column."""
    return isinstance(expr, Member) and bool(expr.indices) and not expr.col_axis


def cuts(a: Any, b: Any, name: str, model: Model) -> bool:
    """Whether every way from what has a name to a, up to the first one, leads through b."""
    ways = _ways(a, b, name, model, ())
    return ways is not None and b in ways


def _ways(a: Any, b: Any, name: str, model: Model, path: tuple[str, ...]) -> set[Any] | None:
    """What a reads that the name moves, if b is all of it; None if something else is."""
    reads = _reads(a, model)
    if reads is None or a.name in path:
        return None
    found = set[Any]()
    for read in reads:
        if name not in computed_from({str(read.name)}, model):
            continue
        inner = {b} if read == b else None
        if read != b and read.name != name and isinstance(read, Member) and read.indices:
            inner = _ways(read, b, name, model, (*path, a.name))
        if inner is None:
            return None
        found |= inner
    return found


def _reads(a: Any, model: Model) -> list[Any] | None:
    """The members and symbols in the equation of a member; None where it has none, or has a range or derivative."""
    equation = model.by_name.get(str(a.name)) if isinstance(a, Member) and a.indices else None
    if equation is None or equation.index is None:
        return None
    nodes = list(sp.preorder_traversal(equation.at(a.time)))
    if any(isinstance(node, DerivativeNode | TimeSum | TimeProduct) for node in nodes):
        return None
    return [node for node in nodes if isinstance(node, Member | sp.MatrixSymbol)]


RULES = {rule.__name__: rule for rule in (chained, telescoped, skipped)}


def shortened(goal: Claim) -> Rewriting:
    """The goal with its chains of derivatives made short, where nothing is assumed."""
    current = Rewriting(goal)
    while not goal.assumptions and len(current.steps) < MOST_REWRITES:
        found = next(_shorter(current), None)
        if found is None:
            break
        current = found
    return current


def _shorter(current: Rewriting) -> Iterator[Rewriting]:
    for side in ("left", "right"):
        for place in places(getattr(current.goal, side), facts_of(current.goal)):
            for name, new in _applied(place, current.goal.model):
                yield current.put(side, place.path, new, {"rule": name})


def _applied(place: Place, model: Model) -> Iterator[tuple[str, Any]]:
    for name, rule in RULES.items():
        new = rule(place.node, place.facts, model)
        if new is not None:
            yield name, new


# --- a member as a loss ----------------------------------------------------------------------------------------------


def opaque(claim: Claim) -> Claim | None:
    """A scalar e_t = g(y_t, …) of the last step is a loss of y_t: what holds for every loss of y_t holds for it."""
    sides = (claim.left, claim.right)
    nodes = [n for side in sides for n in sp.preorder_traversal(side) if isinstance(n, DerivativeNode)]
    for e in dict.fromkeys(n.what for n in nodes):
        parts = _parts(e, claim, nodes)
        if not parts:
            continue
        symbol = sp.MatrixSymbol(fresh_name(claim, "E"), 1, 1)
        equations = [equation for equation in claim.model.equations if equation.name != e.name]
        loss = Loss(symbol, tuple((part, "last") for part in parts))
        model = Model(equations, (*claim.model.losses, loss), claim.model.time)
        left, right = (_of_loss(side, e, symbol) for side in sides)
        return replace(claim, left=left, right=right, model=model)
    return None


def _parts(e: Any, claim: Claim, nodes: list[Any]) -> list[str]:
    """What moves in the equation of e, if that is members of e's own step, the last; else nothing."""
    model, last = claim.model, claim.model.time.last
    if claim.assumptions or not (isinstance(e, Member) and e.indices and e.shape == (1, 1) and e.time == last):
        return []
    reads = _reads(e, model)
    formulas = [equation.right for equation in model.equations]
    if reads is None or any(_names(formula) & {e.name} for formula in formulas):
        return []
    inner = [n for formula in formulas for n in sp.preorder_traversal(formula) if isinstance(n, DerivativeNode)]
    moving = {name for node in (*nodes, *inner) for name in _names(node.by)}
    moved = [read for read in reads if computed_from({str(read.name)}, model) & moving]
    return list(dict.fromkeys(str(m.name) for m in moved)) if all(_is_last(m, model) for m in moved) else []


def _is_last(read: Any, model: Model) -> bool:
    made = model.produced(str(read.name))
    is_member = isinstance(read, Member) and bool(read.indices)
    return is_member and made is not None and bool(read.time == made[1] == model.time.last)


def _of_loss(expr: Any, e: Any, symbol: Any) -> Any:
    if isinstance(expr, DerivativeNode):
        return expr.func(symbol, expr.by) if expr.what == e and expr.mode == "total" else expr
    return mapped(expr, lambda arg: _of_loss(arg, e, symbol)) if isinstance(expr, sp.MatrixExpr) else expr


# --- steps that nothing reads ----------------------------------------------------------------------------------------


def trimmed(claim: Claim) -> Claim | None:
    """Equations that go on after the last step end with it, as the checker lets them if nothing reads what is later."""
    last = claim.model.time.last
    equations = [
        replace(e, last=None) if e.last is not None and sp.expand(e.last - last).is_positive else e
        for e in claim.model.equations
    ]
    if tuple(equations) == claim.model.equations:
        return None
    return replace(claim, model=Model(equations, claim.model.losses, claim.model.time))


def _names(expr: Any) -> set[str]:
    return {str(node.name) for node in sp.preorder_traversal(expr) if isinstance(node, Member | sp.MatrixSymbol)}
