"""What is assumed of a tensor, in both deciders: it holds inside the model's equations, and ties derivatives by it."""

import pytest
import sympy as sp

from derive.language.build import diag, hadamard, matadd, matmul, sequence, transpose
from derive.language.derivatives import Gradient, Jacobian
from derive.language.functions import elementwise
from derive.language.nodes import Tr
from derive.model import Loss, Model, Time
from verify.claim import Assumption, Claim
from verify.deciders import normal_form, prime_field

n = sp.Symbol("n", integer=True, positive=True)
t = sp.Symbol("t", integer=True)
W, U, A = (sp.MatrixSymbol(name, n, n) for name in "WUA")
u = sp.MatrixSymbol("u", n, 1)
E = sp.MatrixSymbol("E", 1, 1)
s, x, z = sequence("s", n), sequence("x", n), sequence("z", n)
f = elementwise("f")
one = sp.OneMatrix(n, 1)
STATIC = Model({})
RNN = Model({s[t]: f(matadd(matmul(W, s[t - 1]), matmul(U, x[t])))}, time=Time(1, t))
DECIDERS = (prime_field.decide_at, normal_form.decide_at)
DEPENDENT = ("symmetric", "diagonal", "zero", "sum_one", "one_hot")


def transposed(formula):
    """A step of s with Wᵀ, or diag of W's diagonal, where the model has W."""
    return f(matadd(matmul(formula, s[t - 1]), matmul(U, x[t])))


@pytest.mark.parametrize("step", [1, 2, 3])
def test_what_is_assumed_holds_inside_equations(step):
    """W = 0: s_t = f(U x_t); W = Wᵀ: s_t = f(Wᵀ s_{t-1} + U x_t)."""
    for kind, right in (("zero", f(matmul(U, x[t]))), ("symmetric", transposed(transpose(W)))):
        claim = Claim(s[t], right, RNN, assumptions=(Assumption(kind, W),))
        assert [decide(claim, {t: step}).outcome for decide in DECIDERS] == ["equal", "equal"], kind
        free = Claim(s[t], right, RNN)
        assert [decide(free, {t: step}).outcome for decide in DECIDERS] == ["differ", "differ"], kind


def test_a_sum_of_one_holds_inside_equations():
    """s_t = f((1ᵀx_t) u) is f(u) where 1ᵀx_t = 1."""
    model = Model({s[t]: f(matmul(u, transpose(one), x[t]))}, time=Time(1, t))
    claim = Claim(s[t], f(u), model, assumptions=(Assumption("sum_one", x[t]),))
    assert [decide(claim, {t: 2}).outcome for decide in DECIDERS] == ["equal", "equal"]


def test_a_diagonal_in_an_equation_is_no_difference():
    """W = I ⊙ W: the prime field proves what the normal form does not apply."""
    claim = Claim(s[t], transposed(hadamard(sp.Identity(n), W)), RNN, assumptions=(Assumption("diagonal", W),))
    assert prime_field.decide_at(claim, {t: 2}).outcome == "equal"
    found = normal_form.decide_at(claim, {t: 2})
    assert (found.outcome, "diagonal of W" in found.detail) == ("unknown", True)


def test_what_is_assumed_at_one_step_holds_at_no_other():
    """1ᵀx_1 = 1 says nothing of x_2."""
    first = (Assumption("sum_one", x[sp.Integer(1)]),)
    for step, wanted in ((1, "equal"), (2, "differ")):
        claim = Claim(matmul(transpose(one), x[sp.Integer(step)]), sp.Identity(1), RNN, assumptions=first)
        assert [decide(claim, {t: 3}).outcome for decide in DECIDERS] == [wanted, wanted]


@pytest.mark.parametrize("kind", DEPENDENT)
@pytest.mark.parametrize("decide", DECIDERS)
def test_a_derivative_by_a_tied_tensor_is_unknown(decide, kind):
    """∂tr(AX)/∂X = Aᵀ, Hessians and Jacobians alike; the tensor is named."""
    V = u if kind in ("sum_one", "one_hot") else A
    value = matmul(transpose(one), u) if V is u else Tr(matmul(W, A))
    gradient = one if V is u else transpose(W)
    claim = Claim(Gradient(value, V), gradient, STATIC)
    assert decide(claim, {}).outcome == "equal"
    found = decide(Claim(claim.left, claim.right, STATIC, assumptions=(Assumption(kind, V),)), {})
    assert found.outcome == "unknown"
    assert str(V.name) in found.detail
    assert kind in found.detail


@pytest.mark.parametrize("decide", DECIDERS)
def test_a_derivative_by_a_fixed_step_is_unknown_there_only(decide):
    """s_0 = 0: ∂E/∂s_0 is not decided, ∂s_2/∂s_1 is."""
    model = Model(RNN.equations, loss=Loss.last(s), time=Time(1, t))
    start = (Assumption("zero", s[sp.Integer(0)]),)
    inner = matadd(matmul(W, s[t - 1]), matmul(U, x[t]))
    later = Claim(Jacobian(s[t], s[t - 1]), matmul(diag(f.prime(inner)), W), model, assumptions=start)
    assert decide(later, {t: 2}).outcome == "equal"
    assert decide(later, {t: 1}).outcome == "unknown"


def test_what_binds_a_computed_tensor_refutes_nothing():
    """z = A u with z = 0: A u = 0 holds, whatever the equation of z says; no decider may say that it differs."""
    model = Model({sp.MatrixSymbol("z", n, 1): matmul(A, u)})
    tied = (Assumption("zero", sp.MatrixSymbol("z", n, 1)),)
    claim = Claim(matmul(A, u), sp.ZeroMatrix(n, 1), model, assumptions=tied)
    assert normal_form.decide_at(claim, {}).outcome == "unknown"
    linked = Claim(matmul(A, u), matmul(2, sp.MatrixSymbol("z", n, 1)), model, assumptions=tied)
    assert all(decide(linked, {}).outcome != "differ" for decide in DECIDERS)
