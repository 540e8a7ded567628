"""The rewrites of a certificate, done again for the checker: nothing of `formulas` or `context` is imported.

A rewrite takes the subformula at a place and what is known there, and returns what equals it, or raises `Rejected`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardProduct

from derive.errors import BackproofError
from derive.language.build import matadd, matmul, transpose
from derive.language.derivatives import Collect, DerivativeNode
from derive.language.nodes import Component, Entries, Kronecker, Scale, TimeProduct, TimeSum, Tr, Vec
from derive.language.shapes import axes
from derive.language.substitute import bound_letters, free_letters, substitute
from verify.claim import Claim


class Rejected(BackproofError):
    """A rule of a certificate does not apply where it stands."""


def need(holds: Any, why: str) -> None:
    """Raises Rejected where something that a rule needs does not hold."""
    if not holds:
        raise Rejected(why)


# --- what is known of step letters -------------------------------------------------------------------------------

Facts = tuple[Any, ...]  # affine expressions that are never negative


def known_of(claim: Claim) -> Facts:
    """The run has a first step; every index is in its range; conditions hold."""
    pairs = [(claim.model.time.first, claim.model.time.last)]
    pairs += [pair for i in claim.indices for pair in ((i.first, i.letter), (i.letter, i.last))]
    for c in claim.conditions:
        pairs += {
            "<=": [(c.left, c.right)],
            "<": [(c.left + 1, c.right)],
            "=": [(c.left, c.right), (c.right, c.left)],
        }.get(c.relation, [])
    return tuple(sp.expand(high - low) for low, high in pairs)


def under(known: Facts, binder: Any) -> Facts:
    """Inside a range: its own bounds, and nothing of an outer letter with the same name."""
    outer = tuple(fact for fact in known if binder.index not in fact.free_symbols)
    return (*outer, sp.expand(binder.index - binder.lo), sp.expand(binder.hi - binder.index))


def follows(gap: Any, known: Facts) -> bool:
    """gap ≥ 0, as a sum of at most four facts and a number ≥ 0."""
    facts = [fact for fact in map(_affine, known) if fact is not None]
    found = _affine(sp.sympify(gap))
    return found is not None and _follows(found, facts, 4)


def _follows(gap: dict[Any, int], facts: list[dict[Any, int]], depth: int) -> bool:
    letter = min((key for key, number in gap.items() if number and key != 1), key=_name, default=None)
    if letter is None:
        return gap.get(1, 0) >= 0
    useful = (fact for fact in facts if gap[letter] * fact.get(letter, 0) > 0)
    return depth > 0 and any(_follows(_minus(gap, fact), facts, depth - 1) for fact in useful)


def _name(letter: Any) -> str:
    return str(letter.name)


def _minus(gap: dict[Any, int], fact: dict[Any, int]) -> dict[Any, int]:
    return {key: gap.get(key, 0) - fact.get(key, 0) for key in {**gap, **fact}}


@lru_cache(maxsize=4096)
def _affine(expr: Any) -> dict[Any, int] | None:
    """Integer coefficients of letters, and of 1; None for anything else."""
    found = sp.expand(expr).as_coefficients_dict()
    if not all((key == 1 or key.is_Symbol) and number.is_Integer for key, number in found.items()):
        return None
    return {key: int(number) for key, number in found.items()}


def is_range(node: Any) -> bool:
    """A sum or product over steps."""
    return isinstance(node, TimeSum | TimeProduct)


# --- places ------------------------------------------------------------------------------------------------------


def mapped(expr: Any, change: Callable[[Any], Any]) -> Any:
    """A formula with its matrix arguments changed; products and sums stay flat."""
    args = [change(arg) if isinstance(arg, sp.MatrixExpr) else arg for arg in expr.args]
    return expr if isinstance(expr, sp.MatrixSymbol) or not args else _made(expr, args)


def _made(expr: Any, args: list[Any]) -> Any:
    flat = {sp.MatMul: matmul, sp.MatAdd: matadd, sp.Transpose: transpose}.get(type(expr))
    if flat is not None:
        return flat(*args)
    return sp.Basic.__new__(HadamardProduct, *args) if isinstance(expr, HadamardProduct) else expr.func(*args)


def rewritten(expr: Any, path: list[int], known: Facts, change: Callable[[Any, Facts], Any]) -> Any:
    """The formula with `change` done at a place, which lies in no derivative; what binders say is known there."""
    if not path:
        return change(expr, known)
    need(not isinstance(expr, DerivativeNode) and 0 <= path[0] < len(expr.args), "no place for a rewrite")
    inner = under(known, expr) if is_range(expr) else known
    args = list(expr.args)
    need(isinstance(args[path[0]], sp.MatrixExpr), "no formula stands there")
    args[path[0]] = rewritten(args[path[0]], path[1:], inner, change)
    return _made(expr, args)


# --- rewrites ----------------------------------------------------------------------------------------------------


def _empty(node: Any, known: Facts) -> Any:
    need(is_range(node) and sp.expand(node.lo - node.hi) == 1, "the range is not empty")
    if isinstance(node, TimeSum):
        return sp.ZeroMatrix(*node.shape)
    need(len(axes(node).rows) <= 1, "no identity of a product of sizes")
    return sp.Identity(node.shape[0])


def _peel(node: Any, known: Facts, at_top: bool) -> Any:
    need(is_range(node) and follows(node.hi - node.lo, known), "the range may be empty")
    lo, hi, step = (node.lo, node.hi - 1, node.hi) if at_top else (node.lo + 1, node.hi, node.lo)
    pair = [type(node)(node.body, node.index, lo, hi, *node.args[4:]), substitute(node.body, {node.index: step})]
    is_term_right = at_top == (isinstance(node, TimeSum) or node.direction == "ascending")
    join = matadd if isinstance(node, TimeSum) else matmul
    return join(*(pair if is_term_right else reversed(pair)))


def _drop_neutral(node: Any, known: Facts) -> Any:
    neutral, join = (sp.Identity, matmul) if isinstance(node, sp.MatMul) else (sp.ZeroMatrix, matadd)
    need(isinstance(node, sp.MatMul | sp.MatAdd), "neither a product nor a sum")
    kept = [arg for arg in node.args if not isinstance(arg, neutral)]
    need(len(kept) < len(node.args), "no neutral element")
    need(any(isinstance(arg, sp.MatrixExpr) for arg in kept), "nothing but neutral elements")
    return join(*kept)


def _reverse(node: Any, known: Facts) -> Any:
    need(isinstance(node, sp.Transpose), "no transpose")
    inner = node.args[0]
    if isinstance(inner, sp.MatMul):
        return matmul(*(transpose(arg) if isinstance(arg, sp.MatrixExpr) else arg for arg in reversed(inner.args)))
    need(isinstance(inner, sp.MatAdd) or is_range(inner), "the transpose of neither a sum nor a product")
    if isinstance(inner, sp.MatAdd):
        return matadd(*map(transpose, inner.args))
    turned = [{"ascending": "descending", "descending": "ascending"}[inner.direction]] if len(inner.args) > 4 else []
    return type(inner)(transpose(inner.body), *inner.args[1:4], *turned)


def _factor(node: Any, known: Facts, is_left: bool) -> Any:
    need(isinstance(node, TimeSum) and isinstance(node.body, sp.MatMul), "no sum of products")
    args = node.body.args
    constant, rest = (args[0], args[1:]) if is_left else (args[-1], args[:-1])
    need(node.index not in free_letters(constant), "the factor is not constant")
    total = TimeSum(matmul(*rest), *node.args[1:])
    return matmul(constant, total) if is_left else matmul(total, constant)


_LINEAR = (sp.Transpose, sp.MatMul, HadamardProduct, Collect, Kronecker, Scale, Tr, Vec, Component, Entries)


def _pull_out(node: Any, known: Facts) -> Any:
    need(type(node) in _LINEAR, "not linear")
    place = [isinstance(arg, TimeSum) for arg in node.args].index(True)
    total = node.args[place]
    others = [arg for i, arg in enumerate(node.args) if i != place]
    need(all(total.index not in free_letters(arg) for arg in others), "the letter would be captured")
    args = [total.body if i == place else arg for i, arg in enumerate(node.args)]
    return TimeSum(_made(node, args), *total.args[1:])


def _distribute(node: Any, known: Facts) -> Any:
    need(isinstance(node, sp.MatMul), "no product")
    sums = [isinstance(arg, sp.MatAdd) and any(isinstance(term, TimeSum) for term in arg.args) for arg in node.args]
    need(any(sums), "no factor is a sum with a sum over steps in it")
    place = sums.index(True)
    return matadd(
        *(matmul(*(term if i == place else a for i, a in enumerate(node.args))) for term in node.args[place].args)
    )


def _absorb(node: Any, known: Facts, at_top: bool) -> Any:
    """The first sum and the first other term that is its next one; the sum's range, as written, is not below empty."""
    need(isinstance(node, sp.MatAdd), "no sum of terms")
    for total in (arg for arg in node.args if isinstance(arg, TimeSum)):
        need(follows(total.hi - total.lo + 1, known), "the range may be below empty")
        step = total.hi + 1 if at_top else total.lo - 1
        following = _plain(substitute(total.body, {total.index: step}))
        rest = list(node.args)
        place = rest.index(total)
        found = next((i for i, arg in enumerate(rest) if i != place and _plain(arg) == following), None)
        if found is not None:
            bounds = (total.lo, step) if at_top else (step, total.hi)
            rest[place] = TimeSum(total.body, total.index, *bounds)
            del rest[found]
            return matadd(*rest)
    raise Rejected("no term continues a sum")


