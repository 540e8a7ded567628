"""What each node means: one function for each node type, from the node to a function (scope, steps) → jet.

`docs/language.md` is the meaning; `COMPILE` is the table, one row for each type of `shapes.NODE_TYPES`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct

from derive.language import nodes
from derive.language.convolution import Convolution, Flip
from derive.language.derivatives import BlockJacobian, Collect, FamilyDerivative, Gradient, Jacobian
from derive.language.letters import summed_axis
from derive.language.nodes import Member, split_size
from derive.language.shapes import is_coefficient
from derive.language.show import show
from verify.deciders.prime_field import functions, jets
from verify.deciders.prime_field.applications import of_application
from verify.deciders.prime_field.coefficients import arithmetic, at_steps
from verify.deciders.prime_field.convolution import of_convolution, of_flip
from verify.deciders.prime_field.jets import Axis, Jet, Value
from verify.deciders.prime_field.perturbation import of_block, of_family, of_gradient, of_jacobian
from verify.deciders.prime_field.problems import LimitReached, Unsupported
from verify.deciders.prime_field.scope import Env, Key, Scope, Thunk

if TYPE_CHECKING:  # the compiler calls these functions, and they call it
    from verify.deciders.prime_field.program import Compiler


def of_name(c: Compiler, expr: Any) -> Thunk:
    """A symbol or member: its value in the scope."""
    shape = c.shape(expr)
    name = str(expr.name)
    if isinstance(expr, sp.MatrixSymbol) or not expr.indices:
        fixed: Key = (name, ())
        return lambda scope, env: scope.member(fixed, shape)
    if len(expr.indices) == 1:
        at = arithmetic(expr.time)
        return lambda scope, env: scope.member((name, (at(env),)), shape)
    places = [arithmetic(index) for index in expr.indices]
    return lambda scope, env: scope.member((name, tuple(place(env) for place in places)), shape)


def of_identity(c: Compiler, expr: Any) -> Thunk:
    """I."""
    rows, _ = c.shape(expr)
    return lambda scope, env: {0: scope.run.algebra.identity(rows)}


def of_zero(c: Compiler, expr: Any) -> Thunk:
    """0 has no coefficients."""
    c.shape(expr)
    return lambda scope, env: {}


def of_ones(c: Compiler, expr: Any) -> Thunk:
    """The matrix of ones."""
    rows, cols = c.shape(expr)
    return lambda scope, env: {0: scope.run.algebra.ones(rows, cols)}


def of_commutation(c: Compiler, expr: nodes.Commutation) -> Thunk:
    """K vec(A) = vec(Aᵀ)."""
    c.shape(expr)
    n, m = (split_size(size) for size in expr.args)
    return lambda scope, env: {0: scope.run.algebra.commutation(n, m)}


def of_sum(c: Compiler, expr: Any) -> Thunk:
    """A + B + …."""
    terms = [c(term) for term in expr.args]
    c.shape(expr)

    def run(scope: Scope, env: Env) -> Jet:
        found: Jet = {}
        for term in terms:
            found = jets.add(scope.run.algebra, found, term(scope, env))
        return found

    return run


def of_product(c: Compiler, expr: Any) -> Thunk:
    """c A B …: from the right where the product ends in a column, from the left otherwise."""
    numbers = [at_steps(f, c.limits.bits) for f in expr.args if is_coefficient(f)]
    formulas = [f for f in expr.args if not is_coefficient(f)]
    factors = [c(f) for f in formulas]
    shapes = [c.shape(f) for f in formulas]
    joined = [shape[0] for shape in shapes[1:]]
    from_right = not shapes[-1][1] and bool(shapes[0][0])

    def run(scope: Scope, env: Env) -> Jet:
        algebra = scope.run.algebra
        values = [factor(scope, env) for factor in factors]
        found = _fold(algebra, values, joined, from_right)
        for number in numbers:
            by = number(env)
            found = {mask: algebra.times(by, value) for mask, value in found.items()}
        return found

    return run


def _fold(algebra: jets.Algebra, values: list[Jet], joined: list[Axis], from_right: bool) -> Jet:
    if not all(values):
        return {}
    found = values[-1 if from_right else 0]
    places = range(len(joined) - 1, -1, -1) if from_right else range(len(joined))
    for place in places:
        axis = joined[place]

        def multiply(x: Value, y: Value, axis: Axis = axis) -> Value:
            return algebra.matmul(x, y, axis)

        pair = (values[place], found) if from_right else (found, values[place + 1])
        found = jets.bilinear(algebra, multiply, *pair)
    return found


def _linear(method: str, *more: Any) -> Callable[[Compiler, Any], Thunk]:
    def make(c: Compiler, expr: Any) -> Thunk:
        inner = c(expr.args[0])
        c.shape(expr)

        def run(scope: Scope, env: Env) -> Jet:
            operation = getattr(scope.run.algebra, method)
            return {mask: operation(value) for mask, value in inner(scope, env).items()}

        return run

    return make


of_transpose = _linear("transpose")  # Aᵀ
of_diag = _linear("diag")  # diag(v)
of_collect = _linear("collect")  # back axes become rows and columns


def of_vec(c: Compiler, expr: nodes.Vec) -> Thunk:
    """vec A."""
    inner, order = c(expr.matrix), expr.order
    c.shape(expr)
    return lambda scope, env: jets.linear(lambda a: scope.run.algebra.vec(a, order), inner(scope, env))


def of_trace(c: Compiler, expr: nodes.Tr) -> Thunk:
    """tr A."""
    inner, (axis, _) = c(expr.args[0]), c.shape(expr.args[0])
    return lambda scope, env: jets.linear(lambda a: scope.run.algebra.trace(a, axis), inner(scope, env))


def of_hadamard(c: Compiler, expr: Any) -> Thunk:
    """A ⊙ B ⊙ …."""
    factors = [c(factor) for factor in expr.args]
    rows, cols = c.shape(expr)

    def run(scope: Scope, env: Env) -> Jet:
        algebra = scope.run.algebra
        found = factors[0](scope, env)
        for factor in factors[1:]:
            found = jets.bilinear(algebra, lambda x, y: algebra.hadamard(x, y, rows, cols), found, factor(scope, env))
        return found

    return run


def of_hadamard_power(c: Compiler, expr: Any) -> Thunk:
    """A to a whole power entry by entry; a negative one is a power of the reciprocal."""
    inner, (rows, cols) = c(expr.args[0]), c.shape(expr)
    exponent = _exponent(c, expr.args[1], expr)

    def run(scope: Scope, env: Env) -> Jet:
        algebra, power = scope.run.algebra, exponent(env)
        if power == 0:
            return {0: algebra.ones(rows, cols)}
        value = inner(scope, env)
        if power < 0:
            memo = scope.run.memo(id(run), env)
            value = functions.apply(algebra, "reciprocal", "reciprocal", 0, value, rows, cols, memo)
        found = value
        for _ in range(abs(power) - 1):
            found = jets.bilinear(algebra, lambda x, y: algebra.hadamard(x, y, rows, cols), found, value)
        return found

    return run


def _exponent(c: Compiler, expr: Any, whole: Any) -> Callable[[Env], int]:
    at, limit = arithmetic(sp.sympify(expr)), c.limits.exponent

    def exponent(env: Env) -> int:
        power = at(env)
        if power != int(power):
            raise Unsupported(f"the exponent of {show(whole)} is no integer")
        if abs(power) > limit:
            raise LimitReached(f"the exponent {power}; the limit is {limit}")
        return int(power)

    return exponent


def of_power(c: Compiler, expr: nodes.Power) -> Thunk:
    """A^e, e ≥ 0: a repeated product."""
    inner, (axis, _) = c(expr.base), c.shape(expr)
    exponent = _exponent(c, expr.exponent, expr)

    def run(scope: Scope, env: Env) -> Jet:
        algebra, power = scope.run.algebra, exponent(env)
        if power < 0:
            raise Unsupported(f"the negative power {show(expr)}")
        if power == 0:
            return {0: algebra.identity(axis)}
        return _fold(algebra, [inner(scope, env)] * power, [axis] * (power - 1), False)

    return run


def of_elementwise(c: Compiler, expr: nodes.Elementwise) -> Thunk:
    """f⁽ᵏ⁾(A)."""
    inner, (rows, cols) = c(expr.argument), c.shape(expr)
    kind, name, order = expr.kind, expr.name, expr.order
    if kind != "opaque":
        c.kinds.add(kind)

    return _application(inner, kind, name, order, rows, cols)


def _application(inner: Thunk, kind: str, name: str, order: int, rows: Axis, cols: Axis) -> Thunk:
    def run(scope: Scope, env: Env) -> Jet:
        memo = scope.run.memo(id(run), env)
        return functions.apply(scope.run.algebra, kind, name, order, inner(scope, env), rows, cols, memo)

    return run


def of_slot(c: Compiler, expr: nodes.Slot) -> Thunk:
    """A slot is a place, no value."""
    raise Unsupported("a slot stands below the line of a derivative only")


def of_softmax(c: Compiler, expr: nodes.Softmax) -> Thunk:
    """softmax(z)."""
    inner, (rows, cols) = c(expr.argument), c.shape(expr)
    c.kinds.add("softmax")
    return _application(inner, "softmax", "softmax", 0, rows, cols)


def of_kronecker(c: Compiler, expr: nodes.Kronecker) -> Thunk:
    """A ⊗ B."""
    left, right = (c(factor) for factor in expr.args)
    c.shape(expr)

    def run(scope: Scope, env: Env) -> Jet:
        algebra = scope.run.algebra
        return jets.bilinear(algebra, algebra.kron, left(scope, env), right(scope, env))

    return run


def of_scale(c: Compiler, expr: nodes.Scale) -> Thunk:
    """c A."""
    scalar, matrix = (c(part) for part in expr.args)
    c.shape(expr)

    def run(scope: Scope, env: Env) -> Jet:
        algebra = scope.run.algebra
        return jets.bilinear(algebra, algebra.scale, scalar(scope, env), matrix(scope, env))

    return run


def of_norm(c: Compiler, expr: nodes.Norm) -> Thunk:
    """‖A‖ is analytic."""
    raise Unsupported(f"the norm {show(expr)} is settled by numbers only")


def of_inverse(c: Compiler, expr: Any) -> Thunk:
    """A⁻¹ and det A are no polynomials of bounded degree."""
    raise Unsupported(f"{show(expr)}: a matrix inverse is no contraction network")


def of_time_sum(c: Compiler, expr: nodes.TimeSum) -> Thunk:
    """Σ over steps, term by term; an empty one is 0."""
    body, steps, name = c(expr.body), _range(c, expr), str(expr.index.name)
    c.shape(expr)

    def run(scope: Scope, env: Env) -> Jet:
        found: Jet = {}
        for k in steps(env):
            found = jets.add(scope.run.algebra, found, body(scope, {**env, name: k}))
        return found

    return run


def of_time_product(c: Compiler, expr: nodes.TimeProduct) -> Thunk:
    """Π over steps; descending puts the highest step leftmost; an empty one is I."""
    body, steps, name = c(expr.body), _range(c, expr), str(expr.index.name)
    axis, _ = c.shape(expr)
    is_descending = expr.direction == "descending"

    def run(scope: Scope, env: Env) -> Jet:
        values = [body(scope, {**env, name: k}) for k in steps(env)]
        if not values:
            return {0: scope.run.algebra.identity(axis)}
        values = values[::-1] if is_descending else values
        return _fold(scope.run.algebra, values, [axis] * (len(values) - 1), False)

    return run


def _range(c: Compiler, expr: Any) -> Callable[[Env], range]:
    lo, hi, limit = arithmetic(expr.lo), arithmetic(expr.hi), c.limits.steps

    def steps(env: Env) -> range:
        first, last = int(lo(env)), int(hi(env))
        if last < first - 1:
            raise Unsupported(f"the range {first}..{last} of {show(expr)} is below empty")
        if last - first >= limit:
            raise LimitReached(f"{last - first + 1} steps in one sum or product; the limit is {limit}")
        return range(first, last + 1)

    return steps


def of_component(c: Compiler, expr: nodes.Component) -> Thunk:
    """[A]_ij."""
    inner = c(expr.matrix)
    c.shape(expr.matrix)
    row, col = (None if letter is None else c.letter(letter) for letter in (expr.row, expr.col))
    return lambda scope, env: jets.linear(lambda a: scope.run.algebra.component(a, row, col), inner(scope, env))


def of_delta(c: Compiler, expr: nodes.Delta) -> Thunk:
    """δ_ij."""
    i, j = (c.letter(letter) for letter in expr.args)
    return lambda scope, env: {0: scope.run.algebra.delta(i, j)}


def of_entries(c: Compiler, expr: nodes.Entries) -> Thunk:
    """(a_ij): its letters' axes become rows and columns."""
    c.shape(expr)
    with c.binding(dict(expr.bound)):
        body = c(expr.body)
        row, col = (None if letter is None else c.letter(letter) for letter in (expr.row, expr.col))
    return lambda scope, env: jets.linear(lambda a: scope.run.algebra.entries(a, row, col), body(scope, env))


def of_blocks(c: Compiler, expr: nodes.Blocks) -> Thunk:
    """Claims come here block by block."""
    raise Unsupported(f"the block matrix {show(expr)}")


def of_component_sum(c: Compiler, expr: nodes.ComponentSum) -> Thunk:
    """Σ_i over a component letter."""
    axis = summed_axis(expr)
    if axis is None:
        raise Unsupported(f"nothing says over what {expr.letter} runs in {show(expr)}")
    with c.binding({expr.letter: axis}):
        body, letter = c(expr.body), c.letter(expr.letter)
    c.shape(expr)
    return lambda scope, env: jets.linear(lambda a: scope.run.algebra.component_sum(a, letter), body(scope, env))


COMPILE: dict[type, Callable[[Compiler, Any], Thunk]] = {
    sp.MatrixSymbol: of_name,
    sp.Identity: of_identity,
    sp.ZeroMatrix: of_zero,
    sp.OneMatrix: of_ones,
    sp.MatAdd: of_sum,
    sp.MatMul: of_product,
    sp.Transpose: of_transpose,
    HadamardProduct: of_hadamard,
    HadamardPower: of_hadamard_power,
    Member: of_name,
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
    nodes.Det: of_inverse,
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
