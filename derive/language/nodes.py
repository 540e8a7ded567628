"""The formula language: SymPy's matrix expressions and the few nodes that SymPy lacks.

Every formula is a SymPy `MatrixExpr` with symbolic sizes; a scalar is a 1×1 matrix. Numbers and expressions
in the sizes (2, 1/n) may stand as coefficients in a `MatMul`; every other scalar multiplies through `Scale`.

Besides the nodes below and those of `derivatives`, the language has SymPy's `MatrixSymbol`, `MatAdd`,
`MatMul`, `Transpose`, `HadamardProduct`, `HadamardPower`, `Identity`, `ZeroMatrix` and `OneMatrix`.
Nothing here evaluates: what was written is what stands in the tree. Shapes are checked in `shapes`.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import sympy as sp
from sympy.core.symbol import Str
from sympy.matrices.expressions.matexpr import MatrixExpr

Size: TypeAlias = Any  # a positive integer as a SymPy expression: a symbol, a number, n_a + n_x
AxisSizes: TypeAlias = tuple[Size, ...]  # one axis as an ordered tuple of basic sizes, slow to fast; () is 1


def length(axis: AxisSizes) -> Size:
    """The number of entries along an axis: the product of its basic sizes."""
    return sp.Mul(*axis)


def split_size(size: Any) -> AxisSizes:
    """The axis of a declared size: 1 is (), n is (n,), n**2 is (n, n), 2(n - k) is (2n - 2k,).

    A product of *different* sizes has no order; whoever declares one gives a tuple instead (slow to fast).
    """
    if isinstance(size, tuple | sp.Tuple):
        return tuple(part for item in size for part in split_size(item))
    size = sp.sympify(size, strict=True)
    if size == 1:
        return ()
    if isinstance(size, sp.Pow) and size.exp.is_Integer and size.exp.is_positive:
        return (size.base,) * int(size.exp)
    return (sp.expand(size) if _has_brackets(size) else size,)


def _has_brackets(size: Any) -> bool:
    """Whether a size is not multiplied out, as m (n + 1): two that are equal would look different."""
    products = (term for term in sp.Add.make_args(size) if isinstance(term, sp.Mul))
    return any(isinstance(factor, sp.Add) for product in products for factor in product.args)


class Node(MatrixExpr):
    """A node of ours beside SymPy's; `show` gives it its plain text (set in the package's `__init__`)."""


class Member(Node):
    """A member of a family at given indices, as s[t-1]: name, indices, row axis, column axis.

    The name is LaTeX without the indices (`s`, `\\mathrm{Net}`); indices are integer expressions, time last.
    A name without indices is a plain tensor whose axes may be ordered products (`SymPy's MatrixSymbol` has
    one size an axis and loses the order).
    """

    def __new__(cls, name: str | Str, indices: Any, rows: Any, cols: Any) -> Member:
        return super().__new__(
            cls,
            name if isinstance(name, Str) else Str(name),
            sp.Tuple(*indices),
            sp.Tuple(*split_size(rows)),
            sp.Tuple(*split_size(cols)),
        )

    name = property(lambda self: str(self.args[0].name))
    indices = property(lambda self: tuple(self.args[1]))
    time = property(lambda self: self.args[1][-1])
    row_axis = property(lambda self: tuple(self.args[2]))
    col_axis = property(lambda self: tuple(self.args[3]))
    shape = property(lambda self: (length(self.row_axis), length(self.col_axis)))

    def at(self, *indices: Any) -> Member:
        """The member of the same family at other indices."""
        return Member(self.args[0], indices, self.args[2], self.args[3])


class Elementwise(Node):
    """f⁽ᵏ⁾ applied to every entry: function name, kind, derivative order k, argument.

    The kind is `opaque` for a function about which only differentiability is known, else the name of a known
    function of `functions.KINDS` (tanh, sigmoid, exp, log, reciprocal …).
    """

    def __new__(cls, name: str | Str, kind: str | Str, order: Any, argument: Any) -> Elementwise:
        return super().__new__(
            cls,
            name if isinstance(name, Str) else Str(name),
            kind if isinstance(kind, Str) else Str(kind),
            sp.Integer(order),
            argument,
        )

    name = property(lambda self: str(self.args[0].name))
    kind = property(lambda self: str(self.args[1].name))
    order = property(lambda self: int(self.args[2]))
    argument = property(lambda self: self.args[3])
    shape = property(lambda self: self.args[3].shape)


class Application(Node):
    """F(a_1, …, a_r): an unknown differentiable function of all entries of its arguments jointly.

    `names` are the names of the slots, in the order of the arguments; rows and columns are the axes of the value.
    """

    def __new__(cls, name: str | Str, names: Any, rows: Any, cols: Any, *arguments: Any) -> Application:
        names = [one if isinstance(one, Str) else Str(one) for one in names]
        if len(names) != len(arguments) or not arguments:
            raise ValueError(f"{name} has {len(names)} slots, and {len(arguments)} arguments are given")
        return super().__new__(
            cls,
            name if isinstance(name, Str) else Str(name),
            sp.Tuple(*names),
            sp.Tuple(*split_size(rows)),
            sp.Tuple(*split_size(cols)),
            *arguments,
        )

    name = property(lambda self: str(self.args[0].name))
    names = property(lambda self: tuple(str(one.name) for one in self.args[1]))
    row_axis = property(lambda self: tuple(self.args[2]))
    col_axis = property(lambda self: tuple(self.args[3]))
    arguments = property(lambda self: self.args[4:])
    shape = property(lambda self: (length(self.row_axis), length(self.col_axis)))


class Slot(Node):
    """The k-th slot of an application, counted from 1, with its axes: stands below the line of a derivative only."""

    def __new__(cls, number: Any, rows: Any, cols: Any) -> Slot:
        return super().__new__(cls, sp.Integer(number), sp.Tuple(*split_size(rows)), sp.Tuple(*split_size(cols)))

    number = property(lambda self: int(self.args[0]))
    row_axis = property(lambda self: tuple(self.args[1]))
    col_axis = property(lambda self: tuple(self.args[2]))
    shape = property(lambda self: (length(self.row_axis), length(self.col_axis)))


class Softmax(Node):
    """softmax(z)_i = exp(z_i) / Σ_j exp(z_j) over all entries of a vector."""

    def __new__(cls, argument: Any) -> Softmax:
        return super().__new__(cls, argument)

    argument = property(lambda self: self.args[0])
    shape = property(lambda self: self.args[0].shape)


class Diag(Node):
    """diag(v): the square matrix with the vector v on its diagonal."""

    def __new__(cls, vector: Any) -> Diag:
        return super().__new__(cls, vector)

    vector = property(lambda self: self.args[0])
    shape = property(lambda self: (sp.Mul(*self.args[0].shape),) * 2)


class Vec(Node):
    """vec(A) as a column: `column` stacks A's columns (row index fast), `row` its rows (column index fast)."""

    def __new__(cls, matrix: Any, order: str | Str = "column") -> Vec:
        order = order if isinstance(order, Str) else Str(order)
        if order.name not in ("column", "row"):
            raise ValueError(f"vec order is 'column' or 'row', not {order.name!r}")
        return super().__new__(cls, matrix, order)

    matrix = property(lambda self: self.args[0])
    order = property(lambda self: str(self.args[1].name))
    shape = property(lambda self: (sp.Mul(*self.args[0].shape), sp.S.One))


