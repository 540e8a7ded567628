"""Rewriting sums and products over steps: one rule a function, its first docstring line the theorem.

Each rule takes a node and the facts that hold at its place and returns what the node equals, or None where it does
not apply. The certificate names the rule and the place; `checker` does every rule again in its own way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardProduct

from derive.language.build import matadd, matmul, transpose
from derive.language.derivatives import Collect, DerivativeNode
from derive.language.nodes import Component, Entries, Kronecker, Scale, TimeProduct, TimeSum, Tr, Vec
from derive.language.shapes import axes, is_coefficient
from derive.language.substitute import free_letters, substitute
from verify.induction.context import Facts, is_nonnegative, under

Range = TimeSum | TimeProduct
Path = tuple[int, ...]


def empty(node: Any, facts: Facts) -> Any | None:
    """Π_{i=a}^{a-1} A_i = I and Σ_{i=a}^{a-1} A_i = 0."""
    if not isinstance(node, Range) or sp.expand(node.hi - node.lo) != -1:
        return None
    if isinstance(node, TimeSum):
        return sp.ZeroMatrix(*node.shape)
    rows = axes(node).rows
    return sp.Identity(rows[0] if rows else 1) if len(rows) <= 1 else None


def peel_bottom(node: Any, facts: Facts) -> Any | None:
    """Π_{i=a}^{b} A_i = (Π_{i=a+1}^{b} A_i) A_a descending, A_a Π_{i=a+1}^{b} A_i ascending; Σ likewise; a ≤ b."""
    if not isinstance(node, Range) or not is_nonnegative(node.hi - node.lo, facts):
        return None
    term, rest = _term(node, node.lo), _with_range(node, node.lo + 1, node.hi)
    if isinstance(node, TimeSum):
        return matadd(term, rest)
    return matmul(rest, term) if node.direction == "descending" else matmul(term, rest)


def peel_top(node: Any, facts: Facts) -> Any | None:
    """Π_{i=a}^{b} A_i = A_b Π_{i=a}^{b-1} A_i descending, (Π_{i=a}^{b-1} A_i) A_b ascending; Σ likewise; a ≤ b."""
    if not isinstance(node, Range) or not is_nonnegative(node.hi - node.lo, facts):
        return None
    term, rest = _term(node, node.hi), _with_range(node, node.lo, node.hi - 1)
    if isinstance(node, TimeSum):
        return matadd(rest, term)
    return matmul(term, rest) if node.direction == "descending" else matmul(rest, term)


def _term(node: Any, step: Any) -> Any:
    return substitute(node.body, {node.index: step})


def _with_range(node: Any, lo: Any, hi: Any) -> Any:
    return node.func(node.body, node.index, lo, hi, *node.args[4:])


def drop_neutral(node: Any, facts: Facts) -> Any | None:
    """I A = A I = A, and A + 0 = A."""
    if isinstance(node, sp.MatMul):
        kept = [factor for factor in node.args if not isinstance(factor, sp.Identity)]
        if len(kept) < len(node.args) and any(not is_coefficient(factor) for factor in kept):
            return matmul(*kept)
    if isinstance(node, sp.MatAdd):
        kept = [term for term in node.args if not isinstance(term, sp.ZeroMatrix)]
        if 0 < len(kept) < len(node.args):
            return matadd(*kept)
    return None


def reverse(node: Any, facts: Facts) -> Any | None:
    """(A B)ᵀ = Bᵀ Aᵀ, (A + B)ᵀ = Aᵀ + Bᵀ, (Σ A)ᵀ = Σ Aᵀ, and (Π A)ᵀ = Π Aᵀ in the other direction."""
    if not isinstance(node, sp.Transpose):
        return None
    inner = node.args[0]
    if isinstance(inner, sp.MatMul):
        numbers = [factor for factor in inner.args if is_coefficient(factor)]
        return matmul(*numbers, *(transpose(f) for f in reversed(inner.args) if not is_coefficient(f)))
    if isinstance(inner, sp.MatAdd):
        return matadd(*(transpose(term) for term in inner.args))
    if isinstance(inner, TimeSum):
        return TimeSum(transpose(inner.body), *inner.args[1:])
    if isinstance(inner, TimeProduct):
        other = "ascending" if inner.direction == "descending" else "descending"
        return TimeProduct(transpose(inner.body), inner.index, inner.lo, inner.hi, other)
    return None


def factor_left(node: Any, facts: Facts) -> Any | None:
    """Σ_k A B_k = A Σ_k B_k."""
    if isinstance(node, TimeSum) and isinstance(node.body, sp.MatMul):
        first, *rest = node.body.args
        if any(not is_coefficient(factor) for factor in rest) and node.index not in free_letters(first):
            return matmul(first, TimeSum(matmul(*rest), *node.args[1:]))
    return None


def factor_right(node: Any, facts: Facts) -> Any | None:
    """Σ_k B_k A = (Σ_k B_k) A."""
    if isinstance(node, TimeSum) and isinstance(node.body, sp.MatMul):
        *rest, final = node.body.args
        if any(not is_coefficient(factor) for factor in rest) and node.index not in free_letters(final):
            return matmul(TimeSum(matmul(*rest), *node.args[1:]), final)
    return None


def distribute(node: Any, facts: Facts) -> Any | None:
    """A (B + C) D = A B D + A C D, where one of the terms is a sum over steps."""
    if not isinstance(node, sp.MatMul):
        return None
    for place, factor in enumerate(node.args):
        if isinstance(factor, sp.MatAdd) and any(isinstance(term, TimeSum) for term in factor.args):
            before, after = node.args[:place], node.args[place + 1 :]
            return matadd(*(matmul(*before, term, *after) for term in factor.args))
    return None


def absorb_top(node: Any, facts: Facts) -> Any | None:
    """Σ_{k=a}^{b} A_k + A_{b+1} = Σ_{k=a}^{b+1} A_k."""
    return _absorbed(node, 1)


def absorb_bottom(node: Any, facts: Facts) -> Any | None:
    """A_{a-1} + Σ_{k=a}^{b} A_k = Σ_{k=a-1}^{b} A_k."""
    return _absorbed(node, -1)


def _absorbed(node: Any, end: int) -> Any | None:
    for place, total in enumerate(node.args if isinstance(node, sp.MatAdd) else ()):
        if isinstance(total, TimeSum):
            step = total.hi + 1 if end > 0 else total.lo - 1
            term = settled(_term(total, step))
            other = next((i for i, arg in enumerate(node.args) if i != place and settled(arg) == term), None)
            if other is not None:
                lo, hi = (total.lo, step) if end > 0 else (step, total.hi)
                args = [_with_range(total, lo, hi) if i == place else arg for i, arg in enumerate(node.args)]
                return matadd(*(arg for i, arg in enumerate(args) if i != other))
    return None


def settled(expr: Any) -> Any:
    """A formula without empty ranges and neutral elements; derivatives are not entered."""
    if not isinstance(expr, sp.MatrixExpr) or not expr.args or isinstance(expr, sp.MatrixSymbol | DerivativeNode):
        return expr
    inner = rebuilt(expr, [settled(arg) for arg in expr.args])
    return next((new for rule in (empty, drop_neutral) if (new := rule(inner, ())) is not None), inner)


LINEAR = (sp.Transpose, sp.MatMul, HadamardProduct, Collect, Kronecker, Scale, Tr, Vec, Component, Entries)


def pull_out(node: Any, facts: Facts) -> Any | None:
    """L(Σ_k A_k) = Σ_k L(A_k) for linear L: a product, transpose, vec, ⊗, ⊙, trace, component, array by entries."""
    if not isinstance(node, LINEAR):
        return None
    place = next((i for i, arg in enumerate(node.args) if isinstance(arg, TimeSum)), None)
    if place is None:
        return None
    total = node.args[place]
    others = set().union(*(free_letters(arg) for i, arg in enumerate(node.args) if i != place))
    if total.index in others:
        return None
    return TimeSum(rebuilt(node, [*node.args[:place], total.body, *node.args[place + 1 :]]), *total.args[1:])


Rule = Callable[[Any, Facts], Any]
RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        empty,
        peel_bottom,
        peel_top,
        drop_neutral,
        reverse,
        factor_left,
        factor_right,
        pull_out,
        distribute,
        absorb_top,
        absorb_bottom,
    )
}


# --- places ------------------------------------------------------------------------------------------------------


def rebuilt(node: Any, args: list[Any]) -> Any:
    """A node with other arguments; products and sums stay flat (both are associative), Aᵀᵀ is A."""
    if isinstance(node, sp.MatMul):
        return matmul(*args)
    if isinstance(node, sp.MatAdd):
        return matadd(*args)
    if isinstance(node, sp.Transpose):
        return transpose(*args)
    if tuple(args) == node.args:
        return node
    return sp.Basic.__new__(type(node), *args) if type(node).__module__.startswith("sympy") else node.func(*args)


def flat(expr: Any) -> Any:
    """The same formula with products of products and sums of sums written flat."""
    if not isinstance(expr, sp.MatrixExpr) or not expr.args or isinstance(expr, sp.MatrixSymbol):
        return expr
    return rebuilt(expr, [flat(arg) for arg in expr.args])


def placed(expr: Any, path: Path, new: Any) -> Any:
    """The formula with another subformula at a place."""
    if not path:
        return new
    args = list(expr.args)
    args[path[0]] = placed(args[path[0]], path[1:], new)
    return rebuilt(expr, args)


@dataclass(frozen=True)
class Place:
    """A subformula, where it stands, and what is known there."""

    node: Any
    path: Path
    facts: Facts


def places(expr: Any, facts: Facts, path: Path = ()) -> Iterator[Place]:
    """Every matrix subformula, outermost first; derivatives are not entered."""
    yield Place(expr, path, facts)
    if isinstance(expr, DerivativeNode):
        return
    for position, arg in enumerate(expr.args):
        if isinstance(arg, sp.MatrixExpr):
            inner = under(facts, expr) if isinstance(expr, Range) else facts
            yield from places(arg, inner, (*path, position))
