"""Which planted error explains all the numbers: guesses from the simple to the far-fetched, each on every instance.

Nothing is a list by model. Guesses are edits of the lines that derive derives, one slip in one line or the same slip in
several; changes of what is read (another order of the gates, a cotangent ignored, a state that starts at 0); and what
may be wrong with one gradient alone. A guess that gives every entry of every gradient on the first instance is tried on
the others; one that fails anywhere is dropped. The constants that some guesses fit come from the first instance alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import permutations
from time import perf_counter
from typing import Any

import numpy as np

from verify.audit import one_gradient
from verify.audit.backward_formulas import Formulas, Lines, Place
from verify.audit.edited_lines import OF_TERMS, LineEdit, edits_of_line, gates_of, merged, together
from verify.audit.guess import Guess, at_step, sequences
from verify.audit.one_gradient import ANOTHER, BEYOND, EXCHANGED, Alone
from verify.audit.problem import Getter, Problem
from verify.audit.slips_of_code import ORDER
from verify.reference.sequences import Array, Arrays

SEVERAL = 3  # errors that are independent of one another, at most


@dataclass(frozen=True)
class Explanation:
    """What explains every number on every instance: in words, and the lines as they should be and as they are.

    `explains` says whether it holds on one more instance too.
    """

    words: str
    lines: Lines
    explains: Callable[[Problem], bool]


def explained(
    problems: Sequence[Problem], seconds: float, variants: Mapping[str, Formulas] | None = None
) -> Explanation | None:
    """The simplest explanation that holds on all problems, None where none does. Needs two at least.

    `variants` are other models with the same inputs, by what they are.
    """
    if len(problems) < 2 or not all(problem.wrong for problem in problems):
        return None
    end = perf_counter() + seconds
    one_by_one = OneByOne.of(problems, end)
    if one_by_one is not None and one_by_one.is_common:
        return one_by_one.explanation
    for guess in guesses(problems[0], variants or {}):
        if perf_counter() > end:
            break
        if all(guess.explains(problem) for problem in problems):
            return Explanation(guess.words, guess.lines(), guess.explains)
    return one_by_one.explanation if one_by_one is not None else pair(problems, end)


def pair(problems: Sequence[Problem], end: float) -> Explanation | None:
    """A slip in what comes back, and beside it one in each gradient that is wrong for another reason."""
    if not any(key in problems[0].wrong for key in sequences(problems[0], problems[0].run)):
        return None
    first = problems[0]
    for guess in (*of_cotangents(first), *of_time(first), *of_lines(first.formulas, False)):
        if perf_counter() > end:
            return None
        rest = [guess.beside(first)]
        if rest[0] is None:
            continue
        rest += [guess.beside(problem) for problem in problems[1:]]
        found = [problem for problem in rest if problem is not None and problem.wrong]
        other = OneByOne.of(found, end) if len(found) == len(problems) else None
        if other is not None:
            words = f"two errors at once: {guess.words}; and {other.explanation.words}"
            lines = Lines.joined([guess.lines(), other.explanation.lines])
            return Explanation(words, lines, partial(_both, guess, other))
    return None


def _both(guess: Guess, other: OneByOne, problem: Problem) -> bool:
    rest = guess.beside(problem)
    return rest is not None and other.explains(rest)


# --- every wrong gradient by itself ------------------------------------------------------------------------------


@dataclass(frozen=True)
class OneByOne:
    """An explanation of each wrong gradient by itself; `is_common`: one slip explains them all."""

    chosen: tuple[tuple[str, Alone], ...]
    count: int  # of the gradients, right and wrong

    @classmethod
    def of(cls, problems: Sequence[Problem], end: float) -> OneByOne | None:
        """One slip for each wrong gradient, the same one where it can be; None where one is not explained."""
        found: dict[str, list[Alone]] = {}
        for key in (key for key in problems[0].keys if any(key in problem.wrong for problem in problems)):
            found[key] = []
            for alone in one_gradient.guesses(problems[0], key):
                if perf_counter() > end:
                    return None
                if all(alone.explains(problem, key) for problem in problems):
                    found[key].append(alone)
            if not found[key]:
                return None
        keys = list(found)
        phrases = [{_general(alone, key) for alone in found[key]} for key in keys]
        common = set.intersection(*phrases)
        chosen = []
        for key in keys:
            ranked = [alone for alone in found[key] if not common or _general(alone, key) in common]
            chosen.append((key, ranked[0]))
        made = cls(tuple(chosen), len(problems[0].keys))
        return made if len(made.groups) <= SEVERAL else None

    @property
    def groups(self) -> dict[str, list[tuple[str, Alone]]]:
        """The gradients by what is wrong with them."""
        found: dict[str, list[tuple[str, Alone]]] = {}
        for key, alone in self.chosen:
            found.setdefault(_general(alone, key), []).append((key, alone))
        return found

    @property
    def is_common(self) -> bool:
        """Whether one slip explains all."""
        return len(self.groups) == 1

    @property
    def explanation(self) -> Explanation:
        """In words: of one slip, or of several that are independent."""
        told = [_sentence(group, len(group) == self.count) for group in self.groups.values()]
        lines = [alone.lines() for _, alone in self.chosen]
        words = told[0] if len(told) == 1 else f"{len(told)} errors, each by itself: " + "; ".join(told)
        return Explanation(words, Lines.joined(lines), self.explains)

    def explains(self, problem: Problem) -> bool:
        """Whether each wrong gradient is explained on another instance."""
        known = dict(self.chosen)
        return set(problem.wrong) <= set(known) and all(one.explains(problem, key) for key, one in self.chosen)


def _general(alone: Alone, key: str) -> str:
    """A phrase without the gate's letter of its key, so that one slip in every gate is one."""
    mark = key.partition("_")[2]
    for known in (EXCHANGED, ANOTHER):
        if alone.phrase.startswith(known):
            return known
    return alone.phrase.replace(f"^{mark}", "^·").replace(f"_{mark}", "_·") if mark else alone.phrase


