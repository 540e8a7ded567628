"""Jacobians by the forward chain: one rule a node, each turns ∂(operation)/∂x into operations on derivatives.

A rule takes the setting and the derivative node; `node.what` is the operation (or the vec of one). The families of
`FamilyDerivative` follow the same chain, one member an entry of the variable.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct

from derive.errors import RuleError
from derive.language import nodes
from derive.language.build import diag, hadamard, matadd, matmul, transpose, vec
from derive.language.derivatives import BlockJacobian, FamilyDerivative, Jacobian
from derive.language.nodes import Member, Scale, TimeSum, Vec
from derive.language.shapes import axes, is_coefficient
from derive.language.show import show
from derive.model import Model, members
from derive.rules import kronecker
from derive.rules.constants import identity_like, zero_like
from derive.rules.dependence import Dependence
from derive.rules.elementwise import prime, slope
from derive.rules.rewriting import Rule, missing
from derive.rules.softmax import softmax_jacobian


@dataclass
class Setting:
    """One derivation by one variable: the model, what depends on the variable, and which members were unfolded."""

    model: Model
    by: Any
    mode: str
    dependence: Dependence
    unfold_once: bool  # by a parameter the recurrence stops at the first member of a family met before
    unfolded: dict[str, Any] = field(default_factory=dict)
    within: Any = None  # where given, the only step whose members are unfolded
    kept: frozenset[str] = frozenset()  # families that stay as they are at that step too
    followed: list[Any] = field(default_factory=list)  # the members whose equations were put in their places

    @property
    def variable(self) -> Any:
        """What is differentiated by, without vec."""
        return self.by.matrix if isinstance(self.by, Vec) else self.by

    @property
    def order(self) -> str:
        """The vec order in force."""
        return self.by.order if isinstance(self.by, Vec) else "column"

    def of(self, kind: type, what: Any) -> Any:
        """∂what/∂x as a node of the same kind, of vec for a matrix in a Jacobian; of no member it is total."""
        what = kronecker.flat(what, self.order) if kind is Jacobian else what
        return kind(what, self.by, self.mode if members(what) else "total")

    def depends(self, expr: Any) -> bool:
        """Whether a formula depends on the variable."""
        return self.dependence.of(expr)

    def may_unfold(self, leaf: Any) -> bool:
        """Whether a member's equation is put in its place; a recurrence stops where its family comes again."""
        if self.model.equation_of(leaf) is None:
            return False
        if isinstance(self.variable, Member) and self.variable.indices:
            return isinstance(leaf, Member) and not (leaf.time - self.variable.time).free_symbols
        if self.within is not None:
            is_there = not (isinstance(leaf, Member) and leaf.indices) or leaf.time == self.within
            return is_there and str(leaf.name) not in self.kept
        return self.unfolded.get(str(leaf.name), leaf) == leaf


def d_self(setting: Setting, node: Any) -> Any:
    """∂x/∂x = I."""
    return sp.Identity(node.shape[0])


def d_vec_self(setting: Setting, node: Any) -> Any:
    """∂vec X/∂vec X = I ⊗ I."""
    return kronecker.vec_self(node.by)


def d_vec_reordered(setting: Setting, node: Any) -> Any:
    """vec Xᵀ = K vec X: the two vec orders differ by a commutation."""
    return kronecker.vec_reordered(node.what, node.by)


def d_block_self(setting: Setting, node: Any) -> Any:
    """[∂X/∂x_ij] = vec(I) vec(I)ᵀ, the blocks E_ij side by side."""
    return kronecker.block_self(node)


def d_constant(setting: Setting, node: Any) -> Any:
    """∂A/∂x = 0 where A does not depend on x."""
    if isinstance(node, FamilyDerivative):
        raise RuleError(f"{show(node)} is a family of zeros: the language has no name for it")
    return zero_like(node)


def d_definition(setting: Setting, node: Any) -> Any:
    """A name stands for its equation: ∂y/∂x = ∂(right side)/∂x."""
    leaf = _core(node.what)
    setting.unfolded[str(leaf.name)] = leaf
    setting.followed.append(leaf)
    return type(node)(_like(node.what, setting.model.definition(leaf)), node.by, node.mode)


