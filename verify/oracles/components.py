"""SymPy's scalar `diff` on explicit components, at tiny sizes and few steps: exact rationals wherever it can be.

One entry of the variable after the other becomes a symbol, the formula is written out entry by entry, and each is
differentiated by SymPy: no rule for matrices, no hand-written slope, no float. tanh, exp and their kin are
evaluated to 50 digits, and then two entries are equal when they agree to 30.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import sympy as sp
from sympy.polys.rings import PolyElement

from derive.language.functions import OPAQUE
from derive.language.nodes import Elementwise, Softmax
from verify.claim import Claim
from verify.deciders.outcome import Outcome
from verify.instances import Instance, fitting
from verify.oracles.arithmetic import Array, Number
from verify.oracles.derivatives import Variation, gathered, laid_out, variation, varied_world
from verify.oracles.exact import PRECISION, RING, VARIABLE, ExactDraws, NotPolynomial, Smooth, numeric, smooth_at
from verify.oracles.examination import component_letters, named, places
from verify.oracles.laboratory import Laboratory, laboratory, node_key
from verify.oracles.letters import Env
from verify.oracles.limits import EXACT_ENTRIES, NotFinite, Unsupported, answered
from verify.oracles.worlds import World

LARGEST = 2  # sizes: the cost of one entry grows by a factor n a step
STEPS = 3
V = sp.Symbol("v")
RATIONAL = (OPAQUE, "identity", "reciprocal", "relu", "leaky relu")  # kinds that take rationals to rationals
POLYNOMIAL = (OPAQUE, "identity")  # kinds for which SymPy's polynomial ring serves; all others are slow
FEW_STEPS = 2
AGREE = sp.Float(10, PRECISION) ** -30


class ExactWorld(World):
    """A world of object arrays of SymPy numbers, with derivatives by scalar `diff`."""

    entries = EXACT_ENTRIES

    def __init__(self, lab: Laboratory) -> None:
        super().__init__(lab.timeline, ExactDraws(lab.draws), lab.env)
        self.found: dict[Any, Number] = {}
        if lab.plain.given:
            raise Unsupported("a bound on a norm, exactly")

    def coefficient(self, value: Any) -> Number:
        """The number itself."""
        return value

    def derivative(self, node: Any, env: Env) -> Number:
        """Entry by entry."""
        key = (type(node), node_key(node, env))
        if key not in self.found:
            self.found[key] = laid_out(node, differentiated(self, node, env))
        return self.found[key]


def differentiated(world: World, node: Any, env: Env) -> Array:
    """The raw derivative: for each entry of the variable the formula with a symbol there, differentiated, evaluated."""
    change = variation(world, node, env)
    slopes = [slopes_by(i, world, change, node, env) for i in range(change.present.size)]
    return gathered(np.stack(slopes), change.shape)


def slopes_by(i: int, world: World, change: Variation, node: Any, env: Env) -> Array:
    """∂what/∂v, v the variable's i-th entry; all other entries are numbers, which keeps the formula small.

    While everything is a rational polynomial in v, SymPy's polynomial ring holds it; tanh and its kin need
    expressions, for the ring would turn their 50 digits into a short fraction.
    """
    formulas = (node.what, *(equation.right for equation in world.timeline.model.equations))
    if not has_functions(formulas, RATIONAL):
        try:
            return slopes_in(VARIABLE, i, world, change, node, env)
        except NotPolynomial:
            pass
    return slopes_in(V, i, world, change, node, env)


def has_functions(formulas: Iterable[Any], harmless: tuple[str, ...]) -> bool:
    """Whether a function occurs beside the harmless kinds."""
    found = (node for formula in formulas for node in sp.preorder_traversal(formula))
    return any(
        isinstance(node, Softmax) or (isinstance(node, Elementwise) and node.kind not in harmless) for node in found
    )


def slopes_in(v: Any, i: int, world: World, change: Variation, node: Any, env: Env) -> Array:
    """The slopes with v as a polynomial or as a symbol."""
    present = np.array(change.present)
    here, present.flat[i] = present.flat[i], v
    varied = varied_world(world, change, present, f"component {i} by {type(v).__name__}")
    varied.coefficient = world.coefficient  # type: ignore[method-assign]
    formula = np.asarray(varied.value(node.what, env), dtype=object)
    formula = formula.reshape(*(1,) * (5 - formula.ndim), *formula.shape)
    known: dict[Any, Any] = {}
    return np.frompyfunc(lambda entry: slope(entry, here, known), 1, 1)(formula)


def slope(entry: Any, here: Any, known: dict[Any, Any]) -> Any:
    """∂entry/∂v at the present value; `known` holds what parts of formulas are worth there."""
    if isinstance(entry, PolyElement):
        return sp.sympify(entry.diff(VARIABLE).evaluate(VARIABLE, RING.domain.convert(here)))
    return value_at(sp.sympify(entry, strict=True).diff(V), here, known)


def value_at(formula: Any, here: Any, known: dict[Any, Any]) -> Any:
    """A formula in v at a number; a part that occurs often, as a derivative's do, is evaluated once."""
    if formula not in known:
        if isinstance(formula, Smooth):
            kind, order, inner = formula.args
            known[formula] = smooth_at(kind, order, value_at(inner, here, known))
            return known[formula]
        parts = [value_at(part, here, known) for part in formula.args]
        found = here if formula == V else formula.func(*parts) if parts else formula
        known[formula] = numeric(found) if isinstance(found, sp.Expr) else found  # a case of relu is none
    return known[formula]


