"""Formulas as grids of blocks: one rule for each node of the language, its first docstring line the fact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct

from derive.language import nodes
from derive.language.build import hadamard, matadd, matmul, ones, transpose
from derive.language.convolution import Convolution, Flip
from derive.language.derivatives import BlockJacobian, Collect, FamilyDerivative, Gradient, Jacobian
from derive.language.nodes import AxisSizes, length
from derive.language.shapes import axes, is_coefficient
from derive.language.show import show
from verify.blocks.partition import Partition, Unsupported

Grid = tuple[tuple[Any, ...], ...]  # formulas by rows, over the parts of the two axes


class Grids:
    """Turns formulas into grids. `leaf` gives the blocks of a tensor, `chosen` the block of a family's variable."""

    def __init__(
        self, partition: Partition, leaf: Callable[[Any, Grid], Grid], chosen: dict[Any, Any] | None = None
    ) -> None:
        self.partition, self.leaf, self.chosen = partition, leaf, chosen or {}
        self._known: dict[Any, Grid] = {}

    def __call__(self, expr: Any) -> Grid:
        """The grid of a formula. Raises `Unsupported` where no rule reaches."""
        if expr not in self._known:
            rule = RULES.get(type(expr)) or next((r for kind, r in RULES.items() if isinstance(expr, kind)), None)
            if rule is None:
                raise Unsupported(f"{type(expr).__name__} is no node of the formula language")
            self._known[expr] = rule(self, expr)
        return self._known[expr]

    def one(self, expr: Any) -> Any:
        """The formula of one that is no stack itself."""
        grid = self(expr)
        if len(grid) > 1 or len(grid[0]) > 1:
            raise Unsupported(f"no block rule for {show(expr)} where it stands")
        return grid[0][0]

    def shape(self, expr: Any) -> tuple[tuple[AxisSizes, ...], tuple[AxisSizes, ...]]:
        """The parts of both axes."""
        found = axes(expr)
        return self.partition.parts(found.rows), self.partition.parts(found.cols)

    def family(self, variable: Any) -> Grids:
        """The same with one block of a family's variable chosen."""
        return Grids(self.partition, self.leaf, {**self.chosen, **variable})


def mapped(change: Callable[..., Any], *grids: Grid) -> Grid:
    """A change of every block, of blocks at equal places."""
    return tuple(tuple(change(*blocks) for blocks in zip(*rows, strict=True)) for rows in zip(*grids, strict=True))


def zero(rows: AxisSizes, cols: AxisSizes) -> Any:
    """A block of zeros."""
    return _constant(sp.ZeroMatrix, rows, cols)


def _constant(kind: Any, rows: AxisSizes, cols: AxisSizes) -> Any:
    if len(rows) > 1 or len(cols) > 1:
        raise Unsupported("a constant block over an axis of several sizes")
    return kind(length(rows), length(cols))


def is_zero(expr: Any) -> bool:
    """Whether a block is written 0."""
    return isinstance(expr, sp.ZeroMatrix)


def added(terms: list[Any]) -> Any:
    """A sum without its zeros."""
    kept = [term for term in terms if not is_zero(term)]
    return matadd(*kept) if kept else terms[0]


# --- leaves --------------------------------------------------------------------------------------------------------


def of_leaf(g: Grids, expr: Any) -> Grid:
    """A tensor with a stacked axis is the grid of its blocks, which are tensors of their own."""
    rows, cols = g.shape(expr)
    return ((expr,),) if len(rows) == len(cols) == 1 else g.leaf(expr, tuple(tuple((r, c) for c in cols) for r in rows))


def of_identity(g: Grids, expr: Any) -> Grid:
    """I has identities on its diagonal."""
    parts, _ = g.shape(expr)
    return _diagonal(parts, [expr if len(parts) == 1 else _constant(lambda r, c: sp.Identity(r), p, p) for p in parts])


def _diagonal(parts: tuple[AxisSizes, ...], blocks: list[Any]) -> Grid:
    return tuple(
        tuple(block if i == j else zero(row, col) for j, col in enumerate(parts))
        for i, (row, block) in enumerate(zip(parts, blocks, strict=True))
    )


def of_constant(g: Grids, expr: Any) -> Grid:
    """0 and the matrix of ones have blocks of their own kind."""
    rows, cols = g.shape(expr)
    if len(rows) == len(cols) == 1:
        return ((expr,),)
    return tuple(tuple(_constant(type(expr), r, c) for c in cols) for r in rows)


def of_blocks(g: Grids, expr: nodes.Blocks) -> Grid:
    """A block matrix: the grids of its blocks side by side."""
    rows: list[tuple[Any, ...]] = []
    for row in expr.rows_of_blocks:
        grids = [g(block) for block in row]
        rows += [sum(parts, ()) for parts in zip(*grids, strict=True)]
    return tuple(rows)


# --- algebra -------------------------------------------------------------------------------------------------------


def of_sum(g: Grids, expr: Any) -> Grid:
    """(A + B)_ij = A_ij + B_ij."""
    return mapped(lambda *blocks: added(list(blocks)), *(g(term) for term in expr.args))


