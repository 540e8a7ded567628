"""One instance with what a function answered on it: where the numbers differ, and whether a guess gives them.

The bound of a comparison is the audit's: the roundings behind each entry of the formula, the guess's own formula where
a guess is compared (`verify.audit.running`), times the same constant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from verify.audit.backward_formulas import Formulas
from verify.audit.formula_run import Run
from verify.audit.instance import Instance
from verify.audit.running import allowance, running
from verify.audit.truth import widened
from verify.reference.sequences import Array, Arrays

Getter = Callable[[str], Any]


@dataclass(frozen=True, eq=False)
class Problem:
    """`found`: the function's gradients by key; `formulas` as code computes them, `expanded` multiplied out.

    With a `base` that is not None, what it gives counts as true: another slip is looked for beside its own.
    """

    instance: Instance
    found: Arrays
    formulas: Formulas
    expanded: Formulas
    base: Run | None = None

    @cached_property
    def run(self) -> Run:
        """The true values, all of them computed."""
        return _computed(self.base or Run(self.formulas, *self._given))

    @cached_property
    def expanded_run(self) -> Run:
        """The same by the formulas that are multiplied out."""
        if self.base is not None:
            return self.run
        return _computed(Run(self.expanded, *self._given, values=self.run.values))

    @cached_property
    def _given(self) -> tuple[Arrays, Arrays]:
        """Inputs and cotangents in float64."""
        return widened(self.instance.inputs), widened(self.instance.cotangents)

    @cached_property
    def true(self) -> dict[str, Array]:
        """The true gradients of what the function answered."""
        return {key: self.run.gradient(key) for key in self.keys}

    @cached_property
    def bounded(self) -> dict[str, Any]:
        """The same in numbers that carry their errors."""
        bounded = self.run.bounded()
        return {key: bounded.gradient(key) for key in self.keys}

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The gradients that are compared."""
        return tuple(key for key in self.run.keys if key in self.found)

    @cached_property
    def wrong(self) -> tuple[str, ...]:
        """The gradients of which some entry differs beyond its bound."""
        return tuple(key for key in self.keys if self.differs(key).any())

    def differs(self, key: str) -> Array:
        """Where the function's gradient differs from the true one beyond the bound."""
        return ~self._is_within(key, self.bounded[key])

    def _is_within(self, key: str, number: Any) -> Array:
        guessed = running(number)
        bound = self.unit * (guessed.count + np.abs(guessed.value))
        within: Array = np.abs(self.found[key] - guessed.value) <= bound
        return within

    @property
    def steps(self) -> int:
        """T."""
        return self.run.steps

    @property
    def batch(self) -> int:
        """B."""
        return self.run.batch

    @cached_property
    def eps(self) -> float:
        """The unit of the function's dtype."""
        return float(np.finfo(str(self.instance.dtype)).eps)

    @property
    def unit(self) -> float:
        """What a rounding counts."""
        return allowance(self.instance.dtype)

    def may_be(self, key: str, guessed: Array) -> bool:
        """Whether a guess is near the function's gradient: a cheap test that no right guess fails."""
        return bool((np.abs(self.found[key] - guessed) <= self.near(key)).all())

    def near(self, key: str) -> float:
        """√ε of the gradient's largest entries, far above what rounding does on tiny instances."""
        return float(np.sqrt(self.eps)) * max(float(np.abs(a[key]).max()) for a in (self.found, self.true))

    def may_be_at(self, key: str, step: int, guessed: Array) -> bool:
        """The same of one step of a sequence."""
        return bool((np.abs(self.found[key][step - 1] - guessed) <= self.near(key)).all())

    def is_explained(self, key: str, guessed: Any) -> bool:
        """Whether every entry of a gradient is the guess's, within the bound that the guess carries."""
        return bool(self._is_within(key, guessed).all())


def _computed(run: Run) -> Run:
    for key in run.keys:
        run.gradient(key)
    return run
