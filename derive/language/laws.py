"""A user's own elementwise function: what it is of known ones, and the rule for its derivative.

Both are formulas of one place, a column whose size stands for any; `at` puts an argument of any shape there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import sympy as sp
from sympy.core.symbol import Str
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct

from derive.errors import RuleError
from derive.language.build import constant, hadamard, matadd, matmul
from derive.language.nodes import Elementwise, Member
from derive.language.shapes import axes, is_coefficient
from derive.language.show import show

OPAQUE = "opaque"
PLACE = sp.MatrixSymbol("z", sp.Symbol("n", integer=True, positive=True), 1)


class Law(Str):
    """The kind of a function that a user defines: `opaque` to whoever does not look at what is known of it.

    `value` is f(z), `slope` the rule given for f'(z); both formulas of PLACE, None where nothing is given. The rule may
    use f(z) itself. Two laws are equal where the name and both formulas are.
    """

    __slots__ = ("function", "slope", "value")

    def __new__(cls, function: str, value: Any = None, slope: Any = None) -> Law:
        found = super().__new__(cls, OPAQUE)
        found.function, found.value, found.slope = function, value, slope
        for formula in (value, slope):
            if formula is not None:
                found.at(formula, PLACE)  # refuses what is not entry by entry
        if value is not None and any(is_own(node, function) for node in sp.preorder_traversal(value)):
            raise RuleError(f"{function} is defined by itself")
        return found

    def _hashable_content(self) -> tuple[Any, ...]:
        return (self.name, self.function, self.value, self.slope)

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (self.function, self.value, self.slope)

    def at(self, formula: Any, argument: Any) -> Any:
        """A formula of PLACE at an argument. Raises RuleError at what does not act entry by entry."""
        if formula == PLACE:
            return argument
        if isinstance(formula, sp.OneMatrix | sp.ZeroMatrix) and formula.shape == PLACE.shape:
            return constant(type(formula), *axes(argument).plain)
        if isinstance(formula, sp.MatAdd):
            return matadd(*(self.at(term, argument) for term in formula.args))
        if isinstance(formula, HadamardProduct):
            return hadamard(*(self.at(factor, argument) for factor in formula.args))
        if isinstance(formula, HadamardPower):
            return sp.Basic.__new__(HadamardPower, self.at(formula.args[0], argument), formula.args[1])
        if isinstance(formula, Elementwise):
            kind = self if is_own(formula, self.function) else formula.args[1]
            return Elementwise(formula.args[0], kind, formula.order, self.at(formula.argument, argument))
        numbers, rest = parts_of_product(formula)
        if len(rest) == 1:
            return matmul(*numbers, self.at(rest[0], argument))
        raise RuleError(f"{self.function}: {show(formula)} {_why(formula)}")


def _why(formula: Any) -> str:
    if isinstance(formula, Member | sp.MatrixSymbol):
        return "is not the function's argument; a function of more than one thing is declared with derive.function"
    return "does not act entry by entry; sums, ⊙, powers, numbers and elementwise functions do"


def parts_of_product(formula: Any) -> tuple[list[Any], list[Any]]:
    """The numbers and the matrices of c A B …; no matrices for what is no product."""
    if not isinstance(formula, sp.MatMul):
        return [], []
    return [a for a in formula.args if is_coefficient(a)], [a for a in formula.args if not is_coefficient(a)]


def is_own(node: Any, function: str) -> bool:
    """Whether a node applies the function of this name."""
    return isinstance(node, Elementwise) and node.name == function and node.kind == OPAQUE


def laws_in(formulas: Iterable[Any]) -> list[Law]:
    """The laws of all functions that formulas apply, by the functions' names."""
    found = {law_of(node) for formula in formulas for node in sp.preorder_traversal(formula)}
    return sorted((one for one in found if one is not None), key=lambda one: one.function)


def law_of(node: Any) -> Law | None:
    """What is known of the function that a node applies, None for any that no user defined."""
    return node.args[1] if isinstance(node, Elementwise) and isinstance(node.args[1], Law) else None


def law(function: str, value: Callable[[Any], Any] | None, derivative: Callable[[Any, Any], Any] | None) -> Law | None:
    """The law of `value(z)` and `derivative(f(z), z)`, None where neither is given. Raises RuleError."""
    if value is None and derivative is None:
        return None
    applied = Elementwise(function, OPAQUE, 0, PLACE)
    made = None if value is None else value(PLACE)
    return Law(function, made, None if derivative is None else derivative(applied, PLACE))
