"""A guess at what a function computes instead of the gradients, and the numbers that it would give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from verify.audit.backward_formulas import Formulas, Lines, Place
from verify.audit.evaluation import Unsupported
from verify.audit.formula_run import Run
from verify.audit.problem import Getter, Problem
from verify.reference.sequences import Array, Arrays

Change = Callable[[Arrays], dict[str, Array]]


@dataclass(frozen=True)
class Guess:
    """What is wrong in words, with the lines as they should be and as the code has them, where there are some.

    `changes` are terms in the place of others, of the lines that are multiplied out where `is_expanded`. `cuts` gives,
    for T steps, those to which nothing comes back; `window` how many steps what each cotangent sends walks back.
    `inputs` and `cotangents` change what is read, `output` renames what is returned; `variant` is another model.
    """

    words: str
    lines: Callable[[], Lines] = Lines
    changes: Mapping[Place, Any] = field(default_factory=dict)
    is_expanded: bool = False
    beyond: str = ""
    cuts: Callable[[int], frozenset[int]] | None = None
    window: int = 0
    is_start_reached: bool = True
    variant: Formulas | None = None
    inputs: Change | None = None
    cotangents: Change | None = None
    output: Callable[[str, Getter], Any] | None = None

    def explains(self, problem: Problem) -> bool:
        """Whether it gives every entry of every gradient, the right ones too."""
        if not all(self._may_reach(problem, key) for key in problem.wrong):
            return False
        try:
            runs = self.runs(problem)
            if not self._may_be_step_by_step(problem, runs):
                return False
            guessed = self._getter(runs)
            order = [*problem.wrong, *(key for key in problem.keys if key not in problem.wrong)]
            if not all(problem.may_be(key, guessed(key)) for key in order):
                return False
            bounded = self._getter([run.bounded() for run in runs])
            return all(problem.is_explained(key, bounded(key)) for key in order)
        except (Unsupported, ValueError, KeyError):  # shapes that do not fit, values that are not there
            return False

    def beside(self, problem: Problem) -> Problem | None:
        """The problem of what else is wrong, where this gives the gradients of all input sequences; None elsewhere."""
        try:
            runs = self.runs(problem)
            if self.output is not None or len(runs) != 1 or not self._may_be_step_by_step(problem, runs):
                return None
            bounded = runs[0].bounded()
            if not all(problem.is_explained(key, bounded.gradient(key)) for key in sequences(problem, runs[0])):
                return None
        except (Unsupported, ValueError, KeyError):
            return None
        lines = runs[0].formulas
        return Problem(problem.instance, problem.found, lines, lines, runs[0])

    def _may_be_step_by_step(self, problem: Problem, runs: list[Run]) -> bool:
        """The input sequences' gradients from the last step on: most guesses fail before the first one."""
        if self.output is not None or len(runs) > 1:
            return True
        steps, keys = range(problem.steps, 0, -1), sequences(problem, runs[0])
        return all(problem.may_be_at(key, step, runs[0].at_step(key, step)) for step in steps for key in keys)

    def _may_reach(self, problem: Problem, key: str) -> bool:
        if not self.changes:
            return True
        formulas = problem.expanded if self.is_expanded else problem.formulas
        return any(key in formulas.reached[line] for line, _ in self.changes)

    def runs(self, problem: Problem) -> list[Run]:
        """The runs whose gradients add up to the guess's."""
        base = problem.expanded_run if self.is_expanded else problem.run
        if self.variant is not None:
            return [Run(self.variant, base.inputs, base.cotangents)]
        if self.inputs is not None or self.cotangents is not None:
            inputs = base.inputs if self.inputs is None else self.inputs(base.inputs)
            cotangents = base.cotangents if self.cotangents is None else self.cotangents(base.cotangents)
            values = base.values if self.inputs is None else {}
            return [Run(base.formulas, inputs, cotangents, values=values)]
        if self.window:
            return [self._one_cotangent(base, step) for step in range(1, problem.steps + 1)]
        cuts = frozenset() if self.cuts is None else self.cuts(problem.steps)
        return [base.changed(self.changes, cuts, self.beyond)]

    def _one_cotangent(self, base: Run, step: int) -> Run:
        """Of one step's cotangent, what reaches `window` steps, and the initial state behind them where it is met."""
        alone = {key: np.where(at_step(array, step), array, 0) for key, array in base.cotangents.items()}
        cut = step - self.window
        cuts = frozenset({cut}) if cut > 0 or (cut == 0 and not self.is_start_reached) else frozenset()
        return Run(base.formulas, base.inputs, alone, cuts=cuts, values=base.values)

    def _getter(self, runs: list[Run]) -> Getter:
        def plain(key: str) -> Any:
            found = runs[0].gradient(key)
            for run in runs[1:]:
                found = found + run.gradient(key)
            return found

        output = self.output
        return plain if output is None else lambda key: output(key, plain)


def sequences(problem: Problem, run: Run) -> list[str]:
    """The inputs of every step, whose gradients say most of what comes back."""
    lines = run.formulas
    return [
        key for key, line in lines.gradients.items()
        if key in problem.keys and not line.is_sum and key not in lines.starts
    ]  # fmt: skip


def at_step(array: Array, step: int) -> Array:
    """A mask of one step (counted from 1) that broadcasts over a sequence."""
    return (np.arange(len(array)) == step - 1).reshape(-1, *(1,) * (array.ndim - 1))
