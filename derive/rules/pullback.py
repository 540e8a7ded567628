"""Gradients: one rule a node pulls the gradient by a result back to the gradients by its operands.

With c = ∂E/∂Y in Y's shape, a rule returns (operand, ∂E/∂operand through Y) for each operand, in its shape.
"""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct

from derive.errors import RuleError
from derive.language import nodes
from derive.language.build import diag, hadamard, matadd, matmul, transpose
from derive.language.convolution import Convolution, Flip
from derive.language.derivatives import Gradient, Jacobian
from derive.language.nodes import Diag, Elementwise, Scale, Tr
from derive.language.shapes import axes, is_coefficient
from derive.language.show import show
from derive.model import leaves
from derive.rules import convolution
from derive.rules.constants import identity_like
from derive.rules.elementwise import prime
from derive.rules.rewriting import Rule, check_axes_kept, missing
from derive.rules.softmax import softmax_jacobian

Pulled = list[tuple[Any, Any]]


def pull_sum(node: Any, c: Any) -> Pulled:
    """Y = A + B: ∂E/∂A = ∂E/∂B = ∂E/∂Y."""
    return [(term, c) for term in node.args]


def pull_product(node: Any, c: Any) -> Pulled:
    """Y = A X B: ∂E/∂X = Aᵀ (∂E/∂Y) Bᵀ."""
    numbers = [factor for factor in node.args if is_coefficient(factor)]
    factors = [factor for factor in node.args if not is_coefficient(factor)]
    return [(factor, matmul(*numbers, *_surrounded(factors, place, c))) for place, factor in enumerate(factors)]


def _surrounded(factors: list[Any], place: int, c: Any) -> list[Any]:
    before = [transpose(factor) for factor in reversed(factors[:place])]
    after = [transpose(factor) for factor in reversed(factors[place + 1 :])]
    return [*before, c, *after]


def pull_transpose(node: Any, c: Any) -> Pulled:
    """Y = Aᵀ: ∂E/∂A = (∂E/∂Y)ᵀ."""
    return [(node.args[0], transpose(c))]


def pull_hadamard(node: Any, c: Any) -> Pulled:
    """Y = A ⊙ B: ∂E/∂A = B ⊙ ∂E/∂Y."""
    return [
        (factor, hadamard(*node.args[:place], *node.args[place + 1 :], c)) for place, factor in enumerate(node.args)
    ]


def pull_hadamard_power(node: Any, c: Any) -> Pulled:
    """Y = A^∘k: ∂E/∂A = k A^∘(k-1) ⊙ ∂E/∂Y."""
    base, exponent = node.args
    lower = base if exponent == 2 else sp.Basic.__new__(HadamardPower, base, exponent - 1)
    return [(base, matmul(exponent, hadamard(lower, c)))]


def pull_elementwise(node: Elementwise, c: Any) -> Pulled:
    """Y = f(V): ∂E/∂V = f'(V) ⊙ ∂E/∂Y, for a column diag f'(v) ∂E/∂y."""
    if axes(node).cols == () and axes(node).rows != () and node.kind != "log":
        return [(node.argument, matmul(diag(prime(node)), c))]
    return [(node.argument, hadamard(prime(node), c))]


def pull_softmax(node: Any, c: Any) -> Pulled:
    """p = softmax(z): ∂E/∂z = (diag p - p pᵀ) ∂E/∂p."""
    if axes(node).cols != ():
        raise RuleError(f"softmax of the row {show(node.argument)} has no rule; write it of a column")
    return [(node.argument, matmul(softmax_jacobian(node), c))]


def pull_application(node: nodes.Application, c: Any) -> Pulled:
    """y = F(a, b, …): ∂E/∂a = (∂_1F)ᵀ ∂E/∂y, ∂E/∂b = (∂_2F)ᵀ ∂E/∂y."""
    found: Pulled = []
    for number, argument in enumerate(node.arguments, start=1):
        shape = axes(argument)
        slot = nodes.Slot(number, shape.rows, shape.cols)
        if axes(node).is_scalar:
            found.append((argument, Scale(c, Gradient(node, slot))))
        elif axes(node).cols == () and shape.cols == ():
            found.append((argument, matmul(transpose(Jacobian(node, slot)), c)))
        else:
            found.append((argument, None))
    return found


def pull_diag(node: Diag, c: Any) -> Pulled:
    """diag(v) has its gradient on the diagonal, for which the language has no name."""
    raise RuleError(f"no rule for the gradient through {show(node)}: write diag(v) u as v ⊙ u")


def pull_scale(node: Scale, c: Any) -> Pulled:
    """Y = a X: ∂E/∂X = a ∂E/∂Y, ∂E/∂a = tr(Xᵀ ∂E/∂Y)."""
    product = matmul(transpose(node.matrix), c)
    return [(node.matrix, Scale(node.scalar, c)), (node.scalar, product if axes(product).is_scalar else Tr(product))]


def pull_trace(node: Tr, c: Any) -> Pulled:
    """y = tr A: ∂E/∂A = (∂E/∂y) I."""
    return [(node.args[0], Scale(c, identity_like(node.args[0])))]


RULES: dict[type, Rule] = {
    sp.MatAdd: pull_sum,
    sp.MatMul: pull_product,
    sp.Transpose: pull_transpose,
    HadamardProduct: pull_hadamard,
    HadamardPower: pull_hadamard_power,
    nodes.Elementwise: pull_elementwise,
    nodes.Application: pull_application,
    nodes.Softmax: pull_softmax,
    nodes.Diag: pull_diag,
    nodes.Scale: pull_scale,
    nodes.Tr: pull_trace,
    Flip: convolution.pull_flip,
}


def rule_for(expr: Any) -> Rule | None:
    """The rule for a node; a kernel slides in four ways, each with a rule of its own."""
    return convolution.PULLS[expr.kind] if isinstance(expr, Convolution) else RULES.get(type(expr))


def pulled(expr: Any, target: Any, c: Any, used: list[Rule]) -> list[Any]:
    """The gradient by `target`, one term for each place where `expr` writes it; the rules are added to `used`."""
    if expr == target:
        return [c]
    if target not in leaves(expr) or not expr.args:
        return []
    rule = rule_for(expr)
    if rule is None:
        raise missing("gradient through", expr)
    if rule not in used:
        used.append(rule)
    terms: list[Any] = []
    for operand, inner in rule(expr, c):
        if target in leaves(operand):
            if inner is None:
                raise RuleError(
                    f"no rule for the gradient by {show(operand)} through {show(expr)}: one of them is a matrix"
                )
            check_axes_kept(rule.__name__, operand, inner)
            terms.extend(pulled(operand, target, inner, used))
    return terms


def pullback(expr: Any, target: Any, c: Any, used: list[Rule]) -> Any | None:
    """The sum of these terms, None where `expr` does not write the target."""
    terms = pulled(expr, target, c, used)
    return matadd(*terms) if terms else None
