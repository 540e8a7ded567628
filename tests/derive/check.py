"""The vocabulary of these tests: check_* raises where a formula is not what it says."""

from __future__ import annotations

from itertools import product

import numpy as np
import sympy as sp
from numbers_of_formulas import World, family_members

from derive.language.derivatives import FamilyDerivative

SIZES = {sp.Symbol(name, integer=True, positive=True): size for name, size in (("n", 3), ("m", 2), ("p", 4))}
EVERY_SIZE = tuple(SIZES)


def check_equal(left, right, world, where=""):
    """left = right as numbers, relative to their scale."""
    a, b = world.value(left), world.value(right)
    assert a.shape == b.shape, f"{where}: {a.shape} against {b.shape}"
    assert np.isfinite(a).all()
    assert np.isfinite(b).all()
    scale = max(1.0, float(abs(a).max()))
    assert float(abs(a - b).max()) <= 1e-9 * scale, f"{where}: {left} is not {right}\n{a.real}\n{b.real}"


def check_family_equal(left, right, variable, world, where=""):
    """Two families agree member by member."""
    pairs = zip(family_members(world, left, variable), family_members(world, right, variable), strict=True)
    for (entry, a), (_, b) in pairs:
        assert np.allclose(a, b, rtol=1e-9, atol=1e-12), f"{where}: member {entry} of {left} is not that of {right}"


def instances(derivation, last=4):
    """The values of the step letters at which a derivation is claimed."""
    end = derivation.model.time.last
    letters = [letter for letter, _, _ in derivation.indices]
    for values in product(range(1, last + 1), repeat=len(letters)):
        times = {end: sp.Integer(last), **dict(zip(letters, map(sp.Integer, values), strict=True))}
        if all(_holds(condition, times) for condition in derivation.conditions):
            yield times


def _holds(condition, times):
    left, sign, right = condition
    difference = int((sp.sympify(left) - sp.sympify(right)).xreplace(times))
    return difference < 0 if sign == "<" else difference <= 0


def check_derivation(derivation, last=4, with_steps=True):
    """left = right, and every step's before = after, at every step in scope; returns how many were compared."""
    pairs = [(derivation.left, derivation.right, derivation.name)]
    if with_steps:
        pairs += [(s.before, s.after, f"{derivation.name}: {s.rule}") for s in derivation.steps]
    sums = frozenset(
        leaf.name for formula, _ in derivation.assumptions for leaf in formula.args if hasattr(leaf, "indices")
    )
    compared = 0
    for times in instances(derivation, last):
        world = World(derivation.model_with_definitions, times, SIZES, seed=1, sum_one=sums)
        for left, right, where in pairs:
            if isinstance(derivation.left, FamilyDerivative):
                check_family_equal(left, right, derivation.left.by, world, where)
            else:
                check_equal(left, right, world, where)
            compared += 1
    assert compared, f"{derivation.name} was compared nowhere"
    return compared
