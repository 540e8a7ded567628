"""Generated code against the reference, which shares no line with it: every entry, of every model, dtype, B and T."""

import itertools
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import verify
from derive.models.systems import system, systems
from derive.printed import printed
from tests.derive.code.generated import check_agree, drawn, generated, shapes
from verify.reference import dense, losses, rnn
from verify.reference.activations import ACTIVATIONS, RELU, SOFTMAX
from verify.reference.losses import BINARY_CROSS_ENTROPY_OF_SIGMOID, CROSS_ENTROPY_OF_SOFTMAX, SQUARED_ERROR

FORMS = {"float64, many": ("float64", 3), "float64, one": ("float64", 1), "float32, many": ("float32", 2)}

# --- models that an audit knows by name: compared in floats, and exactly modulo a prime ---------------------------

KNOWN = [
    ("rnn", {"bias": True, "loss": "every"}, {}),
    ("rnn", {"bias": False}, {"bias": False}),
    ("lstm", {}, {}),
    ("lstm", {"loss": "every", "bias": False}, {"bias": False}),
    ("lstm", {"peepholes": True}, {"peepholes": True}),
    ("lstm", {"peepholes": True, "coupled": True}, {"peepholes": True, "coupled": True}),
    *(
        ("gru", {"reset": reset, "update": update}, {"reset": reset, "update": update})
        for reset, update in itertools.product(("before", "after"), ("z", "1-z"))
    ),
    ("jordan", {}, {"output": "tanh"}),
    ("residual", {}, {}),
    *(("stacked", {"cell": cell}, {"cell": cell}) for cell in ("rnn", "lstm", "gru")),
    ("stacked", {"layers": 3}, {"layers": 3}),
]


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize(("name", "choices", "audited"), KNOWN, ids=lambda one: str(one))
def test_generated_code_passes_the_audit(name, choices, audited, form):
    """∂E/∂· of the generated module = the reference's, entry by entry, and modulo a prime without any tolerance."""
    dtype, samples = form
    code = generated(name, **choices)
    report = verify.backward(code.gradients, model=name, choices=audited, sizes={"B": samples}, dtype=dtype)
    assert "exact: every entry equal" in str(report)


@settings(max_examples=40)
@given(
    st.sampled_from(KNOWN),
    st.integers(1, 6),
    st.integers(1, 4),
    st.sampled_from(["float64", "float32"]),
    st.integers(0),
)
def test_for_every_length_batch_and_type(known, steps, samples, dtype, seed):
    """The same for any T and B, T = 1 and B = 1 among them, and sizes that are equal or 1."""
    name, choices, audited = known
    verify.backward(
        generated(name, **choices).gradients,
        model=name,
        choices=audited,
        sizes={"T": steps, "B": samples, "m": 1 + seed % 3, "n": 1 + seed % 4},
        instances=1,
        seed=seed % 1000,
        dtype=dtype,
        exact=False,
    )


@pytest.mark.parametrize("samples", [1, 5])
@pytest.mark.parametrize("name", ["rnn", "lstm", "gru", "stacked"])
def test_segments_and_threads_change_nothing(name, samples):
    """By segments of √T steps, and with the batch on three threads, the gradients are the same."""
    code = generated(name, memory="sqrt")
    for threads in (1, 3):
        run = partial(code.gradients, threads=threads)
        choices = {"bias": False} if name == "rnn" else {}
        verify.backward(run, model=name, choices=choices, sizes={"T": 11, "B": samples}, instances=2, exact=False)


# --- models by their documents -------------------------------------------------------------------------------------

DOCUMENTS = {
    "bidirectional": {"f": "tanh"},
    "embedding": {"f": "tanh"},
    "layers": {"f": "tanh", "g": "tanh"},
    "layer norm": {"f": "tanh"},
    "lstm": {},
    "jordan": {"f": "tanh", "g": "tanh"},
}


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize(("name", "functions"), DOCUMENTS.items(), ids=DOCUMENTS)
def test_generated_code_is_what_the_document_says(name, functions, samples, tmp_path):
    """The module of `--as numpy` against forward accumulation over the document of `--as md`."""
    path = tmp_path / "model.md"
    path.write_text(printed(system(name), form="md"), encoding="utf-8")
    code = generated(name)
    keys = sorted(set(shapes(code)[0]) - ({"w"} if name == "embedding" else set()))
    verify.backward(code.gradients, model=str(path), choices=functions, wrt=keys, instances=2, sizes={"B": samples})


# --- losses, activations, layers without recurrence ----------------------------------------------------------------


def of_outputs(loss, inputs, cotangents, f=ACTIVATIONS["tanh"]):
    """The recurrent network with outputs z and a loss of them at every step, scaled by the cotangent of E."""
    given = {key: array for key, array in inputs.items() if key != "y"}
    values = rnn.forward(given, f)
    return rnn.backward(given, values, {"z": cotangents["E"] * loss.cotangent(values["z"], inputs["y"])}, f)


def of_loss(loss, inputs, cotangents):
    """∂E/∂z of a loss at every step, scaled by the cotangent of E and, where there are weights, by each step's."""
    weight = inputs.get("mu", 1.0)
    return {"z": cotangents["E"] * weight * loss.cotangent(inputs["z"], inputs["y"])}


def of_activation(activation, inputs, cotangents):
    """∂E/∂z of a = f(z)."""
    return {"z": activation.pull(inputs["z"], cotangents["a"])}


