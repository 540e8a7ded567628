"""Each rewrite is an equality at concrete steps, by both deciders; the checker does the same again on its own."""

import pytest
import sympy as sp

from derive.language.build import kron, matadd, matmul, transpose, vec
from derive.language.nodes import TimeSum
from tests.verify.induction.systems import (
    IMMEDIATE,
    LAST,
    B,
    K,
    W,
    a,
    bd,
    claim,
    delta,
    k,
    layer,
    product,
    s,
    stack,
    t,
    tau,
    total,
    wd,
)  # fmt: skip
from verify.claim import Claim, Index
from verify.deciders import normal_form, prime_field
from verify.induction.certificate import CertificateError, decode, encode
from verify.induction.context import facts_of, is_nonnegative
from verify.induction.formulas import RULES
from verify.induction.redone import REWRITES, Rejected, follows, known_of
from verify.times import instances

two = sp.Integer(2)
EARLY = Index(k, sp.Integer(1), t - 1)  # where k..t-1 is not empty
SUM = total(matmul(delta[tau], transpose(s[tau - 1])), tau, k)
CASES = [
    ("empty", product(wd(), k, k - 1), K),
    ("empty", TimeSum(delta[tau], tau, k + 1, k), K),
    ("peel_bottom", product(wd(), k, t - 1), EARLY),
    ("peel_bottom", product(wd(), k, t - 1, "ascending"), EARLY),
    ("peel_bottom", SUM, K),
    ("peel_top", product(wd(), k, t - 1), EARLY),
    ("peel_top", product(wd(), k, t - 1, "ascending"), EARLY),
    ("peel_top", SUM, K),
    ("drop_neutral", matmul(sp.Identity(W.shape[0]), W, delta[k]), K),
    ("drop_neutral", matadd(delta[k], sp.ZeroMatrix(W.shape[0], 1)), K),
    ("reverse", transpose(matmul(two, W, delta[k])), K),
    ("reverse", transpose(matadd(W, matmul(delta[k], LAST))), K),
    ("reverse", transpose(SUM), K),
    ("reverse", transpose(product(wd(), k, t - 1)), K),
    ("reverse", transpose(product(wd(), k, t - 1, "ascending")), K),
    ("factor_left", TimeSum(matmul(W, delta[tau], LAST), tau, k, t), K),
    ("factor_right", TimeSum(matmul(delta[tau], LAST, wd(k)), tau, k, t), K),
    ("pull_out", matmul(W, SUM, W), K),
    ("pull_out", vec(SUM), K),
    ("pull_out", kron(LAST, SUM), K),
]


@pytest.mark.parametrize(("rule", "node", "index"), CASES, ids=lambda part: part if isinstance(part, str) else "")
def test_rewrite_is_an_equality(rule, node, index):
    """left = rule(left) at every step up to 3, for all sizes; and both implementations give the same formula."""
    model = layer("last")
    facts = claim(node, node, model, index)
    after = RULES[rule](node, facts_of(facts))
    assert after is not None
    assert after != node
    assert REWRITES[rule](node, known_of(facts)) == after
    asked = Claim(node, after, model, indices=(index,))
    found = list(instances(asked, 3))
    assert found
    for times in found:
        assert prime_field.decide_at(asked, times).outcome == "equal"
        assert normal_form.decide_at(asked, times).outcome == "equal"


REFUSED = [
    ("empty", product(wd(), k, k), K),
    ("empty", product(wd(), k, k - 2), K),  # below empty: an inverse by Karr's convention
    ("empty", product(kron(W, W), k, k - 1), K),  # no identity of the language has two sizes on one axis
    ("peel_bottom", product(wd(), k, t - 1), K),  # empty at k = t
    ("peel_top", product(wd(), k, t - 1), K),
    ("peel_bottom", TimeSum(delta[tau], tau, k + 1, t), K),
    ("drop_neutral", matmul(W, W), K),
    ("drop_neutral", sp.MatMul(two, sp.Identity(W.shape[0]), evaluate=False), K),
    ("reverse", transpose(W), K),
    ("factor_left", TimeSum(matmul(delta[tau], LAST), tau, k, t), K),
    ("factor_right", TimeSum(matmul(LAST, delta[tau]), tau, k, t), K),
    ("pull_out", matmul(W, product(wd(), k, t - 1)), K),
    ("pull_out", matmul(transpose(delta[tau]), TimeSum(delta[tau], tau, k, t)), K),  # would be captured
]


@pytest.mark.parametrize(("rule", "node", "index"), REFUSED, ids=lambda part: part if isinstance(part, str) else "")
def test_rewrite_is_refused(rule, node, index):
    """Where a side condition is not proved, neither implementation rewrites."""
    facts = claim(node, node, layer("last"), index)
    assert RULES[rule](node, facts_of(facts)) is None
    with pytest.raises((Rejected, ValueError)):
        REWRITES[rule](node, known_of(facts))


@pytest.mark.parametrize(
    ("gap", "expected"),
    [(t - 1, True), (t - k, True), (k - 1, True), (t - k - 1, False), (k - 2, False), (2 * t - k - 1, True),
     (1 - t, False), (t - 2 * k, False), (sp.Integer(0), True), (sp.Integer(-1), False), (t * k, False)],
)  # fmt: skip
def test_facts(gap, expected):
    """1 ≤ k ≤ t: what follows and what does not, in both implementations."""
    asked = claim(delta[k], delta[k], layer("last"), K)
    assert is_nonnegative(gap, facts_of(asked)) == expected
    assert follows(gap, known_of(asked)) == expected


def test_formulas_come_back():
    """decode(encode(formula)) is the formula."""
    for formula in (SUM, IMMEDIATE, product(wd(), k, t - 1), vec(W, "row"), matmul(sp.Rational(1, 2), B, bd(), a[k])):
        assert decode(encode(formula)) == formula
    for equation in (*layer("every", True).equations, *stack("last").equations):
        assert decode(encode(equation.right)) == equation.right


@pytest.mark.parametrize(
    "data",
    ["W", ["Exec", 1], [], [1], ["Pow", 10, 1000000], ["Pow", ["Symbol", "n", "size"], 100000], ["Symbol", "n"],
     ["Symbol", "n", "real"], ["MatrixSymbol", "W", 1], ["Rational", 1, 0], ["TimeProduct", 1], True, None, 1.5,
     ["Rational", True, 2], {"W": 1}],
)  # fmt: skip
def test_no_formula(data):
    """What is no formula is refused."""
    with pytest.raises(CertificateError):
        decode(data)


def test_nested_too_deep():
    """Nesting is limited."""
    data = ["Symbol", "n", "size"]
    for _ in range(200):
        data = ["Transpose", data]
    with pytest.raises(CertificateError):
        decode(data)
