"""What the right gradients of a model are: the hand-written reference, never alone.

The first time a truth is used, its backward pass is held against the complex step of its forward pass, entry by
entry, on a tiny instance: two routes that share no line. Where they disagree nothing is audited (exit code 3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from verify.audit import running
from verify.audit.instance import Instance, chosen_sizes, drawn, letters_of
from verify.errors import CallError, WitnessConflict
from verify.reference.sequences import Array, Arrays

STEP = 2.0**-400  # of the complex step: its square vanishes beside 1 and is still a number

Forward = Callable[[Arrays], dict[str, Array]]
Backward = Callable[[Arrays, Arrays, Arrays], dict[str, Array]]


def no_scales(sizes: Mapping[str, int]) -> dict[str, float]:
    """Entries as they are drawn."""
    return {}


@dataclass(frozen=True)
class Truth:
    """A model's forward and backward pass with the shapes of what they take and give.

    `shapes` of the inputs and `outputs`, by key, are written "n m". `forward(inputs)` gives values, among them
    the outputs; `backward(inputs, values, cotangents)` gives gradients, among them those of every input.
    `is_absolute`: run on absolute values, the backward pass is its formula on absolute values, or less.
    `is_reference`: written for NumPy alone, so that it runs on residues and on values with error bounds too.
    """

    name: str
    shapes: Mapping[str, str]
    outputs: Mapping[str, str]
    forward: Forward
    backward: Backward
    scales: Callable[[Mapping[str, int]], Mapping[str, float]] = no_scales
    is_absolute: bool = False
    is_reference: bool = True
    usual: Mapping[str, int] = field(default_factory=dict)  # sizes that are not left to the draw
    completed: Callable[[Mapping[str, int]], dict[str, int]] = dict  # sizes that follow from others put in
    counted: Callable[[Arrays, Arrays], dict[str, Array]] | None = None  # its own count of roundings
    _checked: list[bool] = field(default_factory=list, init=False, repr=False, compare=False)
    solved: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)  # by exact.solved

    @property
    def letters(self) -> tuple[str, ...]:
        """The size letters that can be chosen."""
        return letters_of(self.shapes.values())

    def sizes(self, number: int = 0, asked: Mapping[str, int] | None = None) -> dict[str, int]:
        """Sizes of the `number`-th instance, those that are asked for kept."""
        return self.completed(chosen_sizes(self.letters, number, {**self.usual, **(asked or {})}))

    def instance(self, sizes: Mapping[str, int], seed: int, dtype: object = np.float64) -> Instance:
        """The instance of some sizes and a seed."""
        return drawn(self.shapes, self.outputs, sizes, seed, dtype, self.scales(sizes))

    def gradients(self, instance: Instance) -> dict[str, Array]:
        """The right gradients by the inputs' keys, in float64. Raises WitnessConflict where two routes disagree."""
        self.check()
        return self.run(widened(instance.inputs), widened(instance.cotangents))

    def run(self, inputs: Arrays, cotangents: Arrays) -> dict[str, Array]:
        """Forward and backward; the gradients of the inputs."""
        found = self.backward(inputs, self.forward(inputs), cotangents)
        return {key: found[key] for key in self.shapes}

    def values(self, inputs: Arrays) -> dict[str, Array]:
        """The forward pass at plain numbers. Raises CallError where an output is none: log z at z < 0."""
        with np.errstate(all="ignore"):
            found = self.forward(inputs)
        lost = [key for key in self.outputs if not np.isfinite(found[key]).all()]
        if lost:
            raise CallError(f"{self.name}: {', '.join(lost)} is not finite at numbers of either sign, which are drawn")
        return found

    def bounds(self, inputs: Arrays, cotangents: Arrays) -> dict[str, Array]:
        """R of every gradient, entry by entry: times c ε a bound of its error (`verify.audit.running`)."""
        return (self.counted or self._running)(inputs, cotangents)

    def _running(self, inputs: Arrays, cotangents: Arrays) -> dict[str, Array]:
        return running.bounds(self.run, inputs, cotangents)

    def check(self) -> None:
        """Once: the backward pass against the complex step of the forward pass, on a tiny instance."""
        if self._checked:
            return
        sizes = self.sizes(0, {"T": 3, "B": 2} if "T" in self.letters else {})
        instance = self.instance(sizes, seed=1)
        self.values(instance.inputs)
        found = self.run(instance.inputs, instance.cotangents)
        bounds, unit = self.bounds(instance.inputs, instance.cotangents), running.allowance(instance.dtype)
        for key in self.shapes:
            expected = by_complex_step(self, instance, key)
            difference = np.abs(found[key] - expected)
            if not (found[key].shape == expected.shape and (difference <= unit * bounds[key]).all()):
                raise WitnessConflict(
                    f"{self.name}: the gradient of {key} and its complex step differ by {difference.max():.2g}"
                )
        self._checked.append(True)


def widened(arrays: Arrays) -> dict[str, Array]:
    """The same numbers in float64."""
    return {key: np.asarray(array, dtype=np.float64) for key, array in arrays.items()}


def energy(truth: Truth, inputs: Arrays, cotangents: Arrays) -> complex:
    """E = Σ cotangents · outputs, the scalar whose gradients are asked for."""
    values = truth.forward(inputs)
    return complex(sum((cotangent * values[key]).sum() for key, cotangent in cotangents.items()))


def by_complex_step(truth: Truth, instance: Instance, key: str) -> Array:
    """∂E/∂key = Im E(key + ih) / h, one forward pass an entry (Squire & Trapp 1998)."""
    start = instance.inputs[key]
    found = np.zeros(start.shape)
    for place in np.ndindex(*start.shape):
        moved = start.astype(complex)
        moved[place] += 1j * STEP
        found[place] = energy(truth, {**instance.inputs, key: moved}, instance.cotangents).imag / STEP
    return found
