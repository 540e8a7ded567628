"""Outcomes to verdicts: two witnesses for everything, and disagreement is loud. The witnesses here are planted."""

import pytest
import sympy as sp

import verify
from derive.language.build import diag, matmul, sequence, transpose
from derive.language.derivatives import Gradient, Jacobian
from derive.language.functions import elementwise
from derive.language.nodes import Norm, TimeSum
from derive.model import Equation, Loss, Model, Time
from verify import check
from verify.claim import Claim
from verify.deciders.outcome import Outcome
from verify.errors import WitnessConflict
from verify.limits import Effort

n, m = sp.symbols("n m", integer=True, positive=True)
t = sp.Symbol("t", integer=True)
x, s, net = sequence("x", m), sequence("s", n), sequence("Net", n)
U, W = sp.MatrixSymbol("U", n, m), sp.MatrixSymbol("W", n, n)
f = elementwise("f")
RNN = Model({net[t]: U * x[t] + W * s[t - 1], s[t]: f(net[t])}, loss=Loss.last(s), time=Time(1, t))
RIGHT = Claim(Jacobian(net[t], net[t - 1]), matmul(W, diag(f.prime(net[t - 1]))), RNN)
WRONG = Claim(Jacobian(net[t], net[t - 1]), matmul(diag(f.prime(net[t - 1])), W), RNN)
NONE = Effort(examples=0)
E, delta, k = sp.MatrixSymbol("E", 1, 1), sequence("delta", n), sp.Symbol("k", integer=True)
NAMED = Model((*RNN.equations, Equation(delta[t], Gradient(E, net[t]), t)), Loss.last(s), Time(1, t))


def says(witness, outcome):
    return lambda *args, **kwargs: Outcome(witness, outcome, 1, detail="planted")


@pytest.fixture
def planted(monkeypatch):
    """Put planted answers in place of a witness's functions."""

    def plant(**answers):
        for name, outcome in answers.items():
            module, function = name.split("__")
            monkeypatch.setattr(getattr(check, module), function, says(module.replace("_", " "), outcome))

    return plant


def test_a_true_claim_is_proved_by_both_deciders():
    verdict = check.settle(RIGHT, NONE)
    assert verdict.verdict == "proved"
    assert {outcome.witness: outcome.outcome for outcome in verdict.witnesses} == {
        "prime field": "equal",
        "normal form": "equal",
    }
    assert verdict.times == "2 <= t"


def test_the_normal_form_is_not_asked_where_the_prime_field_does_not_settle_all_steps(planted, monkeypatch):
    """Both must say equal: what one leaves open is not proved by a window, whatever the other says."""
    asked = []
    monkeypatch.setattr(check.normal_form, "decide_symbolic", lambda *args, **kwargs: asked.append(args))
    planted(prime_field__decide_window="unknown")
    case = check._Case(RIGHT, NONE, [{t: 2}], check.normal_form.Session())
    assert check._prove(case, []) is None
    assert not asked


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        (("equal", "equal"), "proved"),
        (("equal", "limit"), "proved"),
        (("limit", "equal"), "proved"),
        (("equal", "unknown"), None),
        (("unknown", "limit"), None),
    ],
)
def test_a_limit_at_a_long_run_is_no_obstacle_to_a_proof(said, verdict, monkeypatch):
    """Both deciders settle the induction; at a single run the normal form may reach its limit, and stops there."""
    claim = Claim(Gradient(E, W), TimeSum(matmul(delta[k], transpose(s[k - 1])), k, sp.S.One, t), NAMED)
    answers = iter(said)
    monkeypatch.setattr(check._Case, "form_at", lambda self, times: Outcome("normal form", next(answers), 1))
    case = check._Case(claim, NONE, [{t: 1}, {t: 2}], check.normal_form.Session())
    found = check._prove_by_induction(case, [Outcome("prime field", "equal", 1)])
    assert (None if found is None else found.verdict) == verdict
    if found is not None:
        runs = [outcome.instances for outcome in found.witnesses if outcome.witness == "normal form"]
        assert runs == ([] if said[0] == "limit" else [said.count("equal")])


