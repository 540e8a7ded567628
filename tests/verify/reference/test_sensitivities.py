"""All parameters at once, forward in time: against the complex step of the forward pass, which knows no tangents."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings

from tests.verify.reference.routes import by_complex_step, check_close, edited, relative_error
from tests.verify.reference.systems import RECURRENT, SIZES, TELLING, Case, elman_shapes, filled
from verify.reference import rnn, sensitivities
from verify.reference.activations import GELU, IDENTITY, SIGMOID, SOFTMAX, TANH


def of_elman(size, f=TANH, g=IDENTITY, without=()):
    shapes = elman_shapes(size) | {"V": (size.p, size.n), "c": (size.p,)}
    inputs = filled({key: shape for key, shape in shapes.items() if key not in without}, size.seed)
    return Case(inputs, partial(rnn.forward, f=f, g=g), partial(rnn.backward, f=f, g=g), size.seed)


CASES = {
    "RNN": of_elman,
    "RNN, softmax output": partial(of_elman, f=GELU, g=SOFTMAX),
    "RNN, softmax state": partial(of_elman, f=SOFTMAX, g=SIGMOID),  # a Jacobian that is not diagonal
    "RNN, no biases": partial(of_elman, without=("b", "c")),
    "RNN, no output": partial(of_elman, without=("V", "c")),
    "RNN, no recurrence": partial(of_elman, without=("W", "s0")),
    "RNN, no input weights": lambda size: without_input_weights(of_elman(size)),
    **{name: case for name, case in RECURRENT.items() if name.startswith(("LSTM", "GRU"))},
}


def without_input_weights(case):
    """x_t itself enters the pre-activation."""
    inputs = {key: array for key, array in case.inputs.items() if key != "U"}
    steps, batch, _ = inputs["x"].shape
    inputs["x"] = np.resize(inputs["x"], (steps, batch, inputs["b"].size))
    return Case(inputs, case.forward, case.backward, case.seed)


def found_by(name, case, module=sensitivities):
    """The gradients under the case's own settings."""
    run = {"RNN": module.elman_gradients, "LSTM": module.lstm_gradients, "GRU": module.gru_gradients}[
        name.split(",")[0]
    ]
    return run(case.inputs, case.values, case.cotangents, **case.forward.keywords)


def check(name, case, module=sensitivities):
    found = found_by(name, case, module)
    assert set(found) == set(case.inputs) - {"x"}
    for key, gradient in found.items():
        check_close(gradient, by_complex_step(case, key))


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=10)
@given(size=SIZES)
def test_every_gradient_is_the_complex_step(name, size):
    """Initial states and parameters, E linear in all values at all steps."""
    check(name, CASES[name](size))


@pytest.mark.parametrize("name", CASES)
def test_forward_and_backward_agree_over_many_steps(name):
    """To the last digits, at sizes at which the errors of a drift would add up."""
    size = type(TELLING)(steps=60, batch=2, m=5, n=12, p=4, seed=3)
    case = CASES[name](size)
    case.inputs.update({key: a / 3 for key, a in case.inputs.items() if key.startswith("W")})
    expected = case.adjoints()
    for key, gradient in found_by(name, case).items():
        assert relative_error(gradient, expected[key]) < 1e-13, key


def test_a_cotangent_of_one_value_at_one_step():
    """∂h_{2}/∂θ: the steps after it and the other values have no part."""
    case = CASES["LSTM, peepholes"](TELLING)
    hot = {"h": np.zeros_like(case.values["h"])}
    hot["h"][1, 0, 1] = 1
    found = sensitivities.lstm_gradients(case.inputs, case.values, hot)
    expected = case.backward(case.inputs, case.values, hot)
    for key, gradient in found.items():
        check_close(gradient, expected[key])
    with pytest.raises(KeyError, match="cotangents of s"):
        sensitivities.lstm_gradients(case.inputs, case.values, {"s": hot["h"]})


PLANTED = {  # name of the error: (what is written, what is planted, the cells that must show it)
    "only the last step counts": ("total += later[:, -1]", "total = later[:, -1]", ["RNN", "LSTM", "GRU, no biases"]),
    "S is held from step to step": ("now, later = later, now", "pass", ["RNN", "LSTM"]),
    "S_0 is forgotten": ("= np.eye(width)", "= 0", ["RNN", "LSTM"]),
    "the immediate term replaces what was carried": ("column] += effect[k]", "column] = effect[k]", ["RNN", "LSTM"]),
    "the immediate term is one step early": ("* v[k][:, column]", "* v[k - 1][:, column]", ["RNN", "LSTM"]),
    "K_t of the wrong step": ("+= effect[k]", "+= effect[0]", ["RNN", "GRU, reset before, update z"]),
    "o looks at the memory before": ('seen = values["c"] if gate == "o" else past["c0"]', 'seen = past["c0"]',
                                     ["LSTM, one peephole"]),
    "W_n multiplies h before the reset": ('"W_n": values["q"]', '"W_n": h', ["GRU, reset before, update z"]),
    "W reads s_t": ('.get("s0", values["Net"])', '.get("nothing", values["s"])', ["RNN"]),
    "an output counts at its last step": ('"tbi,tbiw->iw", ', '"tbi,tbiw->iw", np.eye(4)[3][:, None, None] * ',
                                          ["RNN"]),
    "V reads the pre-activation": ('"V": values["s"]', '"V": values["Net"]', ["RNN"]),
    "E's rows lose a cotangent": ("energy = sum(read, ", "energy = sum(read[1:], ", ["RNN", "LSTM"]),
}  # fmt: skip


@pytest.mark.parametrize("error", PLANTED)
def test_every_planted_error_is_rejected(error):
    written, planted, names = PLANTED[error]
    wrong = edited(sensitivities, written, planted)
    for name in names:
        with pytest.raises(AssertionError, match="array"):
            check(name, CASES[name](TELLING), wrong)


def test_the_copy_without_an_edit_passes():
    """It is the edit that is rejected, not the copying."""
    copy = edited(sensitivities, "def flat(", "def flat(")
    check("RNN", CASES["RNN"](TELLING), copy)


def test_one_product_a_step(monkeypatch):
    """T products for T steps, whatever the number of parameters."""
    case, products, product = CASES["LSTM, peepholes"](TELLING), [], np.matmul

    def counted(*args, **kwargs):
        products.append(args[1].shape)
        return product(*args, **kwargs)

    monkeypatch.setattr(np, "matmul", counted)
    found_by("LSTM, peepholes", case)
    count = sum(array.size for key, array in case.inputs.items() if key not in ("x", "h0", "c0"))
    assert products == [(TELLING.batch, 2 * TELLING.n, 2 * TELLING.n + count)] * TELLING.steps
