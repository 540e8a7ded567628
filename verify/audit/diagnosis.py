"""What is wrong with a backward pass: where, which slip explains every number, and a small instance that shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter

import numpy as np

from verify.audit.comparison import Difference
from verify.audit.hypotheses import Explanation, explained
from verify.audit.instance import BATCH, SEQUENCE, Instance, told_sizes
from verify.audit.located import located
from verify.audit.probing import Probe
from verify.audit.problem import Problem
from verify.audit.smallest import smallest
from verify.audit.snippet import snippet
from verify.audit.subject import Subject
from verify.audit.truth import Truth
from verify.audit.truth_lines import TruthLines, lines_of

SECONDS = 8.0  # of an audit that found something; most diagnoses take less than one
TINY = ({SEQUENCE: 4, BATCH: 2}, {SEQUENCE: 5, BATCH: 3})  # sizes of the instances on which guesses are tried
WIDEST = 8  # what is wrong at larger sizes alone is not explained


@dataclass(frozen=True)
class Diagnosis:
    """`located` sentence by sentence; `explanation` only where one slip gives every number on every instance tried.

    `formula_right` and `formula_wrong` are the lines as they should be and as the code has them, where the slip is in
    a line; `smallest` is a failing instance, `snippet` a program that runs it.
    """

    located: tuple[str, ...]
    explanation: str | None = None
    formula_right: tuple[str, ...] = ()
    formula_wrong: tuple[str, ...] = ()
    legend: str = ""
    instances: int = 0
    why_not: str = ""
    smallest: Instance | None = None
    snippet: str = ""
    probed: Mapping[str, int] = field(default_factory=dict)

    def text(self) -> str:
        """All of it, for a terminal."""
        on = f" (at {told_sizes(self.probed)})" if self.probed else ""
        lines = [f"where{on}", *(f"  {line}" for line in self.located)]
        if self.explanation is not None:
            lines += ["", f"explained by (every entry of every gradient, on {self.instances} instances)"]
            lines.append(f"  {self.explanation}")
            for right, wrong in zip(self.formula_right, self.formula_wrong, strict=True):
                lines += [f"    it should be  {right}", f"    the code has  {wrong}"]
            lines += [f"    with {self.legend}"] if self.legend else []
        else:
            lines += ["", f"not explained: {self.why_not}"]
        if self.smallest is not None:
            told = f"a small instance that shows it ({told_sizes(self.smallest.sizes)}), as a program"
            lines += ["", told, "", *self.snippet.rstrip().split("\n")]
        return "\n".join(lines) + "\n"

    def __str__(self) -> str:
        return self.text()


def diagnose(
    subject: Subject,
    truth: Truth,
    instance: Instance,
    differences: Sequence[Difference],
    budget_seconds: float = SECONDS,
) -> Diagnosis:
    """Locate and explain what a function gets wrong; `differences` are those on `instance`.

    The function is called on tiny instances, some fifty times as a rule and some 450 at most, in this process.
    """
    with np.errstate(all="ignore"):  # zeros and far-fetched guesses divide by 0, which says nothing of the function
        return _diagnosed(subject, truth, instance, differences, budget_seconds)


def _diagnosed(
    subject: Subject, truth: Truth, instance: Instance, differences: Sequence[Difference], budget_seconds: float
) -> Diagnosis:
    start = perf_counter()
    end = start + budget_seconds
    probe = Probe(subject, truth, start + 0.3 * budget_seconds)
    instances = probed(probe, instance)
    where = located(probe, instances[0])
    probe.end = start + 0.5 * budget_seconds
    small, wrong = shrunk(probe, instances[0], instance)
    found, why_not = explanation(probe, instances, end, instance)
    keys = wrong or tuple(dict.fromkeys(difference.key for difference in differences))
    program = snippet(subject, truth, small, keys)
    if found is None:
        return Diagnosis(where, why_not=why_not, smallest=small, snippet=program, probed=instances[0].sizes)
    lines = found.lines
    formulas = (lines.right, lines.wrong, lines.legend)
    return Diagnosis(where, found.words, *formulas, len(instances), "", small, program, instances[0].sizes)


def probed(probe: Probe, instance: Instance) -> list[Instance]:
    """Two instances on which the function fails: tiny ones, or of the given one's sizes where tiny ones do not show it.

    Sizes that the given instance has 1 of keep it: they were asked for.
    """
    truth = probe.truth
    asked = {letter: 1 for letter, size in instance.sizes.items() if size == 1 and letter in truth.letters}
    tiny = []
    for number, sizes in enumerate(TINY):
        known = {letter: size for letter, size in sizes.items() if letter in truth.letters}
        made = truth.sizes(number, {**known, **asked})
        tiny.append(truth.instance(made, instance.seed + number, instance.dtype))
    if all(probe.wrong(one) for one in tiny):
        return tiny
    kept = {letter: instance.sizes[letter] for letter in truth.letters}
    other = truth.instance(truth.completed(kept), instance.seed + 1, instance.dtype)
    return [instance, other]


def shrunk(probe: Probe, first: Instance, instance: Instance) -> tuple[Instance, tuple[str, ...]]:
    """A small failing instance and the gradients that are wrong there."""
    found = probe.answer(first)
    small = first if found is None else smallest(probe, first, found)
    wrong = probe.wrong(small)
    return (small, tuple(wrong)) if wrong else (instance, ())


def explanation(
    probe: Probe, instances: Sequence[Instance], end: float, given: Instance
) -> tuple[Explanation | None, str]:
    """What explains every number, or why nothing does; whether it holds on the `given` instance too is said."""
    if instances[0] is given and max(given.sizes.values()) > WIDEST:
        return None, "it is wrong at larger sizes or later steps only, where guesses are not tried"
    lines = lines_of(probe.truth, instances[0])
    if lines is None:
        return None, f"no lines of backpropagation are known of {probe.truth.name}"
    problems = []
    for instance in instances:
        found = probe.answer(instance)
        if found is None:
            return None, "the function does not run on every instance"
        problems.append(Problem(instance, found, lines.plain, lines.expanded))
    tried = explained(problems, end - perf_counter(), lines.variants)
    if tried is not None:
        return (replace(tried, words=f"{tried.words} ({MORE})") if _is_more(tried, probe, given, lines) else tried), ""
    if perf_counter() > end:
        return None, "the time for guesses was over before one of them gave these numbers"
    return None, "no single slip that is known gives these numbers, nor one for each gradient by itself"


MORE = "at the sizes of the report above, which are larger, this alone does not give the numbers: more is wrong there"
LARGE = 32  # sizes at which an explanation is tried once more


def _is_more(found: Explanation, probe: Probe, given: Instance, lines: TruthLines) -> bool:
    """Whether the function is wrong in another way too on the instance that the audit has found."""
    answer = probe.answer(given) if max(given.sizes.values()) <= LARGE else None
    return answer is not None and not found.explains(Problem(given, answer, lines.plain, lines.expanded))
