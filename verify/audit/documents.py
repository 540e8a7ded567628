"""A model of one's own as a truth: a document's forward equations, and gradients by two of the numeric witnesses.

Gradients and the bounds of their rounding errors come from forward accumulation (dual numbers through the equations);
the complex step of the equations is the second witness (`Truth.check`). Tiny sizes only: one direction an entry.

x_t is `x` (T, B, m); s_0, which the equations read and do not compute, `s0` (B, n); r_{T+1} `r_end`; a matrix `W`
(n, m), a column vector `b` (n). Names are the document's in plain letters: \\tilde{h} is h_tilde, W^{1} is W1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp

from derive.errors import BackproofError
from derive.known import open_functions
from derive.language.functions import OPAQUE
from derive.language.keys import plain_key
from derive.language.nodes import Member
from derive.model import Model, leaves
from verify.audit.instance import BATCH, SEQUENCE
from verify.audit.truth import Truth
from verify.cells import system_of
from verify.errors import CallError
from verify.oracles.arithmetic import UNIT, Bounded, Dual, Number, bounded, total, value_of
from verify.oracles.functions import Known
from verify.oracles.timeline import Timeline
from verify.oracles.worlds import BoundedWorld, World
from verify.own_functions import with_values
from verify.reference.sequences import Array, Arrays

FUNCTIONS = ("tanh", "sigmoid", "relu", "leaky relu", "softplus", "gelu", "identity", "exp")
Key = tuple[str, tuple[int, ...]]


@dataclass(frozen=True)
class Undrawn:
    """The functions of a document: known ones, and those that it leaves open by choice. Nothing is drawn."""

    chosen: tuple[tuple[str, str], ...]

    def tensor(self, key: Key, rows: int, cols: int) -> Array:
        """Every input is given."""
        raise CallError(f"{key[0]} is read at step {key[1]}, where an audit gives no input")

    def function(self, name: str, kind: str) -> Known:
        """By its kind, an open one by choice."""
        return Known(dict(self.chosen)[name] if kind == OPAQUE else kind)


@dataclass(frozen=True)
class Role:
    """What an input is in the model: its name, its rows and columns, and at which steps it stands.

    `when`: "each" step, the step "before" the first or "after" the last, or "" for what has no time.
    """

    name: str
    rows: Any
    cols: Any
    when: str = ""

    @property
    def written(self) -> str:
        """The shape of its array."""
        axes = [_axis(self.rows)] + ([] if self.cols == 1 else [_axis(self.cols)])
        return " ".join([*{"each": (SEQUENCE, BATCH), "": ()}.get(self.when, (BATCH,)), *axes])


def _role(tensor: Any, when: str = "") -> Role:
    rows, cols = tensor.shape
    return Role(str(tensor.name), rows, cols, when)


class OwnModel:
    """A document's model: its inputs by key, its outputs, and runs of it."""

    def __init__(self, path: str, model: Model, chosen: Mapping[str, str]) -> None:
        self.path, self.model = path, model
        self.functions = Undrawn(tuple(sorted(chosen.items())))
        self.roles = self._roles()
        self.outputs = {plain_key(name): name for name in self._output_names()}

    # --- what there is -----------------------------------------------------------------------------------------

    def _roles(self) -> dict[str, Role]:
        found: dict[str, Role] = {}
        for equation in self.model.forward:
            for leaf in leaves(equation.right):
                role = self._role(leaf, equation)
                if role is None:
                    continue
                key = plain_key(role.name) + {"before": "0", "after": "_end"}.get(role.when, "")
                if found.setdefault(key, role) != role:
                    raise CallError(f"{self.path}: two inputs are called {key}")
        return found

    def _role(self, leaf: Any, equation: Any) -> Role | None:
        """The input that a right side reads, None for what is computed alone."""
        if not isinstance(leaf, Member) or not leaf.indices:
            is_made = self.model.equation_of(leaf) is not None or str(leaf.name) in self.model.loss_by_name
            return None if is_made else _role(leaf)
        if len(leaf.indices) > 1:
            raise CallError(f"{self.path}: {leaf.name} has two indices, which an audit does not read")
        if leaf.shape[1] != 1:
            raise CallError(f"{self.path}: {leaf.name} is no column vector")
        shift = leaf.time - equation.index if equation.index is not None else None
        computed = self.model.produced(leaf.name) is not None
        if shift == 0:
            return None if computed else _role(leaf, "each")
        if computed and shift in (1, -1):
            return _role(leaf, "before" if shift == -1 else "after")
        raise CallError(f"{self.path}: {leaf.name} is read at {leaf.time}, which an audit does not follow")

    def _output_names(self) -> list[str]:
        """What the loss looks at; without a loss, what no equation reads at its own step."""
        parts = [name for loss in self.model.losses for name, _ in loss.parts]
        made = {equation.name for equation in self.model.forward}
        if not parts:
            losses = [e for e in self.model.forward if e.left.shape == (1, 1)]
            parts = [str(leaf.name) for e in losses for leaf in leaves(e.right) if str(leaf.name) in made]
        if not parts:
            read = {str(x.name) for e in self.model.forward for x in leaves(e.right)}
            parts = [name for name in made if name not in read]
        found = [name for name in dict.fromkeys(parts) if self.model.by_name[name].left.shape[1] == 1]
        if not found:
            raise CallError(f"{self.path}: the model has no output; declare a loss, as E: loss(each s)")
        return sorted(found)

    def shapes(self) -> tuple[dict[str, str], dict[str, str]]:
        """The shapes of the inputs and of the outputs, as a truth writes them."""
        inputs = {key: role.written for key, role in self.roles.items()}
        outputs = {}
        for key, name in self.outputs.items():
            left = self.model.by_name[name].left
            timed = isinstance(left, Member) and bool(left.indices)
            outputs[key] = _role(left, "each" if timed else "").written
        return inputs, outputs

    @cached_property
    def letters(self) -> dict[str, sp.Symbol]:
        """The size letters by name."""
        sizes = [
            size for e in self.model.forward for side in (e.left, e.right) for x in leaves(side) for size in x.shape
        ]
        return {str(letter): letter for size in sizes for letter in sp.sympify(size).free_symbols}

    # --- runs --------------------------------------------------------------------------------------------------

    def world(self, kind: type[World], inputs: Arrays, numbers: Mapping[Key, Any] | None = None) -> World:
        """The equations at some inputs; members of one input may be replaced by other numbers."""
        steps = next((len(a) for key, a in inputs.items() if self.roles[key].when == "each"), 1)
        last = self.model.time.last
        env = {letter: size for name, letter in self.letters.items() for size in [self._size(name, inputs)]}
        env |= {last: steps} if isinstance(last, sp.Symbol) else {}
        made = kind(Timeline(self.model, steps), self.functions, env)
        made.given = {
            place: bounded(value) if kind is BoundedWorld else value
            for key, array in inputs.items()
            for place, value in self.members(key, array, steps).items()
        }
        made.given |= numbers or {}
        return made

    def members(self, key: str, array: Array, steps: int) -> dict[Key, Array]:
        """An input's members by the model's keys, (instances, 1, 1, rows, columns) each."""
        role = self.roles[key]
        if role.when == "each":
            return {(role.name, (k + 1,)): _column(array[k]) for k in range(steps)}
        if role.when:
            return {(role.name, (0 if role.when == "before" else steps + 1,)): _column(array)}
        matrix = array[:, None] if role.cols == 1 else array
        return {(role.name, ()): matrix[None, None, None]}

    def _size(self, name: str, inputs: Arrays) -> int:
        for key, array in inputs.items():
            axes = self.roles[key].written.split()
            if name in axes:
                return int(array.shape[axes.index(name)])
        raise CallError(f"{self.path}: no input has the size {name}")

    def read(self, world: World, key: str) -> list[Number]:
        """An output's values, one a step."""
        name = self.outputs[key]
        left = self.model.by_name[name].left
        if isinstance(left, Member) and left.indices:
            return [world.at((name, (k,)), left) for k in world.timeline.produced(name)]
        return [world.at((name, ()), left)]

    def forward(self, inputs: Arrays) -> dict[str, Array]:
        """The outputs."""
        world = self.world(World, inputs)
        found = {}
        for key, written in self.shapes()[1].items():
            steps = [value_of(one) for one in self.read(world, key)]
            if written.startswith(f"{SEQUENCE} "):
                batch = next((a.shape[1] for k, a in inputs.items() if self.roles[k].when == "each"), 1)
                found[key] = np.stack([np.broadcast_to(a, (batch, *a.shape[1:]))[:, 0, 0, :, 0] for a in steps])
            else:
                found[key] = steps[0][0, 0, 0, :, 0]
        return found

    def changes(self, inputs: Arrays, cotangents: Arrays, key: str) -> Bounded:
        """Σ cotangent · ∂output by forward accumulation, (directions, instances): all entries of one input at once."""
        steps = next((len(a) for k, a in inputs.items() if self.roles[k].when == "each"), 1)
        own = self.members(key, inputs[key], steps)
        rows, cols = next(iter(own.values())).shape[-2:]
        count = rows * cols
        units = np.eye(count).reshape(count, 1, 1, 1, rows, cols)
        numbers: dict[Key, Any] = {}
        for number, (place, value) in enumerate(own.items()):
            directions = np.zeros((len(own), *units.shape))
            directions[number] = units
            flat = directions.reshape(len(own) * count, *units.shape[1:])
            numbers[place] = Dual(1, bounded(value), bounded(flat))
        world = self.world(BoundedWorld, inputs, numbers)
        found: Any = bounded(np.zeros((len(own) * count, 1, 1, 1, 1, 1)))
        for output, cotangent in cotangents.items():
            values = self.read(world, output)
            columns = [_column(step) for step in cotangent] if len(cotangent.shape) == 3 else [_column(cotangent[None])]
            for value, column in zip(values, columns, strict=True):
                if isinstance(value, Dual):
                    found = found + total(value.change * bounded(column), -2)
        return found

    def backward(self, inputs: Arrays, values: Arrays, cotangents: Arrays) -> dict[str, Array]:
        """The gradients of every input."""
        return {key: self._laid_out(key, inputs, self.changes(inputs, cotangents, key).value) for key in inputs}

    def bounds(self, inputs: Arrays, cotangents: Arrays) -> dict[str, Array]:
        """The gradients' error bounds, in roundings."""
        found = {}
        for key in inputs:
            change = self.changes(inputs, cotangents, key)
            errors = np.broadcast_to(0.0 if change.error is None else change.error / UNIT, change.value.shape)
            found[key] = self._laid_out(key, inputs, errors + np.abs(change.value))
        return found

    def _laid_out(self, key: str, inputs: Arrays, change: Array) -> Array:
        """(directions, instances, 1, 1, 1, 1) as the input's own shape; of a parameter the sum over the batch."""
        shape, per_member = inputs[key].shape, change[..., 0, 0, 0, 0]
        role = self.roles[key]
        if not role.when:
            return per_member.sum(axis=1).reshape(shape)
        batch = shape[-2]
        spread = np.broadcast_to(per_member, (len(per_member), batch))
        return np.moveaxis(spread.reshape(*shape[:-2], shape[-1], batch), -1, -2)


