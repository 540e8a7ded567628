"""Activations: slopes by complex step and differences, pull and push as transposes, erf by its integral."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verify.reference.routes import STEP, check_close
from verify.reference.activations import ACTIVATIONS, erf_series, gelu, leaky_relu, normal_distribution, softplus

ELEMENTWISE = sorted(set(ACTIVATIONS) - {"softmax"})
POINTS = np.array([-7.3, -3.1, -1.7, -0.4, -1e-3, 2e-3, 0.6, 1.9, 3.3, 8.8])  # on both sides of 0, none at the kinks


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_slopes_are_the_complex_step(name):
    """f'(z) = Im f(z + ih) / h."""
    f = ACTIVATIONS[name]
    check_close(f.pull(POINTS, np.ones_like(POINTS)), f.value(POINTS + 1j * STEP).imag / STEP)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_slopes_are_the_limit_of_differences(name):
    """f'(z) = (4 D(h) - D(2h)) / 3, D(h) = (f(z + h) - f(z - h)) / 2h: no complex number, so erf is math.erfc's."""
    f, h = ACTIVATIONS[name], 2.0**-11

    def slope(step):
        return (f.value(POINTS + step) - f.value(POINTS - step)) / (2 * step)

    check_close(f.pull(POINTS, np.ones_like(POINTS)), (4 * slope(h) - slope(2 * h)) / 3, relative=1e-10)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
@settings(max_examples=20)
@given(n=st.integers(1, 5), seed=st.integers(0, 2**32 - 1))
def test_pull_is_the_transpose_of_push(name, n, seed):
    """dᵀ (J v) = (Jᵀ d)ᵀ v, and J v = Im f(z + ihv) / h."""
    f = ACTIVATIONS[name]
    z, v, d = np.random.default_rng(seed).uniform(-2, 2, (3, 2, n))
    check_close(f.push(z, v), f.value(z + 1j * STEP * v).imag / STEP)
    check_close((d * f.push(z, v)).sum(axis=-1), (f.pull(z, d) * v).sum(axis=-1))


POINTS_OF_ERF = [-9.0, -6.1, -5.9, -2.5, -0.3, 0.0, 1e-9, 0.7, 4.0, 5.999, 6.001, 30.0]


@pytest.mark.parametrize("z", POINTS_OF_ERF)
def test_the_series_of_erf_is_the_integral(z):
    """erf(z) = 2/√π ∫_0^z e^{-u²} du to 50 digits, rounded, and erf' = 2/√π e^{-z²} in the imaginary part."""
    with mpmath.workdps(50):
        expected, slope = float(mpmath.erf(z)), float(2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-(mpmath.mpf(z) ** 2)))
    found = erf_series(np.array([z + 1j * STEP]))[0]
    assert abs(found.real - expected) <= 1e-14
    assert abs(found.imag / STEP - slope) <= 1e-14


@pytest.mark.parametrize("z", POINTS_OF_ERF)
def test_the_normal_distribution_is_accurate_in_its_tail(z):
    """Φ(z) relative to itself: ½ (1 + erf(z/√2)) would lose every digit at -9. Complex z: to 1e-14 of 1."""
    with mpmath.workdps(50):
        expected = float(mpmath.ncdf(z))
    assert abs(normal_distribution(np.array([z]))[0] - expected) <= 1e-14 * expected
    assert abs(normal_distribution(np.array([z + 0j]))[0] - expected) <= 1e-14


def test_the_exact_gelu_is_not_its_approximation():
    """½ z (1 + tanh(√(2/π) (z + 0.044715 z³))) is another function: 1e-4 away."""
    approximate = POINTS / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (POINTS + 0.044715 * POINTS**3)))
    assert 1e-5 < np.abs(gelu(POINTS) - approximate).max() < 1e-3


def test_softplus_stays_finite_and_exact_far_out():
    """log(1 + e^z) is z at 800 and e^z at -700, where 1 + e^z is ∞ and 1."""
    with np.errstate(all="raise", under="ignore"):
        assert softplus(np.array([800.0]))[0] == 800
        assert softplus(np.array([-700.0]))[0] == math.exp(-700)


def test_leaky_relu_has_the_slope_it_was_given():
    z = np.array([-2.0, 3.0])
    assert (leaky_relu(0.25).value(z) == [-0.5, 3]).all()
    assert (leaky_relu(0.25).pull(z, np.ones(2)) == [0.25, 1]).all()
    assert (ACTIVATIONS["leaky relu"].value(z) == [-0.02, 3]).all()
