"""Everything that `derive` derives, as claims: each quantity against both deciders and every numeric witness."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from time import perf_counter

import sympy as sp

from derive.derivation import Derivation
from derive.language.nodes import Member
from derive.models.activations import ACTIVATIONS
from derive.models.losses import LOSSES
from derive.models.systems import system
from verify.cache import Cache
from verify.check import settle
from verify.claim import Assumption, Claim, Condition, Index
from verify.deciders.normal_form import Session
from verify.errors import Place
from verify.judge import Entry
from verify.limits import Effort
from verify.verdict import Verdict

# what is derived and verified beside the suite's documents: the source's network in every scope of its loss, its
# layers, activations and losses. Every other system has a document in the suite, and the closed loop in the tests.
CASES: tuple[tuple[str, dict[str, str | bool]], ...] = (
    ("rnn", {"loss": "last"}),
    ("rnn", {"loss": "every", "bias": True}),
    ("rnn", {"loss": "outputs", "output": "softmax", "bias": True}),
    ("rnn", {"loss": "outputs", "output": "relu"}),
    ("rnn", {"loss": "outputs", "output": "identity"}),
    ("layers", {}),
    ("dense", {}),
    *((name, {}) for name in (*sorted(ACTIVATIONS), *LOSSES, *(f"weighted {loss}" for loss in LOSSES))),
)


def claim_of(derivation: Derivation) -> Claim:
    """left = right of a derivation under its model with definitions."""
    return Claim(
        derivation.left,
        derivation.right,
        derivation.model_with_definitions,
        indices=tuple(Index(*bounds) for bounds in derivation.indices),
        conditions=tuple(Condition(left, relation, right) for left, relation, right in derivation.conditions),
        assumptions=tuple(_assumption(*pair) for pair in derivation.assumptions),
    )


def _assumption(formula: object, value: object) -> Assumption:
    """1ᵀy = 1 is the one assumption that derivations make."""
    return Assumption("sum_one", formula.args[-1])  # type: ignore[attr-defined]


def derivations() -> Iterator[tuple[str, Derivation]]:
    """Every quantity with the id under which it is reported: `rnn every: 2.3`.

    What no loss enters (∂Net_t/∂s_{t-1} = W) is the same in every scope of the loss and stands once.
    """
    seen: set[tuple[object, object]] = set()
    for name, choices in CASES:
        words = " ".join([name, *(key if value is True else str(value) for key, value in choices.items())])
        for derivation in system(name, **choices).quantities():
            pair = (derivation.left, derivation.right)
            if pair not in seen or _names_a_loss(derivation):
                seen.add(pair)
                yield f"{words}: {derivation.name}", derivation


def _names_a_loss(derivation: Derivation) -> bool:
    """Whether a definition (δ_t = ∂E/∂Net_t) or the loss itself occurs."""
    model = derivation.model_with_definitions
    defined = {e.name for e in model.equations if model.is_definition(e) or e.left.shape == (1, 1)}
    named = {str(node.name) for node in derivation.left.atoms(Member, sp.MatrixSymbol)}
    return bool(named & (defined | set(model.loss_by_name)))


@lru_cache(maxsize=1)
def known() -> tuple[tuple[str, Derivation], ...]:
    """All of them, in the order of the report."""
    return tuple(derivations())


def entries(effort: Effort, cache: Cache | None = None) -> Iterator[Entry]:
    """One line of the report a quantity."""
    settler = Settler(effort, cache)
    return (settler.entry(place) for place in range(len(known())))


class Settler:
    """Settles quantities by their place; those of one model share the normal form's memory."""

    def __init__(self, effort: Effort, cache: Cache | None = None) -> None:
        self.effort = effort
        self.session = Session()
        self.settle = settle if cache is None else cache.settle

    def entry(self, place: int) -> Entry:
        """The line of one quantity."""
        began = perf_counter()
        claim = claim_of(known()[place][1])
        verdict = self.settle(claim, self.effort, self.session)
        return _entry(place, replace(verdict, seconds=perf_counter() - began), claim)


def unsettled_entry(place: int, reason: str) -> Entry:
    """The line of a quantity of which nothing is known, and why."""
    return _entry(place, Verdict("undecided", reason), None)


def _entry(place: int, verdict: Verdict, claim: Claim | None) -> Entry:
    name, derivation = known()[place]
    at = Place("derived quantities", place + 1, 1)
    return Entry(name, "claim", derivation.latex(), at, verdict, None, name, str(derivation), claim)
