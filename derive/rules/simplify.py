"""What a textbook would tidy, by named rules: nothing is expanded, no SymPy simplification is used.

A rule takes a node and returns what it equals, or None where it does not apply.
"""

from __future__ import annotations

from itertools import combinations, permutations
from typing import Any

import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardProduct

from derive.language import nodes
from derive.language.build import hadamard, is_zero, kron, matadd, matmul, ones, transpose
from derive.language.nodes import Diag, Elementwise, Kronecker, Scale, TimeSum, Vec
from derive.language.shapes import axes, is_coefficient
from derive.rules.constants import zero_like
from derive.rules.elementwise import written_out
from derive.rules.entrywise import own_rule
from derive.rules.rewriting import Rule, Step, everywhere, step


def zero_product(node: Any) -> Any:
    """A 0 = 0."""
    if is_zero(node) or not isinstance(node, sp.MatMul | HadamardProduct | Scale | Kronecker):
        return None
    return zero_like(node) if any(map(is_zero, node.args)) else None


def zero_sum(node: Any) -> Any:
    """A + 0 = A."""
    if not isinstance(node, sp.MatAdd) or not any(map(is_zero, node.args)):
        return None
    kept = [term for term in node.args if not is_zero(term)]
    return matadd(*kept) if kept else node.args[0]


def diag_of_ones(node: Any) -> Any:
    """diag(1) = I."""
    if isinstance(node, Diag) and isinstance(node.vector, sp.OneMatrix):
        return sp.Identity(node.shape[0])
    return None


def identity_factor(node: Any) -> Any:
    """A I = A and I A = A."""
    if not isinstance(node, sp.MatMul):
        return None
    kept = [factor for factor in node.args if not isinstance(factor, sp.Identity)]
    if len(kept) == len(node.args):
        return None
    matrices = [factor for factor in kept if not is_coefficient(factor)]
    return matmul(*kept) if matrices else matmul(*kept, next(f for f in node.args if isinstance(f, sp.Identity)))


def kronecker_identity_factor(node: Any) -> Any:
    """(I ⊗ I) A = A and A (I ⊗ I) = A."""
    if not isinstance(node, sp.MatMul):
        return None
    kept = [factor for factor in node.args if not _is_kronecker_identity(factor)]
    if len(kept) == len(node.args) or all(map(is_coefficient, kept)):
        return None
    return matmul(*kept)


def ones_hadamard(node: Any) -> Any:
    """1 ⊙ A = A."""
    if not isinstance(node, HadamardProduct) or not any(isinstance(f, sp.OneMatrix) for f in node.args):
        return None
    kept = [factor for factor in node.args if not isinstance(factor, sp.OneMatrix)]
    return hadamard(*kept) if kept else node.args[0]


def scalar_one(node: Any) -> Any:
    """1 A = A."""
    if isinstance(node, Scale) and (node.scalar == sp.Identity(1) or node.scalar == ones(1, 1)):
        return node.matrix
    return None


def transpose_of_symmetric(node: Any) -> Any:
    """diag(v)ᵀ = diag(v), Iᵀ = I."""
    if not isinstance(node, sp.Transpose):
        return None
    inner = node.args[0]
    return inner if isinstance(inner, Diag | sp.Identity) or axes(inner).is_scalar else None


def transpose_of_ones(node: Any) -> Any:
    """(1 1ᵀ)ᵀ = 1 1ᵀ."""
    if isinstance(node, sp.Transpose) and isinstance(node.args[0], sp.OneMatrix):
        return ones(*reversed(node.args[0].shape))
    return None


def transpose_of_product(node: Any) -> Any:
    """(A B)ᵀ = Bᵀ Aᵀ."""
    if not isinstance(node, sp.Transpose) or not isinstance(node.args[0], sp.MatMul):
        return None
    numbers = [factor for factor in node.args[0].args if is_coefficient(factor)]
    factors = [factor for factor in node.args[0].args if not is_coefficient(factor)]
    return matmul(*numbers, *(transpose(factor) for factor in reversed(factors)))


def transpose_of_sum(node: Any) -> Any:
    """(A + B)ᵀ = Aᵀ + Bᵀ."""
    if not isinstance(node, sp.Transpose) or not isinstance(node.args[0], sp.MatAdd):
        return None
    return matadd(*(transpose(term) for term in node.args[0].args))


def transpose_of_kronecker(node: Any) -> Any:
    """(A ⊗ B)ᵀ = Aᵀ ⊗ Bᵀ."""
    if not isinstance(node, sp.Transpose) or not isinstance(node.args[0], Kronecker):
        return None
    return kron(*(transpose(factor) for factor in node.args[0].args))


