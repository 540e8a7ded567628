"""Backpropagation of a model as lines of formulas, one for each adjoint and one for each gradient, and their values.

The lines are what a hand-written backward pass computes, step by step:

    δ[k] = diag(f'(Net[k])) s̄[k]      s̄[k] = e[k] + Wᵀ δ[k+1]      ∂E/∂W = Σ_k δ[k] s[k-1]ᵀ      ∂E/∂x[k] = Uᵀ δ[k]

A line is a sum of terms, and a hypothesis puts other terms in their places. Behind the last step nothing comes back; at
step 0 the adjoint is the gradient of the initial state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from derive.derivation import with_definitions
from derive.errors import BackproofError
from derive.language.build import matadd, matmul
from derive.language.derivatives import Gradient
from derive.language.keys import plain_key
from derive.language.nodes import Diag, Member
from derive.language.show import show
from derive.model import Equation, Loss, Model, members
from derive.naming import delta_names, states, step_letter
from derive.quantities import parameters
from derive.recurrence import definition_of, gradient
from verify.audit.evaluation import Absent, compiled

Array = NDArray[Any]
Arrays = Mapping[str, Array]
Place = tuple[str, int]  # a line's key, and which of its terms


@dataclass(frozen=True)
class Line:
    """left = the sum of the terms; `crosses` says of each term whether it comes from another step.

    `key` is the name of an adjoint, or a gradient's key; `is_sum` says that a gradient is one array for all steps.
    """

    key: str
    left: Any
    terms: tuple[Any, ...]
    crosses: tuple[bool, ...] = ()
    is_sum: bool = False

    @property
    def right(self) -> Any:
        """The right side as one formula."""
        return matadd(*self.terms)

    @cached_property
    def text(self) -> str:
        """The line as plain text."""
        return f"{show(self.left)} = {show(self.right)}"

    def with_term(self, place: int, term: Any) -> Line:
        """The line with another term in one place."""
        terms = (*self.terms[:place], term, *self.terms[place + 1 :])
        return Line(self.key, self.left, terms, self.crosses, self.is_sum)


@dataclass(frozen=True, eq=False)
class Formulas:
    """All lines of a model, one object for each model: `adjoints` by their names, `gradients` by the inputs' keys; e by the outputs' keys."""

    model: Model
    letter: Any
    adjoints: Mapping[str, Line]
    gradients: Mapping[str, Line]
    initial: Mapping[str, str]  # the key of an initial state -> the adjoint that is its gradient at step 0
    direct: Mapping[str, str]  # the name of a direct gradient e -> the output's key
    names: Mapping[str, str]  # family -> adjoint
    named: Model  # the model that knows these names too

    @cached_property
    def reached(self) -> Mapping[str, frozenset[str]]:
        """For each line, the lines and initial states that depend on it, itself among them."""
        lines = {**self.adjoints, **self.gradients}
        reads = {key: {m.name for term in line.terms for m in members(term)} for key, line in lines.items()}
        found = {}
        for key in lines:
            seen, waiting = {key}, [key]
            while waiting:
                at = waiting.pop()
                new = {reader for reader, read in reads.items() if at in read} - seen
                seen |= new
                waiting += new
            seen |= {state for state, adjoint in self.initial.items() if adjoint in seen}
            found[key] = frozenset(seen)
        return found

    @cached_property
    def legend(self) -> Mapping[str, str]:
        """What each adjoint's name stands for."""
        return {
            key: f"{show(line.left)} is {show(Gradient(_LOSS, self.model.by_name[family].left.at(self.letter)))}"
            for family, key in self.names.items()
            for line in [self.adjoints[key]]
        }


_LOSS = sp.MatrixSymbol("E", 1, 1)


class _Family:
    """What `Loss.every` asks of a family: its name."""

    def __init__(self, name: str) -> None:
        self.name = name


@lru_cache(maxsize=64)
def formulas(equations: tuple[Equation, ...], outputs: tuple[str, ...], time: Any, expanded: bool = False) -> Formulas:
    """The lines of a model whose outputs (keys) receive cotangents at every step.

    Plain: every family's adjoint has a name, as code computes them. `expanded`: only those that derive names, and
    products are multiplied out. Raises BackproofError where derive derives no such system.
    """
    by_key = {plain_key(equation.name): equation.name for equation in equations}
    unknown = [key for key in outputs if key not in by_key]
    if unknown:
        raise BackproofError(f"the model has no output {', '.join(unknown)}")
    model = Model(equations, Loss.every(*(_Family(by_key[key]) for key in outputs)), time)
    if any(e.index is None or e.first is not None or e.last is not None for e in model.forward):
        raise BackproofError("an equation holds at some steps only")
    names = dict(delta_names(model))
    if not expanded:
        taken = set(names.values())
        for equation in model.forward:
            if equation.name not in names:
                names[equation.name] = _own_name(equation.name, taken)
                taken.add(names[equation.name])
    return _lines(model, names, outputs, by_key, expanded)


