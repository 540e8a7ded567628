"""The rows of the source derivation: an RNN with the loss on the last state, or on every state."""

import pytest
import sympy as sp

from derive.language.build import diag, kron, matadd, matmul, sequence, transpose, vec
from derive.language.derivatives import BlockJacobian, Collect, FamilyDerivative, Gradient, Jacobian
from derive.language.functions import elementwise
from derive.language.nodes import Component, TimeProduct, TimeSum
from derive.model import Loss, Model, Time
from verify.claim import Claim, Index
from verify.deciders import normal_form
from verify.times import instances

n, m = sp.symbols("n m", integer=True, positive=True)
t, k, i, j, last = sp.symbols("t k i j tau", integer=True)
x, s, net, delta = sequence("x", m), sequence("s", n), sequence("Net", n), sequence("delta", n)
U, W, E = sp.MatrixSymbol("U", n, m), sp.MatrixSymbol("W", n, n), sp.MatrixSymbol("E", 1, 1)
f = elementwise("f")
ID = sp.Identity(n)
T = transpose
EQUATIONS = {
    net[t]: matadd(matmul(U, x[t]), matmul(W, s[t - 1])),
    s[t]: f(net[t]),
    delta[t]: transpose(Jacobian(E, net[t])),
}
LAST = Model(EQUATIONS, loss=Loss.last(s), time=Time(1, t))
EVERY = Model(EQUATIONS, loss=Loss.every(s), time=Time(1, t))
D = diag(f.prime(net[t - 1]))

# id: left, right, is it true with the loss on the last state, is it true with the loss on every state
ROWS = {
    "2.1": (T(delta[t - 1]), matmul(T(delta[t]), Jacobian(net[t], net[t - 1])), True, False),
    "2.2": (
        Jacobian(net[t], net[t - 1]),
        matmul(Jacobian(net[t], s[t - 1]), Jacobian(s[t - 1], net[t - 1])),
        True,
        True,
    ),
    "2.2a": (Jacobian(net[t], s[t - 1]), W, True, True),
    "2.2a ij": (Component(Jacobian(net[t], s[t - 1]), i, j), Component(W, i, j), True, True),
    "2.2b": (Jacobian(s[t - 1], net[t - 1]), D, True, True),
    "2.2c": (Jacobian(net[t], net[t - 1]), matmul(W, D), True, True),
    "2.2c denominator": (Jacobian(net[t], net[t - 1]), matmul(D, T(W)), False, False),
    "2.2x": (Jacobian(net[t], s[t - 1]), matmul(W, D), False, False),
    "2.3": (T(delta[t - 1]), matmul(T(delta[t]), W, D), True, False),
    "2.6": (Gradient(E, W), Collect(matmul(T(delta[t]), FamilyDerivative(net[t], W))), True, False),
    "2.7a": (
        FamilyDerivative(net[t], W),
        matadd(matmul(FamilyDerivative(W, W), s[t - 1]), matmul(W, FamilyDerivative(s[t - 1], W))),
        True,
        True,
    ),
    "2.7": (
        Gradient(E, W),
        Collect(
            matadd(
                matmul(T(delta[t]), FamilyDerivative(W, W), s[t - 1]),
                matmul(T(delta[t]), W, FamilyDerivative(s[t - 1], W)),
            )
        ),
        True,
        False,
    ),
    "2.7b": (Collect(matmul(T(delta[t]), FamilyDerivative(W, W), s[t - 1])), matmul(delta[t], T(s[t - 1])), True, True),
    "2.7c": (
        Collect(matmul(T(delta[t]), W, FamilyDerivative(s[t - 1], W))),
        Collect(matmul(T(delta[t - 1]), FamilyDerivative(net[t - 1], W))),
        True,
        False,
    ),
    "K1": (Jacobian(vec(W), vec(W)), kron(ID, ID), True, True),
    "K2 W": (Jacobian(vec(net[t]), vec(W), "immediate"), kron(T(s[t - 1]), ID), True, True),
    "K2 U": (Jacobian(vec(net[t]), vec(U), "immediate"), kron(T(x[t]), ID), True, True),
    "K3": (Jacobian(vec(net[t], "row"), vec(W, "row"), "immediate"), kron(ID, T(s[t - 1])), True, True),
    "K3 column": (Jacobian(vec(net[t]), vec(W), "immediate"), kron(ID, T(s[t - 1])), False, False),
    "K4": (BlockJacobian(W, W), matmul(vec(ID), T(vec(ID))), True, True),
    "K4 wrong": (BlockJacobian(W, W), kron(ID, ID), False, False),
    "G": (
        Jacobian(net[t], vec(W)),
        matadd(kron(T(s[t - 1]), ID), matmul(W, D, Jacobian(net[t - 1], vec(W)))),
        True,
        True,
    ),
}
CASES = [(row, scope) for row in ROWS for scope in ("last", "every")]


