"""Identities without time: what is true at every size is equal; what is true at some sizes only differs."""

import itertools

import pytest
import sympy as sp
from sympy.combinatorics import Permutation
from sympy.matrices.expressions.hadamard import HadamardPower

from derive.language.build import diag, divide, hadamard, kron, matadd, matmul, negate, transpose, vec
from derive.language.derivatives import Gradient, Jacobian
from derive.language.functions import elementwise
from derive.language.nodes import Commutation, Component, ComponentSum, Delta, Norm, Power, Scale, Softmax, Tr
from derive.model import Model
from verify.claim import Assumption, Claim, Condition
from verify.deciders.prime_field import Limits, decide_at

n, m, p = sp.symbols("n m p", integer=True, positive=True)
i, j = sp.symbols("i j", integer=True)
A, B, C, D = (sp.MatrixSymbol(name, n, n) for name in "ABCD")
U, Y = sp.MatrixSymbol("U", n, m), sp.MatrixSymbol("Y", m, m)
u, s, y = (sp.MatrixSymbol(name, n, 1) for name in "usy")
one, unit, ID = sp.OneMatrix(n, 1), sp.OneMatrix(1, 1), sp.Identity(n)
ones = sp.OneMatrix(n, n)
zero, zeros = sp.ZeroMatrix(n, n), sp.ZeroMatrix(n, 1)
f, g = elementwise("f"), elementwise("g")
tanh, sigmoid, relu, exp, log, sqrt = (
    elementwise(name, name) for name in ("tanh", "sigmoid", "relu", "exp", "log", "sqrt")
)
STATIC = Model({})


def decided(left, right, limits=None, **more):
    return decide_at(Claim(left, right, STATIC, **more), {}, limits=limits or Limits())


def total(vector):
    return matmul(transpose(one), vector)


def commutator(a, b):
    return matadd(matmul(a, b), negate(matmul(b, a)))


def minus(a, b):
    return matadd(a, negate(b))


# f-identities that naive bounds accept: M_ij = 1ᵀs - s_i - s_j
M = matadd(Scale(total(s), ones), negate(matmul(s, transpose(one))), negate(matmul(one, transpose(s))))
AT_TWO = total(f(minus(Scale(total(s), one), s))), total(f(s))
DIAGONAL = total(f(matadd(Scale(total(s), one), matmul(-2, s))))
AT_THREE = minus(matmul(transpose(one), f(M), one), DIAGONAL), matmul(2, total(f(s)))
SUM = matadd(matmul(s, transpose(one)), matmul(one, transpose(s)))
AT_FOUR = (
    minus(matmul(transpose(one), f(M), one), DIAGONAL),
    minus(matmul(transpose(one), f(SUM), one), total(f(matmul(2, s)))),
)
STANDARD = matadd(
    *(
        matmul(Permutation(list(order)).signature(), *([A, B, C, D][place] for place in order))
        for order in itertools.permutations(range(4))
    )
)


def cayley_hamilton(a, identity):
    """2 A² - 2 tr(A) A + (tr(A)² - tr(A²)) I, which is 0 for 2×2 matrices."""
    return matadd(
        matmul(2, a, a),
        matmul(-2, Scale(Tr(a), a)),
        Scale(Tr(a), Scale(Tr(a), identity)),
        negate(Scale(Tr(matmul(a, a)), identity)),
    )