def test_a_limit_is_no_excuse_for_a_difference(monkeypatch):
    """A normal form that sees a difference where the prime field sees none is a conflict, proof or not."""
    claim = Claim(Gradient(E, W), TimeSum(matmul(delta[k], transpose(s[k - 1])), k, sp.S.One, t), NAMED)
    monkeypatch.setattr(check._Case, "form_at", lambda self, times: Outcome("normal form", "differ", 1))
    case = check._Case(claim, NONE, [{t: 1}], check.normal_form.Session())
    with pytest.raises(WitnessConflict):
        check._prove_by_induction(case, [Outcome("prime field", "equal", 1)])


def test_a_false_claim_is_refuted_with_the_smallest_counterexample():
    verdict = check.settle(WRONG, NONE)
    assert (verdict.verdict, verdict.reason) == ("refuted", "value")
    assert verdict.counterexample.sizes["n"] == 2
    assert verdict.counterexample.times == {"t": 2}


@pytest.mark.parametrize("silent", ["normal_form__decide_symbolic", "prime_field__decide_window"])
def test_one_decider_alone_never_proves(planted, silent):
    planted(**{silent: "unknown"})
    verdict = check.settle(RIGHT, NONE)
    assert verdict.verdict == "tested"
    assert verdict.times == "t in 2..6"


def test_a_limit_of_one_decider_leaves_tested_with_its_name(planted):
    planted(normal_form__decide_symbolic="limit", normal_form__decide_at="limit")
    verdict = check.settle(RIGHT, NONE)
    assert verdict.verdict == "tested"
    assert "limit: planted" in verdict.message


def test_limits_of_both_leave_undecided(planted):
    planted(
        normal_form__decide_symbolic="limit",
        normal_form__decide_at="limit",
        prime_field__decide_at="limit",
        prime_field__decide_window="limit",
    )
    assert check.settle(RIGHT, NONE).verdict == "undecided"


@pytest.mark.parametrize(
    ("claim", "plant"),
    [
        (RIGHT, {"prime_field__decide_at": "differ"}),
        (WRONG, {"normal_form__decide_at": "equal"}),
        (WRONG, {"prime_field__decide_at": "equal"}),
    ],
)
def test_two_sure_witnesses_that_differ_are_an_error(planted, claim, plant):
    planted(**plant)
    with pytest.raises(WitnessConflict):
        check.settle(claim, Effort(examples=20))


def test_a_numeric_witness_that_differs_from_a_proof_is_an_error(monkeypatch):
    monkeypatch.setattr(check, "examine", lambda claim, effort: [Outcome("bptt", "differ", 5, detail="planted")])
    with pytest.raises(WitnessConflict, match="bptt says differ"):
        check.settle(RIGHT, Effort(examples=5))


def test_a_difference_that_nothing_confirms_refutes_nothing(planted, monkeypatch):
    planted(normal_form__decide_at="unknown")
    monkeypatch.setattr(check.counterexample, "smallest", lambda *args, **kwargs: None)
    assert check.settle(WRONG, NONE).verdict == "undecided"


def test_a_claim_on_which_nothing_ran_is_never_green():
    nowhere = Claim(s[t - 9], s[t - 9], RNN)
    verdict = check.settle(nowhere, NONE)
    assert verdict.verdict == "undecided"
    assert "nothing ran" in verdict.message


def test_an_inequality_is_tested_by_numbers_or_refuted_by_them():
    norm = Norm(s[t])
    bound = Claim(norm, matmul(2, norm), RNN, relation="<=")
    assert check.settle(bound, Effort(examples=20)).verdict == "tested"
    false = Claim(matmul(2, norm), norm, RNN, relation="<=")
    assert check.settle(false, Effort(examples=20)).verdict == "refuted"


def test_a_verdict_is_no_bool():
    with pytest.raises(TypeError):
        bool(check.settle(RIGHT, NONE))
    with pytest.raises(TypeError):
        bool(Outcome("prime field", "equal"))


def test_a_claim_takes_formulas_only():
    with pytest.raises(TypeError):
        Claim(sp.Eq(2 * W, W + W), W, RNN)
    assert Claim(transpose(W), W, RNN)


def test_a_derivation_is_no_formula_and_the_call_says_where_its_formulas_are():
    derivation = RNN.jacobian(s[t], s[t - 1])
    with pytest.raises(TypeError, match=r"a derivation has two, \.left and \.right"):
        verify.claim(derivation, derivation.right, model=RNN)
    assert verify.claim(derivation.left, derivation.right, model=RNN, examples=0).verdict == "proved"
