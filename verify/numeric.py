"""Every numeric witness on one claim: the same instances for all of them and for all claims of a model."""

from __future__ import annotations

from derive.model import Model
from verify.claim import Claim
from verify.deciders.outcome import Outcome
from verify.instances import Instance, draw, size_letters
from verify.limits import Effort
from verify.oracles.registry import ORACLES

_drawn: dict[tuple[Model, tuple[str, ...], Effort], tuple[Instance, ...]] = {}


def examine(claim: Claim, effort: Effort) -> list[Outcome]:
    """What each numeric witness says; none where no instance was asked for."""
    if effort.examples == 0:
        return []
    instances = _instances(claim, effort)
    return [oracle.examine(claim, instances) for oracle in ORACLES.values()]


def _instances(claim: Claim, effort: Effort) -> tuple[Instance, ...]:
    """The instances of a model and the sizes that its claims use."""
    key = (claim.model, size_letters(claim), effort)
    if key not in _drawn:
        _drawn[key] = draw(claim, effort.examples, effort.seed)
    return _drawn[key]
