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


def distributed(place: Place) -> str | None:
    """Factored, and products of sums written out where a sum over steps is among the terms."""
    return factored(place) or ("distribute" if RULES["distribute"](place.node, ()) is not None else None)


Mark = tuple[Any, ...]  # sum or product, its letter, the end that moves, and what is summed where that tells them apart


def peeling(bottom: bool, marked: frozenset[Mark]) -> Redex:
    """Factored, and every marked range peeled at its moving end; what is left of it is not marked."""

    def redex(place: Place) -> str | None:
        node = place.node
        if isinstance(node, Range) and {_mark(node, bottom), (*_mark(node, bottom), node.body)} & marked:
            return tidy(place) or ("peel_bottom" if bottom else "peel_top")
        return factored(place)

    return redex


def _mark(node: Any, bottom: bool) -> Mark:
    return type(node), node.index, node.lo if bottom else node.hi


def marked_ranges(goal: Claim, letter: sp.Symbol, bottom: bool) -> Iterator[frozenset[Mark]]:
    """The ranges that end at the letter of an induction; where they end at several steps, told apart by their bodies.

    Of Σ_{k≥t} a_k + Σ_{k≥t+1} b_k each is to be peeled once, though what is left of the first begins as the second.
    """
    nodes = (node for side in (goal.left, goal.right) for node in sp.preorder_traversal(side))
    ranges = [node for node in nodes if isinstance(node, Range) and letter in _mark(node, bottom)[2].free_symbols]
    marks = frozenset(_mark(node, bottom) for node in ranges)
    if marks:
        yield marks
    if len({mark[2] for mark in marks}) > 1:
        yield frozenset((*_mark(node, bottom), node.body) for node in ranges)


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
                    node, where = _replaced(place.node, found, new)
                    yield rewriting.put(side, place.path, node, {"rule": "hypothesis", "old": name, **where})


def _replaced(node: Any, found: tuple[int, ...], new: Any) -> tuple[Any, dict[str, list[int]]]:
    """The node with what stands at these places replaced, and how a certificate says where."""
    if isinstance(node, sp.MatAdd) and found != WHOLE:
        rest = [term for i, term in enumerate(node.args) if i not in found]
        return rebuilt(node, [*rest, new]), {"terms": list(found)}
    args = list(node.args)
    args[found[0] : found[1]] = [new]
    return new if found == WHOLE else rebuilt(node, args), {"slice": list(found)}


WHOLE = (0, -1)


def _occurrence(node: Any, old: Any) -> tuple[int, ...] | None:
    """Where a formula stands in a node: as the whole, as neighbouring factors, or as terms, one by one."""
    if node == old:
        return WHOLE
    if isinstance(node, sp.MatMul) and isinstance(old, sp.MatMul):
        width = len(old.args)
        return next(
            ((i, i + width) for i in range(len(node.args) - width + 1) if node.args[i : i + width] == old.args), None
        )
    return _terms(node, old) if isinstance(node, sp.MatAdd) and isinstance(old, sp.MatAdd) else None


def _terms(node: Any, old: Any) -> tuple[int, ...] | None:
    """The places of a sum's terms among another's, each place once; they are fewer than all."""
    found: list[int] = []
    for term in old.args:
        place = next((i for i, arg in enumerate(node.args) if arg == term and i not in found), None)
        if place is None:
            return None
        found.append(place)
    return tuple(found) if len(found) < len(node.args) else None