TRUE_AT_SOME_SIZES = {
    "f, n = 2": AT_TWO,
    "f, n = 3": AT_THREE,
    "f, n = 4": AT_FOUR,
    "loop, n = 2": (Scale(minus(Tr(ID), matmul(2, unit)), A), zero),
    "loop, n = 3": (Scale(minus(Tr(ID), matmul(3, unit)), A), zero),
    "loop in arguments, n = 3 and 4": (
        hadamard(minus(f(matmul(n, s)), f(matmul(3, s))), minus(f(matmul(n, s)), f(matmul(4, s)))),
        zeros,
    ),
    "loop in a mean, n = 5": (matmul(1 / n, total(s)), matmul(sp.Rational(1, 5), total(s))),
    "f(0) summed, n = 3": (total(f(minus(s, s))), matmul(3, f(sp.ZeroMatrix(1, 1)))),
    "f(I) summed, n = 3": (
        matmul(transpose(one), f(ID), one),
        matadd(matmul(3, f(unit)), matmul(6, f(sp.ZeroMatrix(1, 1)))),
    ),
    "reciprocal cancelled, n = 3": (total(divide(s, s)), matmul(3, unit)),
    "softmax counted, n = 3": (total(divide(Softmax(s), Softmax(s))), matmul(3, unit)),
    "exp cancelled, n = 3": (total(hadamard(exp(s), exp(negate(s)))), matmul(3, unit)),
    "Hall, n = 2": (commutator(matmul(commutator(A, B), commutator(A, B)), C), zero),
    "Amitsur–Levitzki, n = 2": (STANDARD, zero),
    "Cayley–Hamilton, n = 2": (cayley_hamilton(A, ID), zero),
    "commuting, n = 1": (matmul(A, B), matmul(B, A)),
    "2^61 - 1": (matmul(sp.Integer(2305843009213693951), A), zero),
    "a product of the first primes": (matmul(sp.Integer(536870909) * 536870879 * 536870869, A), zero),
    "its square in an argument": (f(matmul(sp.Integer(536870909) ** 2, s)), f(zeros)),
}


@pytest.mark.parametrize("name", TRUE_AT_SOME_SIZES)
def test_what_holds_at_some_sizes_only_differs(name):
    assert decided(*TRUE_AT_SOME_SIZES[name]).outcome == "differ"


A2, I2 = sp.MatrixSymbol("A", 2, 2), sp.Identity(2)
TRUE = {
    "Cayley–Hamilton at its own size": (cayley_hamilton(A2, I2), sp.ZeroMatrix(2, 2)),
    "tr I = n": (Tr(ID), matmul(n, unit)),
    "mean of ones": (matmul(1 / n, total(one)), unit),
    "f(0) summed": (total(f(minus(s, s))), matmul(n, f(sp.ZeroMatrix(1, 1)))),
    "f(c 1) = f(c) 1": (f(Scale(total(s), one)), Scale(f(total(s)), one)),
    "f(A)ᵀ = f(Aᵀ)": (transpose(f(A)), f(transpose(A))),
    "diagonal of f(A + B)": (hadamard(ID, f(matadd(A, B))), hadamard(ID, f(matadd(A, transpose(B))))),
    "f off the diagonal": (hadamard(minus(ones, ID), minus(f(matadd(A, ID)), f(A))), zero),
    "tr AB = tr BA": (Tr(matmul(A, B, C)), Tr(matmul(C, A, B))),
    "vec(AUY)": (vec(matmul(A, U, Y)), matmul(kron(transpose(Y), A), vec(U))),
    "K vec(U)": (matmul(Commutation(n, m), vec(U)), vec(transpose(U))),
    "mixed product": (matmul(kron(A, Y), kron(B, Y)), kron(matmul(A, B), matmul(Y, Y))),
    "power": (Power(A, 3), matmul(A, A, A)),
    "component": (Component(matmul(A, s), i), ComponentSum(matmul(Component(A, i, j), Component(s, j)), j)),
    "[diag s]_ij": (Component(diag(s), i, j), Scale(Delta(i, j), Component(s, i))),
    "f of a component": (Component(f(s), i), f(Component(s, i))),
    "Hessian of a quadratic form": (
        Jacobian(transpose(Jacobian(matmul(transpose(s), A, s), s)), s),
        matadd(A, transpose(A)),
    ),
    "Hessian of Σ f(A s)": (
        Jacobian(transpose(Jacobian(total(f(matmul(A, s))), s)), s),
        matmul(transpose(A), diag(f.prime.prime(matmul(A, s))), A),
    ),
    "third derivative": (
        Jacobian(matmul(Jacobian(transpose(Jacobian(total(f(s)), s)), s), u), s),
        diag(hadamard(f.prime.prime.prime(s), u)),
    ),
    "softmax": (Jacobian(Softmax(s), s), minus(diag(Softmax(s)), matmul(Softmax(s), transpose(Softmax(s))))),
    "Σ softmax = 1": (total(Softmax(s)), unit),
    "tanh' = 1 - tanh²": (tanh.prime(s), minus(one, HadamardPower(tanh(s), 2))),
    "tanh by exp": (tanh(s), divide(minus(exp(s), exp(negate(s))), matadd(exp(s), exp(negate(s))))),
    "tanh(0) = 0": (tanh(zeros), zeros),
    "σ(0) = 1/2": (sigmoid(zeros), matmul(sp.Rational(1, 2), one)),
    "σ(-z) = 1 - σ(z)": (sigmoid(negate(s)), minus(one, sigmoid(s))),
    "σ by exp": (sigmoid(s), divide(one, matadd(one, exp(negate(s))))),
    "σ by exp, which grows": (sigmoid(s), divide(exp(s), matadd(one, exp(s)))),
    "tanh z by σ(z)": (
        hadamard(tanh(s), matadd(HadamardPower(sigmoid(s), 2), HadamardPower(minus(one, sigmoid(s)), 2))),
        minus(matmul(2, sigmoid(s)), one),
    ),
    "tanh z by σ(-z)": (
        hadamard(tanh(s), matadd(HadamardPower(sigmoid(negate(s)), 2), HadamardPower(sigmoid(s), 2))),
        minus(one, matmul(2, sigmoid(negate(s)))),
    ),
    "tanh''": (tanh.prime.prime(s), matmul(-2, hadamard(tanh(s), tanh.prime(s)))),
    "tanh is odd": (tanh(negate(s)), negate(tanh(s))),
    "σ' = σ(1 - σ)": (sigmoid.prime(s), hadamard(sigmoid(s), minus(one, sigmoid(s)))),
    "log' = 1/z": (Jacobian(log(s), s), diag(divide(one, s))),
    "sqrt' = 1/(2 sqrt)": (sqrt.prime(s), divide(one, matmul(2, sqrt(s)))),
    "relu": (Jacobian(relu(matmul(A, s)), s), matmul(diag(relu.prime(matmul(A, s))), A)),
    "exp(-z) exp(z) = 1": (hadamard(exp(s), exp(negate(s))), one),
    "exp counted": (total(hadamard(exp(s), exp(negate(s)))), matmul(n, unit)),
    "1/3": (matmul(sp.Rational(1, 3), matadd(A, A, A)), A),
}


