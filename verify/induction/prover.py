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
from derive.language.substitute import free_letters, fresh_letter, substitute
from verify.claim import Claim, Condition, Index
from verify.deciders import normal_form, prime_field
from verify.deciders.outcome import Outcome
from verify.induction import chaining, linear, reductions, reversal, summing
from verify.induction.certificate import CertificateError, Node, decode, encode, write
from verify.induction.checker import rules_hold
from verify.induction.context import facts_of, is_nonnegative
from verify.induction.formulas import Range
from verify.induction.rewriting import (
    Hypothesis,
    Rewriting,
    absorbing,
    distributed,
    factored,
    gathered,
    marked_ranges,
    peeling,
    uses,
)
from verify.version import VERSION

WITNESS = "induction"


@dataclass(frozen=True)
class Proof:
    """A claim that holds for all steps: its certificate (data), and what the report says."""

    claim: Claim
    certificate: dict[str, Any]
    outcomes: tuple[Outcome, ...]


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
    field = prime_field.decide_window(goal, seed=effort.seed)  # first: it says no sooner than the normal form's laws
    if not field.is_equal_for_all_sizes:
        return None
    form = normal_form.decide_symbolic(goal, session=effort.session)
    return _closed(goal, "close", field, form) if form.outcome == "equal" else None


def start(goal: Claim, effort: Effort) -> Node | None:
    """A claim at the first step, where it is the whole run."""
    times = {goal.model.time.last: goal.model.time.first}
    field = prime_field.decide_at(goal, times, seed=effort.seed)
    if not field.is_equal_for_all_sizes:
        return None
    form = normal_form.decide_at(goal, times, session=effort.session)
    return _closed(goal, "start", field, form) if form.outcome == "equal" else None


def _closed(goal: Claim, rule: str, field: Outcome, form: Outcome) -> Node:
    outcomes = {outcome.witness: outcome.outcome for outcome in (field, form)}
    return Node(goal, rule, {"outcomes": outcomes, "bound": field.bound, "instances": field.instances})


def rewritten(before: Claim, rewriting: Rewriting, then: Node | None) -> Node | None:
    """The node of a rewriting, none where nothing was rewritten."""
    if then is None or not rewriting.steps:
        return then
    return Node(before, "rewrite", {"steps": list(rewriting.steps)}, (then,))


# --- goals -------------------------------------------------------------------------------------------------------


def _root(claim: Claim, effort: Effort) -> Node | None:
    """The claim where its members exist, in the part of its model that matters, then every line of attack."""
    scoped = reductions.scoped(claim)
    small = reductions.needed(scoped)
    found = next((made for goal in _models(small) if (made := _either_way(goal, effort)) is not None), None)
    if found is None:
        return None
    below = found if found.goal == scoped else Node(scoped, "restrict", {}, (found,))
    return Node(claim, "scope", {}, (below,))


def _models(goal: Claim) -> Iterator[Claim]:
    yield goal
    free = reductions.unmoved_free(goal)
    if free != goal:
        yield free


def _either_way(goal: Claim, effort: Effort) -> Node | None:
    """What runs from the last step to the first is read from its end."""
    turned = reversal.reversed_in_time(goal)
    if turned is None:
        return _with_loss(goal, effort)
    found = _with_loss(turned, effort)
    return None if found is None else Node(goal, "mirror", {}, (found,))


def _with_loss(goal: Claim, effort: Effort) -> Node | None:
    """A loss that is a sum over time is a running sum first, or is derived term by term; its factor is taken out."""
    divided = linear.unscaled(goal)
    if divided is not None:
        inner = _with_loss(divided, effort)
        return None if inner is None else Node(goal, "scale", {}, (inner,))
    made = reductions.accumulated(goal)
    if made is None:
        attacks = (_fixed, _running, solve)
        return next((found for attack in attacks if (found := attack(goal, effort)) is not None), None)
    found = solve(made, effort)
    return _by_summands(goal, effort) if found is None else Node(goal, "accumulate", {}, (found,))


def _fixed(goal: Claim, effort: Effort) -> Node | None:
    """Sums of the whole run that no derivative moves are inputs."""
    made = summing.fixed(goal)
    found = None if made is None else _with_loss(made[0], effort)
    if made is None or found is None:
        return None
    inputs = [[encode(symbol), encode(part)] for symbol, part in made[1].items()]
    return Node(goal, "fixed", {"inputs": inputs}, (found,))


def _running(goal: Claim, effort: Effort) -> Node | None:
    """A sum of the whole run is a running sum, and the scalar of it a loss of its last one."""
    made = summing.running(goal)
    found = None if made is None else _with_loss(made, effort)
    return None if found is None else Node(goal, "running", {}, (found,))


