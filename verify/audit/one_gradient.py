"""What may be wrong with one gradient alone, where all that it is made of is right.

Its own sum or product has a slip, or a right array is scaled, transposed, returned under another key, or taken from one
sample or one step of many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from verify.audit.backward_formulas import Formulas, Lines
from verify.audit.edited_lines import LineEdit, edits_of_line
from verify.audit.evaluation import Unsupported
from verify.audit.formula_run import Run
from verify.audit.problem import Problem
from verify.reference.sequences import Array

Numbers = Callable[[Problem, bool], Any]  # what a gradient would be, or the same with a bound of its errors


@dataclass(frozen=True)
class Alone:
    """A guess at one gradient: `phrase` says what is wrong with it, the same for all gradients with this slip."""

    phrase: str
    numbers: Numbers
    lines: Callable[[], Lines] = Lines
    may_be: Callable[[Problem], bool] | None = None  # a look at a part, before all is computed

    def explains(self, problem: Problem, key: str) -> bool:
        """Whether it gives every entry of this gradient."""
        try:
            if self.may_be is not None and not self.may_be(problem):
                return False
            guessed = self.numbers(problem, False)
            if guessed.shape != problem.found[key].shape:
                return False
            return problem.may_be(key, guessed) and problem.is_explained(key, self.numbers(problem, True))
        except (Unsupported, ValueError, KeyError):
            return False


def guesses(problem: Problem, key: str) -> Iterator[Alone]:
    """All guesses at one gradient, the simple ones first; constants are fitted to this problem, and tried on others."""
    yield from scaled(key)
    yield from rearranged(problem, key)
    yield from own_line(problem.formulas, key)
    yield from own_line(problem.expanded, key)
    yield from from_part(problem, key)
    yield from started(problem, key)
    yield from fitted(problem, key)


def scaled(key: str) -> Iterator[Alone]:
    """Zero, the other sign, and factors that code forgets or has too much."""
    factors: list[tuple[str, Callable[[Problem], float]]] = [
        ("is zero", lambda problem: 0.0),
        ("has the wrong sign", lambda problem: -1.0),
        ("is averaged over the batch (divided by B)", lambda problem: 1 / problem.batch),
        ("is averaged over the steps (divided by T)", lambda problem: 1 / problem.steps),
        ("is averaged over batch and steps (divided by B T)", lambda p: 1 / (p.batch * p.steps)),
        ("is doubled", lambda problem: 2.0),
        ("is halved", lambda problem: 0.5),
        ("is multiplied by B", lambda problem: float(problem.batch)),
        ("is multiplied by T", lambda problem: float(problem.steps)),
        ("is multiplied by B T", lambda problem: float(problem.steps * problem.batch)),
    ]
    for phrase, factor in factors:
        yield Alone(phrase, _times(key, factor))


def _true(problem: Problem, key: str, is_bounded: bool) -> Any:
    return problem.bounded[key] if is_bounded else problem.true[key]


def _times(key: str, factor: Callable[[Problem], float]) -> Numbers:
    return lambda problem, is_bounded: factor(problem) * _true(problem, key, is_bounded)


EXCHANGED, ANOTHER = "is exchanged: ", "is that of "  # and then the keys


def rearranged(problem: Problem, key: str) -> Iterator[Alone]:
    """Transposed, reversed in time or batch, a step off, or another gradient of its shape."""
    moves: list[tuple[str, Callable[[Any], Any]]] = []
    true = problem.true[key]
    is_sequence = true.ndim == 3
    if true.ndim == 2 and true.shape[0] == true.shape[1]:
        moves.append(("is transposed", lambda array: array.T))
    if is_sequence:
        moves.append(("is in the reverse order of steps", lambda array: array[::-1]))
        moves.append(("is one step late", lambda array: np.concatenate([np.zeros_like(array[:1]), array[:-1]])))
        moves.append(("is one step early", lambda array: np.concatenate([array[1:], np.zeros_like(array[:1])])))
        moves.append(("is the last step's at every step", lambda array: np.broadcast_to(array[-1:], array.shape)))
        moves.append(("is zero but at the last step", lambda array: _kept(array, -1)))
        moves.append(("is zero but at the first step", lambda array: _kept(array, 0)))
    for phrase, move in moves:
        yield Alone(phrase, _moved(key, move))
    for other in problem.keys:
        if other != key and problem.true[other].shape == true.shape:
            is_mutual = key in problem.wrong and problem.may_be(other, problem.true[key])
            phrase = f"{EXCHANGED}{' and '.join(sorted((key, other)))}" if is_mutual else f"{ANOTHER}{other}"
            yield Alone(phrase, _moved(other, lambda array: array))


def _kept(array: Array, step: int) -> Array:
    found = np.zeros_like(array)
    found[step] = array[step]
    return found


def _moved(key: str, move: Callable[[Any], Any]) -> Numbers:
    return lambda problem, is_bounded: move(_true(problem, key, is_bounded))


def own_line(formulas: Formulas, key: str) -> Iterator[Alone]:
    """A slip in the gradient's own formula."""
    if key not in formulas.gradients:
        return
    for edit in edits_of_line(formulas, key):
        for beyond, told in BEYOND.items() if edit.reads_beyond(formulas) else (("", ""),):
            phrase = f"{_phrase(edit)}{told and f', where {told}'}"
            look = None if edit.line.is_sum or key in formulas.starts else partial(_last_step, formulas, edit, beyond)
            yield Alone(phrase, _edited(formulas, edit, beyond), partial(edit.lines, formulas), look)


