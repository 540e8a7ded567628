"""Derivatives read off varied worlds: what varies, what follows, and how the entries are laid out.

A *raw* derivative has axes (…, rows of what, columns of what, rows of by, columns of by), `by` without its Vec.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from derive.language.derivatives import BlockJacobian, FamilyDerivative, Gradient, Jacobian, slot_of, variable_of
from derive.language.nodes import Application, Component, Member, Slot, Vec
from verify.instances import Key
from verify.oracles.arithmetic import Array, Number, linear, value_of
from verify.oracles.formulas import slot_key, transposed
from verify.oracles.letters import Env, integer
from verify.oracles.limits import Unsupported
from verify.oracles.worlds import Follows, VariedWorld, World


@dataclass(frozen=True)
class Variation:
    """A variable at its key, its present value, and which members follow it; `kind` names the rule for reports."""

    key: Key
    present: Number
    follows: Follows
    kind: tuple[str, int | None]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the variable."""
        rows, cols = value_of(self.present).shape[-2:]
        return rows, cols


def variation(world: World, node: Any, env: Env) -> Variation:
    """What a derivative node varies in a world (docs/language.md, Derivatives)."""
    found = slot_of(node)
    if found is not None:
        return _by_slot(world, *found, env)
    variable = variable_of(node.by)
    if not isinstance(variable, Member | sp.MatrixSymbol):
        raise Unsupported(f"a derivative by {type(variable).__name__}")
    indices = tuple(integer(i, env) for i in variable.indices) if isinstance(variable, Member) else ()
    key = (str(variable.name), indices)
    present = world.value(variable, env)
    if node.mode == "immediate":
        return _immediate(world, node, env, key, present)
    return Variation(key, present, _all_that_depends(world, key), ("total", None))


def _by_slot(world: World, application: Application, slot: Slot, env: Env) -> Variation:
    """The application has another argument in one slot; nothing else is computed anew."""
    present = world.number(world.value(application.arguments[slot.number - 1], env))
    return Variation(
        slot_key(application, slot.number, env), present, lambda name, indices: False, ("slot", slot.number)
    )


def _all_that_depends(world: World, key: Key) -> Follows:
    """Total: every member may follow; in a causal model those of earlier steps than a varied member's do not."""
    timeline, (_, varied) = world.timeline, key
    if not varied or not timeline.is_causal:
        return lambda name, indices: True
    first = varied[-1]
    return lambda name, indices: not indices or indices[-1] >= first or name in timeline.definitions


def _immediate(world: World, node: Any, env: Env, key: Key, present: Number) -> Variation:
    what = node.what
    while isinstance(what, Vec | sp.Transpose | Component):
        what = what.args[0]
    if not key[1]:
        return _immediate_by_parameter(world, what, env, key, present)
    losses = world.model.loss_by_name
    if not (isinstance(what, sp.MatrixSymbol) and str(what.name) in losses):
        raise Unsupported("an immediate derivative by a member, of something other than an opaque loss")
    return Variation(key, present, lambda name, indices: name in losses, ("immediate", None))


def _immediate_by_parameter(world: World, what: Any, env: Env, key: Key, present: Number) -> Variation:
    """Members of the differentiated member's step are computed anew, those of other steps are held."""
    if isinstance(what, Member) and what.indices:
        step = integer(what.time, env)
        return Variation(key, present, lambda name, indices: indices[-1:] == (step,), ("immediate", step))
    if isinstance(what, Member | sp.MatrixSymbol) and is_given(world, what):
        return Variation(key, present, lambda name, indices: False, ("immediate", None))
    raise Unsupported("an immediate derivative by a parameter, of something other than a member")


def is_given(world: World, tensor: Any) -> bool:
    """A parameter or input: no equation and no loss of that name."""
    return world.model.equation_of(tensor) is None and str(tensor.name) not in world.model.loss_by_name


def basis(shape: tuple[int, int], level: int) -> Array:
    """All unit directions along a new leading axis, (rows·cols, 1 …, rows, cols), at a world of that level."""
    rows, cols = shape
    return np.eye(rows * cols).reshape(rows * cols, *(1,) * (level + 3), rows, cols)


def varied_world(world: World, change: Variation, value: Number, route: str) -> VariedWorld:
    """The world in which the variable has another value; one for all that is differentiated by it."""
    name = (route, change.key, change.kind)
    if name not in world.varied:
        world.varied[name] = VariedWorld(world, change.key, value, change.follows)
    return world.varied[name]


def gathered(changes: Number, shape: tuple[int, int]) -> Number:
    """Changes along the leading axis of directions as a raw derivative."""

    def move(a: Array) -> Array:
        return np.moveaxis(a[..., 0, 0, :, :], 0, -1).reshape(*a.shape[1:-4], *a.shape[-2:], *shape)

    return linear(move, changes)


def no_change(value: Number, shape: tuple[int, int]) -> Number:
    """The raw derivative of what does not depend on the variable."""
    return np.zeros((*value_of(value).shape[-2:], *shape))


def laid_out(node: Any, raw: Number) -> Number:
    """A raw derivative in the node's own layout."""
    if isinstance(node.by, Vec) and node.by.order == "column":
        raw = linear(transposed, raw)
    return linear(LAYOUTS[type(node)], raw)


def jacobian_layout(raw: Array) -> Array:
    """Entry (a, b) is ∂y_a/∂x_b."""
    *lead, r, c, i, j = raw.shape
    return raw.reshape(*lead, 1, 1, r * c, i * j)


def gradient_layout(raw: Array) -> Array:
    """Entry (i, j) is ∂E/∂X_ij."""
    return raw[..., 0, 0, :, :][..., None, None, :, :]


def block_layout(raw: Array) -> Array:
    """Entry ((i, a), (j, b)) is ∂Y_ab/∂X_ij."""
    *lead, a, b, i, j = raw.shape
    return np.moveaxis(raw, (-2, -4, -1, -3), (-4, -3, -2, -1)).reshape(*lead, 1, 1, i * a, j * b)


def family_layout(raw: Array) -> Array:
    """X's axes as back axes."""
    return np.moveaxis(raw, (-2, -1), (-4, -3))


LAYOUTS = {
    Jacobian: jacobian_layout,
    Gradient: gradient_layout,
    BlockJacobian: block_layout,
    FamilyDerivative: family_layout,
}