def d_sum(setting: Setting, node: Any) -> Any:
    """d(A + B) = dA + dB, and d of a constant is 0."""
    terms = [setting.of(type(node), term) for term in _core(node.what).args if setting.depends(term)]
    return matadd(*terms)


def d_product(setting: Setting, node: Any) -> Any:
    """d(A X B) = A dX B, one term for each factor that varies."""
    numbers, factors = _factors(_core(node.what))
    terms = [
        matmul(*numbers, *_sandwiched(setting, type(node), factors, place))
        for place, factor in enumerate(factors)
        if setting.depends(factor)
    ]
    return matadd(*terms)


def d_vec_product(setting: Setting, node: Any) -> Any:
    """d vec(A X B) = (Bᵀ ⊗ A) d vec X by columns, (A ⊗ Bᵀ) d vec X by rows."""
    return d_product(setting, node)


def d_transpose(setting: Setting, node: Any) -> Any:
    """d(Aᵀ) = (dA)ᵀ; d vec(Aᵀ) = K d vec A."""
    inner = _core(node.what).args[0]
    if not isinstance(node, Jacobian):
        return transpose(setting.of(type(node), inner))
    if axes(inner).is_vector:
        return setting.of(Jacobian, inner)
    return matmul(kronecker.vec_transposed(inner, setting.order), setting.of(Jacobian, inner))


def d_elementwise(setting: Setting, node: Any) -> Any:
    """d f(v) = diag f'(v) dv."""
    applied = _core(node.what)
    inner = setting.of(type(node), applied.argument)
    if axes(applied).is_vector:
        return matmul(slope(applied), inner)
    if isinstance(node, Jacobian):
        return matmul(diag(vec(prime(applied), setting.order)), inner)
    return hadamard(prime(applied), inner)


def d_application(setting: Setting, node: Any) -> Any:
    """dF(a, b, …) = ∂_1F da + ∂_2F db + …, ∂_kF the derivative by the k-th slot."""
    applied = _core(node.what)
    terms = []
    for number, argument in enumerate(applied.arguments, start=1):
        if setting.depends(argument):
            terms.append(matmul(by_slot(setting, node, applied, number), setting.of(type(node), argument)))
    return matadd(*terms)


def by_slot(setting: Setting, node: Any, applied: nodes.Application, number: int) -> Jacobian:
    """∂_kF as a matrix, of and by vecs where they are matrices."""
    shape = axes(applied.arguments[number - 1])
    slot = nodes.Slot(number, shape.rows, shape.cols)
    columns = shape.cols == () and axes(applied).cols == ()
    if not columns and not isinstance(node, Jacobian):
        raise RuleError(f"no rule for the family of derivatives of {show(applied)}, which is of or by a matrix")
    return Jacobian(kronecker.flat(applied, setting.order), kronecker.flat(slot, setting.order))


def d_hadamard(setting: Setting, node: Any) -> Any:
    """d(A ⊙ B) = dA ⊙ B + A ⊙ dB; for vectors diag(b) da + diag(a) db."""
    factors = _core(node.what).args
    terms = []
    for place, factor in enumerate(factors):
        if setting.depends(factor):
            others = hadamard(*factors[:place], *factors[place + 1 :])
            terms.append(_weighted(setting, node, others, factor))
    return matadd(*terms)


def d_hadamard_power(setting: Setting, node: Any) -> Any:
    """d(A^∘k) = k A^∘(k-1) ⊙ dA."""
    base, exponent = _core(node.what).args
    lower = base if exponent == 2 else sp.Basic.__new__(HadamardPower, base, exponent - 1)
    return matmul(exponent, _weighted(setting, node, lower, base))


def d_softmax(setting: Setting, node: Any) -> Any:
    """d softmax(z) = (diag p - p pᵀ) dz, p = softmax(z)."""
    value = _core(node.what)
    return matmul(softmax_jacobian(value), setting.of(type(node), value.argument))