def transpose_of_time_sum(node: Any) -> Any:
    """(Σ A_k)ᵀ = Σ A_kᵀ."""
    if not isinstance(node, sp.Transpose) or not isinstance(node.args[0], TimeSum):
        return None
    total = node.args[0]
    return TimeSum(transpose(total.body), total.index, total.lo, total.hi)


def transpose_of_scaled(node: Any) -> Any:
    """(c A)ᵀ = c Aᵀ."""
    if not isinstance(node, sp.Transpose) or not isinstance(node.args[0], Scale):
        return None
    return Scale(node.args[0].scalar, transpose(node.args[0].matrix))


def vec_of_column(node: Any) -> Any:
    """vec v = v for a column."""
    if isinstance(node, Vec) and axes(node.matrix).cols == ():
        return node.matrix
    return None


def reciprocal_cancels(node: Any) -> Any:
    """diag(p) (1/p ⊙ y) = y, and pᵀ (1/p ⊙ y) = 1ᵀ y."""
    if not isinstance(node, sp.MatMul):
        return None
    for place, (left, right) in enumerate(zip(node.args, node.args[1:], strict=False)):
        found = _cancelled(left, right)
        if found is not None:
            return matmul(*node.args[:place], *found, *node.args[place + 2 :])
    return None


def diag_of_product(node: Any) -> Any:
    """diag(u) v = u ⊙ v where u is a reciprocal."""
    if not isinstance(node, sp.MatMul):
        return None
    for place, (left, right) in enumerate(zip(node.args, node.args[1:], strict=False)):
        if isinstance(left, Diag) and reciprocal_of(left.vector) is not None and axes(right).cols == ():
            return matmul(*node.args[:place], hadamard(left.vector, right), *node.args[place + 2 :])
    return None


def distribute_cancelling(node: Any) -> Any:
    """(A + B) v = A v + B v where v holds a reciprocal that cancels."""
    if not isinstance(node, sp.MatMul):
        return None
    for place, (left, right) in enumerate(zip(node.args, node.args[1:], strict=False)):
        if isinstance(left, sp.MatAdd) and _has_reciprocal(right):
            before, after = node.args[:place], node.args[place + 1 :]
            return matadd(*(matmul(*before, term, *after) for term in left.args))
    return None


def collect_equal_terms(node: Any) -> Any:
    """a A + b A = (a + b) A."""
    if not isinstance(node, sp.MatAdd):
        return None
    weights: dict[Any, Any] = {}
    for term in node.args:
        number, rest = split_number(term)
        weights[rest] = weights.get(rest, 0) + number
    if len(weights) == len(node.args):
        return None
    terms = [matmul(weight, rest) for rest, weight in weights.items() if weight != 0]
    return matadd(*terms) if terms else zero_like(node)


def common_factor(node: Any) -> Any:
    """A B + A C = A (B + C), and B A + C A = (B + C) A."""
    if not isinstance(node, sp.MatAdd) or any(reciprocal_of(part) is not None for part in sp.preorder_traversal(node)):
        return None
    terms = list(node.args)
    for first, second in combinations(range(len(terms)), 2):
        found = _factored(terms[first], terms[second])
        if found is not None:
            return matadd(*terms[:first], found, *terms[first + 1 : second], *terms[second + 1 :])
    return None


def complements(node: Any) -> Any:
    """A ⊙ (1 - B) - (1 - A) ⊙ B = A - B."""
    if not isinstance(node, sp.MatAdd):
        return None
    terms = [split_number(term) for term in node.args]
    for first, second in permutations(range(len(terms)), 2):
        (a, left), (b, right) = terms[first], terms[second]
        pair = _complementary(left, right) if a == -b else None
        if pair is not None:
            kept = [term for place, term in enumerate(node.args) if place not in (first, second)]
            return matadd(matmul(a, pair[0]), matmul(b, pair[1]), *kept)
    return None


def positive_first(node: Any) -> Any:
    """-A + B = B - A."""
    if not isinstance(node, sp.MatAdd):
        return None
    minus = [term for term in node.args if split_number(term)[0].could_extract_minus_sign()]
    plus = [term for term in node.args if term not in minus]
    found = matadd(*plus, *minus)
    return None if not plus or found == node else found


