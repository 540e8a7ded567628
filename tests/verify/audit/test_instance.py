"""Instances on which nothing hides, and what those that somebody asks for hide."""

from itertools import product

import numpy as np
import pytest

from verify.audit.instance import blind_sizes, chosen_sizes
from verify.audit.models import MODELS, model

CONVOLUTIONS = [
    {"axes": axes, "stride": stride, "padding": padding}
    for axes, stride, padding in product((1, 2), (1, 2, 3), (0, 1, 2, 9))
]


@pytest.mark.parametrize(
    ("name", "choices"), [*((name, {}) for name in MODELS), *(("convolution", one) for one in CONVOLUTIONS)], ids=str
)
@pytest.mark.parametrize("number", range(4))
def test_a_drawn_instance_hides_nothing(name, choices, number):
    truth = model(name, choices)
    sizes = truth.sizes(number)
    assert truth.instance(sizes, seed=number).blind_spots() == ()
    assert len(set(sizes.values())) == len(sizes)


def test_pre_activations_stay_bounded_at_any_size():
    """|Net| ≤ 3 for the largest of several sizes and models: no function saturates."""
    for name in ("rnn", "lstm", "gru", "jordan", "residual", "layer norm"):
        truth = model(name)
        for size in (3, 30, 90):
            sizes = truth.sizes(0, {"n": size, "m": size + 1, "T": size + 2})
            values = truth.forward(truth.instance(sizes, seed=1).inputs)
            assert max(np.abs(array).max() for key, array in values.items() if key.startswith("Net")) < 3, (name, size)


def test_what_sizes_hide_is_said():
    assert blind_sizes({"T": 3, "B": 2, "n": 4}) == ()
    for sizes, word in [
        ({"T": 2, "n": 3}, "T = 2"),
        ({"T": 5, "B": 1}, "B = 1"),
        ({"T": 5, "n": 1}, "n = 1"),
        ({"T": 5, "n": 4, "m": 4}, "m = n = 4"),
        ({"T": 4, "n": 4}, "T = n = 4"),
    ]:
        (line,) = blind_sizes(sizes)
        assert word in line


def test_what_values_hide_is_said():
    truth = model("rnn")
    instance = truth.instance(truth.sizes(), seed=0)
    instance.inputs["s0"][:] = 0
    instance.inputs["W"][:] = instance.inputs["W"] + instance.inputs["W"].T
    instance.cotangents["s"][2] = 0
    found = instance.blind_spots()
    assert [line.split()[0] for line in found] == ["s0", "W", "the"]
    assert found[2].endswith("0 at step 3")


def test_sizes_that_are_asked_for_are_kept_and_the_others_differ_from_them():
    sizes = chosen_sizes(["B", "T", "m", "n"], 0, {"n": 7, "B": 2})
    assert (sizes["n"], sizes["B"]) == (7, 2)
    assert len(set(sizes.values())) == 4
    assert sizes["T"] >= 3


def test_the_same_seed_gives_the_same_instance_and_another_one_does_not():
    truth = model("gru")
    one, same, other = (truth.instance(truth.sizes(), seed) for seed in (5, 5, 6))
    assert all(np.array_equal(one.inputs[key], same.inputs[key]) for key in one.inputs)
    assert not any(np.array_equal(one.inputs[key], other.inputs[key]) for key in one.inputs)
