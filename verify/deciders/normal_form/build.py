"""From formulas to forms: one function a node of the language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct

from derive.language import derivatives, nodes
from derive.language.convolution import Convolution, Flip
from derive.language.nodes import AxisSizes, split_size
from derive.language.shapes import is_coefficient
from derive.language.show import show
from verify.deciders.normal_form import build_applications, build_convolution, build_derivatives, build_indices
from verify.deciders.normal_form.algebra import add, contract
from verify.deciders.normal_form.arrays import Array, add_arrays, chain, join, named_slots
from verify.deciders.normal_form.functions import EXP, RECIPROCAL, named
from verify.deciders.normal_form.indices import evaluate
from verify.deciders.normal_form.store import rational
from verify.deciders.normal_form.term import (
    Form,
    Function,
    LimitReached,
    Unsupported,
    constant,
    identity,
)

if TYPE_CHECKING:
    from verify.deciders.normal_form.system import System


class Builder:
    """Builds forms at given values of the step letters."""

    def __init__(
        self, system: System, letters: Mapping[sp.Symbol, int], sizes: Mapping[Any, int] | None = None
    ) -> None:
        self.system = system
        self.laws = system.laws
        self.store = system.store
        self.letters = letters
        self.sizes = sizes or {}  # of the component letters, for δ
        self.slot: tuple[Any, Any] | None = None  # the application and the slot of the derivative that is built

    def build(self, expr: Any) -> Array:
        """The array of a formula; raises Unsupported, naming the node, outside the language."""
        rule = TABLE.get(type(expr)) or next((r for kind, r in TABLE.items() if isinstance(expr, kind)), None)
        if rule is None:
            raise Unsupported(f"{type(expr).__name__} is no node of the formula language")
        return rule(self, expr)

    def step(self, expr: Any) -> int:
        """An index as a step (an offset, where the letter is symbolic)."""
        return evaluate(expr, self.letters, self.system.window.anchor)

    def count(self, expr: Any) -> int:
        """An index expression as a number: an exponent."""
        return evaluate(expr, self.letters, self.system.window.anchor, "number")

    def at(self, letter: sp.Symbol, step: int) -> Builder:
        """The builder with one more step letter."""
        return Builder(self.system, {**self.letters, letter: step}, self.sizes)

    def over(self, bound: tuple[tuple[sp.Symbol, AxisSizes], ...]) -> Builder:
        """The builder under a binder of component letters."""
        sizes = {letter: self.store.size(axis[0]) for letter, axis in bound}
        return Builder(self.system, self.letters, {**self.sizes, **sizes})

    def coefficient(self, expr: Any) -> Form:
        """A number or an expression in sizes and steps, as a scalar form."""
        expr = sp.sympify(expr, strict=True)
        if expr.is_Rational:
            return constant((), rational(expr))
        steps = {s: sp.Integer(self.count(s)) for s in expr.free_symbols if s in self.letters}
        expr = sp.expand(expr.xreplace(steps))
        try:
            parts = self.store.polynomial(expr)
        except Unsupported:
            numerator, denominator = sp.fraction(sp.together(expr))
            if denominator == 1:
                raise
            below = self.laws.apply(RECIPROCAL, self.coefficient(denominator))
            return self.laws.times(self.coefficient(numerator), below)
        return add(self.store, *((1, constant((), number, loops)) for number, loops in parts))

    def axis(self, sizes: AxisSizes) -> tuple[int, ...]:
        """The size numbers of an axis."""
        return tuple(self.store.size(size) for size in sizes)


# --- tensors -----------------------------------------------------------------------------------------------------


def build_symbol(builder: Builder, expr: sp.MatrixSymbol) -> Array:
    """A declared matrix, or a name that an equation without steps defines."""
    rows, cols = split_size(expr.shape[0]), split_size(expr.shape[1])
    return Array(builder.system.member(str(expr.name), None, rows, cols), len(rows), len(cols))


def build_member(builder: Builder, expr: nodes.Member) -> Array:
    """A member at its step."""
    rows, cols, name = expr.row_axis, expr.col_axis, expr.name
    if len(expr.indices) > 1:
        raise Unsupported(f"{show(expr)} with several indices")
    step = builder.step(expr.time) if expr.indices else None
    return Array(builder.system.member(name, step, rows, cols), len(rows), len(cols))


def build_identity(builder: Builder, expr: sp.Identity) -> Array:
    """I: rows and columns share their labels."""
    sizes = builder.axis(split_size(expr.shape[0]))
    return Array(identity(sizes), len(sizes), len(sizes))


def build_zero(builder: Builder, expr: sp.ZeroMatrix) -> Array:
    """0: no term."""
    rows, cols = (builder.axis(split_size(size)) for size in expr.shape)
    return Array(constant(rows + cols, 0), len(rows), len(cols))


def build_one(builder: Builder, expr: sp.OneMatrix) -> Array:
    """The matrix of ones: a term without factors."""
    rows, cols = (builder.axis(split_size(size)) for size in expr.shape)
    return Array(constant(rows + cols), len(rows), len(cols))


def build_commutation(builder: Builder, expr: nodes.Commutation) -> Array:
    """K vec(A) = vec(Aᵀ): rows (n, m), columns (m, n), equal pairwise."""
    n, m = (builder.axis(split_size(size)) for size in expr.args)
    first, second = named_slots("n", len(n)), named_slots("m", len(m))
    pair = identity(n + m)
    form = contract(
        builder.store,
        [(pair, (*first, *second, *((x, 1) for x in (*first, *second))))],
        (*first, *second, *((x, 1) for x in (*second, *first))),
    )
    return Array(form, len(n + m), len(n + m))


# --- products ----------------------------------------------------------------------------------------------------


def build_sum(builder: Builder, expr: sp.MatAdd) -> Array:
    """A + B: the terms of both; a letter that only one of them has is free in the other."""
    return add_arrays(builder.store, [(1, builder.build(arg)) for arg in expr.args])


def build_product(builder: Builder, expr: sp.MatMul) -> Array:
    """A B …: columns of each are the rows of the next."""
    arrays = [builder.build(factor) for factor in expr.args if not is_coefficient(factor)]
    operands = [(array, array.layout(k, k + 1)) for k, array in enumerate(arrays)]
    for factor in expr.args:
        if is_coefficient(factor):
            operands.append((Array(builder.coefficient(factor)), ()))
    first, last = arrays[0], arrays[-1]
    return join(builder.store, operands, named_slots(0, first.rows), named_slots(len(arrays), last.cols))


def build_transpose(builder: Builder, expr: sp.Transpose) -> Array:
    """Aᵀ: rows and columns change places."""
    array = builder.build(expr.args[0])
    return join(builder.store, [(array, array.layout(0, 1))], named_slots(1, array.cols), named_slots(0, array.rows))


def build_hadamard(builder: Builder, expr: HadamardProduct) -> Array:
    """A ⊙ B: the same labels."""
    arrays = [builder.build(factor) for factor in expr.args]
    operands = [(array, array.layout(0, 1)) for array in arrays]
    return join(builder.store, operands, named_slots(0, arrays[0].rows), named_slots(1, arrays[0].cols))


def build_hadamard_power(builder: Builder, expr: HadamardPower) -> Array:
    """A to an elementwise integer power, or to one half."""
    array = builder.build(expr.args[0])
    exponent = sp.sympify(expr.args[1], strict=True)
    if exponent == sp.Rational(1, 2):
        return replace(array, form=builder.laws.apply(Function("sqrt", "sqrt", 0), array.form))
    number = builder.count(exponent)
    _check_exponent(builder, number)
    return replace(array, form=builder.laws.power(array.form, number))


def build_kronecker(builder: Builder, expr: nodes.Kronecker) -> Array:
    """A ⊗ B: A's slots slow, B's fast."""
    left, right = (builder.build(factor) for factor in expr.args)
    operands = [(left, left.layout(0, 1)), (right, right.layout(2, 3))]
    rows = (*named_slots(0, left.rows), *named_slots(2, right.rows))
    return join(builder.store, operands, rows, (*named_slots(1, left.cols), *named_slots(3, right.cols)))


def build_scale(builder: Builder, expr: nodes.Scale) -> Array:
    """c A."""
    scalar, matrix = (builder.build(arg) for arg in expr.args)
    operands = [(scalar, scalar.layout(2, 3)), (matrix, matrix.layout(0, 1))]
    return join(builder.store, operands, named_slots(0, matrix.rows), named_slots(1, matrix.cols))


def build_power(builder: Builder, expr: nodes.Power) -> Array:
    """A^e = A A … A, A⁰ = I."""
    exponent = builder.count(expr.exponent)
    if exponent < 0:
        raise Unsupported(f"{show(expr)} with the exponent {exponent}")
    _check_exponent(builder, exponent)
    base = builder.build(expr.base)
    return chain(builder.store, [base] * exponent, base.form.slots[: base.rows])


def _check_exponent(builder: Builder, exponent: int) -> None:
    if abs(exponent) > 64:
        raise LimitReached("exponent > 64")


# --- rearrangements ----------------------------------------------------------------------------------------------


def build_diag(builder: Builder, expr: nodes.Diag) -> Array:
    """diag(v): row and column share v's label."""
    vector = builder.build(expr.vector)
    axis = (*named_slots(0, vector.rows), *named_slots(1, vector.cols))
    return join(builder.store, [(vector, vector.layout(0, 1))], axis, axis)


