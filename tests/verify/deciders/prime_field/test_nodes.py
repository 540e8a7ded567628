"""Every node of the language against its own formula in plain NumPy, over the rationals."""

import numpy as np
import pytest
import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardPower

from derive.language import nodes
from derive.language.build import diag, hadamard, kron, matadd, matmul, sequence, transpose, vec
from derive.language.derivatives import BlockJacobian, Collect, FamilyDerivative, Gradient, Jacobian
from derive.language.functions import elementwise
from derive.language.nodes import Commutation, Component, ComponentSum, Delta, Power, Scale, TimeProduct, TimeSum, Tr
from derive.language.shapes import NODE_TYPES
from derive.model import Model, Time
from verify.claim import Claim
from verify.deciders.prime_field.arrays import Arrays, ndim
from verify.deciders.prime_field.decide import sides_of
from verify.deciders.prime_field.exact import Rationals
from verify.deciders.prime_field.limits import Limits
from verify.deciders.prime_field.meaning import COMPILE
from verify.deciders.prime_field.program import Compiler
from verify.deciders.prime_field.scope import Run

n, m = sp.symbols("n m", integer=True, positive=True)
i, j, k, t = sp.symbols("i j k t", integer=True)
A, B, X = sp.MatrixSymbol("A", n, n), sp.MatrixSymbol("B", n, n), sp.MatrixSymbol("X", n, m)
u, v, c = sp.MatrixSymbol("u", n, 1), sp.MatrixSymbol("v", n, 1), sp.MatrixSymbol("c", 1, 1)
s, G = sequence("s", n), sequence("G", n, n)
STATIC = Model({}, time=Time(1, sp.Integer(3)))
SIZES = {"n": 3, "m": 2}


def value(expr, *wanted, model=STATIC, times=()):
    """The formula's entries (with letters and back axes first), and the values of the inputs by label."""
    program = Compiler(Claim(expr, expr, model), Limits()).program()
    field = Rationals(ndim(len(program.letters)), seed=5)
    run = Run(program.system, Arrays(field, SIZES, program.letters, 10**7), dict(times))
    left, _ = sides_of(program, run)
    inputs = []
    for name in wanted:
        array = run.inputs[name]
        inputs.append(array.reshape(array.shape[-2:]))
    return np.squeeze(left), *inputs


def test_every_node_type_has_a_row():
    assert set(COMPILE) == set(NODE_TYPES)


PLAIN = [
    (matmul(A, B), lambda a, b: a @ b),
    (matmul(2, A, transpose(B)), lambda a, b: 2 * a @ b.T),
    (matmul(n, A, B, A), lambda a, b: 3 * a @ b @ a),
    (matadd(A, matmul(-1, B)), lambda a, b: a - b),
    (hadamard(A, B, A), lambda a, b: a * b * a),
    (HadamardPower(matadd(A, B), 3), lambda a, b: (a + b) ** 3),
    (kron(A, B), lambda a, b: np.kron(a, b)),
    (vec(matmul(A, B)), lambda a, b: (a @ b).T.reshape(-1)),
    (vec(matmul(A, B), "row"), lambda a, b: (a @ b).reshape(-1)),
    (Tr(matmul(A, B)), lambda a, b: np.trace(a @ b)),
    (Scale(Tr(A), B), lambda a, b: np.trace(a) * b),
    (Power(matadd(A, B), 3), lambda a, b: (a + b) @ (a + b) @ (a + b)),
    (matadd(Power(A, 0), B), lambda b: np.eye(3) + b),
    (matadd(matmul(A, B), sp.Identity(n)), lambda a, b: a @ b + np.eye(3)),
    (matmul(A, B, sp.OneMatrix(n, m)), lambda a, b: a @ b @ np.ones((3, 2))),
    (matadd(hadamard(A, B), sp.ZeroMatrix(n, n)), lambda a, b: a * b),
]


@pytest.mark.parametrize(("expr", "expected"), PLAIN, ids=lambda part: str(part) if isinstance(part, sp.Basic) else "")
def test_matrix_operations(expr, expected):
    used = sorted({str(a.name) for a in expr.atoms(sp.MatrixSymbol)})[-expected.__code__.co_argcount :]
    found, *inputs = value(expr, *used)
    assert np.array_equal(found, expected(*inputs))


