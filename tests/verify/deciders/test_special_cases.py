"""Claims that hold at special sizes, values or symmetries alone, next to true ones of the same look: both deciders."""

import pytest
import sympy as sp

from derive.language.build import hadamard, matadd, matmul, negate, ones, sequence, transpose
from derive.language.convolution import convolve, correlate, flip
from derive.language.derivatives import Gradient, Jacobian
from derive.language.functions import elementwise
from derive.language.nodes import Elementwise, Scale
from derive.model import Equation, Loss, Model, Time
from verify.claim import Assumption, Claim
from verify.deciders import normal_form, prime_field

n, k = sp.symbols("n k", integer=True, positive=True)
t = sp.Symbol("t", integer=True)
q = n - k + 1
STATIC = Model({}, time=Time(1, sp.Integer(3)))
x, w, u, y = (sp.MatrixSymbol(name, size, 1) for name, size in (("x", n), ("w", k), ("u", k), ("y", q)))
A, B = sp.MatrixSymbol("A", n, n), sp.MatrixSymbol("B", k, k)
f, sigma, exp = elementwise("f"), elementwise("\\sigma", "sigmoid"), elementwise("\\exp", "exp")
reciprocal = elementwise("reciprocal", "reciprocal")


def outcomes(left, right, model=STATIC, times=None, **more):
    claim = Claim(left, right, model, **more)
    return tuple(decide.decide_at(claim, times or {}).outcome for decide in (prime_field, normal_form))


# --- convolution: what is so for one shape of kernel alone ------------------------------------------------------------

ADJOINT = matmul(transpose(y), correlate(x, w))
TRUE_SLIDES = {
    "adjoint": (ADJOINT, matmul(transpose(x), convolve(y, w, full=True))),
    "output and kernel change places": (ADJOINT, matmul(transpose(w), correlate(x, y))),
    "full ones commute": (convolve(w, u, full=True), convolve(u, w, full=True)),
    "equal sizes": (correlate(w, u), correlate(u, w)),
    "rows of a symmetric kernel": (correlate(A, B), correlate(A, transpose(B)), Assumption("symmetric", B)),
}
FALSE_SLIDES = {  # with q = k, a symmetric or a flipped kernel, or k = 1 they hold
    "adjoint, not flipped": (ADJOINT, matmul(transpose(x), correlate(y, w, full=True))),
    "flipped input": (ADJOINT, matmul(transpose(w), correlate(flip(x), y))),
    "full correlations commute": (correlate(w, u, full=True), correlate(u, w, full=True)),
    "a transposed kernel": (correlate(A, B), correlate(A, transpose(B))),
    "a symmetric kernel is no palindrome": (correlate(A, B), convolve(A, B), Assumption("symmetric", B)),
    "a sum over windows": (matmul(ones(1, q), correlate(ones(n, 1), w)), matmul(n, ones(1, k), w)),
}


@pytest.mark.parametrize("name", [*TRUE_SLIDES, *FALSE_SLIDES])
def test_slides(name):
    left, right, *assumed = (TRUE_SLIDES | FALSE_SLIDES)[name]
    found = outcomes(left, right, assumptions=tuple(assumed))
    assert found == (("equal", "equal") if name in TRUE_SLIDES else ("differ", "unknown"))


# --- a normalised convolution: members' values free, numbers free, slides opaque, all at once -------------------------

E = sp.MatrixSymbol("E", 1, 1)
source, z, v, s = sequence("x", n), sequence("z", q), sequence("v", q), sequence("s", q)


def centred(number=-1 / q):
    """I - 1 1ᵀ/q, or with another number."""
    return matadd(sp.Identity(q), matmul(number, ones(q, 1), ones(1, q)))


def normalised(number=-1 / q):
    """z_t = x_t ⋆ w, v_t = (I - 1 1ᵀ/q) z_t, s_t = f(v_t)."""
    equations = (
        Equation(z[t], correlate(source[t], w), t),
        Equation(v[t], matmul(centred(number), z[t]), t),
        Equation(s[t], f(v[t]), t),
    )
    return Model(equations, Loss.last(s), Time(1, t))