def d_scale(setting: Setting, node: Any) -> Any:
    """d(c A) = c dA + A dc."""
    scaled = _core(node.what)
    terms = []
    if setting.depends(scaled.matrix):
        terms.append(Scale(scaled.scalar, setting.of(type(node), scaled.matrix)))
    if setting.depends(scaled.scalar):
        inner = setting.of(type(node), scaled.scalar)
        is_flat = isinstance(node, Jacobian)
        terms.append(
            matmul(_column(kronecker.flat(scaled.matrix, setting.order)), inner)
            if is_flat
            else Scale(inner, scaled.matrix)
        )
    return matadd(*terms)


def d_trace(setting: Setting, node: Any) -> Any:
    """d tr(A) = tr(dA) = vec(I)ᵀ d vec A."""
    inner = _core(node.what).args[0]
    if not isinstance(node, Jacobian):
        return nodes.Tr(setting.of(type(node), inner))
    return matmul(transpose(vec(identity_like(inner), setting.order)), setting.of(Jacobian, inner))


def d_time_sum(setting: Setting, node: Any) -> Any:
    """d Σ A_k = Σ dA_k."""
    total = _core(node.what)
    return TimeSum(setting.of(type(node), total.body), total.index, total.lo, total.hi)


RULES: dict[type, Rule] = {
    sp.MatAdd: d_sum,
    sp.MatMul: d_product,
    sp.Transpose: d_transpose,
    HadamardProduct: d_hadamard,
    HadamardPower: d_hadamard_power,
    nodes.Elementwise: d_elementwise,
    nodes.Application: d_application,
    nodes.Softmax: d_softmax,
    nodes.Scale: d_scale,
    nodes.Tr: d_trace,
    nodes.TimeSum: d_time_sum,
}


def rule_for(setting: Setting, node: Any) -> Rule | None:
    """The rule for a derivative node; None where it stays as it is. Raises RuleError where a rule is missing."""
    what = _core(node.what)
    if what == setting.variable and type(node.what) is type(node.by):
        return _self_rule(node)
    if not setting.depends(what):
        return d_constant
    if isinstance(what, Member | sp.MatrixSymbol):
        return d_definition if setting.may_unfold(what) else None
    rule = RULES.get(type(what))
    if rule is None:
        raise missing("derivative of", what)
    return d_vec_product if rule is d_product and isinstance(setting.by, Vec) and isinstance(node, Jacobian) else rule


def _self_rule(node: Any) -> Rule | None:
    if isinstance(node, FamilyDerivative):
        return None
    if isinstance(node, BlockJacobian):
        return d_block_self
    if not isinstance(node.by, Vec):
        return d_self
    return d_vec_self if node.what.order == node.by.order else d_vec_reordered


def _core(what: Any) -> Any:
    return what.matrix if isinstance(what, Vec) else what


def _like(old: Any, new: Any) -> Any:
    return Vec(new, old.order) if isinstance(old, Vec) else new


def _column(vector: Any) -> Any:
    return transpose(vector) if axes(vector).rows == () else vector


def _factors(product: Any) -> tuple[list[Any], list[Any]]:
    numbers = [factor for factor in product.args if is_coefficient(factor)]
    return numbers, [factor for factor in product.args if not is_coefficient(factor)]


def _sandwiched(setting: Setting, kind: type, factors: list[Any], place: int) -> list[Any]:
    """A dX B as factors of a product, or the vec of it."""
    before, middle, after = factors[:place], factors[place], factors[place + 1 :]
    left = matmul(*before) if before else None
    right = matmul(*after) if after else None
    inner = setting.of(kind, middle)
    if kind is FamilyDerivative:
        return [*before, inner, *after]
    if kind is BlockJacobian:
        return [kronecker.block_sandwich(left, inner, right, setting.by)]
    if isinstance(middle, nodes.Diag) and right is not None and axes(right).cols == ():
        return [*before, diag(right), setting.of(kind, middle.vector)]
    outer = kronecker.sandwich(left, middle, right, setting.order)
    return [inner] if outer is None else [outer, inner]


def _weighted(setting: Setting, node: Any, weight: Any, factor: Any) -> Any:
    """The differential of A ⊙ X in X."""
    inner = setting.of(type(node), factor)
    if isinstance(node, Jacobian) or axes(factor).is_vector:
        return matmul(diag(kronecker.flat(weight, setting.order)), inner)
    return hadamard(weight, inner)
