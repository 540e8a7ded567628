"""Constructors that keep what was written: nothing is evaluated, merged or reordered.

SymPy's operators evaluate first (`s*s` becomes `s**2`, `I*s` becomes `s`); the reader and the rules build with
these functions instead.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardProduct

from derive.language import nodes
from derive.language.nodes import AxisSizes, Member, Size, length, split_size


def matmul(*factors: Any) -> sp.MatrixExpr:
    """The product of the factors as written; products inside are flattened, coefficients stand first."""
    flat: list[Any] = []
    for factor in factors:
        flat.extend(factor.args if isinstance(factor, sp.MatMul) else (factor,))
    numbers = [sp.sympify(f, strict=True) for f in flat if not getattr(f, "is_Matrix", False)]
    matrices = [f for f in flat if getattr(f, "is_Matrix", False)]
    coefficient = sp.Mul(*numbers)
    if coefficient == 1 and len(matrices) == 1:
        return matrices[0]
    return _unchecked(sp.MatMul, *(() if coefficient == 1 else (coefficient,)), *matrices)


def matadd(*terms: Any) -> sp.MatrixExpr:
    """The sum of the terms as written; sums inside are flattened."""
    flat: list[Any] = []
    for term in terms:
        flat.extend(term.args if isinstance(term, sp.MatAdd) else (term,))
    return flat[0] if len(flat) == 1 else _unchecked(sp.MatAdd, *flat)


def negate(term: Any) -> sp.MatrixExpr:
    """-A."""
    return matmul(sp.S.NegativeOne, term)


def hadamard(*factors: Any) -> sp.MatrixExpr:
    """A ⊙ B ⊙ … as written."""
    return factors[0] if len(factors) == 1 else _unchecked(HadamardProduct, *factors)


def transpose(matrix: Any) -> sp.MatrixExpr:
    """Aᵀ; Aᵀᵀ is A."""
    return matrix.args[0] if isinstance(matrix, sp.Transpose) else _unchecked(sp.Transpose, matrix)


def ones(rows: Any, cols: Any) -> sp.MatrixExpr:
    """The matrix of ones."""
    return sp.OneMatrix(rows, cols)


def constant(kind: Any, rows: AxisSizes, cols: AxisSizes) -> sp.MatrixExpr:
    """The array of zeros or of ones (`kind` is SymPy's class) with ordered axes.

    SymPy's has one size an axis: where an axis is a product of sizes, n·m and not m·n, it is a Kronecker product.
    """
    if _is_plain(rows) and _is_plain(cols):
        return kind(length(rows), length(cols))
    return reduce(nodes.Kronecker, [*(kind(size, 1) for size in rows), *(kind(1, size) for size in cols)])


def identity(axis: AxisSizes) -> sp.MatrixExpr:
    """I with an ordered axis: I_n ⊗ I_m of n·m."""
    return sp.Identity(length(axis)) if _is_plain(axis) else reduce(nodes.Kronecker, map(sp.Identity, axis))


def is_zero(expr: Any) -> bool:
    """Whether a formula is written as zeros: 0, or the Kronecker product that `constant` makes of them."""
    return isinstance(expr, sp.ZeroMatrix) or (isinstance(expr, nodes.Kronecker) and all(map(is_zero, expr.args)))


def _is_plain(axis: AxisSizes) -> bool:
    """Whether the number of entries says the axis: n, n·n, not n·m."""
    return split_size(length(axis)) == tuple(axis)


def divide(matrix: Any, by: Any) -> sp.MatrixExpr:
    """A / b entry by entry (equal shapes), or by a scalar b."""
    reciprocal = nodes.Elementwise("reciprocal", "reciprocal", 0, by)
    scalar = by.shape == (1, 1)
    return nodes.Scale(reciprocal, matrix) if scalar else hadamard(matrix, reciprocal)


def _unchecked(kind: Any, *args: Any) -> sp.MatrixExpr:
    """A SymPy node as it stands: its own check knows no symbolic sizes, and its constructor rewrites."""
    return sp.Basic.__new__(kind, *args)


class Sequence:
    """A family of equally shaped members, `s = sequence("s", n)`; `s[t-1]` is a member."""

    def __init__(self, name: str, rows: Size | tuple[Size, ...], cols: Size | tuple[Size, ...] = 1) -> None:
        self.name, self.rows, self.cols = latex_name(name), split_size(rows), split_size(cols)

    def __getitem__(self, index: Any) -> Member:
        return Member(self.name, index if isinstance(index, tuple) else (index,), self.rows, self.cols)


def sequence(name: str, rows: Any, cols: Any = 1) -> Sequence:
    """A family of column vectors of the given size (or of matrices, rows × cols), indexed by time."""
    return Sequence(name, rows, cols)


def latex_name(name: str) -> str:
    """The LaTeX of a name given in Python: Net is \\mathrm{Net}, delta is \\delta; LaTeX stays as it is."""
    if "\\" in name or len(name) == 1 or not name.isalpha():
        return name
    symbol = sp.latex(sp.Symbol(name))
    return symbol if symbol.startswith("\\") else f"\\mathrm{{{name}}}"


def vec(matrix: Any, order: str = "column") -> nodes.Vec:
    """vec A, by columns unless said otherwise."""
    return nodes.Vec(matrix, order)


def squared_norm(matrix: Any, kind: str = "2") -> sp.MatrixExpr:
    """‖v‖² = vᵀv of a vector, ‖A‖_F² = tr(AᵀA); the square of a matrix's spectral norm stays analytic."""
    rows, cols = matrix.shape
    if cols == 1:
        return matmul(transpose(matrix), matrix)
    if rows == 1:
        return matmul(matrix, transpose(matrix))
    if kind == "F":
        return nodes.Tr(matmul(transpose(matrix), matrix))
    return nodes.Power(nodes.Norm(matrix, kind), sp.Integer(2))


def diag(vector: Any) -> nodes.Diag:
    """diag(v)."""
    return nodes.Diag(vector)


def kron(left: Any, right: Any) -> nodes.Kronecker:
    """A ⊗ B."""
    return nodes.Kronecker(left, right)
