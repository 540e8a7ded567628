"""What backpropagation asks of any model: Jacobians, Kronecker forms, δ recursions, gradients. No list by hand.

The *landmarks* of a model are the families whose gradients have names and the states that are carried from step to
step; everything between two landmarks is substituted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import sympy as sp

from derive.derivation import Derivation, jacobian
from derive.errors import BackproofError
from derive.language.build import vec
from derive.language.keys import plain_key
from derive.language.nodes import Member
from derive.language.shapes import axes
from derive.model import Equation, Model, members
from derive.naming import delta_names, states, step_letter
from derive.recurrence import delta, gradient, the_loss
from derive.rules.dependence import check_losses, check_shifts, reads_later


@dataclass(frozen=True)
class Options:
    """How quantities are laid out: `layout` of Jacobians, `vec` order; `partial` picks the total or the immediate
    ones of those by shared parameters (empty: both). `mode` is backpropagation (reverse), the
    recursions that run forwards (forward), or the Hessian times a direction (second)."""

    layout: str = "numerator"
    vec: str = "column"
    partial: str = ""
    mode: str = "reverse"

    def __post_init__(self) -> None:
        choices = {
            "layout": ("numerator", "denominator"),
            "vec": ("column", "row"),
            "partial": ("", "total", "immediate"),
            "mode": ("reverse", "forward", "second"),
        }
        for key, allowed in choices.items():
            if getattr(self, key) not in allowed:
                raise BackproofError(f"{key} is one of {', '.join(allowed)}, not {getattr(self, key)!r}")


@dataclass(frozen=True)
class Quantity:
    """One thing to derive: its id in documents, by which name it differentiates, and how it is asked for."""

    id: str
    wrt: str
    ask: Callable[[Model, Options], Derivation]
    partial: str = ""  # total or immediate, where both exist


def quantities_of(model: Model, sum_one: tuple[str, ...] = (), fixed: tuple[str, ...] = ()) -> tuple[Quantity, ...]:
    """Everything that backpropagation asks of a model with one loss; without a loss, its Jacobians.

    `sum_one` names the families of targets whose members are assumed to sum to 1, `fixed` the inputs by which nobody
    asks for a gradient.
    """
    check_shifts(model)
    check_losses(model)
    found = [*_jacobians(model), *_kronecker_forms(model)]
    if model.losses or any(e.index is None and e.left.shape == (1, 1) for e in model.forward):
        found += [*_deltas(model, sum_one), *_gradients(model, sum_one, fixed)]
    return tuple(found)


# --- Jacobians ---------------------------------------------------------------------------------------------------


def _jacobians(model: Model) -> Iterator[Quantity]:
    """From landmark to landmark, and from each state to those of the step before; of columns, not of matrices."""
    marks = dict.fromkeys([*delta_names(model), *states(model)])
    carried = set(states(model))
    asked: dict[str, tuple[Member, Member]] = {}
    for name in marks:
        for stop in (set(marks), carried):
            y = _at_index(model, name)
            for x in _reached(model, y, stop) if name in stop else ():
                if is_column(y) and is_column(x) and reads_later(model, y.name) is None:
                    asked.setdefault(f"J.{plain_key(name)}.{plain_key(x.name)}{_lag(x.time - y.time)}", (y, x))
    for id, (y, x) in asked.items():
        yield Quantity(id, plain_key(x.name), partial(_jacobian, y=y, x=x))


def _jacobian(model: Model, options: Options, y: Any, x: Any) -> Derivation:
    return jacobian(model, y, x, layout=options.layout)


def _at_index(model: Model, name: str) -> Member:
    equation = model.by_name[name]
    return equation.left


def _reached(model: Model, y: Member, stop: set[str]) -> list[Member]:
    """The members of `stop` on which a member depends through its own step, or one step away."""
    found: dict[Member, None] = {}
    waiting, seen = [y], {y}
    while waiting:
        for member in members(model.definition(waiting.pop(0))):
            if model.equation_of(member) is None:
                continue
            if member.name in stop or member.time != y.time:
                found.setdefault(member)
            elif member not in seen:
                seen.add(member)
                waiting.append(member)
    return [member for member in found if member.name in stop]


def is_column(member: Any) -> bool:
    """Whether a formula is a column, of which a Jacobian needs no vec."""
    return axes(member).cols == ()


def _lag(steps: Any) -> str:
    return "" if steps == 0 else f"{int(steps):+d}"


def _kronecker_forms(model: Model) -> Iterator[Quantity]:
    """∂⁺y_t/∂vec of each parameter that y's equation writes."""
    for equation in model.forward:
        if equation.index is None or not is_column(equation.left):
            continue
        y = equation.left
        if reads_later(model, equation.name) is not None:  # at any step: behind the last one there is no more to read
            y = y.at(*y.indices[:-1], step_letter(model))
        for parameter in _parameters(model, equation):
            key = plain_key(str(parameter.name))
            ask = partial(_by_parameter, y=y, parameter=parameter)
            yield Quantity(f"K.{plain_key(equation.name)}.{key}", key, ask, "immediate")


