"""A goal under rewriting: which rule is asked for where, and where the hypothesis of an induction stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from derive.language.nodes import TimeSum
from derive.language.substitute import substitute
from verify.claim import Claim
from verify.induction.context import facts_of
from verify.induction.formulas import RULES, Place, Range, flat, placed, places, rebuilt

MOST_REWRITES = 80

Redex = Callable[[Place], str | None]  # the rule to apply at a place


@dataclass(frozen=True)
class Rewriting:
    """A goal under rewriting: the claim as it stands, and the rule applications so far."""

    goal: Claim
    steps: tuple[dict[str, Any], ...] = ()

    def exhausted(self, redex: Redex) -> Rewriting:
        """Rules applied, outermost first, until none is asked for."""
        current = self
        while len(current.steps) < MOST_REWRITES:
            found = current._next(redex)
            if found is None:
                return current
            current = found
        return current

    def _next(self, redex: Redex) -> Rewriting | None:
        facts = facts_of(self.goal)
        for side in ("left", "right"):
            for place in places(getattr(self.goal, side), facts):
                rule = redex(place)
                new = None if rule is None else RULES[rule](place.node, place.facts)
                if new is not None:
                    return self.put(side, place.path, new, {"rule": rule})
        return None

    def put(self, side: str, path: tuple[int, ...], new: Any, step: dict[str, Any]) -> Rewriting:
        """The goal with a new subformula, and the step that put it there."""
        goal = replace(self.goal, **{side: placed(getattr(self.goal, side), path, new)})
        return Rewriting(goal, (*self.steps, {**step, "side": side, "at": list(path)}))

    def flattened(self) -> Rewriting:
        """Both sides with associative products and sums written flat."""
        goal = replace(self.goal, left=flat(self.goal.left), right=flat(self.goal.right))
        return self if goal == self.goal else Rewriting(goal, (*self.steps, {"rule": "flatten"}))


def tidy(place: Place) -> str | None:
    """Empty and singleton ranges, neutral elements, transposes inwards."""
    node = place.node
    if isinstance(node, Range):
        length = sp.expand(node.hi - node.lo + 1)
        if length in (0, 1):
            return "empty" if length == 0 else "peel_bottom"
    if isinstance(node, sp.MatMul | sp.MatAdd) and RULES["drop_neutral"](node, ()) is not None:
        return "drop_neutral"
    if isinstance(node, sp.Transpose) and RULES["reverse"](node, ()) is not None:
        return "reverse"
    return None


def factored(place: Place) -> str | None:
    """Tidy, and constants outside of sums."""
    return tidy(place) or _constant(place.node)


def _constant(node: Any) -> str | None:
    for rule in ("factor_left", "factor_right"):
        if isinstance(node, TimeSum) and RULES[rule](node, ()) is not None:
            return rule
    return None


def gathered(place: Place) -> str | None:
    """Tidy, and sums outermost."""
    return tidy(place) or ("pull_out" if RULES["pull_out"](place.node, ()) is not None else None)


def absorbing(place: Place) -> str | None:
    """A term that continues a sum beside it."""
    rules = ("absorb_top", "absorb_bottom")
    return next((rule for rule in rules if RULES[rule](place.node, ()) is not None), None)


Mark = tuple[type, sp.Symbol, Any]  # sum or product, its letter, the end that moves


def peeling(bottom: bool, marked: frozenset[Mark]) -> Redex:
    """Factored, and every marked range peeled at its moving end; what is left of it is not marked."""

    def redex(place: Place) -> str | None:
        node = place.node
        if isinstance(node, Range) and _mark(node, bottom) in marked:
            return tidy(place) or ("peel_bottom" if bottom else "peel_top")
        return factored(place)

    return redex


def _mark(node: Any, bottom: bool) -> Mark:
    return type(node), node.index, node.lo if bottom else node.hi


def marked_ranges(goal: Claim, letter: sp.Symbol, bottom: bool) -> frozenset[Mark]:
    """The ranges that end at the letter of an induction."""
    nodes = (node for side in (goal.left, goal.right) for node in sp.preorder_traversal(side))
    marks = {_mark(node, bottom) for node in nodes if isinstance(node, Range)}
    return frozenset(mark for mark in marks if letter in mark[2].free_symbols)


# --- the hypothesis ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hypothesis:
    """What the step of an induction may use: the claim at the neighbouring value of its letter."""

    claim: Claim
    letter: sp.Symbol
    shift: int

    def instance(self) -> tuple[Any, Any]:
        """Both sides at letter + shift."""
        step = {self.letter: self.letter + self.shift}
        return substitute(self.claim.left, step), substitute(self.claim.right, step)


def uses(rewriting: Rewriting, hypothesis: Hypothesis) -> Iterator[Rewriting]:
    """Every way to replace one side of the hypothesis, where it stands in the goal, by the other."""
    left, right = hypothesis.instance()
    for name, old, new in (("right", right, left), ("left", left, right)):
        if not any(isinstance(node, Range) for node in sp.preorder_traversal(old)):
            continue
        for side in ("left", "right"):
            for place in places(getattr(rewriting.goal, side), ()):
                found = _occurrence(place.node, old)
                if found is not None:
                    args = list(place.node.args)
                    args[found[0] : found[1]] = [new]
                    node = new if found == (0, -1) else rebuilt(place.node, args)
                    yield rewriting.put(
                        side, place.path, node, {"rule": "hypothesis", "old": name, "slice": list(found)}
                    )


def _occurrence(node: Any, old: Any) -> tuple[int, int] | None:
    """Where a formula stands in a node: as the whole (0, -1), or as neighbouring factors or terms."""
    if node == old:
        return 0, -1
    if isinstance(node, sp.MatMul) and isinstance(old, sp.MatMul):
        width = len(old.args)
        return next(
            ((i, i + width) for i in range(len(node.args) - width + 1) if node.args[i : i + width] == old.args), None
        )
    return None
