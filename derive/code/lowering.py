"""From formulas to values: what a formula of columns computes for every sample, and what a sum over the steps collects.

Products of matrices are read from the right: A B v is A (B v), so no matrix is ever multiplied by a matrix.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct

from derive.code import values
from derive.code.values import Value
from derive.errors import RuleError
from derive.language.build import matmul, transpose
from derive.language.laws import law_of, parts_of_product
from derive.language.nodes import Diag, Elementwise, Member, Scale, Softmax, TimeSum
from derive.language.show import show
from derive.rules.elementwise import derivative_rule

OPEN_FUNCTION = "tanh"  # what a function is about which the model says nothing


@dataclass(frozen=True)
class Outer:
    """Σ over steps and samples of a bᵀ: the gradient of a matrix."""

    left: Value
    right: Value

    @property
    def values(self) -> tuple[Value, ...]:
        """What is summed."""
        return self.left, self.right

    def times(self, factor: Value) -> Outer:
        """c a bᵀ."""
        return Outer(values.times(factor, self.left), self.right)

    def changed(self, change: Callable[[Value], Value]) -> Outer:
        """The same of changed values."""
        return Outer(change(self.left), change(self.right))


@dataclass(frozen=True)
class Collected:
    """Σ over steps and samples of a: the gradient of a column, or a loss."""

    summand: Value

    @property
    def values(self) -> tuple[Value, ...]:
        """What is summed."""
        return (self.summand,)

    def times(self, factor: Value) -> Collected:
        """c a."""
        return Collected(values.times(factor, self.summand))

    def changed(self, change: Callable[[Value], Value]) -> Collected:
        """The same of a changed value."""
        return Collected(change(self.summand))


Reduction = Outer | Collected


class Unsupported(RuleError):
    """A formula that has no form as code over a batch."""


def column(expr: Any, step: Any) -> Value:
    """The value of a column at `step`, the letter (or number) that stands for step t. Raises `Unsupported`."""
    return _Reader(step).column(expr)


@dataclass(frozen=True)
class _Reader:
    """Reads formulas whose step t is written `step`."""

    step: Any

    def column(self, expr: Any) -> Value:
        """A column, or a scalar."""
        if expr.shape[1] != 1:
            raise Unsupported(f"{show(expr)} is no column: generated code computes columns, one for each sample")
        for kind, rule in _COLUMNS.items():
            if isinstance(expr, kind):
                return rule(self, expr)
        raise Unsupported(f"{show(expr)} has no form as code over a batch")

    def member(self, expr: Member) -> Value:
        if not expr.indices:
            return values.Weight(expr.shape[0], expr.name)
        shift = sp.sympify(expr.time - self.step)
        if len(expr.indices) > 1 or not shift.is_Integer:
            raise Unsupported(f"{show(expr)} is not read at a fixed distance from step {self.step}")
        return values.Read(expr.shape[0], expr.name, int(shift))

    def weight(self, expr: Any) -> Value:
        return values.Weight(expr.shape[0], str(expr.name))

    def sum(self, expr: Any) -> Value:
        return values.add(*map(self.column, expr.args))

    def hadamard(self, expr: Any) -> Value:
        return values.times(*map(self.column, expr.args))

    def power(self, expr: Any) -> Value:
        exponent = expr.args[1]
        if not exponent.is_Integer or exponent < 1:
            raise Unsupported(f"{show(expr)}: only whole powers have a form as code")
        return values.times(*[self.column(expr.args[0])] * int(exponent))

    def scale(self, expr: Scale) -> Value:
        return values.times(self.column(expr.scalar), self.column(expr.matrix))

    def ones(self, expr: Any) -> Value:
        return values.number(1, expr.shape[0])

    def zeros(self, expr: Any) -> Value:
        return values.number(0, expr.shape[0])

    def softmax(self, expr: Softmax) -> Value:
        return values.apply("softmax", self.column(expr.argument))

    def elementwise(self, expr: Elementwise) -> Value:
        formula = defined(expr)
        return self._known(expr) if formula is None else self.column(formula)

    def _known(self, expr: Elementwise) -> Value:
        kind = OPEN_FUNCTION if expr.kind == "opaque" else expr.kind
        if expr.order == 0:
            return values.apply(kind, self.column(expr.argument))
        if expr.order == 1 and kind == "relu":
            return values.apply("step", self.column(expr.argument))
        if expr.order > 1:
            raise Unsupported(f"{show(expr)}: code has first derivatives only")
        value = Elementwise(expr.args[0], kind, 0, expr.argument)
        return self.column(derivative_rule(kind)(value, expr.argument))

    def transposed(self, expr: Any) -> Value:
        return self.row(expr.args[0])

    def identity(self, expr: Any) -> Value:
        return values.number(1) if expr.shape == (1, 1) else self._refused(expr)

    def product(self, expr: Any) -> Value:
        """c A B v is c (A (B v))."""
        numbers, factors = parts_of_product(expr)
        found = self.column(factors[-1])
        for factor in reversed(factors[:-1]):
            found = self.on(factor, found)
        return values.scaled(sp.Mul(*numbers), found)

    def _refused(self, expr: Any) -> Value:
        raise Unsupported(f"{show(expr)} has no form as code over a batch")

    # --- rows, as the columns that they are transposed -----------------------------------------------------------

    def row(self, expr: Any) -> Value:
        """The column of which a row is the transpose."""
        if expr.shape == (1, 1) and not isinstance(expr, sp.Transpose | sp.MatMul):
            return self.column(expr)
        if expr.shape[0] != 1:
            raise Unsupported(f"{show(expr)} is no row")
        if isinstance(expr, sp.Transpose):
            return self.column(expr.args[0])
        if isinstance(expr, sp.MatAdd):
            return values.add(*map(self.row, expr.args))
        if isinstance(expr, HadamardProduct):
            return values.times(*map(self.row, expr.args))
        if isinstance(expr, Scale):
            return values.times(self.column(expr.scalar), self.row(expr.matrix))
        if isinstance(expr, sp.OneMatrix | sp.ZeroMatrix):
            return values.number(int(isinstance(expr, sp.OneMatrix)), expr.shape[1])
        if isinstance(expr, sp.MatMul):
            return self.row_of_product(expr)
        return self._refused(expr)

    def row_of_product(self, expr: Any) -> Value:
        """(vᵀ A B)ᵀ is Bᵀ (Aᵀ v)."""
        numbers, (first, *rest) = parts_of_product(expr)
        found = self.row(first)
        for factor in rest:
            found = self.on(transpose(factor), found)
        return values.scaled(sp.Mul(*numbers), found)

    # --- what a factor makes of what stands right of it ----------------------------------------------------------

    def on(self, factor: Any, operand: Value) -> Value:
        """A v, by what A is."""
        if factor.shape[1] == 1:
            return values.times(self.column(factor), operand)
        for kind, rule in _FACTORS.items():
            if isinstance(factor, kind):
                return rule(self, factor, operand)
        if factor.shape[0] == 1:
            return values.total(values.times(self.row(factor), operand))
        return self._refused(factor)

    def on_transpose(self, factor: Any, operand: Value) -> Value:
        """vᵀ w is 1ᵀ (v ⊙ w); (A B)ᵀ v is Bᵀ (Aᵀ v)."""
        inner = factor.args[0]
        if inner.shape[1] == 1:
            return values.total(values.times(self.column(inner), operand))
        if isinstance(inner, sp.Transpose):
            return self.on(inner.args[0], operand)
        if isinstance(inner, sp.MatMul):
            numbers, factors = parts_of_product(inner)
            for one in factors:
                operand = self.on(transpose(one), operand)
            return values.scaled(sp.Mul(*numbers), operand)
        if isinstance(inner, sp.MatAdd):
            return values.add(*(self.on(transpose(term), operand) for term in inner.args))
        if isinstance(inner, Scale):
            return values.times(self.column(inner.scalar), self.on(transpose(inner.matrix), operand))
        if isinstance(inner, Diag | sp.Identity):
            return self.on(inner, operand)
        if isinstance(inner, sp.OneMatrix):
            return self.on(sp.OneMatrix(*reversed(inner.shape)), operand)
        return self._matrix(inner, True, operand)

    def _matrix(self, factor: Any, transposed: bool, operand: Value) -> Value:
        if (isinstance(factor, Member) and factor.indices) or not isinstance(factor, Member | sp.MatrixSymbol):
            return self._refused(factor)
        rows = factor.shape[1 if transposed else 0]
        return values.product(str(factor.name), transposed, operand, rows)

    def on_symbol(self, factor: Any, operand: Value) -> Value:
        return self._matrix(factor, False, operand)

    def on_sum(self, factor: Any, operand: Value) -> Value:
        """(A + B) v is A v + B v."""
        return values.add(*(self.on(term, operand) for term in factor.args))

    def on_product(self, factor: Any, operand: Value) -> Value:
        numbers, factors = parts_of_product(factor)
        for one in reversed(factors):
            operand = self.on(one, operand)
        return values.scaled(sp.Mul(*numbers), operand)

    def on_diag(self, factor: Diag, operand: Value) -> Value:
        return values.times(self.column(factor.vector), operand)

    def on_identity(self, factor: Any, operand: Value) -> Value:
        return operand

    def on_scale(self, factor: Scale, operand: Value) -> Value:
        return values.times(self.column(factor.scalar), self.on(factor.matrix, operand))

    def on_ones(self, factor: Any, operand: Value) -> Value:
        """1 1ᵀ v: the sum of v's entries at every place."""
        return values.spread(values.total(operand), factor.shape[0])


