"""One audit: the function is called on a few instances, every entry is compared, and what is wrong is located."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from verify.audit.comparison import Comparison, Difference, compared
from verify.audit.exact import ExactRun, exact_run
from verify.audit.faults import Fault, changed, replaced_in_numpy, strided, without_numpy
from verify.audit.findings import AuditReport, Evidence
from verify.audit.instance import BATCH, SEQUENCE, Instance, blind_sizes, told_sizes
from verify.audit.models import model as model_of
from verify.audit.subject import Subject, spread, subject_of
from verify.audit.truth import Truth
from verify.errors import CallError
from verify.reference.sequences import Arrays

INSTANCES = 4
DTYPES = ("float64", "float32")
LARGEST = 10**9  # a size; arrays that do not fit into memory are refused where they are made
KEPT_WHOLE = 16  # a size up to this one is kept in the exact run, a larger one replaced
LISTED = 50  # differences of one gradient that a report keeps; all are counted


@dataclass(frozen=True)
class Plan:
    """How an audit is done: sizes that are asked for (the others are chosen), instances, seed, dtype, exact run."""

    sizes: Mapping[str, int]
    instances: int = INSTANCES
    seed: int = 0
    dtype: str = "float64"
    is_exact: bool = True
    is_diagnosed: bool = True

    def check(self, truth: Truth) -> None:
        """Raises CallError for what cannot be done."""
        stray = sorted(set(self.sizes) - set(truth.letters))
        if stray:
            raise CallError(f"{truth.name} has no size {', '.join(stray)}; it has {', '.join(truth.letters)}")
        if any(not 1 <= size <= LARGEST for size in self.sizes.values()):
            raise CallError(f"every size is at least 1, and at most {LARGEST}")
        if self.instances < 1:
            raise CallError("an audit without an instance shows nothing")
        if self.dtype not in DTYPES:
            raise CallError(f"dtype is one of {', '.join(DTYPES)}, not {self.dtype!r}")


def truth_of(model: Any, choices: Mapping[str, Any] | None = None) -> Truth:
    """A model by name, a document by its file's name, or a truth itself. Raises CallError."""
    if isinstance(model, Truth):
        return model
    if not isinstance(model, str):
        raise CallError(f"model is a name or a file, not {type(model).__name__}")
    if model == "-":
        raise CallError("a document from standard input cannot be audited against: name a file")
    if _names_a_document(model):
        from verify.audit.documents import truth_of_document  # SymPy, which the built-in models do not need

        return truth_of_document(model, choices or {})
    return model_of(model, choices)


def _names_a_document(name: str) -> bool:
    return "." in name or "/" in name


def audit(function: Any, truth: Truth, plan: Plan, **how: Any) -> AuditReport:
    """Audit a function; `how` is what `subject_of` takes: name, arrays, wrt, order. It runs in this process."""
    plan.check(truth)
    subject = subject_of(function, tuple(truth.shapes), tuple(truth.outputs), **how)
    return audited(subject, truth, plan)


def unheard(stage: str) -> None:
    """Nobody asked what is done next."""


def audited(subject: Subject, truth: Truth, plan: Plan, tell: Callable[[str], None] = unheard) -> AuditReport:
    """The report on a subject; `tell` hears what is done next."""
    evidence: list[Evidence] = []
    faults: list[Fault] = []
    failing: tuple[Instance, Comparison] | None = None
    if replaced := replaced_in_numpy():
        faults.append(Fault("numpy replaced", without_numpy(replaced)))
    truth.check()
    for number in range(0 if faults else plan.instances):
        instance = truth.instance(truth.sizes(number, plan.sizes), plan.seed + number, np.dtype(plan.dtype))
        tell(f"calling it on instance {number + 1} of {plan.instances} ({told_sizes(instance.sizes)})")
        found, comparison = examined(subject, truth, instance, faults)
        evidence.append(found)
        if failing is None and comparison is not None and comparison.differences:
            failing = instance, comparison
        if number == 0 and not faults and failing is None:
            faults += elsewhere(subject, truth, instance)
        if faults:
            break
    notes = blind_of(evidence)
    shortest = least(truth, plan)
    if shortest is not None and not faults:
        tell(f"calling it on the least instance ({told_sizes(shortest.sizes)})")
        found, comparison = examined(subject, truth, shortest, faults)
        evidence.append(found)
        if failing is None and comparison is not None and comparison.differences:
            failing = shortest, comparison
    tell("calling it on residues, for the exact run")
    exact = None if faults or not plan.is_exact else exactly(subject, truth, plan)
    is_right = not faults and failing is None and (exact is None or exact.outcome != "differs")
    if notes and is_right:
        notes = _covered(subject, truth, plan, evidence, notes)
    tell("looking for what explains the differences")
    explained = diagnosed(subject, truth, *failing) if failing is not None and plan.is_diagnosed else None
    keys = subject.wrt or tuple(truth.shapes)
    return AuditReport(
        subject.name, truth.name, plan.dtype, keys, tuple(evidence), tuple(faults), exact, notes, explained
    )  # fmt: skip