def _plain(expr: Any) -> Any:
    """Empty ranges and neutral elements done away with, outside of derivatives."""
    if isinstance(expr, DerivativeNode):
        return expr
    expr = mapped(expr, _plain)
    if is_range(expr) and sp.expand(expr.lo - expr.hi) == 1:
        return _empty(expr, ())
    neutral = {sp.MatMul: sp.Identity, sp.MatAdd: sp.ZeroMatrix}.get(type(expr))
    if neutral is not None and any(isinstance(arg, neutral) for arg in expr.args):
        kept = [arg for arg in expr.args if not isinstance(arg, neutral)]
        return _drop_neutral(expr, ()) if any(isinstance(arg, sp.MatrixExpr) for arg in kept) else expr
    return expr


REWRITES: dict[str, Callable[[Any, Facts], Any]] = {
    "empty": _empty,
    "peel_bottom": lambda node, known: _peel(node, known, False),
    "peel_top": lambda node, known: _peel(node, known, True),
    "drop_neutral": _drop_neutral,
    "reverse": _reverse,
    "factor_left": lambda node, known: _factor(node, known, True),
    "factor_right": lambda node, known: _factor(node, known, False),
    "pull_out": _pull_out,
    "distribute": _distribute,
    "absorb_top": lambda node, known: _absorb(node, known, True),
    "absorb_bottom": lambda node, known: _absorb(node, known, False),
}


