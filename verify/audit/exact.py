"""The exact run: the function under audit and the reference on residues modulo a prime, compared with tolerance 0.

Both take random elementary functions at the arguments that they compute. Only where they took the same functions at
the same arguments does a difference say something: a gradient is then a rational function of independent numbers, and
two that are equal for floats are equal modulo p; two that are not are equal by chance only, about one in 10⁵ to 10⁶.
Otherwise, and where a value leaves the field, the exact run is given up, and says why.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from verify.audit.instance import told_sizes
from verify.audit.residues import PRIME, LeftField, Residues, Run, decoded, encoded, hashed
from verify.audit.subject import Subject
from verify.audit.truth import Truth
from verify.reference.sequences import Array

SIZES = {"T": 7}  # what a truncation after five steps needs
OUTCOMES = ("equal", "differs", "given up")


@dataclass(frozen=True)
class ExactRun:
    """What came of it: equal, differs or given up, with the reason; the first place where residues differ."""

    outcome: str
    sizes: Mapping[str, int]
    seed: int
    reason: str = ""
    key: str = ""
    index: tuple[int, ...] = ()
    got: int = 0
    expected: int = 0
    counts: Mapping[str, int] | None = None

    def __post_init__(self) -> None:
        if self.outcome not in OUTCOMES:
            raise ValueError(f"outcome is one of {', '.join(OUTCOMES)}, not {self.outcome!r}")

    def told(self) -> str:
        """One line."""
        sizes = told_sizes(self.sizes)
        if self.outcome == "equal":
            return f"exact: every entry equal modulo {PRIME} ({sizes})"
        if self.outcome == "given up":
            return f"exact run given up: {self.reason}"
        return f"exact: the gradient of {self.key} differs modulo {PRIME} at {list(self.index)} ({sizes})"


@dataclass(frozen=True)
class Solution:
    """The reference's run on residues: the instance, its gradients as integers, and the run's functions."""

    arrays: Mapping[str, Array]
    cotangents: Mapping[str, Array]
    gradients: Mapping[str, Array]
    run: Run


def exact_run(truth: Truth, subject: Subject, sizes: Mapping[str, int], seed: int) -> ExactRun:
    """The subject against the reference at some sizes, modulo p."""
    if not truth.is_reference:
        return ExactRun("given up", sizes, seed, "the model is a document: only built-in models run on residues")
    if subject.arrays != "numpy":
        return ExactRun("given up", sizes, seed, f"it takes NumPy's arrays, not {subject.arrays}'s")
    try:
        solution = solved(truth, sizes, seed)
    except LeftField as error:
        return ExactRun("given up", sizes, seed, f"the model itself takes {error}")
    run = solution.run.again()
    given = [
        {key: encoded(array, run) for key, array in arrays.items()} for arrays in (solution.arrays, solution.cotangents)
    ]
    try:
        with constructors(run), np.errstate(all="ignore"):
            returned = subject.call(*given)
    except (Exception, SystemExit) as error:
        why = run.left or f"the function raises {type(error).__name__} on residues: {error}"
        return ExactRun("given up", sizes, seed, why)
    return judged(subject, solution, run, returned, sizes, seed)


def judged(
    subject: Subject, solution: Solution, run: Run, returned: Any, sizes: Mapping[str, int], seed: int
) -> ExactRun:
    """What was returned against the reference's gradients."""
    named = subject.named(returned)
    try:
        found = {key: decoded(named[key], run) for key in subject.wrt or tuple(solution.gradients) if key in named}
    except Exception as error:  # a tensor that is no array, or whatever its conversion raises
        return ExactRun("given up", sizes, seed, run.left or str(error))
    if run.left:
        return ExactRun("given up", sizes, seed, run.left)
    wrong = {
        key: array != solution.gradients[key]
        for key, array in found.items()
        if array.shape == solution.gradients[key].shape
    }
    if not wrong:
        return ExactRun("given up", sizes, seed, "it returned no gradients of the right keys and shapes")
    counts = {key: int(mask.sum()) for key, mask in wrong.items() if mask.any()}
    if not counts:
        return ExactRun("equal", sizes, seed)
    if run.taken != solution.run.taken:
        why = "the function takes its elementary functions at other arguments, or in another form, than the model"
        return ExactRun("given up", sizes, seed, why)
    key = next(iter(counts))
    index = tuple(int(i) for i in np.argwhere(wrong[key])[0])
    got, expected = int(found[key][index]), int(solution.gradients[key][index])
    return ExactRun("differs", sizes, seed, "", key, index, got, expected, counts)


KEPT = 32


def solved(truth: Truth, sizes: Mapping[str, int], seed: int) -> Solution:
    """The reference on residues; kept with the truth, since audits of one model ask again. Raises LeftField."""
    key = (tuple(sorted(sizes.items())), seed)
    if key not in truth.solved:
        if len(truth.solved) >= KEPT:
            truth.solved.clear()
        truth.solved[key] = _solution(truth, sizes, seed)
    found: Solution = truth.solved[key]
    return found


def _solution(truth: Truth, sizes: Mapping[str, int], seed: int) -> Solution:
    drawn = truth.instance(sizes, seed)
    arrays, cotangents = (
        {key: hashed(10 + place, np.arange(array.size) + (k << 24), seed).reshape(array.shape)
         for k, (key, array) in enumerate(sorted(part.items()))}
        for place, part in enumerate((drawn.inputs, drawn.cotangents))
    )  # fmt: skip
    run = Run(seed)
    given = [{key: encoded(a, run) for key, a in part.items()} for part in (arrays, cotangents)]
    found = truth.run(*given)
    return Solution(arrays, cotangents, {key: decoded(array, run) for key, array in found.items()}, run)


# --- arrays that the function makes itself -----------------------------------------------------------------------

CONSTRUCTORS = ("zeros", "ones", "empty", "full", "eye", "identity", "array", "asarray", "asanyarray")
_LOCK = threading.RLock()


@contextmanager
def constructors(run: Run) -> Iterator[None]:
    """While the function runs, arrays of floats that it makes by np.zeros and its kin can hold residues.

    Else what is stored in them would be lost to the field. NumPy's names are put back at the end.
    """
    with _LOCK:
        originals = {name: getattr(np, name) for name in CONSTRUCTORS}
        try:
            for name, original in originals.items():
                setattr(np, name, holding(original, run))
            setattr(np, "empty", unwritten(originals["empty"], run))  # noqa: B010
            yield
        finally:
            for name, original in originals.items():
                setattr(np, name, original)


def unwritten(original: Callable[..., Any], run: Run) -> Callable[..., Any]:
    """`np.empty` with random residues in it: floats that nobody wrote may be zeros, and hide that they are read."""

    def made(*arguments: Any, **options: Any) -> Any:
        found = holding(original, run)(*arguments, **options)
        if isinstance(found, Residues):
            found[...] = encoded(hashed(20, np.arange(found.size), run.seed).reshape(found.shape), run)
        return found

    return made


def holding(original: Callable[..., Any], run: Run) -> Callable[..., Any]:
    """A constructor whose arrays of float64 are `Residues`."""

    def made(*arguments: Any, **options: Any) -> Any:
        found = original(*arguments, **options)
        if type(found) is np.ndarray and found.dtype == np.float64:
            held = found.view(Residues)
            held.run = run
            return held
        return found

    return made
