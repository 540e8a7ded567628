"""What each node of the formula language is worth in numbers: one function a node, one table.

`world.value(expr, env)` evaluates a formula; a value's axes are (…, back rows, back columns, rows, columns). Members
come from the world (`worlds`), derivatives from the witness at hand (`derivatives`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, reduce
from math import prod
from operator import add, matmul, mul
from typing import Any

import numpy as np
import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct

from derive.language import nodes
from derive.language.convolution import Convolution, Flip
from derive.language.derivatives import BlockJacobian, Collect, FamilyDerivative, Gradient, Jacobian
from derive.language.functions import signature
from derive.language.letters import summed_axis
from derive.language.shapes import axes
from derive.language.show import show
from derive.language.substitute import free_letters
from verify.oracles import unknowns
from verify.oracles.arithmetic import Array, Bounded, Dual, Number, apply, joined, linear, shape_of, total, value_of
from verify.oracles.convolution import convolved, flipped
from verify.oracles.functions import Known
from verify.oracles.inverses import determinant, inverse
from verify.oracles.letters import Env, integer, number
from verify.oracles.limits import TERMS, OutOfScope, Unsupported, check_size

World = Any  # worlds.World: the table below needs only its methods
EXP, RECIPROCAL, SQRT = "exp", "reciprocal", "sqrt"


def transposed(a: Array) -> Array:
    """Aᵀ of the last two axes."""
    return a.swapaxes(-1, -2)


def flattened(a: Array) -> Array:
    """The entries by rows as a column."""
    return a.reshape(*a.shape[:-2], a.shape[-2] * a.shape[-1], 1)


def of_symbol(world: World, expr: Any, env: Env) -> Number:
    """A parameter, a defined symbol, or a loss."""
    return world.symbol(expr)


def of_member(world: World, expr: nodes.Member, env: Env) -> Number:
    """A member at its indices."""
    return world.member(expr, tuple(integer(i, env) for i in expr.indices))


def of_identity(world: World, expr: Any, env: Env) -> Number:
    """I."""
    check_entries(world, *2 * (integer(expr.shape[0], env),))
    return np.eye(integer(expr.shape[0], env), dtype=int)


def of_zero(world: World, expr: Any, env: Env) -> Number:
    """0."""
    return np.zeros(constant_shape(world, expr, env), dtype=int)


def of_ones(world: World, expr: Any, env: Env) -> Number:
    """The matrix of ones."""
    return np.ones(constant_shape(world, expr, env), dtype=int)


def constant_shape(world: World, expr: Any, env: Env) -> list[int]:
    """Rows and columns of a constant matrix."""
    shape = [integer(size, env) for size in expr.shape]
    check_entries(world, *shape)
    return shape


def check_entries(world: World, *sizes: int) -> None:
    """Raise TooLarge before an array with these axes is made."""
    check_size("entries", prod(sizes), world.entries)


def multiplied(world: World, left: Number, right: Number) -> Number:
    """A B: an outer product has more entries than its factors."""
    one, two = (1, 1, *shape_of(left)), (1, 1, *shape_of(right))
    check_entries(world, *np.broadcast_shapes(one[:-2], two[:-2]), one[-2], two[-1])
    return left @ right


def of_sum(world: World, expr: Any, env: Env) -> Number:
    """A + B."""
    return reduce(add, (world.value(term, env) for term in expr.args))


def of_product(world: World, expr: Any, env: Env) -> Number:
    """c A B: coefficients are numbers, the matrices multiply from the left."""
    factors = [factor for factor in expr.args if getattr(factor, "is_Matrix", False)]
    found = reduce(partial(multiplied, world), (world.value(factor, env) for factor in factors))
    for factor in expr.args:
        if not getattr(factor, "is_Matrix", False):
            found = world.coefficient(number(factor, env)) * found
    return found


def of_transpose(world: World, expr: Any, env: Env) -> Number:
    """Aᵀ, member by member."""
    return linear(transposed, world.value(expr.args[0], env))


def of_hadamard(world: World, expr: Any, env: Env) -> Number:
    """A ⊙ B."""
    return reduce(mul, (world.value(factor, env) for factor in expr.args))


def of_entrywise_power(world: World, expr: Any, env: Env) -> Number:
    """A to an elementwise power: products for whole exponents, roots of squares for halves."""
    base, exponent = world.value(expr.args[0], env), number(expr.args[1], env)
    if (2 * exponent).is_Integer and not exponent.is_Integer:
        base, exponent = world.apply(SQRT, base), 2 * exponent
    if not exponent.is_Integer:
        raise Unsupported(f"the power {exponent}")
    if exponent < 0:
        base, exponent = world.apply(RECIPROCAL, base), -exponent
    check_size("factors", int(exponent), TERMS)
    return reduce(mul, [base] * int(exponent), np.ones((1, 1), dtype=int))


def of_elementwise(world: World, expr: nodes.Elementwise, env: Env) -> Number:
    """f⁽ᵏ⁾ of every entry."""
    function = world.draws.function(expr.name, expr.kind)
    return apply(function, expr.order, world.number(world.value(expr.argument, env)))


def of_application(world: World, expr: nodes.Application, env: Env) -> Number:
    """F(a, b, …); inside a derivative by a slot the varied argument has another value than it is computed to have."""
    places = range(1, len(expr.arguments) + 1)
    arguments = [
        given if (given := world.given.get(slot_key(expr, place, env))) is not None else world.value(argument, env)
        for place, argument in zip(places, expr.arguments, strict=True)
    ]
    rows, cols = constant_shape(world, expr, env)
    return unknowns.value(signature(expr), world.draws, arguments, rows, cols)


def slot_key(expr: nodes.Application, place: int, env: Env) -> Any:
    """What stands for a slot of an application where it is varied: the application, the slot, the letters' values."""
    letters = sorted(free_letters(expr), key=lambda letter: str(letter.name))
    return f"slot {place} of {show(expr)}", tuple(env.get(letter, 0) for letter in letters)


