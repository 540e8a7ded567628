"""What a numeric witness cannot see, and which instances hide errors from all of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sympy as sp

from derive.language.build import diag, matadd, matmul, negate, ones, sequence, transpose
from derive.language.derivatives import Jacobian
from derive.model import Equation, Model, Time
from verify.claim import Claim, Condition
from verify.instances import Instance, draw
from verify.oracles import functions, laboratory
from verify.oracles.registry import ORACLES

NAMES = sorted(ORACLES)

# There the witness says `equal` of a false claim, or `unknown`; all others refute it.
BLIND = {
    ("differences", "1 + 1e-12"): ("equal", "truncation and rounding leave it about ten digits"),
    ("components", "only from T = 4 on"): ("unknown", "it runs three steps: the cost grows by a factor a step"),
    ("components", "true at n = 2 only"): ("equal", "its sizes are at most 2"),
    ("components", "third derivative"): ("unknown", "its opaque functions are quadratics, to stay small"),
    ("components", "Hessian"): ("unknown", "the same: the second derivative is a constant there"),
    ("bptt", "third derivative"): ("unknown", "the reference differentiates its own members, once"),
    ("bptt", "Hessian"): ("unknown", "the same"),
    ("bptt", "outside the network"): ("unknown", "the reference knows chains of layers only"),
}
FALSE = ("1 + 1e-12", "true at n = 2 only", "only from T = 4 on", "third derivative", "Hessian", "outside the network")


def false_claims(elman):
    """Claims that are false in a way that not every witness can see."""
    rnn = elman()
    t, n = rnn.model.time.last, rnn.right["2.2c"].left.shape[0]
    s, net, E, v = sequence("s", n), sequence("Net", n), sp.MatrixSymbol("E", 1, 1), sp.MatrixSymbol("v", n, 1)
    W, f = sp.MatrixSymbol("W", n, n), rnn.f
    two_back = [
        Equation(net[t], matadd(matmul(W, s[t - 1]), matmul(W, s[t - 2])), t),
        Equation(s[t], f(net[t]), t),
    ]
    one = ones(n, 1)
    late = Condition(sp.Integer(4), "<=", t)
    return {
        "1 + 1e-12": rnn.scaled(1 + sp.Rational(1, 10**12)),
        "only from T = 4 on": replace(rnn.wrong["missing oldest term"], conditions=(late,)),
        "true at n = 2 only": rnn.claim(  # 1ᵀ f((1ᵀv) 1 - v) = 1ᵀ f(v)
            matmul(transpose(one), f(matadd(matmul(one, transpose(one), v), negate(v)))),
            matmul(transpose(one), f(v)),
        ),
        "third derivative": rnn.claim(Jacobian(f.prime.prime(v), v), diag(f.prime.prime(v))),
        "Hessian": rnn.claim(Jacobian(transpose(Jacobian(E, net[t])), net[t]), sp.Identity(n)),
        "outside the network": Claim(Jacobian(net[t], s[t - 1]), transpose(W), Model(two_back, time=Time(1, t))),
    }


@pytest.mark.parametrize("error", FALSE)
@pytest.mark.parametrize("name", NAMES)
def test_the_list_of_blind_spots_is_exact(elman, name, error):
    expected, _ = BLIND.get((name, error), ("differ", ""))
    claim = false_claims(elman)[error]
    outcome = ORACLES[name].examine(claim, draw(claim, 40))
    assert outcome.outcome == expected, outcome
    assert outcome.outcome != "unknown" or outcome.detail


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_slope_in_the_table_is_seen_by_all_that_do_not_use_it(elman, monkeypatch, name):
    """1 - s for 1 - s²: forward tangents and the closed form share the table, so they agree on the error."""
    monkeypatch.setattr(functions, "IN_TANH", (functions.IN_TANH[0], (1, -1), *functions.IN_TANH[2:]))
    claim = elman(kind="tanh").right["2.2c"]
    forget()
    outcome = ORACLES[name].examine(claim, draw(claim, 12))
    forget()
    blind = ("tangents", "components")  # components has slopes of its own on both sides: nothing is wrong there
    assert outcome.outcome == ("equal" if name in blind else "differ"), outcome


def forget():
    """Empty the caches that keep function values."""
    laboratory.laboratory.cache_clear()
    laboratory._laboratory.cache_clear()


@pytest.mark.parametrize(
    ("sizes", "last", "hidden"),
    [
        ({"m": 2, "n": 1}, 4, {"missing transpose", "W and diag swapped", "kron swapped", "order of the product"}),
        ({"m": 3, "n": 2}, 2, {"order of the product"}),
        ({"m": 3, "n": 2}, 3, set()),
    ],
)
@pytest.mark.parametrize("name", ["bptt", "complex step", "differences", "tangents"])
def test_degenerate_instances_hide_errors(elman, name, sizes, last, hidden):
    """n = 1 commutes everything, T = 2 has products of one factor; T = 3 and n = 2 hide nothing."""
    one = Instance(tuple(sizes.items()), last, seed=5)
    found = {error for error, claim in elman().wrong.items() if ORACLES[name].examine(claim, [one]).outcome == "equal"}
    assert found == hidden


def test_a_single_step_leaves_little_to_see(elman):
    """T = 1: what speaks of t - 1 has no step in scope, and every sum has one term."""
    one = Instance((("m", 2), ("n", 3)), 1, seed=5)
    outcomes = {error: ORACLES["tangents"].examine(claim, [one]).outcome for error, claim in elman().wrong.items()}
    assert {error for error, outcome in outcomes.items() if outcome == "differ"} == {
        "off by one in time",
        "missing oldest term",
        "kron swapped",
    }


def test_an_identity_hides_the_slope(elman):
    """f = id: f' = 1 commutes with W, so its place and its step cannot be seen, nor the order of a product of W's."""
    wrong = elman(kind="identity").wrong
    found = {e for e, claim in wrong.items() if ORACLES["tangents"].examine(claim, draw(claim, 12)).outcome == "equal"}
    assert found == {"W and diag swapped", "f' at the wrong step", "order of the product"}
