"""Fields: arithmetic modulo primes against Python's integers; unknown functions are functions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verify.deciders.prime_field.exact import Balls, Rationals
from verify.deciders.prime_field.fields import PrimeField, is_prime, primes_below
from verify.deciders.prime_field.problems import Degenerate

NDIM = 4
laws = settings(deadline=None, derandomize=True)


def column(field, values):
    return field.constant(Fraction(0)) + np.array(values, dtype=np.int64).reshape(1, 1, -1, 1)


@pytest.mark.parametrize("number", [2, 3, 101, 2**29 - 3, 2**31 - 1, 2305843009213693951])
def test_primes_are_recognised(number):
    assert is_prime(number)


@pytest.mark.parametrize("number", [0, 1, 9, 561, 3215031751, 2**29 - 1, (2**29 - 3) * 3])
def test_composites_are_recognised(number):
    assert not is_prime(number)


def test_every_trial_has_a_prime_of_its_own():
    assert len(set(primes_below(29, 20))) == 20
    assert PrimeField(5, NDIM, seed=0).primes == primes_below(29, 5)


@laws
@given(st.integers(1, 70), st.integers(0, 10**6))
def test_matrix_product_of_any_length(inner, seed):
    """(AB)_ij = Σ_k a_ik b_kj modulo each prime, also where the sum would overflow 63 bits."""
    field = PrimeField(2, NDIM, seed)
    a = field.draw("a", np.arange(2 * inner).reshape(1, 1, 2, inner))
    b = field.draw("b", np.arange(inner * 3).reshape(1, 1, inner, 3))
    found = field.matmul(a, b)
    for trial, p in enumerate(field.primes):
        exact = np.matmul(a[trial, 0].astype(object), b[trial, 0].astype(object)) % p
        assert (found[trial, 0] == exact).all()


def test_an_unknown_function_is_a_function_of_its_value_name_order_and_trial():
    field = PrimeField(3, NDIM, seed=1)
    z = column(field, [5, 5, 6])
    f, df, g = field.opaque("f", 0, z), field.opaque("f", 1, z), field.opaque("g", 0, z)
    assert (f[:, :, 0] == f[:, :, 1]).all()
    assert (f[:, :, 0] != f[:, :, 2]).all()
    assert (f != df).all()
    assert (f != g).all()
    assert len({int(v) for v in f[:, 0, 0, 0]}) == 3
    assert (f == PrimeField(3, NDIM, seed=1).opaque("f", 0, z)).all()
    assert (f != PrimeField(3, NDIM, seed=2).opaque("f", 0, z)).all()


@laws
@given(st.lists(st.integers(0, 2**29 - 200), min_size=1, max_size=5))
def test_exp_of_the_opposite_is_the_reciprocal(values):
    """exp(-v) exp(v) = 1 and exp(0) = 1."""
    field = PrimeField(2, NDIM, seed=3)
    v = column(field, values)
    assert (field.multiply(field.exp(v), field.exp(field.negate(v))) == 1).all()
    assert (field.exp(column(field, [0])) == 1).all()


def test_the_reciprocal_of_zero_is_never_silent():
    field = PrimeField(2, NDIM, seed=0)
    assert (field.multiply(field.inverse(column(field, [7])), column(field, [7])) == 1).all()
    with pytest.raises(Degenerate):
        field.inverse(column(field, [7, 0]))
    with pytest.raises(Degenerate):
        Rationals(NDIM, 0).inverse(np.array([[[[0]]]], dtype=object))


def test_fractions_are_fractions_modulo_each_prime():
    field = PrimeField(3, NDIM, seed=0)
    third = field.constant(Fraction(-1, 3))
    assert (field.multiply(third, field.constant(Fraction(3))) == field.constant(Fraction(-1))).all()


def test_balls_that_meet_do_not_differ_and_others_do():
    field = Balls(NDIM, 0)
    tenth, third = field.constant(Fraction(1, 10)), field.constant(Fraction(1, 3))
    total = field.add(field.multiply(third, field.constant(Fraction(3))), tenth)
    assert not field.differ(total, field.constant(Fraction(11, 10))).any()
    assert field.differ(total, field.constant(Fraction(11, 10) + Fraction(1, 10**30))).all()


def test_choices_override_single_unknowns():
    free, chosen = Rationals(NDIM, 0), Rationals(NDIM, 0, {("a", 1): 42})
    places = np.arange(2).reshape(1, 1, 2, 1)
    assert chosen.draw("a", places)[0, 0, 1, 0] == 42
    assert chosen.draw("a", places)[0, 0, 0, 0] == free.draw("a", places)[0, 0, 0, 0] != 0
    assert set(free.asked) == {("a", 0), ("a", 1)}
