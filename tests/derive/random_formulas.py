"""Formulas of the language at random, well-typed by construction, over one vocabulary and under given conventions."""

from __future__ import annotations

import sympy as sp
from hypothesis import strategies as st
from sympy.matrices.expressions.hadamard import HadamardPower

from derive.language import nodes
from derive.language.build import constant, divide, hadamard, kron, matadd, matmul, negate, sequence, transpose
from derive.language.convolution import SLIDES, Convolution, flip
from derive.language.derivatives import BlockJacobian, Collect, FamilyDerivative, Gradient, Jacobian
from derive.language.functions import ElementwiseFunction, elementwise, function
from derive.language.shapes import axes
from derive.latex.conventions import OPTIONS, Conventions
from derive.model import Loss, Model

BLOCK = r"""
symbols:
  {x_t: m, s_t: n, '\mathrm{Net}_t': n, '\hat{y}_t': m, 'h_t^{l}': n, 'z_{ft}': n, R_t: n x n, c_t: 1, q_t: 1 x n, a: n,
   b: m, A: n x n, B: n x m, U: n x m, W: n x n, W_f: n x n, '\mathbf{C}': m x n, r: 1 x n, w: 1, f: elementwise,
   '\sigma': sigmoid, F: 'function(x: m, h: n) -> n', E: loss(last s)}
time: 1..T
indices: {k: t, i: component, j: component, p: component}
"""

N, M = (sp.Symbol(name, integer=True, positive=True) for name in "nm")
T, TIME, K = (sp.Symbol(name, integer=True) for name in "Ttk")
STEPS = (TIME, TIME - 1, K, K - 1, TIME + 1, sp.Integer(1), T)
STEP = sp.Symbol("u", integer=True)  # bound by a sum or product
ROW, COL = (sp.Symbol(name, integer=True) for name in "ij")  # free: i over n entries, j over m
P = sp.Symbol("_open", integer=True)  # bound by a row or column, which is written with a colon
x, s, net, y, h, z, R, c, q = (
    sequence(name, *shape)
    for name, *shape in (("x", M), ("s", N), (r"\mathrm{Net}", N), (r"\hat{y}", M), ("h^{l}", N), ("z_{f}", N),
                         ("R", N, N), ("c", 1), ("q", 1, N))
)  # fmt: skip
a, b, A, B, U, W, W_f, C, r, w, E = (
    sp.MatrixSymbol(name, *shape)
    for name, *shape in (("a", N, 1), ("b", M, 1), ("A", N, N), ("B", N, M), ("U", N, M), ("W", N, N), ("W_{f}", N, N),
                         (r"\mathbf{C}", M, N), ("r", 1, N), ("w", 1, 1), ("E", 1, 1))
)  # fmt: skip
f, sigma = elementwise("f"), elementwise("\\sigma", "sigmoid")
F = function("F", {"x": M, "h": N}, N)
MODEL = Model({net[TIME]: U * x[TIME] + W * s[TIME - 1], s[TIME]: f(net[TIME])}, loss=Loss.last(s))
KNOWN = tuple(ElementwiseFunction(*pair) for pair in (("\\tanh", "tanh"), ("\\exp", "exp"), ("\\sqrt", "sqrt")))
SYMBOLS = (a, b, A, B, U, W, W_f, C, r, w)
FAMILIES = (x, s, net, y, h, z, R, c, q)
ONE, ROWS, COLS = (), (N,), (M,)
OF_SHAPE = {}
for _one in SYMBOLS:
    OF_SHAPE.setdefault(axes(_one).plain, []).append(_one)
LONG = (((N, M), ONE), ((M, N), ONE), ((N, N), (N, N)), ((N, M), (M, N)), ((N, M), (N, M)), ((N + M,), ONE))
SHAPES = tuple((rows, cols) for rows in (ONE, ROWS, COLS) for cols in (ONE, ROWS, COLS))

conventions = st.builds(Conventions, **{key: st.sampled_from(options) for key, options in OPTIONS.items()})