def of_slot(world: World, expr: nodes.Slot, env: Env) -> Number:
    """A slot is a place, no value."""
    raise Unsupported("a slot stands below the line of a derivative only")


def of_softmax(world: World, expr: nodes.Softmax, env: Env) -> Number:
    """exp(z) / Σ exp(z)."""
    e = world.apply(EXP, world.value(expr.argument, env))
    return e * world.apply(RECIPROCAL, total(e, -2, -1))


def of_diag(world: World, expr: nodes.Diag, env: Env) -> Number:
    """diag(v): v along the rows, zero off the diagonal."""

    def spread(a: Array) -> Array:
        return flattened(a) * np.eye(a.shape[-2] * a.shape[-1], dtype=int)

    vector = world.value(expr.vector, env)
    check_entries(world, *shape_of(vector), *shape_of(vector)[-2:])
    return linear(spread, vector)


def of_vec(world: World, expr: nodes.Vec, env: Env) -> Number:
    """vec A: by columns the rows of Aᵀ, one after the other."""
    inner = world.value(expr.matrix, env)
    return linear(flattened, linear(transposed, inner) if expr.order == "column" else inner)


def of_commutation(world: World, expr: nodes.Commutation, env: Env) -> Number:
    """K vec A = vec Aᵀ: row i m + j picks A_ij, which stands at j n + i in vec A."""
    n, m = (integer(size, env) for size in expr.args)
    check_entries(world, n * m, n * m)
    found = np.zeros((n * m, n * m), dtype=int)
    for i in range(n):
        for j in range(m):
            found[i * m + j, j * n + i] = 1
    return found


