"""One audit: the function is called on a few instances, every entry is compared, and what is wrong is located."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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


@dataclass
class Looks:
    """What calls on some instances have shown: the evidence, what is wrong with a call, the first wrong gradients."""

    subject: Subject
    truth: Truth
    tell: Callable[[str], None]
    evidence: list[Evidence] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    failing: tuple[Instance, Comparison] | None = None

    def at(self, instance: Instance, name: str) -> None:
        """One more instance."""
        self.tell(f"calling it on {name} ({told_sizes(instance.sizes)})")
        found, comparison = examined(self.subject, self.truth, instance, self.faults)
        self.evidence.append(found)
        if self.failing is None and comparison is not None and comparison.differences:
            self.failing = instance, comparison


def audited(subject: Subject, truth: Truth, plan: Plan, tell: Callable[[str], None] = unheard) -> AuditReport:
    """The report on a subject; `tell` hears what is done next."""
    looks = Looks(subject, truth, tell)
    if replaced := replaced_in_numpy():
        looks.faults.append(Fault("numpy replaced", without_numpy(replaced)))
    truth.check()
    drawn_ones(looks, plan)
    notes = blind_of(looks.evidence)
    shortest = least(truth, plan)
    if shortest is not None and not looks.faults:
        looks.at(shortest, "the least instance")
    exact = None
    if plan.is_exact and not looks.faults:
        tell("calling it on residues, for the exact run")
        exact = exactly(subject, truth, plan)
    is_right = not looks.faults and looks.failing is None and (exact is None or exact.outcome != "differs")
    if notes and is_right:
        notes = hidden_beside(looks, plan, notes)
    explained = None
    if looks.failing is not None and plan.is_diagnosed:
        tell("looking for what explains the differences")
        explained = diagnosed(subject, truth, *looks.failing)
    keys = subject.wrt or tuple(truth.shapes)
    seen = tuple(looks.evidence), tuple(looks.faults)
    return AuditReport(subject.name, truth.name, plan.dtype, keys, *seen, exact, notes, explained)


def drawn_ones(looks: Looks, plan: Plan) -> None:
    """The instances of the plan, up to the first fault; of the first one other layouts too."""
    for number in range(0 if looks.faults else plan.instances):
        truth = looks.truth
        instance = truth.instance(truth.sizes(number, plan.sizes), plan.seed + number, np.dtype(plan.dtype))
        looks.at(instance, f"instance {number + 1} of {plan.instances}")
        if number == 0 and not looks.faults and looks.failing is None:
            looks.faults += elsewhere(looks.subject, truth, instance)
        if looks.faults:
            return


def hidden_beside(looks: Looks, plan: Plan, notes: tuple[str, ...]) -> tuple[str, ...]:
    """What stays hidden once one more instance is looked at, of telling sizes where those asked for hide errors.

    The exact run does not stand for it: what code decides by Python's own floats is not seen there.
    """
    truth, sizes = looks.truth, telling_sizes(looks.truth, plan.sizes)
    if sizes == looks.evidence[0].sizes:  # that very instance was looked at
        return notes
    more = Looks(looks.subject, truth, looks.tell)
    more.at(truth.instance(sizes, plan.seed, np.dtype(plan.dtype)), "an instance of other sizes")
    if more.faults:
        why = more.faults[0].message.splitlines()[0]
        return (*notes, f"at other sizes ({told_sizes(sizes)}) it gives no answer: {why}")
    looks.evidence += more.evidence
    looks.failing = more.failing
    return tuple(note for note in notes if note in more.evidence[0].blind)


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


def telling_sizes(truth: Truth, asked: Mapping[str, int], largest: int = LARGEST) -> dict[str, int]:
    """Sizes at which nothing hides: those that are asked for are kept where they are telling, and not too large."""
    kept: dict[str, int] = {}
    for letter, size in sorted(asked.items()):
        if size <= largest and not blind_sizes({**kept, letter: size}):
            kept[letter] = size
    return truth.sizes(0, kept)


def exactly(subject: Subject, truth: Truth, plan: Plan) -> ExactRun:
    """The exact run, at telling sizes."""
    return exact_run(truth, subject, telling_sizes(truth, plan.sizes, KEPT_WHOLE), plan.seed)


def blind_of(evidence: Sequence[Evidence]) -> tuple[str, ...]:
    """What no instance can show."""
    if not evidence:
        return ()
    common = set(evidence[0].blind).intersection(*(one.blind for one in evidence))
    return tuple(spot for spot in evidence[0].blind if spot in common)


def diagnosed(subject: Subject, truth: Truth, instance: Instance, comparison: Comparison) -> Any:
    """Which error explains the numbers, and a small instance that shows it."""
    from verify.audit.diagnosis import diagnose  # SymPy, which an audit that finds nothing does not need

    try:
        return diagnose(subject, truth, instance, comparison.differences)
    except Exception as error:  # the numbers are wrong, whatever happens to the search for the reason
        return f"  the search for an explanation failed: {type(error).__name__}: {error}"
