"""Calls of a function on instances of our choice: which gradients differ there, and how many calls were made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from verify.audit.comparison import compared
from verify.audit.instance import Instance
from verify.audit.subject import Subject
from verify.audit.truth import Truth
from verify.reference.sequences import Array

Wrong = Mapping[str, Array]  # key -> a mask of the entries beyond their bounds; no key where all are within


@dataclass
class Probe:
    """A function and the truth; it is called until the time `end` (of `perf_counter`)."""

    subject: Subject
    truth: Truth
    end: float
    calls: int = 0

    @property
    def is_over(self) -> bool:
        """Whether time is up."""
        return perf_counter() > self.end

    def answer(self, instance: Instance) -> Mapping[str, Array] | None:
        """The function's gradients, None where the call or what it gave is faulty."""
        self.calls += 1
        answer = self.subject.answer(instance)
        return None if answer.faults or not answer.gradients else answer.gradients

    def wrong(self, instance: Instance) -> Wrong | None:
        """The entries beyond their bounds, None where the call is faulty."""
        found = self.answer(instance)
        return None if found is None else masks(self.truth, instance, found)


def masks(truth: Truth, instance: Instance, found: Mapping[str, Array]) -> Wrong:
    """The entries of gradients that differ beyond their bounds."""
    comparison = compared(truth, instance, found)
    wrong = {key: np.zeros(found[key].shape, dtype=bool) for key in comparison.counts}
    for difference in comparison.differences:
        wrong[difference.key][difference.index] = True
    return wrong


def with_inputs(instance: Instance, **changed: Array) -> Instance:
    """The same instance with some other inputs."""
    return replace(instance, inputs={**instance.inputs, **changed})


def with_cotangents(instance: Instance, change: Callable[[str, Array], Array]) -> Instance:
    """The same instance with other cotangents."""
    return replace(instance, cotangents={key: change(key, array) for key, array in instance.cotangents.items()})
