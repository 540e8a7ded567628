"""What a witness cannot carry out becomes its answer: no exception, no warning, no run without end, no false digit."""

from __future__ import annotations

import time
import warnings
from functools import reduce

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.language.build import hadamard, kron, matadd, matmul, negate, ones, transpose
from derive.language.derivatives import Jacobian
from derive.language.functions import elementwise
from derive.language.nodes import Power, Softmax
from derive.model import Model
from verify.claim import Assumption, Claim
from verify.instances import Instance, draw
from verify.oracles.components import V, value_at
from verify.oracles.draws import constrain
from verify.oracles.exact import rationals
from verify.oracles.limits import Unsupported
from verify.oracles.registry import ORACLES, Numeric

NAMES = sorted(ORACLES)
n = sp.Symbol("n", integer=True, positive=True)
A, u, p = sp.MatrixSymbol("A", n, n), sp.MatrixSymbol("u", n, 1), sp.MatrixSymbol("p", n, 1)
TIMELESS = Model([])
root, log, inverse = (elementwise(kind, kind) for kind in ("sqrt", "log", "reciprocal"))
f = elementwise("f")


def equal(left, right, *assumptions):
    return Claim(left, right, TIMELESS, assumptions=assumptions)


def examine(name, claim, count=12):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return ORACLES[name].examine(claim, draw(claim, count))


# --- what is drawn is exact --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "claim",
    [
        equal(hadamard(u, inverse(u)), ones(n, 1)),
        equal(hadamard(root(p), root(p)), p),
        equal(elementwise("exp", "exp")(log(p)), p),
    ],
    ids=["u / u = 1", "sqrt(p) ⊙ sqrt(p) = p", "exp(log p) = p"],
)
def test_functions_of_what_is_positive(name, claim):
    assert examine(name, claim, 40).outcome == "equal"


def test_positive_rationals_stay_rational():
    entries = constrain("positive", rationals(np.array([[[-3], [5]]]), 64))
    assert all(entry.is_Rational and entry > 0 for entry in entries.flat)


KINDS = st.sampled_from([(), ("positive",), ("symmetric",), ("diagonal",), ("positive", "diagonal")])


@settings(deadline=None, derandomize=True, max_examples=60)
@given(size=st.integers(1, 9), seed=st.integers(0, 2**32 - 1), kinds=KINDS, exact=st.booleans())
def test_a_drawn_sum_is_one_without_rounding(size, seed, kinds, exact):
    """In any order of summation; what is positive, symmetric or diagonal stays so."""
    numerators = np.random.default_rng(seed).integers(-64, 64, (3, size, size))
    entries = rationals(numerators, 64) if exact else numerators / 97
    for kind in (*kinds, "sum_one"):
        entries = constrain(kind, entries)
    for one in entries:
        if not one.any():  # all is zero off an empty diagonal: no sum can be one
            continue
        assert sum(one.flat) == 1
        assert sum(reversed(list(one.flat))) == 1
        assert "positive" not in kinds or "diagonal" in kinds or (one > 0).all()
        assert "symmetric" not in kinds or (one == one.T).all()
        assert "diagonal" not in kinds or (one == one * np.eye(size, dtype=int)).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_assumed_sum_is_one(name):
    """qᵀ 1 = 1 and 1ᵀ q qᵀ 1 = 1; qᵀ 1 = 2 is refuted."""
    assumed, total = Assumption("sum_one", u), matmul(transpose(u), ones(n, 1))
    assert examine(name, equal(total, ones(1, 1), assumed), 100).outcome == "equal"
    assert examine(name, equal(matmul(total, total), ones(1, 1), assumed), 100).outcome == "equal"
    assert examine(name, equal(total, matmul(2, ones(1, 1)), assumed)).outcome == "differ"


@pytest.mark.parametrize("name", NAMES)
def test_what_is_positive_with_sum_one_stays_positive(name):
    """1ᵀ exp(log p) = 1 where 1ᵀ p = 1."""
    total = matmul(transpose(ones(n, 1)), elementwise("exp", "exp")(log(p)))
    assert examine(name, equal(total, ones(1, 1), Assumption("sum_one", p)), 40).outcome == "equal"


