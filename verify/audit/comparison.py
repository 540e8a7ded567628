"""Every entry of every gradient against the truth, with a bound for each entry that comes from the arithmetic.

    |got - expected| ≤ c ε R

ε is the unit of the function's dtype; R counts the roundings behind the entry, each weighed by the absolute values of
what is added or multiplied and by what it moves (`verify.audit.running`). c = 64 covers the order in which sums are
taken: n terms of one sign, added one by one, are off by about 0.3 √n ε times their sum, so some 40,000 fit; products
of matrices add in blocks and need far less. Nothing depends on the sizes of the arrays, and no entry is judged by
another entry's size.

The gradient itself, and its formula on absolute values, which is one more backward pass, are less than R and cheap:
what is within them needs no more. R itself is computed where some entry is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from verify.audit.instance import Instance
from verify.audit.running import allowance
from verify.audit.truth import Truth, widened
from verify.reference.sequences import Array


@dataclass(frozen=True)
class Difference:
    """One entry of one gradient that is off by more than its bound."""

    key: str
    index: tuple[int, ...]
    got: float
    expected: float
    bound: float

    @property
    def size(self) -> float:
        """|got - expected|."""
        return abs(self.got - self.expected)


@dataclass(frozen=True)
class Comparison:
    """All differences, those of a key by falling excess over the bound; the worst ratio of any entry to its bound.

    `worst` is an upper bound of that ratio where the cheap bound was enough. `expected` are the right gradients,
    `hidden` says of which of them the bounds are so coarse that they show little.
    """

    differences: tuple[Difference, ...]
    worst: float
    entries: int
    expected: Mapping[str, Array]
    counts: Mapping[str, int]
    hidden: tuple[str, ...] = ()

    @property
    def is_equal(self) -> bool:
        """Whether every entry is within its bound."""
        return not self.differences


LISTED = 10_000  # differences of a key that are listed; all are counted


def compared(truth: Truth, instance: Instance, found: Mapping[str, Array]) -> Comparison:
    """Gradients, by key, against the truth on an instance; what is not in `found` is not compared."""
    inputs, cotangents = widened(instance.inputs), widened(instance.cotangents)
    truth.check()
    values = truth.values(inputs)
    expected = truth.backward(inputs, values, cotangents)
    unit = allowance(instance.dtype)
    off = {key: np.abs(np.asarray(array, dtype=np.float64) - expected[key]) for key, array in found.items()}
    for sizes in cheaper(truth, inputs, values, cotangents, expected):
        worst = {key: ratio(off[key], unit * np.abs(sizes[key])) for key in off}
        if all(one <= 1 for one in worst.values()):
            return _comparison({}, off, found, expected, {}, max(worst.values(), default=0.0))
    counted = truth.bounds(inputs, cotangents)
    full = {key: unit * np.nan_to_num(counted[key], nan=np.inf, posinf=np.inf) for key in off}
    worst = {key: ratio(off[key], full[key]) for key in off}
    beyond = {key: ~(off[key] <= full[key]) for key in off}
    return _comparison(beyond, off, found, expected, full, max(worst.values(), default=0.0))


def cheaper(
    truth: Truth,
    inputs: Mapping[str, Array],
    values: Mapping[str, Array],
    cotangents: Mapping[str, Array],
    expected: Mapping[str, Array],
) -> Iterator[Mapping[str, Array]]:
    """Less than R, the cheapest first: the gradients themselves, then their formula on absolute values."""
    yield expected
    if truth.is_absolute:
        yield absolute(truth, inputs, values, cotangents)


def absolute(
    truth: Truth, inputs: Mapping[str, Array], values: Mapping[str, Array], cotangents: Mapping[str, Array]
) -> dict[str, Array]:
    """The backward pass on absolute values: at most the gradients' formula on absolute values."""
    sizes = [{key: np.abs(array) for key, array in arrays.items()} for arrays in (inputs, values, cotangents)]
    return truth.backward(*sizes)


def ratio(off: Array, bound: Array) -> float:
    """The largest difference by its bound; 0 where both are 0, infinite where the bound alone is, or for a NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(off == 0, 0.0, off / bound)
    largest = float(ratios.max(initial=0.0))
    return largest if largest == largest else float("inf")


def _comparison(
    beyond: Mapping[str, Array],
    off: Mapping[str, Array],
    found: Mapping[str, Array],
    expected: Mapping[str, Array],
    full: Mapping[str, Array],
    worst: float,
) -> Comparison:
    differences: list[Difference] = []
    for key, mask in beyond.items():
        places = np.argwhere(mask)
        with np.errstate(divide="ignore", invalid="ignore"):
            excess = (off[key] / full[key])[mask]
        for k in np.argsort(-excess, kind="stable")[:LISTED]:
            index = tuple(int(i) for i in places[k])
            numbers = (float(array[index]) for array in (found[key], expected[key], full[key]))
            differences.append(Difference(key, index, *numbers))
    counts = {key: int(mask.sum()) for key, mask in beyond.items() if mask.any()}
    entries = sum(array.size for array in off.values())
    hidden = tuple(hiding(key) for key in full if is_coarse(full[key], expected[key]))
    return Comparison(tuple(differences), worst, entries, {key: expected[key] for key in off}, counts, hidden)


COARSE = 1 / 20  # of the largest entry: a bound that is said to be no use


def is_coarse(bound: Array, expected: Array) -> bool:
    """Whether rounding hides errors of a twentieth of the largest entry in half of the entries."""
    return bool(np.median(bound) > COARSE * np.abs(expected).max(initial=0.0) > 0)


def hiding(key: str) -> str:
    """What a coarse bound hides."""
    return f"rounding hides errors of a twentieth of its largest entry in the gradient of {key}"