@pytest.mark.parametrize("name", TRUE)
def test_what_holds_at_every_size_is_equal(name):
    outcome = decided(*TRUE[name])
    assert outcome.outcome == "equal", outcome.detail
    assert outcome.bound <= 2.0**-60
    assert outcome.instances >= 2


FALSE = {
    "transpose": (matmul(A, s), matmul(transpose(A), s)),
    "half a Hessian": (Jacobian(transpose(Jacobian(matmul(transpose(s), A, s), s)), s), matmul(2, A)),
    "softmax without its second term": (Jacobian(Softmax(s), s), diag(Softmax(s))),
    "tanh' = 1 - tanh": (tanh.prime(s), minus(one, tanh(s))),
    "σ' = σ": (sigmoid.prime(s), sigmoid(s)),
    "tanh is even": (tanh(negate(s)), tanh(s)),
    "σ is odd": (sigmoid(negate(s)), negate(sigmoid(s))),
    "σ by exp of the other sign": (sigmoid(s), divide(one, matadd(one, exp(s)))),
    "tanh = σ": (tanh(s), sigmoid(s)),
    "Kronecker factors": (vec(matmul(A, U, Y)), matmul(kron(Y, A), vec(U))),
    "A ⊗ B = B ⊗ A": (kron(A, B), kron(B, A)),
    "component": (Component(matmul(A, s), i), ComponentSum(matmul(Component(A, j, i), Component(s, j)), j)),
    "f and g": (f(s), g(s)),
    "f and f'": (f(s), f.prime(s)),
    "relu' = relu": (relu.prime(s), relu(s)),
}


@pytest.mark.parametrize("name", FALSE)
def test_what_is_false_differs(name):
    outcome = decided(*FALSE[name])
    assert outcome.outcome == "differ", outcome.detail
    assert outcome.where["sizes"]["n"] >= 3


@pytest.mark.parametrize(
    ("left", "right", "named"),
    [
        (exp(matadd(s, u)), hadamard(exp(s), exp(u)), "exp"),  # true, and no law in use says so
        (relu(relu(s)), relu(s), "relu"),
        (Norm(s), Norm(s), "norm"),
    ],
    ids=str,
)
def test_what_is_true_beyond_the_laws_is_unknown(left, right, named):
    outcome = decided(left, right)
    assert outcome.outcome == "unknown"
    assert named in outcome.detail


def test_an_inequality_is_not_decided():
    assert decided(total(s), total(s), relation="<=").outcome == "unknown"


