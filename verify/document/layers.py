"""Sizes that differ from layer to layer, n_l: checked strictly when a formula is read, then one size for all.

Theorem. Let a claim be well-typed with sizes n_l, and let no axis of such a size be summed over freely: every summed
label of its contraction networks stands in a factor. Then the claim holds for all sizes n_l if and only if it holds
with one size n for all layers. Proof: networks with typed labels and the same networks without types have the same
isomorphisms, for a label stands in a factor or an open slot, whose place fixes its type; so the coefficients that
must vanish (docs/trust.md, small-model lemma) are the same. A free sum would give a
number, n_l, that depends on the type.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from derive.errors import NotationError
from derive.language import nodes
from derive.language.convolution import Convolution, Flip
from derive.language.derivatives import Gradient
from derive.model import Equation, Model
from verify.claim import Claim


def has_layer_sizes(claim: Claim) -> bool:
    """Whether a size of the claim or its model depends on an index."""
    return any(formula.atoms(AppliedUndef) for formula in _formulas(claim))


def with_one_size(claim: Claim) -> Claim:
    """The claim with one size for every family of sizes. Raises `NotationError` where the theorem does not apply."""
    formulas = _formulas(claim)
    sizes = sorted({size for formula in formulas for size in formula.atoms(AppliedUndef)}, key=str)
    for formula in formulas:
        counted = next((node for node in sp.preorder_traversal(formula) if _counts(node)), None)
        if counted is not None:
            raise NotationError(
                "a size that differs from layer to layer may not be counted (a trace, a sum of ones, a number n_l, "
                "a convolution); declare one size for all layers",
                0,
                1,
            )
    one = {size: sp.Symbol(f"{size.func}_l", integer=True, positive=True) for size in sizes}
    model = replace_model(claim.model, one)
    left, right = claim.left.xreplace(one), claim.right.xreplace(one)
    assumptions = tuple(replace(a, subject=a.subject.xreplace(one)) for a in claim.assumptions)
    return replace(claim, left=left, right=right, model=model, assumptions=assumptions)


def replace_model(model: Model, values: dict[Any, Any]) -> Model:
    """The model with values put for symbols and formulas."""
    equations = tuple(_replaced(equation, values) for equation in model.equations)
    return Model(equations, model.losses, model.time)


def _replaced(equation: Equation, values: dict[Any, Any]) -> Equation:
    return replace(equation, left=equation.left.xreplace(values), right=equation.right.xreplace(values))


def _formulas(claim: Claim) -> list[Any]:
    sides = [side for equation in claim.model.equations for side in (equation.left, equation.right)]
    return [claim.left, claim.right, *sides]


def _counts(node: Any) -> bool:
    """Whether a node may give a number that depends on such a size."""
    if isinstance(node, nodes.Tr | sp.OneMatrix | Convolution | Flip) and node.atoms(AppliedUndef):
        return True
    if isinstance(node, sp.MatMul):
        return any(factor.atoms(AppliedUndef) for factor in node.args if not getattr(factor, "is_Matrix", False))
    return isinstance(node, nodes.ComponentSum) and node.atoms(AppliedUndef) != set() and not _is_held(node)


def _is_held(node: nodes.ComponentSum) -> bool:
    """Whether the summed letter selects an entry of a tensor or of an unknown loss's gradient."""
    for part in sp.preorder_traversal(node.body):
        if isinstance(part, nodes.Component) and node.letter in (part.row, part.col):
            core = part.matrix
            if isinstance(core, sp.MatrixSymbol | nodes.Member):
                return True
            if isinstance(core, Gradient) and isinstance(core.what, sp.MatrixSymbol):
                return True
    return False