def sum_one_rule(target: Any) -> Rule:
    """The rule 1ᵀ y = 1 for one target y."""

    def targets_sum_to_one(node: Any) -> Any:
        """1ᵀ y = 1, as assumed of the targets."""
        if not isinstance(node, sp.MatMul):
            return None
        for place, (left, right) in enumerate(zip(node.args, node.args[1:], strict=False)):
            if right == target and isinstance(left, sp.OneMatrix) and axes(left).rows == ():
                kept = (*node.args[:place], *node.args[place + 2 :])
                return matmul(*kept) if any(not is_coefficient(factor) for factor in kept) else None
        return None

    return targets_sum_to_one


RULES: tuple[Rule, ...] = (
    zero_product,
    zero_sum,
    written_out,
    own_rule,
    diag_of_ones,
    ones_hadamard,
    scalar_one,
    transpose_of_symmetric,
    transpose_of_ones,
    transpose_of_product,
    transpose_of_sum,
    transpose_of_kronecker,
    transpose_of_time_sum,
    transpose_of_scaled,
    vec_of_column,
    identity_factor,
    kronecker_identity_factor,
    diag_of_product,
    distribute_cancelling,
    reciprocal_cancels,
    collect_equal_terms,
    common_factor,
    complements,
    positive_first,
)


def simplified(expr: Any, rules: tuple[Rule, ...] = RULES) -> tuple[Any, tuple[Step, ...]]:
    """The formula tidied by the rules until none applies, and the steps taken."""
    steps: list[Step] = []
    while True:
        for rule in rules:
            found = everywhere(rule, expr)
            if found != expr:
                steps.append(step([rule], expr, found))
                expr = found
                break
        else:
            return expr, tuple(steps)


def _is_kronecker_identity(expr: Any) -> bool:
    return isinstance(expr, nodes.Kronecker) and all(isinstance(factor, sp.Identity) for factor in expr.args)


def reciprocal_of(expr: Any) -> Any:
    return expr.argument if isinstance(expr, Elementwise) and expr.kind == "reciprocal" and expr.order == 0 else None


def _complementary(left: Any, right: Any) -> tuple[Any, Any] | None:
    """A and B of A ⊙ (1 - B) and (1 - A) ⊙ B."""
    if not all(isinstance(side, HadamardProduct) and len(side.args) == 2 for side in (left, right)):
        return None
    for a, rest in permutations(left.args):
        b = _complement(rest)
        if b is not None and any(one == b and _complement(other) == a for one, other in permutations(right.args)):
            return a, b
    return None


def _complement(expr: Any) -> Any:
    """B of 1 - B, None for anything else."""
    if not isinstance(expr, sp.MatAdd) or len(expr.args) != 2 or not isinstance(expr.args[0], sp.OneMatrix):
        return None
    number, rest = split_number(expr.args[1])
    return rest if number == -1 else None


def _has_reciprocal(expr: Any) -> bool:
    factors = expr.args if isinstance(expr, HadamardProduct) else (expr,)
    return any(reciprocal_of(factor) is not None for factor in factors)


def _cancelled(left: Any, right: Any) -> list[Any] | None:
    """What is left of two neighbours of a product once p meets 1/p."""
    inverse = (
        next((f for f in right.args if reciprocal_of(f) is not None), None)
        if isinstance(right, HadamardProduct)
        else None
    )
    if inverse is None:
        return None
    rest = list(right.args)
    rest.remove(inverse)
    value = reciprocal_of(inverse)
    if isinstance(left, Diag) and left.vector == value:
        return [hadamard(*rest)]
    if left == transpose(value):
        return [ones(*left.shape), hadamard(*rest)]
    return None


def _factored(first: Any, second: Any) -> Any:
    """Two products with the same first or the same last factor."""
    (a, left), (b, right) = (
        (n, list(rest.args) if isinstance(rest, sp.MatMul) else [rest])
        for n, rest in map(split_number, (first, second))
    )
    if len(left) < 2 or len(right) < 2:
        return None
    if left[0] == right[0]:
        return matmul(left[0], matadd(matmul(a, *left[1:]), matmul(b, *right[1:])))
    if left[-1] == right[-1]:
        return matmul(matadd(matmul(a, *left[:-1]), matmul(b, *right[:-1])), left[-1])
    return None


def split_number(term: Any) -> tuple[Any, Any]:
    """The coefficient of a term, and the rest."""
    if not isinstance(term, sp.MatMul):
        return sp.S.One, term
    numbers = [factor for factor in term.args if is_coefficient(factor)]
    return sp.Mul(*numbers), matmul(*(factor for factor in term.args if not is_coefficient(factor)))
