"""‖δ_k‖ ≤ ‖δ_t‖ (‖W‖ max|f'|)^{t-k}: what is drawn obeys the bound, and is what the Jacobians give."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from derive import Model, elementwise, sequence
from derive.language.build import hadamard
from derive.models.systems import system
from tests.verify.pictures.reading import at, parsed, points, shapes
from verify.pictures.picture import NoPicture
from verify.pictures.vanishing import STEEPEST, STEPS, M, N, recurrent_activation, runs, vanishing_picture
from verify.reference.activations import ACTIVATIONS

ROUNDING = STEPS * (N + 4) * np.finfo(float).eps  # a product of STEPS matrices of N columns, relative


@pytest.mark.parametrize("kind", sorted(STEEPEST))
def test_every_point_is_below_its_bound(kind: str) -> None:
    for run in runs(kind):
        factor = np.linalg.norm(run.W, 2) * STEEPEST[kind][1]
        np.testing.assert_allclose(run.bound, factor ** np.arange(STEPS), rtol=ROUNDING)
        assert (run.ratios <= run.bound * (1 + ROUNDING)).all(), run.name
        assert run.ratios[0] == 1


@pytest.mark.parametrize("kind", sorted(STEEPEST))
def test_gradients_vanish_and_explode_as_said(kind: str) -> None:
    small, large = runs(kind)[:2]
    assert small.ratios[-1] < 0.05
    assert (np.diff(small.ratios) < 0).all(), "falls at every step: the norm of every factor is below 1"
    assert large.ratios[-1] > 10


@pytest.mark.parametrize("kind", sorted(STEEPEST))
def test_no_slope_exceeds_the_steepest(kind: str) -> None:
    z = np.linspace(-30, 30, 60_001)
    z = z[z != 0]
    slopes = np.abs(ACTIVATIONS[kind].pull(z, np.ones_like(z)))
    place, bound = STEEPEST[kind]
    assert slopes.max() <= bound * (1 + 1e-12)
    reached = float(ACTIVATIONS[kind].pull(np.array([place]), np.ones(1))[0])
    assert reached == pytest.approx(bound, rel=3e-3 if kind == "softplus" else 1e-12)


def test_the_ratios_are_products_of_jacobians() -> None:
    """δ_k = Π diag(f'(Net_i)) Wᵀ δ_t, multiplied out by hand for the drawn W and inputs of ordinary size."""
    rng = np.random.default_rng(0)
    left, right = (np.linalg.qr(rng.standard_normal((N, N)))[0] for _ in range(2))
    U, x, cotangent = (rng.standard_normal(shape) for shape in ((N, M), (STEPS, 1, M), (1, N)))
    W = left @ np.diag(np.linspace(1.05, 1.3, N)) @ right
    s, nets = np.zeros(N), []
    for step in range(STEPS):
        nets.append(U @ x[step, 0] + W @ s)
        s = np.tanh(nets[-1])
    delta = (1 - np.tanh(nets[-1]) ** 2) * cotangent[0]
    norms = [np.linalg.norm(delta)]
    for net in reversed(nets[:-1]):
        delta = (1 - np.tanh(net) ** 2) * (W.T @ delta)
        norms.append(np.linalg.norm(delta))
    np.testing.assert_allclose(runs("tanh")[2].ratios, np.array(norms) / norms[0], rtol=1e-9)
    np.testing.assert_allclose(runs("tanh")[2].W, W)


def test_the_drawing_holds_the_points_and_no_point_is_above_its_line() -> None:
    root = parsed(vanishing_picture([system("rnn").model]).svg)
    small, large = (points(line) for line in shapes(root, "bound"))
    circles = [at(dot, "cx", "cy") for dot in shapes(root, "small")][:STEPS]
    squares = [at(box, "x", "y", "width") for box in shapes(root, "large")][:STEPS]
    assert len(circles) == len(squares) == len(small) == STEPS
    decades = (circles[0][1] - circles[-1][1]) / np.log10(runs("tanh")[0].ratios[-1])
    for lag, (cx, cy) in enumerate(circles):
        assert cx == pytest.approx(small[lag][0], abs=0.01)
        assert cy >= small[lag][1] - 0.01, "downwards is greater"
        assert cy == pytest.approx(circles[0][1] - decades * np.log10(runs("tanh")[0].ratios[lag]), abs=0.05)
    for lag, (left, top, width) in enumerate(squares):
        assert left + width / 2 == pytest.approx(large[lag][0], abs=0.01)
        assert top + width / 2 >= large[lag][1] - 0.01


def test_which_models_are_recurrent_networks() -> None:
    assert recurrent_activation(system("rnn").model) == "opaque"
    assert recurrent_activation(system("rnn", activation="sigmoid", bias=True).model) == "sigmoid"
    for other in ("dense", "lstm", "gru", "jordan", "residual", "layer norm"):
        assert recurrent_activation(system(other).model) == "", other
    assert recurrent_activation(_with_two_loops()) == ""
    assert recurrent_activation(_with_its_own_function()) == "", "its max|f'| is not known"
    with pytest.raises(NoPicture):
        vanishing_picture([system("lstm").model])
    assert "f = sigmoid, max|f′| = 0.25" in vanishing_picture([system("rnn", activation="sigmoid").model]).caption
    assert "standing for an f" in vanishing_picture([system("rnn").model]).caption


def _with_two_loops() -> Model:
    """s_t = tanh(W s_{t-1} + V q_{t-1}), q_t = g(s_t): the past comes in by two ways."""
    n = sp.Symbol("n", integer=True, positive=True)
    t = sp.Symbol("t", integer=True)
    s, q = sequence("s", n), sequence("q", n)
    V, W = sp.MatrixSymbol("V", n, n), sp.MatrixSymbol("W", n, n)
    return Model({s[t]: elementwise("f", "tanh")(W * s[t - 1] + V * q[t - 1]), q[t]: elementwise("g")(s[t])})


def _with_its_own_function() -> Model:
    n = sp.Symbol("n", integer=True, positive=True)
    t = sp.Symbol("t", integer=True)
    s, x = sequence("s", n), sequence("x", n)
    swish = elementwise("swish", value=lambda z: hadamard(z, elementwise("\\sigma", "sigmoid")(z)))
    return Model({s[t]: swish(x[t] + sp.MatrixSymbol("W", n, n) * s[t - 1])})