def of_product(g: Grids, expr: Any) -> Grid:
    """(A B)_ij = Σ_k A_ik B_kj."""
    numbers = [factor for factor in expr.args if is_coefficient(factor)]
    first, *rest = [factor for factor in expr.args if not is_coefficient(factor)]
    found = g(first)
    for factor in rest:
        columns = list(zip(*g(factor), strict=True))
        found = tuple(tuple(_dot(row, column) for column in columns) for row in found)
    return mapped(lambda block: block if is_zero(block) else matmul(*numbers, block), found) if numbers else found


def _dot(row: tuple[Any, ...], column: tuple[Any, ...]) -> Any:
    return added([_times(a, b) for a, b in zip(row, column, strict=True)])


def _times(a: Any, b: Any) -> Any:
    return zero(axes(a).rows, axes(b).cols) if is_zero(a) or is_zero(b) else matmul(a, b)


def of_transpose(g: Grids, expr: Any) -> Grid:
    """(Aᵀ)_ij = (A_ji)ᵀ."""
    return tuple(tuple(map(_transposed, column)) for column in zip(*g(expr.args[0]), strict=True))


def _transposed(block: Any) -> Any:
    return sp.ZeroMatrix(*reversed(block.shape)) if is_zero(block) else transpose(block)


def of_hadamard(g: Grids, expr: Any) -> Grid:
    """(A ⊙ B)_ij = A_ij ⊙ B_ij."""
    return mapped(_entrywise_product, *(g(factor) for factor in expr.args))


def _entrywise_product(*blocks: Any) -> Any:
    zeros = [block for block in blocks if is_zero(block)]
    return zeros[0] if zeros else hadamard(*blocks)


def of_entrywise(g: Grids, expr: Any) -> Grid:
    """f(A) and powers of entries act on each block."""
    place = 3 if isinstance(expr, nodes.Elementwise) else 0
    return mapped(lambda block: _with_argument(expr, place, block), g(expr.args[place]))


def _with_argument(expr: Any, place: int, new: Any) -> Any:
    return rebuilt(expr, [*expr.args[:place], new, *expr.args[place + 1 :]])


def rebuilt(expr: Any, args: list[Any]) -> Any:
    """A node with other arguments, nothing evaluated."""
    return sp.Basic.__new__(type(expr), *args) if type(expr).__module__.startswith("sympy") else expr.func(*args)


def of_scale(g: Grids, expr: nodes.Scale) -> Grid:
    """(c A)_ij = c A_ij."""
    scalar = g.one(expr.scalar)
    return mapped(lambda block: block if is_zero(block) else nodes.Scale(scalar, block), g(expr.matrix))


def of_kronecker(g: Grids, expr: nodes.Kronecker) -> Grid:
    """Blocks of A ⊗ B are A_ij ⊗ B_kl, (i, k) slow to fast."""
    g.shape(expr)
    left, right = (g(factor) for factor in expr.args)
    return tuple(tuple(nodes.Kronecker(a, b) for a in upper for b in lower) for upper in left for lower in right)


# --- rearrangements ------------------------------------------------------------------------------------------------


def _entries_of(g: Grids, vector: Any) -> list[Any]:
    """The parts of a vector, a row or a column."""
    return [block for row in g(vector) for block in row]


def of_diag(g: Grids, expr: nodes.Diag) -> Grid:
    """diag of a stack has the parts' on its diagonal."""
    parts, _ = g.shape(expr)
    return _diagonal(parts, [nodes.Diag(part) for part in _entries_of(g, expr.vector)])


def of_vec(g: Grids, expr: nodes.Vec) -> Grid:
    """vec of columns side by side is the vecs of these, one below the other; by rows likewise."""
    g.shape(expr)  # refuses a stack along the fast axis
    return tuple((nodes.Vec(block, expr.order),) for block in _entries_of(g, expr.matrix))


def of_trace(g: Grids, expr: nodes.Tr) -> Grid:
    """tr A = Σ_i tr A_ii."""
    diagonal = [row[i] for i, row in enumerate(g(expr.args[0]))]
    terms = [sp.ZeroMatrix(1, 1) if is_zero(block) else nodes.Tr(block) for block in diagonal]
    return ((added(terms),),)


def of_softmax(g: Grids, expr: nodes.Softmax) -> Grid:
    """softmax(z)_i = exp(z_i) / Σ_j 1ᵀ exp(z_j) for the parts z_i."""
    grid = g(expr.argument)
    if len(grid) == len(grid[0]) == 1:
        return ((nodes.Softmax(grid[0][0]),),)
    powers = mapped(lambda block: nodes.Elementwise("exp", "exp", 0, block), grid)
    total = added([_sum_of(block) for row in powers for block in row])
    below = nodes.Elementwise("reciprocal", "reciprocal", 0, total)
    return mapped(lambda block: nodes.Scale(below, block), powers)


def _sum_of(vector: Any) -> Any:
    """1ᵀ v, or v 1 of a row."""
    rows, cols = axes(vector).plain
    if (rows and cols) or len(rows + cols) > 1:
        raise Unsupported(f"the sum of {show(vector)}")
    return matmul(vector, ones(length(cols), 1)) if cols else matmul(ones(1, length(rows)), vector)