class Components:
    """The witness: one tiny exact instance from the seeds it is given."""

    name = "components"

    def examine(self, claim: Claim, instances: Iterable[Instance]) -> Outcome:
        """The claim on the first instance, cut down to sizes ≤ 2 and few steps: exact, so one instance says much."""
        return answered(self.name, lambda: self._first(claim, instances))

    def _first(self, claim: Claim, instances: Iterable[Instance]) -> Outcome:
        formulas = (claim.left, claim.right, *(equation.right for equation in claim.model.equations))
        steps = FEW_STEPS if has_functions(formulas, POLYNOMIAL) else STEPS
        for instance in instances:
            return self._on(claim, tiny(claim, instance, steps))
        return Outcome(self.name, "unknown", detail="no instance")

    def _on(self, claim: Claim, instance: Instance) -> Outcome:
        lab = laboratory(claim, instance.batch)
        world = lab.notes.setdefault("exact", None) or ExactWorld(lab)
        lab.notes["exact"] = world
        ran = False
        for times in places(claim, lab):
            for letters in component_letters(claim, lab.env):
                env = {**lab.env, **times, **letters}
                if not all(condition.holds(dict(env)) for condition in claim.conditions):
                    continue
                ran = True
                bad = differing_entry(claim, world, env)
                if bad is not None:
                    place = {"sizes": dict(instance.sizes), "times": {**times_of(claim, lab), **named(times)}}
                    where = {**place, "seed": instance.seed, **bad}
                    return Outcome(self.name, "differ", 1, detail=f"{bad['left']} against {bad['right']}", where=where)
        return Outcome(self.name, "equal", 1) if ran else Outcome(self.name, "unknown", detail="nothing is in scope")


def times_of(claim: Claim, lab: Laboratory) -> dict[str, int]:
    """The last step, where it is a letter."""
    last = claim.model.time.last
    return {str(last): lab.timeline.last} if isinstance(last, sp.Symbol) else {}


def tiny(claim: Claim, instance: Instance, steps: int) -> Instance:
    """The instance with sizes of at most 2, as far as kernels fit, and few steps."""
    sizes = tuple((name, min(size, LARGEST)) for name, size in instance.sizes)
    return replace(instance, sizes=fitting(claim, sizes), last=min(instance.last, steps), values=())


def differing_entry(claim: Claim, world: World, env: Env) -> dict[str, Any] | None:
    """The first entry at which a claim fails, with both values as text; None where it holds."""
    sides = (np.asarray(world.value(side, env), dtype=object) for side in (claim.left, claim.right))
    left, right = np.broadcast_arrays(*sides)
    for position in np.ndindex(left.shape):
        one, two = (sp.sympify(side[position], strict=True) for side in (left, right))
        if not holds(claim.relation, one, two):
            return {"entry": position[-2:], "left": str(sp.N(one, 17)), "right": str(sp.N(two, 17))}
    return None


def holds(relation: str, left: Any, right: Any) -> bool:
    """left REL right of two numbers; equal means exactly, or to 30 digits where they are no rationals."""
    difference = left - right
    if not (left.is_finite and right.is_finite):
        raise NotFinite("a value is not finite")
    if difference.is_Rational:
        equal = difference == 0
    else:
        difference = sp.N(difference, PRECISION)
        equal = bool(abs(difference) <= AGREE * max(1, abs(left), abs(right)))
    match relation:
        case "=":
            return bool(equal)
        case "<=":
            return bool(equal or difference < 0)
        case ">=":
            return bool(equal or difference > 0)
        case _:
            raise Unsupported(f"the relation {relation}, exactly")
