"""Every numeric witness on one claim: the same instances for all of them and for all claims of a model."""

from __future__ import annotations

from dataclasses import replace

from derive.language.show import show_name
from derive.model import Model
from verify.claim import Claim
from verify.counterexample import Counterexample
from verify.deciders.outcome import Outcome
from verify.instances import Instance, Key, draw, size_letters
from verify.limits import Effort
from verify.oracles.registry import ORACLES
from verify.oracles.shrink import shrink

_drawn: dict[tuple[Model, tuple[str, ...], Effort], tuple[Instance, ...]] = {}


def examine(claim: Claim, effort: Effort) -> list[Outcome]:
    """What each numeric witness says; none where no instance was asked for."""
    if effort.examples == 0:
        return []
    instances = _instances(claim, effort)
    if claim.relation in ("<", "<=", ">", ">="):
        instances += _special(instances)
    return [oracle.examine(claim, instances) for oracle in ORACLES.values()]


def smallest_instance(claim: Claim, outcome: Outcome, effort: Effort) -> Counterexample:
    """The instance at which a witness saw a claim fail, shrunk to few steps, small sizes and few entries."""
    oracle = ORACLES[outcome.witness]
    drawn = _instances(claim, effort)
    sizes = dict(outcome.where["sizes"])
    failing = next(
        one for one in (*drawn, *_special(drawn)) if one.seed == outcome.where["seed"] and dict(one.sizes) == sizes
    )
    small = shrink(oracle, claim, failing)
    where = oracle.examine(claim, [small]).where
    values = {_named(key): [[_short(entry) for entry in row] for row in rows] for key, rows in small.values}
    sides = {side: _short(float(where[side])) for side in ("left", "right")}
    return Counterexample(dict(where["sizes"]), dict(where["times"]), values, {}, sides["left"], sides["right"])


def _named(key: Key) -> str:
    name, indices = key
    return show_name(name) + "".join(f"@{index}" for index in indices[-1:])


def _short(value: float) -> str:
    return f"{value:.6g}"


def _special(instances: tuple[Instance, ...]) -> tuple[Instance, ...]:
    """Sizes of 1, where equality often holds: a strict inequality that is not strict there is false."""
    return tuple(replace(one, sizes=tuple((name, 1) for name, _ in one.sizes)) for one in instances[::10])


def _instances(claim: Claim, effort: Effort) -> tuple[Instance, ...]:
    """The instances of a model and the sizes that its claims use."""
    key = (claim.model, size_letters(claim), effort)
    if key not in _drawn:
        _drawn[key] = draw(claim, effort.examples, effort.seed)
    return _drawn[key]
