"""The strict shape check: every axis is an ordered tuple of basic sizes, compared symbol by symbol.

SymPy accepts `U*s` with any symbolic sizes; `axes` does not. It returns the axes of a whole formula or raises
`ShapeError` at the innermost node that does not fit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct

from derive.errors import AxisOrderError, ShapeError
from derive.language import nodes
from derive.language.build import transpose
from derive.language.convolution import Convolution, Flip, slid_axis
from derive.language.derivatives import (
    BlockJacobian,
    Collect,
    FamilyDerivative,
    Gradient,
    Jacobian,
    slot_of,
    variable_of,
)
from derive.language.nodes import AxisSizes, length, split_size
from derive.language.show import show, show_axes

BackAxes = tuple[AxisSizes, AxisSizes]


@dataclass(frozen=True)
class Axes:
    """Row axis, column axis, and the back axes of a family derivative that rides along."""

    rows: AxisSizes
    cols: AxisSizes
    back: BackAxes | None = None

    @property
    def is_scalar(self) -> bool:
        """1×1 members."""
        return self.rows == () and self.cols == ()

    @property
    def is_vector(self) -> bool:
        """At least one axis of length 1."""
        return self.rows == () or self.cols == ()

    @property
    def transposed(self) -> Axes:
        """Axes of the transpose (members of a family are transposed one by one)."""
        return Axes(self.cols, self.rows, self.back)

    @property
    def plain(self) -> tuple[AxisSizes, AxisSizes]:
        """Rows and columns alone."""
        return self.rows, self.cols

    def __str__(self) -> str:
        return show_axes(self.rows, self.cols)


def axes(expr: Any) -> Axes:
    """The axes of a formula; raises ShapeError where two shapes that must agree do not."""
    check = _CHECKS.get(type(expr)) or _inherited_check(type(expr))
    if check is None:
        raise ShapeError(f"{type(expr).__name__} is no node of the formula language")
    return check(expr)


def _inherited_check(kind: type) -> Callable[[Any], Axes] | None:
    return next((check for base, check in _CHECKS.items() if issubclass(kind, base)), None)


def misfit(first: Axes, second: Axes) -> type[ShapeError]:
    """What it is that two shapes differ: in the order of their entries alone, or in their number."""
    pairs = zip(first.plain, second.plain, strict=True)
    return AxisOrderError if all(length(one) == length(other) for one, other in pairs) else ShapeError


def is_coefficient(factor: Any) -> bool:
    """A number or an expression in the sizes, as it may stand inside a MatMul."""
    return isinstance(factor, sp.Expr) and not getattr(factor, "is_Matrix", False)


# --- one check a node ------------------------------------------------------------------------------------------


def of_symbol(expr: Any) -> Axes:
    """A declared matrix has its declared axes."""
    return Axes(split_size(expr.shape[0]), split_size(expr.shape[1]))


def of_member(expr: nodes.Member) -> Axes:
    """A member has its family's axes."""
    return Axes(expr.row_axis, expr.col_axis)


def of_sum(expr: Any) -> Axes:
    """A + B: all terms have the same axes."""
    first, *rest = expr.args
    shape = axes(first)
    for term in rest:
        other = axes(term)
        if other != shape:
            hint = f"did you mean {show(transpose(term))}?" if other == shape.transposed else ""
            raise misfit(shape, other)(f"cannot add {show(first)} ({shape}) and {show(term)} ({other})", hint)
    return shape


def of_product(expr: Any) -> Axes:
    """A B: columns of A are the rows of B; at most one factor carries a family."""
    factors = [factor for factor in expr.args if not is_coefficient(factor)]
    if not factors:
        raise ShapeError(f"{show(expr)} has no matrix factor")
    shape = axes(factors[0])
    for left, right in pairwise(factors):
        other = axes(right)
        if shape.cols != other.rows:
            kind = AxisOrderError if length(shape.cols) == length(other.rows) else ShapeError
            raise kind(
                f"{show(left)} {show(right)}: {show(left)} is {axes(left)} but {show(right)} is {other}",
                _product_hint(left, right),
            )
        shape = Axes(shape.rows, other.cols, _one_back(expr, shape.back, other.back))
    return shape


def _product_hint(left: Any, right: Any) -> str:
    first, second = axes(left), axes(right)
    if first.rows == second.rows:
        return f"did you mean {show(transpose(left))} {show(right)}?"
    if second.cols == first.rows:
        return f"did you mean {show(right)} {show(left)}?"
    if first.cols == second.cols:
        return f"did you mean {show(left)} {show(transpose(right))}?"
    return ""


