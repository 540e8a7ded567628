"""What a written gradient may have forgotten: the contributions of the dependency graph, one by one.

∂E/∂y_k collects what the loss sees of the step itself and what reaches it through each family that reads y.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sympy as sp

from derive.derivation import jacobian
from derive.errors import BackproofError
from derive.language.build import matmul, transpose
from derive.language.derivatives import Gradient
from derive.language.nodes import Diag, Member
from derive.language.shapes import is_coefficient
from derive.model import Model, members


def missing_terms(left: Any, model: Model) -> Iterator[tuple[Any, str]]:
    """Each term that ∂E/∂y_k on the left may lack, as a row or a column as it is, with the reason."""
    is_row = isinstance(left, sp.Transpose)
    subject = left.args[0] if is_row else left
    node = _gradient(subject, model)
    if node is None or not isinstance(node.by, Member) or not node.by.indices:
        return
    for step, direct in _direct(node, model):
        yield _contribution(step, direct, is_row), f"{node.what} depends on that step directly too"
    for step, later in _through(node, node.by, model):
        yield _contribution(step, later, is_row), f"{node.what} depends on it that way too"


def _contribution(step: Any, sent: Any, is_row: bool) -> Any:
    """e_kᵀ ∂s_k/∂y_k as a row, (∂s_k/∂y_k)ᵀ e_k as a column; e_k itself where y_k is s_k."""
    if step is None:
        return transpose(sent) if is_row else sent
    if is_row:
        return matmul(transpose(sent), step)
    return matmul(_turned(step), sent)


def _turned(step: Any) -> Any:
    """(c A B)ᵀ = c Bᵀ Aᵀ; a diagonal matrix is symmetric."""
    if isinstance(step, sp.MatMul):
        return matmul(*(factor if is_coefficient(factor) else _turned(factor) for factor in reversed(step.args)))
    return step if isinstance(step, Diag) else transpose(step)


def _gradient(subject: Any, model: Model) -> Gradient | None:
    """∂E/∂y, written out or by its name δ."""
    node = model.definition(subject) if isinstance(subject, Member) else subject
    return node if isinstance(node, Gradient) and node.mode == "total" else None


def _direct(node: Gradient, model: Model) -> Iterator[tuple[Any, Any]]:
    """(∂s_k/∂y_k, e_k) for every family s that the loss sees at the step of y, e_k = ∂⁺E/∂s_k."""
    loss = model.loss_by_name.get(str(getattr(node.what, "name", "")))
    for name, scope in loss.parts if loss is not None else ():
        equation = model.by_name.get(name)
        if scope != "each" or equation is None:
            continue
        seen = equation.left.at(*node.by.indices)
        direct = _named(Gradient(node.what, seen, "immediate"), model)
        step = None if seen == node.by else _step(model, seen, node.by)
        if step is not None or seen == node.by:
            yield step, direct


def _through(node: Gradient, by: Member, model: Model) -> Iterator[tuple[Any, Any]]:
    """(∂z/∂y_k, ∂E/∂z) for every family z of the forward pass, at the same step and at the next."""
    reaching = _reaching(node, model)
    for equation in model.equations:
        family = equation.left
        if equation.name not in reaching or not isinstance(family, Member) or not family.indices:
            continue
        for shift in (0, 1):
            seen = family.at(*by.indices[:-1], by.time + shift)
            step = None if seen == by else _step(model, seen, by)
            if step is not None:
                yield step, _named(Gradient(node.what, seen), model)


def _reaching(node: Gradient, model: Model) -> set[str]:
    """The names of which a loss is computed."""
    loss = model.loss_by_name.get(str(getattr(node.what, "name", "")))
    waiting = [name for name, _ in loss.parts] if loss is not None else []
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in found and name in model.by_name:
            found.add(name)
            waiting += [member.name for member in members(model.by_name[name].right)]
    return found


def _step(model: Model, y: Any, x: Any) -> Any:
    """∂y/∂x as derived, None where it is 0 or unknown."""
    try:
        found = jacobian(model, y, x).right
    except BackproofError:
        return None
    return None if isinstance(found, sp.ZeroMatrix) else found


def _named(gradient: Gradient, model: Model) -> Any:
    """A gradient by the name that a definition gives it: δ_k for ∂E/∂Net_k."""
    for equation in model.equations:
        if model.is_definition(equation) and isinstance(equation.left, Member) and equation.left.indices:
            member = equation.left.at(*gradient.by.indices)
            if equation.at(gradient.by.time) == gradient:
                return member
    return gradient
