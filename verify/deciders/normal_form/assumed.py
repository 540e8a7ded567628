"""What a document assumes of tensors, as far as the normal form applies it: by name, and by step where one is named."""

from __future__ import annotations

from typing import Any

import sympy as sp

from derive.language.nodes import Member
from derive.language.shapes import axes
from derive.language.show import show
from derive.model import Model
from verify.claim import Assumption

APPLIED = ("symmetric", "sum_one", "zero")
DEPENDENT = (*APPLIED, "diagonal", "one_hot")  # the entries are not free of each other
Place = tuple[str, int | None]


class Assumed:
    """The assumptions of a claim about a model's tensors.

    `others` names those that the form does not apply, or not in full (they bind what an equation computes): the
    form may then still say equal, and never differ.
    """

    def __init__(self, assumptions: tuple[Assumption, ...], model: Model) -> None:
        self.places: dict[str, set[Place]] = {kind: set() for kind in DEPENDENT}
        self.others: list[str] = []
        for assumption in assumptions:
            self._take(assumption, model)

    def _take(self, assumption: Assumption, model: Model) -> None:
        subject = _tensor(assumption)
        if subject is None:
            self.others.append(f"{assumption.kind} of {show(assumption.subject)}")
            return
        if assumption.kind in DEPENDENT:
            self.places[assumption.kind].add(_place(subject))
        is_vector = axes(subject).is_vector
        if assumption.kind not in APPLIED or (assumption.kind == "sum_one" and not is_vector):
            self.others.append(f"{assumption.kind} of {show(subject)}")
        elif _is_computed(subject, model):
            self.others.append(f"{assumption.kind} of {show(subject)}, which an equation computes")

    def holds(self, kind: str, name: str, step: int | None) -> bool:
        """Whether a kind is assumed of a tensor, at every step or at this one (None: a step that is not known)."""
        return bool(self.places[kind] & {(name, step), (name, None)})

    def dependence(self, name: str, step: int | None) -> str:
        """Why the entries of a tensor depend on each other, "" where they do not."""
        return next((kind for kind in DEPENDENT if self.holds(kind, name, step)), "")


def _tensor(assumption: Assumption) -> Any | None:
    """The tensor that an assumption is about (y in 1ᵀy = 1); None where it is about a compound formula."""
    subject = assumption.subject
    if assumption.kind == "sum_one" and isinstance(subject, sp.MatMul) and len(subject.args) == 2:
        subject = subject.args[-1]
    return subject if isinstance(subject, Member | sp.MatrixSymbol) else None


def _place(subject: Any) -> Place:
    is_fixed = isinstance(subject, Member) and subject.indices and subject.time.is_Integer
    return str(subject.name), int(subject.time) if is_fixed else None


def _is_computed(subject: Any, model: Model) -> bool:
    """Whether an equation makes the tensor; s_0 is an input where the equation of s begins at 1."""
    name, step = _place(subject)
    if name not in model.by_name:
        return False
    made = model.produced(name)
    first = None if made is None else made[0]
    return step is None or first is None or not first.is_Integer or step >= int(first)