def row_claim(row: str, scope: str) -> tuple[Claim, bool]:
    left, right, in_last, in_every = ROWS[row]
    return (Claim(left, right, LAST), in_last) if scope == "last" else (Claim(left, right, EVERY), in_every)


@pytest.mark.parametrize(("row", "scope"), CASES)
def test_every_row_at_concrete_steps(row: str, scope: str) -> None:
    """Equal or different at each t ≤ 4 in scope, as the table says (a false row may hold at the first steps)."""
    claim, true = row_claim(row, scope)
    found = {normal_form.decide_at(claim, times).outcome for times in instances(claim, 4) if times[t] >= 2}
    assert found == ({"equal"} if true else {"differ"})


@pytest.mark.parametrize(("row", "scope"), CASES)
def test_every_row_at_a_symbolic_step(row: str, scope: str) -> None:
    """What holds is proved for all t; what does not is left open, with the terms that remain."""
    claim, true = row_claim(row, scope)
    outcome = normal_form.decide_symbolic(claim)
    if true:
        assert outcome.outcome == "equal"
    elif claim.is_timeless:
        assert outcome.outcome == "differ"
    else:
        assert outcome.outcome == "unknown"
        assert "left - right = " in outcome.detail


def test_the_total_kronecker_form_holds_at_the_first_step_only() -> None:
    """∂vec Net_t/∂vec W = sᵀ ⊗ I in total: true at t = 1, false at t = 2, so not proved for all t."""
    claim = Claim(Jacobian(vec(net[t]), vec(W)), kron(T(s[t - 1]), ID), LAST)
    assert [normal_form.decide_at(claim, {t: at}).outcome for at in (1, 2)] == ["equal", "differ"]
    assert normal_form.decide_symbolic(claim).outcome == "unknown"


def test_the_first_step_is_a_case_of_its_own() -> None:
    """s_{t-1} = f(U x_{t-1} + W s_{t-2}) for t ≥ 2 only; x_{t-1} does not exist at t = 1, so that is no instance."""
    unfolded = f(matadd(matmul(U, x[t - 1]), matmul(W, s[t - 2])))
    outcome = normal_form.decide_symbolic(Claim(s[t - 1], unfolded, LAST))
    assert (outcome.outcome, outcome.instances) == ("equal", 2)  # t ≥ 3, and t = 2, where s_0 is an input
    assert normal_form.decide_at(Claim(s[t - 1], unfolded, LAST), {t: 2}).outcome == "equal"
    assert normal_form.decide_symbolic(Claim(s[t - 1], s[t - 1], LAST)).instances == 2


def test_what_lies_before_the_window_is_not_dropped() -> None:
    """∂Net_t/∂W by two immediate terms: true at t ≤ 2, false from t = 3 on, where s_{t-2} moves as well."""
    two = matadd(
        Jacobian(vec(net[t]), vec(W), "immediate"), matmul(W, D, Jacobian(vec(net[t - 1]), vec(W), "immediate"))
    )
    claim = Claim(Jacobian(vec(net[t]), vec(W)), two, EVERY)
    assert [normal_form.decide_at(claim, {t: at}).outcome for at in (2, 3)] == ["equal", "differ"]
    assert normal_form.decide_symbolic(claim).outcome == "unknown"


def test_a_claim_that_fails_at_the_first_step_only_is_not_proved() -> None:
    """s_t = c_{t-1} + b with c_t = b: ∂s_t/∂b = 2 I, but for t = 1, where c_0 is an input."""
    b, c = sp.MatrixSymbol("b", n, 1), sequence("c", n)
    model = Model({c[t]: b, s[t]: matadd(c[t - 1], b)}, loss=Loss.last(s), time=Time(1, t))
    claim = Claim(Jacobian(s[t], b), matmul(2, ID), model)
    assert [normal_form.decide_at(claim, {t: at}).outcome for at in (1, 2, 3)] == ["differ", "equal", "equal"]
    assert normal_form.decide_symbolic(claim).outcome == "unknown"
    written = Claim(matmul(Jacobian(s[t], b), c[t - 1]), matmul(2, c[t - 1]), model)
    outcome = normal_form.decide_symbolic(written)
    assert outcome.outcome == "unknown"
    assert outcome.detail.startswith("t = 1: ")


@pytest.mark.parametrize("steps", [1, 2, 3, 6])
@pytest.mark.parametrize("model", [LAST, EVERY], ids=["last", "every"])
def test_gradients_as_sums_over_time(steps: int, model: Model) -> None:
    """∂E/∂W = Σ δ_k s_{k-1}ᵀ (2.8) and ∂E/∂U = Σ δ_k x_kᵀ (2.9), in both scopes."""
    for parameter, source in ((W, s[k - 1]), (U, x[k])):
        right = TimeSum(matmul(delta[k], T(source)), k, 1, t)
        assert normal_form.decide_at(Claim(Gradient(E, parameter), right, model), {t: steps}).outcome == "equal"
        short = TimeSum(matmul(delta[k], T(source)), k, 2, t)
        assert normal_form.decide_at(Claim(Gradient(E, parameter), short, model), {t: steps}).outcome == "differ"