class Commutation(Node):
    """K with vec(Aᵀ) = K vec(A) for every A of n rows and m columns, vec by columns."""

    def __new__(cls, n: Any, m: Any) -> Commutation:
        return super().__new__(cls, n, m)

    shape = property(lambda self: (self.args[0] * self.args[1],) * 2)


class Kronecker(Node):
    """A ⊗ B: blocks a_ij B. Never merged or reordered, unlike SymPy's (I ⊗ I keeps its axes)."""

    def __new__(cls, left: Any, right: Any) -> Kronecker:
        return super().__new__(cls, left, right)

    shape = property(
        lambda self: (
            self.args[0].shape[0] * self.args[1].shape[0],
            self.args[0].shape[1] * self.args[1].shape[1],
        )
    )


class Scale(Node):
    """c A for a 1×1 expression c."""

    def __new__(cls, scalar: Any, matrix: Any) -> Scale:
        return super().__new__(cls, scalar, matrix)

    scalar = property(lambda self: self.args[0])
    matrix = property(lambda self: self.args[1])
    shape = property(lambda self: self.args[1].shape)


class Tr(Node):
    """tr(A) as a 1×1 matrix."""

    def __new__(cls, matrix: Any) -> Tr:
        return super().__new__(cls, matrix)

    shape = property(lambda self: (sp.S.One, sp.S.One))


