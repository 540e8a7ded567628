"""The value of a formula on concrete arrays: each formula becomes one closure over NumPy, made once.

Columns are (B, n, 1), one for each sample; parameters (n, m); a formula's axes for the batch are in front. Only the
nodes that backpropagation writes are here; another one raises `Unsupported`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, reduce
from operator import add, mul
from typing import Any, Protocol

import numpy as np
import sympy as sp
from numpy.typing import NDArray
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct

from derive.language import nodes
from derive.language.shapes import is_coefficient
from derive.language.show import show
from verify.reference.activations import ACTIVATIONS, softmax

Array = NDArray[Any]
Env = Mapping[Any, int]


class Unsupported(Exception):
    """A node, or a derivative of a function, that is not evaluated here."""


class Absent(Exception):
    """A member at a step at which it does not exist."""


class Values(Protocol):
    """What a formula is evaluated in. Arrays are NumPy's, or numbers that carry their errors (`running`)."""

    def symbol(self, name: str) -> Array: ...
    def member(self, name: str, step: int) -> Array: ...


Compiled = Callable[[Values, Env], Array]


@lru_cache(maxsize=65536)
def compiled(expr: Any) -> Compiled:
    """The closure of a formula. Raises Unsupported."""
    for kind, build in BUILDERS.items():
        if isinstance(expr, kind):
            return build(expr)
    raise Unsupported(f"{type(expr).__name__}: {show(expr)}")


def of_symbol(expr: Any) -> Compiled:
    """A parameter."""
    name = str(expr.name)
    return lambda values, env: values.symbol(name)


def of_member(expr: nodes.Member) -> Compiled:
    """A member at its step."""
    name = expr.name
    if not expr.indices:
        return lambda values, env: values.symbol(name)
    if len(expr.indices) > 1:
        raise Unsupported(f"a family with two indices: {show(expr)}")
    letters, constant = _affine(expr.time)
    if len(letters) == 1 and letters[0][1] == 1:
        letter = letters[0][0]
        return lambda values, env: values.member(name, env[letter] + constant)
    return lambda values, env: values.member(name, constant + sum(c * env[letter] for letter, c in letters))


def _affine(index: Any) -> tuple[list[tuple[Any, int]], int]:
    """An index as Σ c_i letter_i + constant."""
    found = sp.sympify(index).as_coefficients_dict()
    return [(letter, int(c)) for letter, c in found.items() if letter != 1], int(found.get(sp.S.One, 0))


def number(expr: Any, env: Env) -> float:
    """A coefficient, or an index, at the letters' values."""
    if expr in env:
        return env[expr]
    found = expr.xreplace({letter: sp.Integer(at) for letter, at in env.items()})
    if found.free_symbols:
        raise Unsupported(f"the size {expr}")
    return float(found)


def of_constant(expr: Any) -> Compiled:
    """Zeros, ones or I at the sizes' values."""
    rows, cols = expr.shape
    if isinstance(expr, sp.Identity):
        return lambda values, env: np.eye(int(number(rows, env)))
    value = 1.0 if isinstance(expr, sp.OneMatrix) else 0.0
    return lambda values, env: np.full((int(number(rows, env)), int(number(cols, env))), value)


def of_sum(expr: Any) -> Compiled:
    """A + B."""
    parts = [compiled(arg) for arg in expr.args]
    return lambda values, env: reduce(add, (part(values, env) for part in parts))


def of_hadamard(expr: Any) -> Compiled:
    """A ⊙ B."""
    parts = [compiled(arg) for arg in expr.args]
    return lambda values, env: reduce(mul, (part(values, env) for part in parts))


def of_power(expr: Any) -> Compiled:
    """A to an elementwise whole power."""
    if not expr.args[1].is_Integer:
        raise Unsupported(f"the power {expr.args[1]}")
    inner, exponent = compiled(expr.args[0]), int(expr.args[1])
    return lambda values, env: inner(values, env) ** exponent


