"""A model that the reference cannot represent is unknown to it, with the reason: never a network that lost a path."""

from __future__ import annotations

import pytest
import sympy as sp

from derive.language.build import diag, hadamard, matadd, matmul, sequence, transpose
from derive.language.derivatives import Gradient, Jacobian
from derive.language.functions import elementwise
from derive.model import Equation, Loss, Model, Time
from verify.claim import Claim
from verify.instances import draw
from verify.oracles.registry import ORACLES

n = sp.Symbol("n", integer=True, positive=True)
t, T = sp.Symbol("t", integer=True), sp.Symbol("T", integer=True)
s, z, x = (sequence(name, n) for name in "szx")
c = sequence("c", 1)
U, V, W = (sp.MatrixSymbol(name, n, n) for name in "UVW")
u, v, b = (sp.MatrixSymbol(name, n, 1) for name in "uvb")
E = sp.MatrixSymbol("E", 1, 1)
f = elementwise("f")
PREVIOUS = s[t - 1]
REPRESENTED = {
    "U x + W s": matadd(matmul(U, x[t]), matmul(W, PREVIOUS)),
    "U x + W s + b": matadd(matmul(U, x[t]), matmul(W, PREVIOUS), b),
}
OTHERS = {
    "2 W s": matmul(2, W, PREVIOUS),
    "W s": matmul(W, PREVIOUS),
    "W s - V x": matadd(matmul(W, PREVIOUS), matmul(-1, V, x[t])),
    "(W + V) s": matmul(matadd(W, V), PREVIOUS),
    "Wᵀ s": matmul(transpose(W), PREVIOUS),
    "W V s": matmul(W, V, PREVIOUS),
    "x ⊙ (W s)": hadamard(x[t], matmul(W, PREVIOUS)),
    "W s + s": matadd(matmul(W, PREVIOUS), PREVIOUS),
    "s + V x": matadd(PREVIOUS, matmul(V, x[t])),
    "W s' + V s''": matadd(matmul(W, PREVIOUS), matmul(V, s[t - 2])),
}


def recurrent(formula, named=True):
    """z_t = formula, s_t = f(z_t), or both in one equation, with a loss on the last state."""
    rows = [Equation(z[t], formula, t), Equation(s[t], f(z[t]), t)] if named else [Equation(s[t], f(formula), t)]
    return Model(rows, loss=Loss.last(s), time=Time(1, t))


def back_through(model):
    """∂E/∂s_{t-1} = ∂E/∂s_t ∂s_t/∂s_{t-1}, t the last step: true of a model of order one."""
    return Claim(Jacobian(E, s[t - 1]), matmul(Jacobian(E, s[t]), Jacobian(s[t], s[t - 1])), model)


def bptt(claim):
    return ORACLES["bptt"].examine(claim, draw(claim, 12))


@pytest.mark.parametrize("named", [True, False], ids=["two equations", "one equation"])
@pytest.mark.parametrize("name", OTHERS)
def test_a_pre_activation_that_is_no_layer_is_unknown(name, named):
    outcome = bptt(back_through(recurrent(OTHERS[name], named)))
    assert outcome.outcome == "unknown"
    assert outcome.detail


@pytest.mark.parametrize("named", [True, False], ids=["two equations", "one equation"])
@pytest.mark.parametrize("name", REPRESENTED)
def test_a_layer_is_represented(name, named):
    assert bptt(back_through(recurrent(REPRESENTED[name], named))).outcome == "equal"


def test_back_through_twice_the_weights():
    """∂E/∂z_{t-1} = diag f'(z_{t-1}) (2 W)ᵀ ∂E/∂z_t is true, and the reference has no factor 2."""
    slope = diag(f.prime(z[t - 1]))
    right = matmul(slope, transpose(matmul(2, W)), Gradient(E, z[t]))
    claim = Claim(Gradient(E, z[t - 1]), right, recurrent(OTHERS["2 W s"]))
    assert bptt(claim).outcome == "unknown"
    assert ORACLES["tangents"].examine(claim, draw(claim, 12)).outcome == "equal"


def test_a_member_before_the_first_step_of_a_model_of_order_two_is_unknown():
    """∂E/∂s_0 where s_{t-2} is read."""
    claim = Claim(Jacobian(E, s[0]), Jacobian(E, s[0]), recurrent(OTHERS["W s' + V s''"]))
    assert bptt(claim).outcome == "unknown"


def hidden_paths():
    """Models with a path from a state or a parameter to the loss that lies outside their layers."""
    plain, biased = (Equation(s[t], f(REPRESENTED[name]), t) for name in ("U x + W s", "U x + W s + b"))
    column, last = sp.MatrixSymbol("A", n, 1), Loss.last(s)
    narrow = [Equation(c[t], matmul(transpose(v), PREVIOUS), t), Equation(s[t], f(matmul(column, c[t])), t)]
    return {
        "a source that a scalar carries back": (narrow, last, s[0]),
        "a parameter that another one gives": ([Equation(W, transpose(U)), plain], last, U),
        "a bias that is a state": ([biased, Equation(b, s[0])], last, s[0]),
        "a target that is a parameter": ([biased, Equation(E, matmul(transpose(b), s[1]))], None, b),
        "a target that is a state": ([plain, Equation(u, s[0]), Equation(E, matmul(transpose(u), s[1]))], None, s[0]),
    }


HIDDEN = hidden_paths()


@pytest.mark.parametrize("name", HIDDEN)
def test_a_path_outside_the_layers_is_never_lost(name):
    """The reference says that it does not know; forward accumulation knows."""
    rows, loss, by = HIDDEN[name]
    claim = Claim(Gradient(E, by), Gradient(E, by), Model(rows, loss=loss, time=Time(1, T)))
    assert ORACLES["tangents"].examine(claim, draw(claim, 4)).outcome == "equal"
    outcome = bptt(claim)
    assert outcome.outcome == "unknown"
    assert outcome.detail
