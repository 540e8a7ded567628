"""The values of backpropagation's lines on one instance, with some of their terms changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, cast

import numpy as np

from derive.language.keys import plain_key
from verify.audit.backward_formulas import Formulas, Line, Place
from verify.audit.evaluation import Absent, Unsupported, compiled
from verify.audit.running import Running
from verify.reference.sequences import Array, Arrays

Key = tuple[str, int]  # a family and a step


@dataclass
class Run:
    """The values of one model on one instance, with some terms changed; computed as they are asked for.

    `cuts` are steps k to which nothing comes back from step k + 1; `beyond` says what stands for a value at a step
    that does not exist: nothing, the nearest (clamp), or, as negative indices do in Python, one from the other end
    (wrap). `starts` says what the lines read for a family's state before the first step.
    """

    formulas: Formulas
    inputs: Arrays
    cotangents: Arrays
    changes: Mapping[Place, Any] = field(default_factory=dict)
    cuts: frozenset[int] = frozenset()
    beyond: str = ""
    starts: Mapping[str, str] = field(default_factory=dict)
    memory: dict[Key, Array] = field(default_factory=dict)  # adjoints
    values: dict[Key, Array] = field(default_factory=dict)  # of the forward pass
    waiting: set[Key] = field(default_factory=set)

    @cached_property
    def steps(self) -> int:
        """T."""
        return len(next(iter(self.cotangents.values())))

    @property
    def batch(self) -> int:
        """B."""
        return int(next(iter(self.cotangents.values())).shape[1])

    @cached_property
    def sizes(self) -> dict[Any, int]:
        """The values of the size letters, as the inputs' axes have them."""
        found: dict[Any, int] = {}
        for key, axes in self.formulas.axes.items():
            lengths = self.inputs[key].shape[-len(axes) :] if axes else ()
            found |= {size: length for size, length in zip(axes, lengths, strict=True) if size.is_Symbol}
        return found

    @cached_property
    def parameters(self) -> dict[str, Array]:
        """The parameters by their LaTeX names, as matrices."""
        found = {name: self.inputs[key] for name, key in self.formulas.parameters.items()}
        return {name: value[..., None] if value.ndim == 1 else value for name, value in found.items()}

    def symbol(self, name: str) -> Array:
        """A parameter."""
        return self.parameters[name]

    def member(self, name: str, step: int) -> Array:
        """A value, an adjoint or a cotangent at a step, as a line reads it. Raises Absent."""
        if name in self.formulas.adjoints:
            return self.adjoint(name, step)
        if name in self.formulas.direct:
            if not 1 <= step <= self.steps:
                raise Absent
            return self.cotangents[self.formulas.direct[name]][step - 1][..., None]
        if step == 0 and name in self.starts:
            return self.value(name, self.steps) * (0.0 if self.starts[name] == "zero" else 1.0)
        return self.value(name, step)

    def value(self, name: str, step: int) -> Array:
        """A value of the forward pass. Raises Absent."""
        known = self.values.get((name, step))
        if known is None:
            known = self.values[name, step] = self._value(name, step)
        return known

    def _value(self, name: str, step: int) -> Array:
        model, key = self.formulas.model, plain_key(name)
        start = self.inputs.get(f"{key}{step}")
        if start is not None and step < 1:
            return start[..., None]
        if not 1 <= step <= self.steps:
            return self._beyond(name, step)
        equation = model.by_name.get(name)
        if equation is None:
            return self.inputs[key][step - 1][..., None]
        return compiled(equation.right)(Forward(self), {**self.sizes, equation.index: step})

    def _beyond(self, name: str, step: int) -> Array:
        if self.beyond == "clamp":
            return self.value(name, min(max(step, 1), self.steps))
        if self.beyond == "wrap":
            return self.value(name, (step - 1) % self.steps + 1)
        raise Absent

    def adjoint(self, name: str, step: int) -> Array:
        """The adjoint of a family at a step; at step 0 what comes back to the initial state. Raises Absent."""
        if not 0 <= step <= self.steps:
            raise Absent
        place = (name, step)
        known = self.memory.get(place)
        if known is None:
            if place in self.waiting:
                raise Unsupported(f"a line that needs itself: {name} at step {step}")
            self.waiting.add(place)
            known = self.memory[place] = self._full(name, self._adjoint(self.formulas.adjoints[name], step))
            self.waiting.discard(place)
        return known

    def _full(self, name: str, found: Array) -> Array:
        """An adjoint in the shape of its family: zeros and ones are one entry that broadcasts."""
        shape = self.value(self.formulas.families[name], 1).shape
        return found if found.shape == shape else np.broadcast_to(found, shape)

    def _adjoint(self, line: Line, step: int) -> Array:
        """Σ of the terms that are there: none comes over a cut, and only what comes back reaches step 0."""
        absent = {place for place, crosses in enumerate(line.crosses) if (step in self.cuts if crosses else step < 1)}
        return self._sum(line, step, absent)

    def _sum(self, line: Line, step: int, absent: set[int]) -> Array:
        env = {**self.sizes, self.formulas.letter: step, self.formulas.model.time.last: self.steps}
        total: Array | None = None
        for place, term in enumerate(line.terms):
            if place in absent:
                continue
            try:
                value = compiled(self.changes.get((line.key, place), term))(self, env)
            except Absent:
                continue
            total = value if total is None else total + value
        return np.zeros((1, 1, 1)) if total is None else total

    def gradient(self, key: str) -> Array:
        """The gradient by an input, in its shape."""
        shape = self.inputs[key].shape
        line = self.formulas.gradients.get(key)
        if line is None:
            return np.broadcast_to(self.adjoint(self.formulas.initial[key], 0)[..., 0], shape)
        if key in self.formulas.starts:
            return np.broadcast_to(self._sum(line, 0, set())[..., 0], shape)
        if line.is_sum:
            return self._parameter(line, shape)
        found = [self.at_step(key, step) for step in range(1, self.steps + 1)]
        return np.broadcast_to(np.stack(np.broadcast_arrays(*found)), shape)

    def at_step(self, key: str, step: int) -> Array:
        """The gradient by an input sequence at one step, (B, m)."""
        return self._sum(self.formulas.gradients[key], step, set())[..., 0]

    def _parameter(self, line: Line, shape: tuple[int, ...]) -> Array:
        """Σ over the steps, which the line says, and over the batch."""
        found = self._sum(line, self.steps, set())
        total = found.sum(axis=0) if found.ndim == 3 else found
        return np.broadcast_to(total, shape if len(shape) == 2 else (*shape, 1)).reshape(shape)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The inputs by which there are gradients."""
        known = {*self.formulas.gradients, *self.formulas.initial}
        return tuple(key for key in self.inputs if key in known)

    def changed(
        self,
        changes: Mapping[Place, Any],
        cuts: frozenset[int] = frozenset(),
        beyond: str = "",
        starts: Mapping[str, str] | None = None,
    ) -> Run:
        """The same with other terms beside those changed; what they do not reach is not computed again."""
        reached = frozenset().union(*(self.formulas.reached[key] for key, _ in changes)) if changes else frozenset()
        is_local = not cuts and not starts
        kept = {place: value for place, value in self.memory.items() if place[0] not in reached} if is_local else {}
        values = dict(self.values) if beyond else self.values
        own = Run(self.formulas, self.inputs, self.cotangents)
        own.changes, own.cuts = {**self.changes, **changes}, self.cuts | cuts
        own.beyond, own.starts = beyond or self.beyond, starts or self.starts
        return replace(own, memory=kept, values=values)

    def bounded(self) -> Run:
        """The same in numbers that carry a bound of their own rounding errors."""
        given = (self.inputs, self.cotangents)
        inputs, cotangents = (cast(Arrays, {key: Running(a) for key, a in arrays.items()}) for arrays in given)
        return Run(self.formulas, inputs, cotangents, self.changes, self.cuts, self.beyond, self.starts)


@dataclass(frozen=True)
class Forward:
    """What the forward equations read: true values, whatever is changed in the lines."""

    run: Run

    def symbol(self, name: str) -> Array:
        """A parameter."""
        return self.run.symbol(name)

    def member(self, name: str, step: int) -> Array:
        """A value at a step."""
        return self.run.value(name, step)
