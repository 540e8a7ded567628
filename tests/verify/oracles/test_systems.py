"""Outputs with their losses, layers on layers, inequalities, assumptions: each witness beyond the plain network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.language.build import diag, hadamard, matadd, matmul, negate, ones, sequence, transpose
from derive.language.derivatives import Gradient, Jacobian
from derive.language.functions import elementwise
from derive.language.nodes import Norm, Power, Softmax, TimeSum
from derive.model import Equation, Loss, Model, Time
from verify.claim import Assumption, Claim, Index
from verify.instances import draw, instances
from verify.oracles.registry import ORACLES, register

NAMES = sorted(ORACLES)


def examine(name, claim, count=12):
    return ORACLES[name].examine(claim, draw(claim, count))


def outputs(loss):
    """z_t = V s_t + c, o_t = g(z_t), E = Σ_k L(o_k, y_k): the model and its names."""
    n, m, p = sp.symbols("n m p", integer=True, positive=True)
    t, k = sp.Symbol("t", integer=True), sp.Symbol("k", integer=True)
    x, s, net = sequence("x", m), sequence("s", n), sequence("Net", n)
    z, o, y = sequence("z", p), sequence("o", p), sequence("y", p)
    U, W, V = sp.MatrixSymbol("U", n, m), sp.MatrixSymbol("W", n, n), sp.MatrixSymbol("V", p, n)
    c, E = sp.MatrixSymbol("c", p, 1), sp.MatrixSymbol("E", 1, 1)
    if loss == "cross-entropy":
        g, term = Softmax, negate(matmul(transpose(y[k]), elementwise("log", "log")(o[k])))
    else:
        g, off = elementwise("g", "relu"), matadd(o[k], negate(y[k]))
        term = matmul(sp.Rational(1, 2), transpose(off), off)
    equations = [
        Equation(net[t], matadd(matmul(U, x[t]), matmul(W, s[t - 1])), t),
        Equation(s[t], elementwise("f")(net[t]), t),
        Equation(z[t], matadd(matmul(V, s[t]), c), t),
        Equation(o[t], g(z[t]), t),
        Equation(E, TimeSum(term, k, sp.S.One, t)),
    ]
    return Model(equations, time=Time(1, t)), E, z, o, y, s, V, c, t, k


@pytest.mark.parametrize("name", NAMES)
def test_softmax_with_cross_entropy(name):
    """∂E/∂z_k = (o_k - y_k)ᵀ where 1ᵀy_k = 1, refuted without."""
    model, E, z, o, y, *_, k = outputs("cross-entropy")
    index = (Index(k, sp.S.One, model.time.last),)
    claim = Claim(Jacobian(E, z[k]), transpose(matadd(o[k], negate(y[k]))), model, indices=index)
    assumed = replace(claim, assumptions=(Assumption("sum_one", y[k]),))
    assert examine(name, assumed).outcome == "equal"
    assert examine(name, claim).outcome == "differ"


@pytest.mark.parametrize("name", NAMES)
def test_relu_with_squared_error(name):
    """∂E/∂z_k = (o_k - y_k)ᵀ diag g'(z_k), ∂E/∂V = Σ_k (∂E/∂z_k)ᵀ s_kᵀ, ∂E/∂c = Σ_k (∂E/∂z_k)ᵀ."""
    model, E, z, o, y, s, V, c, t, k = outputs("squared error")
    off, index = matadd(o[k], negate(y[k])), (Index(k, sp.S.One, t),)
    slope = diag(elementwise("g", "relu").prime(z[k]))
    e_k = transpose(Jacobian(E, z[k]))
    for claim in (
        Claim(Jacobian(E, z[k]), matmul(transpose(off), slope), model, indices=index),
        Claim(Gradient(E, V), TimeSum(matmul(e_k, transpose(s[k])), k, sp.S.One, t), model),
        Claim(Gradient(E, c), TimeSum(e_k, k, sp.S.One, t), model),
    ):
        assert examine(name, claim, count=40).outcome == "equal"
    wrong = Claim(Jacobian(E, z[k]), transpose(off), model, indices=index)
    assert examine(name, wrong, count=40).outcome == "differ"


def test_differences_leave_out_the_kink_of_relu():
    """Where a shift passes z = 0 nothing is claimed: such instances are not counted as equal."""
    model, E, z, o, y, *_, t, k = outputs("squared error")
    off = matadd(o[k], negate(y[k]))
    slope = diag(elementwise("g", "relu").prime(z[k]))
    claim = Claim(Jacobian(E, z[k]), matmul(transpose(off), slope), model, indices=(Index(k, sp.S.One, t),))
    outcome = examine("differences", claim, count=400)
    assert outcome.outcome == "equal"
    assert 300 < outcome.instances < 400
    assert examine("complex step", claim, count=400).instances == 400


