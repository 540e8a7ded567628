"""A proof by induction as it is shown: each goal as a formula, and the rule that reduces it to the goals below."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from derive.errors import BackproofError
from derive.latex.conventions import Conventions
from derive.model import Model
from verify.claim import Claim
from verify.induction.certificate import decode_claim, decode_models
from verify.induction.implications import RULES
from verify.report.html.derivations import OPEN, latex

MANY_GOALS = 60
_CLOSED = {
    "close": "Both deciders settle it: the prime field and the normal form say equal.",
    "start": "The first step, where both deciders say equal.",
}
_ROLES = {
    "down": ("base: the last step", "step: from k + 1 to k"),
    "forward": ("base: the first step", "step: from j − 1 to j"),
}


@dataclass(frozen=True)
class GoalView:
    """A goal (empty: the one above again), the rule and what it says, where it is claimed, the goals that are left."""

    latex: str
    rule: str
    says: str
    where: str
    role: str = ""  # base or step of an induction
    then: tuple[GoalView, ...] = ()


@dataclass(frozen=True)
class ProofView:
    """The proof from its claim on, and how many of its goals are not shown."""

    root: GoalView
    hidden: int = 0

    @property
    def is_induction(self) -> bool:
        """Whether a rule of it is an induction over steps, with a base and a step."""
        return _has_role(self.root)


def proof(certificate: Mapping[str, Any], declared: Conventions = OPEN) -> ProofView | None:
    """The proof of a certificate, in the conventions that are declared; None for what is none."""
    try:
        shown = _Shown(decode_models(certificate), declared)
        return ProofView(shown.goal(certificate["proof"]), max(0, shown.count - MANY_GOALS))
    except (BackproofError, KeyError, TypeError, ValueError, RecursionError):
        return None


class _Shown:
    """Goes through the tree; beyond the limit goals are counted, no more shown."""

    def __init__(self, models: list[Model], declared: Conventions) -> None:
        self.models, self.declared = models, declared
        self.count = 0

    def goal(self, node: Mapping[str, Any], role: str = "", above: str = "") -> GoalView:
        """One goal and those below it; its formula, unless it is the one above."""
        self.count += 1
        claim = decode_claim(node["goal"], self.models)
        rule = str(node["rule"])
        roles, formula = _ROLES.get(rule, ()), _formula(claim, self.declared)
        then = [
            self.goal(child, roles[place] if place < len(roles) else "", formula)
            for place, child in enumerate(node["then"])
            if self._has_room(child)
        ]
        return GoalView("" if formula == above else formula, rule, _says(rule), _where(claim), role, tuple(then))

    def _has_room(self, child: Mapping[str, Any]) -> bool:
        if self.count < MANY_GOALS:
            return True
        self.count += _size(child)
        return False


def _size(node: Mapping[str, Any]) -> int:
    return 1 + sum(map(_size, node["then"]))


_TWO_ABOVE = re.compile(r"\^\{([^{}]*)\}\^\{")


def _formula(claim: Claim, declared: Conventions) -> str:
    """The goal; W^{1}^{(1)}, the first copy of W^{1}, is written W^{1,(1)}, as LaTeX asks."""
    return _TWO_ABOVE.sub(r"^{\1,", f"{latex(claim.left, declared)} = {latex(claim.right, declared)}")


def _says(rule: str) -> str:
    """What the rule says: the theorem that its checker states."""
    if rule in _CLOSED:
        return _CLOSED[rule]
    known = RULES.get(rule)
    return " ".join((known.__doc__ or "").split("\n\n")[0].split()) if known else ""


def _where(claim: Claim) -> str:
    ranges = [f"{i.first} ≤ {i.letter} ≤ {i.last}" for i in claim.indices]
    return ", ".join([*ranges, *map(str, claim.conditions)])


def _has_role(view: GoalView) -> bool:
    return bool(view.role) or any(map(_has_role, view.then))
