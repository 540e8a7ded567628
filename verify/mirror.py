"""A gate has two conventions, z and 1 - z: what is written in one is a claim in the other after z → 1 - z.

Theorem. Let z_t = σ(a_t), where a_t changes its sign with the parameters P that no other equation reads. Then
σ(-a) = 1 - σ(a), so the model with 1 - z in place of z is this model at -P. A formula holds in the one for all values
of the parameters exactly if it holds in the other after z → 1 - z, a → -a, P → -P, ∂/∂z → -∂/∂z, ∂/∂a → -∂/∂a and
∂/∂P → -∂/∂P.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardProduct

from derive.language import nodes
from derive.language.build import constant, matadd, matmul, negate
from derive.language.derivatives import DerivativeNode
from derive.language.nodes import Elementwise, Member, Vec
from derive.language.shapes import axes
from derive.language.show import show_name
from derive.model import Model
from verify.claim import Claim, names_in


@dataclass(frozen=True)
class Gate:
    """A family z = σ(a) and the names that change their sign with a: a itself, parameters, names of derivatives.

    `mixed` are names of derivatives that neither stay as they are nor change their sign.
    """

    name: str
    turned: frozenset[str]
    mixed: frozenset[str] = frozenset()


def equal_after(claim: Claim, is_good: Callable[[Claim], bool]) -> str:
    """`equal after z → 1 - z` for the first gate for which the claim holds in the other convention, else nothing."""
    for gate in gates(claim.model):
        other = mirrored(claim, gate)
        if other is not None and is_good(other):
            name = show_name(gate.name)
            return f"equal after {name} → 1 - {name}: it holds where {name} and 1 - {name} change places in the model"
    return ""


def mirrored(claim: Claim, gate: Gate) -> Claim | None:
    """The claim in the other convention of a gate; None where it is the same or has no mirror."""
    named, touched = names_in(claim.left) | names_in(claim.right), {gate.name, *gate.turned}
    is_assumed = any(names_in(a.subject) & touched and a.kind not in _EVEN for a in claim.assumptions)
    if not named & touched or named & gate.mixed or is_assumed:
        return None
    try:
        return replace(claim, left=_mirror(claim.left, gate), right=_mirror(claim.right, gate))
    except _NoMirror:
        return None


def gates(model: Model) -> Iterator[Gate]:
    """The families z = σ(a) of a model for which the theorem holds."""
    for equation in model.equations:
        right = equation.right
        if not isinstance(right, Elementwise) or right.kind != "sigmoid" or right.order != 0:
            continue
        inner = model.equation_of(right.argument)
        own = {equation.name} | ({inner.name} if inner is not None else set())
        others = set().union(*(names_in(e.right) for e in model.forward if e.name not in own))
        if inner is not None and inner.name in others:
            continue
        formula = right.argument if inner is None else inner.right
        parameters = {name for name in _parameters(formula, model) if name not in others}
        gate = Gate(equation.name, frozenset(parameters | (own - {equation.name})))
        if parameters and _sign(formula, gate) == -1:
            yield _with_names(gate, model)


def _parameters(formula: Any, model: Model) -> set[str]:
    symbols = (node for node in sp.preorder_traversal(formula) if isinstance(node, sp.MatrixSymbol))
    return {str(node.name) for node in symbols if model.equation_of(node) is None}


_EVEN = ("symmetric", "diagonal", "zero", "invertible", "nonzero", "orthogonal")  # hold for -A where they do for A


def _with_names(gate: Gate, model: Model) -> Gate:
    """Names for derivatives by what turns (δ_t = ∂E/∂a_t) turn too, and names of these."""
    definitions, found = [e for e in model.equations if model.is_definition(e)], gate
    for _ in definitions:  # each round is right about one more of a chain of names
        signs = {e.name: _sign(e.right, found) for e in definitions}
        turned = {name for name, sign in signs.items() if sign == -1}
        mixed = {name for name, sign in signs.items() if sign is None}
        found = Gate(gate.name, gate.turned | turned, frozenset(mixed))
    return found


# --- signs -------------------------------------------------------------------------------------------------------


def _sign(expr: Any, gate: Gate) -> int | None:
    """1 where a formula stays as it is, -1 where it changes its sign, None where it does neither."""
    if isinstance(expr, Member | sp.MatrixSymbol):
        name = str(expr.name)
        return None if name == gate.name or name in gate.mixed else -1 if name in gate.turned else 1
    if isinstance(expr, DerivativeNode):
        return _sign_of_derivative(expr, gate)
    if isinstance(expr, Elementwise):
        inside = _sign(expr.argument, gate)
        is_even = expr.kind == "sigmoid" and expr.order == 1  # σ'(-a) = σ'(a)
        return 1 if inside == 1 or (inside == -1 and is_even) else None
    signs = [_sign(arg, gate) for arg in expr.args if getattr(arg, "is_Matrix", False)]
    if None in signs:
        return None
    if isinstance(expr, sp.MatAdd):
        return signs[0] if len(set(signs)) == 1 else None
    if all(sign == 1 for sign in signs):
        return 1
    is_linear = isinstance(expr, _LINEAR)
    return prod(sign for sign in signs if sign is not None) if is_linear else None


_LINEAR = (
    sp.MatMul, sp.Transpose, HadamardProduct, nodes.Kronecker, nodes.Scale, nodes.Diag, nodes.Vec, nodes.Tr,
    nodes.TimeSum, nodes.Component,
)  # fmt: skip


def _sign_of_derivative(node: Any, gate: Gate) -> int | None:
    """∂y/∂x changes its sign as often as y and x do; ∂(1 - z) = -∂z."""
    signs = []
    for side in (node.what, node.by):
        core = side.matrix if isinstance(side, Vec) else side
        signs.append(-1 if str(getattr(core, "name", "")) == gate.name else _sign(core, gate))
    return None if None in signs else prod(sign for sign in signs if sign is not None)


# --- the mirror --------------------------------------------------------------------------------------------------


class _NoMirror(Exception):
    """A formula in which the substitution has no form."""


def _mirror(expr: Any, gate: Gate) -> Any:
    """z → 1 - z, and a → -a for what changes its sign."""
    if not getattr(expr, "is_Matrix", False):
        return expr
    sign = _sign(expr, gate)
    if sign is not None:
        return expr if sign == 1 else negate(expr)
    if isinstance(expr, Member | sp.MatrixSymbol):
        return _one_minus(expr)
    if isinstance(expr, DerivativeNode):
        raise _NoMirror
    if isinstance(expr, Elementwise) and expr.kind == "sigmoid" and _sign(expr.argument, gate) == -1:
        if expr.order > 1:
            raise _NoMirror
        return _one_minus(expr)  # σ(-a) = 1 - σ(a)
    args = tuple(_mirror(arg, gate) for arg in expr.args)
    if isinstance(expr, sp.MatMul):
        return matmul(*args)
    if isinstance(expr, sp.MatAdd):
        return matadd(*args)
    return sp.Basic.__new__(type(expr), *args) if type(expr).__module__.startswith("sympy") else expr.func(*args)


def _one_minus(expr: Any) -> Any:
    shape = axes(expr)
    return matadd(constant(sp.OneMatrix, shape.rows, shape.cols), negate(expr))