def product_claim(direction: str, model: Model) -> Claim:
    factor = matmul(W, diag(f.prime(net[i])))
    right = matmul(T(delta[t]), TimeProduct(factor, i, k, t - 1, direction))
    return Claim(T(delta[k]), right, model, indices=(Index(k, sp.Integer(1), t),))


@pytest.mark.parametrize("at", range(1, 7))
def test_delta_as_a_product_over_time(at: int) -> None:
    """δ_kᵀ = δ_tᵀ Π W D (2.4), descending; ascending differs from two factors on; one loss a step adds terms."""
    times = {t: 6, k: at}
    assert normal_form.decide_at(product_claim("descending", LAST), times).outcome == "equal"
    ascending = normal_form.decide_at(product_claim("ascending", LAST), times).outcome
    assert ascending == ("differ" if at <= 4 else "equal")
    every = normal_form.decide_at(product_claim("descending", EVERY), times).outcome
    assert every == ("differ" if at <= 5 else "equal")
    assert normal_form.decide_symbolic(product_claim("descending", LAST)).outcome == "unknown"


def test_the_missing_term_is_named() -> None:
    """(2.3) with a loss at every step lacks e_{t-1}ᵀ diag[f'(Net_{t-1})]."""
    claim, _ = row_claim("2.3", "every")
    assert normal_form.difference(claim, {t: 4}) == ["f'(Net[3])_i ∂⁺E/∂s[3]_i"]
    assert normal_form.difference(row_claim("2.3", "last")[0], {t: 4}) == []
    assert "f'(Net[t-1])_i ∂⁺E/∂s[t-1]_i" in normal_form.decide_symbolic(claim).detail


def test_a_step_before_the_last_has_an_opaque_future() -> None:
    """With k ≤ T and the loss at T: 2.3 holds at every k, 2.7 (the gradient from δ_k alone) does not."""
    model = Model(EQUATIONS, loss=Loss.last(s), time=Time(1, last))
    for row, expected in (("2.3", "equal"), ("2.7", "unknown"), ("2.7c", "equal"), ("2.7a", "equal")):
        left, right, *_ = ROWS[row]
        claim = Claim(left, right, model, indices=(Index(t, sp.Integer(1), last),))
        assert normal_form.decide_symbolic(claim).outcome == expected, row
    left, right, *_ = ROWS["2.7"]
    claim = Claim(left, right, model, indices=(Index(t, sp.Integer(1), last),))
    assert normal_form.decide_at(claim, {last: 3, t: 2}).outcome == "differ"
    assert normal_form.decide_at(claim, {last: 3, t: 3}).outcome == "equal"


def test_second_derivatives_of_the_loss_are_symmetric() -> None:
    """∂/∂s_T of ∂E/∂s_T is an opaque symmetric matrix."""
    hessian = Jacobian(Gradient(E, s[t]), s[t])
    assert normal_form.decide_at(Claim(hessian, T(hessian), LAST), {t: 2}).outcome == "equal"
    mixed = Jacobian(Gradient(E, s[t]), s[t - 1])
    assert normal_form.decide_at(Claim(matmul(hessian, hessian), mixed, EVERY), {t: 2}).outcome == "differ"
    swapped = T(Jacobian(Gradient(E, net[t]), net[t]))
    assert normal_form.decide_at(Claim(Jacobian(Gradient(E, net[t]), net[t]), swapped, LAST), {t: 2}).outcome == "equal"


def test_a_missing_member_is_no_free_input() -> None:
    """Net_0 does not exist."""
    outcome = normal_form.decide_at(Claim(net[t - 1], net[t - 1], LAST), {t: 1})
    assert outcome.outcome == "unknown"
    assert "Net[0]" in outcome.detail


def test_the_text_of_a_difference_does_not_tell_what_was_decided_before() -> None:
    """Atoms are numbered as a session meets them; neither the order of factors nor the letters show it."""
    claims = {name: row_claim(name, "every")[0] for name in ("2.2x", "2.2c denominator", "2.3", "2.6", "2.7")}
    fresh = {name: normal_form.decide_at(claim, {t: 3}).detail for name, claim in claims.items()}
    assert all("left - right" in detail for detail in fresh.values())
    for order in (list(claims), list(claims)[::-1]):
        session = normal_form.Session()
        assert {name: normal_form.decide_at(claims[name], {t: 3}, session=session).detail for name in order} == fresh
