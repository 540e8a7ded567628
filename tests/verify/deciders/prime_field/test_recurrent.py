"""The source derivation over prime fields: right rows are equal, single edits differ, windows settle all."""

import pytest
import sympy as sp

from derive.language.build import diag, kron, matadd, matmul, sequence, transpose, vec
from derive.language.derivatives import BlockJacobian, Collect, FamilyDerivative, Gradient, Jacobian
from derive.language.functions import elementwise
from derive.language.nodes import Component, Delta, Softmax, TimeProduct, TimeSum
from derive.model import Equation, Loss, Model, Time
from verify.claim import Claim, Condition, Index
from verify.deciders.prime_field import decide_at, decide_window, differs_at
from verify.times import instances

n, m = sp.symbols("n m", integer=True, positive=True)
t, k, r, i, j = sp.symbols("t k r i j", integer=True)
x, s, net, d = sequence("x", m), sequence("s", n), sequence("Net", n), sequence("delta", n)
U, W, E = sp.MatrixSymbol("U", n, m), sp.MatrixSymbol("W", n, n), sp.MatrixSymbol("E", 1, 1)
f = elementwise("f")
ID = sp.Identity(n)
T = transpose


def rnn(loss):
    equations = {
        net[t]: matadd(matmul(U, x[t]), matmul(W, s[t - 1])),
        s[t]: f(net[t]),
        d[t]: T(Jacobian(E, net[t])),
    }
    return Model(equations, loss=loss, time=Time(1, t))


LAST, EVERY = rnn(Loss.last(s)), rnn(Loss.every(s))
FROM_ONE, FROM_TWO = (Index(k, sp.S.One, t),), (Index(k, sp.Integer(2), t),)


def prime(member):
    return diag(f.prime(member))


def product(direction, lo=k, hi=t - 1, member=net):
    return TimeProduct(matmul(W, prime(member[r])), r, lo, hi, direction)


def gradient_sum(left, right, first=1, last=t):
    return TimeSum(matmul(left, T(right)), k, sp.sympify(first), last)


FAMILY = FamilyDerivative(net[t], W)
RIGHT = {
    "2.1": (T(d[t - 1]), matmul(T(d[t]), Jacobian(net[t], net[t - 1])), LAST, ()),
    "2.2": (Jacobian(net[t], net[t - 1]), matmul(Jacobian(net[t], s[t - 1]), Jacobian(s[t - 1], net[t - 1])), LAST, ()),
    "2.2a": (Jacobian(net[t], s[t - 1]), W, EVERY, ()),
    "2.2a in components": (Component(Jacobian(net[t], s[t - 1]), i, j), Component(W, i, j), LAST, ()),
    "2.2b": (Jacobian(s[t - 1], net[t - 1]), prime(net[t - 1]), LAST, ()),
    "2.2c": (Jacobian(net[t], net[t - 1]), matmul(W, prime(net[t - 1])), LAST, ()),
    "2.3": (T(d[t - 1]), matmul(T(d[t]), W, prime(net[t - 1])), LAST, ()),
    "2.3, inner step": (T(d[k - 1]), matmul(T(d[k]), W, prime(net[k - 1])), LAST, FROM_TWO),
    "2.3 with e": (
        T(d[k - 1]),
        matmul(matadd(matmul(T(d[k]), W), Jacobian(E, s[k - 1], "immediate")), prime(net[k - 1])),
        EVERY,
        FROM_TWO,
    ),
    "2.4": (
        T(d[k]),
        matmul(T(d[t]), TimeProduct(matmul(W, prime(net[r - 1])), r, k + 1, t, "descending")),
        LAST,
        FROM_ONE,
    ),
    "2.6": (Gradient(E, W), Collect(matmul(T(d[t]), FAMILY)), LAST, ()),
    "2.7a": (
        FAMILY,
        matadd(matmul(FamilyDerivative(W, W), s[t - 1]), matmul(W, FamilyDerivative(s[t - 1], W))),
        LAST,
        (),
    ),
    "2.7b": (Collect(matmul(T(d[t]), FamilyDerivative(W, W), s[t - 1])), matmul(d[t], T(s[t - 1])), EVERY, ()),
    "2.7c": (
        Collect(matmul(T(d[t]), W, FamilyDerivative(s[t - 1], W))),
        Collect(matmul(T(d[t - 1]), FamilyDerivative(net[t - 1], W))),
        LAST,
        (),
    ),
    "K1": (Jacobian(vec(W), vec(W)), kron(ID, ID), LAST, ()),
    "K2": (Jacobian(vec(net[t]), vec(W), "immediate"), kron(T(s[t - 1]), ID), LAST, ()),
    "K2 by U": (Jacobian(net[t], vec(U), "immediate"), kron(T(x[t]), ID), LAST, ()),
    "K2, recursion": (
        Jacobian(net[t], vec(W)),
        matadd(kron(T(s[t - 1]), ID), matmul(W, prime(net[t - 1]), Jacobian(net[t - 1], vec(W)))),
        LAST,
        (),
    ),
    "K3": (Jacobian(vec(net[t]), vec(W, "row"), "immediate"), kron(ID, T(s[t - 1])), LAST, ()),
    "K4": (BlockJacobian(W, W), matmul(vec(ID), T(vec(ID))), LAST, ()),
    "2.8, last": (Gradient(E, W), gradient_sum(d[k], s[k - 1]), LAST, ()),
    "2.8, every": (Gradient(E, W), gradient_sum(d[k], s[k - 1]), EVERY, ()),
    "2.9": (Gradient(E, U), gradient_sum(d[k], x[k]), EVERY, ()),
    "by s_0": (Jacobian(E, s[0]), matmul(T(d[1]), W), EVERY, ()),
    "e_k": (Jacobian(E, s[t], "immediate"), Jacobian(E, s[t]), EVERY, ()),
}

