"""From formulas to forms: one function a node of the language."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct

from derive.language import derivatives, nodes
from derive.language.nodes import AxisSizes, split_size
from derive.language.shapes import axes, is_coefficient
from derive.language.show import show
from verify.deciders.normal_form.algebra import Operand, add, contract, scale
from verify.deciders.normal_form.functions import EXP, RECIPROCAL, Function, named
from verify.deciders.normal_form.indices import evaluate
from verify.deciders.normal_form.store import rational
from verify.deciders.normal_form.term import (
    Atom,
    Coefficient,
    Form,
    Limits,
    LimitReached,
    Unsupported,
    constant,
    identity,
    of_atom,
)

if TYPE_CHECKING:
    from verify.deciders.normal_form.system import System


@dataclass(frozen=True)
class Array:
    """A form whose open slots are: rows, columns, the two back axes of a family, free component letters."""

    form: Form
    rows: int = 0
    cols: int = 0
    back: tuple[int, int] | None = None
    letters: tuple[sp.Symbol, ...] = ()

    def layout(self, left: Hashable, right: Hashable) -> tuple[Hashable, ...]:
        """Index names of the slots: (left, p) for rows, (right, p) for columns, common names for the rest."""
        return (*named_slots(left, self.rows), *named_slots(right, self.cols), *self.tail)

    @property
    def tail(self) -> tuple[Hashable, ...]:
        """The index names of back axes and letters: equal in every array."""
        behind = named_slots("back", sum(self.back)) if self.back else ()
        return (*behind, *self.letters)


def named_slots(name: Hashable, count: int) -> tuple[Hashable, ...]:
    """Index names of one axis."""
    return tuple((name, position) for position in range(count))


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

    def join(
        self,
        operands: list[tuple[Array, tuple[Hashable, ...]]],
        rows: tuple[Hashable, ...],
        cols: tuple[Hashable, ...],
        **more: Any,
    ) -> Array:
        """The product of arrays with named slots, as an array with the given rows and columns."""
        back = next((array.back for array, _ in operands if array.back), None)
        letters = tuple(dict.fromkeys(letter for array, _ in operands for letter in array.letters))
        behind = named_slots("back", sum(back)) if back else ()
        parts: list[Operand] = [(array.form, layout) for array, layout in operands]
        form = contract(self.store, parts, (*rows, *cols, *behind, *letters), **more)
        return Array(form, len(rows), len(cols), back, letters)


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
    return add_arrays(builder, [(1, builder.build(arg)) for arg in expr.args])


def add_arrays(builder: Builder, parts: list[tuple[Coefficient, Array]]) -> Array:
    """Σ c A of arrays with the same axes."""
    first = parts[0][1]
    letters = tuple(dict.fromkeys(letter for _, array in parts for letter in array.letters))
    forms = [
        (c, array.form if array.letters == letters else spread(builder, array, letters, parts)) for c, array in parts
    ]
    return replace(first, form=add(builder.store, *forms), letters=letters)


def spread(
    builder: Builder, array: Array, letters: tuple[sp.Symbol, ...], parts: list[tuple[Coefficient, Array]]
) -> Form:
    """The array's form with all the letters: constant in those it lacks."""
    sizes: dict[Hashable, int] = {}
    for _, other in parts:
        sizes.update(zip(other.letters, other.form.slots[len(other.form.slots) - len(other.letters) :], strict=True))
    layout = array.layout("row", "col")
    output = (*layout[: len(layout) - len(array.letters)], *letters)
    return contract(builder.store, [(array.form, layout)], output, sizes)


def build_product(builder: Builder, expr: sp.MatMul) -> Array:
    """A B …: columns of each are the rows of the next."""
    arrays = [builder.build(factor) for factor in expr.args if not is_coefficient(factor)]
    operands = [(array, array.layout(k, k + 1)) for k, array in enumerate(arrays)]
    for factor in expr.args:
        if is_coefficient(factor):
            operands.append((Array(builder.coefficient(factor)), ()))
    first, last = arrays[0], arrays[-1]
    return builder.join(operands, named_slots(0, first.rows), named_slots(len(arrays), last.cols))


def build_transpose(builder: Builder, expr: sp.Transpose) -> Array:
    """Aᵀ: rows and columns change places."""
    array = builder.build(expr.args[0])
    return builder.join([(array, array.layout(0, 1))], named_slots(1, array.cols), named_slots(0, array.rows))


def build_hadamard(builder: Builder, expr: HadamardProduct) -> Array:
    """A ⊙ B: the same labels."""
    arrays = [builder.build(factor) for factor in expr.args]
    operands = [(array, array.layout(0, 1)) for array in arrays]
    return builder.join(operands, named_slots(0, arrays[0].rows), named_slots(1, arrays[0].cols))


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
    return builder.join(operands, rows, (*named_slots(1, left.cols), *named_slots(3, right.cols)))