_COLUMNS: dict[Any, Callable[[_Reader, Any], Value]] = {
    Member: _Reader.member,
    sp.MatrixSymbol: _Reader.weight,
    sp.MatAdd: _Reader.sum,
    HadamardProduct: _Reader.hadamard,
    HadamardPower: _Reader.power,
    Scale: _Reader.scale,
    sp.OneMatrix: _Reader.ones,
    sp.ZeroMatrix: _Reader.zeros,
    Softmax: _Reader.softmax,
    Elementwise: _Reader.elementwise,
    sp.Transpose: _Reader.transposed,
    sp.Identity: _Reader.identity,
    sp.MatMul: _Reader.product,
}

_FACTORS: dict[Any, Callable[[_Reader, Any, Value], Value]] = {
    sp.Transpose: _Reader.on_transpose,
    sp.MatrixSymbol: _Reader.on_symbol,
    Member: _Reader.on_symbol,
    sp.MatAdd: _Reader.on_sum,
    sp.MatMul: _Reader.on_product,
    Diag: _Reader.on_diag,
    sp.Identity: _Reader.on_identity,
    Scale: _Reader.on_scale,
    sp.OneMatrix: _Reader.on_ones,
}


def defined(expr: Elementwise) -> Any:
    """The formula of a function of one's own at its argument, None for any other function. Raises `Unsupported`."""
    law = law_of(expr)
    if law is None:
        return None
    formula = {0: law.value, 1: law.slope}.get(expr.order)
    if formula is None:
        raise Unsupported(f"{show(expr)}: nothing says what it is; give the function a value and a derivative")
    return law.at(formula, expr.argument)