# --- assumptions and conditions --------------------------------------------------------------------------------

LOSS = negate(matmul(transpose(y), log(Softmax(s))))
GRADIENT = Gradient(LOSS, s)


def test_softmax_with_cross_entropy_needs_that_the_targets_sum_to_one():
    """∂(-yᵀ log softmax(s))/∂s = softmax(s) - y if 1ᵀy = 1, else (1ᵀy) softmax(s) - y."""
    assumed = (Assumption("sum_one", y),)
    short, long = minus(Softmax(s), y), minus(Scale(total(y), Softmax(s)), y)
    assert decided(GRADIENT, short).outcome == "differ"
    assert decided(GRADIENT, short, assumptions=assumed).outcome == "equal"
    assert decided(GRADIENT, long).outcome == "equal"
    assert decided(GRADIENT, long, assumptions=assumed).outcome == "equal"
    assert decided(GRADIENT, y, assumptions=assumed).outcome == "differ"


@pytest.mark.parametrize(
    ("kind", "subject", "left", "right"),
    [
        ("symmetric", A, A, transpose(A)),
        ("zero", s, matmul(A, s), zeros),
        ("diagonal", A, hadamard(A, ID), A),
        ("diagonal", A, matmul(A, A), hadamard(A, A)),
        ("sum_one", y, total(y), unit),
    ],
    ids=str,
)
def test_inputs_are_drawn_as_assumed(kind, subject, left, right):
    assert decided(left, right).outcome == "differ"
    assert decided(left, right, assumptions=(Assumption(kind, subject),)).outcome == "equal"


def test_symmetric_matrices_do_not_commute():
    both = (Assumption("symmetric", A), Assumption("symmetric", B))
    assert decided(matmul(A, B), matmul(B, A), assumptions=both).outcome == "differ"
    assert decided(transpose(matmul(A, B)), matmul(B, A), assumptions=both).outcome == "equal"


def test_an_assumption_that_cannot_be_drawn_keeps_equal_and_makes_differ_unknown():
    orthogonal = (Assumption("orthogonal", A),)
    assert decided(matmul(A, B), matmul(A, B), assumptions=orthogonal).outcome == "equal"
    outcome = decided(matmul(transpose(A), A), ID, assumptions=orthogonal)
    assert outcome.outcome == "unknown"
    assert "orthogonal" in outcome.detail


def test_conditions_on_component_letters():
    """∂s_i/∂s_j = 0 for i ≠ j, 1 for i = j."""
    entry = Component(Jacobian(s, s), i, j)
    assert decided(entry, sp.ZeroMatrix(1, 1)).outcome == "differ"
    assert decided(entry, sp.ZeroMatrix(1, 1), conditions=(Condition(i, "!=", j),)).outcome == "equal"
    assert decided(entry, unit, conditions=(Condition(i, "=", j),)).outcome == "equal"
    assert decided(Component(A, i, j), Component(A, j, i), conditions=(Condition(i, "<", j),)).outcome == "differ"


# --- limits ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "limits", "named"),
    [
        (matmul(sp.Integer(10) ** 2000, A), Limits(), "literal"),
        (Power(A, 65), Limits(), "exponent"),
        (Scale(Tr(ID), A), Limits(sizes=1), "choices of sizes"),
        (f(A), Limits(trials=1), "trials"),
        (Jacobian(vec(matmul(A, B)), vec(A)), Limits(entries=50), "entries"),
        (matmul(A, B, C, D), Limits(size=4), "size of 5"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_a_limit_is_named(left, limits, named):
    outcome = decided(left, left, limits)
    assert outcome.outcome == "limit"
    assert named in outcome.detail


def test_a_size_that_is_an_expression_is_a_size_of_its_own():
    wide = sp.MatrixSymbol("H", n, n + m)
    h = sp.MatrixSymbol("h", n + m, 1)
    outcome = decided(Jacobian(matmul(wide, h), h), wide)
    assert outcome.outcome == "equal"
    assert decided(Tr(sp.Identity(n + m)), matmul(n + m, unit)).outcome == "equal"
    assert decided(Tr(sp.Identity(n + m)), matmul(7, unit)).outcome == "differ"


def test_runs_repeat_and_seeds_matter():
    assert decided(f(A), f(A)) == decided(f(A), f(A))
    assert decide_at(Claim(A, B, STATIC), {}, seed=1).outcome == "differ"