class Norm(Node):
    """‖A‖: kind `2` (spectral for matrices) or `F` (Frobenius). Analytic: settled by numbers only."""

    def __new__(cls, matrix: Any, kind: str | Str = "2") -> Norm:
        return super().__new__(cls, matrix, kind if isinstance(kind, Str) else Str(kind))

    matrix = property(lambda self: self.args[0])
    kind = property(lambda self: str(self.args[1].name))
    shape = property(lambda self: (sp.S.One, sp.S.One))


class Inverse(Node):
    """A⁻¹ of a square matrix. No contraction network: settled by numbers only."""

    def __new__(cls, matrix: Any) -> Inverse:
        return super().__new__(cls, matrix)

    matrix = property(lambda self: self.args[0])
    shape = property(lambda self: self.args[0].shape)


class Det(Node):
    """det A as a 1×1 matrix. Settled by numbers only."""

    def __new__(cls, matrix: Any) -> Det:
        return super().__new__(cls, matrix)

    matrix = property(lambda self: self.args[0])
    shape = property(lambda self: (sp.S.One, sp.S.One))


class Power(Node):
    """A^e of a square matrix (or scalar), e an affine integer expression in the indices, e ≥ 0."""

    def __new__(cls, base: Any, exponent: Any) -> Power:
        return super().__new__(cls, base, exponent)

    base = property(lambda self: self.args[0])
    exponent = property(lambda self: self.args[1])
    shape = property(lambda self: self.args[0].shape)


class TimeSum(Node):
    """Σ_{k=lo}^{hi} body, k bound in body; an empty range (hi = lo - 1) gives 0."""

    def __new__(cls, body: Any, index: Any, lo: Any, hi: Any) -> TimeSum:
        return super().__new__(cls, body, index, lo, hi)

    body = property(lambda self: self.args[0])
    index = property(lambda self: self.args[1])
    lo = property(lambda self: self.args[2])
    hi = property(lambda self: self.args[3])
    shape = property(lambda self: self.args[0].shape)


class TimeProduct(Node):
    """Π_{k=lo}^{hi} body as an ordered product; an empty range (hi = lo - 1) gives I, anything below is illegal.

    `descending`: the highest index stands leftmost, A_hi … A_lo; `ascending`: A_lo … A_hi.
    """

    def __new__(cls, body: Any, index: Any, lo: Any, hi: Any, direction: str | Str) -> TimeProduct:
        direction = direction if isinstance(direction, Str) else Str(direction)
        if direction.name not in ("ascending", "descending"):
            raise ValueError(f"a product is 'ascending' or 'descending', not {direction.name!r}")
        return super().__new__(cls, body, index, lo, hi, direction)

    body = property(lambda self: self.args[0])
    index = property(lambda self: self.args[1])
    lo = property(lambda self: self.args[2])
    hi = property(lambda self: self.args[3])
    direction = property(lambda self: str(self.args[4].name))
    shape = property(lambda self: self.args[0].shape)


