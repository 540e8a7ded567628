"""Why a refuted claim looked right: another convention, a term that is missing, a name that no given defines.

A hint of another formula is itself a claim that was settled: nothing is suggested that the deciders do not accept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import sympy as sp

from derive.derivation import jacobian
from derive.errors import BackproofError
from derive.language.build import matadd
from derive.language.derivatives import DerivativeNode, Jacobian
from derive.language.nodes import Member
from derive.language.show import show
from derive.latex.conventions import OPTIONS
from derive.model import Model
from verify.claim import Claim
from verify.document.interpret import Interpreter
from verify.document.statements import Link, Statement
from verify.mirror import equal_after
from verify.missing import missing_terms

IsGood = Callable[[Claim], bool]


def hints(claim: Claim, statement: Statement, link: Link, interpreter: Interpreter, is_good: IsGood) -> str:
    """What to say of a refuted claim, empty where nothing is known."""
    mirror = equal_after(claim, is_good)
    missing = [mirror] if mirror else list(_missing(claim, is_good))
    return "; ".join(missing or [*_undefined(claim), *_other_conventions(claim, statement, link, interpreter, is_good)])


# --- givens ----------------------------------------------------------------------------------------------------


def _undefined(claim: Claim) -> Iterator[str]:
    """What the line speaks of as if an equation gave it, though none of the givens does."""
    for side in (claim.left, claim.right):
        if isinstance(side, Member) and _is_free(claim.model, side):
            yield f"no given defines {show(side)}: list a line that defines it under given"
            return
    for node in (*sp.preorder_traversal(claim.left), *sp.preorder_traversal(claim.right)):
        if isinstance(node, DerivativeNode) and node.what != node.by and _is_free(claim.model, node.what):
            name = show(node.what)
            yield f"no given defines {name}, so its derivatives are 0: list a line that defines it under given"
            return


def _is_free(model: Model, expr: Any) -> bool:
    """Whether a family's member is an input: neither an equation's nor a loss."""
    return isinstance(expr, Member) and model.equation_of(expr) is None and str(expr.name) not in model.loss_by_name


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
    """The contribution that completes ∂E/∂y, where one does."""
    for term, reason in missing_terms(claim.left, claim.model):
        if is_good(replace(claim, right=matadd(claim.right, term))):
            yield f"the term {show(term)} is missing: {reason}"
            return