def _own_name(family: str, taken: set[str]) -> str:
    """s̄ for s; λ^{h_tilde} for a name that takes no bar."""
    name = f"\\bar{{{family}}}" if family.isalpha() else f"\\lambda^{{{plain_key(family)}}}"
    return name if name not in taken else f"\\mu^{{{plain_key(family)}}}"


def _lines(
    model: Model, names: dict[str, str], outputs: tuple[str, ...], by_key: dict[str, str], expanded: bool
) -> Formulas:
    letter = step_letter(model)
    adjoints, gradients, initial, definitions = {}, {}, {}, {}
    for family, name in names.items():
        member = model.by_name[family].left.at(letter)
        found = gradient(model, member, names=names)
        definitions.update({equation.name: equation for equation in found.definitions})
        definitions[name] = definition_of(model, found.left, name)
        left = Member(name, member.indices, member.row_axis, member.col_axis)
        adjoints[name] = _line(name, left, found.right, letter, set(names.values()), expanded)
    for parameter in parameters(model):
        found = gradient(model, parameter, names=names)
        key = plain_key(str(parameter.name))
        line = _line(key, found.left, found.right, letter, set(), expanded)
        gradients[key] = Line(key, line.left, line.terms, line.crosses, True)
    for member in _inputs(model):
        found = gradient(model, member.at(letter), names=names)
        key = plain_key(member.name)
        gradients[key] = _line(key, found.left, found.right, letter, set(), expanded)
    for family in states(model):
        key = f"{plain_key(family)}0"
        if not expanded:
            initial[key] = names[family]
            continue
        found = gradient(model, model.by_name[family].left.at(0), names=names)
        gradients[key] = _line(key, found.left, found.right, letter, set(), expanded)
    direct = {
        name: plain_key(equation.right.by.name)
        for name, equation in definitions.items()
        if equation.right.mode == "immediate"
    }
    named = with_definitions(model, tuple(definitions.values()))
    return Formulas(model, letter, adjoints, gradients, initial, direct, names, named)


def _inputs(model: Model) -> list[Member]:
    """A member of each family that equations read and none produces."""
    found = {m.name: m for e in model.forward for m in e.members if model.equation_of(m) is None and m.indices}
    return list(found.values())


def _line(key: str, left: Any, right: Any, letter: Any, adjoints: set[str], expanded: bool) -> Line:
    right = multiplied_out(right) if expanded else right
    terms = right.args if isinstance(right, sp.MatAdd) else (right,)
    crosses = tuple(any(m.name in adjoints and m.time != letter for m in members(term)) for term in terms)
    return Line(key, left, tuple(terms), crosses)


def multiplied_out(expr: Any) -> Any:
    """diag(u) (a + A b) as diag(u) a + diag(u) A b."""
    if isinstance(expr, sp.MatAdd):
        return matadd(*(multiplied_out(arg) for arg in expr.args))
    if isinstance(expr, sp.MatMul) and isinstance(expr.args[-1], sp.MatAdd):
        return matadd(*(matmul(*expr.args[:-1], term) for term in expr.args[-1].args))
    return expr


