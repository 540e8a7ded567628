"""Backpropagation through time by the hand-written reference, for models that are its network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import sympy as sp

from derive.language.derivatives import variable_of
from derive.language.nodes import Member, Scale, TimeSum, Vec
from derive.model import members
from verify.instances import Key
from verify.oracles import losses
from verify.oracles.arithmetic import Array, Bounded, linear, value_of
from verify.oracles.formulas import flattened, steps, transposed
from verify.oracles.laboratory import Laboratory
from verify.oracles.letters import Env, integer, number
from verify.oracles.limits import OutOfScope, Unsupported
from verify.oracles.network import Cotangents, Network
from verify.reference.losses import LOSSES

MULTIPLES = (1, -1, 2, -2)  # yᵀ log o is -1 cross-entropy, (o - y)ᵀ(o - y) is 2 squared errors
Adjoints = list[dict[str, Array]]


class Bptt:
    """The witness: Jacobians through one-hot cotangents, gradients through a loss's own; one backward run for each.

    An immediate derivative is one of a single step from the held state.
    """

    name = "bptt"

    def raw(self, lab: Laboratory, node: Any, env: Env) -> Bounded:
        """The raw derivative with the forward route's error bound."""
        return lab.ruled(_raw(lab, node.what, node, env), node, env)


def _raw(lab: Laboratory, what: Any, node: Any, env: Env) -> Array:
    if isinstance(what, sp.Transpose):
        return over_members(transposed, _raw(lab, what.args[0], node, env))
    if isinstance(what, Vec):
        inner = _raw(lab, what.matrix, node, env)
        return over_members(flattened, over_members(transposed, inner) if what.order == "column" else inner)
    variable = variable_of(node.by)
    key = key_of(lab, variable, env)
    if not isinstance(what, Member | sp.MatrixSymbol):
        raise Unsupported(f"the derivative of {type(what).__name__} by the reference")
    if is_given(lab, what, env):
        return of_given(lab, what, variable, key, env)
    if node.mode == "immediate" and not key[1]:
        return of_step(lab, what, key, env)
    network = lab_network(lab)
    if isinstance(what, Member) and what.name in network.roles:
        own = key_of(lab, what, env)
        return of_member(network, kept(lab, own, lambda: network.adjoints(one_hot(network, own))), key)
    if node.mode == "immediate":
        return of_opaque(lab, what, key)
    network.place(key)  # a target y has no role, and the loss depends on it
    loss = key_of(lab, what, env)  # the loss of one step is not that of another
    return of_loss(network, kept(lab, loss, lambda: network.adjoints(loss_cotangents(lab, what, env))), key)


def over_members(rearrange: Any, raw: Array) -> Array:
    """A rearrangement of what is differentiated, rows and columns of which stand before the variable's."""
    moved = np.moveaxis(raw, (-2, -1), (0, 1))
    return np.moveaxis(np.asarray(linear(rearrange, moved)), (0, 1), (-2, -1))


def key_of(lab: Laboratory, tensor: Any, env: Env) -> Key:
    """A tensor's key; raises OutOfScope where it does not exist."""
    if not isinstance(tensor, Member | sp.MatrixSymbol):
        raise Unsupported(f"a derivative by {type(tensor).__name__}")
    if not isinstance(tensor, Member) or not tensor.indices:
        return str(tensor.name), ()
    indices = tuple(integer(i, env) for i in tensor.indices)
    if not lab.timeline.exists(tensor.name, indices[-1]):
        raise OutOfScope(f"{tensor.name} at step {indices[-1]}")
    return tensor.name, indices


def lab_network(lab: Laboratory) -> Network:
    """The model as a network, over all steps."""
    if "network" not in lab.notes:
        lab.notes["network"] = Network(lab, range(lab.model.time.first, lab.timeline.last + 1))
    return lab.notes["network"]


def kept(lab: Laboratory, what: Any, run: Any) -> Adjoints:
    """One backward run for each thing that is differentiated."""
    runs: dict[Any, Adjoints] = lab.notes.setdefault("backward runs", {})
    if what not in runs:
        runs[what] = run()
    return runs[what]


def one_hot(network: Network, key: Key) -> Cotangents:
    """The unit cotangents of a member, (size, 1, 1, size): one row of the Jacobian each."""
    place = network.place(key)
    if place.at is None:
        raise Unsupported(f"a cotangent at the input {key[0]}")
    values = network.values[place.level] if place.key != "x" else network.inputs[0]
    size = values[place.key].shape[-1]
    return {key: np.eye(size)[:, None, None, :]}


def of_member(network: Network, adjoints: Adjoints, key: Key) -> Array:
    """∂y/∂x from one-hot cotangents: their axis becomes y's rows."""
    found = network.read(adjoints, key)
    return np.moveaxis(found, 0, -3)[..., None, :, :] if found.ndim > 3 else found[..., None, None, :, :]


def of_loss(network: Network, adjoints: Adjoints, key: Key) -> Array:
    """∂E/∂x from the loss's cotangents."""
    return network.read(adjoints, key)[..., None, None, :, :]


def is_given(lab: Laboratory, what: Any, env: Env) -> bool:
    """A parameter or input."""
    name, indices = key_of(lab, what, env)
    return lab.timeline.equation(name, indices) is None and name not in lab.model.loss_by_name


