"""Every truth has a second witness, and is refused where the two disagree."""

from dataclasses import replace

import pytest

from verify.audit.models import MODELS, model
from verify.errors import CallError, WitnessConflict

VARIANTS = [
    *((name, {}) for name in MODELS),
    ("rnn", {"bias": "no", "activation": "gelu"}),
    ("rnn", {"output": "softmax", "activation": "leaky relu"}),
    ("lstm", {"peepholes": "yes"}),
    ("lstm", {"coupled": "", "peepholes": "yes", "bias": "no"}),
    *(("gru", {"reset": reset, "update": update}) for reset in ("before", "after") for update in ("z", "1-z")),
    ("jordan", {"output": "softmax"}),
    ("layer norm", {"epsilon": "1e-5"}),
    ("bidirectional", {"cell": "lstm"}),
    ("stacked", {"cell": "gru", "layers": "3"}),
    ("dense", {"layers": "3", "activation": "softplus"}),
    ("convolution", {"axes": "1", "stride": "2", "padding": "1", "activation": "sigmoid"}),
]


@pytest.mark.parametrize(("name", "choices"), VARIANTS, ids=str)
def test_a_model_agrees_with_its_complex_step(name, choices):
    truth = model(name, choices)
    truth.check()
    instance = truth.instance(truth.sizes(1), seed=3)
    assert {key: a.shape for key, a in truth.gradients(instance).items()} == {
        key: a.shape for key, a in instance.inputs.items()
    }


@pytest.mark.parametrize("key", ["x", "s0", "U", "W", "b"])
def test_a_backward_pass_that_is_off_by_a_trillionth_is_a_conflict(key):
    """× (1 + 1e-10): the second witness sees it."""
    right = model("rnn")

    def wrong(inputs, values, cotangents):
        found = right.backward(inputs, values, cotangents)
        return {**found, key: found[key] * (1 + 1e-10)}

    truth = replace(right, backward=wrong)
    with pytest.raises(WitnessConflict, match=key):
        truth.check()
    replace(right).check()


@pytest.mark.parametrize(
    ("name", "choices", "message"),
    [
        ("lsmt", {}, "did you mean lstm"),
        ("perceptron", {}, "audits know rnn"),
        ("lstm", {"peephole": "yes"}, "did you mean peepholes"),
        ("lstm", {"peepholes": "perhaps"}, "yes or no"),
        ("gru", {"reset": "never"}, "before, after"),
        ("rnn", {"activation": "tan"}, "the activation is one of"),
        ("stacked", {"layers": "many"}, "a number"),
        ("stacked", {"layers": "40"}, "from 1 to 9"),
        ("stacked", {"layers": "2.5"}, "layers is a whole number, not 2.5"),
        ("stacked", {"layers": 2.5}, "layers is a whole number, not 2.5"),
        ("dense", {"layers": "nan"}, "a whole number"),
        ("dense", {"layers": "1e400"}, "a whole number"),
        ("dense", {"layers": 0}, "layers is at least 1"),
        ("convolution", {"axes": "3"}, "axes is 1 or 2"),
        ("convolution", {"padding": "-1"}, "padding is at least 0"),
    ],
)
def test_an_unknown_name_or_choice_is_explained(name, choices, message):
    with pytest.raises(CallError, match=message):
        model(name, choices)


def test_a_kernel_that_does_not_fit_is_a_wrong_call():
    with pytest.raises(CallError, match="does not fit"):
        model("convolution").sizes(0, {"N1": 3, "k1": 5})