# --- the hypothesis ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hypothesis:
    """A claim that may be used at letter + shift, with all its other letters as they are."""

    claim: Claim
    letter: sp.Symbol
    shift: int

    def put(self, goal: Claim, step: Any) -> Callable[[Any, Facts], Any]:
        """Replaces one side of the instance, where a step of a certificate says that it stands, by the other side."""
        at = {self.letter: self.letter + self.shift}
        old, new = ("left", "right") if step["old"] == "left" else ("right", "left")
        before, after = (substitute(getattr(self.claim, side), at) for side in (old, new))
        same = (goal.model, goal.assumptions) == (self.claim.model, self.claim.assumptions)
        need(same and step["old"] == old, "the hypothesis is of another model or side")
        letters = {index.letter for index in self.claim.indices}
        need(letters <= {index.letter for index in goal.indices}, "a letter is not of the goal")
        bound = set(_bound(getattr(goal, step["side"]), step["at"]))
        need(not bound & (letters | free_letters(before) | free_letters(after)), "a letter is bound there")
        needed = [gap.xreplace(at) for gap in known_of(self.claim)]
        need(all(follows(gap, known_of(goal)) for gap in needed), "the hypothesis is used outside of its range")

        def change(node: Any, known: Facts) -> Any:
            if "terms" in step:
                return matadd(*_without_terms(node, before, step["terms"]), after)
            start, stop = step["slice"]
            if (start, stop) == (0, -1):
                need(node == before, "the hypothesis does not stand there")
                return after
            need(isinstance(node, sp.MatMul) and isinstance(before, sp.MatMul), "no product")
            need(0 <= start < stop and node.args[start:stop] == before.args, "the hypothesis does not stand there")
            return matmul(*node.args[:start], after, *node.args[stop:])

        return change


def _without_terms(node: Any, before: Any, at: list[int]) -> list[Any]:
    """The terms of a sum that are not those of another, which stand at these places."""
    need(isinstance(node, sp.MatAdd) and isinstance(before, sp.MatAdd), "no sum of terms")
    need(len(set(at)) == len(at) and all(0 <= i < len(node.args) for i in at), "no places of terms")
    need([node.args[i] for i in at] == list(before.args), "the hypothesis does not stand there")
    return [term for i, term in enumerate(node.args) if i not in at]


def _bound(expr: Any, path: list[int]) -> Iterator[sp.Symbol]:
    """The letters that binders bind on the way to a place."""
    for position in path:
        yield from bound_letters(expr)
        expr = expr.args[position]
