"""The derivative of a formula that acts entry by entry, and with it of a user's own elementwise function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct

from derive.errors import RuleError
from derive.language.build import constant, hadamard, is_zero, matadd, matmul
from derive.language.functions import OPAQUE
from derive.language.laws import PLACE, Law, law_of, parts_of_product
from derive.language.nodes import Elementwise
from derive.language.shapes import axes
from derive.language.show import show
from derive.rules.elementwise import WRITTEN_OUT, derivative_rule, prime


def own_rule(node: Any) -> Any:
    """f'(z) = what the rule for a function of one's own says."""
    found = law_of(node)
    if found is None or node.order != 1:
        return None
    return found.at(slope_of(found), node.argument)


def slope_of(law: Law, order: int = 1) -> Any:
    """f⁽ᵏ⁾ as a formula of PLACE: the rule given, or by default the derivative of the value; then its derivatives."""
    if order > 1:
        return entrywise_derivative(slope_of(law, order - 1))
    if law.slope is not None:
        return law.slope
    if law.value is None:
        raise RuleError(f"nothing says what {law.function}' is; give a value or a derivative")
    return entrywise_derivative(law.value)


def entrywise_derivative(formula: Any) -> Any:
    """d/dz of a formula of z that acts entry by entry, in z's shape. Raises RuleError where no rule is known."""
    rule = next((rule for kind, rule in RULES.items() if isinstance(formula, kind)), None)
    if rule is None:
        raise _missing(formula)
    return rule(formula)


def _missing(formula: Any) -> RuleError:
    return RuleError(f"no rule says what the derivative of {show(formula)} is entry by entry")


def of_place(formula: Any) -> Any:
    """dz/dz = 1."""
    if formula != PLACE:
        raise _missing(formula)
    return constant(sp.OneMatrix, *axes(formula).plain)


def of_constant(formula: Any) -> Any:
    """dc/dz = 0."""
    return constant(sp.ZeroMatrix, *axes(formula).plain)


def of_sum(formula: Any) -> Any:
    """(f + g)' = f' + g'."""
    terms = [term for term in map(entrywise_derivative, formula.args) if not is_zero(term)]
    return matadd(*terms) if terms else of_constant(formula)


def of_multiple(formula: Any) -> Any:
    """(c f)' = c f'."""
    numbers, rest = parts_of_product(formula)
    if len(rest) != 1:
        raise _missing(formula)
    slope = entrywise_derivative(rest[0])
    return slope if is_zero(slope) else matmul(*numbers, slope)


def of_hadamard(formula: Any) -> Any:
    """(f ⊙ g)' = f' ⊙ g + f ⊙ g'."""
    terms = []
    for place, factor in enumerate(formula.args):
        slope = entrywise_derivative(factor)
        if not is_zero(slope):
            rest = (*formula.args[:place], *formula.args[place + 1 :])
            terms.append(hadamard(*(() if isinstance(slope, sp.OneMatrix) else (slope,)), *rest))
    return matadd(*terms) if terms else of_constant(formula)


def of_power(formula: Any) -> Any:
    """(fᵏ)' = k fᵏ⁻¹ ⊙ f'."""
    base, exponent = formula.args
    return _times(matmul(exponent, _power(base, exponent - 1)), entrywise_derivative(base))


def of_function(formula: Any) -> Any:
    """g(f)' = g'(f) ⊙ f'."""
    outer = prime(formula)
    if formula.order == 0 and formula.kind != OPAQUE and (formula.kind in WRITTEN_OUT or formula.kind in VALUED):
        outer = derivative_rule(formula.kind)(formula, formula.argument)
    return _times(outer, entrywise_derivative(formula.argument))


def _times(outer: Any, inner: Any) -> Any:
    if is_zero(inner):
        return inner
    return outer if isinstance(inner, sp.OneMatrix) else hadamard(outer, inner)


def _power(base: Any, exponent: Any) -> Any:
    if exponent == 0:
        return constant(sp.OneMatrix, *axes(base).plain)
    return base if exponent == 1 else sp.Basic.__new__(HadamardPower, base, exponent)


VALUED = frozenset({"tanh", "sigmoid", "softplus"})  # whose slopes the functions themselves give
RULES: dict[Any, Callable[[Any], Any]] = {
    sp.MatrixSymbol: of_place,
    sp.OneMatrix: of_constant,
    sp.ZeroMatrix: of_constant,
    sp.MatAdd: of_sum,
    sp.MatMul: of_multiple,
    HadamardProduct: of_hadamard,
    HadamardPower: of_power,
    Elementwise: of_function,
}
