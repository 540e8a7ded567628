"""Why a refuted claim looked right: another convention, a term that is missing, and what holds instead.

A hint is itself a claim that was settled: nothing is suggested that the deciders do not accept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import sympy as sp

from derive.derivation import jacobian
from derive.errors import BackproofError
from derive.language.build import matadd, matmul, transpose
from derive.language.derivatives import Gradient, Jacobian
from derive.language.nodes import Diag, Member
from derive.language.show import show
from derive.latex.conventions import OPTIONS
from derive.model import Model
from verify.claim import Claim
from verify.document.interpret import Interpreter
from verify.document.statements import Link, Statement

IsGood = Callable[[Claim], bool]


def hints(claim: Claim, statement: Statement, link: Link, interpreter: Interpreter, is_good: IsGood) -> str:
    """What to say of a refuted claim, empty where nothing is known."""
    missing = list(_missing(claim, is_good))
    return "; ".join(missing or _other_conventions(claim, statement, link, interpreter, is_good))


# --- conventions -----------------------------------------------------------------------------------------------


def _other_conventions(
    claim: Claim, statement: Statement, link: Link, interpreter: Interpreter, is_good: IsGood
) -> Iterator[str]:
    """Right in denominator layout; in the declared numerator layout it reads …; or right in no layout."""
    for key in OPTIONS:
        declared = getattr(statement.declarations.conventions, key)
        if not declared:
            continue
        others = [(option, _read_with(statement, link, interpreter, key, option)) for option in OPTIONS[key]]
        changed = [(option, other) for option, other in others if option != declared and other not in (None, claim)]
        right = [option for option, other in changed if other is not None and is_good(other)]
        if right:
            yield f"right with {key}: {' or '.join(right)}{_as_declared(claim, key, declared, is_good)}"
        elif changed and key == "layout":
            yield f"right in no layout{_as_declared(claim, key, declared, is_good)}"


def _read_with(statement: Statement, link: Link, interpreter: Interpreter, key: str, option: str) -> Claim | None:
    """The same line under one convention changed, None where it does not type-check."""
    conventions = replace(statement.declarations.conventions, **{key: option})
    declarations = replace(statement.declarations, conventions=conventions)
    try:
        return interpreter.claim(replace(statement, declarations=declarations), link, {})
    except BackproofError:
        return None


def _as_declared(claim: Claim, key: str, declared: str, is_good: IsGood) -> str:
    """What the derivative on the left is under the declared convention, where `derive` knows."""
    derived = _derived(claim.left, claim.model)
    if derived is None or key not in ("layout", "vec") or not is_good(replace(claim, right=derived)):
        return ""
    return f"; with the declared {key}: {declared} it reads {show(derived)}"


def _derived(side: Any, model: Model) -> Any:
    """The closed form of a Jacobian, or of its transpose."""
    turned = isinstance(side, sp.Transpose)
    node = side.args[0] if turned else side
    if not isinstance(node, Jacobian):
        return None
    try:
        right = jacobian(model, node.what, node.by, node.mode, "denominator" if turned else "numerator").right
    except BackproofError:
        return None
    return right


# --- a missing term --------------------------------------------------------------------------------------------


def _missing(claim: Claim, is_good: IsGood) -> Iterator[str]:
    """With a loss that sees every step, the direct contribution of the step itself."""
    row = isinstance(claim.left, sp.Transpose)
    subject = claim.left.args[0] if row else claim.left
    node = _gradient_node(subject, claim.model)
    if node is None or not isinstance(node.by, Member):
        return
    for step, direct in _direct_terms(node, claim.model):
        local = _local_term(step, direct, row)
        completed = replace(claim, right=matadd(claim.right, local))
        if is_good(completed):
            yield f"the term {show(local)} is missing: {node.what} depends on that step directly too"
            return


def _local_term(step: Any, direct: Any, row: bool) -> Any:
    """e_kᵀ ∂s_k/∂y_k as a row, (∂s_k/∂y_k)ᵀ e_k as a column; e_k itself where y_k is s_k."""
    if step is None:
        return transpose(direct) if row else direct
    if row:
        return matmul(transpose(direct), step)
    return matmul(step if isinstance(step, Diag) else transpose(step), direct)


def _gradient_node(subject: Any, model: Model) -> Gradient | None:
    """∂E/∂y, written out or by its name δ."""
    node = model.definition(subject) if isinstance(subject, Member) else subject
    return node if isinstance(node, Gradient) and node.mode == "total" else None


def _direct_terms(node: Gradient, model: Model) -> Iterator[tuple[Any, Any]]:
    """(∂s_k/∂y_k, e_k) for every family s that the loss sees at the step of y, e_k = ∂⁺E/∂s_k."""
    loss = model.loss_by_name.get(str(getattr(node.what, "name", "")))
    for name, scope in loss.parts if loss is not None else ():
        equation = model.by_name.get(name)
        if scope != "each" or equation is None:
            continue
        seen = equation.left.at(*node.by.indices)
        direct = Gradient(node.what, seen, "immediate")
        if seen == node.by:
            yield None, direct
            continue
        try:
            step = jacobian(model, seen, node.by).right
        except BackproofError:
            continue
        yield step, direct
