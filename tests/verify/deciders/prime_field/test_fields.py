"""Fields: arithmetic modulo primes against Python's integers; unknown functions are functions."""

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from verify.deciders.prime_field.exact import Balls, Rationals
from verify.deciders.prime_field.fields import PrimeField, is_prime, primes_below
from verify.deciders.prime_field.functions import slope_polynomial
from verify.deciders.prime_field.problems import Degenerate

NDIM = 4
Z = sp.Symbol("z")
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


# --- tanh and σ by their slopes --------------------------------------------------------------------------------


@pytest.mark.parametrize("k", range(1, 6))
@pytest.mark.parametrize(
    ("slope", "function"), [((1, 0, -1), sp.tanh(Z)), ((0, 1, -1), 1 / (1 + sp.exp(-Z)))], ids=["tanh", "sigmoid"]
)
def test_slope_polynomials_are_the_derivatives_that_sympy_finds(slope, function, k):
    """g' = p(g) gives g⁽ᵏ⁾ = p_k(g): here against the derivative of the formula of g, at some points."""
    found = sum(c * function**j for j, c in enumerate(slope_polynomial(slope, k)))
    difference = found - function.diff(Z, k)
    assert all(abs(difference.subs(Z, sp.Rational(p, 3)).evalf(30)) < 1e-25 for p in (-4, -1, 1, 2, 5))


@pytest.mark.parametrize(
    ("first", "second", "related"),
    [
        (("tanh", 5), ("sigmoid", 6), False),
        (("tanh", 5), ("tanh", 5), False),  # one and the same atom
        (("exp", 5), ("exp", -5), False),  # exp's own law, seen by the counts
        (("tanh", 5), ("tanh", -5), True),
        (("tanh", 0), ("tanh", 7), True),
        (("sigmoid", 5), ("exp", -5), True),
        (("exp", 5), ("tanh", 5), True),
        (("sigmoid", 5), ("tanh", -5), True),
    ],
)
def test_functions_are_related_where_their_arguments_meet_up_to_the_sign(first, second, related):
    field = PrimeField(2, NDIM, seed=0)
    for name, value in (first, second):
        getattr(field, name)(column(field, [value]) % field.p)
    assert field.has_related_functions() is related


@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_balls_hold_the_true_value(name):
    field = Balls(NDIM, seed=0)
    value = getattr(field, name)(field.constant(Fraction(3, 4))).flat[0]
    exact = sp.tanh(sp.Rational(3, 4)) if name == "tanh" else 1 / (1 + sp.exp(sp.Rational(-3, 4)))
    assert abs(float(value.mid) - float(exact)) < 1e-15
    assert float(value.delta) < 1e-30
    rational = getattr(Rationals(NDIM, seed=0), name)
    assert rational(np.zeros((1, 1, 1, 1), dtype=object)).flat[0] == (0 if name == "tanh" else Fraction(1, 2))
    with pytest.raises(Degenerate):
        rational(np.ones((1, 1, 1, 1), dtype=object))
