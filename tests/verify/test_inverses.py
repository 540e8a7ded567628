"""Inverses, determinants and orthogonal tensors: by numbers alone, at most tested; slips are refuted; bounds hold."""

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

from derive.errors import RuleError, ShapeError
from derive.language.build import matadd, matmul, sequence, squared_norm, transpose
from derive.language.derivatives import Gradient, Jacobian
from derive.language.nodes import Det, Diag, Inverse, Norm, Power, Scale, Tr
from derive.language.shapes import axes
from derive.language.show import show
from derive.latex import latex
from derive.model import Loss, Model, Time
from verify.check import settle
from verify.claim import Assumption, Claim
from verify.deciders import normal_form, prime_field
from verify.limits import Effort
from verify.oracles.arithmetic import Bounded, bounded
from verify.oracles.inverses import determinant, inverse
from verify.oracles.limits import OutOfScope

n, m = sp.symbols("n m", integer=True, positive=True)
t = sp.Symbol("t", integer=True)
A, B, Q = (sp.MatrixSymbol(name, n, n) for name in "ABQ")
X = sp.MatrixSymbol("X", n, m)
u, v = sp.MatrixSymbol("u", n, 1), sp.MatrixSymbol("v", n, 1)
I = sp.Identity(n)  # noqa: E741
STATIC = Model({}, time=Time(1, t))
EFFORT = Effort(examples=12)
INVERTIBLE = (Assumption("invertible", A), Assumption("invertible", B))
ORTHOGONAL = (Assumption("orthogonal", Q),)

# x solves A x = v in each step
y, x = sequence("y", n), sequence("x", n)
SOLVED = Model({y[t]: matmul(Inverse(A), x[t])}, loss=Loss.last(y), time=Time(1, t))

LAWS = {
    "A times its inverse": (matmul(A, Inverse(A)), I, INVERTIBLE),
    "a generic A": (matmul(Inverse(A), A), I, ()),
    "of a product": (Inverse(matmul(A, B)), matmul(Inverse(B), Inverse(A)), INVERTIBLE),
    "of a transpose": (Inverse(transpose(A)), transpose(Inverse(A)), INVERTIBLE),
    "of the inverse": (Inverse(Inverse(A)), A, INVERTIBLE),
    "det of a product": (Det(matmul(A, B)), matmul(Det(A), Det(B)), ()),
    "det of an inverse": (matmul(Det(Inverse(A)), Det(A)), sp.OneMatrix(1, 1), INVERTIBLE),
    "det of rank one": (Det(matadd(I, matmul(u, transpose(v)))),
                        matadd(sp.OneMatrix(1, 1), matmul(transpose(v), u)), ()),
    "gradient of det": (Gradient(Det(A), A), Scale(Det(A), transpose(Inverse(A))), INVERTIBLE),
    "gradient through an inverse": (
        Gradient(matmul(transpose(u), Inverse(A), v), A),
        matmul(-1, transpose(Inverse(A)), u, transpose(v), transpose(Inverse(A))), INVERTIBLE),
    "Jacobian of a solution": (Jacobian(matmul(Inverse(A), v), v), Inverse(A), INVERTIBLE),
    "orthogonal": (matmul(transpose(Q), Q), I, ORTHOGONAL),
    "an orthogonal inverse": (Inverse(Q), transpose(Q), ORTHOGONAL),
    "a symmetric inverse": (Inverse(A), transpose(Inverse(A)), (Assumption("symmetric", A), *INVERTIBLE)),
}  # fmt: skip

SLIPS = {
    "the order": (Inverse(matmul(A, B)), matmul(Inverse(A), Inverse(B)), INVERTIBLE),
    "not transposed": (Inverse(A), transpose(Inverse(A)), INVERTIBLE),
    "det of a sum": (Det(matadd(A, B)), matadd(Det(A), Det(B)), ()),
    "gradient of det": (Gradient(Det(A), A), Scale(Det(A), Inverse(A)), INVERTIBLE),
    "a sign": (Gradient(matmul(transpose(u), Inverse(A), v), A),
               matmul(transpose(Inverse(A)), u, transpose(v), transpose(Inverse(A))), INVERTIBLE),
    "true at n = 3 only": (Inverse(matadd(matmul(sp.OneMatrix(n, 1), sp.OneMatrix(1, n)), matmul(-1, I))),
                           matadd(matmul(sp.Rational(1, 2), sp.OneMatrix(n, n)), matmul(-1, I)), ()),
    "not orthogonal": (matmul(transpose(A), A), I, ORTHOGONAL),
    "orthogonal is not symmetric": (Q, transpose(Q), ORTHOGONAL),
}  # fmt: skip


@pytest.mark.parametrize("name", LAWS)
def test_a_law_is_tested_and_never_proved(name):
    left, right, assumptions = LAWS[name]
    verdict = settle(Claim(left, right, STATIC, assumptions=assumptions), EFFORT)
    assert verdict.verdict == "tested", (verdict.message, verdict.witnesses)
    assert sum(outcome.outcome == "equal" for outcome in verdict.witnesses) >= 3


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_is_refuted_by_two_witnesses(name):
    left, right, assumptions = SLIPS[name]
    verdict = settle(Claim(left, right, STATIC, assumptions=assumptions), EFFORT)
    assert verdict.verdict == "refuted", (verdict.message, verdict.witnesses)
    assert sum(outcome.outcome == "differ" for outcome in verdict.witnesses) >= 2