def build_scale(builder: Builder, expr: nodes.Scale) -> Array:
    """c A."""
    scalar, matrix = (builder.build(arg) for arg in expr.args)
    operands = [(scalar, scalar.layout(2, 3)), (matrix, matrix.layout(0, 1))]
    return builder.join(operands, named_slots(0, matrix.rows), named_slots(1, matrix.cols))


def build_power(builder: Builder, expr: nodes.Power) -> Array:
    """A^e = A A … A, A⁰ = I."""
    exponent = builder.count(expr.exponent)
    if exponent < 0:
        raise Unsupported(f"{show(expr)} with the exponent {exponent}")
    _check_exponent(builder, exponent)
    base = builder.build(expr.base)
    return chain(builder, [base] * exponent, base.form.slots[: base.rows])


def _check_exponent(builder: Builder, exponent: int) -> None:
    if abs(exponent) > 64:
        raise LimitReached("exponent > 64")


def chain(builder: Builder, arrays: list[Array], axis: tuple[int, ...]) -> Array:
    """The product of square arrays in this order, I where there is none."""
    if not arrays:
        return Array(identity(axis), len(axis), len(axis))
    result = arrays[0]
    for array in arrays[1:]:
        operands = [(result, result.layout(0, 1)), (array, array.layout(1, 2))]
        result = builder.join(operands, named_slots(0, result.rows), named_slots(2, array.cols))
    return result


# --- rearrangements ----------------------------------------------------------------------------------------------


def build_diag(builder: Builder, expr: nodes.Diag) -> Array:
    """diag(v): row and column share v's label."""
    vector = builder.build(expr.vector)
    axis = (*named_slots(0, vector.rows), *named_slots(1, vector.cols))
    return builder.join([(vector, vector.layout(0, 1))], axis, axis)


def build_vec(builder: Builder, expr: nodes.Vec) -> Array:
    """vec(A): both axes in one, slow to fast."""
    array = builder.build(expr.matrix)
    rows, cols = named_slots(0, array.rows), named_slots(1, array.cols)
    axis = (*cols, *rows) if expr.order == "column" else (*rows, *cols)
    return builder.join([(array, array.layout(0, 1))], axis, ())


def build_trace(builder: Builder, expr: nodes.Tr) -> Array:
    """tr(A) = Σ_i A_ii."""
    array = builder.build(expr.args[0])
    return builder.join([(array, array.layout(0, 0))], (), ())


def build_norm(builder: Builder, expr: nodes.Norm) -> Array:
    """A norm is no polynomial."""
    raise Unsupported(f"the norm {show(expr)}")


# --- functions ---------------------------------------------------------------------------------------------------


def build_elementwise(builder: Builder, expr: nodes.Elementwise) -> Array:
    """f⁽ᵏ⁾(A), entry by entry."""
    array = builder.build(expr.argument)
    builder.system.kinds.add(expr.kind)
    function = named(expr.name, expr.kind, expr.order)
    return replace(array, form=builder.laws.apply(function, array.form))


def build_softmax(builder: Builder, expr: nodes.Softmax) -> Array:
    """softmax(z) = exp(z) · 1/Σ exp(z)."""
    array = builder.build(expr.argument)
    builder.system.kinds.add("softmax")
    builder.store.used.add("softmax(z) = exp(z) / Σ exp(z)")
    powers = replace(array, form=builder.laws.apply(EXP, array.form))
    total = builder.join([(powers, powers.layout(0, 1))], (), ())
    below = replace(total, form=builder.laws.apply(RECIPROCAL, total.form))
    operands = [(powers, powers.layout(0, 1)), (below, below.layout(2, 3))]
    return builder.join(operands, named_slots(0, array.rows), named_slots(1, array.cols))


# --- time --------------------------------------------------------------------------------------------------------


def build_time_sum(builder: Builder, expr: nodes.TimeSum) -> Array:
    """Σ over steps, written out; 0 where the range is empty."""
    steps = _range(builder, expr)
    if steps is None:
        return closed(builder, expr)
    if not steps:
        shape = axes(expr.body)
        back = shape.back or ((), ())
        slots = builder.axis((*shape.rows, *shape.cols, *back[0], *back[1]))
        return Array(
            constant(slots, 0), len(shape.rows), len(shape.cols), (len(back[0]), len(back[1])) if shape.back else None
        )
    return add_arrays(builder, [(1, builder.at(expr.index, step).build(expr.body)) for step in steps])


