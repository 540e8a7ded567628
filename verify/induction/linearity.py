"""Goals from goals by linearity, for the checker: shares nothing with `linear`, which finds them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sympy as sp

from derive.language.build import matadd, matmul, transpose
from derive.language.derivatives import Collect, DerivativeNode
from derive.language.nodes import Member, Scale, TimeSum
from derive.language.substitute import free_letters, substitute
from verify.claim import Claim
from verify.induction.certificate import decode
from verify.induction.redone import Hypothesis, mapped, need

Known = tuple[Hypothesis, ...]


def scale(node: Any, goal: Claim, known: Known, child: Claim) -> None:
    """A claim linear in E = c Σ_k ℓ_k is c times the same claim of E = Σ_k ℓ_k, c a number of the whole run.

    The loss stands in each term once, outside of all but linear operations, or not at all: then the term has c.
    """
    model, made = goal.model, child.model
    need((made.losses, made.time) == (model.losses, model.time), "another loss or time")
    pairs = list(zip(model.equations, made.equations, strict=True))
    changed = [(old, new) for old, new in pairs if old != new]
    need(len(changed) == 1, "not one equation is changed")
    ((old, new),) = changed
    need(new == replace(old, right=new.right) and old.index is None and old.left.shape == (1, 1), "no loss")
    need(isinstance(new.right, TimeSum) and isinstance(old.right, sp.MatMul), "no multiple of a sum")
    need(old.right.args[1:] == (new.right,), "no multiple of the sum")
    number, loss = old.right.args[0], old.left
    need(not isinstance(number, sp.MatrixExpr) and number.free_symbols <= {model.time.last}, "the factor varies")
    named = {e.name for e in model.equations if model.is_definition(e)}
    for e in model.equations:
        need(loss.name not in _names(e.right) or e.name in named, f"{e.name} reads the loss")
        need(e.name not in named or loss.name not in _names(e.right) or _linear(e.right, loss, set()), "no derivative")
    need(all(name != loss.name for other in model.losses for name, _ in other.parts), "another loss sees the loss")
    of_loss = {e.name for e in model.equations if e.name in named and loss.name in _names(e.right)}
    for e in model.equations:
        need(not _names(e.right) & of_loss, f"{e.name} reads a derivative of the loss")
    sides = {side: _multiplied(getattr(child, side), number, loss, of_loss) for side in ("left", "right")}
    need(goal == replace(child, model=model, **sides), "not the multiple of the claim")


def _multiplied(expr: Any, number: Any, loss: Any, named: set[str]) -> Any:
    """c times a side of the claim of E', where a term that is linear in E' takes c into E."""
    if isinstance(expr, sp.MatAdd):
        return matadd(*(_multiplied(term, number, loss, named) for term in expr.args))
    if not _names(expr) & {loss.name, *named}:
        if isinstance(expr, sp.Transpose):
            return transpose(_multiplied(expr.args[0], number, loss, named))
        return expr if isinstance(expr, sp.ZeroMatrix) else matmul(number, expr)
    need(_linear(expr, loss, named), "not linear in the loss")
    return expr


def _linear(expr: Any, loss: Any, named: set[str]) -> bool:
    """Whether the loss stands once, under linear operations alone."""
    if expr == loss or (isinstance(expr, Member) and expr.name in named):
        return True
    if isinstance(expr, DerivativeNode):
        return bool(expr.what == loss and expr.mode == "total")
    inside = [arg for arg in expr.args if isinstance(arg, sp.MatrixExpr) and _names(arg) & {loss.name, *named}]
    if isinstance(expr, sp.MatAdd):
        return len(inside) == len(expr.args) and all(_linear(arg, loss, named) for arg in inside)
    is_linear = isinstance(expr, sp.MatMul | sp.Transpose | TimeSum | Collect | Scale)
    return is_linear and len(inside) == 1 and _linear(inside[0], loss, named)


def summands(node: Any, goal: Claim, known: Known, child: Claim) -> None:
    """∂(Σ_k ℓ_k)/∂X = Σ_k ∂ℓ_k/∂X, where an equation says that E is Σ_k ℓ_k."""
    letter = decode(node["letter"])
    taken = {goal.model.time.last, *(i.letter for i in goal.indices)} | goal.left.free_symbols | goal.right.free_symbols
    need(letter == sp.Symbol(letter.name, integer=True) and letter not in taken, f"{letter} is not fresh")
    totals = {str(e.name): e.right for e in goal.model.equations if e.index is None and isinstance(e.right, TimeSum)}
    need(all(letter not in free_letters(total) for total in totals.values()), f"{letter} is not fresh")

    def spread(expr: Any) -> Any:
        if not isinstance(expr, DerivativeNode):
            return mapped(expr, spread)
        if not isinstance(expr.what, sp.MatrixSymbol) or expr.what.name not in totals or expr.mode != "total":
            return expr
        total = totals[expr.what.name]
        return TimeSum(expr.func(substitute(total.body, {total.index: letter}), expr.by), letter, total.lo, total.hi)

    need(child == replace(goal, left=spread(goal.left), right=spread(goal.right)), "not the derivatives of the terms")


def _names(expr: Any) -> set[str]:
    return {str(node.name) for node in sp.preorder_traversal(expr) if isinstance(node, Member | sp.MatrixSymbol)}


RULES = {rule.__name__: rule for rule in (scale, summands)}