def test_differences_remember_a_kink_behind_another_relu():
    """s_t = relu(W x_t + u ⊙ s_{t-1} + b): a kink passed at one step counts at later ones: relu(NaN) is 0."""
    n, m = sp.symbols("n m", integer=True, positive=True)
    T, t, k = (sp.Symbol(letter, integer=True) for letter in "Ttk")
    x, s, relu = sequence("x", m), sequence("s", n), elementwise("f", "relu")
    W, u, b = sp.MatrixSymbol("W", n, m), sp.MatrixSymbol("u", n, 1), sp.MatrixSymbol("b", n, 1)
    net = matadd(matmul(W, x[t]), hadamard(u, s[t - 1]), b)
    model = Model([Equation(s[t], relu(net), t)], loss=Loss.last(s), time=Time(1, T))
    E = model.losses[0].symbol
    slope = relu.prime(matadd(matmul(W, x[k]), hadamard(u, s[k - 1]), b))
    right = TimeSum(matmul(hadamard(slope, Gradient(E, s[k])), transpose(x[k])), k, sp.S.One, T)
    outcome = examine("differences", Claim(Gradient(E, W), right, model), count=400)
    assert outcome.outcome == "equal"
    assert 0 < outcome.instances < 400


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_layer_to_layer(name, recurrent):
    """Row 2.5: (δ^{l-1}_t)ᵀ = (δ^l_t)ᵀ U diag f^{l-1}' for a feed-forward lower layer, refuted for a recurrent one."""
    n, m = sp.symbols("n m", integer=True, positive=True)
    T, t = sp.Symbol("T", integer=True), sp.Symbol("t", integer=True)
    low, a, x = sequence("L", m), sequence("a", m), sequence("x", m)
    net, s = sequence("Net", n), sequence("s", n)
    A, B, U, W = (sp.MatrixSymbol(*spec) for spec in (("A", m, m), ("B", m, m), ("U", n, m), ("W", n, n)))
    g, E = elementwise("g"), sp.MatrixSymbol("E", 1, 1)
    own = matadd(matmul(A, x[t]), matmul(B, a[t - 1])) if recurrent else matmul(A, x[t])
    equations = [
        Equation(low[t], own, t),
        Equation(a[t], g(low[t]), t),
        Equation(net[t], matadd(matmul(U, a[t]), matmul(W, s[t - 1])), t),
        Equation(s[t], elementwise("f")(net[t]), t),
    ]
    model = Model(equations, loss=Loss.last(s), time=Time(1, T))
    index = (Index(t, sp.S.One, T),)
    slope = diag(g.prime(low[t]))
    step = Claim(Jacobian(net[t], low[t]), matmul(U, slope), model, indices=index)
    back = Claim(Jacobian(E, low[t]), matmul(Jacobian(E, net[t]), U, slope), model, indices=index)
    assert examine(name, step).outcome == "equal"
    assert examine(name, back).outcome == ("differ" if recurrent else "equal")


@pytest.mark.parametrize("name", ["bptt", "complex step", "differences", "tangents"])
def test_why_gradients_vanish(elman, name):
    """‖δ_k‖ ≤ ‖δ_t‖ (β γ)^{t-k} with β ≥ ‖W‖, γ ≥ ‖diag f'‖ at every step; refuted when ≤ is turned round."""
    rnn = elman()
    t, k = rnn.model.time.last, sp.Symbol("k", integer=True)
    n = rnn.right["2.2c"].left.shape[0]
    delta, net = sequence("delta", n), sequence("Net", n)
    W, beta, gamma = sp.MatrixSymbol("W", n, n), sp.MatrixSymbol("beta", 1, 1), sp.MatrixSymbol("gamma", 1, 1)
    bounds = (
        Assumption("bound", Norm(W), beta),
        Assumption("bound", Norm(diag(rnn.f.prime(net[k]))), gamma),
    )
    right = matmul(Norm(delta[t]), Power(matmul(beta, gamma), t - k))
    claim = rnn.claim(Norm(delta[k]), right, relation="<=", indices=(Index(k, sp.S.One, t),), assumptions=bounds)
    assert examine(name, claim).outcome == "equal"
    assert examine(name, replace(claim, relation=">=")).outcome == "differ"