def build_vec(builder: Builder, expr: nodes.Vec) -> Array:
    """vec(A): both axes in one, slow to fast."""
    array = builder.build(expr.matrix)
    rows, cols = named_slots(0, array.rows), named_slots(1, array.cols)
    axis = (*cols, *rows) if expr.order == "column" else (*rows, *cols)
    return join(builder.store, [(array, array.layout(0, 1))], axis, ())


def build_trace(builder: Builder, expr: nodes.Tr) -> Array:
    """tr(A) = Σ_i A_ii."""
    array = builder.build(expr.args[0])
    return join(builder.store, [(array, array.layout(0, 0))], (), ())


def build_norm(builder: Builder, expr: nodes.Norm) -> Array:
    """A norm is no polynomial."""
    raise Unsupported(f"the norm {show(expr)}")


def build_inverse(builder: Builder, expr: Any) -> Array:
    """A⁻¹ and det A have no bounded form."""
    raise Unsupported(f"{show(expr)}: a matrix inverse is no contraction network")


def build_blocks(builder: Builder, expr: nodes.Blocks) -> Array:
    """Claims come here block by block."""
    raise Unsupported(f"the block matrix {show(expr)}")


# --- functions ---------------------------------------------------------------------------------------------------


def build_elementwise(builder: Builder, expr: nodes.Elementwise) -> Array:
    """f⁽ᵏ⁾(A), entry by entry."""
    array = builder.build(expr.argument)
    builder.system.kinds.add(expr.kind)
    function = named(expr.name, expr.kind, expr.order)
    return replace(array, form=builder.laws.apply(function, array.form))


