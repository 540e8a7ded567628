"""A model over a whole batch: every member of a family becomes a matrix, one column a sample.

A column v_t of n entries becomes V_t of n × B; a matrix that multiplies it stays; a parameter that is added or
multiplied entry by entry is repeated for every sample, b 1ᵀ. Whatever mixes the entries of one sample in another way
(a softmax, a scalar product) has no such form and is refused.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct

from derive.errors import RuleError
from derive.language.build import matmul, ones
from derive.language.nodes import Elementwise, Member, Size
from derive.language.shapes import axes, is_coefficient
from derive.language.show import show
from derive.model import Model, leaves
from derive.rules.rewriting import rebuilt

BATCH = sp.Symbol("B", integer=True, positive=True)


def batched(model: Model, size: Size = BATCH) -> Model:
    """The model of `size` samples side by side, with the same parameters and an opaque loss of them all.

    Raises `RuleError` for an equation without a step (a loss that a formula gives), and where an operation has no
    form for matrices whose columns are samples.
    """
    for equation in model.equations:
        if equation.index is None:
            raise RuleError(f"the equation of {show(equation.left)} has no form over a batch: choose an opaque loss")
    equations = tuple(replace(e, left=_over(e.left, size), right=_over(e.right, size)) for e in model.equations)
    return Model(equations, model.losses, model.time)


def _over(expr: Any, size: Size) -> Any:
    """A column as a matrix with a column for each sample."""
    if isinstance(expr, Member) and expr.indices:
        return _wide(expr, size)
    if not any(isinstance(leaf, Member) and leaf.indices for leaf in leaves(expr)):
        return _repeated(expr, size)
    if isinstance(expr, sp.MatAdd | HadamardProduct):
        return rebuilt(expr, tuple(_over(arg, size) for arg in expr.args))
    if isinstance(expr, HadamardPower):
        return rebuilt(expr, (_over(expr.args[0], size), expr.args[1]))
    if isinstance(expr, Elementwise):
        return Elementwise(expr.args[0], expr.args[1], expr.order, _over(expr.argument, size))
    if isinstance(expr, sp.MatMul):
        return _product(expr, size)
    raise RuleError(f"{show(expr)} has no form over a batch, where every sample is a column")


def _wide(member: Member, size: Size) -> Member:
    if axes(member).cols != ():
        raise RuleError(f"{show(member)} is no column: a batch puts columns side by side")
    return Member(member.args[0], member.indices, member.args[2], (size,))


def _repeated(expr: Any, size: Size) -> Any:
    """A column that is the same for every sample: b 1ᵀ, and 1 1ᵀ written as ones."""
    if axes(expr).cols != ():
        raise RuleError(f"{show(expr)} is no column: nothing says how it is repeated for every sample")
    if isinstance(expr, sp.OneMatrix | sp.ZeroMatrix):
        return type(expr)(expr.shape[0], size)
    return matmul(expr, ones(1, size))


def _product(expr: Any, size: Size) -> Any:
    """A v: the matrices in front stay, the last factor is the column."""
    *before, last = expr.args
    if axes(last).cols != () or any(
        isinstance(leaf, Member) and leaf.indices for factor in before for leaf in leaves(factor)
    ):
        raise RuleError(f"{show(expr)} has no form over a batch: only matrices of parameters may stand before a column")
    if all(map(is_coefficient, before)):
        return matmul(*before, _over(last, size))
    if axes(expr).rows == () and axes(last).rows != ():
        raise RuleError(f"{show(expr)} has no form over a batch: it is one number a sample")
    return matmul(*before, _over(last, size))