# --- sums over the steps -----------------------------------------------------------------------------------------


def reductions(expr: Any, steps: tuple[Any, Any]) -> list[Reduction]:
    """Σ_k of columns or of outer products over all steps: the summands. Raises `Unsupported` for anything else."""
    if isinstance(expr, sp.MatAdd):
        return [one for term in expr.args for one in reductions(term, steps)]
    if isinstance(expr, sp.ZeroMatrix):
        return []
    if isinstance(expr, TimeSum):
        if (expr.lo, expr.hi) != steps:
            raise Unsupported(f"{show(expr)} does not run over all steps")
        return _summands(expr.body, expr.index)
    numbers, factors = parts_of_product(expr)
    if len(factors) == 1:
        return [one.times(values.number(sp.Mul(*numbers))) for one in reductions(factors[0], steps)]
    raise Unsupported(f"{show(expr)} is no sum over the steps")


def _summands(body: Any, letter: Any) -> list[Reduction]:
    reader = _Reader(letter)
    if isinstance(body, sp.ZeroMatrix):
        return []
    if body.shape[1] == 1:
        return [Collected(reader.column(body))]
    if isinstance(body, sp.MatAdd):
        return [one for term in body.args for one in _summands(term, letter)]
    if isinstance(body, Scale):
        scalar = reader.column(body.scalar)
        return [one.times(scalar) for one in _summands(body.matrix, letter)]
    numbers, factors = parts_of_product(body)
    factors = [part for one in factors for part in _parts(one)]
    for place in range(1, len(factors)):
        if factors[place - 1].shape[1] == 1:  # what stands left is a column, what stands right a row
            left = reader.column(sp.MatMul(*factors[:place], evaluate=False))
            right = reader.row(matmul(*factors[place:]))
            return [Outer(values.scaled(sp.Mul(*numbers), left), right)]
    for place, one in enumerate(factors):
        if isinstance(one, sp.MatAdd):  # A (b cᵀ + d eᵀ) F
            terms = [matmul(*numbers, *factors[:place], term, *factors[place + 1 :]) for term in one.args]
            return [found for term in terms for found in _summands(term, letter)]
    raise Unsupported(f"{show(body)} is no product of a column and a row")


def _parts(factor: Any) -> list[Any]:
    """1 1ᵀ is a product of a column and a row; any other factor is left alone."""
    if isinstance(factor, sp.OneMatrix) and 1 not in factor.shape:
        return [sp.OneMatrix(factor.shape[0], 1), sp.OneMatrix(1, factor.shape[1])]
    return [factor]