def test_diag_and_commutation():
    found, vector = value(diag(transpose(u)), "u")
    assert (found == np.diag(vector[:, 0])).all()
    found, matrix = value(matmul(Commutation(n, m), vec(X)), "X")
    assert (found == matrix.reshape(-1)).all()  # vec(Xᵀ) by columns lists X by rows


def test_components_and_their_sums():
    found, a = value(Component(A, i, j), "A")
    assert (found == a).all()
    found, a = value(Component(A, i, i), "A")
    assert (found == np.diag(a)).all()
    found, a = value(ComponentSum(Component(A, i, j), i), "A")
    assert (found == a.sum(axis=0)).all()
    found, a = value(ComponentSum(Scale(Delta(i, j), Component(A, i, j)), j), "A")
    assert (found == np.diag(a)).all()
    found, a = value(Component(Scale(Component(A, i, j), A), j, i), "A")
    assert (found == a * a.T).all()
    found, a = value(ComponentSum(Component(A, i, j), j), "A")
    assert (found == a.sum(axis=1)).all()


def test_sums_and_products_over_time():
    found, one, two, three = value(TimeProduct(G[k], k, 1, 3, "descending"), "G@1", "G@2", "G@3")
    assert (found == three @ two @ one).all()
    found, one, two, three = value(TimeProduct(G[k], k, 1, 3, "ascending"), "G@1", "G@2", "G@3")
    assert (found == one @ two @ three).all()
    found, one, two = value(TimeSum(matmul(k, G[k]), k, 1, 2), "G@1", "G@2")
    assert (found == one + 2 * two).all()
    assert (value(TimeProduct(G[k], k, 1, 0, "ascending"))[0] == np.eye(3)).all()
    assert (value(matadd(A, TimeSum(G[k], k, 1, 0)), "A")[0] == value(A, "A")[1]).all()


def test_layouts_of_derivatives():
    """∂(A u)/∂u = A, ∂(uᵀ A v)/∂A = u vᵀ, blocks and families by their definition."""
    found, a = value(Jacobian(matmul(A, u), u), "A")
    assert (found == a).all()
    found, x, y = value(Gradient(matmul(transpose(u), A, v), A), "u", "v")
    assert (found == x @ y.T).all()
    found, a = value(Jacobian(vec(matmul(A, X)), vec(X)), "A")
    assert (found == np.kron(np.eye(2), a)).all()
    found, a = value(Jacobian(vec(matmul(A, X), "row"), vec(X, "row")), "A")
    assert (found == np.kron(a, np.eye(2))).all()
    found, x = value(BlockJacobian(matmul(A, X), A), "X")
    unit = np.eye(3)
    blocks = [[np.outer(unit[p], unit[q]) @ x for q in range(3)] for p in range(3)]
    assert (found == np.block(blocks)).all()
    found, x = value(FamilyDerivative(matmul(A, X), A), "X")
    assert all((found[p, q] == blocks[p][q]).all() for p in range(3) for q in range(3))
    found, x, y = value(Collect(matmul(transpose(u), FamilyDerivative(A, A), v)), "u", "v")
    assert (found == x @ y.T).all()


def test_a_known_function_by_its_definition():
    relu = elementwise("r", "relu")
    found, a = value(relu(matadd(A, A)), "A")
    assert (found == np.maximum(2 * a, 0)).all()
    found, a = value(relu.prime(A), "A")
    assert (found == (a > 0)).all()
    found, a = value(nodes.Elementwise("q", "reciprocal", 1, A), "A")
    assert (found * a * a == -1).all()


def test_nested_derivatives_commute():
    """∂²(uᵀ A v)/∂u∂v is A, in either order."""
    form = matmul(transpose(u), A, v)
    found, a = value(Jacobian(transpose(Jacobian(form, u)), v), "A")
    assert (found == a).all()
    found, a = value(Jacobian(transpose(Jacobian(form, v)), u), "A")
    assert (found == a.T).all()