def of_kronecker(world: World, expr: nodes.Kronecker, env: Env) -> Number:
    """(A ⊗ B)_{(i,k),(j,l)} = a_ij b_kl."""
    left, right = (world.value(factor, env) for factor in expr.args)
    one, two = (1, 1, *shape_of(left)), (1, 1, *shape_of(right))
    check_entries(world, *np.broadcast_shapes(one[:-2], two[:-2]), *one[-2:], *two[-2:])
    blocks = linear(lambda a: a[..., :, None, :, None], left) * linear(lambda b: b[..., None, :, None, :], right)
    return linear(lambda c: c.reshape(*c.shape[:-4], c.shape[-4] * c.shape[-3], c.shape[-2] * c.shape[-1]), blocks)


def of_scale(world: World, expr: nodes.Scale, env: Env) -> Number:
    """c A."""
    return world.value(expr.scalar, env) * world.value(expr.matrix, env)


def of_trace(world: World, expr: nodes.Tr, env: Env) -> Number:
    """Σ_i a_ii."""
    diagonal = linear(lambda a: np.diagonal(a, axis1=-2, axis2=-1)[..., None], world.value(expr.args[0], env))
    return total(diagonal, -2)


def of_norm(world: World, expr: nodes.Norm, env: Env) -> Number:
    """‖A‖: the root of the sum of squares; spectral for matrices of kind 2."""
    inner = world.number(world.value(expr.matrix, env))
    if expr.kind == "F" or 1 in value_of(inner).shape[-2:]:
        return world.apply(SQRT, total(inner * inner, -2, -1))
    return _spectral(inner)


def _spectral(matrix: Number) -> Number:
    """The largest singular value; it moves by at most ‖δA‖ (Weyl), and LAPACK's own error is a few n u ‖A‖."""
    if isinstance(matrix, Dual) or value_of(matrix).dtype.kind != "f":
        raise Unsupported("the derivative, or the exact value, of a spectral norm")
    found = np.linalg.norm(value_of(matrix), 2, axis=(-2, -1), keepdims=True)
    if not isinstance(matrix, Bounded):
        return found
    own = 8 * 2.0**-53 * sum(matrix.value.shape[-2:]) * found
    moved = 0.0 if matrix.error is None else np.linalg.norm(matrix.error, "fro", axis=(-2, -1), keepdims=True)
    return Bounded(found, found, own + moved)


def of_inverse(world: World, expr: nodes.Inverse, env: Env) -> Number:
    """A⁻¹ where it exists."""
    return inverse(world.number(world.value(expr.matrix, env)))


def of_det(world: World, expr: nodes.Det, env: Env) -> Number:
    """det A."""
    return determinant(world.number(world.value(expr.matrix, env)))


def of_power(world: World, expr: nodes.Power, env: Env) -> Number:
    """A^e."""
    base, exponent = world.value(expr.base, env), integer(expr.exponent, env)
    if exponent < 0:
        raise OutOfScope(f"the power {exponent}")
    check_size("factors", exponent, TERMS)
    one = np.eye(value_of(base).shape[-1], dtype=int)
    return reduce(matmul, [base] * exponent) if exponent else one


def of_time_sum(world: World, expr: nodes.TimeSum, env: Env) -> Number:
    """Σ_k; an empty range gives 0."""
    terms = [world.value(expr.body, inner) for inner in steps(expr, env)]
    return reduce(add, terms) if terms else zeros(expr.body, env)


def of_time_product(world: World, expr: nodes.TimeProduct, env: Env) -> Number:
    """Π_k; descending puts the highest step leftmost; an empty range gives I."""
    factors = [world.value(expr.body, inner) for inner in steps(expr, env)]
    if expr.direction == "descending":
        factors.reverse()
    return reduce(matmul, factors) if factors else np.eye(integer(expr.shape[0], env), dtype=int)


def steps(expr: Any, env: Env) -> list[dict[sp.Symbol, int]]:
    """The environments of a sum's or product's terms, the lowest step first."""
    lo, hi = integer(expr.lo, env), integer(expr.hi, env)
    if hi < lo - 1:
        raise OutOfScope(f"a range from {lo} to {hi}")
    check_size("steps", hi - lo + 1, TERMS)
    return [{**env, expr.index: k} for k in range(lo, hi + 1)]