# One edit each: the transpose, the order, the index, the derivative order, a factor, the bounds, the mode, the loss.
WRONG = {
    "2.1, every": (*RIGHT["2.1"][:2], EVERY, ()),
    "2.2c transposed": (Jacobian(net[t], net[t - 1]), matmul(T(W), prime(net[t - 1])), LAST, ()),
    "2.2c swapped": (Jacobian(net[t], net[t - 1]), matmul(prime(net[t - 1]), W), LAST, ()),
    "2.2c, index": (Jacobian(net[t], net[t - 1]), matmul(W, prime(net[t])), LAST, ()),
    "2.2c, f for f'": (Jacobian(net[t], net[t - 1]), matmul(W, diag(f(net[t - 1]))), LAST, ()),
    "2.2c, f'' for f'": (Jacobian(net[t], net[t - 1]), matmul(W, diag(f.prime.prime(net[t - 1]))), LAST, ()),
    "2.2x": (Jacobian(net[t], s[t - 1]), matmul(W, prime(net[t - 1])), LAST, ()),
    "2.3 transposed": (T(d[t - 1]), matmul(T(d[t]), T(W), prime(net[t - 1])), LAST, ()),
    "2.3 without f'": (T(d[t - 1]), matmul(T(d[t]), W), LAST, ()),
    "2.3, sign": (T(d[t - 1]), matmul(-1, T(d[t]), W, prime(net[t - 1])), LAST, ()),
    "2.3, every": (*RIGHT["2.3"][:2], EVERY, ()),
    "2.4 ascending": (T(d[k]), matmul(T(d[t]), product("ascending")), LAST, FROM_ONE),
    "2.4, bound": (T(d[k]), matmul(T(d[t]), product("descending", lo=k + 1)), LAST, FROM_ONE),
    "2.4, every": (*RIGHT["2.4"][:2], EVERY, FROM_ONE),
    "2.6, every": (*RIGHT["2.6"][:2], EVERY, ()),
    "K2 swapped": (Jacobian(vec(net[t]), vec(W), "immediate"), kron(ID, T(s[t - 1])), LAST, ()),
    "K2 total": (Jacobian(vec(net[t]), vec(W)), kron(T(s[t - 1]), ID), LAST, ()),
    "K3, column": (Jacobian(vec(net[t]), vec(W), "immediate"), kron(ID, T(s[t - 1])), LAST, ()),
    "K4 by ⊗": (BlockJacobian(W, W), kron(ID, ID), LAST, ()),
    "2.8, index": (Gradient(E, W), gradient_sum(d[k], s[k]), EVERY, ()),
    "2.8 transposed": (Gradient(E, W), gradient_sum(s[k - 1], d[k]), EVERY, ()),
    "2.8, first bound": (Gradient(E, W), gradient_sum(d[k], s[k - 1], first=2), EVERY, ()),
    "2.8, last bound": (Gradient(E, W), gradient_sum(d[k], s[k - 1], last=t - 1), EVERY, ()),
    "2.8, doubled": (Gradient(E, W), matmul(2, gradient_sum(d[k], s[k - 1])), EVERY, ()),
    "e_k is no total derivative": (Jacobian(E, s[k], "immediate"), Jacobian(E, s[k]), EVERY, FROM_ONE),
}


