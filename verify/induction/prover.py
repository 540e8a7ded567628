"""The search for a proof for all steps: base, direction, peeling and the hypothesis's place are found by trying all.

A goal is closed only by a claim that both deciders settle. Every step lands in the certificate, which a checker
that shares nothing with this file replays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from derive.errors import BackproofError
from derive.language.nodes import TimeSum
from derive.language.show import show
from derive.language.substitute import fresh_letter, substitute
from verify.claim import Claim, Condition, Index
from verify.deciders import normal_form, prime_field
from verify.deciders.outcome import Outcome
from verify.induction import reductions
from verify.induction.certificate import CertificateError, Node, decode, encode, write
from verify.induction.checker import rules_hold
from verify.induction.context import facts_of, is_nonnegative
from verify.induction.formulas import RULES, Place, Range, flat, placed, places, rebuilt
from verify.version import VERSION

WITNESS = "induction"
MOST_REWRITES = 80


@dataclass(frozen=True)
class Proof:
    """A claim that holds for all steps: its certificate (data), and what the report says."""

    claim: Claim
    certificate: dict[str, Any]
    outcomes: tuple[Outcome, ...]


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


@dataclass(frozen=True)
class Effort:
    """What the search shares: the seed and the normal form's memory."""

    seed: int
    session: normal_form.Session


def prove(claim: Claim, *, seed: int = 0, session: normal_form.Session | None = None) -> Proof | None:
    """A proof for all steps and all sizes, None where none is found. Raises nothing for unprovable claims.

    `session` shares the normal form's memory between claims.
    """
    if claim.relation != "=" or claim.is_timeless or not isinstance(claim.model.time.last, sp.Symbol):
        return None
    effort = Effort(seed, session or normal_form.Session())
    try:
        root = _root(claim, effort)
        certificate = None if root is None else write(root, VERSION, seed)
        if root is None or certificate is None or not rules_hold(certificate).ok:
            return None
        return Proof(claim, certificate, (_outcome(root),))
    except (BackproofError, CertificateError, AttributeError, TypeError, ValueError):
        return None


# --- closing -----------------------------------------------------------------------------------------------------


def close(goal: Claim, effort: Effort) -> Node | None:
    """A claim without sums over symbolic ranges that both deciders settle for all steps."""
    if any(isinstance(node, Range) for side in (goal.left, goal.right) for node in sp.preorder_traversal(side)):
        return None
    form = normal_form.decide_symbolic(goal, session=effort.session)
    if form.outcome != "equal":
        return None
    field = prime_field.decide_window(goal, seed=effort.seed)
    return _closed(goal, "close", field, form) if field.outcome == "equal" else None


def start(goal: Claim, effort: Effort) -> Node | None:
    """A claim at the first step, where it is the whole run."""
    times = {goal.model.time.last: goal.model.time.first}
    form = normal_form.decide_at(goal, times, session=effort.session)
    if form.outcome != "equal":
        return None
    field = prime_field.decide_at(goal, times, seed=effort.seed)
    return _closed(goal, "start", field, form) if field.outcome == "equal" else None


def _closed(goal: Claim, rule: str, field: Outcome, form: Outcome) -> Node:
    outcomes = {outcome.witness: outcome.outcome for outcome in (field, form)}
    return Node(goal, rule, {"outcomes": outcomes, "bound": field.bound, "instances": field.instances})


# --- rewriting ---------------------------------------------------------------------------------------------------

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


def _marked(goal: Claim, letter: sp.Symbol, bottom: bool) -> frozenset[Mark]:
    """The ranges that end at the letter of an induction."""
    nodes = (node for side in (goal.left, goal.right) for node in sp.preorder_traversal(side))
    marks = {_mark(node, bottom) for node in nodes if isinstance(node, Range)}
    return frozenset(mark for mark in marks if letter in mark[2].free_symbols)


def rewritten(before: Claim, rewriting: Rewriting, then: Node | None) -> Node | None:
    """The node of a rewriting, none where nothing was rewritten."""
    if then is None or not rewriting.steps:
        return then
    return Node(before, "rewrite", {"steps": list(rewriting.steps)}, (then,))


# --- the hypothesis ----------------------------------------------------------------------------------------------


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


# --- goals -------------------------------------------------------------------------------------------------------