def _by_summands(goal: Claim, effort: Effort) -> Node | None:
    letter = _fresh("k", goal)
    made = linear.by_summands(goal, letter)
    found = None if made is None else termwise(made, effort)
    return None if found is None else Node(goal, "summands", {"letter": encode(letter)}, (found,))


def solve(goal: Claim, effort: Effort) -> Node | None:
    """The first line of attack that works."""
    rewriting = Rewriting(goal).flattened().exhausted(factored)
    goal_ = rewriting.goal
    for attack in (
        trimmed,
        close,
        termwise,
        carried,
        shared,
        started,
        loss_chain,
        dually,
        down,
        forward,
        absorbed,
        shortened,
        opaque,
        ending,
    ):
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


def carried(goal: Claim, effort: Effort) -> Node | None:
    """The gradient by a running sum is the same at every step: it is taken where the goal is."""
    rewriting = summing.carried(goal)
    return rewritten(goal, rewriting, solve(rewriting.goal, effort)) if rewriting.steps else None


def dually(goal: Claim, effort: Effort) -> Node | None:
    """A Jacobian of the last step through the gradients of every loss on it."""
    made = reductions.dual(goal)
    found = None if made is None else solve(made, effort)
    return None if found is None else Node(goal, "dual", {}, (found,))


def absorbed(goal: Claim, effort: Effort) -> Node | None:
    """A term beside a sum that continues it is one of the sum."""
    rewriting = Rewriting(goal).exhausted(absorbing)
    return rewritten(goal, rewriting, solve(rewriting.goal, effort)) if rewriting.steps else None


def shortened(goal: Claim, effort: Effort) -> Node | None:
    """A chain of derivatives through a cut is one derivative; terms that nothing moves are left out."""
    rewriting = chaining.shortened(goal)
    return rewritten(goal, rewriting, solve(rewriting.goal, effort)) if rewriting.steps else None


def trimmed(goal: Claim, effort: Effort) -> Node | None:
    """A layer's output is a step later than its input: the last of it is not of the run."""
    made = chaining.trimmed(goal)
    found = None if made is None else solve(made, effort)
    return None if found is None else Node(goal, "trim", {}, (found,))


def opaque(goal: Claim, effort: Effort) -> Node | None:
    """A scalar of the last step through every loss of what it reads."""
    made = chaining.opaque(goal)
    found = None if made is None else solve(made, effort)
    return None if found is None else Node(goal, "opaque", {}, (found,))


def ending(goal: Claim, effort: Effort) -> Node | None:
    """What reads the past of a step only is claimed at the last step of a run."""
    last, first = goal.model.time.last, sp.Integer(goal.model.time.first)
    if len(goal.indices) != 1 or goal.conditions or (goal.indices[0].first, goal.indices[0].last) != (first, last):
        return None
    if last in free_letters(goal.left) | free_letters(goal.right) or reductions.knows_the_end(goal):
        return None
    here = {goal.indices[0].letter: last}
    made = replace(goal, left=substitute(goal.left, here), right=substitute(goal.right, here), indices=())
    found = solve(made, effort)
    return None if found is None else Node(goal, "ending", {}, (found,))


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
    for marked in marked_ranges(step, hypothesis.letter, bottom):
        for rewriting in _attempts(Rewriting(step).exhausted(peeling(bottom, marked)), hypothesis):
            closed = close(rewriting.goal, effort)
            if closed is not None:
                first = base()
                stepped = rewritten(step, rewriting, closed)
                return None if first is None or stepped is None else (first, stepped)
    return None


def _attempts(peeled: Rewriting, hypothesis: Hypothesis) -> Iterator[Rewriting]:
    """The peeled goal with the hypothesis used somewhere, without it, and used in the goal with its products spread."""
    yield from uses(peeled, hypothesis)
    yield peeled
    spread = peeled.exhausted(distributed)
    if spread.steps != peeled.steps:
        yield from uses(spread, hypothesis)


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
        "scale": "without the loss's factor", "summands": "the loss term by term", "ending": "at the last step",
        "opaque": "for every loss of what it reads", "fixed": "for every tensor in the place of the sum",
        "running": "the sum as a running sum",
    }  # fmt: skip
    for node in nodes:
        if node.rule in said:
            named = {key: show(decode(node.data[key])) for key in ("of", "letter") if key in node.data}
            yield said[node.rule].format(**named)
    applied = [step["rule"] for node in nodes if node.rule == "rewrite" for step in node.data["steps"]]
    if applied:
        yield "rules: " + ", ".join(rule.replace("_", " ") for rule in dict.fromkeys(applied))
    if any(node.rule in ("down", "forward") for node in nodes):
        yield "hypothesis used" if "hypothesis" in applied else "hypothesis not needed"