def claim(row):
    left, right, model, indices = row
    return Claim(left, right, model, indices=indices)


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_row_is_equal_at_every_step(name):
    row = claim(RIGHT[name])
    tried = list(instances(row, 5))
    assert tried
    for times in tried:
        outcome = decide_at(row, times)
        assert outcome.outcome == "equal", (times, outcome.detail)
        assert outcome.bound <= 2.0**-60
        assert not differs_at(row, times)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_row_differs_at_some_step(name):
    row = claim(WRONG[name])
    outcomes = {tuple(times.values()): decide_at(row, times) for times in instances(row, 4)}
    assert {outcome.outcome for outcome in outcomes.values()} <= {"equal", "differ"}
    assert any(outcome.outcome == "differ" for outcome in outcomes.values())
    times, outcome = next(
        (times, outcomes[tuple(times.values())])
        for times in instances(row, 4)
        if outcomes[tuple(times.values())].outcome == "differ"
    )
    assert outcome.where["times"] == {str(letter): value for letter, value in times.items()}
    assert differs_at(row, times, outcome.where["sizes"])


def test_the_diagonal_in_components():
    """[∂s_{t-1}/∂Net_{t-1}]_ij = δ_ij f'(Net_{t-1,i}); 0 for i ≠ j."""
    entry = Component(Jacobian(s[t - 1], net[t - 1]), i, j)
    diagonal = matmul(Delta(i, j), Component(f.prime(net[t - 1]), i))
    assert decide_at(Claim(entry, diagonal, LAST), {t: 3}).outcome == "equal"
    off = Claim(entry, sp.ZeroMatrix(1, 1), LAST, conditions=(Condition(i, "!=", j),))
    assert decide_at(off, {t: 3}).outcome == "equal"
    assert decide_at(Claim(entry, sp.ZeroMatrix(1, 1), LAST), {t: 3}).outcome == "differ"


def test_second_derivatives_through_time():
    """∂δ_{t-1}/∂Net_t moves δ_t only: Wᵀ replaced by what stands in front of it, D_{t-1} Wᵀ ∂δ_t/∂Net_t."""
    left = Jacobian(d[t - 1], net[t])
    right = matmul(prime(net[t - 1]), T(W), Jacobian(d[t], net[t]))
    assert decide_at(Claim(left, right, LAST), {t: 3}).outcome == "equal"
    hessian = Jacobian(d[t - 1], net[t - 1])
    assert decide_at(Claim(hessian, T(hessian), LAST), {t: 3}).outcome == "equal"
    only_outer = matmul(prime(net[t - 1]), T(W), Jacobian(d[t], net[t - 1]))
    assert decide_at(Claim(hessian, only_outer, LAST), {t: 3}).outcome == "differ"


# --- windows ---------------------------------------------------------------------------------------------------

BY_WINDOW = [name for name, row in RIGHT.items() if not any(e.has(TimeSum, TimeProduct) for e in row[:2])]


@pytest.mark.parametrize("name", [name for name in BY_WINDOW if name != "by s_0"])
def test_a_window_settles_neighbouring_steps(name):
    """What the window calls equal, the concrete steps 1 … 5 call equal too (tested above)."""
    outcome = decide_window(claim(RIGHT[name]))
    assert outcome.outcome == "equal", outcome.detail
    assert outcome.bound <= 2.0**-60


@pytest.mark.parametrize("name", WRONG)
def test_a_window_never_accepts_what_is_wrong(name):
    outcome = decide_window(claim(WRONG[name]))
    assert outcome.outcome == "unknown"
    assert outcome.detail


def test_a_window_leaves_induction_alone():
    for name in ("2.4", "2.8, last"):
        outcome = decide_window(claim(RIGHT[name]))
        assert outcome.outcome == "unknown"
        assert "induction" in outcome.detail
    assert "offsets" in decide_window(claim(RIGHT["by s_0"])).detail