def _by_parameter(model: Model, options: Options, y: Any, parameter: Any) -> Derivation:
    return jacobian(model, y, vec(parameter, options.vec), "immediate", options.layout)


def parameters(model: Model) -> list[Any]:
    """The parameters of a model, each once, in the order in which equations write them."""
    return list(dict.fromkeys(p for equation in model.forward for p in _parameters(model, equation)))


def _parameters(model: Model, equation: Equation) -> list[Any]:
    """The parameters that an equation writes: symbols without a step that no equation defines."""
    return [leaf for leaf in equation.leaves if _is_parameter(leaf) and model.equation_of(leaf) is None]


def _is_parameter(leaf: Any) -> bool:
    return isinstance(leaf, sp.MatrixSymbol) or (isinstance(leaf, Member) and not leaf.indices)


# --- gradients ---------------------------------------------------------------------------------------------------


def _deltas(model: Model, sum_one: tuple[str, ...]) -> Iterator[Quantity]:
    """δ of every named family at any step, and at the steps at the end (or the start) where a reader is missing."""
    names = delta_names(model)
    for name in names:
        key = plain_key(name)
        for mark, time in _steps(model, name, set(names)):
            member = _at_index(model, name)
            ask = partial(_delta, member=member.at(*member.indices[:-1], time), sum_one=sum_one)
            yield Quantity(f"delta.{key}{mark}", key, ask)


def _delta(model: Model, options: Options, member: Member, sum_one: tuple[str, ...]) -> Derivation:
    return delta(model, member, sum_one=sum_one)


def _steps(model: Model, name: str, named: set[str]) -> Iterator[tuple[str, Any]]:
    """Any step, and those at the ends of time at which fewer equations read the family."""
    made = model.produced(name)
    assert made is not None
    yield "", step_letter(model)
    shifts = _shifts(model, name, named)
    for distance in range(max((-shift for shift in shifts), default=0)):
        yield f".last{'' if distance == 0 else -distance}", made[1] - distance
    for distance in range(max(shifts, default=0)):
        yield f".first{'' if distance == 0 else f'+{distance}'}", made[0] + distance


def _shifts(model: Model, name: str, named: set[str]) -> set[int]:
    """How many steps away the named families (or the loss, at the last step only) read a family."""
    found: set[int] = set()
    waiting, seen = [(name, 0)], {(name, 0)}
    while waiting:
        current, moved = waiting.pop()
        if any(place == "last" for loss in model.losses for family, place in loss.parts if family == current):
            found.add(-1 + moved)
        for equation in model.readers.get(current, ()):
            for member in equation.members if equation.index is not None else ():
                if member.name != current or (member.time - equation.index).free_symbols:
                    continue
                total = moved + int(member.time - equation.index)
                found.add(total)
                if equation.name not in named and (equation.name, total) not in seen:
                    seen.add((equation.name, total))
                    waiting.append((equation.name, total))
    return found


def _gradients(model: Model, sum_one: tuple[str, ...], fixed: tuple[str, ...]) -> Iterator[Quantity]:
    """∂E/∂X of every parameter, of the inputs at any step, and of the members before the first step."""
    for equation in model.forward:
        if equation.index is None and equation.left.shape != (1, 1):
            yield _gradient(plain_key(equation.name), equation.left, sum_one)
    for parameter in parameters(model):
        yield _gradient(plain_key(str(parameter.name)), parameter, sum_one)
    for member in (one for one in _inputs(model) if one.name not in fixed):
        letter = step_letter(model)
        yield _gradient(plain_key(member.name), member.at(*member.indices[:-1], letter), sum_one)
    for name in states(model):
        for mark, time in _outside(model, name):
            member = _at_index(model, name)
            yield _gradient(f"{plain_key(name)}{mark}", member.at(*member.indices[:-1], time), sum_one)


def _gradient(key: str, variable: Any, sum_one: tuple[str, ...]) -> Quantity:
    return Quantity(f"grad.{key}", key, partial(_ask_gradient, variable=variable, sum_one=sum_one))


def _ask_gradient(model: Model, options: Options, variable: Any, sum_one: tuple[str, ...]) -> Derivation:
    return gradient(model, variable, sum_one=sum_one)


def _inputs(model: Model) -> list[Member]:
    """A member of each family that no equation produces and not the loss alone reads: inputs, but no targets."""
    loss = str(the_loss(model).name)
    found: dict[str, Member] = {}
    for equation in model.forward:
        for member in equation.members if equation.name != loss else ():
            if model.equation_of(member) is None:
                found.setdefault(member.name, member)
    return list(found.values())


def _outside(model: Model, name: str) -> list[tuple[str, Any]]:
    """The steps before the first and behind the last at which equations read a family: s_0, r_{t+1}."""
    made = model.produced(name)
    assert made is not None
    found: list[tuple[str, Any]] = []
    for low, high in model.reads.get(name, ()):
        before, behind = made[0] - low, high - made[1]
        if before.is_Integer:
            found += [(str(low + distance), low + distance) for distance in range(int(before))]
        if behind.is_Integer:
            found += [
                (f"_end{distance}" if distance > 1 else "_end", made[1] + distance)
                for distance in range(1, int(behind) + 1)
            ]
    return list(dict.fromkeys(found))
