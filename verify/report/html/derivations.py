"""Derivations as they are shown: the formula, then each step with the rule that made it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from derive.derivation import Derivation, block, family, jacobian
from derive.errors import BackproofError
from derive.language.derivatives import BlockJacobian, DerivativeNode, FamilyDerivative, Gradient, Jacobian
from derive.language.nodes import Member
from derive.language.show import show
from derive.latex.conventions import Conventions
from derive.latex.printer import Printer, fitting
from derive.model import Model
from derive.naming import delta_names
from derive.recurrence import delta, gradient
from verify.claim import Claim
from verify.deadline import Overtime, deadline
from verify.judge import RELATION_SIGNS

SECONDS = 5  # of processor time for one derivation, which takes milliseconds: against one that hangs
MANY_STEPS = 40
OPEN = Conventions()
NO_STEPS = "It is the formula itself: no rule is needed."


@dataclass(frozen=True)
class StepView:
    """One step: what the rule says, and the formula after it, as LaTeX."""

    rule: str
    latex: str


@dataclass(frozen=True)
class DerivationView:
    """left = right, the steps from one to the other, and under which conditions and assumptions."""

    name: str
    left: str
    right: str
    steps: tuple[StepView, ...]
    names: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    hidden: int = 0  # steps beyond those shown


def view(derivation: Derivation, declared: Conventions = OPEN) -> DerivationView:
    """A derivation as LaTeX, in the conventions that are declared, else those that `derive` prints.

    Raises `BackproofError`.
    """
    own = _read_as(declared, derivation.left, derivation.right)
    steps = [StepView(one.rule, latex(one.after, own)) for one in derivation.steps[:MANY_STEPS]]
    return DerivationView(
        derivation.name,
        latex(derivation.left, own),
        latex(derivation.right, own),
        tuple(steps),
        tuple(f"{latex(e.left, own)} = {latex(e.right, own)}" for e in derivation.definitions),
        tuple(f"{low} {RELATION_SIGNS[sign]} {high}" for low, sign, high in derivation.conditions)
        + tuple(f"{show(formula)} = {value}" for formula, value in derivation.assumptions),
        len(derivation.steps) - len(steps),
    )


def _read_as(declared: Conventions, *formulas: Any) -> Conventions:
    """Conventions that fit formulas, so that what stands beside a document's own formulas is read as they are."""
    found = fitting(*formulas)
    return replace(found, layout=declared.layout or found.layout, gradient=declared.gradient or found.gradient)


def latex(formula: Any, declared: Conventions = OPEN) -> str:
    """A formula as LaTeX in the conventions that are declared, as text where it has no LaTeX."""
    try:
        return Printer(_read_as(declared, formula)).text(formula)
    except BackproofError:
        return f"\\text{{{show(formula)}}}".replace("_", "\\_")


def derived(claim: Claim, declared: Conventions = OPEN) -> DerivationView | None:
    """How `derive` finds the derivative that a side of a claim is; None where none is, or where it has no rule."""
    for side in (claim.left, claim.right):
        try:
            with deadline(SECONDS):
                for found in _of(side, claim.model):
                    return view(found, declared)
        except (Exception, Overtime):  # whatever stops it costs the reader these lines, and no verdict
            continue
    return None


def _of(side: Any, model: Model) -> Iterator[Derivation]:
    """The derivation of a derivative, of its transpose, of a name for one."""
    turned = isinstance(side, sp.Transpose)
    node = side.args[0] if turned else side
    if isinstance(node, Member) and (named := _defined(node, model)) is not None:
        node = named
    match node:
        case Gradient():
            yield _gradient(node, model)
        case Jacobian():
            yield jacobian(model, node.what, node.by, node.mode, "denominator" if turned else "numerator")
        case BlockJacobian():
            yield block(model, node.what, node.by)
        case FamilyDerivative():
            yield family(model, node.what, node.by, node.mode)


def _defined(member: Member, model: Model) -> DerivativeNode | None:
    """∂E/∂Net_k of the member δ_k, where the model says that it names that."""
    equation = model.equation_of(member)
    if equation is None or not model.is_definition(equation):
        return None
    right = model.definition(member)
    right = right.args[0] if isinstance(right, sp.Transpose) else right
    return right if isinstance(right, DerivativeNode) else None


def _gradient(node: Gradient, model: Model) -> Derivation:
    if node.mode == "immediate" or not isinstance(node.what, Member | sp.MatrixSymbol):
        raise BackproofError("no rule of backpropagation: a direct derivative, or of a loss without a name")
    is_named = isinstance(node.by, Member) and node.by.name in delta_names(model)
    return delta(model, node.by, node.what) if is_named else gradient(model, node.by, node.what)