def _one_back(expr: Any, first: BackAxes | None, second: BackAxes | None) -> BackAxes | None:
    if first is not None and second is not None:
        raise ShapeError(f"{show(expr)} multiplies two families of derivatives; name the axes that are joined")
    return first if second is None else second


def of_transpose(expr: Any) -> Axes:
    """Aᵀ exchanges rows and columns."""
    return axes(expr.args[0]).transposed


def of_hadamard(expr: Any) -> Axes:
    """A ⊙ B: equal axes."""
    first, *rest = expr.args
    shape = axes(first)
    for factor in rest:
        other = axes(factor)
        if other.plain != shape.plain:
            raise misfit(shape, other)(
                f"cannot multiply {show(first)} ({shape}) and {show(factor)} ({other}) entry by entry"
            )
        shape = Axes(shape.rows, shape.cols, _one_back(expr, shape.back, other.back))
    return shape


def of_entrywise(expr: Any) -> Axes:
    """f(A), A to an elementwise power: the axes of A, which is no family."""
    shape = axes(expr.args[-1] if isinstance(expr, nodes.Elementwise) else expr.args[0])
    if shape.back is not None:
        raise ShapeError(f"{show(expr)}: a function of a family of derivatives is not defined")
    return shape


def of_application(expr: nodes.Application) -> Axes:
    """F(a, b, …) has its declared axes, whatever its arguments are; they are no families."""
    for argument in expr.arguments:
        if axes(argument).back is not None:
            raise ShapeError(f"{show(expr)}: a function of a family of derivatives is not defined")
    return Axes(expr.row_axis, expr.col_axis)


def of_slot(expr: nodes.Slot) -> Axes:
    """A slot has its declared axes."""
    return Axes(expr.row_axis, expr.col_axis)


def of_softmax(expr: nodes.Softmax) -> Axes:
    """softmax of a vector."""
    shape = of_entrywise(expr)
    if not shape.is_vector:
        raise ShapeError(f"softmax of {show(expr.argument)} ({shape}) needs an axis; it is declared on vectors")
    return shape


def of_diag(expr: nodes.Diag) -> Axes:
    """diag of a vector."""
    shape = axes(expr.vector)
    if not shape.is_vector:
        raise ShapeError(f"diag needs a vector, and {show(expr.vector)} is {shape}")
    axis = shape.rows + shape.cols
    return Axes(axis, axis, shape.back)


def of_vec(expr: nodes.Vec) -> Axes:
    """vec A: one axis, slow to fast: (columns, rows) by columns, (rows, columns) by rows."""
    shape = axes(expr.matrix)
    axis = shape.cols + shape.rows if expr.order == "column" else shape.rows + shape.cols
    return Axes(axis, (), shape.back)


def of_commutation(expr: nodes.Commutation) -> Axes:
    """K: from vec A, axis (m, n), to vec Aᵀ, axis (n, m)."""
    n, m = (split_size(size) for size in expr.args)
    return Axes(n + m, m + n)


def of_kronecker(expr: nodes.Kronecker) -> Axes:
    """A ⊗ B: A's axes slow, B's fast."""
    left, right = (axes(factor) for factor in expr.args)
    return Axes(left.rows + right.rows, left.cols + right.cols, _one_back(expr, left.back, right.back))


def of_scale(expr: nodes.Scale) -> Axes:
    """c A with a 1×1 c."""
    scalar, shape = axes(expr.scalar), axes(expr.matrix)
    if not scalar.is_scalar:
        raise ShapeError(f"{show(expr.scalar)} is {scalar}, not a scalar")
    return Axes(shape.rows, shape.cols, _one_back(expr, scalar.back, shape.back))


def of_trace(expr: nodes.Tr) -> Axes:
    """tr of a square matrix."""
    shape = _square(expr, axes(expr.args[0]))
    return Axes((), (), shape.back)


def of_norm(expr: nodes.Norm) -> Axes:
    """‖A‖ is a scalar."""
    axes(expr.matrix)
    return Axes((), ())


def of_inverse(expr: nodes.Inverse) -> Axes:
    """A⁻¹ of a square matrix, which is no family."""
    return _square(expr, of_entrywise(expr))


def of_det(expr: nodes.Det) -> Axes:
    """det of a square matrix is a scalar."""
    of_inverse(expr)
    return Axes((), ())


def of_power(expr: nodes.Power) -> Axes:
    """A^e of a square matrix."""
    return _square(expr, axes(expr.base))


def _square(expr: Any, shape: Axes) -> Axes:
    if shape.rows != shape.cols:
        raise ShapeError(f"{show(expr)} needs a square matrix, and it is {shape}")
    return shape