def _covered(
    subject: Subject, truth: Truth, plan: Plan, evidence: list[Evidence], notes: tuple[str, ...]
) -> tuple[str, ...]:
    """What stays hidden once one more instance is looked at, a telling one; it is added to the evidence.

    The exact run does not stand for it: what code decides by Python's own floats is not seen there.
    """
    found, left = beside(subject, truth, plan, notes)
    if found is not None:
        evidence.append(found)
    return left


def examined(
    subject: Subject, truth: Truth, instance: Instance, faults: list[Fault]
) -> tuple[Evidence, Comparison | None]:
    """One instance: called twice, compared once; faults are added to the list."""
    first = subject.answer(instance)
    faults += first.faults
    if not first.gradients:
        return Evidence(instance.sizes, instance.seed, 0, 0.0, blind=instance.blind_spots()), None
    comparison = compared(truth, instance, first.gradients)
    if not first.faults:
        faults += changed(first, subject.answer(instance), wrong_in(truth, instance))
    found = Evidence(
        instance.sizes,
        instance.seed,
        comparison.entries,
        comparison.worst,
        worst_of(comparison),
        comparison.counts,
        {key: array.size for key, array in first.gradients.items()},
        (*instance.blind_spots(), *comparison.hidden),
    )
    return found, comparison


def wrong_in(truth: Truth, instance: Instance) -> Callable[[Arrays], Mapping[str, int]]:
    """The keys of gradients that are beyond their bounds on an instance."""
    return lambda found: compared(truth, instance, found).counts


def elsewhere(subject: Subject, truth: Truth, instance: Instance) -> tuple[Fault, ...]:
    """What a function that is right on an instance gets wrong on arrays that are not contiguous; JAX has no others."""
    if subject.arrays == "jax":
        return ()
    wrong = wrong_in(truth, instance)
    found = strided(subject.answer(instance, spread), wrong)
    again = subject.answer(instance) if found else None
    if again is not None and (again.faults or wrong(again.gradients)):
        return (Fault("not repeatable", "a later call on the same arrays is wrong: memory is read that was not set"),)
    return found


def least(truth: Truth, plan: Plan) -> Instance | None:
    """One step of one sample, where these sizes are free: what an axis of length 1 breaks shows there."""
    sizes = {letter: 1 for letter in (SEQUENCE, BATCH) if letter in truth.letters and letter not in plan.sizes}
    if not sizes:
        return None
    return truth.instance(truth.sizes(0, {**plan.sizes, **sizes}), plan.seed, np.dtype(plan.dtype))


def worst_of(comparison: Comparison) -> tuple[Difference, ...]:
    """The worst differences of each gradient."""
    by_key: dict[str, list[Difference]] = {}
    for one in comparison.differences:
        by_key.setdefault(one.key, []).append(one)
    return tuple(one for listed in by_key.values() for one in listed[:LISTED])


def telling_sizes(truth: Truth, asked: Mapping[str, int], largest: int = 10**9) -> dict[str, int]:
    """Sizes at which nothing hides: those that are asked for are kept where they are telling, and not too large."""
    kept: dict[str, int] = {}
    for letter, size in sorted(asked.items()):
        if size <= largest and not blind_sizes({**kept, letter: size}):
            kept[letter] = size
    return truth.sizes(0, kept)


def exactly(subject: Subject, truth: Truth, plan: Plan) -> ExactRun:
    """The exact run, at telling sizes."""
    return exact_run(truth, subject, telling_sizes(truth, plan.sizes, KEPT_WHOLE), plan.seed)


def beside(subject: Subject, truth: Truth, plan: Plan, blind: Sequence[str]) -> tuple[Evidence | None, tuple[str, ...]]:
    """One more instance, at telling sizes, where those that are asked for hide errors; or why there is none."""
    sizes = telling_sizes(truth, plan.sizes)
    instance = truth.instance(sizes, plan.seed, np.dtype(plan.dtype))
    faults: list[Fault] = []
    found, _ = examined(subject, truth, instance, faults)
    if faults:
        why = f"at other sizes ({told_sizes(sizes)}) it gives no answer: {faults[0].message.splitlines()[0]}"
        return None, (*blind, why)
    return found, ()


def blind_of(evidence: Sequence[Evidence]) -> tuple[str, ...]:
    """What no instance can show."""
    if not evidence:
        return ()
    common = set(evidence[0].blind).intersection(*(one.blind for one in evidence))
    return tuple(spot for spot in evidence[0].blind if spot in common)


def diagnosed(subject: Subject, truth: Truth, instance: Instance, comparison: Comparison) -> Any:
    """Which error explains the numbers, and the smallest instance that shows it; None where nothing looks for it."""
    if find_spec("verify.audit.diagnosis") is None:
        return None
    try:
        return import_module("verify.audit.diagnosis").diagnose(subject, truth, instance, comparison.differences)
    except Exception as error:  # the numbers are wrong, whatever happens to the search for the reason
        return f"  the search for an explanation failed: {type(error).__name__}: {error}"