def build_time_product(builder: Builder, expr: nodes.TimeProduct) -> Array:
    """Π over steps, written out in its direction; I where the range is empty."""
    steps = _range(builder, expr)
    if steps is None:
        return closed(builder, expr)
    ordered = reversed(steps) if expr.direction == "descending" else steps
    arrays = [builder.at(expr.index, step).build(expr.body) for step in ordered]
    return chain(builder, arrays, builder.axis(axes(expr.body).rows))


def _range(builder: Builder, expr: Any) -> range | None:
    """The steps of a sum or product, None where a bound does not follow the symbolic letter."""
    try:
        lo, hi = builder.step(expr.lo), builder.step(expr.hi)
    except Unsupported:
        if builder.system.window.anchor == 0:
            raise
        return None
    if hi < lo - 1:
        raise Unsupported(f"{show(expr)} from {lo} to {hi}, below an empty range")
    return range(lo, hi + 1)


def closed(builder: Builder, expr: Any) -> Array:
    """A sum or product over symbolic steps: one atom, equal to itself and to nothing else."""
    shape = axes(expr)
    if shape.back is not None:
        raise Unsupported(f"{show(expr)} over symbolic steps")
    slots = builder.axis((*shape.rows, *shape.cols))
    free = tuple(sorted((str(k), v) for k, v in builder.letters.items() if k in expr.free_symbols))
    number = builder.store.atom(Atom("closed", (expr, free), slots))
    return Array(of_atom(number, slots), len(shape.rows), len(shape.cols))


# --- components --------------------------------------------------------------------------------------------------


def build_component(builder: Builder, expr: nodes.Component) -> Array:
    """[A]_ij: slots become letters; an equal letter twice selects the diagonal."""
    array = builder.build(expr.matrix)
    if any(letter is not None and not isinstance(letter, sp.Symbol) for letter in (expr.row, expr.col)):
        raise Unsupported(f"the fixed component {show(expr)}")
    selected = [letter for letter in (expr.row, expr.col) if letter is not None]
    letters = tuple(dict.fromkeys((*selected, *array.letters)))
    back = named_slots("back", sum(array.back)) if array.back else ()
    form = contract(builder.store, [(array.form, (*selected, *array.tail))], (*back, *letters))
    return Array(form, 0, 0, array.back, letters)


def build_delta(builder: Builder, expr: nodes.Delta) -> Array:
    """δ_ij: the letters share a label."""
    first, second = expr.args
    size = builder.sizes.get(first, builder.sizes.get(second))
    if size is None:
        raise Unsupported(f"{show(expr)} of letters that run over nothing")
    if first == second:
        return Array(constant(()))
    return Array(identity((size,)), 0, 0, None, (first, second))


def build_component_sum(builder: Builder, expr: nodes.ComponentSum) -> Array:
    """Σ_i: the letter is no longer open."""
    array = builder.build(expr.body)
    if expr.letter not in array.letters:
        if expr.letter not in builder.sizes:
            raise Unsupported(f"a sum over {expr.letter}, which runs over nothing")
        count = builder.store.loop(builder.sizes[expr.letter])
        return add_arrays(builder, [(1, _times(builder, array, constant((), c, loops))) for c, loops in count])
    letters = tuple(letter for letter in array.letters if letter != expr.letter)
    layout = array.layout(0, 1)
    output = (*layout[: len(layout) - len(array.letters)], *letters)
    return replace(array, form=contract(builder.store, [(array.form, layout)], output), letters=letters)


def _times(builder: Builder, array: Array, scalar: Form) -> Array:
    layout = array.layout(0, 1)
    return replace(array, form=contract(builder.store, [(array.form, layout), (scalar, ())], layout))


# --- derivatives -------------------------------------------------------------------------------------------------


def _differentiated(builder: Builder, expr: derivatives.DerivativeNode) -> tuple[Array, Array, Form]:
    """What is differentiated, by what, and the derivative: slots of the first (letters last), then of X."""
    by = builder.build(_variable(expr.by))
    number = _atom_number(by, expr)
    what = builder.build(expr.what)
    if what.back is not None:
        raise Unsupported(f"{show(expr)} differentiates a family")
    if expr.mode == "total":
        return what, by, builder.system.derivative(number).of(what.form)
    return what, by, _immediate(builder, expr, number, what)


def _variable(by: Any) -> Any:
    return _variable(by.args[0]) if isinstance(by, nodes.Vec | sp.Transpose) else by


def _atom_number(by: Array, expr: Any) -> int:
    atoms = [atom for term in by.form.terms for atom, _ in term.factors]
    if len(atoms) != 1 or not by.form.is_atom(atoms[0]):
        raise Unsupported(f"a derivative by {show(expr.by)}")
    return atoms[0]


