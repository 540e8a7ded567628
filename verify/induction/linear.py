"""Claims that imply a claim by linearity: a loss without its constant factor, and a loss term by term."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sympy as sp

from derive.language.build import matadd, matmul
from derive.language.derivatives import Collect, DerivativeNode
from derive.language.nodes import Member, Scale, TimeSum
from derive.language.shapes import is_coefficient
from derive.language.substitute import substitute
from derive.model import Equation, Model
from verify.claim import Claim
from verify.induction.formulas import rebuilt


def unscaled(claim: Claim) -> Claim | None:
    """E = c Σ_k ℓ_k is c times E' = Σ_k ℓ_k: a claim that is linear in E, divided by c, is one of E'."""
    model = claim.model
    found = next((e for e in model.equations if _has_factor(e, model)), None)
    if found is None:
        return None
    factor = sp.Mul(*(arg for arg in found.right.args if is_coefficient(arg)))
    plain = matmul(*(arg for arg in found.right.args if not is_coefficient(arg)))
    divided = _Divided(found.left, factor, model)
    left, right = divided(claim.left), divided(claim.right)
    if left is None or right is None:
        return None
    equations = [replace(e, right=plain) if e is found else e for e in model.equations]
    return replace(claim, left=left, right=right, model=Model(equations, model.losses, model.time))


def _has_factor(equation: Equation, model: Model) -> bool:
    """c Σ_k ℓ_k with the number of steps in c; other factors need no care."""
    if equation.index is not None or equation.left.shape != (1, 1) or not isinstance(equation.right, sp.MatMul):
        return False
    factor = sp.Mul(*(arg for arg in equation.right.args if is_coefficient(arg)))
    matrices = [arg for arg in equation.right.args if not is_coefficient(arg)]
    return factor.free_symbols == {model.time.last} and len(matrices) == 1 and isinstance(matrices[0], TimeSum)


class _Divided:
    """Formulas over c, where each term is linear in the loss or has the factor c; None for others."""

    def __init__(self, loss: Any, factor: Any, model: Model) -> None:
        self.loss, self.factor = loss, factor
        self.names = {e.name for e in model.equations if model.is_definition(e) and loss in _symbols(e.right)}

    def has_loss(self, expr: Any) -> bool:
        """Whether the loss, or a name for one of its derivatives, is written."""
        return self.loss in _symbols(expr) or any(
            isinstance(node, Member) and node.name in self.names for node in sp.preorder_traversal(expr)
        )

    def __call__(self, expr: Any) -> Any | None:
        if expr == self.loss or isinstance(expr, sp.ZeroMatrix) or (isinstance(expr, Member) and self.has_loss(expr)):
            return expr
        if isinstance(expr, DerivativeNode):
            return expr if expr.what == self.loss and expr.mode == "total" else None
        if isinstance(expr, sp.MatAdd):
            terms = [self(term) for term in expr.args]
            return None if any(term is None for term in terms) else matadd(*terms)
        places = [place for place, arg in enumerate(expr.args) if self.has_loss(arg)]
        if not places:
            return self._without_factor(expr)
        if len(places) > 1 or not isinstance(expr, sp.MatMul | sp.Transpose | TimeSum | Collect | Scale):
            return None
        inner = self(expr.args[places[0]])
        args = [inner if place == places[0] else arg for place, arg in enumerate(expr.args)]
        return None if inner is None else rebuilt(expr, args)

    def _without_factor(self, expr: Any) -> Any | None:
        if isinstance(expr, sp.Transpose):
            inner = self._without_factor(expr.args[0])
            return None if inner is None else rebuilt(expr, [inner])
        if not isinstance(expr, sp.MatMul):
            return None
        number = sp.Mul(*(arg for arg in expr.args if is_coefficient(arg))) / self.factor
        matrices = [arg for arg in expr.args if not is_coefficient(arg)]
        return matmul(number, *matrices) if number.is_Rational else None


def _symbols(expr: Any) -> set[Any]:
    return expr.atoms(sp.MatrixSymbol)


def by_summands(claim: Claim, letter: sp.Symbol) -> Claim | None:
    """∂(Σ_k ℓ_k)/∂X = Σ_k ∂ℓ_k/∂X for a loss that is a sum over steps."""
    sums = {e.left: e.right for e in claim.model.equations if e.index is None and isinstance(e.right, TimeSum)}

    def spread(expr: Any) -> Any:
        if isinstance(expr, DerivativeNode):
            total = sums.get(expr.what) if expr.mode == "total" else None
            if total is None:
                return expr
            body = substitute(total.body, {total.index: letter})
            return TimeSum(expr.func(body, expr.by), letter, total.lo, total.hi)
        args = [spread(arg) if isinstance(arg, sp.MatrixExpr) else arg for arg in expr.args]
        return expr if tuple(args) == expr.args else rebuilt(expr, args)

    made = replace(claim, left=spread(claim.left), right=spread(claim.right))
    return None if made == claim else made