def _root(claim: Claim, effort: Effort) -> Node | None:
    """The claim where its members exist, in the part of its model that matters, then every line of attack."""
    scoped = reductions.scoped(claim)
    small = reductions.needed(scoped)
    found = next((made for goal in _models(small) if (made := _with_loss(goal, effort)) is not None), None)
    if found is None:
        return None
    below = found if found.goal == scoped else Node(scoped, "restrict", {}, (found,))
    return Node(claim, "scope", {}, (below,))


def _models(goal: Claim) -> Iterator[Claim]:
    yield goal
    free = reductions.unmoved_free(goal)
    if free != goal:
        yield free


def _with_loss(goal: Claim, effort: Effort) -> Node | None:
    """A loss that is a sum over time is a running sum first."""
    made = reductions.accumulated(goal)
    if made is None:
        return solve(goal, effort)
    found = solve(made, effort)
    return None if found is None else Node(goal, "accumulate", {}, (found,))


def solve(goal: Claim, effort: Effort) -> Node | None:
    """The first line of attack that works."""
    rewriting = Rewriting(goal).flattened().exhausted(factored)
    goal_ = rewriting.goal
    for attack in (close, shared, started, loss_chain, dually, down, forward):
        found = attack(goal_, effort)
        if found is not None:
            return rewritten(goal, rewriting, found)
    return None


def shared(goal: Claim, effort: Effort) -> Node | None:
    """R6: a shared parameter's derivative is the sum over its copies, then term by term."""
    for parameter in reductions.parameters(goal):
        letter = _fresh("j", goal)
        made = reductions.copied(goal, parameter, letter)
        found = None if made is None else termwise(made, effort)
        if found is not None:
            return Node(goal, "copies", {"of": encode(parameter), "letter": encode(letter)}, (found,))
    return None


def started(goal: Claim, effort: Effort) -> Node | None:
    """∂E/∂s_0: what the first step reads; then for every step."""
    for parameter in reductions.parameters(goal):
        made = reductions.read_copy(goal, parameter)
        letter = _fresh("k", goal)
        lifted = None if made is None else reductions.at_every_step(made, letter)
        if made is None or lifted is None:
            continue
        found = close(lifted, effort)
        if found is not None:
            general = Node(made, "generalise", {"letter": encode(letter)}, (found,))
            return Node(goal, "copies", {"of": encode(parameter), "letter": encode(letter)}, (general,))
    return None


def loss_chain(goal: Claim, effort: Effort) -> Node | None:
    """R6: the chain rule of an opaque loss, then term by term."""
    letter = _fresh("j", goal)
    made = reductions.by_loss(goal, letter)
    found = None if made is None else termwise(made, effort)
    return None if found is None else Node(goal, "loss", {"letter": encode(letter)}, (found,))


def dually(goal: Claim, effort: Effort) -> Node | None:
    """A Jacobian of the last step through the gradients of every loss on it."""
    made = reductions.dual(goal)
    found = None if made is None else solve(made, effort)
    return None if found is None else Node(goal, "dual", {}, (found,))


def _fresh(name: str, goal: Claim) -> sp.Symbol:
    """A step letter that the goal does not have."""
    letters = (goal.left, goal.right, goal.model.time.last, *(index.letter for index in goal.indices))
    letter = sp.Symbol(name, integer=True)
    is_taken = any(letter in sp.Basic.atoms(expr, sp.Symbol) for expr in letters)
    return fresh_letter(letter, *letters) if is_taken else letter


def termwise(goal: Claim, effort: Effort) -> Node | None:
    """Σ_k A_k = Σ_k B_k over one range, if A_k = B_k at every k of it."""
    rewriting = Rewriting(goal).flattened().exhausted(gathered)
    left, right = rewriting.goal.left, rewriting.goal.right
    if not (isinstance(left, TimeSum) and isinstance(right, TimeSum)):
        return None
    if sp.expand((left.hi - left.lo) - (right.hi - right.lo)) != 0:
        return None
    letter = _fresh("k", goal)
    term = replace(
        goal,
        left=substitute(left.body, {left.index: letter}),
        right=substitute(right.body, {right.index: letter + (right.lo - left.lo)}),
        indices=(*goal.indices, Index(letter, left.lo, left.hi)),
    )
    found = solve(term, effort)
    if found is None:
        return None
    return rewritten(goal, rewriting, Node(rewriting.goal, "termwise", {"letter": encode(letter)}, (found,)))