@pytest.mark.parametrize("name", NAMES)
def test_whole_coefficients_do_not_wrap_around(name):
    """(2^40 I)(2^40 A) = 2^80 A."""
    large = matmul(2**40, sp.Identity(n))
    left = hadamard(matmul(2**40, ones(n, n)), matmul(2**40, ones(n, n)))
    assert examine(name, equal(left, matmul(2**80, ones(n, n)))).outcome == "equal"
    assert examine(name, equal(matmul(large, Power(matmul(2**20, sp.Identity(n)), sp.Integer(3))), A)).outcome == (
        "differ"
    )


# --- what stops a witness ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("factors", [7, 12])
@pytest.mark.parametrize("name", NAMES)
def test_many_kronecker_factors_are_too_large(name, factors):
    """Said before anything is allocated."""
    product = reduce(kron, [A] * factors)
    start = time.process_time()
    outcome = examine(name, equal(product, product), 100)
    assert outcome.outcome == "limit"
    assert "too large" in outcome.detail
    assert time.process_time() - start < 30  # it doubles a level where nothing stops it


@pytest.mark.parametrize("name", NAMES)
def test_an_exponent_beyond_the_limit(name):
    huge = Power(A, sp.Integer(10**9))
    assert examine(name, equal(huge, huge)).outcome == "limit"


@pytest.mark.parametrize("wide", [lambda z: z, lambda z: elementwise("g", "tanh")(z)], ids=["f", "f of tanh"])
def test_functions_nested_deep_are_too_large_for_exact_numbers(wide):
    """A quadratic doubles the digits a level."""
    start = time.process_time()
    deep = reduce(lambda z, _: f(wide(z)), range(18), u)
    for claim in (equal(deep, deep), equal(Jacobian(deep, u), Jacobian(deep, u))):
        outcome = examine("components", claim)
        assert outcome.outcome in ("limit", "equal")
        assert outcome.outcome == "limit" or wide(u) != u  # tanh ends the growth: 50 digits
    assert time.process_time() - start < 30  # it doubles a level where nothing stops it


@pytest.mark.parametrize("name", NAMES)
def test_no_number_is_a_failure(name):
    """0/0 and 1/0 agree with nothing, and NumPy says nothing of its own."""
    zero = matadd(u, negate(u))
    for left, right in (
        (hadamard(zero, inverse(zero)), ones(n, 1)),
        (inverse(zero), inverse(zero)),
        (inverse(zero), ones(n, 1)),
        (ones(n, 1), log(zero)),
    ):
        outcome = examine(name, equal(left, right))
        assert outcome.outcome == "failed"
        assert outcome.detail == "a value is not finite"


ERRORS = {
    KeyError("s0"): ("failed", "KeyError: 's0'"),
    MemoryError("Unable to allocate 1 TiB"): ("limit", "too large: Unable to allocate 1 TiB"),
    RecursionError(): ("limit", "too large: RecursionError"),
    Unsupported("a thing"): ("unknown", "a thing"),
    ValueError("a value"): ("failed", "ValueError: a value"),
}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_whatever_breaks_in_a_witness_is_its_answer(error):
    class Broken:
        name = f"broken by {type(error).__name__}"  # worlds are kept by the witness's name

        def raw(self, lab, node, env):
            raise error

    claim = equal(Jacobian(Softmax(u), u), sp.Identity(n))
    outcome = Numeric(Broken()).examine(claim, [Instance((("n", 2),), 1, seed=1)])
    assert (outcome.outcome, outcome.detail) == ERRORS[error]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_in_scope_is_no_exception(name):
    """A power that is none is out of scope at every size."""
    negative = Power(A, sp.Integer(-2))
    assert examine(name, equal(negative, negative)).outcome == "unknown"


def test_components_evaluate_what_occurs_often_once():
    """A derivative is a graph: written out as a tree, this one has 2^8 - 3 nodes."""
    formula = V
    for _ in range(6):
        formula = sp.Add(sp.tanh(formula), sp.sin(formula))
    known = {}
    value = value_at(formula, sp.Rational(1, 3), known)
    exact = sp.Rational(1, 3).evalf(60)
    for _ in range(6):
        exact = sp.tanh(exact) + sp.sin(exact)
    assert abs(value - exact) < 1e-40
    assert len(known) == 1 + 3 * 6
