"""Whether two formulas say the same by matrix algebra alone: old ⇔ new, decided by both deciders.

What is given is left out, for under it everything that is proved is equal to everything else. A derivative is a thing
of its own for the same reason: without a model ∂s_t/∂s_{t-1} would be 0.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from derive.errors import BackproofError
from derive.language.build import matadd, negate, transpose
from derive.language.derivatives import DerivativeNode
from derive.language.nodes import Member
from derive.language.shapes import axes
from derive.language.substitute import BINDERS, free_letters, fresh_letter, substitute
from derive.model import Equation, Model
from verify.check import settle
from verify.claim import Claim, Index
from verify.deadline import Overtime, deadline
from verify.induction.certificate import encode
from verify.limits import Effort
from verify.lock.meaning import in_order

SAME, DIFFERENT, UNKNOWN = "same", "different", "unknown"
FLIPPED = {"=": "=", "!=": "!=", "<=": ">=", ">=": "<=", "<": ">", ">": "<"}
SECONDS = 10.0  # of processor time for one question


@dataclass(frozen=True)
class Comparison:
    """Two claims, of the same ranges and conditions, whose formulas are compared."""

    old: Claim
    new: Claim
    seed: int = 0

    def of_statements(self) -> str:
        """Whether both state the same: side by side, the other way round, or with terms moved and sides transposed."""
        if not self._has_same_scope():
            return DIFFERENT
        (a, b), (c, d) = (self.old.left, self.old.right), (self.new.left, self.new.right)
        found = []
        if self.old.relation == self.new.relation:
            found.append(self._both((a, c), (b, d)))
        if SAME not in found and self.old.relation == FLIPPED.get(self.new.relation):
            found.append(self._both((a, d), (b, c)))
        if SAME not in found and self.old.relation == self.new.relation == "=":
            found += self._rearranged()
        return SAME if SAME in found else UNKNOWN if UNKNOWN in found else DIFFERENT

    def _has_same_scope(self) -> bool:
        old, new = self.old, self.new
        is_same = set(old.indices) == set(new.indices) and set(old.conditions) == set(new.conditions)
        return is_same and old.model.time == new.model.time

    def _both(self, *pairs: tuple[Any, Any]) -> str:
        answers = []
        for left, right in pairs:
            answers.append(self.of_formulas(left, right))
            if answers[-1] == DIFFERENT:
                return DIFFERENT
        return UNKNOWN if UNKNOWN in answers else SAME

    def _rearranged(self) -> Iterator[str]:
        """a = b + c is a - b = c, and its transpose: one difference is plus or minus the other, and neither is 0."""
        old, new = (matadd(one.left, negate(one.right)) for one in (self.old, self.new))
        if self.of_formulas(self.old.left, self.old.right) != DIFFERENT:
            return  # what holds by algebra alone would be any other such line
        for other in (new, negate(new), transpose(new), negate(transpose(new))):
            answer = self.of_formulas(old, other)
            yield answer
            if answer == SAME:
                return

    def of_formulas(self, old: Any, new: Any) -> str:
        """Whether two formulas are equal for all sizes and steps, whatever their letters are."""
        if old == new:
            return SAME
        try:
            if axes(old) != axes(new):
                return DIFFERENT
            known = _opaque(old), _opaque(new)
            assumptions = self.new.assumptions if self.new.assumptions == self.old.assumptions else ()
            claim = replace(
                self.new,
                left=known[0],
                right=known[1],
                relation="=",
                assumptions=assumptions,
                model=Model((), time=self.new.model.time),
            )
            answer = _answer(claim, self.seed)
        except (BackproofError, ValueError, TypeError, RecursionError):
            return UNKNOWN
        return UNKNOWN if answer == DIFFERENT and _has_unfolded_derivative(old, new) else answer

    def of_equations(self, old: Equation, new: Equation) -> str:
        """Whether two givens define the same thing in the same way, whatever their own step letters are."""
        last = self.new.model.time.last
        letter = fresh_letter(sp.Symbol("k", integer=True), old.left, old.right, new.left, new.right, sp.sympify(last))
        sides = []
        for equation in (old, new):
            own = {} if equation.index is None else {equation.index: letter}
            sides.append(
                (substitute(equation.left, own), substitute(equation.right, own), equation.first, equation.last)
            )
        (defined, first, *bounds), (other, second, *others) = sides
        if defined != other or bounds != others or (old.index is None) != (new.index is None):
            return DIFFERENT
        indices = () if old.index is None else (Index(letter, sp.Integer(self.new.model.time.first), last),)
        alone = replace(
            self.new, left=first, right=first, indices=indices, conditions=(), model=Model((), time=self.new.model.time)
        )
        return Comparison(alone, alone, self.seed).of_formulas(first, second)


def _answer(claim: Claim, seed: int) -> str:
    """What both deciders say of an equation under no model."""
    try:
        with deadline(SECONDS):
            found = settle(claim, Effort(examples=0, seed=seed)).verdict
    except Overtime:
        return UNKNOWN
    return {"proved": SAME, "refuted": DIFFERENT}.get(found, UNKNOWN)


def _has_unfolded_derivative(old: Any, new: Any) -> bool:
    """Whether a derivative of more than a name stands on one side alone: it may be another's, written differently."""
    one, other = (
        {node for node in sp.preorder_traversal(expr) if isinstance(node, DerivativeNode)} for expr in (old, new)
    )
    return any(not isinstance(node.what, Member | sp.MatrixSymbol) for node in one ^ other)


def _opaque(expr: Any) -> Any:
    """A formula with a family of its own for each derivative, indexed by the step letters in it."""
    if isinstance(expr, DerivativeNode):
        found = axes(expr)
        letters = sorted((letter for letter in free_letters(expr) if not letter.is_positive), key=str)
        places = {letter: sp.Symbol(f"•{place}", integer=True) for place, letter in enumerate(letters)}
        name = json.dumps(in_order(encode(substitute(expr, places))))
        return Member(name, letters, *found.plain)
    if not isinstance(expr, sp.MatrixExpr) or isinstance(expr, Member | sp.MatrixSymbol):
        return expr
    args = tuple(_opaque(arg) for arg in expr.args)
    if args == expr.args:
        return expr
    if isinstance(expr, BINDERS) or not type(expr).__module__.startswith("sympy"):
        return expr.func(*args)
    return sp.Basic.__new__(type(expr), *args)
