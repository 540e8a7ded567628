"""Roots of sizes, as in 1/√d: an unknown number for the deciders, the root itself for the numeric witnesses.

Theorem. What holds for every number r holds for r = √d. So a proof with an unknown r in its place is a proof; that
nothing is proved that way says nothing, for r² = d is not used.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sympy as sp

from derive.language.build import matmul
from derive.language.nodes import Elementwise, Scale
from derive.language.shapes import is_coefficient
from derive.model import Equation, Model
from verify.claim import Claim


def has_roots(claim: Claim) -> bool:
    """Whether a coefficient of the claim or its model holds a root of a size."""
    return any(_roots(factor) for formula in _formulas(claim) for factor in _coefficients(formula))


def with_unknown_roots(claim: Claim) -> Claim:
    """The claim with a number of its own for each root."""
    equations = tuple(_of_equation(equation) for equation in claim.model.equations)
    model = Model(equations, claim.model.losses, claim.model.time)
    return replace(claim, left=_replaced(claim.left), right=_replaced(claim.right), model=model)


def _of_equation(equation: Equation) -> Equation:
    return replace(equation, right=_replaced(equation.right))


def _formulas(claim: Claim) -> list[Any]:
    return [claim.left, claim.right, *(equation.right for equation in claim.model.equations)]


def _coefficients(formula: Any) -> list[Any]:
    products = (node for node in sp.preorder_traversal(formula) if isinstance(node, sp.MatMul))
    return [factor for product in products for factor in product.args if is_coefficient(factor)]


def _roots(coefficient: Any) -> dict[Any, int]:
    """Sizes under a root with the odd power of the root: {d: -1} of 1/√d."""
    powers = sp.sympify(coefficient).as_powers_dict()
    return {
        base: int(2 * power)
        for base, power in powers.items()
        if power.is_Rational and power.q == 2 and base.is_Symbol and base.is_positive
    }


def _replaced(expr: Any) -> Any:
    if not expr.args or not isinstance(expr, sp.MatrixExpr):
        return expr
    args = tuple(_replaced(arg) if isinstance(arg, sp.MatrixExpr) else arg for arg in expr.args)
    if isinstance(expr, sp.MatMul):
        return _product(args)
    if args == expr.args:
        return expr
    return sp.Basic.__new__(type(expr), *args) if type(expr).__module__.startswith("sympy") else expr.func(*args)


def _product(args: tuple[Any, ...]) -> Any:
    """A product with its roots taken out of the coefficients."""
    coefficient = sp.Mul(*(factor for factor in args if is_coefficient(factor)))
    roots = _roots(coefficient)
    rest = sp.Mul(
        *(factor for factor in args if is_coefficient(factor)), *(b ** sp.Rational(-k, 2) for b, k in roots.items())
    )
    found = matmul(rest, *(factor for factor in args if not is_coefficient(factor)))
    for size, power in roots.items():
        root: Any = sp.MatrixSymbol(f"\\sqrt{{{size}}}", 1, 1)
        factor = root if power > 0 else Elementwise("reciprocal", "reciprocal", 0, root)
        for _ in range(abs(power)):
            found = Scale(factor, found)
    return found
