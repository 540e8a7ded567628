"""The sigmoid under a logarithm: what its slope leaves of 1/σ and of 1/(1 - σ), as in a binary cross-entropy."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardProduct

from derive.language.build import hadamard, matadd, matmul, negate, ones
from derive.language.nodes import Diag, Elementwise, Member
from derive.language.shapes import axes
from derive.model import Model
from derive.rules.simplify import reciprocal_of, split_number


def slope_of_sigmoid(model: Model, node: Any) -> Any:
    """diag σ'(z) (1/o ⊙ u) = (1 - o) ⊙ u and diag σ'(z) (1/(1 - o) ⊙ u) = o ⊙ u where o = σ(z)."""
    if not isinstance(node, sp.MatMul):
        return None
    for place, (left, right) in enumerate(zip(node.args, node.args[1:], strict=False)):
        found = _cancelled(model, left, right)
        if found is not None:
            return matmul(*node.args[:place], found, *node.args[place + 2 :])
    return None


def _cancelled(model: Model, left: Any, right: Any) -> Any:
    """What diag σ'(z) leaves of a sum in which every term holds 1/o or 1/(1 - o), None for any other sum."""
    slope = left.vector if isinstance(left, Diag) else None
    if not isinstance(slope, Elementwise) or (slope.kind, slope.order) != ("sigmoid", 1):
        return None
    value = Elementwise(slope.args[0], slope.args[1], 0, slope.argument)
    terms = right.args if isinstance(right, sp.MatAdd) else (right,)
    for one in (value, name_of_sigmoid(model, value)):
        found = [None if one is None else _without_reciprocal(term, one) for term in terms]
        if None not in found:
            return matadd(*found) if len(found) > 1 else found[0]
    return None


def _without_reciprocal(term: Any, value: Any) -> Any:
    """c 1/o ⊙ u as c (1 - o) ⊙ u, c 1/(1 - o) ⊙ u as c o ⊙ u; scalars stay behind."""
    rest = complement_of(value)
    inverse = {value: rest, rest: value}
    number, product = split_number(term)
    factors = list(product.args) if isinstance(product, HadamardProduct) else [product]
    met = next((factor for factor in factors if reciprocal_of(factor) in inverse), None)
    if met is None:
        return None
    factors.remove(met)
    scalars: list[Any] = []
    for place, factor in enumerate(factors):
        own, factors[place], behind = _without_scalars(factor)
        number, scalars = number * own, scalars + behind
    return matmul(number, hadamard(inverse[reciprocal_of(met)], *factors), *scalars)


def _without_scalars(factor: Any) -> tuple[Any, Any, list[Any]]:
    """A number, a column and the 1×1 factors behind it."""
    number, rest = split_number(factor)
    parts = list(rest.args) if isinstance(rest, sp.MatMul) else [rest]
    behind: list[Any] = []
    while len(parts) > 1 and axes(parts[-1]).is_scalar:
        behind.insert(0, parts.pop())
    return number, matmul(*parts), behind


def complement_of(value: Any) -> Any:
    """1 - o."""
    return matadd(ones(*value.shape), negate(value))


def name_of_sigmoid(model: Model, value: Elementwise) -> Any:
    """The name o_k of σ(z_k) where the model says o_t = σ(z_t), None where it has none."""
    if not isinstance(value.argument, Member):
        return None
    for equation in model.forward:
        right = equation.right
        is_sigmoid = isinstance(right, Elementwise) and (right.kind, right.order) == ("sigmoid", 0)
        if equation.index is None or not is_sigmoid or not isinstance(right.argument, Member):
            continue
        if value.argument.name == right.argument.name:
            return equation.left.at(value.argument.time - (right.argument.time - equation.index))
    return None