def test_an_inverse_in_the_model():
    """The claim writes none, and still no decider is asked."""
    E, delta = SOLVED.losses[0].symbol, transpose(Inverse(A))
    right = matmul(delta, Gradient(E, y[t]))
    assert settle(Claim(Gradient(E, x[t]), right, SOLVED, assumptions=INVERTIBLE[:1]), EFFORT).verdict == "tested"
    assert settle(Claim(y[t], matmul(A, x[t]), SOLVED), EFFORT).verdict == "refuted"


def test_the_deciders_say_why_they_do_not():
    claim = Claim(matmul(A, Inverse(A)), I, STATIC)
    for outcome in (prime_field.decide_at(claim, {}), normal_form.decide_at(claim, {})):
        assert outcome.outcome == "unknown"
        assert "a matrix inverse is no contraction network" in outcome.detail


def test_assumptions_are_told():
    claim = Claim(matmul(A, Inverse(A)), I, STATIC, assumptions=(*INVERTIBLE[:1], *ORTHOGONAL))
    assert settle(claim, EFFORT).assumptions == ("A is invertible", "Qᵀ Q = I")


def test_an_orthogonal_tensor_elsewhere_leaves_the_deciders_at_work():
    assert settle(Claim(matmul(A, v), matmul(A, v), STATIC, assumptions=ORTHOGONAL), EFFORT).verdict == "proved"


# --- the arithmetic ------------------------------------------------------------------------------------------------


def exact(matrix):
    return sp.Matrix(matrix.shape[0], matrix.shape[1], [sp.Rational(Fraction(float(entry))) for entry in matrix.flat])


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7])
@pytest.mark.parametrize("moved", [0.0, 1e-10])
def test_error_bounds_hold(size, moved):
    """Against exact rationals of entries that are off by as much as is allowed."""
    random = np.random.default_rng(size)
    for _ in range(5):
        a = random.uniform(-1, 1, (size, size))
        true = a + moved * random.choice([-1, 1], a.shape)
        given = Bounded(a, None, np.full_like(a, 1.001 * moved))
        for found, right in (
            (inverse(given), exact(true).inv()),
            (determinant(given), sp.Matrix([[exact(true).det()]])),
        ):
            off = np.abs(np.array((exact(found.value) - right).tolist(), dtype=float))
            assert (off <= found.error).all()
            assert (found.error <= 1e8 * (moved + 1e-15) * (1 + np.abs(found.value).max()) ** 2).all()


def test_a_singular_matrix_is_out_of_scope_and_its_determinant_is_not():
    singular = np.ones((2, 2))
    with pytest.raises(OutOfScope):
        inverse(bounded(singular))
    found = determinant(bounded(singular))
    assert abs(found.value[0, 0]) <= found.error[0, 0] <= 1e-13


def test_a_nearly_singular_matrix_bounds_nothing():
    a = np.array([[1.0, 1.0], [1.0, 1.0 + 2.0**-52]])
    assert np.isinf(inverse(bounded(a)).error).all()


@pytest.mark.parametrize("formula", [Inverse(X), Det(X), Det(v)])
def test_only_square_matrices(formula):
    with pytest.raises(ShapeError, match="square"):
        axes(formula)


def test_texts():
    assert latex(Inverse(A)) == "A^{-1}"
    assert latex(Inverse(matmul(A, B))) == r"\left(A B\right)^{-1}"
    assert latex(Det(A)) == r"\det\left(A\right)"
    assert (show(Inverse(A)), show(Det(A))) == ("A⁻¹", "det(A)")


def test_no_rule_differentiates_an_inverse():
    with pytest.raises(RuleError, match="Inverse"):
        SOLVED.gradient(A)


# --- squares of norms are decided exactly --------------------------------------------------------------------------

SQUARES = [
    (squared_norm(matadd(u, v)), matadd(squared_norm(u), matmul(2, transpose(u), v), squared_norm(v))),
    (squared_norm(transpose(v)), squared_norm(v)),
    (squared_norm(X, "F"), Tr(matmul(X, transpose(X)))),
    (Gradient(squared_norm(X, "F"), X), matmul(2, X)),
    (squared_norm(matmul(Diag(u), v)), squared_norm(matmul(Diag(v), u))),
]


@pytest.mark.parametrize(("left", "right"), SQUARES)
def test_a_squared_norm_is_proved(left, right):
    assert settle(Claim(left, right, STATIC), EFFORT).verdict == "proved"


def test_the_square_of_a_spectral_norm_stays_analytic():
    assert squared_norm(X) == Power(Norm(X), 2)
    claim = Claim(squared_norm(X), squared_norm(transpose(X)), STATIC)
    assert settle(claim, EFFORT).verdict == "tested"
