"""Recurrences in closed form: products over the steps between two members of a single state.

`product_over_steps` chains the Jacobian of one step, `unrolled` carries δ back from the last step.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sympy as sp

from derive.derivation import Derivation, Order, jacobian
from derive.errors import RuleError
from derive.language.build import matmul, transpose
from derive.language.derivatives import Jacobian
from derive.language.nodes import Member, TimeProduct
from derive.language.show import show
from derive.language.substitute import fresh_letter, substitute
from derive.model import Model, members
from derive.naming import Names
from derive.recurrence import backward_of, definition_of, name_gradient
from derive.rules.dependence import is_recurrent, read_names
from derive.rules.rewriting import Step, step


def product_over_steps(model: Model, y: Member, x: Member) -> Derivation:
    """∂y_t/∂y_k = Π_{i=k}^{t-1} ∂y_{i+1}/∂y_i, the highest step leftmost, where y is the only state."""
    if y.name != x.name:
        raise RuleError(f"{show(y)} by {show(x)} at a symbolic distance: only of one family by itself")
    check_single_state(model, y.name)
    letter = _product_letter(model, y, x)
    one_step = jacobian(model, x.at(*x.indices[:-1], letter + 1), x.at(*x.indices[:-1], letter))
    assumed = _where_it_begins(model, x, letter, one_step.right)
    node = Jacobian(y, x)
    chained = TimeProduct(one_step.left, letter, x.time, y.time - 1, "descending")
    right = TimeProduct(one_step.right, letter, x.time, y.time - 1, "descending")
    steps = (step([product_over_steps], node, chained), Step(_joined(one_step), chained, right, _step_names(one_step)))
    return Derivation(node, right, steps, model, conditions=((x.time, "<=", y.time), *assumed))


def _where_it_begins(model: Model, x: Member, letter: sp.Symbol, factor: Any) -> tuple[Order, ...]:
    """What the first factor assumes of x's step, at which a state may still be an input that no equation makes."""
    begin = jacobian(model, x.at(*x.indices[:-1], x.time + 1), x)
    if begin.right != substitute(factor, {letter: x.time}):
        raise RuleError(f"{begin} is no factor {show(factor)}: at {show(x)} other states are inputs")
    return begin.conditions


def _product_letter(model: Model, y: Member, x: Member) -> sp.Symbol:
    letter = sp.Symbol("i", integer=True)
    taken = y.time.free_symbols | x.time.free_symbols | model.time.last.free_symbols
    return fresh_letter(letter, sp.Tuple(y.time, x.time)) if letter in taken else letter


def _joined(derivation: Derivation) -> str:
    return "; ".join(dict.fromkeys(rule for s in derivation.steps for rule in s.rule.split("; ")))


def _step_names(derivation: Derivation) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for s in derivation.steps for name in s.names))


def check_single_state(model: Model, name: str) -> None:
    """Everything that later steps read of a step goes through one family; otherwise there is no plain product."""
    for equation in model.forward:
        for member in equation.members:
            if equation.index is None or member.time == equation.index or model.equation_of(member) is None:
                continue
            if member.time != equation.index - 1:
                raise RuleError(
                    f"{show(equation.left)} reads {show(member)}: a product over single steps needs the step before"
                )
            if is_recurrent(model, member.name) and not _only_through(model, member, name):
                raise RuleError(f"{show(member)} carries more than {name}: the state has several families")


def _only_through(model: Model, member: Member, name: str) -> bool:
    """Whether a member depends on its own step's `name` alone, and on no earlier state beside it."""
    if member.name == name:
        return True
    inner = model.definition(member)
    states = [m for m in members(inner) if model.equation_of(m) is not None and name in read_names(model, m.name)]
    return bool(states) and all(m.time == member.time and _only_through(model, m, name) for m in states)


def unrolled(model: Model, member: Member, loss: Any = None, names: Names | None = None) -> Derivation:
    """δ_kᵀ = δ_tᵀ Π_{i=k}^{t-1} ∂Net_{i+1}/∂Net_i for a loss at the last step, where Net is the only state.

    Raises `RuleError` where the loss sees earlier steps too: then the recursion has a term at every step.
    """
    backward = backward_of(model, loss, names)
    name = backward.names.get(member.name)
    if name is None:
        raise RuleError(f"the gradient by {show(member)} has no name")
    _check_last_only(model, backward.loss)
    end = member.at(*member.indices[:-1], model.time.last)
    between = product_over_steps(model, end, member)
    left, last = (transpose(name_gradient(backward.by(m), name)) for m in (member, end))
    middle, right = (only_through_the_last(last, side) for side in (between.left, between.right))
    steps = [step([only_through_the_last], left, middle)]
    steps += [replace(s, before=matmul(last, s.before), after=matmul(last, s.after)) for s in between.steps]
    definition = definition_of(model, backward.by(member), name)
    return Derivation(left, right, tuple(steps), model, (definition,), between.conditions)


def only_through_the_last(last: Any, between: Any) -> Any:
    """δ_kᵀ = δ_tᵀ ∂Net_t/∂Net_k where the loss sees the last step only."""
    return matmul(last, between)


def _check_last_only(model: Model, loss: Any) -> None:
    opaque = model.loss_by_name.get(str(loss.name))
    if opaque is None or any(place != "last" for _, place in opaque.parts):
        raise RuleError(f"{show(loss)} sees every step: the unrolled product holds for a loss at the last step only")