def _sentence(group: list[tuple[str, Alone]], are_all: bool) -> str:
    keys = [key for key, _ in group]
    phrases = list(dict.fromkeys(alone.phrase for _, alone in group))
    if phrases[0].startswith(EXCHANGED):
        return f"the gradients of {', of '.join(phrase.removeprefix(EXCHANGED) for phrase in phrases)} are exchanged"
    if phrases[0].startswith(ANOTHER):
        return ", ".join(f"the gradient of {key} {alone.phrase}" for key, alone in group)
    if len(keys) == 1:
        return f"the gradient of {keys[0]} {phrases[0]}"
    if are_all and len(phrases) == 1:
        return f"every gradient {phrases[0]}"
    listed = f"{', '.join(keys[:-1])} and {keys[-1]}"
    return f"each of the gradients of {listed} {phrases[0]}" + (" (and alike)" if len(phrases) > 1 else "")


# --- one cause of all that is wrong ------------------------------------------------------------------------------


def guesses(problem: Problem, variants: Mapping[str, Formulas]) -> Iterator[Guess]:
    """Guesses at one cause, the simple ones first."""
    for name, formulas in variants.items():
        yield _of_variant(name, formulas, problem)
    yield from of_cotangents(problem)
    yield from of_time(problem)
    yield from of_lines(problem.formulas, False)
    yield from of_inputs(problem)
    yield from of_lines(problem.expanded, True)
    yield from of_windows(problem)


def _of_variant(name: str, formulas: Formulas, problem: Problem) -> Guess:
    """Another model's gradients; of inputs that it has not, zeros."""
    words = f"these are the right gradients of another model: {name}"
    lacking = [key for key in problem.instance.inputs if key not in {**formulas.gradients, **formulas.initial}]
    if not lacking:
        return Guess(words, variant=formulas)

    def output(key: str, get: Getter) -> Any:
        return np.zeros(()) if key in lacking else get(key)  # of any shape

    return Guess(f"{words}, which has no {', '.join(lacking)}", variant=formulas, output=output)