def _column(rows: Array) -> Array:
    """(B, n) as instances of column vectors, (B, 1, 1, n, 1)."""
    return rows[:, None, None, :, None]


def _axis(size: Any) -> str:
    """A size as an axis of a shape: n, 2n, 1."""
    text = str(sp.sympify(size)).replace("*", "")
    if not text.isalnum():
        raise CallError(f"an axis of length {size}, which an audit does not draw")
    return text


def truth_of_document(path: str, choices: Mapping[str, Any]) -> Truth:
    """The truth of a document's forward equations. `choices` say which known function an open one is: f=tanh."""
    model = with_values(system_of(path, {}).model)
    chosen = _chosen(path, model, choices)
    try:
        own = OwnModel(path, model, chosen)
        shapes, outputs = own.shapes()
    except BackproofError as error:
        raise CallError(str(error)) from None
    clash = {SEQUENCE, BATCH} & set(own.letters)
    if clash:
        raise CallError(f"{path}: the size {', '.join(sorted(clash))} has the letter of the steps or of the batch")
    return Truth(path, shapes, outputs, own.forward, own.backward, is_reference=False, counted=own.bounds)


def _chosen(path: str, model: Model, choices: Mapping[str, Any]) -> dict[str, str]:
    named = {plain_key(name): name for name in open_functions(model)}
    stray = sorted(set(choices) - set(named))
    if stray:
        raise CallError(f"{path} leaves no function {', '.join(stray)} open; it leaves {', '.join(named) or 'none'}")
    missing = sorted(set(named) - set(choices))
    if missing:
        raise CallError(
            f"{path} holds for any {', '.join(missing)}: say which function your code computes, as "
            f"--with {missing[0]}=tanh"
        )
    unknown = sorted(set(map(str, choices.values())) - set(FUNCTIONS))
    if unknown:
        raise CallError(f"{', '.join(unknown)}: no known function; it is one of {', '.join(FUNCTIONS)}")
    return {named[key]: str(kind) for key, kind in choices.items()}
