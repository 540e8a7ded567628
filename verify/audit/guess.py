"""A guess at what a function computes instead of the gradients, and the numbers that it would give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verify.audit.backward_formulas import Place, Run
from verify.audit.evaluation import Unsupported
from verify.audit.problem import Getter, Problem

Array = NDArray[Any]
Arrays = Mapping[str, Array]
Change = Callable[[Arrays], dict[str, Array]]
NO_CHANGES: Mapping[Place, Any] = {}


@dataclass(frozen=True)
class Guess:
    """What is wrong in words, with the formula as it should be and as the code has it (several lines, or none).

    `changes` are terms in the place of others, of the lines that are multiplied out where `is_expanded`. `cuts` gives,
    for T steps, those to which nothing comes back; `window` how many steps what each cotangent sends walks back.
    `inputs` and `cotangents` change what is read, `output` renames what is returned.
    """

    words: str
    right: str = ""
    wrong: str = ""
    changes: Mapping[Place, Any] = field(default_factory=dict)
    is_expanded: bool = False
    beyond: str = ""
    cuts: Callable[[int], frozenset[int]] | None = None
    window: int = 0
    inputs: Change | None = None
    cotangents: Change | None = None
    output: Callable[[str, Getter], Array] | None = None

    def explains(self, problem: Problem) -> bool:
        """Whether it gives every entry of every gradient, the right ones too."""
        if not all(self._may_reach(problem, key) for key in problem.wrong):
            return False
        try:
            runs = self.runs(problem)
            guessed = self._getter(runs)
            order = [*problem.wrong, *(key for key in problem.keys if key not in problem.wrong)]
            if not all(problem.may_be(key, guessed(key)) for key in order):
                return False
            sizes = self._getter([run.sizes() for run in runs])
            return all(problem.is_explained(key, guessed(key), sizes(key)) for key in order)
        except (Unsupported, ValueError, KeyError):  # shapes that do not fit, values that are not there
            return False

    def _may_reach(self, problem: Problem, key: str) -> bool:
        if not self.changes or self.inputs or self.cotangents or self.output:
            return True
        formulas = problem.expanded if self.is_expanded else problem.formulas
        return any(key in formulas.reached[line] for line, _ in self.changes)

    def runs(self, problem: Problem) -> list[Run]:
        """The runs whose gradients add up to the guess's."""
        base = problem.expanded_run if self.is_expanded else problem.run
        if self.inputs is not None or self.cotangents is not None:
            inputs = base.inputs if self.inputs is None else self.inputs(base.inputs)
            cotangents = base.cotangents if self.cotangents is None else self.cotangents(base.cotangents)
            values = base.values if self.inputs is None else {}
            return [Run(base.formulas, inputs, cotangents, self.changes, values=values)]
        if self.window:
            return [self._one_cotangent(base, step) for step in range(1, problem.steps + 1)]
        cuts = frozenset() if self.cuts is None else self.cuts(problem.steps)
        return [base.changed(self.changes, cuts, self.beyond)]

    def _one_cotangent(self, base: Run, step: int) -> Run:
        alone = {key: np.where(at_step(array, step), array, 0) for key, array in base.cotangents.items()}
        cuts = frozenset({step - self.window}) if step >= self.window else frozenset()
        return Run(base.formulas, base.inputs, alone, self.changes, cuts, values=base.values)

    def _getter(self, runs: list[Run]) -> Getter:
        def plain(key: str) -> Array:
            found = runs[0].gradient(key)
            for run in runs[1:]:
                found = found + run.gradient(key)
            return found

        return plain if self.output is None else lambda key: self.output(key, plain)  # type: ignore[misc]


def at_step(array: Array, step: int) -> Array:
    """A mask of one step (counted from 1) that broadcasts over a sequence."""
    return (np.arange(len(array)) == step - 1).reshape(-1, *(1,) * (array.ndim - 1))