def of_cotangents(problem: Problem) -> Iterator[Guess]:
    """Some cotangents are not read, or are read at another step."""
    outputs = list(problem.instance.cotangents)
    yield Guess("only the cotangent of the last step is used", cotangents=_masked(lambda a: at_step(a, len(a))))
    yield Guess("the cotangent of the last step is not used", cotangents=_masked(lambda a: ~at_step(a, len(a))))
    yield Guess("the cotangent of the first step is not used", cotangents=_masked(lambda a: ~at_step(a, 1)))
    yield Guess("only the cotangent of the first step is used", cotangents=_masked(lambda a: at_step(a, 1)))
    yield Guess("the cotangents are read in the reverse order of steps", cotangents=_mapped(lambda a: a[::-1]))
    yield Guess("the cotangent of step t + 1 is used at step t", cotangents=_mapped(lambda a: _shifted(a, -1)))
    yield Guess("the cotangent of step t - 1 is used at step t", cotangents=_mapped(lambda a: _shifted(a, 1)))
    yield Guess("ones stand in place of the cotangents", cotangents=_mapped(np.ones_like))
    for key in outputs if len(outputs) > 1 else ():
        yield Guess(f"the cotangent of {key} is not used", cotangents=_of_one(key, lambda a: np.zeros_like(a)))
        last = _of_one(key, lambda a: np.where(at_step(a, len(a)), a, 0))
        yield Guess(f"of the cotangents of {key} only that of the last step is used", cotangents=last)
        rest = _of_one(key, lambda a: np.where(at_step(a, len(a)), 0, a))
        yield Guess(f"the cotangent of {key} at the last step is not used", cotangents=rest)


def _masked(mask: Any) -> Any:
    return _mapped(lambda array: np.where(mask(array), array, 0))


def _mapped(change: Any) -> Any:
    return lambda arrays: {key: change(array) for key, array in arrays.items()}


def _of_one(key: str, change: Any) -> Any:
    return lambda arrays: {**arrays, key: change(arrays[key])}


def _shifted(array: Array, steps: int) -> Array:
    found = np.zeros_like(array)
    if steps > 0:
        found[steps:] = array[:-steps]
    else:
        found[:steps] = array[-steps:]
    return found


def of_time(problem: Problem) -> Iterator[Guess]:
    """Nothing comes back from the next step: anywhere, or from one chunk of steps to the one before."""
    nothing = "nothing comes back from step t + 1: the recurrent term of the next step is missing"
    lines = partial(_cut, problem.formulas)
    yield Guess(nothing, lines, cuts=lambda steps: frozenset(range(steps)))
    yield Guess(f"{nothing}, but for the initial state", lines, cuts=lambda steps: frozenset(range(1, steps)))
    for size in range(2, problem.steps):
        words = f"the sequence is cut into chunks of {size} steps, and nothing comes back from one to the one before"
        yield Guess(words, cuts=_chunks(size, 0))
        yield Guess(f"{words}, counted from the end", cuts=_from_end(size))
        yield Guess(f"only the last {size} steps are walked back", cuts=_last(size))


def _cut(formulas: Formulas) -> Lines:
    """The lines that read the next step, with that and without."""
    crossing = [line for line in formulas.adjoints.values() if any(line.crosses)]
    return Lines.of(formulas, crossing, [line.without_crossing() for line in crossing])


def _chunks(size: int, start: int) -> Any:
    return lambda steps: frozenset(range(start + size, steps, size))


def _from_end(size: int) -> Any:
    return lambda steps: frozenset(range(steps - size, 0, -size))


def _last(size: int) -> Any:
    return lambda steps: frozenset({steps - size}) if size < steps else frozenset()


def of_windows(problem: Problem) -> Iterator[Guess]:
    """Truncated: what the loss of a step sends back walks a fixed number of steps."""
    for steps in range(1, problem.steps):
        words = f"truncated: what each step's cotangent sends back ends after {steps} step{'s' * (steps > 1)}"
        yield Guess(words, window=steps)
        yield Guess(words, window=steps, is_start_reached=False)


# --- slips in lines ----------------------------------------------------------------------------------------------


def of_lines(formulas: Formulas, is_expanded: bool) -> Iterator[Guess]:
    """One slip in one line, and one slip in several lines at once; by kinds, the frequent ones first."""
    adjoints = [edit for key in formulas.adjoints for edit in edits_of_line(formulas, key)]
    own = [edit for key in formulas.gradients for edit in edits_of_line(formulas, key)]
    several = [group for group in together(adjoints + own) if any(e.line.key in formulas.adjoints for e in group)]
    groups = [*((edit,) for edit in adjoints), *several]
    for group in sorted(groups, key=lambda group: (RANKS[group[0].kind], len(group) > 1)):
        yield from _of_group(formulas, group, is_expanded)


RANKS = {kind: rank for rank, kind in enumerate([*OF_TERMS, *ORDER])}


