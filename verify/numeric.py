"""Every numeric witness on one claim: the same instances for all of them and for all claims of a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from derive.language.show import show_name
from derive.model import Model
from verify.blocks import reached
from verify.claim import Claim, names_in
from verify.counterexample import Counterexample
from verify.deciders.outcome import Outcome
from verify.fitting import NoSizes
from verify.instances import Instance, Key, draw, fitting, lengths_of, size_letters
from verify.limits import Effort
from verify.oracles.registry import ORACLES, Numeric
from verify.oracles.shrink import bounds, shrink

_drawn: dict[tuple[Model, tuple[str, ...], frozenset[Any], Effort], tuple[Instance, ...]] = {}


def examine(claim: Claim, effort: Effort) -> list[Outcome]:
    """What each numeric witness says; none where no instance was asked for."""
    if effort.examples == 0:
        return []
    try:
        instances = _instances(claim, effort)
    except NoSizes:
        return []
    if claim.relation in ("<", "<=", ">", ">="):
        instances += _special(claim, instances)
    return [oracle.examine(claim, instances) for oracle in ORACLES.values()]


def smallest_instance(claim: Claim, broken: list[Outcome], effort: Effort) -> Counterexample:
    """The instance at which one of two witnesses saw a claim fail, shrunk to few steps, small sizes and few entries."""
    outcome, oracle = next((one, by) for one in broken if isinstance(by := ORACLES[one.witness], Numeric))
    drawn = _instances(claim, effort)
    sizes = dict(outcome.where["sizes"])
    failing = next(
        one
        for one in (*drawn, *_special(claim, drawn))
        if one.seed == outcome.where["seed"] and dict(one.sizes) == sizes
    )
    small = shrink(oracle, claim, failing)
    found = oracle.examine(claim, [small])
    names = {name for formula in reached(claim) for name in names_in(formula)}
    shown = {key: rows for key, rows in (*small.values, *bounds(claim, small).items()) if key[0] in names}
    return Counterexample(
        sizes=dict(found.where["sizes"]),
        times={} if claim.is_timeless else dict(found.where["times"]),
        values={_named(key): _texts(rows, repr) for key, rows in shown.items()},
        functions={},
        left=_texts(oracle.side(claim.left, claim, small, found), _rounded),
        right=_texts(oracle.side(claim.right, claim, small, found), _rounded),
        letters={letter: place + 1 for letter, place in dict(found.where.get("letters", {})).items()},
        is_numeric=True,
    )


def _named(key: Key) -> str:
    name, indices = key
    return show_name(name) + "".join(f"@{index}" for index in indices[-1:])


def _texts(value: Any, text: Callable[[float], str]) -> Any:
    """Nested numbers as text, without a decimal point where they are whole, -0 as 0."""
    if isinstance(value, list | tuple):
        return [_texts(item, text) for item in value]
    return text(float(value) + 0.0).removesuffix(".0")


def _rounded(value: float) -> str:
    return f"{value:.12g}"


def _special(claim: Claim, instances: tuple[Instance, ...]) -> tuple[Instance, ...]:
    """Sizes of 1, where equality often holds: a strict inequality that is not strict there is false."""
    ones = [tuple((name, 1) for name, _ in one.sizes) for one in instances[::10]]
    return tuple(replace(one, sizes=fitting(claim, sizes, 1)) for one, sizes in zip(instances[::10], ones, strict=True))


def _instances(claim: Claim, effort: Effort) -> tuple[Instance, ...]:
    """The instances of a model and the sizes that its claims use."""
    key = (claim.model, size_letters(claim), lengths_of(claim), effort)
    if key not in _drawn:
        _drawn[key] = draw(claim, effort.examples, effort.seed)
    return _drawn[key]