@st.composite
def formulas(draw, way=None, depth=2):
    """(conventions, formula): a formula that these conventions can say; `way` is the kind of its outermost node."""
    maker = Maker(draw, draw(ONLY_UNDER.get(way, conventions)))
    if way is None:
        return maker.conventions, maker.make(*draw(st.sampled_from(SHAPES)), depth)
    fitting = [shape for shape in (*SHAPES, *LONG) if way(maker, *shape, None) is not None]
    return maker.conventions, way(maker, *draw(st.sampled_from(fitting)), depth)()


class Maker:
    """Makes formulas of a wanted shape; one method a kind of node, which says for what shapes it can be."""

    def __init__(self, draw, chosen: Conventions) -> None:
        self.draw, self.conventions = draw, chosen
        self.steps = STEPS

    def pick(self, items):
        return self.draw(st.sampled_from(list(items)))

    def make(self, rows, cols, depth):
        """A formula with these axes."""
        ways = [way for way in LEAVES if way(self, rows, cols, None) is not None]
        if depth > 0 or not ways:
            others = NODES if depth > 0 else SMALLER
            ways += [way for way in others if way(self, rows, cols, None) is not None]
        return self.pick(ways)(self, rows, cols, depth)()

    # --- leaves: each gives None where the shape is not its own, else what makes the formula ------------------------

    def symbol(self, rows, cols, depth):
        found = OF_SHAPE.get((rows, cols))
        return (lambda: self.pick(found)) if found else None

    def member(self, rows, cols, depth):
        found = [one for one in FAMILIES if (one.rows, one.cols) == (rows, cols)]
        return (lambda: self.pick(found)[self.pick(self.steps)]) if found else None

    def identity(self, rows, cols, depth):
        return (lambda: sp.Identity(nodes.length(rows))) if rows == cols and len(rows) == 1 else None

    def delta(self, rows, cols, depth):
        """δ_ii beside something that says over what i runs."""
        kronecker = nodes.Scale(nodes.Delta(ROW, ROW), nodes.Component(a, ROW, None))
        return (lambda: kronecker) if rows == cols == ONE else None

    def loss(self, rows, cols, depth):
        return (lambda: E) if rows == cols == ONE else None

    # --- operations -------------------------------------------------------------------------------------------------

    def sum(self, rows, cols, depth):
        return lambda: matadd(*self.several(rows, cols, depth), *self.pick([(), (), self.constants(rows, cols)]))

    def constants(self, rows, cols):
        """0 or 1 as the last term of a sum: its size is read off the others."""
        return [constant(self.pick((sp.ZeroMatrix, sp.OneMatrix)), rows, cols)]

    def several(self, rows, cols, depth):
        return [self.make(rows, cols, depth - 1) for _ in range(self.draw(st.integers(2, 3)))]

    def negative(self, rows, cols, depth):
        return lambda: negate(self.make(rows, cols, depth - 1))

    def numbered(self, rows, cols, depth):
        numbers = (2, sp.Rational(1, 2), sp.Rational(-2, 3), N, 1 / N, N + 1, -N, 1 / sp.sqrt(M))
        return lambda: matmul(self.pick(numbers), self.make(rows, cols, depth - 1))

    def hadamard(self, rows, cols, depth):
        return lambda: hadamard(*self.several(rows, cols, depth))

    def hadamard_power(self, rows, cols, depth):
        is_scalar = rows == cols == ONE
        return None if is_scalar else lambda: sp.Basic.__new__(
            HadamardPower, self.make(rows, cols, depth - 1), sp.Integer(self.pick((2, 3)))
        )  # fmt: skip

    def product(self, rows, cols, depth):
        inner = [axis for axis in (ONE, ROWS, COLS) if (axis != ONE or (rows != ONE and cols != ONE))]
        return lambda: self._product(rows, self.pick(inner), cols, depth)

    def _product(self, rows, inner, cols, depth):
        return matmul(self.make(rows, inner, depth - 1), self.make(inner, cols, depth - 1))

    def scale(self, rows, cols, depth):
        return lambda: nodes.Scale(self.make(ONE, ONE, depth - 1), self.make(rows, cols, depth - 1))

    def quotient(self, rows, cols, depth):
        return lambda: divide(
            self.make(rows, cols, depth - 1), self.pick([self.make(ONE, ONE, 0), self.make(rows, cols, depth - 1)])
        )

    def transposed(self, rows, cols, depth):
        return lambda: transpose(self.make(cols, rows, depth - 1))

    def turned(self, rows, cols, depth):
        return self.transposed(rows, cols, depth) if rows == ONE else None

    def power(self, rows, cols, depth):
        exponents = (sp.Integer(2), TIME - K, TIME)
        return (lambda: nodes.Power(self.make(rows, cols, depth - 1), self.pick(exponents))) if rows == cols else None

    def inverse(self, rows, cols, depth):
        square = rows == cols != ONE
        return (lambda: nodes.Inverse(self.make(rows, cols, depth - 1))) if square else None

    def kronecker(self, rows, cols, depth):
        splits = [(i, j) for i in range(len(rows) + 1) for j in range(len(cols) + 1)]
        if not rows and not cols:
            return None
        splits = [(i, j) for i, j in splits if (i, j) not in ((0, 0), (len(rows), len(cols)))]
        return (lambda: self._kronecker(rows, cols, *self.pick(splits), depth)) if splits else None

    def _kronecker(self, rows, cols, i, j, depth):
        return kron(self.make(rows[:i], cols[:j], depth - 1), self.make(rows[i:], cols[j:], depth - 1))

    def convolution(self, rows, cols, depth):
        """A kernel slid over what another one made longer; or two arrays of one size to a number."""
        if rows == cols == ONE:
            return lambda: Convolution(self.pick(SLIDES[:2]), self.make(ROWS, ONE, depth - 1), self.make(ROWS, ONE, 1))
        if max(len(rows), len(cols)) > 1 or not {rows, cols} <= {ONE, ROWS, COLS}:
            return None
        kernel = tuple(axis and COLS for axis in (rows, cols))
        return lambda: self._convolution(rows, cols, kernel, depth)

    def _convolution(self, rows, cols, kernel, depth):
        longer = Convolution(self.pick(SLIDES[2:]), self.make(rows, cols, depth - 1), self.make(*kernel, 0))
        return Convolution(self.pick(SLIDES[:2]), longer, self.make(*kernel, depth - 1))

    def flipped(self, rows, cols, depth):
        return lambda: flip(self.make(rows, cols, depth - 1))

    # --- functions --------------------------------------------------------------------------------------------------

    def elementwise(self, rows, cols, depth):
        functions = (f, f.prime, f.prime.prime, sigma, sigma.prime, *KNOWN, KNOWN[0].prime)
        return lambda: self.pick(functions)(self.make(rows, cols, depth - 1))

    def application(self, rows, cols, depth):
        if (rows, cols) != (ROWS, ONE):
            return None
        return lambda: F(self.make(COLS, ONE, depth - 1), self.make(ROWS, ONE, depth - 1))

    def softmax(self, rows, cols, depth):
        is_vector = (rows == ONE) != (cols == ONE)
        return (lambda: nodes.Softmax(self.make(rows, cols, depth - 1))) if is_vector else None

    def diag(self, rows, cols, depth):
        return (lambda: nodes.Diag(self.make(rows, ONE, depth - 1))) if rows == cols != ONE else None

    def vec(self, rows, cols, depth):
        if len(rows) != 2 or cols != ONE:
            return None
        inner = ((rows[1],), (rows[0],)) if self.conventions.vec == "column" else ((rows[0],), (rows[1],))
        return lambda: nodes.Vec(self.make(*inner, depth - 1), self.conventions.vec)

    def number(self, rows, cols, depth):
        """A number of a matrix: its trace, norm or determinant."""
        if (rows, cols) != (ONE, ONE):
            return None
        kinds = (nodes.Tr, nodes.Norm, lambda one: nodes.Norm(one, "F"), nodes.Det)
        return lambda: self.pick(kinds)(self.make(ROWS, ROWS, depth - 1))

    # --- sums, products, entries ------------------------------------------------------------------------------------

    def time_sum(self, rows, cols, depth):
        spans = ((1, TIME), (K, TIME), (K + 1, T), (1, T))
        return lambda: nodes.TimeSum(self.body(rows, cols, depth), STEP, *self.pick(spans))

    def time_product(self, rows, cols, depth):
        if rows != cols:
            return None
        both = rows != ONE and self.conventions.products == "ascending"
        ways = ("descending", "ascending") if both else ("descending",)
        spans = ((K, TIME - 1), (K + 1, TIME), (1, TIME))
        return lambda: nodes.TimeProduct(self.body(rows, cols, depth), STEP, *self.pick(spans), self.pick(ways))

    def body(self, rows, cols, depth):
        """What stands under a sum or product over steps: its letter is an index there."""
        outside, self.steps = self.steps, (STEP, STEP - 1, *self.steps)
        found = self.make(rows, cols, depth - 1)
        self.steps = outside
        return found

    def component(self, rows, cols, depth):
        if (rows, cols) != (ONE, ONE):
            return None
        places = {ROWS: ROW, COLS: COL, ONE: None}
        inner = [(p, t) for p, t in ((ROWS, ONE), (ROWS, COLS), (ONE, ROWS), (ROWS, ROWS), (COLS, ONE))]
        return lambda: self._component(*self.pick(inner), places, depth)

    def _component(self, rows, cols, places, depth):
        return nodes.Component(self.make(rows, cols, depth - 1), places[rows], places[cols])

    def component_sum(self, rows, cols, depth):
        return lambda: nodes.ComponentSum(
            nodes.Scale(nodes.Component(self.make(ROWS, ONE, 1), ROW, None), self.make(rows, cols, depth - 1)), ROW
        )

    def entries(self, rows, cols, depth):
        """A row or column of a matrix."""
        if rows == ROWS and cols == ONE:
            return lambda: nodes.Entries(nodes.Component(self.make(ROWS, COLS, depth - 1), P, COL), P, None, ROWS, ONE)
        if rows == ONE and cols == ROWS:
            return lambda: nodes.Entries(nodes.Component(self.make(COLS, ROWS, depth - 1), COL, P), None, P, ONE, ROWS)
        return None

    def blocks(self, rows, cols, depth):
        if rows != (N + M,) or cols not in (ONE, ROWS):
            return None
        return lambda: nodes.Blocks(((self.make(ROWS, cols, depth - 1),), (self.make(COLS, cols, depth - 1),)))

    def through_blocks(self, rows, cols, depth):
        """[x; h]ᵀ [y; z]: block matrices inside a formula of a usual size."""
        stacked = (N + M,)
        if (rows, cols) != (ONE, ONE):
            return None
        return lambda: matmul(transpose(self.make(stacked, ONE, depth - 1)), self.make(stacked, ONE, depth - 1))

    def through_vec(self, rows, cols, depth):
        """(B ⊗ A) vec X: Kronecker products, commutations and vec inside a formula of usual size."""
        if len(rows) != 1 or cols != ONE:
            return None
        return lambda: matmul(self.make(rows, (N, M), depth - 1), self.make((N, M), ONE, depth - 1))

    # --- derivatives ------------------------------------------------------------------------------------------------

    def leaf(self, rows, cols):
        """What a derivative may be by: a declared name."""
        members = [one[step] for one in (x, s, net, c, q) for step in (TIME, TIME - 1)]
        return self.pick([one for one in (a, b, A, B, U, W, r, w, *members) if axes(one).plain == (rows, cols)])

    def mode(self, what, by):
        """Immediate where ∂⁺ may say so; a plain ∂ of a member by a parameter is what `partial` says."""
        while isinstance(what, nodes.Vec | sp.Transpose):
            what = what.args[0]
        is_subject = isinstance(what, nodes.Member) and not isinstance(by, nodes.Member)
        return self.pick((self.conventions.partial, "immediate")) if is_subject else "total"

    def jacobian(self, rows, cols, depth):
        if len(rows) != 1 or len(cols) != 1:
            return None
        return lambda: self._jacobian(self.make(rows, ONE, depth - 1), self.leaf(cols, ONE))

    def _jacobian(self, what, by):
        return Jacobian(what, by, self.mode(what, by))

    def by_slot(self, rows, cols, depth):
        if (rows, cols) != (ROWS, ROWS):
            return None
        return lambda: Jacobian(F(self.make(COLS, ONE, depth - 1), self.leaf(ROWS, ONE)), nodes.Slot(2, ROWS, ONE))

    def jacobian_of_vecs(self, rows, cols, depth):
        if len(rows) != 2 or len(cols) != 2:
            return None
        order = self.conventions.vec
        shape = (ROWS, COLS) if (rows == (N, M)) == (order == "row") else (COLS, ROWS)
        other = (ROWS, COLS) if (cols == (N, M)) == (order == "row") else (COLS, ROWS)
        if other == (COLS, ROWS):
            return None
        return lambda: self._of_vecs(self.make(*shape, depth - 1), self.leaf(*other), order)

    def _of_vecs(self, what, by, order):
        return Jacobian(nodes.Vec(what, order), nodes.Vec(by, order), self.mode(what, by))

    def gradient(self, rows, cols, depth):
        if (rows, cols) not in ((ROWS, ONE), (COLS, ONE), (ROWS, ROWS), (ROWS, COLS), (ONE, ROWS), (ONE, ONE)):
            return None
        return lambda: self._gradient(self.make(ONE, ONE, self.pick((0, depth - 1))), self.leaf(rows, cols))

    def _gradient(self, what, by):
        return Gradient(what, by, self.mode(what, by))

    def block_jacobian(self, rows, cols, depth):
        if self.conventions.matrix != "block" or len(rows) != 2 or rows != (N, N) or cols != (N, N):
            return None
        return lambda: self._by_leaf(BlockJacobian, self.make(ROWS, ROWS, depth - 1), self.leaf(ROWS, ROWS))

    def _by_leaf(self, kind, what, by):
        return kind(what, by, self.mode(what, by))

    def collected(self, rows, cols, depth):
        """aᵀ ∂Y/∂X v of 1×1 members."""
        if self.conventions.matrix != "family" or (rows, cols) not in ((ROWS, ROWS), (ROWS, COLS)):
            return None
        return lambda: Collect(
            matmul(
                self.make(ONE, ROWS, 1),
                self._by_leaf(FamilyDerivative, self.make(ROWS, COLS, depth - 1), self.leaf(rows, cols)),
                self.make(COLS, ONE, 1),
            )
        )


LEAVES = (Maker.symbol, Maker.member, Maker.identity, Maker.delta, Maker.loss)
NODES = (
    Maker.sum, Maker.negative, Maker.numbered, Maker.hadamard, Maker.hadamard_power, Maker.product, Maker.scale,
    Maker.quotient, Maker.transposed, Maker.power, Maker.inverse, Maker.kronecker, Maker.elementwise, Maker.application,
    Maker.softmax, Maker.diag, Maker.vec, Maker.number, Maker.time_sum, Maker.time_product, Maker.component,
    Maker.component_sum, Maker.entries, Maker.convolution, Maker.flipped, Maker.blocks, Maker.through_blocks,
    Maker.through_vec, Maker.jacobian,
    Maker.jacobian_of_vecs, Maker.by_slot, Maker.gradient, Maker.block_jacobian,
)  # fmt: skip
SMALLER = (Maker.kronecker, Maker.vec, Maker.blocks, Maker.turned)  # for a shape that no name has: of smaller parts
ONLY_UNDER = {
    way: st.builds(Conventions, **{k: st.sampled_from(v if k != "matrix" else (only,)) for k, v in OPTIONS.items()})
    for way, only in ((Maker.block_jacobian, "block"), (Maker.collected, "family"))
}