def down(goal: Claim, effort: Effort) -> Node | None:
    """Induction down on an index: at its last value, and from k + 1 to k."""
    for index in goal.indices:
        rest = tuple(other for other in goal.indices if other is not index)
        if any(index.letter in (other.first.free_symbols | other.last.free_symbols) for other in rest):
            continue
        base = _at_last(goal, index, rest)
        step = replace(goal, indices=(*rest, Index(index.letter, index.first, index.last - 1)))
        found = _induction(goal, step, Hypothesis(goal, index.letter, 1), lambda: _simplified(base, effort), effort)  # noqa: B023
        if found is not None:
            return Node(goal, "down", {"letter": encode(index.letter)}, found)
    return None


def _at_last(goal: Claim, index: Index, rest: tuple[Index, ...]) -> Claim:
    """The claim at the last value of an index, where the index has a value at all."""
    step = {index.letter: index.last}
    base = replace(goal, left=substitute(goal.left, step), right=substitute(goal.right, step), indices=rest)
    if is_nonnegative(index.last - index.first, facts_of(base)):
        return base
    return replace(base, conditions=(*goal.conditions, Condition(index.first, "<=", index.last)))


def forward(goal: Claim, effort: Effort) -> Node | None:
    """Induction up on the last step, for a claim about the past of a step only."""
    last, first = goal.model.time.last, sp.Integer(goal.model.time.first)
    if goal.indices or goal.conditions:
        return None
    letter = _fresh("j", goal)
    here = {last: letter}
    general = replace(goal, left=substitute(goal.left, here), right=substitute(goal.right, here))
    step = replace(general, indices=(Index(letter, first + 1, last),))
    hypothesis = Hypothesis(general, letter, -1)
    found = _induction(goal, step, hypothesis, lambda: start(goal, effort), effort)
    return None if found is None else Node(goal, "forward", {"letter": encode(letter)}, found)


def _induction(
    goal: Claim, step: Claim, hypothesis: Hypothesis, base: Callable[[], Node | None], effort: Effort
) -> tuple[Node, Node] | None:
    """Base and step; the ranges are peeled at the end that moves."""
    bottom = hypothesis.shift > 0
    marked = _marked(step, hypothesis.letter, bottom)
    if not marked:
        return None
    peeled = Rewriting(step).exhausted(peeling(bottom, marked))
    for rewriting in (*uses(peeled, hypothesis), peeled):
        closed = close(rewriting.goal, effort)
        if closed is not None:
            first = base()
            stepped = rewritten(step, rewriting, closed)
            return None if first is None or stepped is None else (first, stepped)
    return None


def _simplified(goal: Claim, effort: Effort) -> Node | None:
    rewriting = Rewriting(goal).exhausted(factored)
    return rewritten(goal, rewriting, close(rewriting.goal, effort))


# --- words -------------------------------------------------------------------------------------------------------


def _outcome(root: Node) -> Outcome:
    nodes = list(_nodes(root))
    closings = [node for node in nodes if node.rule in ("close", "start")]
    bounds = [node.data["bound"] or 0.0 for node in closings]
    return Outcome(WITNESS, "equal", len(closings), sum(bounds), "; ".join(_words(nodes)))


def _nodes(root: Node) -> Iterator[Node]:
    yield root
    for child in root.then:
        yield from _nodes(child)


def _words(nodes: list[Node]) -> Iterator[str]:
    said = {
        "accumulate": "the loss as a running sum", "copies": "one copy of {of} a step",
        "dual": "for every loss on the last step", "loss": "the chain rule of the loss", "termwise": "term by term",
        "down": "induction down on {letter}", "forward": "induction up on {letter}",
    }  # fmt: skip
    for node in nodes:
        if node.rule in said:
            yield said[node.rule].format(**{key: show(decode(data)) for key, data in node.data.items()})
    applied = [step["rule"] for node in nodes if node.rule == "rewrite" for step in node.data["steps"]]
    if applied:
        yield "rules: " + ", ".join(rule.replace("_", " ") for rule in dict.fromkeys(applied))
    if any(node.rule in ("down", "forward") for node in nodes):
        yield "hypothesis used" if "hypothesis" in applied else "hypothesis not needed"
