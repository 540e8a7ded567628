"""What may not be decided at any price, in both deciders and for counterexamples: limits, each with its name."""

import time

import pytest
import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardPower

from derive import wellformed
from derive.language.build import matadd, matmul, sequence, transpose
from derive.language.functions import elementwise
from derive.language.nodes import Power
from derive.model import Loss, Model, Time
from verify.claim import Claim
from verify.counterexample import smallest
from verify.deciders import normal_form, prime_field

n = sp.Symbol("n", integer=True, positive=True)
t = sp.Symbol("t", integer=True)
A, u, E = sp.MatrixSymbol("A", n, n), sp.MatrixSymbol("u", n, 1), sp.MatrixSymbol("E", 1, 1)
s = sequence("s", n)
f, recip = elementwise("f"), elementwise("reciprocal", "reciprocal")
one = sp.OneMatrix(n, 1)
BOTH = matadd(A, transpose(A))
STATIC = Model({})


def nested(function, times):
    """g(g(… u …))."""
    found = u
    for _ in range(times):
        found = function(found)
    return found


SLOW = {
    "f(f(…)), 40 deep": (nested(f, 40), u),
    "1/(1 + 1/(1 + …)), 20 deep": (nested(lambda z: recip(matadd(one, z)), 20), u),
    "((u²)²)…, 20 deep": (nested(lambda z: HadamardPower(z, 2), 20), u),
    "((u⁶⁴)⁶⁴)…, 4 deep": (nested(lambda z: HadamardPower(z, 64), 4), u),
    "A⁶⁴": (matmul(Power(A, 64), A), matmul(A, Power(A, 64))),
    "(A + Aᵀ)²⁰": (Power(BOTH, 20), Power(matadd(transpose(A), A), 20)),
    "(A + Aᵀ)⁶⁰": (Power(BOTH, 60), A),
}


@pytest.mark.parametrize("name", SLOW)
def test_no_claim_costs_seconds(name):
    """Four of them in one document take less than three seconds in all."""
    claim = Claim(*SLOW[name], STATIC)
    began = time.perf_counter()
    outcomes = [prime_field.decide_at(claim, {}), normal_form.decide_at(claim, {})]
    smallest(claim)
    assert time.perf_counter() - began < 1.5
    assert all(outcome.detail for outcome in outcomes if outcome.outcome == "limit")


def test_the_normal_form_names_its_limit():
    found = normal_form.decide_at(Claim(*SLOW["(A + Aᵀ)²⁰"], STATIC), {})
    assert (found.outcome, found.detail) == ("limit", "factors of one form > 12000")
    assert normal_form.decide_at(Claim(Power(BOTH, 10), transpose(Power(BOTH, 10)), STATIC), {}).outcome == "equal"


@pytest.mark.parametrize("times", [2, 20])
def test_numbers_past_all_digits_are_no_counterexample(times):
    """u^(2^20) ≠ u is shown at ±1, whose powers stay short."""
    found = smallest(Claim(nested(lambda z: HadamardPower(z, 2), times), u, STATIC))
    assert found.sizes == {"n": 1}
    assert len(str(found.left)) < 1000


# --- coefficients without a value ------------------------------------------------------------------------------


def test_sizes_at_which_a_coefficient_has_no_value_are_avoided():
    """A/(n - 3) is compared where n ≠ 3, A/((n - 3)(n - 4)) where n is neither."""
    for below in (n - 3, (n - 3) * (n - 4), (n - 3) * (n - 5) * (n - 7)):
        same = prime_field.decide_at(Claim(matmul(1 / below, A), matmul(1 / sp.expand(below), A), STATIC), {})
        assert same.outcome == "equal", below
        double = Claim(matmul(1 / below, A), matmul(2 / below, A), STATIC)
        found = prime_field.decide_at(double, {})
        assert found.outcome == "differ"
        assert below.subs(n, found.where["sizes"]["n"]) != 0
        shown = smallest(double)
        assert below.subs(n, shown.sizes["n"]) != 0


def test_a_coefficient_without_any_value_is_unknown():
    """1/(t - 2) at t = 2 has no value at any size."""
    model = Model({s[t]: f(s[t - 1])}, time=Time(1, t))
    claim = Claim(matmul(1 / (t - 2), s[t]), matmul(1 / (t - 2), f(s[t - 1])), model)
    for decide in (prime_field.decide_at, normal_form.decide_at):
        assert decide(claim, {t: 2}).outcome == "unknown"
        assert decide(claim, {t: 3}).outcome == "equal"


def test_a_loop_through_the_loss_is_unknown():
    """s_t = f(1 E) with E = loss(every s) would have to be solved: no decider does, none fails."""
    loop = Model({s[t]: f(matmul(one, E))}, loss=Loss.every(s), time=Time(1, t))
    claim = Claim(s[t], f(one), loop)
    outcomes = [
        prime_field.decide_at(claim, {t: 2}),
        prime_field.decide_window(claim),
        normal_form.decide_at(claim, {t: 2}),
    ]
    assert [outcome.outcome for outcome in outcomes] == ["unknown"] * 3
    assert all("the loss E" in outcome.detail for outcome in outcomes)
    assert smallest(claim) is None
    beside = Claim(matmul(2, A), matadd(A, A), loop)
    assert prime_field.decide_at(beside, {t: 2}).outcome == "equal"


def test_a_recurrence_without_an_end_stops(monkeypatch):
    """s_t = f(s_{t-1} + s_{t+1}) unfolds for ever; a model refuses it, and the deciders do not rely on that."""
    monkeypatch.setattr(wellformed, "_check_directions", lambda model: None)
    endless = Model({s[t]: f(matadd(s[t - 1], s[t + 1]))}, time=Time(1, t))
    claim = Claim(s[t - 1], u, endless)
    for decide in (prime_field.decide_at, normal_form.decide_at):
        assert decide(claim, {t: 4}).outcome in ("unknown", "limit")
    assert smallest(claim, times={t: 4}) is None
