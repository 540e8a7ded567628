"""Losses of pre-activations against the losses of the activations, and weights and masks over steps."""

from __future__ import annotations

import numpy as np
import pytest

from tests.verify.reference.routes import STEP, check_close, units
from verify.reference import losses
from verify.reference.activations import SIGMOID, SOFTMAX
from verify.reference.losses import LOSSES

FOLDED = {
    "binary cross-entropy of sigmoid": (SIGMOID, "binary cross-entropy"),
    "cross-entropy of softmax": (SOFTMAX, "cross-entropy"),
}


def drawn(seed, shape=(3, 2, 4)):
    r = np.random.default_rng(seed)
    return r.uniform(-2, 2, shape), r.uniform(0.1, 0.9, shape)


@pytest.mark.parametrize("name", sorted(FOLDED))
def test_a_loss_of_a_pre_activation_is_the_loss_of_its_activation(name):
    """L(f(z)) in one piece: the same value, and z̄ = f'(z)ᵀ ō, for targets that do not sum to 1 as well."""
    f, plain = FOLDED[name]
    z, y = drawn(1)
    o = f.value(z)
    check_close(LOSSES[name].value(z, y), LOSSES[plain].value(o, y))
    check_close(LOSSES[name].cotangent(z, y), f.pull(z, LOSSES[plain].cotangent(o, y)))


@pytest.mark.parametrize("name", sorted(FOLDED))
def test_a_loss_of_a_pre_activation_stays_finite(name):
    """At z = ±800 the activation is 0 or 1 and its logarithm -∞, the loss 800 or 0."""
    z, y = np.array([[800.0, -800.0], [-800.0, 800.0]]), np.array([[1.0, 0.0], [1.0, 0.0]])
    value = LOSSES[name].value(z, y)
    assert np.isfinite(value).all()
    assert value[0] == 0
    assert value[1] == 1600


def test_squared_error_of_integers_is_exact():
    """½ ‖(3, 1) - (1, 2)‖² = 2.5."""
    assert losses.squared_error(np.array([3.0, 1.0]), np.array([1.0, 2.0])) == 2.5


@pytest.mark.parametrize("name", sorted(LOSSES))
@pytest.mark.parametrize("shape", [(3, 2), (3, 1)])
def test_weights_have_their_cotangents(name, shape):
    """E = Σ_t Σ_batch w_t L(o_t, y_t) by complex step, with a weight that is zero."""
    r = np.random.default_rng(5)
    o, y, weights = r.uniform(0.1, 0.9, (3, 2, 4)), r.uniform(0.1, 0.9, (3, 2, 4)), r.uniform(0.5, 2, shape)
    weights[1] = 0
    value, cotangents = losses.weighted(LOSSES[name], o, y, weights)
    check_close(value, (weights * LOSSES[name].value(o, y)).sum())
    stepped = [losses.weighted(LOSSES[name], o + 1j * STEP * e, y, weights)[0].imag / STEP for e in units(o)]
    check_close(cotangents, np.reshape(stepped, o.shape))
    assert (cotangents[1] == 0).all()


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_masks_choose_steps(name):
    """A mask of ones is every step, one of the last step alone is the last."""
    o, y = np.random.default_rng(6).uniform(0.1, 0.9, (2, 3, 2, 4))
    last = np.zeros((3, 1))
    last[-1] = 1
    for mask, over in ((np.ones((3, 2)), losses.on_every), (last, losses.on_last)):
        for found, expected in zip(losses.weighted(LOSSES[name], o, y, mask), over(LOSSES[name], o, y), strict=True):
            check_close(found, expected)


def test_what_is_masked_is_not_read():
    """Padding may be NaN: 0 · NaN would be NaN."""
    o, y = np.random.default_rng(7).uniform(0.1, 0.9, (2, 3, 2, 4))
    mask = np.array([[1.0, 1], [1, 0], [0, 0]])
    clean = losses.weighted(losses.CROSS_ENTROPY, o, y, mask)
    y[mask == 0] = o[mask == 0] = np.nan
    for found, expected in zip(losses.weighted(losses.CROSS_ENTROPY, o, y, mask), clean, strict=True):
        check_close(found, expected)
