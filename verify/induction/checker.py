"""Replays a certificate: every rule is done again, and both deciders close again.

Nothing of the search is imported. A goal holds for all steps in its ranges and for all sizes if the goals below it
do: `implications.RULES` has one function a rule, which says so or raises `Rejected`. Members and ranges must exist
throughout a goal's ranges, so that no value of a letter is out of scope where a later rule needs it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp

from derive.errors import BackproofError
from derive.language.nodes import Member
from derive.language.show import show
from derive.model import Model
from verify.claim import Claim
from verify.deciders import normal_form, prime_field
from verify.deciders.outcome import Outcome
from verify.induction.certificate import FORMAT, claim_hash, decode_claim, decode_models
from verify.induction.implications import RULES, Known
from verify.induction.redone import Facts, Rejected, follows, is_range, known_of, need, under

EQUAL = {"prime field": "equal", "normal form": "equal"}


@dataclass(frozen=True)
class Replay:
    """Whether a certificate proves its claim; if not, why."""

    ok: bool
    why: str = ""
    claim: Claim | None = None


def replay(certificate: dict[str, Any], *, session: normal_form.Session | None = None) -> Replay:
    """Does every rule again, and asks both deciders of every closing claim. Raises nothing.

    `session` shares the normal form's memory between certificates of one model.
    """
    session = session or normal_form.Session()
    return _replay(certificate, lambda goal, times, seed: _decided(goal, times, seed, session))


def rules_hold(certificate: dict[str, Any]) -> Replay:
    """Does every rule again; the closing claims are taken as settled."""
    return _replay(certificate, None)


Decide = Callable[[Claim, Any, int], tuple[Outcome, Outcome]]


def _decided(goal: Claim, times: Any, seed: int, session: normal_form.Session) -> tuple[Outcome, Outcome]:
    """For all steps, or at one."""
    if times is None:
        return prime_field.decide_window(goal, seed=seed), normal_form.decide_symbolic(goal, session=session)
    return prime_field.decide_at(goal, times, seed=seed), normal_form.decide_at(goal, times, session=session)


def _replay(certificate: dict[str, Any], decide: Decide | None) -> Replay:
    try:
        need(certificate["format"] == FORMAT, f"the format is {certificate['format']!r}, not {FORMAT}")
        models = decode_models(certificate)
        root, seed = certificate["proof"], certificate["seed"]
        claim = decode_claim(root["goal"], models)
        need(certificate["text"] == f"{show(claim.left)} = {show(claim.right)}", "the text is another claim's")
        need(certificate["claim"] == claim_hash(claim, certificate["backproof"], seed), "the hash is another claim's")
        need(root["rule"] == "scope", "the first rule is not scope")
        _Tree(models, seed, decide).check(root, claim, ())
        return Replay(True, claim=claim)
    except (BackproofError, KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError) as error:
        return Replay(False, f"{type(error).__name__}: {error}")


@dataclass(frozen=True)
class _Tree:
    """A proof tree under replay: its models, the seed of its deciders, and the deciders (None: not asked)."""

    models: list[Model]
    seed: int
    decide: Decide | None

    def check(self, node: Any, goal: Claim, known: Known) -> None:
        """The goal follows from the goals below, and these hold."""
        rule, then = node["rule"], node["then"]
        need(goal.relation == "=", "the relation is no equation")
        if rule in ("close", "start"):
            need(not then, "a closed goal has no goals below")
            self.close(node, goal)
            return
        need(rule in RULES, f"unknown rule {rule!r}")
        need((rule == "forward") == (bool(then) and then[0]["rule"] == "start"), "start stands outside of forward")
        need(all(child["rule"] != "start" for child in then[1:]), "start stands outside of forward")
        below = [decode_claim(child["goal"], self.models) for child in then]
        for child in below:
            check_exists(child)
        given = RULES[rule](node, goal, known, *below) or [()] * len(below)
        for child, claim, hypotheses in zip(then, below, given, strict=True):
            self.check(child, claim, tuple(hypotheses))

    def close(self, node: Any, goal: Claim) -> None:
        """Both deciders say equal, as the certificate says."""
        need(node["outcomes"] == EQUAL, "the certificate itself says that not both deciders settle a goal")
        if self.decide is None:
            return
        times = None if node["rule"] == "close" else {goal.model.time.last: int(goal.model.time.first)}
        found = self.decide(goal, times, self.seed)
        said = {outcome.witness: outcome.outcome for outcome in found}
        if said != EQUAL or not all(outcome.is_equal_for_all_sizes for outcome in found):
            raise Rejected(f"{show(goal.left)} = {show(goal.right)} is not settled by both deciders: {said}")
        evidence = (found[0].bound, found[0].instances)
        need((node["bound"], node["instances"]) == evidence, f"the evidence is {evidence}")


def check_exists(goal: Claim) -> None:
    """Every member exists and no range is below empty, for all letters in their ranges."""
    for side in (goal.left, goal.right):
        _check_members(side, goal.model, known_of(goal))


def _check_members(expr: Any, model: Model, known: Facts) -> None:
    if is_range(expr):
        if not follows(expr.hi - expr.lo + 1, known):
            raise Rejected(f"the range of {show(expr)} may be below empty")
        known = under(known, expr)
    if isinstance(expr, Member) and expr.indices and not _exists(expr.time, model.spans(expr.name), known):
        raise Rejected(f"{show(expr)} may not exist")
    for arg in expr.args:
        if isinstance(arg, sp.MatrixExpr):
            _check_members(arg, model, known)


def _exists(time: Any, spans: Any, known: Facts) -> bool:
    """In one of the ranges, or from the first of one to the last of another that joins it."""
    return not spans or any(
        follows(time - lo, known) and follows(hi - time, known) and follows(end + 1 - start, known)
        for lo, end in spans
        for start, hi in spans
    )