def of_time_sum(expr: nodes.TimeSum) -> Axes:
    """A sum over time has its term's axes."""
    return axes(expr.body)


def of_time_product(expr: nodes.TimeProduct) -> Axes:
    """An ordered product has square factors."""
    shape = _square(expr, axes(expr.body))
    if shape.back is not None:
        raise ShapeError(f"{show(expr)} multiplies families of derivatives; name the axes that are joined")
    return shape


def of_component(expr: nodes.Component) -> Axes:
    """[A]_ij: a letter for each axis, none for an axis of length 1."""
    shape = axes(expr.matrix)
    for letter, axis, side in ((expr.row, shape.rows, "row"), (expr.col, shape.cols, "column")):
        if letter is None and axis != ():
            raise ShapeError(f"{show(expr.matrix)} is {shape}: its component needs a {side} index")
        if letter is not None and len(axis) != 1:
            raise ShapeError(f"{show(expr.matrix)} is {shape}: it has no {side} index {letter}")
    return Axes((), (), shape.back)


def of_delta(expr: nodes.Delta) -> Axes:
    """δ_ij is a scalar."""
    return Axes((), ())


def of_entries(expr: nodes.Entries) -> Axes:
    """(a_ij): the declared axes; a letter for each, none for an axis of length 1."""
    shape = axes(expr.body)
    if not shape.is_scalar:
        raise ShapeError(f"an entry is a scalar, and {show(expr.body)} is {shape}")
    if expr.row is not None and expr.row == expr.col:
        raise ShapeError(f"{show(expr)}: {expr.row} cannot number both rows and columns")
    for letter, axis in ((expr.row, expr.row_axis), (expr.col, expr.col_axis)):
        if len(axis) != (letter is not None):
            raise ShapeError(f"{show(expr)}: an axis of {show_axes(axis, ())[:-2]} needs {_letters_needed(axis)}")
    from derive.language.letters import component_letters  # it needs the check; only this node needs it

    component_letters(expr)  # refuses a letter that runs over another axis in the body
    return Axes(expr.row_axis, expr.col_axis, shape.back)


def _letters_needed(axis: AxisSizes) -> str:
    return "one basic size" if len(axis) > 1 else "a letter" if axis else "no letter"


def of_blocks(expr: nodes.Blocks) -> Axes:
    """A block matrix: equal axes along a row and along a column of blocks; several parts make one sum of a size."""
    grid = [[axes(block) for block in row] for row in expr.rows_of_blocks]
    for i, row in enumerate(grid):
        for j, block in enumerate(row):
            if (block.rows, block.cols, block.back) != (row[0].rows, grid[0][j].cols, grid[0][0].back):
                shown = expr.rows_of_blocks[i][j]
                raise ShapeError(
                    f"{show(shown)} is {block}, which does not fit into its place in {show(expr)}: "
                    f"{show_axes(row[0].rows, grid[0][j].cols)}"
                )
    rows, cols = [row[0].rows for row in grid], [block.cols for block in grid[0]]
    return Axes(stacked(rows), stacked(cols), grid[0][0].back)


def stacked(parts: Sequence[AxisSizes]) -> AxisSizes:
    """The axis of parts one after the other: of several, the sum of their lengths as one basic size.

    Fast sizes that all parts end in stay apart: vecs of p and of q columns of length n are (p + q, n).
    """
    if len(parts) == 1:
        return parts[0]
    common = 0
    while all(len(part) > common + 1 and part[-common - 1] == parts[0][-common - 1] for part in parts):
        common += 1
    return (sp.Add(*(length(part[: len(part) - common]) for part in parts)), *parts[0][len(parts[0]) - common :])


def of_component_sum(expr: nodes.ComponentSum) -> Axes:
    """A sum over a component letter has its term's axes."""
    return axes(expr.body)


def of_jacobian(expr: Jacobian) -> Axes:
    """∂y/∂x of vectors."""
    what, by = axes(expr.what), axes(expr.by)
    for side, shape in ((expr.what, what), (expr.by, by)):
        if not shape.is_vector:
            raise ShapeError(f"{show(side)} is {shape}, not a vector: its Jacobian needs vec")
    _no_back(expr, what)
    return Axes(what.rows + what.cols, by.rows + by.cols)


def of_gradient(expr: Gradient) -> Axes:
    """∂E/∂X of a scalar."""
    what = axes(expr.what)
    if not what.is_scalar:
        raise ShapeError(f"{show(expr.what)} is {what}, not a scalar: it has no gradient")
    _no_back(expr, what)
    by = axes(expr.by)
    return Axes(by.rows, by.cols)