class Component(Node):
    """[A]_{ij} as a 1×1 matrix with free component letters i, j; None for an axis of length 1.

    Letters are integer symbols that run over the axis they select; equal letters select a diagonal.
    """

    def __new__(cls, matrix: Any, row: Any = None, col: Any = None) -> Component:
        return super().__new__(
            cls, matrix, sp.S.NegativeOne if row is None else row, sp.S.NegativeOne if col is None else col
        )

    matrix = property(lambda self: self.args[0])
    row = property(lambda self: None if self.args[1] == -1 else self.args[1])
    col = property(lambda self: None if self.args[2] == -1 else self.args[2])
    shape = property(lambda self: (sp.S.One, sp.S.One))


class Delta(Node):
    """Kronecker's δ_{ij} of two component letters, as a 1×1 matrix."""

    def __new__(cls, i: Any, j: Any) -> Delta:
        return super().__new__(cls, i, j)

    shape = property(lambda self: (sp.S.One, sp.S.One))


class Entries(Node):
    """The array whose (row, col) entry is the 1×1 `body`: the letters are bound, None for an axis of length 1.

    The inverse of `Component`; other letters of the body stay free. `rows` and `cols` are the axes.
    """

    def __new__(cls, body: Any, row: Any, col: Any, rows: Any, cols: Any) -> Entries:
        return super().__new__(
            cls,
            body,
            sp.S.NegativeOne if row is None else row,
            sp.S.NegativeOne if col is None else col,
            sp.Tuple(*split_size(rows)),
            sp.Tuple(*split_size(cols)),
        )

    body = property(lambda self: self.args[0])
    row = property(lambda self: None if self.args[1] == -1 else self.args[1])
    col = property(lambda self: None if self.args[2] == -1 else self.args[2])
    row_axis = property(lambda self: tuple(self.args[3]))
    col_axis = property(lambda self: tuple(self.args[4]))
    shape = property(lambda self: (length(self.row_axis), length(self.col_axis)))

    @property
    def bound(self) -> tuple[tuple[Any, AxisSizes], ...]:
        """The bound letters with their axes."""
        pairs = ((self.row, self.row_axis), (self.col, self.col_axis))
        return tuple((letter, axis) for letter, axis in pairs if letter is not None)


class Blocks(Node):
    """A block matrix, from rows of blocks: [x; h] is Blocks(((x,), (h,))), [x, h] is Blocks(((x, h),)).

    Kept as the number of block columns and the blocks row by row, from which it can be made again.
    """

    def __new__(cls, rows: Any, *blocks: Any) -> Blocks:
        if not blocks:
            lengths = {len(row) for row in rows}
            if len(lengths) != 1 or 0 in lengths:
                raise ValueError("a block matrix has rows of equally many blocks, one at least")
            rows, blocks = lengths.pop(), tuple(block for row in rows for block in row)
        return super().__new__(cls, sp.Integer(rows), *blocks)

    @property
    def rows_of_blocks(self) -> tuple[tuple[Any, ...], ...]:
        """The rows of blocks."""
        count, blocks = int(self.args[0]), self.args[1:]
        return tuple(blocks[start : start + count] for start in range(0, len(blocks), count))

    @property
    def shape(self) -> tuple[Size, Size]:
        """The sums of the blocks' lengths."""
        first, rows = self.rows_of_blocks[0], self.rows_of_blocks
        return sp.Add(*(row[0].shape[0] for row in rows)), sp.Add(*(block.shape[1] for block in first))


class ComponentSum(Node):
    """Σ_i body over all values of a component letter, which is bound in body."""

    def __new__(cls, body: Any, letter: Any) -> ComponentSum:
        return super().__new__(cls, body, letter)

    body = property(lambda self: self.args[0])
    letter = property(lambda self: self.args[1])
    shape = property(lambda self: self.args[0].shape)
