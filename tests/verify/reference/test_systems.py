"""Every hand-written backward against the complex step and central differences of its forward."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from tests.verify.reference.routes import by_differences, check_adjoints, check_close, check_gradients
from tests.verify.reference.systems import EPSILON, RECURRENT, SIZES, SYSTEMS, TELLING
from verify.reference import bidirectional, cells, dense, embedding, gru, lstm, rnn
from verify.reference.activations import GELU, IDENTITY, SOFTMAX, TANH


@pytest.mark.parametrize("name", sorted(SYSTEMS))
@settings(max_examples=15)
@given(size=SIZES)
def test_backward_is_the_complex_step(name, size):
    """∂E/∂θ for every input and parameter, E linear in all values at all steps."""
    check_gradients(SYSTEMS[name](size))


@pytest.mark.parametrize("name", sorted(SYSTEMS))
def test_backward_is_the_limit_of_differences(name):
    """And no step is complex: at this seed no kink lies nearer than the step."""
    check_gradients(SYSTEMS[name](TELLING), by_differences, relative=1e-9)


@pytest.mark.parametrize("name", sorted(RECURRENT))
def test_adjoints_of_gates_and_states_are_total_derivatives(name, monkeypatch):
    """v̄_t = ∂E/∂v_t, every pre-activation, gate and state at every step moved alone."""
    check_adjoints(RECURRENT[name](TELLING), monkeypatch)


@pytest.mark.parametrize("name", ["bidirectional RNN", "bidirectional LSTM", "bidirectional GRU"])
def test_a_bidirectional_network_is_two_cells(name):
    """→h̄ receives the first half of ȳ, ←h̄ the second; each cell alone gives the same adjoints, in its own order."""
    cell, case = {"RNN": cells.rnn(), "LSTM": cells.lstm(), "GRU": cells.gru()}[name.split()[1]], SYSTEMS[name](TELLING)
    found, n = case.adjoints(), TELLING.n
    for way, order, half in (("ahead", 1, slice(None, n)), ("back", -1, slice(n, None))):
        inputs = bidirectional.inputs_of(case.inputs, way)
        check_close(inputs["x"], case.inputs["x"][::order])
        given_ = {key: d[::order] for key, d in bidirectional.of_direction(case.cotangents, way).items()}
        given_[cell.output] = given_[cell.output] + case.cotangents["y"][::order, :, half]
        values = cell.forward(inputs)
        alone = cell.backward(inputs, values, given_)
        for key in values:
            check_close(found[f"{key}_{way}"], alone[key][::order])
        for key in cell.initial:
            check_close(found[f"{key}_{way}"], alone[key])


def test_a_step_sees_only_what_its_direction_has_met():
    """Moving x_1 moves →h at every step and ←h at the first alone."""
    case = SYSTEMS["bidirectional GRU"](TELLING)
    moved = {**case.inputs, "x": case.inputs["x"].copy()}
    moved["x"][0] += 0.5
    before, after = case.values, case.forward(moved)
    assert all((before["h_ahead"][k] != after["h_ahead"][k]).all() for k in range(TELLING.steps))
    assert (before["h_back"][0] != after["h_back"][0]).all()
    assert (before["h_back"][1:] == after["h_back"][1:]).all()


def test_the_adjoints_of_dense_layers_are_gradients_of_what_is_above():
    """ā^l is x̄ of the network that starts at l + 1; z̄^l is b̄^l where the batch is one."""
    case, f = SYSTEMS["dense"](replace(TELLING, batch=1)), [TANH, GELU, SOFTMAX]
    found, values = case.adjoints(), case.values
    for layer in (1, 2):
        upper = {
            f"{key[0]}{int(key[1]) - layer}": array
            for key, array in {**case.inputs, **case.cotangents}.items()
            if key[1:] and int(key[1]) > layer
        }
        inputs = {"x": values[f"a{layer}"], **{key: upper[key] for key in upper if key[0] in "Wb"}}
        above = dense.forward(inputs, f[layer:])
        given_ = {key: upper[key] for key in above}
        x_bar = dense.backward(inputs, above, given_, f[layer:])["x"]
        check_close(found[f"a{layer}"], case.cotangents[f"a{layer}"] + x_bar)
    for layer in (1, 2, 3):
        check_close(found[f"z{layer}"][0], found[f"b{layer}"])


def test_the_two_meanings_of_z_are_one_cell():
    """Update z of (U_z, W_z, b_z) is update 1-z of (-U_z, -W_z, -b_z), since 1 - σ(a) = σ(-a)."""
    case = SYSTEMS["GRU, reset before, update z"](TELLING)
    turned = {key: -array if key in ("U_z", "W_z", "b_z") else array for key, array in case.inputs.items()}
    values = gru.forward(turned, "before", "1-z")
    check_close(values["h"], case.values["h"])
    check_close(values["z"], 1 - case.values["z"])
    cotangents = {"h": case.cotangents["h"]}
    kept = case.backward(case.inputs, case.values, cotangents)
    taken = gru.backward(turned, values, cotangents, "before", "1-z")
    for key in case.inputs:
        check_close(taken[key], -kept[key] if key in ("U_z", "W_z", "b_z") else kept[key])


def test_the_reset_stands_where_it_is_said_to():
    """Before and after differ, except where the reset gate is the same number in every entry and c_n = 0."""
    case = SYSTEMS["GRU, reset before, update z"](TELLING)
    assert not np.allclose(gru.forward(case.inputs, "after")["h"], case.values["h"])
    even = {**case.inputs, **{key: 0 * case.inputs[key] for key in ("U_r", "W_r", "b_r")}}
    check_close(gru.forward(even, "after")["h"], gru.forward(even, "before")["h"])


def test_a_coupled_lstm_is_one_whose_forget_gate_is_turned():
    """f = 1 - σ(Net_i) = σ(-Net_i): U_f = -U_i and so on; the gradients of i and f join."""
    case = SYSTEMS["LSTM, coupled, peepholes"](TELLING)
    full = {**case.inputs, **{f"{letter}_f": -case.inputs[f"{letter}_i"] for letter in "UWbp"}}
    values = lstm.forward(full)
    check_close(values["h"], case.values["h"])
    cotangents = {"h": case.cotangents["h"], "c": case.cotangents["c"]}
    coupled, found = case.backward(case.inputs, case.values, cotangents), lstm.backward(full, values, cotangents)
    for letter in "UWbp":
        check_close(coupled[f"{letter}_i"], found[f"{letter}_i"] - found[f"{letter}_f"])


def test_a_jordan_network_whose_output_is_the_state_is_an_elman_network():
    """V = I, c = 0, g = identity: o = s."""
    case = SYSTEMS["residual"](TELLING)
    elman = case.inputs
    inputs = {**{key: elman[key] for key in ("x", "U", "W", "b")}, "o0": elman["s0"], "V": np.eye(TELLING.n)}
    cell = cells.jordan(TANH, IDENTITY)
    values, expected = cell.forward(inputs), rnn.forward(elman)
    check_close(values["o"], expected["s"])
    d = case.cotangents["s"]
    found, known = cell.backward(inputs, values, {"o": d}), rnn.backward(elman, expected, {"s": d})
    for key in ("x", "U", "W", "b"):
        check_close(found[key], known[key])
    check_close(found["o0"], known["s0"])


def test_layer_norm_has_mean_zero_and_mean_square_one():
    """But for ε: mean w = 0 and mean w² = v / (v + ε), v being the variance of a."""
    values = SYSTEMS["layer norm"](TELLING).values
    variance = values["a"].var(axis=-1)
    check_close(values["w"].mean(axis=-1), np.zeros(variance.shape))
    check_close((values["w"] ** 2).mean(axis=-1), variance / (variance + EPSILON))


def test_an_embedding_is_a_matrix_of_columns():
    """x_t = A e_w and Ā = Σ x̄ e_wᵀ, a word that stands twice receives twice, one that does not stand nothing."""
    r = np.random.default_rng(4)
    words, matrix = np.array([[0, 3], [3, 3], [1, 0]]), r.uniform(-1, 1, (2, 5))
    hot = np.eye(5)[words]
    inputs = {"w": words, "A": matrix}
    values = embedding.forward(inputs)
    check_close(values["x"], hot @ matrix.T)
    d = r.uniform(-1, 1, values["x"].shape)
    found = embedding.backward(inputs, values, {"x": d})
    check_close(found["A"], np.einsum("tbi,tbj->ij", d, hot))
    assert (found["A"][:, [2, 4]] == 0).all()


@pytest.mark.parametrize("words", [np.array([[5]]), np.array([[-1]]), np.array([[0.0]])])
def test_a_word_without_a_column_is_refused(words):
    """NumPy would count -1 from the end."""
    with pytest.raises(IndexError, match="integers from 0 to 4"):
        embedding.forward({"w": words, "A": np.ones((2, 5))})


@pytest.mark.parametrize("name", sorted(set(RECURRENT) | {"bidirectional LSTM", "dense", "convolution 1-D"}))
def test_a_key_that_nothing_reads_is_refused(name):
    """A misspelt parameter must not count as absent, nor a misspelt cotangent as zero."""
    case = SYSTEMS[name](TELLING)
    with pytest.raises(KeyError, match="bias"):
        case.forward({**case.inputs, "bias": np.zeros(3)})
    with pytest.raises(KeyError, match="cotangents of state; expected some of"):
        case.backward(case.inputs, case.values, {"state": np.zeros(3)})


@pytest.mark.parametrize(("name", "key"), [("LSTM", "c0"), ("LSTM", "W_f"), ("GRU, no biases", "U_n"), ("dense", "W2")])
def test_a_missing_input_is_named(name, key):
    case = SYSTEMS[name](TELLING)
    with pytest.raises(KeyError, match=f"no {key} among the inputs"):
        case.forward({other: array for other, array in case.inputs.items() if other != key})


def test_a_coupled_lstm_takes_no_parameter_of_f():
    case = SYSTEMS["LSTM"](TELLING)
    with pytest.raises(KeyError, match="U_f, W_f, b_f, which nothing reads"):
        lstm.forward({**case.inputs, "b_f": case.inputs["b_f"]}, coupled=True)


MISFITS = {  # what NumPy would repeat or multiply all the same, by what is said of it
    "b_i is n with n = 1, but": ("LSTM", {"b_i": (1,)}),
    "h0 is B n, not of shape (3,)": ("LSTM", {"h0": (3,)}),
    "c0 is B n with B = 1, but": ("LSTM", {"c0": (1, 3)}),
    "W_z is n n, not of shape (3, 1)": ("GRU, no biases", {"W_z": (3, 1)}),
    "c is p with p = 1, but": ("Jordan", {"c": (1,)}),
    "b2 is n2 with n2 = 1, but": ("dense", {"b2": (1,)}),
    "b is O with O = 1, but": ("convolution 1-D", {"b": (1,)}),
    "x (2, 2, 7) and K (3, 2) differ in their axes": ("convolution 1-D", {"K": (3, 2)}),
}


@pytest.mark.parametrize("said", sorted(MISFITS))
def test_an_array_that_would_be_repeated_is_refused(said):
    """Broadcasting must not make a gradient of another shape than its parameter's."""
    name, changed = MISFITS[said]
    case = SYSTEMS[name](TELLING)
    with pytest.raises(ValueError, match=re.escape(said)):
        case.forward({**case.inputs, **{key: np.ones(shape) for key, shape in changed.items()}})


@pytest.mark.parametrize(
    ("reset", "update", "said"), [("inside", "z", "reset is one"), ("after", "1 - z", "update is one")]
)
def test_a_gru_that_does_not_exist_is_refused(reset, update, said):
    with pytest.raises(ValueError, match=said):
        gru.forward(SYSTEMS["GRU, no biases"](TELLING).inputs, reset, update)