def build_slot(builder: Builder, expr: nodes.Slot) -> Array:
    """A slot is a place, no value."""
    raise Unsupported("a slot stands below the line of a derivative only")


def build_softmax(builder: Builder, expr: nodes.Softmax) -> Array:
    """softmax(z) = exp(z) · 1/Σ exp(z)."""
    array = builder.build(expr.argument)
    builder.system.kinds.add("softmax")
    builder.store.used.add("softmax(z) = exp(z) / Σ exp(z)")
    powers = replace(array, form=builder.laws.apply(EXP, array.form))
    total = join(builder.store, [(powers, powers.layout(0, 1))], (), ())
    below = replace(total, form=builder.laws.apply(RECIPROCAL, total.form))
    operands = [(powers, powers.layout(0, 1)), (below, below.layout(2, 3))]
    return join(builder.store, operands, named_slots(0, array.rows), named_slots(1, array.cols))


TABLE: dict[type, Callable[[Builder, Any], Array]] = {
    sp.MatrixSymbol: build_symbol,
    sp.Identity: build_identity,
    sp.ZeroMatrix: build_zero,
    sp.OneMatrix: build_one,
    sp.MatAdd: build_sum,
    sp.MatMul: build_product,
    sp.Transpose: build_transpose,
    HadamardProduct: build_hadamard,
    HadamardPower: build_hadamard_power,
    nodes.Member: build_member,
    nodes.Elementwise: build_elementwise,
    nodes.Application: build_applications.build_application,
    nodes.Slot: build_slot,
    nodes.Softmax: build_softmax,
    nodes.Diag: build_diag,
    nodes.Vec: build_vec,
    nodes.Commutation: build_commutation,
    nodes.Kronecker: build_kronecker,
    nodes.Scale: build_scale,
    nodes.Tr: build_trace,
    nodes.Norm: build_norm,
    nodes.Inverse: build_inverse,
    nodes.Det: build_inverse,
    nodes.Power: build_power,
    nodes.TimeSum: build_indices.build_time_sum,
    nodes.TimeProduct: build_indices.build_time_product,
    nodes.Component: build_indices.build_component,
    nodes.Delta: build_indices.build_delta,
    nodes.Entries: build_indices.build_entries,
    nodes.Blocks: build_blocks,
    nodes.ComponentSum: build_indices.build_component_sum,
    Convolution: build_convolution.build_convolution,
    Flip: build_convolution.build_flip,
    derivatives.Jacobian: build_derivatives.build_jacobian,
    derivatives.Gradient: build_derivatives.build_gradient,
    derivatives.BlockJacobian: build_derivatives.build_block,
    derivatives.FamilyDerivative: build_derivatives.build_family,
    derivatives.Collect: build_derivatives.build_collect,
}