# --- sums over time, and what has no blocks of its own --------------------------------------------------------------


def of_time_sum(g: Grids, expr: nodes.TimeSum) -> Grid:
    """(Σ_k A_k)_ij = Σ_k (A_k)_ij."""
    return mapped(lambda block: block if is_zero(block) else _with_argument(expr, 0, block), g(expr.body))


def of_whole(g: Grids, expr: Any) -> Grid:
    """A node whose parts are no stacks stays; anything else has no block rule."""
    if any(len(parts) > 1 for parts in g.shape(expr)):
        raise Unsupported(f"no block rule for {show(expr)}")
    args = [g.one(arg) if isinstance(arg, sp.MatrixExpr) else arg for arg in expr.args]
    return ((rebuilt(expr, args) if list(expr.args) != args else expr,),)


# --- derivatives ---------------------------------------------------------------------------------------------------


def _variable(g: Grids, by: Any) -> Grid:
    """The blocks of what is differentiated by, in its own layout."""
    tensor = by.matrix if isinstance(by, nodes.Vec) else by
    if not isinstance(tensor, nodes.Member | sp.MatrixSymbol):
        g.one(tensor)
        return ((by,),)
    return g(by)


def of_jacobian(g: Grids, expr: Jacobian) -> Grid:
    """Block (a, b) of ∂y/∂x is ∂y_a/∂x_b."""
    g.shape(expr)
    variables = [block for row in _variable(g, expr.by) for block in row]
    return tuple(tuple(Jacobian(y, x, expr.mode) for x in variables) for y in _entries_of(g, expr.what))


def of_gradient(g: Grids, expr: Gradient) -> Grid:
    """Block (i, j) of ∂E/∂X is ∂E/∂X_ij."""
    what = g.one(expr.what)
    return mapped(lambda block: Gradient(what, block, expr.mode), _variable(g, expr.by))


def of_block_jacobian(g: Grids, expr: BlockJacobian) -> Grid:
    """Rows (X's parts, Y's parts), columns likewise, slow to fast."""
    g.shape(expr)
    outer, inner = _variable(g, expr.by), g(expr.what)
    return tuple(
        tuple(BlockJacobian(y, x, expr.mode) for x in upper for y in lower) for upper in outer for lower in inner
    )


def of_family(g: Grids, expr: FamilyDerivative) -> Grid:
    """∂Y/∂X over one block of X, chosen outside, for each block of Y."""
    grid = _variable(g, expr.by)
    if expr.by not in g.chosen and (len(grid) > 1 or len(grid[0]) > 1):
        raise Unsupported(f"the family {show(expr)} by a stacked variable, outside of what collects it")
    by = g.chosen.get(expr.by, grid[0][0])
    return mapped(lambda block: FamilyDerivative(block, by, expr.mode), g(expr.what))


def of_collect(g: Grids, expr: Collect) -> Grid:
    """The matrix over X's entries is, block by block, the one over the entries of each block of X."""
    return mapped(lambda chosen: Collect(g.family(chosen).one(expr.family)), family_blocks(g, expr.family))


def family_blocks(g: Grids, family: Any) -> tuple[tuple[dict[Any, Any], ...], ...]:
    """For each block of the variable of a family of derivatives: the variable and that block."""
    by = next(node.by for node in sp.preorder_traversal(family) if isinstance(node, FamilyDerivative))
    return mapped(lambda block: {by: block}, _variable(g, by))


RULES: dict[type, Callable[[Grids, Any], Grid]] = {
    sp.MatrixSymbol: of_leaf,
    sp.Identity: of_identity,
    sp.ZeroMatrix: of_constant,
    sp.OneMatrix: of_constant,
    sp.MatAdd: of_sum,
    sp.MatMul: of_product,
    sp.Transpose: of_transpose,
    HadamardProduct: of_hadamard,
    HadamardPower: of_entrywise,
    nodes.Member: of_leaf,
    nodes.Elementwise: of_entrywise,
    nodes.Application: of_whole,
    nodes.Slot: of_whole,
    nodes.Softmax: of_softmax,
    nodes.Diag: of_diag,
    nodes.Vec: of_vec,
    nodes.Commutation: of_whole,
    nodes.Kronecker: of_kronecker,
    nodes.Scale: of_scale,
    nodes.Tr: of_trace,
    nodes.Norm: of_whole,
    nodes.Inverse: of_whole,
    nodes.Det: of_whole,
    nodes.Power: of_whole,
    nodes.TimeSum: of_time_sum,
    nodes.TimeProduct: of_whole,
    nodes.Component: of_whole,
    nodes.Delta: of_whole,
    nodes.Entries: of_whole,
    nodes.Blocks: of_blocks,
    nodes.ComponentSum: of_whole,
    Convolution: of_whole,
    Flip: of_whole,
    Jacobian: of_jacobian,
    Gradient: of_gradient,
    BlockJacobian: of_block_jacobian,
    FamilyDerivative: of_family,
    Collect: of_collect,
}