def _of_group(formulas: Formulas, group: tuple[LineEdit, ...], is_expanded: bool) -> Iterator[Guess]:
    changes, made = merged(group)
    words = ", ".join(list(dict.fromkeys(edit.words for edit in made))[:SHOWN])
    words += f" and so on, in {len(made)} places" if len({edit.words for edit in made}) > SHOWN else ""
    reads = any(edit.reads_beyond(formulas) for edit in group)
    for beyond, told in BEYOND.items() if reads else (("", ""),):
        text = f"{words}{told and f', where {told}'}"
        yield Guess(text, partial(_lines, formulas, group, changes), changes, is_expanded, beyond)


SHOWN = 4  # places of one slip that are named


def _lines(formulas: Formulas, group: tuple[LineEdit, ...], changes: Mapping[Place, Any]) -> Lines:
    right = {edit.line.key: edit.line for edit in group}
    wrong = dict(right)
    for (key, place), term in changes.items():
        wrong[key] = wrong[key].with_term(place, term)
    kept = [key for key in right if right[key] != wrong[key]]
    return Lines.of(formulas, [right[key] for key in kept], [wrong[key] for key in kept])


# --- other inputs ------------------------------------------------------------------------------------------------


def of_inputs(problem: Problem) -> Iterator[Guess]:
    """The gradients of another problem: a state that starts at 0, a transposed matrix, gates in another order."""
    inputs, formulas = problem.instance.inputs, problem.formulas
    for key, array in inputs.items():
        zeroed = _of_one(key, np.zeros_like)
        yield Guess(f"{key} is taken for 0 throughout", inputs=zeroed)
        yield Guess(f"{key} is taken for 0 throughout, and so is its gradient", inputs=zeroed, output=_zero(key))
        if array.ndim == 2 and array.shape[0] == array.shape[1] and key not in formulas.initial:
            turned = _of_one(key, _turned)
            yield Guess(f"{key} is read transposed, in the forward pass too", inputs=turned, output=_turning((key,)))
            yield Guess(
                f"{key} is read transposed, in the forward pass too, and its gradient is not turned back", inputs=turned
            )
    square = tuple(
        key for key, array in inputs.items()
        if key not in formulas.initial and array.ndim == 2 and array.shape[0] == array.shape[1]
    )  # fmt: skip
    if len(square) > 1:
        words = f"{', '.join(square)} are read transposed, in the forward pass too"
        yield Guess(words, inputs=_all_turned(square), output=_turning(square))
        yield Guess(f"{words}, and their gradients are not turned back", inputs=_all_turned(square))
    yield from of_gates(inputs, gates_of(formulas.model))


def of_gates(inputs: Arrays, gates: tuple[str, ...]) -> Iterator[Guess]:
    """The gates' parameters in another order, where they are read alone or where their gradients are returned too."""
    orders = [dict(zip(gates, order, strict=True)) for order in permutations(gates) if len(gates) <= MOST_GATES]
    for order in sorted(orders, key=lambda order: sum(one != two for one, two in order.items())):
        moved = [one for one, two in order.items() if one != two]
        if not moved:
            continue
        places = ", ".join(f"{order[one]} in the place of {one}" for one in moved)
        words = f"the parameters of the gates are read in another order: {places}"
        back = {two: one for one, two in order.items()}
        swap = partial(_reordered, order)
        yield Guess(words, inputs=swap)
        renamed = partial(_returned, inputs, back)
        yield Guess(f"{words}, and their gradients are returned so too", inputs=swap, output=renamed)


MOST_GATES = 4


def _zero(zeroed: str) -> Any:
    return lambda key, get: np.zeros_like(get(key)) if key == zeroed else get(key)


def _turned(array: Array) -> Array:
    return np.ascontiguousarray(array.T)


def _turning(keys: tuple[str, ...]) -> Any:
    return lambda key, get: get(key).T if key in keys else get(key)


def _all_turned(keys: tuple[str, ...]) -> Any:
    return lambda arrays: {key: _turned(array) if key in keys else array for key, array in arrays.items()}


def _partner(inputs: Arrays, key: str, order: Mapping[str, str]) -> str:
    """The key of the same letter in another gate."""
    stem, _, mark = key.rpartition("_")
    name = f"{stem}_{order.get(mark, mark)}"
    return name if name in inputs and inputs[name].shape == inputs[key].shape else key


def _reordered(order: Mapping[str, str], arrays: Arrays) -> dict[str, Array]:
    return {key: arrays[_partner(arrays, key, order)] for key in arrays}


def _returned(inputs: Arrays, order: Mapping[str, str], key: str, get: Getter) -> Any:
    return get(_partner(inputs, key, order))
