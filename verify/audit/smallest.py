"""A small failing instance by a greedy pass: sizes first, then whole arrays to 0, then entries to 0 and to ±1.

The result fails by the audit's own bounds. On the way an instance counts as failing only if it differs visibly, so
that what is left shows the error and not its rounding, wherever the first one did so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from verify.audit.instance import Instance
from verify.audit.probing import Probe, masks
from verify.errors import CallError
from verify.reference.sequences import Array

VISIBLE = 1e-2  # of the gradient's largest entry
CALLS = 400
SEEDS = 3  # instances of one choice of sizes that are tried


@dataclass
class Shrinker:
    """Makes an instance smaller as long as the function fails on it. `visible`: by how much, at least."""

    probe: Probe
    visible: float
    calls: int = CALLS

    def fails(self, instance: Instance) -> bool:
        """Whether some entry differs, by more than what is visible."""
        if self.calls <= 0 or self.probe.is_over:
            return False
        self.calls -= 1
        found = self.probe.answer(instance)
        if found is None:
            return False
        if self.visible:
            expected = self.probe.truth.run(instance.inputs, instance.cotangents)
            return any(_excess(found[key], expected[key]) > self.visible for key in found)
        return bool(masks(self.probe.truth, instance, found))

    def sizes(self, instance: Instance) -> Instance:
        """Each size as small as it can be, one after the other, until none can be smaller."""
        while True:
            before = dict(instance.sizes)
            for letter in self.probe.truth.letters:
                instance = self._smaller(instance, letter)
            if instance.sizes == before:
                return instance

    def _smaller(self, instance: Instance, letter: str) -> Instance:
        for size in range(1, instance.sizes[letter]):
            try:
                sizes = self.probe.truth.completed({**instance.sizes, letter: size})
            except CallError:  # a kernel that does not fit
                continue
            for seed in range(SEEDS):
                trial = self.probe.truth.instance(sizes, instance.seed + seed, instance.dtype)
                if self.fails(trial):
                    return trial
        return instance

    def entries(self, instance: Instance) -> Instance:
        """Arrays to 0, entries to 0, entries to ±1."""
        for trial in self._arrays(instance):
            instance = trial
        for kind in ("cotangents", "inputs"):
            for key in getattr(instance, kind):
                for place in np.ndindex(*getattr(instance, kind)[key].shape):
                    instance = self._entry(instance, kind, key, place)
        return instance

    def _arrays(self, instance: Instance) -> Iterator[Instance]:
        for kind in ("cotangents", "inputs"):
            for key, array in getattr(instance, kind).items():
                trial = _with(instance, kind, key, np.zeros_like(array))
                if array.any() and self.fails(trial):
                    instance = trial
                    yield instance

    def _entry(self, instance: Instance, kind: str, key: str, place: tuple[int, ...]) -> Instance:
        value = getattr(instance, kind)[key][place]
        for simpler in (0.0, 1.0, -1.0, 0.5, -0.5):
            if value == 0.0 or value == simpler or (value == 1.0 and simpler):
                return instance
            array = getattr(instance, kind)[key].copy()
            array[place] = simpler
            trial = _with(instance, kind, key, array)
            if self.fails(trial):
                return trial
        return instance


def _with(instance: Instance, kind: str, key: str, array: Array) -> Instance:
    arrays = {**getattr(instance, kind), key: array}
    return replace(instance, inputs=arrays) if kind == "inputs" else replace(instance, cotangents=arrays)


def _excess(found: Array, expected: Array) -> float:
    """The largest difference by the largest entry of either."""
    scale = max(float(np.abs(found).max(initial=0.0)), float(np.abs(expected).max(initial=0.0)), 1e-300)
    return float(np.abs(found - expected).max(initial=0.0)) / scale


def smallest(probe: Probe, instance: Instance, found: Mapping[str, Array]) -> Instance:
    """A failing instance that is as small and as plain as a greedy pass makes it; `instance` itself at worst."""
    expected = probe.truth.run(instance.inputs, instance.cotangents)
    is_visible = any(_excess(found[key], expected[key]) > 2 * VISIBLE for key in found)
    shrinker = Shrinker(probe, VISIBLE if is_visible else 0.0)
    small = shrinker.entries(shrinker.sizes(instance))
    wrong = probe.wrong(small)
    return small if wrong else instance