def of_given(lab: Laboratory, what: Any, variable: Any, key: Key, env: Env) -> Array:
    """∂X/∂X = I, and 0 by anything else."""
    mine, other = (value_of(lab.plain.value(tensor, env)).shape[-2:] for tensor in (what, variable))
    same = key_of(lab, what, env) == key
    return np.eye(mine[0] * mine[1]).reshape(*mine, *other) if same else np.zeros((*mine, *other))


def of_step(lab: Laboratory, what: Any, key: Key, env: Env) -> Array:
    """Immediate, by a parameter: a run of one step from the state before it."""
    own = key_of(lab, what, env)
    if not own[1]:
        raise Unsupported("an immediate derivative by a parameter, of something other than a member")
    step = own[1][-1]
    network = lab.notes.setdefault(("network", step), None) or Network(lab, range(step, step + 1))
    lab.notes["network", step] = network
    return of_member(network, kept(lab, ("step", own), lambda: network.adjoints(one_hot(network, own))), key)


def of_opaque(lab: Laboratory, what: Any, key: Key) -> Array:
    """Immediate, by a member: the opaque loss's own cotangent, zero where it does not read the member."""
    name = str(what.name)
    if name not in lab.model.loss_by_name:
        raise Unsupported("an immediate derivative by a member, of something other than an opaque loss")
    read = lab.plain.loss_members(name)
    found = value_of(losses.cotangent(name, lab.draws, read, key)) if key in read else None
    if found is None:
        found = np.zeros(value_of(lab.plain.at(key, lab.timeline.family(key[0]))).shape)
    return found[:, 0, 0][:, None, None]


# --- losses --------------------------------------------------------------------------------------------------


def loss_cotangents(lab: Laboratory, what: Any, env: Env) -> Cotangents:
    """The direct cotangents of a loss at the network's members."""
    name = str(what.name)
    if name in lab.model.loss_by_name:
        read = lab.plain.loss_members(name)
        return {key: column(losses.cotangent(name, lab.draws, read, key)) for key in read}
    found: Cotangents = {}
    for weight, term, inner in terms(lab, what, {**lab.env, **env}, 1.0):
        key, cotangent = identified(lab, term, inner)
        found[key] = found.get(key, 0) + weight * cotangent
    return found


def column(value: Any) -> Array:
    """A column vector's value as the reference's (instances, 1, size)."""
    return value_of(value)[:, 0, 0, None, :, 0]


def terms(lab: Laboratory, formula: Any, env: Env, weight: Any) -> Iterator[tuple[Any, Any, Env]]:
    """A loss as weighted terms of a single step each, its sums and its named parts followed; μ_k is such a weight."""
    if isinstance(formula, sp.MatAdd):
        for term in formula.args:
            yield from terms(lab, term, env, weight)
    elif isinstance(formula, TimeSum):
        for inner in steps(formula, env):
            yield from terms(lab, formula.body, inner, weight)
    elif isinstance(formula, sp.MatMul) and not getattr(formula.args[0], "is_Matrix", False):
        rest = formula.args[1:]
        inside = rest[0] if len(rest) == 1 else sp.Basic.__new__(sp.MatMul, *rest)
        yield from terms(lab, inside, env, weight * float(number(formula.args[0], env)))
    elif isinstance(formula, Scale) and isinstance(formula.scalar, Member) and is_given(lab, formula.scalar, env):
        yield from terms(lab, formula.matrix, env, weight * column(lab.plain.value(formula.scalar, env)))
    elif isinstance(formula, Member | sp.MatrixSymbol) and formula.name not in lab_network(lab).roles:
        yield from _named_terms(lab, formula, env, weight)
    else:
        yield weight, formula, env


def _named_terms(lab: Laboratory, part: Any, env: Env, weight: Any) -> Iterator[tuple[Any, Any, Env]]:
    name, indices = key_of(lab, part, env)
    equation = lab.timeline.equation(name, indices)
    if equation is None:
        raise Unsupported(f"the loss term {name}")
    step = {equation.index: indices[-1]} if equation.index is not None else {}
    yield from terms(lab, equation.right, {**lab.env, **step}, weight)


def identified(lab: Laboratory, term: Any, env: Env) -> tuple[Key, Array]:
    """Which of the reference's losses a term is, by its value on every instance, and its cotangent.

    The losses are analytic and different, so agreement at drawn points to 12 digits is no accident.
    """
    network = lab_network(lab)
    read = [m for m in members(term) if m.name in network.roles]
    others = [m for m in sp.preorder_traversal(term) if isinstance(m, Member | sp.MatrixSymbol) and m not in read]
    if len(read) != 1 or len(set(others)) != 1:
        raise Unsupported("a loss term that is not of one output and one target")
    if str(others[0].name) in network.roles or not is_given(lab, others[0], env):
        raise Unsupported(f"the target {others[0].name}, through which the loss depends on the network")
    o, y = (column(lab.plain.value(tensor, env)) for tensor in (read[0], others[0]))
    value = value_of(lab.plain.value(term, env))[..., 0, 0, 0]
    for loss in LOSSES.values():
        with np.errstate(invalid="ignore", divide="ignore"):  # log of a negative output: then it is no cross-entropy
            own = loss.value(o, y)
        for multiple in MULTIPLES:
            if np.allclose(value, multiple * own, rtol=1e-12, atol=1e-12):
                return key_of(lab, read[0], env), multiple * loss.cotangent(o, y)
    raise Unsupported("a loss term that is none of the reference's losses")
