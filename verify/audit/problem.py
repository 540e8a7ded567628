"""One instance with what a function answered on it: where the numbers differ, and whether a guess gives them.

The bound of a comparison is the arithmetic's: each entry is a sum of products, computed by a chain of at most
`roundings` operations, so that it is off by at most roundings · ε times the same sum of absolute values (Higham 2002,
section 3.1). A guess is compared with the same bound, taken of the guess's own formula.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verify.audit.backward_formulas import Formulas, Run
from verify.audit.instance import Instance

Array = NDArray[Any]
Arrays = Mapping[str, Array]
Getter = Callable[[str], Array]

EXTRA = 24  # operations of a step beside its products: gates, slopes, sums; f' at a value that is rounded itself
SAFETY = 4  # a slope 1 - s² moves with s: its own error, and the forward pass's, count as well


@dataclass(frozen=True)
class Problem:
    """`found`: the function's gradients by key; `formulas` as code computes them, `expanded` multiplied out."""

    instance: Instance
    found: Arrays
    formulas: Formulas
    expanded: Formulas

    @cached_property
    def run(self) -> Run:
        """The true values, all of them computed."""
        return _computed(Run(self.formulas, self.instance.inputs, self.instance.cotangents))

    @cached_property
    def expanded_run(self) -> Run:
        """The same by the formulas that are multiplied out."""
        return _computed(Run(self.expanded, self.instance.inputs, self.instance.cotangents, values=self.run.values))

    @cached_property
    def sizes(self) -> Run:
        """The sums of absolute values."""
        return self.run.sizes()

    @cached_property
    def true(self) -> dict[str, Array]:
        """The true gradients of what the function answered."""
        return {key: self.run.gradient(key) for key in self.keys}

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The gradients that are compared."""
        return tuple(key for key in self.run.keys() if key in self.found)

    @cached_property
    def wrong(self) -> tuple[str, ...]:
        """The gradients of which some entry differs beyond its bound."""
        return tuple(key for key in self.keys if self.differs(key).any())

    def differs(self, key: str) -> Array:
        """Where the function's gradient differs from the true one beyond the bound."""
        difference = np.abs(self.found[key] - self.true[key])
        return ~(difference <= self.bound(self.sizes.gradient(key)))

    @cached_property
    def steps(self) -> int:
        """T."""
        return self.run.steps

    @cached_property
    def batch(self) -> int:
        """B."""
        return next(iter(self.instance.cotangents.values())).shape[1]

    @cached_property
    def factor(self) -> float:
        """ε times the number of roundings on the longest path from an input to a gradient."""
        width = sum(sorted({size for array in self.instance.inputs.values() for size in array.shape})[-2:])
        roundings = self.steps * (2 * width + EXTRA) + self.steps * self.batch
        return SAFETY * roundings * float(np.finfo(self._dtype).eps)

    @cached_property
    def _dtype(self) -> Any:
        return np.result_type(*(array.dtype for array in self.found.values()))

    def bound(self, sizes: Array) -> Array:
        """What rounding may do to entries of these absolute sums."""
        return self.factor * sizes + np.finfo(self._dtype).tiny

    def may_be(self, key: str, guessed: Array) -> bool:
        """Whether a guess is near the function's gradient, by a bound that no right guess exceeds in practice."""
        found = self.found[key]
        scale = max(float(np.abs(found).max()), float(np.abs(guessed).max()), float(np.abs(self.true[key]).max()))
        return bool((np.abs(found - guessed) <= np.sqrt(np.finfo(self._dtype).eps) * scale).all())

    def is_explained(self, key: str, guessed: Array, sizes: Array) -> bool:
        """Whether every entry of a gradient is the guess's, within the guess's bound."""
        return bool((np.abs(self.found[key] - guessed) <= self.bound(sizes)).all())


def _computed(run: Run) -> Run:
    run.gradients()
    return run
