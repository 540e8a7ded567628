"""Two arrays of numbers with error bounds, compared entry by entry: the evidence, never a bare bool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from verify.oracles.arithmetic import Array, Bounded

RELATIONS = ("=", "<=", "<", ">=", ">", "!=")


@dataclass(frozen=True)
class Comparison:
    """One claim at one place: how it fared over a batch.

    `verdicts` has one of holds, fails, unclear, broken an instance (unclear: a strict inequality within rounding, or
    an entry of which the witness knows nothing, its bound being not finite; broken: a value that is not finite).
    `left`, `right` are the values at the `worst` entry (instance, row …, column): there the difference is largest
    against its `bound`.
    """

    relation: str
    verdicts: tuple[str, ...]
    worst: tuple[int, ...]
    left: float
    right: float
    bound: float

    def __bool__(self) -> bool:
        raise TypeError("a comparison is no bool: look at .verdicts")

    @property
    def relative(self) -> float:
        """|left - right| / max(|left|, |right|) at the worst entry; 0 where both are 0."""
        scale = max(abs(self.left), abs(self.right))
        return abs(self.left - self.right) / scale if scale else 0.0

    def first(self, verdict: str) -> int | None:
        """The first instance with a verdict."""
        return self.verdicts.index(verdict) if verdict in self.verdicts else None


def compare(left: Bounded, right: Bounded, relation: str, instances: int, only: int | None = None) -> Comparison:
    """left REL right, entry by entry (matrices are different where one entry is).

    Two entries are equal when they differ by no more than both values' error bounds and the rounding of the
    difference; each entry has its own bound. `only` picks the worst entry of one instance.
    """
    one, two, error = aligned(left, right, instances)
    bound = np.where(np.isfinite(error), error, np.inf)
    with np.errstate(invalid="ignore", over="ignore"):
        difference = one - two
        finite = np.isfinite(difference)
        verdicts = judged(relation, difference.reshape(instances, -1), bound.reshape(instances, -1))
        verdicts[np.isinf(bound).reshape(instances, -1).any(axis=1) & (verdicts == "holds")] = "unclear"
        verdicts[~finite.reshape(instances, -1).all(axis=1)] = "broken"
        weight = np.where(finite, np.abs(difference) / (bound + np.finfo(float).tiny), np.inf)
    if only is not None:
        weight[np.arange(instances) != only] = -1
    worst = tuple(int(i) for i in np.unravel_index(int(np.argmax(weight)), weight.shape))
    return Comparison(
        relation, tuple(map(str, verdicts)), worst, float(one[worst]), float(two[worst]), float(bound[worst])
    )


def aligned(left: Bounded, right: Bounded, instances: int) -> tuple[Array, Array, Array]:
    """Both values and the bound of their difference, (instances, back rows, back columns, rows, columns)."""
    error = sum(0.0 if side.error is None else side.error for side in (left, right))
    parts = np.broadcast_arrays(np.empty((instances, 1, 1, 1, 1)), left.value, right.value, error)
    _, one, two, bound = (np.asarray(part, dtype=float) for part in parts)
    return one, two, bound


def judged(relation: str, difference: Array, bound: Array) -> Array:
    """What differences (instances, entries) say of a relation, where they are known up to a bound."""
    if relation in (">", ">="):
        return judged({">": "<", ">=": "<="}[relation], -difference, bound)
    equal = (np.abs(difference) <= bound).all(axis=1)
    match relation:
        case "=":
            return np.where(equal, "holds", "fails").astype("<U7")
        case "!=":
            return np.where(equal, "fails", "holds").astype("<U7")
        case "<=":
            return np.where((difference <= bound).all(axis=1), "holds", "fails").astype("<U7")
        case "<":
            above = (difference > bound).any(axis=1)
            return np.where((difference < -bound).all(axis=1), "holds", np.where(above, "fails", "unclear"))
    raise ValueError(f"unknown relation {relation!r}; expected one of {', '.join(RELATIONS)}")


def evidence(comparison: Comparison, place: Mapping[str, Any]) -> dict[str, Any]:
    """The worst entry with both values, as a report prints it."""
    return {
        **place,
        "entry": comparison.worst[-2:] if comparison.worst[1:3] == (0, 0) else comparison.worst[1:],
        "left": comparison.left,
        "right": comparison.right,
        "relative": comparison.relative,
        "bound": comparison.bound,
    }