def of_product(expr: Any) -> Compiled:
    """c A B v, from the right: what stands last is a column as a rule, and diag(u) v is u ⊙ v."""
    scalars = [factor for factor in expr.args if is_coefficient(factor)]
    matrices = [factor for factor in expr.args if not is_coefficient(factor)]
    last = compiled(matrices[-1])
    front = [
        (True, compiled(factor.vector)) if isinstance(factor, nodes.Diag) else (False, compiled(factor))
        for factor in reversed(matrices[:-1])
    ]
    coefficient = sp.Mul(*scalars)
    fixed = float(coefficient) if coefficient.is_number else None

    def run(values: Values, env: Env) -> Array:
        found = last(values, env)
        for is_diagonal, factor in front:
            found = factor(values, env) * found if is_diagonal else factor(values, env) @ found
        if scalars:
            c = number(coefficient, env) if fixed is None else fixed
            found = c * found
        return found

    return run


def of_transpose(expr: Any) -> Compiled:
    """Aᵀ, sample by sample."""
    inner = compiled(expr.args[0])
    return lambda values, env: inner(values, env).swapaxes(-1, -2)


def of_diag(expr: nodes.Diag) -> Compiled:
    """diag(v)."""
    inner = compiled(expr.vector)

    def run(values: Values, env: Env) -> Array:
        vector = inner(values, env)
        return vector * np.eye(vector.shape[-2])

    return run


def of_scale(expr: nodes.Scale) -> Compiled:
    """c A for a 1×1 formula c."""
    scalar, matrix = compiled(expr.scalar), compiled(expr.matrix)
    return lambda values, env: scalar(values, env) * matrix(values, env)


def of_elementwise(expr: nodes.Elementwise) -> Compiled:
    """f or f' entry by entry."""
    function, inner = _function(expr.kind, expr.order), compiled(expr.argument)
    return lambda values, env: function(inner(values, env))


def _function(kind: str, order: int) -> Callable[[Array], Array]:
    if (kind, order) in _FUNCTIONS:
        return _FUNCTIONS[kind, order]
    if kind not in ACTIVATIONS or order > 1:
        raise Unsupported(f"the derivative of order {order} of the function {kind}")
    activation = ACTIVATIONS[kind]
    return activation.value if order == 0 else lambda z: activation.pull(z, np.ones_like(z))


_FUNCTIONS: dict[tuple[str, int], Callable[[Array], Array]] = {
    ("exp", 0): np.exp,
    ("log", 0): np.log,
    ("reciprocal", 0): lambda z: 1 / z,
    ("sqrt", 0): np.sqrt,
}


def of_softmax(expr: nodes.Softmax) -> Compiled:
    """softmax of a column."""
    inner = compiled(expr.argument)
    return lambda values, env: softmax(inner(values, env)[..., 0])[..., None]


def of_time_sum(expr: nodes.TimeSum) -> Compiled:
    """Σ_k over the steps."""
    body, letter, lo, hi = compiled(expr.body), expr.index, expr.lo, expr.hi

    def run(values: Values, env: Env) -> Array:
        steps = range(int(number(lo, env)), int(number(hi, env)) + 1)
        terms = []
        for k in steps:
            try:
                terms.append(body(values, {**env, letter: k}))
            except Absent:
                continue
        return reduce(add, terms) if terms else np.zeros((1, 1))

    return run


BUILDERS: dict[Any, Callable[[Any], Compiled]] = {
    sp.MatrixSymbol: of_symbol,
    nodes.Member: of_member,
    sp.OneMatrix: of_constant,
    sp.ZeroMatrix: of_constant,
    sp.Identity: of_constant,
    sp.MatAdd: of_sum,
    HadamardProduct: of_hadamard,
    HadamardPower: of_power,
    sp.MatMul: of_product,
    sp.Transpose: of_transpose,
    nodes.Diag: of_diag,
    nodes.Scale: of_scale,
    nodes.Elementwise: of_elementwise,
    nodes.Softmax: of_softmax,
    nodes.TimeSum: of_time_sum,
}