def _immediate(builder: Builder, expr: derivatives.DerivativeNode, by: int, what: Array) -> Form:
    """Immediate: of a member by a parameter, other steps held; of a loss by a member, its direct dependence."""
    source, system = _variable(expr.what), builder.system
    variable = _variable(expr.by)
    by_member = isinstance(variable, nodes.Member) and variable.indices
    if isinstance(source, nodes.Member) and source.indices and not by_member:
        return system.derivative(by, builder.step(source.time)).of(what.form)
    if str(getattr(source, "name", "")) in system.model.loss_by_name and by_member:
        return system.direct(str(source.name), by)
    if not by_member and isinstance(source, sp.MatrixSymbol) and system.model.equation_of(source) is None:
        return system.derivative(by).of(what.form)
    raise Unsupported(f"the immediate derivative {show(expr)}")


def _spread_out(builder: Builder, expr: derivatives.DerivativeNode) -> tuple[Array, Array, tuple[Hashable, ...]]:
    """The derivative as an array without rows, its slots named: y rows 0, y columns 1, X rows 2, X columns 3."""
    what, by, form = _differentiated(builder, expr)
    layout = (*what.layout(0, 1), *by.layout(2, 3))
    return replace(what, form=form), by, layout


def _vec_order(by_expr: Any, by: Array) -> tuple[Hashable, ...]:
    """X's slots along one axis, in the order that the text's vec (and transposes in it) gives."""
    rows, cols = named_slots(2, by.rows), named_slots(3, by.cols)
    order = "column"
    swapped = False
    while isinstance(by_expr, nodes.Vec | sp.Transpose):
        if isinstance(by_expr, nodes.Vec):
            order = by_expr.order
        else:
            swapped = not swapped
        by_expr = by_expr.args[0]
    if swapped:
        rows, cols = cols, rows
    return (*cols, *rows) if order == "column" else (*rows, *cols)


def build_jacobian(builder: Builder, expr: derivatives.Jacobian) -> Array:
    """∂y/∂x: rows y, columns x."""
    array, by, layout = _spread_out(builder, expr)
    rows = (*named_slots(0, array.rows), *named_slots(1, array.cols))
    return builder.join([(array, layout)], rows, _vec_order(expr.by, by))


def build_gradient(builder: Builder, expr: derivatives.Gradient) -> Array:
    """∂E/∂X in the shape of X."""
    array, by, layout = _spread_out(builder, expr)
    rows, cols = _by_axes(expr.by, by)
    return builder.join([(array, layout)], rows, cols)


def _by_axes(by_expr: Any, by: Array) -> tuple[tuple[Hashable, ...], tuple[Hashable, ...]]:
    if isinstance(by_expr, nodes.Vec):
        return _vec_order(by_expr, by), ()
    rows, cols = named_slots(2, by.rows), named_slots(3, by.cols)
    return (cols, rows) if isinstance(by_expr, sp.Transpose) else (rows, cols)


def build_block(builder: Builder, expr: derivatives.BlockJacobian) -> Array:
    """[∂Y/∂x_ij]: X's slots slow, Y's fast."""
    array, by, layout = _spread_out(builder, expr)
    rows, cols = _by_axes(expr.by, by)
    return builder.join([(array, layout)], (*rows, *named_slots(0, array.rows)), (*cols, *named_slots(1, array.cols)))


def build_family(builder: Builder, expr: derivatives.FamilyDerivative) -> Array:
    """∂Y/∂X: Y's axes, X's as back axes."""
    array, by, layout = _spread_out(builder, expr)
    rows, cols = _by_axes(expr.by, by)
    output = (*named_slots(0, array.rows), *named_slots(1, array.cols), *rows, *cols, *array.letters)
    form = contract(builder.store, [(array.form, layout)], output)
    return Array(form, array.rows, array.cols, (len(rows), len(cols)), array.letters)


def build_collect(builder: Builder, expr: derivatives.Collect) -> Array:
    """A family of 1×1 members as the matrix of its back axes."""
    array = builder.build(expr.family)
    if array.back is None:
        raise Unsupported(f"{show(expr)} is no family")
    return Array(array.form, *array.back, None, array.letters)


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
    nodes.Softmax: build_softmax,
    nodes.Diag: build_diag,
    nodes.Vec: build_vec,
    nodes.Commutation: build_commutation,
    nodes.Kronecker: build_kronecker,
    nodes.Scale: build_scale,
    nodes.Tr: build_trace,
    nodes.Norm: build_norm,
    nodes.Power: build_power,
    nodes.TimeSum: build_time_sum,
    nodes.TimeProduct: build_time_product,
    nodes.Component: build_component,
    nodes.Delta: build_delta,
    nodes.ComponentSum: build_component_sum,
    derivatives.Jacobian: build_jacobian,
    derivatives.Gradient: build_gradient,
    derivatives.BlockJacobian: build_block,
    derivatives.FamilyDerivative: build_family,
    derivatives.Collect: build_collect,
}