@dataclass
class Run:
    """The values of one model on one instance, with some terms changed; computed as they are asked for.

    `cuts` are steps k to which nothing comes back from step k + 1; `beyond` says what stands for a value at a step
    that does not exist: nothing, the nearest (clamp), or, as negative indices do in Python, one from the other end
    (wrap). `magnitudes` takes all signs off, which bounds rounding errors.
    """

    formulas: Formulas
    inputs: Arrays
    cotangents: Arrays
    changes: Mapping[Place, Any] = field(default_factory=dict)
    cuts: frozenset[int] = frozenset()
    beyond: str = ""
    of: Run | None = None  # magnitudes of this run's values
    memory: dict[tuple[str, int], Array] = field(default_factory=dict)
    values: dict[tuple[str, int], Array] = field(default_factory=dict)
    waiting: set[tuple[str, int]] = field(default_factory=set)

    @property
    def magnitudes(self) -> bool:
        """Whether signs are taken off."""
        return self.of is not None

    @property
    def exact(self) -> Run:
        """The run whose sizes these are, or itself."""
        return self if self.of is None else self.of

    @cached_property
    def steps(self) -> int:
        """T."""
        return len(next(iter(self.cotangents.values())))

    @cached_property
    def parameters(self) -> dict[str, Array]:
        """The parameters by their LaTeX names, as matrices."""
        found = {}
        for parameter in parameters(self.formulas.model):
            value = self.inputs[plain_key(str(parameter.name))]
            matrix = value[:, None] if value.ndim == 1 else value
            found[str(parameter.name)] = np.abs(matrix) if self.magnitudes else matrix
        return found

    def symbol(self, name: str) -> Array:
        """A parameter."""
        return self.parameters[name]

    def member(self, name: str, step: int) -> Array:
        """A value, an adjoint or a cotangent at a step. Raises Absent."""
        if name in self.formulas.adjoints:
            return self.adjoint(name, step)
        if name in self.formulas.direct:
            if not 1 <= step <= self.steps:
                raise Absent
            return self._signed(self.cotangents[self.formulas.direct[name]][step - 1][..., None])
        return self._signed(self.exact.value(name, step))

    def _signed(self, value: Array) -> Array:
        return np.abs(value) if self.magnitudes else value

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
        return compiled(equation.right)(self.exact, {equation.index: step})

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
                raise Absent  # a changed formula that needs itself
            self.waiting.add(place)
            known = self.memory[place] = self._sum(self.formulas.adjoints[name], step)
            self.waiting.discard(place)
        return known

    def _sum(self, line: Line, step: int) -> Array:
        env = {self.formulas.letter: step, self.formulas.model.time.last: self.steps}
        total: Array | None = None
        for place, term in enumerate(line.terms):
            if line.crosses and ((line.crosses[place] and step in self.cuts) or (not line.crosses[place] and step < 1)):
                continue
            try:
                value = compiled(self.changes.get((line.key, place), term))(self, env)
            except Absent:
                continue
            total = value if total is None else total + value
        if total is None:
            batch = next(iter(self.cotangents.values())).shape[1]
            total = np.zeros((batch, 1, 1))
        return total

    def gradient(self, key: str) -> Array:
        """The gradient by an input, in its shape."""
        shape = self.inputs[key].shape
        if key in self.formulas.initial and key not in self.formulas.gradients:
            found = self.adjoint(self.formulas.initial[key], 0)[..., 0]
            return np.broadcast_to(found, shape)
        line = self.formulas.gradients[key]
        if self.starts(key):
            return np.broadcast_to(self._sum(Line(line.key, line.left, line.terms), 0)[..., 0], shape)
        if line.is_sum:
            total = self._parameter(line)
            return np.broadcast_to(total, shape if len(shape) == 2 else (*shape, 1)).reshape(shape)
        found = [self._sum(Line(line.key, line.left, line.terms), k)[..., 0] for k in range(1, self.steps + 1)]
        return np.broadcast_to(np.stack(np.broadcast_arrays(*found)), shape)

    def _parameter(self, line: Line) -> Array:
        """Σ over the batch too."""
        found = self._sum(Line(line.key, line.left, line.terms), self.steps)
        return found.sum(axis=0) if found.ndim == 3 else found

    def starts(self, key: str) -> bool:
        """Whether an input is a state before the first step."""
        return key[:-1] in {plain_key(family) for family in states(self.formulas.model)} and key.endswith("0")

    def keys(self) -> list[str]:
        """The inputs by which there are gradients."""
        return [key for key in self.inputs if key in self.formulas.gradients or key in self.formulas.initial]

    def gradients(self) -> dict[str, Array]:
        """All gradients."""
        return {key: self.gradient(key) for key in self.keys()}

    def changed(self, changes: Mapping[Place, Any], cuts: frozenset[int] = frozenset(), beyond: str = "") -> Run:
        """The same instance with other terms; what they do not reach is not computed again."""
        reached = frozenset().union(*(self.formulas.reached[key] for key, _ in changes)) if changes else frozenset()
        kept = {} if cuts else {place: value for place, value in self.memory.items() if place[0] not in reached}
        return Run(
            self.formulas, self.inputs, self.cotangents, changes, cuts, beyond, None, kept,
            self.values if not beyond else dict(self.values),
        )  # fmt: skip

    def sizes(self) -> Run:
        """The same with all signs taken off."""
        return Run(self.formulas, self.inputs, self.cotangents, self.changes, self.cuts, self.beyond, self)