D = {member: Gradient(E, member) for member in (z[t], v[t], s[t])}
LOOP = matmul(ones(1, q), ones(q, 1))
ABOUT_NORMALISED = {  # both sides, the number, whether it holds
    "∂E/∂w": (Gradient(E, w), correlate(source[t], D[z[t]]), -1 / q, True),
    "∂E/∂x": (Gradient(E, source[t]), convolve(D[z[t]], w, full=True), -1 / q, True),
    "∂E/∂x, not flipped": (Gradient(E, source[t]), correlate(D[z[t]], w, full=True), -1 / q, False),
    "∂v/∂z": (Jacobian(v[t], z[t]), centred(), -1 / q, True),
    "∂v/∂z, of n": (Jacobian(v[t], z[t]), centred(-1 / n), -1 / q, False),
    "∂E/∂z": (D[z[t]], matmul(centred(), D[v[t]]), -1 / q, True),
    "∂E/∂z, not centred": (D[z[t]], D[v[t]], -1 / q, False),
    "1ᵀ v": (matmul(ones(1, q), v[t]), sp.ZeroMatrix(1, 1), -1 / q, True),
    "1ᵀ v, 1/(q + 1)": (matmul(ones(1, q), v[t]), sp.ZeroMatrix(1, 1), -1 / (q + 1), False),
    "1ᵀ1 for a number": (Scale(LOOP, D[z[t]]), matmul(q, D[z[t]]), -1 / q, True),
    "1ᵀ1 at k = 1": (Scale(LOOP, D[z[t]]), matmul(n, D[z[t]]), -1 / q, False),
}


@pytest.mark.parametrize("name", ABOUT_NORMALISED)
def test_a_normalised_convolution(name):
    left, right, number, is_true = ABOUT_NORMALISED[name]
    field, form = outcomes(left, right, normalised(number), {t: 2})
    assert field == ("equal" if is_true else "differ")
    assert form == "equal" if is_true else form != "equal"


def test_a_coefficient_that_vanishes_at_many_sizes():
    """Π_{i<9} (q - i): a tensor's claim differs; of a convolution only the sizes that were tried are spoken of."""
    factor = [q - i for i in range(1, 9)]
    assert outcomes(matmul(*factor, y), sp.ZeroMatrix(q, 1)) == ("differ", "differ")
    found = prime_field.decide_at(Claim(matmul(*factor, z[t]), sp.ZeroMatrix(q, 1), normalised()), {t: 2})
    assert found.at_sizes
    assert not found.is_equal_for_all_sizes


# --- reciprocals of an atom and a number ------------------------------------------------------------------------------


def over(matrix, number=1, factor=-1):
    """1/(c + d a), entry by entry."""
    return reciprocal(matadd(matmul(number, ones(*matrix.shape)), matmul(factor, matrix)))


ONE, SQUARE = ones(n, 1), ones(n, n)
MINUS = negate(transpose(A))
FRACTIONS = {
    "a/(1 - a)": (hadamard(A, over(A)), matadd(over(A), negate(SQUARE)), (), True),
    "a/(1 - aᵀ)": (hadamard(A, over(transpose(A))), matadd(over(A), negate(SQUARE)), (), False),
    "a/(1 - aᵀ), symmetric": (hadamard(A, over(transpose(A))), matadd(over(A), negate(SQUARE)), ("symmetric",), True),
    "a²/(2 + 3a)": (
        hadamard(A, A, over(A, 2, 3)),
        matadd(
            matmul(sp.Rational(1, 3), A),
            matmul(sp.Rational(-2, 9), SQUARE),
            matmul(sp.Rational(4, 9), over(A, 2, 3)),
        ),
        (),
        True,
    ),
    "a/(2 + 3a), sign": (
        hadamard(A, over(A, 2, 3)),
        matmul(sp.Rational(1, 3), matadd(SQUARE, over(A, 2, 3))),
        (),
        False,
    ),
    "two": (hadamard(over(A), over(A, 2)), matadd(over(A), negate(over(A, 2))), (), True),
    "σ/(1 - σ)": (hadamard(sigma(x), over(sigma(x))), exp(x), (), True),
    "σ/(1 - σ) of -z": (hadamard(sigma(x), over(sigma(x))), exp(negate(x)), (), False),
    "σ at 0": (sigma(hadamard(x, sp.ZeroMatrix(n, 1))), matmul(sp.Rational(1, 2), ONE), (), True),
    "σ near 0": (sigma(x), matadd(matmul(sp.Rational(1, 2), ONE), matmul(sp.Rational(1, 4), x)), (), False),
    "gelu''": (
        Elementwise("gelu", "gelu", 2, x),
        hadamard(matadd(matmul(2, ONE), negate(hadamard(x, x))), Elementwise("\\phi", "normal density", 0, x)),
        (),
        True,
    ),
}


@pytest.mark.parametrize("name", FRACTIONS)
def test_reciprocals_and_slopes(name):
    left, right, assumed, is_true = FRACTIONS[name]
    found = outcomes(left, right, assumptions=tuple(Assumption(kind, A) for kind in assumed))
    assert found == (("equal", "equal") if is_true else ("differ", "differ"))
