"""Where a claim is made: every member that it writes exists, and ranges are never less than empty."""

from dataclasses import replace

import sympy as sp

from derive.language.build import matmul, sequence
from derive.language.functions import elementwise
from derive.language.nodes import TimeProduct, TimeSum
from derive.model import Loss, Model, Time
from verify.claim import Claim, Condition, Index
from verify.scope import describe
from verify.times import ground, instances, obstacle, reaches_outside

n, m = sp.symbols("n m", integer=True, positive=True)
t, k, i = sp.symbols("t k i", integer=True)
x, s, net = sequence("x", m), sequence("s", n), sequence("Net", n)
U, W = sp.MatrixSymbol("U", n, m), sp.MatrixSymbol("W", n, n)
RNN = Model({net[t]: U * x[t] + W * s[t - 1], s[t]: elementwise("f")(net[t])}, loss=Loss.last(s), time=Time(1, t))


def steps(claim, upto=4):
    return [tuple(times.values()) for times in instances(claim, upto)]


def test_a_claim_is_made_where_its_members_exist():
    assert steps(Claim(s[t - 1], s[t - 1], RNN)) == [(1,), (2,), (3,), (4,)]  # s_0 is read
    assert steps(Claim(net[t - 1], net[t - 1], RNN)) == [(2,), (3,), (4,)]  # Net_0 is not produced
    assert steps(Claim(net[t + 1], net[t + 1], RNN)) == []


def test_an_index_runs_through_its_range_and_meets_its_conditions():
    range_of_k = (Index(k, sp.Integer(1), t),)
    assert steps(Claim(net[k], net[k], RNN, indices=range_of_k), 2) == [(1, 1), (2, 1), (2, 2)]
    before = (Condition(k, "<", t),)
    assert steps(Claim(net[k], net[k], RNN, indices=range_of_k, conditions=before), 3) == [(2, 1), (3, 1), (3, 2)]


def test_a_sum_writes_its_members_at_every_step_and_may_be_empty():
    assert steps(Claim(TimeSum(s[i], i, 1, t - 1), s[t], RNN)) == [(1,), (2,), (3,), (4,)]
    assert steps(Claim(TimeSum(net[i], i, 0, t), s[t], RNN)) == []  # Net_0 again
    assert steps(Claim(matmul(TimeProduct(W, i, 3, t, "descending"), s[t]), s[t], RNN)) == [(2,), (3,), (4,)]


def test_a_claim_that_is_made_nowhere_names_what_is_missing():
    total = Claim(TimeSum(net[i], i, 0, t), s[t], RNN)
    assert obstacle(total, 6) == (
        "with t = 6: Net[0] does not exist: Net is there for the steps 1..6; the range i = 0..t reaches it"
    )
    assert "s[-3] does not exist: s is there for the steps 1..6 and 0..5" in obstacle(Claim(s[t - 9], s[t], RNN), 6)
    below = Claim(TimeSum(s[i], i, t + 2, t), s[t], RNN)
    assert "the range i = t + 2..t is 8..6 there, which is less than empty" in obstacle(below, 6)
    assert "uses the step k, which nothing binds" in obstacle(Claim(s[k], s[t], RNN), 6)


def test_a_range_that_reaches_outside_is_an_error_not_a_scope():
    """Σ_{i=1}^{t-1} Net_{i-1} is empty at t = 1, and reaches Net_0 from t = 2 on."""
    claim = Claim(TimeSum(net[i - 1], i, 1, t - 1), s[t], RNN)
    assert steps(claim) == [(1,)]
    assert "Net[0] does not exist" in reaches_outside(claim, 3)
    assert reaches_outside(Claim(TimeSum(net[i], i, 1, t - 1), s[t], RNN), 3) is None
    assert reaches_outside(Claim(net[t - 1], net[t - 1], RNN), 3) is None


def test_grounding_leaves_bound_letters_alone():
    claim = ground(Claim(TimeSum(s[t], t, 1, t), s[t], RNN), {t: 3})
    assert claim.left == TimeSum(s[t], t, 1, sp.Integer(3))
    assert claim.right == s[3]
    assert claim.model.time.last == 3


def test_the_scope_in_words():
    claim = Claim(net[k], net[k + 1], RNN, indices=(Index(k, sp.Integer(1), t),))
    assert describe(claim, list(instances(claim, 6)), None) == "2 <= t, 1 <= k <= t - 1"
    assert describe(claim, list(instances(claim, 6)), 6) == "t in 2..6, 1 <= k <= t - 1"


def test_the_scope_names_what_its_ranges_do_not_say():
    """k < 3 and k ≠ 2 bound what is claimed; k < t is in the range already."""
    ranges = "2 <= t, 1 <= k <= t - 1"
    for condition, said in (("<", ranges), ("!=", ranges)):
        claim = Claim(net[k], net[k + 1], RNN, indices=(Index(k, sp.Integer(1), t),))
        claim = replace(claim, conditions=(Condition(k, condition, t),))
        assert describe(claim, list(instances(claim, 6)), None) == said
    for condition, number in (("<", 3), ("!=", 2)):
        claim = replace(claim, conditions=(Condition(k, condition, sp.Integer(number)),))
        assert describe(claim, list(instances(claim, 6)), None) == f"{ranges}, k {condition} {number}"


def test_a_formula_about_the_loss_or_a_state_is_not_timeless():
    """∂E/∂W = δ_1 s_0ᵀ names no step letter, and holds at t = 1 only."""
    from derive.language.derivatives import Gradient

    E = RNN.losses[0].symbol
    assert Claim(W, W, RNN).is_timeless
    assert not Claim(Gradient(E, W), W, RNN).is_timeless
    assert not Claim(s[0], s[0], RNN).is_timeless


def test_steps_that_are_numbers_are_exhausted():
    """All instances of a run of three steps are known; of one that ends at a letter they are not."""
    from verify.times import is_exhausted

    ending = lambda last, *ranges: Claim(  # noqa: E731
        W, W, Model({}, time=Time(1, last)), indices=tuple(Index(k, *map(sp.sympify, pair)) for pair in ranges)
    )
    assert is_exhausted(ending(sp.Integer(3), (1, 3), (0, 4)))
    assert not is_exhausted(ending(sp.Integer(3), (1, 5)))
    assert not is_exhausted(ending(sp.Integer(3), (-1, 3)))
    assert not is_exhausted(ending(t, (1, 3)))
    assert not is_exhausted(ending(sp.Integer(3), (1, t)))