BEYOND = {
    "": "",
    "clamp": "a step that does not exist is the nearest one",
    "wrap": "an index wraps around",
}


def _phrase(edit: LineEdit) -> str:
    """The slip, without the gate's letter: one for all gates that have it."""
    return f"has a slip: {edit.words}" if edit.kind not in ("bounds", "one step") else f"is wrong: {edit.words}"


def _edited(formulas: Formulas, edit: LineEdit, beyond: str) -> Numbers:
    def numbers(problem: Problem, is_bounded: bool) -> Any:
        base = problem.expanded_run if formulas is problem.expanded else problem.run
        return _of_run(base.changed({edit.at: edit.term}, beyond=beyond), edit.line.key, is_bounded)

    return numbers


def _last_step(formulas: Formulas, edit: LineEdit, beyond: str, problem: Problem) -> bool:
    """Whether a sequence's gradient may have this slip by its last step alone."""
    base = problem.expanded_run if formulas is problem.expanded else problem.run
    last = base.changed({edit.at: edit.term}, beyond=beyond).at_step(edit.line.key, problem.steps)
    return problem.may_be_at(edit.line.key, problem.steps, last)


def _of_run(run: Run, key: str, is_bounded: bool) -> Any:
    return (run.bounded() if is_bounded else run).gradient(key)


def from_part(problem: Problem, key: str) -> Iterator[Alone]:
    """Of a sum over the batch only one sample is there."""
    line = problem.formulas.gradients.get(key)
    if line is None or not line.is_sum or problem.batch < 2:
        return
    for word, sample in (("first", 0), ("last", -1)):
        yield Alone(f"is that of the {word} sample of the batch alone", _of_sample(key, sample))


def _of_sample(key: str, sample: int) -> Numbers:
    def numbers(problem: Problem, is_bounded: bool) -> Any:
        base = problem.run
        cotangents = {name: _only(array, sample % problem.batch) for name, array in base.cotangents.items()}
        return _of_run(Run(base.formulas, base.inputs, cotangents, values=base.values), key, is_bounded)

    return numbers


def _only(array: Array, sample: int) -> Array:
    found = np.zeros_like(array)
    found[:, sample] = array[:, sample]
    return found


def started(problem: Problem, key: str) -> Iterator[Alone]:
    """The sum reads another state before the first step: zeros, or the last one by an index of -1."""
    line = problem.formulas.gradients.get(key)
    if line is None or not line.is_sum:
        return
    for initial, adjoint in problem.formulas.initial.items():
        family = problem.formulas.families[adjoint]
        for word, start in ((f"0 in place of {initial}", "zero"), (f"the last state in place of {initial}", "last")):
            yield Alone(f"reads {word}", _starting(key, family, start))


def _starting(key: str, family: str, start: str) -> Numbers:
    return lambda problem, is_bounded: _of_run(problem.run.changed({}, starts={family: start}), key, is_bounded)


def fitted(problem: Problem, key: str) -> Iterator[Alone]:
    """A constant factor, of all entries or of those that differ, that the first instance shows."""
    true, found, wrong = problem.true[key], problem.found[key], problem.differs(key)
    nonzero = wrong & (np.abs(true) > 0)
    if not nonzero.any() or (nonzero != wrong).any():
        return
    ratios = found[wrong] / true[wrong]
    c = float(np.median(ratios))
    if np.abs(ratios - c).max() > 1e-6 * abs(c) + 1e-12:
        return
    if wrong.mean() > 0.5:  # where a factor is near 1, some entries stay within their bounds
        yield Alone(f"is multiplied by {written(c)}", _times(key, lambda problem: c))
    where = area(wrong)
    if where is not None and not wrong.all():
        text, choose = where
        yield Alone(f"is multiplied by {written(c)} {text}", _partly(key, c, choose))


def written(c: float) -> str:
    """A factor in ten digits; one that is 1 in ten digits by what it is more or less than 1."""
    text = f"{c:.10g}"
    return f"1 {'+' if c > 1 else '-'} {abs(c - 1):.3g}" if text == "1" else text


def area(wrong: Array) -> tuple[str, Callable[[tuple[int, ...]], Array]] | None:
    """Where the wrong entries are, if that is one entry or one index of one axis: in words, and as a mask."""
    places = np.argwhere(wrong)
    if len(places) == 1:
        entry = tuple(int(i) for i in places[0])
        return f"in the entry {list(entry)}", lambda shape: _mask(shape, dict(enumerate(entry)))
    for axis in range(wrong.ndim):
        indices = sorted({int(place[axis]) for place in places})
        if len(indices) == 1 and wrong.take(indices[0], axis).all():
            fixed = {axis: indices[0]}
            return f"in the {axis_name(wrong.ndim, axis)} {indices[0]}", partial(_mask, fixed=fixed)
    return None


def axis_name(dimensions: int, axis: int) -> str:
    """What an axis counts."""
    names = {1: ("entry",), 2: ("row", "column"), 3: ("step (from 0)", "sample", "component")}
    return names.get(dimensions, tuple(f"axis {i}" for i in range(dimensions)))[axis]


def _mask(shape: tuple[int, ...], fixed: dict[int, int]) -> Array:
    found = np.zeros(shape, dtype=bool)
    found[tuple(fixed.get(axis, slice(None)) for axis in range(len(shape)))] = True
    return found


def _partly(key: str, c: float, choose: Callable[[tuple[int, ...]], Array]) -> Numbers:
    def numbers(problem: Problem, is_bounded: bool) -> Any:
        true = _true(problem, key, is_bounded)
        return np.where(choose(true.shape), c, 1.0) * true

    return numbers