def test_a_window_sees_the_first_step():
    """What an equation gives s_{t-1} fails at t = 1, where s_0 is an input; Net_0 does not exist."""
    softmax = Model({s[t]: Softmax(matmul(W, s[t - 1]))}, time=Time(1, t))
    one = matmul(sp.OneMatrix(1, n), s[t - 1])
    sums = Claim(one, sp.OneMatrix(1, 1), softmax)
    assert [decide_at(sums, {t: step}).outcome for step in (1, 2, 3)] == ["differ", "equal", "equal"]
    assert decide_window(sums).outcome == "unknown"
    assert (
        decide_window(Claim(one, sp.OneMatrix(1, 1), softmax, conditions=(Condition(t, "<", sp.Integer(2)),))).outcome
        != "equal"
    )
    assert (
        decide_window(Claim(one, sp.OneMatrix(1, 1), softmax, conditions=(Condition(sp.Integer(2), "<=", t),))).outcome
        == "equal"
    )
    assert decide_window(Claim(s[t - 1], f(net[t - 1]), LAST)).outcome == "equal"
    state = Claim(Jacobian(vec(s[t - 1]), vec(U)), matmul(0, Jacobian(vec(s[t - 1]), vec(U))), LAST)
    assert decide_at(state, {t: 1}).outcome == "equal"
    assert decide_at(state, {t: 2}).outcome == "differ"
    assert decide_window(state).outcome == "unknown"


def test_a_window_sees_the_last_step():
    """∂E/∂s_k is direct at the last step only: k = t equal, else not."""
    whole = Claim(Jacobian(E, s[k], "immediate"), Jacobian(E, s[k]), EVERY, indices=FROM_ONE)
    assert decide_at(whole, {t: 3, k: 3}).outcome == "equal"
    assert decide_at(whole, {t: 3, k: 2}).outcome == "differ"
    assert decide_window(whole).outcome == "unknown"
    direct = Claim(Jacobian(E, s[k], "immediate"), sp.ZeroMatrix(1, n), LAST, indices=(Index(k, sp.S.One, t - 1),))
    assert all(decide_at(direct, times).outcome == "equal" for times in instances(direct, 4))
    assert decide_window(direct).outcome == "equal"


def test_a_window_knows_who_reads_the_past_twice():
    """s_t = f(W s_{t-1} + V s_{t-2}): the δ recursion has two terms, and the one-term form is wrong."""
    V = sp.MatrixSymbol("V", n, n)
    equations = {
        net[t]: matadd(matmul(W, s[t - 1]), matmul(V, s[t - 2])),
        s[t]: f(net[t]),
        d[t]: T(Jacobian(E, net[t])),
    }
    model = Model(equations, loss=Loss.last(s), time=Time(1, t))
    index = (Index(k, sp.S.One, t - 2),)
    one = matmul(T(d[k + 1]), W, prime(net[k]))
    two = matmul(T(d[k + 2]), V, prime(net[k]))
    right = Claim(T(d[k]), matadd(one, two), model, indices=index)
    wrong = Claim(T(d[k]), one, model, indices=index)
    assert all(decide_at(right, times).outcome == "equal" for times in instances(right, 5))
    assert any(decide_at(wrong, times).outcome == "differ" for times in instances(wrong, 5))
    assert decide_window(right).outcome == "equal"
    assert decide_window(wrong).outcome == "unknown"


def test_a_family_that_runs_backward_is_left_alone():
    b = sequence("b", n)
    model = Model({b[t]: f(matmul(W, b[t + 1]))}, loss=Loss.every(b), time=Time(1, sp.Symbol("T", integer=True)))
    outcome = decide_window(Claim(b[k], f(matmul(W, b[k + 1])), model, indices=(Index(k, sp.S.One, model.time.last),)))
    assert outcome.outcome == "unknown"
    assert "later" in outcome.detail


def test_a_loss_of_an_output_that_is_an_input_in_a_short_run():
    """v_{k+1} = f(W v_k): in a run of one step the loss sees v_1, which no equation produces."""
    v = sequence("v", n)
    model = Model((Equation(v[t], f(matmul(W, v[t - 1])), t, sp.Integer(2), t + 1),), Loss.last(v), Time(1, t))
    moved = Claim(Gradient(E, v[1]), Gradient(E, v[1], "immediate"), model)
    still = Claim(Gradient(E, v[1]), sp.ZeroMatrix(n, 1), model)
    assert decide_at(moved, {t: 1}).outcome == "equal"
    assert decide_at(moved, {t: 2}).outcome == "differ"
    assert decide_at(still, {t: 1}).outcome == "differ"
