"""Forwards through time: real-time recurrent learning, ∂y_t/∂vec X of every state from those of the step before.

Williams and Zipser (1989). Where backpropagation keeps all states and goes back once, these recursions go along with
the forward computation and keep a Jacobian by every parameter.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from derive.derivation import Derivation, differentiated, transposed
from derive.errors import RuleError
from derive.language.build import matadd, matmul, transpose, vec
from derive.language.derivatives import Gradient, Jacobian
from derive.language.keys import plain_key
from derive.language.nodes import Member, TimeSum, Vec
from derive.language.show import show
from derive.model import Equation, Loss, Model
from derive.naming import states, step_letter
from derive.quantities import Options, Quantity, is_column, parameters
from derive.recurrence import definition_of, direct_name, name_direct, name_gradient, the_loss
from derive.rules.dependence import check_losses, check_shifts, read_names, reads_later
from derive.rules.rewriting import open_nodes, replaced, step


def sensitivities_of(model: Model) -> tuple[Quantity, ...]:
    """The recursions of every state by every parameter, and the gradients that they add up to."""
    check_shifts(model)
    check_losses(model)
    return (*_recursions(model), *_gradients(model))


def sensitivity(model: Model, y: Member, x: Any, layout: str = "numerator") -> Derivation:
    """∂y_t/∂vec X from the states' own: members of other steps, and other states, stay under the derivative."""
    node = Jacobian(y, _flat(x))
    kept = frozenset(states(model)) - {y.name}
    found = differentiated(model, node, within=y.time, kept=kept)
    return found if layout == "numerator" else transposed(found)


def forward_gradient(model: Model, x: Any) -> Derivation:
    """∂E/∂vec X = Σ_k (∂s_k/∂vec X)ᵀ e_k, e_k the direct ∂E/∂s_k, for an opaque loss of states.

    Raises `RuleError` for a loss that a formula gives: its own dependence on X has then no name.
    """
    loss = model.loss_by_name.get(str(the_loss(model).name))
    if loss is None:
        raise RuleError(f"{show(the_loss(model))} is a formula: the gradient that runs forwards is of an opaque loss")
    flat = _flat(x)
    left = Vec(Gradient(loss.symbol, x.matrix), x.order) if flat is x else Gradient(loss.symbol, flat)
    right = through_the_states(model, loss, flat)
    named, definitions = _named(model, right)
    steps = (step([through_the_states], left, right), step([name_direct], right, named))
    return Derivation(left, named, steps, model, definitions)


def through_the_states(model: Model, loss: Loss, x: Any) -> Any:
    """∂E/∂vec X = Σ_k (∂s_k/∂vec X)ᵀ ∂⁺E/∂s_k, over the states and steps that the loss sees."""
    return matadd(*(_along(model, loss, model.by_name[family], place, x) for family, place in loss.parts))


def _named(model: Model, expr: Any) -> tuple[Any, tuple[Equation, ...]]:
    """The direct gradients by their name e, and what the names mean."""
    definitions = {}
    for node in open_nodes(expr, lambda node: isinstance(node, Gradient)):
        name = direct_name(model, node)
        definitions[name] = definition_of(model, node, name)
        expr = replaced(expr, node, name_gradient(node, name))
    return expr, tuple(definitions.values())


def _along(model: Model, loss: Loss, equation: Equation, place: str, x: Any) -> Any:
    """What the loss's look at one family adds: at the last step, or at every one."""
    letter = model.time.last if place == "last" else step_letter(model)
    member = equation.left.at(*equation.left.indices[:-1], letter)
    body = matmul(transpose(Jacobian(member, x)), Gradient(loss.symbol, member, "immediate"))
    made = model.produced(equation.name)
    assert made is not None
    return body if place == "last" else TimeSum(body, letter, *made)


def _flat(x: Any) -> Any:
    """vec of a column is the column."""
    return x.matrix if isinstance(x, Vec) and is_column(x.matrix) else x


def _recursions(model: Model) -> Iterator[Quantity]:
    for name in states(model):
        y = model.by_name[name].left
        if not is_column(y) or reads_later(model, name) is not None:
            continue
        for parameter in parameters(model):
            if str(parameter.name) in read_names(model, name):
                key = plain_key(str(parameter.name))
                yield Quantity(f"F.{plain_key(name)}.{key}", key, partial(_sensitivity, y=y, parameter=parameter))


def _gradients(model: Model) -> Iterator[Quantity]:
    seen = {family for loss in model.losses for family, _ in loss.parts}
    if not seen or not all(is_column(model.by_name[one].left) and reads_later(model, one) is None for one in seen):
        return
    for parameter in parameters(model):
        key = plain_key(str(parameter.name))
        yield Quantity(f"F.grad.{key}", key, partial(_gradient, parameter=parameter))


def _sensitivity(model: Model, options: Options, y: Any, parameter: Any) -> Derivation:
    return sensitivity(model, y, vec(parameter, options.vec), options.layout)


def _gradient(model: Model, options: Options, parameter: Any) -> Derivation:
    return forward_gradient(model, vec(parameter, options.vec))
