"""The prover: what is proved for all steps and sizes, and what never is."""

from dataclasses import replace

import pytest
import sympy as sp

from derive.language.build import matmul, transpose
from derive.language.derivatives import Gradient
from derive.language.nodes import TimeSum
from tests.verify.induction import systems as model
from verify.claim import Condition, Index
from verify.deciders import prime_field
from verify.edits import edits
from verify.induction import prove, replay
from verify.quantities import claim_of, derivations
from verify.times import instances, is_exhausted


def holds_at_few_steps(claim, steps=3):
    """Whether the prime field settles every instance with few steps; False where there is none."""
    outcomes = [prime_field.decide_at(claim, times).outcome for times in instances(claim, steps)]
    return bool(outcomes) and all(outcome == "equal" for outcome in outcomes)


def test_closed_forms_are_proved_and_replayed(true):
    """δ, ∂E/∂W, ∂E/∂U, ∂E/∂b, ∂E/∂s_0, G and H of one layer and of two, in both scopes of the loss."""
    proof = prove(true.claim)
    assert proof is not None
    assert replay(proof.certificate).ok
    (outcome,) = proof.outcomes
    assert (outcome.witness, outcome.outcome) == ("induction", "equal")
    assert outcome.bound < 2.0**-60


def test_single_slips_are_not_proved(false):
    """D W, Wᵀ, ascending, bounds, s_k for s_{k-1}, I ⊗ sᵀ, no local term: none is proved."""
    assert prove(false.claim) is None
    found = [prime_field.decide_at(false.claim, times).outcome for times in instances(false.claim, 3)]
    assert "differ" in found or not found  # false, or nothing is in scope (x_0 is written)


@pytest.mark.parametrize(
    "named", [named for named in model.TRUE if named.name.startswith("last ")][::2], ids=lambda n: n.name
)
def test_no_edit_of_a_closed_form_is_proved_unless_it_holds(named):
    """Every single edit in the project's list."""
    edited = list(edits(named.claim))
    assert len(edited) >= 10
    for edit in edited:
        assert prove(edit.claim) is None or holds_at_few_steps(edit.claim), edit.name


def test_suite(suite):
    """Every claim of the suite over symbolic ranges is proved where it holds, and no other."""
    for name, (claim, expected) in suite.items():
        if claim.relation != "=" or claim.is_timeless or is_exhausted(claim):
            continue
        proof = prove(claim)
        if expected == "refuted":
            assert proof is None, name
        elif expected in ("", "proved") and not claim.letters:
            assert proof is not None, name


def test_derived_quantities():
    """What derive derives beyond single steps is proved: nothing is left that was tested only."""
    for name, derivation in derivations():
        claim = claim_of(derivation)
        if not claim.is_timeless:
            assert prove(claim) is not None, name


def test_hypothesis_is_reported():
    """The report names letter, direction and rules, and whether the hypothesis was used."""
    named = next(named for named in model.TRUE if named.name == "last 2.4")
    (outcome,) = prove(named.claim).outcomes
    assert "induction down on k" in outcome.detail
    assert "peel bottom" in outcome.detail
    assert "hypothesis used" in outcome.detail


def test_certificate_repeats():
    """The same claim and seed give the same certificate."""
    claim = model.TRUE[0].claim
    assert prove(claim, seed=3).certificate == prove(claim, seed=3).certificate


def test_existence_narrows_the_range():
    """Π_{i=k+1}^{t-1} is legal for k ≤ t - 1 only: δ_{k+1}ᵀ = δ_tᵀ Π_{i=k+1}^{t-1} W D_i is proved there."""
    last = model.layer("last")
    k, t = model.k, model.t
    right = matmul(model.LAST, model.product(model.wd(), k + 1, t - 1))
    claim = model.claim(transpose(model.delta[k + 1]), right, last, model.K)
    proof = prove(claim)
    assert proof is not None
    scoped = proof.certificate["proof"]["then"][0]["goal"]["indices"]
    assert scoped[0][2] != proof.certificate["proof"]["goal"]["indices"][0][2]
    assert holds_at_few_steps(claim)


def test_hypothesis_needs_its_base():
    """Where k = t is out of scope, nothing is concluded from it: Wᵀ-free nonsense at Net_{k+1} stays unproved."""
    last = model.layer("last")
    k, t = model.k, model.t
    right = matmul(model.LAST, model.product(model.wd(model.i + 1), k, t - 2))
    assert prove(model.claim(transpose(model.delta[k]), right, last, model.K)) is None


def test_upper_bound_below_empty_is_illegal():
    """A product to t - 2 from k = t would be an inverse in Karr's convention; here such k are out of scope."""
    last = model.layer("last")
    k, t = model.k, model.t
    right = matmul(model.LAST, model.product(model.wd(), k, t - 2), model.wd(t - 1))
    assert prove(model.claim(model.ROW, right, last, model.K)) is None


def test_conditions_are_kept():
    """A condition k < t narrows the range, and the claim under it is proved."""
    named = next(named for named in model.TRUE if named.name == "last 2.4")
    claim = replace(named.claim, conditions=(Condition(model.k, "<", model.t),))
    assert prove(claim) is not None


def test_sum_over_another_range_is_not_termwise():
    """Σ_{k=1}^{t} and Σ_{k=0}^{t-1} with shifted terms agree; with unshifted terms they do not."""
    last = model.layer("last")
    k, t = model.k, model.t
    shifted = TimeSum(matmul(model.delta[k + 1], transpose(model.s[k])), k, sp.Integer(0), t - 1)
    assert prove(model.claim(Gradient(model.E, model.W), shifted, last)) is not None
    unshifted = TimeSum(matmul(model.delta[k], transpose(model.s[k - 1])), k, sp.Integer(0), t - 1)
    assert prove(model.claim(Gradient(model.E, model.W), unshifted, last)) is None


def test_bound_letter_of_the_claim_is_no_fact_inside():
    """Σ_{k=1}^{t} under an index k: the outer range says nothing of the inner letter."""
    last = model.layer("last")
    k, t = model.k, model.t
    gradient = model.total(matmul(model.delta[k], transpose(model.s[k - 1])))
    index = Index(k, sp.Integer(2), t)
    assert prove(model.claim(Gradient(model.E, model.W), gradient, last, index)) is not None