def of_layers(depth, inputs, cotangents):
    """The fully connected network, whose samples are those of all steps."""
    f = [ACTIVATIONS["tanh"]] * depth
    flat = inputs | {"x": inputs["x"].reshape(-1, inputs["x"].shape[-1])}
    out = f"a{depth}"
    found = dense.backward(
        flat, dense.forward(flat, f), {out: cotangents[out].reshape(-1, cotangents[out].shape[-1])}, f
    )
    return found | {"x": found["x"].reshape(*inputs["x"].shape)}


def of_convolution(inputs, cotangents):
    """Y = Σ_j W_j X S_j + b 1ᵀ, A = tanh(Y), backwards."""
    Y = sum(W @ inputs["X"] @ S for W, S in zip(inputs["W"], inputs["S"], strict=True)) + inputs["b"][:, None]
    d_Y = cotangents["A"] * (1 - np.tanh(Y) * np.tanh(Y))
    pairs = list(zip(inputs["W"], inputs["S"], strict=True))
    return {
        "X": sum(W.T @ d_Y @ S.T for W, S in pairs),
        "W": np.stack([d_Y @ S.T @ inputs["X"].T for _, S in pairs]),
        "b": d_Y.sum(axis=1),
    }


SOFTMAX_LOSS, BINARY, SQUARED = CROSS_ENTROPY_OF_SOFTMAX, BINARY_CROSS_ENTROPY_OF_SIGMOID, SQUARED_ERROR
RELU_SQUARED = losses.Loss("squared error of relu", lambda z, y: z, lambda z, y: (RELU.value(z) - y) * (z > 0))
OTHERS = {
    "rnn, softmax": ("rnn", {"loss": "outputs", "bias": True}, partial(of_outputs, SOFTMAX_LOSS)),
    "rnn, relu": ("rnn", {"loss": "outputs", "output": "relu"}, partial(of_outputs, RELU_SQUARED)),
    "rnn, identity": ("rnn", {"loss": "outputs", "output": "identity"}, partial(of_outputs, SQUARED)),
    "softmax cross-entropy": ("softmax cross-entropy", {}, partial(of_loss, SOFTMAX_LOSS)),
    "binary cross-entropy": ("binary cross-entropy", {}, partial(of_loss, BINARY)),
    "squared error": ("squared error", {}, partial(of_loss, SQUARED)),
    "weighted softmax": ("weighted softmax cross-entropy", {}, partial(of_loss, SOFTMAX_LOSS)),
    "weighted binary": ("weighted binary cross-entropy", {}, partial(of_loss, BINARY)),
    "weighted squared error": ("weighted squared error", {}, partial(of_loss, SQUARED)),
    "dense, 2": ("dense", {}, partial(of_layers, 2)),
    "dense, 3": ("dense", {"layers": 3}, partial(of_layers, 3)),
    "convolution": ("convolution", {}, of_convolution),
    **{name: (name, {}, partial(of_activation, activation)) for name, activation in ACTIVATIONS.items()},
}
SIZES = {"T": 4, "n": 4, "m": 2, "p": 3, "q": 5, "K": 2, "n_0": 3, "n_1": 4, "n_2": 2, "n_3": 5, "1": 1}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize(("name", "choices", "run"), OTHERS.values(), ids=OTHERS)
def test_generated_code_agrees_with_the_reference(name, choices, run, samples, dtype):
    """Losses that formulas give, activations, layers without recurrence, a convolution."""
    code = generated(name, **choices)
    letters, outputs = shapes(code)
    rng = np.random.default_rng(samples)
    inputs = drawn(letters, SIZES | {"B": samples}, rng, dtype)
    seen = {"E": []} if "E" in outputs else outputs
    cotangents = drawn(seen, SIZES | {"B": samples}, rng, dtype)
    found = code.gradients(inputs, cotangents)
    assert found
    check_agree(found, run, inputs, cotangents, dtype)


def test_the_loss_is_the_formula_s():
    """E = -Σ_t Σ_samples y_tᵀ log softmax(V s_t + c)."""
    code = generated("rnn", loss="outputs", bias=True)
    letters, _ = shapes(code)
    inputs = drawn(letters, SIZES | {"B": 3}, np.random.default_rng(0))
    found, _ = code.forward(inputs)
    values = rnn.forward({key: array for key, array in inputs.items() if key != "y"}, g=SOFTMAX)
    assert found["E"] == pytest.approx(CROSS_ENTROPY_OF_SOFTMAX.value(values["z"], inputs["y"]).sum(), rel=1e-12)


def test_every_system_has_code():
    """No system is left out of the tests of this file."""
    tested = {name for name, _, _ in KNOWN} | set(DOCUMENTS) | {name for name, _, _ in OTHERS.values()}
    assert tested == set(systems())


@pytest.mark.parametrize("wrong", ["U", "s0", "x"])
def test_an_error_in_generated_code_is_seen(wrong):
    """The comparison rejects: a gradient that is wrong by 1e-9 in one entry."""

    def gradients(inputs, cotangents):
        found = generated("rnn").gradients(inputs, cotangents)
        found[wrong] = found[wrong].copy()
        found[wrong].flat[1] *= 1 + 1e-9
        return found

    with pytest.raises(AssertionError, match=f"{wrong}"):
        verify.backward(gradients, model="rnn", choices={"bias": False})