@pytest.mark.parametrize("relation", ["=", "<=", "<", ">=", ">", "!="])
@pytest.mark.parametrize("name", ["complex step", "tangents"])
def test_relations(elman, name, relation):
    """1 against 2, and 1 against 1, entry by entry."""
    n = elman().right["2.2c"].left.shape[0]
    claim = elman().claim(ones(n, 1), matmul(2, ones(n, 1)), relation=relation)
    assert examine(name, claim).outcome == ("equal" if relation in ("<", "<=", "!=") else "differ")
    same = elman().claim(ones(n, 1), ones(n, 1), relation=relation)
    expected = {"=": "equal", "<=": "equal", ">=": "equal", "!=": "differ", "<": "unknown", ">": "unknown"}
    assert examine(name, same).outcome == expected[relation]


@pytest.mark.parametrize("name", ["complex step", "tangents", "differences"])
def test_what_is_not_finite_has_failed(elman, name):
    """1/(v - v): a value that is no number is no agreement, whatever stands on the other side."""
    n = elman().right["2.2c"].left.shape[0]
    v = sp.MatrixSymbol("v", n, 1)
    infinite = elementwise("r", "reciprocal")(matadd(v, negate(v)))
    with np.errstate(all="ignore"):
        outcome = examine(name, elman().claim(infinite, infinite))
    assert outcome.outcome == "failed"
    assert "finite" in outcome.detail


def test_assumptions_are_drawn(elman):
    """Wᵀ = W, diagonal, zero, sum one and one-hot hold of what is drawn, and not without the assumption."""
    rnn = elman()
    n = rnn.right["2.2c"].left.shape[0]
    W, v = sp.MatrixSymbol("W", n, n), sp.MatrixSymbol("v", n, 1)
    total = matmul(transpose(ones(n, 1)), v)
    for kind, subject, left, right in (
        ("symmetric", W, W, transpose(W)),
        ("diagonal", W, W, hadamard(W, sp.Identity(n))),
        ("zero", v, v, sp.ZeroMatrix(n, 1)),
        ("sum_one", v, total, ones(1, 1)),
        ("one_hot", v, v, hadamard(v, v)),
    ):
        claim = rnn.claim(left, right)
        for name in NAMES:
            assert examine(name, replace(claim, assumptions=(Assumption(kind, subject),))).outcome == "equal"
            assert examine(name, claim).outcome == "differ"


def test_an_initial_state_of_zero_is_the_initial_one_only(elman):
    """s_0 = 0 makes the oldest term vanish, and leaves s_1 as it is."""
    rnn = elman()
    n = rnn.right["2.2c"].left.shape[0]
    s = sequence("s", n)
    zero = (Assumption("zero", s[0]),)
    claim = rnn.sum_over_time(sp.MatrixSymbol("W", n, n), None, lo=sp.Integer(2), term=rnn.right["2.8"].right.body)
    assert examine("tangents", claim).outcome == "differ"
    assert examine("tangents", replace(claim, assumptions=zero)).outcome == "equal"
    assert examine("tangents", replace(rnn.claim(s[1], sp.ZeroMatrix(n, 1)), assumptions=zero)).outcome == "differ"


def test_an_assumption_that_cannot_be_drawn_is_unknown(elman):
    """What the model computes cannot be assumed."""
    rnn = elman()
    s = sequence("s", rnn.right["2.2c"].left.shape[0])
    outcome = examine("tangents", replace(rnn.right["2.2c"], assumptions=(Assumption("zero", s[rnn.model.time.last]),)))
    assert outcome.outcome == "unknown"
    assert "the model computes" in outcome.detail


ALWAYS = ("2.2c", "2.8", "2.9", "2.b", "K2", "G_t")  # right with a loss on every step too
LAST = ("2.3", "2.4", "2.7")


@settings(deadline=None, derandomize=True, max_examples=40)
@given(data=st.data())
def test_right_claims_hold_on_every_instance(elman, data):
    """Any sizes from 1, any last step, any seed; a claim about t - 1 has no place at T = 1."""
    every = data.draw(st.booleans())
    claim = elman(every=every).right[data.draw(st.sampled_from(ALWAYS if every else ALWAYS + LAST))]
    one = data.draw(instances(claim))
    for name in ("bptt", "complex step", "differences", "tangents"):
        outcome = ORACLES[name].examine(claim, [one])
        assert outcome.outcome == "equal" or (outcome.outcome == "unknown" and one.last == 1), (name, outcome)


def test_a_second_oracle_of_a_name_is_refused():
    with pytest.raises(ValueError, match="there is an oracle 'bptt' already"):
        register(ORACLES["bptt"])