def zeros(body: Any, env: Env) -> Number:
    """0 with the axes of a formula, back axes included."""
    shape = axes(body)
    sides = [*(shape.back or ((), ())), shape.rows, shape.cols]
    return np.zeros([int(np.prod([integer(s, env) for s in side], dtype=int)) for side in sides], dtype=int)


def of_component(world: World, expr: nodes.Component, env: Env) -> Number:
    """[A]_ij at the letters' values."""
    i, j = (0 if letter is None else integer(letter, env) for letter in (expr.row, expr.col))
    return linear(lambda a: a[..., i : i + 1, j : j + 1], world.value(expr.matrix, env))


def of_delta(world: World, expr: nodes.Delta, env: Env) -> Number:
    """δ_ij."""
    i, j = (integer(letter, env) for letter in expr.args)
    return np.full((1, 1), int(i == j))


def of_entries(world: World, expr: nodes.Entries, env: Env) -> Number:
    """Every entry by itself, at its letters' values."""
    rows, cols = (integer(size, env) for size in expr.shape)
    check_entries(world, rows, cols)

    def entry(i: int, j: int) -> Number:
        letters = {letter: at for letter, at in ((expr.row, i), (expr.col, j)) if letter is not None}
        return world.value(expr.body, {**env, **letters})

    return joined([joined([entry(i, j) for j in range(cols)], -1) for i in range(rows)], -2)


def of_blocks(world: World, expr: nodes.Blocks, env: Env) -> Number:
    """The blocks side by side, each of its full size."""
    check_entries(world, *(integer(size, env) for size in expr.shape))

    def full(block: Any) -> Number:
        shape = [integer(size, env) for size in block.shape]
        return linear(lambda a: np.broadcast_to(a, (*a.shape[:-2], *shape)), world.value(block, env))

    return joined([joined([full(block) for block in row], -1) for row in expr.rows_of_blocks], -2)


def of_convolution(world: World, expr: Convolution, env: Env) -> Number:
    """A kernel slid over an input."""
    source, kernel = (world.value(part, env) for part in (expr.source, expr.kernel))
    check_entries(world, *shape_of(source), *shape_of(kernel)[-2:])
    return convolved(expr, source, kernel)


def of_flip(world: World, expr: Flip, env: Env) -> Number:
    """The entries in reverse order."""
    return linear(flipped, world.value(expr.matrix, env))


def of_component_sum(world: World, expr: nodes.ComponentSum, env: Env) -> Number:
    """Σ_i over all values of the letter."""
    axis = summed_axis(expr)
    if axis is None:
        raise Unsupported(f"the range of the letter {expr.letter}")
    values = range(prod(integer(size, env) for size in axis))
    return reduce(add, (world.value(expr.body, {**env, expr.letter: i}) for i in values))


def of_derivative(world: World, expr: Any, env: Env) -> Number:
    """A derivative: the world knows by which witness."""
    return world.derivative(expr, env)


def of_collect(world: World, expr: Collect, env: Env) -> Number:
    """The back axes become the rows and columns."""
    return linear(lambda a: a[..., 0, 0][..., None, None, :, :], world.value(expr.family, env))


VALUES: dict[type, Callable[[World, Any, Env], Number]] = {
    sp.MatrixSymbol: of_symbol,
    sp.Identity: of_identity,
    sp.ZeroMatrix: of_zero,
    sp.OneMatrix: of_ones,
    sp.MatAdd: of_sum,
    sp.MatMul: of_product,
    sp.Transpose: of_transpose,
    HadamardProduct: of_hadamard,
    HadamardPower: of_entrywise_power,
    nodes.Member: of_member,
    nodes.Elementwise: of_elementwise,
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
    Jacobian: of_derivative,
    Gradient: of_derivative,
    BlockJacobian: of_derivative,
    FamilyDerivative: of_derivative,
    Collect: of_collect,
}


def known(kind: str) -> Known:
    """A known function by its kind."""
    return Known(kind)
