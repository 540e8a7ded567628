"""Tangents: one rule a node carries a small change of the leaves forward to the change of the formula.

With Ẋ the change of each leaf X along one direction, a rule gives the change of an operation from those of its
operands; `tangent` is d/dε of the formula at X + ε Ẋ, for ε = 0. None stands for 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct

from derive.language import nodes
from derive.language.build import hadamard, matadd, matmul, transpose
from derive.language.nodes import Diag, Elementwise, Member, Scale, TimeSum, Tr
from derive.rules.elementwise import prime
from derive.rules.rewriting import Rule, check_axes_kept, missing
from derive.rules.softmax import softmax_jacobian

Change = Callable[[Any], Any]  # the change of an operand, None where it has none


def tangent_of_sum(node: Any, change: Change) -> Any:
    """(A + B)˙ = Ȧ + Ḃ."""
    return _summed([change(term) for term in node.args])


def tangent_of_product(node: Any, change: Change) -> Any:
    """(A B)˙ = Ȧ B + A Ḃ."""
    terms = []
    for place, factor in enumerate(node.args):
        moved = change(factor) if getattr(factor, "is_Matrix", False) else None
        if moved is not None:
            terms.append(matmul(*node.args[:place], moved, *node.args[place + 1 :]))
    return _summed(terms)


def tangent_of_hadamard(node: Any, change: Change) -> Any:
    """(A ⊙ B)˙ = Ȧ ⊙ B + A ⊙ Ḃ."""
    moved = [(place, change(factor)) for place, factor in enumerate(node.args)]
    terms = [hadamard(*node.args[:p], one, *node.args[p + 1 :]) for p, one in moved if one is not None]
    return _summed(terms)


def tangent_of_hadamard_power(node: Any, change: Change) -> Any:
    """(A^∘k)˙ = k A^∘(k-1) ⊙ Ȧ."""
    base, exponent = node.args
    lower = base if exponent == 2 else sp.Basic.__new__(HadamardPower, base, exponent - 1)
    moved = change(base)
    return None if moved is None else matmul(exponent, hadamard(lower, moved))


def tangent_of_transpose(node: Any, change: Change) -> Any:
    """(Aᵀ)˙ = Ȧᵀ."""
    moved = change(node.args[0])
    return None if moved is None else transpose(moved)


def tangent_of_elementwise(node: Elementwise, change: Change) -> Any:
    """f(V)˙ = f'(V) ⊙ V̇."""
    moved = change(node.argument)
    return None if moved is None else hadamard(prime(node), moved)


def tangent_of_softmax(node: Any, change: Change) -> Any:
    """softmax(z)˙ = (diag p - p pᵀ) ż, p = softmax(z)."""
    moved = change(node.argument)
    return None if moved is None else matmul(softmax_jacobian(node), moved)


def tangent_of_diag(node: Diag, change: Change) -> Any:
    """diag(v)˙ = diag(v̇)."""
    moved = change(node.vector)
    return None if moved is None else Diag(moved)


def tangent_of_scale(node: Scale, change: Change) -> Any:
    """(c A)˙ = ċ A + c Ȧ."""
    scalar, matrix = change(node.scalar), change(node.matrix)
    terms = [
        None if scalar is None else Scale(scalar, node.matrix),
        None if matrix is None else Scale(node.scalar, matrix),
    ]
    return _summed(terms)


def tangent_of_trace(node: Tr, change: Change) -> Any:
    """tr(A)˙ = tr(Ȧ)."""
    moved = change(node.args[0])
    return None if moved is None else Tr(moved)


def tangent_of_time_sum(node: TimeSum, change: Change) -> Any:
    """(Σ A_k)˙ = Σ Ȧ_k."""
    moved = change(node.body)
    return None if moved is None else TimeSum(moved, node.index, node.lo, node.hi)


RULES: dict[type, Rule] = {
    sp.MatAdd: tangent_of_sum,
    sp.MatMul: tangent_of_product,
    sp.Transpose: tangent_of_transpose,
    HadamardProduct: tangent_of_hadamard,
    HadamardPower: tangent_of_hadamard_power,
    nodes.Elementwise: tangent_of_elementwise,
    nodes.Softmax: tangent_of_softmax,
    nodes.Diag: tangent_of_diag,
    nodes.Scale: tangent_of_scale,
    nodes.Tr: tangent_of_trace,
    nodes.TimeSum: tangent_of_time_sum,
}


def tangent(expr: Any, leaf: Change, used: list[Rule]) -> Any:
    """The change of a formula, None for 0; `leaf` gives that of symbols and members. The rules are added to `used`.

    Raises `RuleError` for a node without a rule.
    """
    if isinstance(expr, Member | sp.MatrixSymbol):
        return leaf(expr)
    if isinstance(expr, sp.Identity | sp.ZeroMatrix | sp.OneMatrix):
        return None
    rule = RULES.get(type(expr))
    if rule is None:
        raise missing("tangent of", expr)
    found = rule(expr, lambda operand: tangent(operand, leaf, used))
    if found is not None:
        check_axes_kept(rule.__name__, expr, found)
        if rule not in used:
            used.append(rule)
    return found


def _summed(terms: list[Any]) -> Any:
    kept = [term for term in terms if term is not None]
    return matadd(*kept) if kept else None