def of_block(expr: BlockJacobian) -> Axes:
    """[∂Y/∂x_ij]: X's axes slow, Y's fast."""
    what, by = axes(expr.what), axes(expr.by)
    _no_back(expr, what)
    return Axes(by.rows + what.rows, by.cols + what.cols)


def of_family(expr: FamilyDerivative) -> Axes:
    """∂Y/∂X: Y's axes, X's as back axes."""
    what, by = axes(expr.what), axes(expr.by)
    _no_back(expr, what)
    return Axes(what.rows, what.cols, by.plain)


def _no_back(expr: Any, what: Axes) -> None:
    if what.back is not None:
        raise ShapeError(f"{show(expr)} differentiates a family of derivatives")
    slot = variable_of(expr.by)
    if isinstance(slot, nodes.Slot):
        _check_slot(expr, slot)


def _check_slot(expr: Any, slot: nodes.Slot) -> None:
    """A derivative by a slot is of an application that has this slot, with its axes."""
    found = slot_of(expr)
    if found is None:
        raise ShapeError(f"{show(expr.what)} is no application of a function: it has no slot {slot.number}")
    arguments = found[0].arguments
    if not 1 <= slot.number <= len(arguments) or expr.mode != "total":
        raise ShapeError(f"{show(found[0])} has no slot {slot.number}")
    given = axes(arguments[slot.number - 1])
    if given != axes(slot):
        raise ShapeError(f"the slot {slot.number} of {show(found[0])} is {axes(slot)}, its argument {given}")


def of_collect(expr: Collect) -> Axes:
    """A family of 1×1 members as a matrix."""
    inner = axes(expr.family)
    if inner.back is None:
        raise ShapeError(f"{show(expr.family)} is no family of derivatives")
    if not inner.is_scalar:
        raise ShapeError(f"the members of {show(expr.family)} are {inner}, not 1×1")
    return Axes(*inner.back)


def of_convolution(expr: Convolution) -> Axes:
    """A kernel slid over an input: n - k + 1 along each axis, n + k - 1 of a full one."""
    source, kernel = axes(expr.source), axes(expr.kernel)
    if source.back is not None or kernel.back is not None:
        raise ShapeError(f"{show(expr)}: a convolution of a family of derivatives is not defined")
    sides = zip(source.plain, kernel.plain, strict=True)
    rows, cols = (slid_axis(one, other, expr.is_full) for one, other in sides)
    if rows is None or cols is None:
        raise ShapeError(
            f"{show(expr)}: the kernel {show(expr.kernel)} ({kernel}) does not fit into {show(expr.source)} ({source})"
        )
    return Axes(rows, cols)


def of_flip(expr: Flip) -> Axes:
    """A flip keeps the axes of what it flips, which is no family."""
    return of_entrywise(expr)


_CHECKS: dict[type, Callable[[Any], Axes]] = {
    sp.MatrixSymbol: of_symbol,
    sp.Identity: of_symbol,
    sp.ZeroMatrix: of_symbol,
    sp.OneMatrix: of_symbol,
    sp.MatAdd: of_sum,
    sp.MatMul: of_product,
    sp.Transpose: of_transpose,
    HadamardProduct: of_hadamard,
    HadamardPower: of_entrywise,
    nodes.Member: of_member,
    nodes.Elementwise: of_entrywise,
    nodes.Application: of_application,
    nodes.Slot: of_slot,
    nodes.Softmax: of_softmax,
    nodes.Diag: of_diag,
    nodes.Vec: of_vec,
    nodes.Commutation: of_commutation,
    nodes.Kronecker: of_kronecker,
    nodes.Scale: of_scale,
    nodes.Tr: of_trace,
    nodes.Norm: of_norm,
    nodes.Inverse: of_inverse,
    nodes.Det: of_det,
    nodes.Power: of_power,
    nodes.TimeSum: of_time_sum,
    nodes.TimeProduct: of_time_product,
    nodes.Component: of_component,
    nodes.Delta: of_delta,
    nodes.Entries: of_entries,
    nodes.Blocks: of_blocks,
    nodes.ComponentSum: of_component_sum,
    Convolution: of_convolution,
    Flip: of_flip,
    Jacobian: of_jacobian,
    Gradient: of_gradient,
    BlockJacobian: of_block,
    FamilyDerivative: of_family,
    Collect: of_collect,
}

NODE_TYPES = tuple(_CHECKS)  # the closed set: every table of the project has a row for each of these
