"""Facts about step letters: affine expressions that are never negative, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sympy as sp

from verify.claim import Claim

Affine = tuple[int, tuple[tuple[sp.Symbol, int], ...]]  # constant, (letter, coefficient) sorted by name
Facts = tuple[Affine, ...]
DEPTH = 4  # facts that one conclusion may add up


def affine(expr: Any) -> Affine | None:
    """The constant and the coefficients of an affine expression with integers, None for anything else."""
    constant, letters = 0, dict[sp.Symbol, int]()
    for term in sp.Add.make_args(sp.expand(expr) if not expr.is_Add else expr):
        number, rest = term.as_coeff_Mul()
        if not number.is_Integer or not (rest == 1 or rest.is_Symbol):
            return None
        if rest == 1:
            constant += int(number)
        else:
            letters[rest] = letters.get(rest, 0) + int(number)
    return constant, tuple(sorted(((k, c) for k, c in letters.items() if c), key=lambda pair: str(pair[0])))


def facts_of(claim: Claim) -> Facts:
    """first ≤ t for the last step t, the range of every index, and the conditions between steps."""
    time = claim.model.time
    known = [time.last - time.first] if isinstance(time.last, sp.Symbol) else []
    for index in claim.indices:
        known += [index.letter - index.first, index.last - index.letter]
    for condition in claim.conditions:
        gap = condition.right - condition.left
        known += {"<=": [gap], "<": [gap - 1], "=": [gap, -gap]}.get(condition.relation, [])
    return _affine_all(known)


def under(facts: Facts, binder: Any) -> Facts:
    """The facts inside a sum or product: its range is pushed into the body; what an outer letter of this name had is
    forgotten."""
    kept = tuple(fact for fact in facts if all(letter != binder.index for letter, _ in fact[1]))
    return (*_affine_all([binder.index - binder.lo, binder.hi - binder.index]), *kept)


def _affine_all(exprs: Iterable[Any]) -> Facts:
    return tuple(found for expr in exprs if (found := affine(expr)) is not None)


def is_nonnegative(expr: Any, facts: Facts) -> bool:
    """Whether expr ≥ 0 is a sum of facts and a number ≥ 0."""
    found = affine(expr)
    return found is not None and _follows(found, facts, DEPTH)


def _follows(goal: Affine, facts: Facts, depth: int) -> bool:
    constant, pairs = goal
    if not pairs:
        return constant >= 0
    if not depth:
        return False
    letter, coefficient = pairs[0]
    return any(
        _follows(_minus(goal, fact), facts, depth - 1)
        for fact in facts
        if dict(fact[1]).get(letter, 0) * coefficient > 0
    )


def _minus(first: Affine, second: Affine) -> Affine:
    letters = dict(first[1])
    for letter, coefficient in second[1]:
        letters[letter] = letters.get(letter, 0) - coefficient
    pairs = sorted(((k, c) for k, c in letters.items() if c), key=lambda pair: str(pair[0]))
    return first[0] - second[0], tuple(pairs)
