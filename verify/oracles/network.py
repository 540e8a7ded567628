"""A model that is a chain of layers, run by the hand-written reference: forward once, backward for any cotangents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from verify.instances import Key
from verify.oracles.arithmetic import Array, value_of
from verify.oracles.laboratory import Laboratory
from verify.oracles.limits import OutOfScope, Unsupported
from verify.oracles.matching import AnyLayer, Layer, layers
from verify.oracles.systems import CellLayer
from verify.reference import activations, cells, stacked
from verify.reference.activations import ACTIVATIONS, IDENTITY, Activation

Cotangents = dict[Key, Array]  # by member: (…, instances, 1, size)


@dataclass(frozen=True)
class Place:
    """Where a tensor stands in the reference: layer, key, and the position in time (None for a parameter)."""

    level: int
    key: str
    at: int | None = None


class Network:
    """The reference's layers with a laboratory's values; instances are problems side by side, each a batch of one.

    A top layer without recurrence that reads a recurrent one is its output: U, b, Net, state are V, c, z, o.
    """

    def __init__(self, lab: Laboratory, steps: range) -> None:
        self.lab, self.steps = lab, steps
        self.names = layers(lab.model)
        *_, below, top = (None, *self.names)
        self.has_output = not top.is_recurrent and isinstance(below, Layer) and below.is_recurrent
        self.hidden = self.names[:-1] if self.has_output else self.names
        self.cells = [self._cell(layer) for layer in self.hidden]
        self.roles = self._roles()
        self.inputs = [self._inputs(layer) for layer in self.hidden]
        self.inputs[0]["x"] = np.stack([self._state((str(self.names[0].source), (k,))) for k in self.steps])
        if self.has_output:
            self._add_output()
        self.values = stacked.forward(self.inputs, self.cells)
        self._check_values()

    def adjoints(self, cotangents: Cotangents) -> list[dict[str, Array]]:
        """All adjoints and gradients for direct cotangents at members."""
        given: list[dict[str, Array]] = [{} for _ in self.hidden]
        for key, cotangent in cotangents.items():
            place = self.place(key)
            if place.key not in self.values[place.level]:
                raise Unsupported(f"a cotangent at the input {key[0]}")
            steps = given[place.level].setdefault(place.key, np.zeros((len(self.steps), *cotangent.shape)))
            steps[place.at] += cotangent
        return stacked.backward(self.inputs, self.values, given, self.cells)

    def place(self, key: Key) -> Place:
        """Where a member or parameter stands."""
        name, indices = key
        if name not in self.roles:
            raise Unsupported(f"{name}, which has no role in the reference network")
        level, role = self.roles[name]
        if not indices:
            return Place(level, role)
        step = indices[-1]
        if step in self.steps:
            return Place(level, role, step - self.steps.start)
        initial = self.hidden[level].initial
        if step == self.steps.start - 1 and role in initial:
            return Place(level, initial[role])
        raise OutOfScope(f"{name} at step {step}")

    def read(self, adjoints: list[dict[str, Array]], key: Key) -> Array:
        """The adjoint of a member (…, instances, rows, 1) or parameter (…, instances, rows, cols)."""
        place = self.place(key)
        found = adjoints[place.level][place.key]
        if key[1]:
            return (found if place.at is None else found[place.at])[..., 0, :, None]
        return found[..., None] if is_vector(place.key) else found

    # --- roles and arrays ------------------------------------------------------------------------------------

    def _roles(self) -> dict[str, tuple[int, str]]:
        found: dict[str, tuple[int, str]] = {}
        for level, layer in enumerate(self.hidden):
            found |= named_roles(level, layer)
        if self.has_output:
            found |= named_roles(len(self.hidden) - 1, self.names[-1], OUTPUT)
        source = self.names[0].source
        if source is None or source in found:
            raise Unsupported("a network without an input")
        shared = [name for layer in self.names for name in layer.parameters.values()]
        if len(set(shared)) != len(shared):
            raise Unsupported("layers that share a parameter")
        return {**found, source: (0, "x")}

    def _inputs(self, layer: AnyLayer) -> dict[str, Array]:
        found = {key: self._parameter(name) for key, name in layer.parameters.items()}
        found = {key: array[..., 0] if is_vector(key) else array for key, array in found.items()}
        for role, key in layer.initial.items():
            found[key] = self._state((str(layer.values[role]), (self.steps.start - 1,)))
        return found

    def _add_output(self) -> None:
        parameters = self.names[-1].parameters
        self.inputs[-1]["V"] = self._parameter(parameters["U"])
        if "b" in parameters:
            self.inputs[-1]["c"] = self._parameter(parameters["b"])[..., 0]

    def _parameter(self, name: str) -> Array:
        return value_of(self.lab.plain.at((name, ()), self.lab.timeline.family(name)))[:, 0, 0]

    def _state(self, key: Key) -> Array:
        """A column vector's value (instances, 1, size)."""
        found = value_of(self.lab.plain.at(key, self.lab.timeline.family(key[0])))
        if found.shape[-1] != 1:
            raise Unsupported(f"{key[0]}, which is no column vector")
        return found[:, 0, 0, None, :, 0]

    def _cell(self, layer: AnyLayer) -> cells.Cell:
        if isinstance(layer, CellLayer):
            return layer.system.cell(**{role: self._activation(*named) for role, named in layer.functions.items()})
        top = self.names[-1]
        output = self._activation(*top.activation) if self.has_output and isinstance(top, Layer) else IDENTITY
        return cells.rnn(self._activation(*layer.activation), output)

    def _activation(self, name: str, kind: str) -> Activation:
        if kind in ACTIVATIONS:
            return ACTIVATIONS[kind]
        function = self.lab.draws.function(name, kind)

        def derivative(order: int) -> Any:
            return lambda z: function.value(order, z[..., None, None, :, :])[..., 0, 0, :, :]

        return activations.elementwise(name, derivative(0), derivative(1))

    def _check_values(self) -> None:
        """The reference computes what the model's equations compute: else the roles were misread."""
        computed = {name for layer in self.names for name in layer.values.values() if name is not None}
        for name in computed:
            level, role = self.roles[name]
            for at, step in enumerate(self.steps):
                self._check_value((name, (step,)), self.values[level][role][at])

    def _check_value(self, key: Key, found: Array) -> None:
        expected = self.lab.bounded.at(key, self.lab.timeline.family(key[0]))
        difference = np.abs(found[:, 0, :, None] - expected.value[:, 0, 0])
        if not (difference <= 4 * expected.error[:, 0, 0]).all():
            raise Unsupported(f"{key[0]}, which the reference computes otherwise")


OUTPUT = {"Net": "z", "s": "o", "U": "V", "b": "c"}  # what a layer's roles are called where it is the output


def named_roles(
    level: int, layer: AnyLayer, keys: Mapping[str, str] = MappingProxyType({})
) -> dict[str, tuple[int, str]]:
    """A layer's names with their level and the reference's key for each, which is the role's unless `keys` differs."""
    names = {**layer.values, **layer.parameters}
    return {name: (level, keys.get(role, role)) for role, name in names.items() if name is not None}


def is_vector(key: str) -> bool:
    """Whether a parameter is a vector by its key: biases b, c, c_n and peepholes p; U, W, V are matrices."""
    return key[0] in "bcp"
