"""Where an error is: sentences that hold, and are not said where they do not; small instances that still fail."""

from time import perf_counter

import numpy as np
import pytest

from tests.audit_functions.collection import function
from verify.audit.located import located, of_entries, of_gates, places
from verify.audit.models import model
from verify.audit.probing import Probe, with_cotangents, with_inputs
from verify.audit.smallest import smallest
from verify.audit.snippet import literal
from verify.audit.subject import subject_of


def probe_of(backward, truth, seconds=20.0):
    subject = subject_of(backward, tuple(truth.shapes), tuple(truth.outputs), name="backward")
    return Probe(subject, truth, perf_counter() + seconds)


def changed(truth, change):
    """The truth's gradients, changed with the inputs and cotangents in sight."""

    def backward(inputs, cotangents):
        return change(truth.run(inputs, cotangents), inputs, cotangents)

    return backward


def where(change, name="rnn", sizes=None):
    truth = model(name)
    instance = truth.instance(truth.sizes(0, sizes or {"T": 4, "B": 3}), 0)
    return located(probe_of(changed(truth, change), truth), instance)


def test_what_is_right_is_nowhere_wrong():
    assert where(lambda gradients, inputs, cotangents: gradients) == ()


def test_a_single_sample_is_named():
    def wrong(gradients, inputs, cotangents):
        gradients["b"] = gradients["b"] + cotangents["s"][:, 1].sum(axis=0)
        return gradients

    found = where(wrong)
    assert "wrong: b; right: x, s0, U, W" in found
    assert "wrong for the cotangents of sample 1, right for those of samples 0, 2" in found


def test_a_single_step_of_the_cotangents_is_named():
    def wrong(gradients, inputs, cotangents):
        gradients["b"] = gradients["b"] + cotangents["s"][1].sum(axis=0)
        return gradients

    assert "wrong for the cotangents of step 2 alone, right for those of steps 1, 3..4" in where(wrong)


def test_mixed_samples_are_told():
    def wrong(gradients, inputs, cotangents):
        first, second = cotangents["s"][:, 0], cotangents["s"][:, 1]
        gradients["b"] = gradients["b"] + (first * second).sum(axis=0)
        return gradients

    assert "right for the cotangents of any one sample: the samples of a batch are mixed" in where(wrong)


def test_steps_that_disturb_one_another_are_told():
    def wrong(gradients, inputs, cotangents):
        gradients["b"] = gradients["b"] + (cotangents["s"][1] * cotangents["s"][2]).sum(axis=0)
        return gradients

    assert "right for the cotangent of any one step: wrong only where several steps have one" in where(wrong)


def test_an_input_that_hides_the_error_is_named_and_no_other():
    def wrong(gradients, inputs, cotangents):
        gradients["b"] = gradients["b"] + inputs["s0"].sum(axis=0)
        return gradients

    found = where(wrong)
    assert "right where s0 = 0" in found
    assert not any("symmetric" in line for line in found)


def test_symmetric_matrices_hide_a_transpose():
    def wrong(gradients, inputs, cotangents):
        gradients["b"] = gradients["b"] + (inputs["W"] - inputs["W"].T)[0]
        return gradients

    assert "right where W is symmetric" in where(wrong)


def test_an_output_is_named():
    def wrong(gradients, inputs, cotangents):
        gradients["b_f"] = gradients["b_f"] + cotangents["c"].sum(axis=(0, 1))
        return gradients

    found = where(wrong, "lstm")
    assert "wrong for cotangents of c, right for those of h" in found


def test_rows_columns_and_steps_are_named():
    truth = model("rnn")
    instance = truth.instance(truth.sizes(0, {"T": 4, "B": 3, "n": 5}), 0)
    mask = np.zeros((5, 5), dtype=bool)
    mask[:, 2] = True
    assert of_entries("W", mask, instance) == "W is wrong in column 2 alone (counted from 0)"
    assert of_entries("W", np.eye(5, dtype=bool), instance) == "W is wrong in 5 of 25 entries"
    assert of_entries("W", np.ones((5, 5), dtype=bool), instance) == ""
    steps = np.zeros(instance.inputs["x"].shape, dtype=bool)
    steps[:2] = True
    assert of_entries("x", steps, instance) == "x is wrong at steps 1..2 and right at steps 3..4"
    steps[2] = True
    assert of_entries("x", steps, instance).endswith("right at step 4: what comes back from step t + 1 is wrong")
    sample = np.zeros(instance.inputs["s0"].shape, dtype=bool)
    sample[2] = True
    assert of_entries("s0", sample, instance) == "s0 is wrong in sample 2 alone (counted from 0)"


def test_a_gate_is_named_only_where_all_of_it_is_wrong():
    truth = model("lstm")
    instance = truth.instance(truth.sizes(0), 0)
    mask = np.ones(1, dtype=bool)
    one = dict.fromkeys(("U_f", "W_f", "b_f", "x"), mask)
    assert of_gates(one, instance) == "of the gate f all parameters are wrong, of i, g, o none"
    assert of_gates({"U_f": mask, "W_f": mask}, instance) == ""
    assert of_gates({f"W_{a}": mask for a in "ifgo"}, instance) == "of every gate W"
    assert of_gates({"U_f": mask, "W_f": mask, "b_f": mask, "W_i": mask}, instance) == ""


def test_places_are_written_as_ranges():
    assert places("step", np.array([True, True, False, True])) == "steps 1..2, 4"
    assert places("entry", np.array([False, True]), 0) == "entry 1"
    assert places("entry", np.array([True, True]), 0) == "entries 0..1"


def test_time_ends_the_probes():
    truth = model("rnn")

    def wrong(gradients, inputs, cotangents):
        return {**gradients, "b": 2 * gradients["b"]}

    probe = probe_of(changed(truth, wrong), truth, seconds=0.0)
    located(probe, truth.instance(truth.sizes(0), 0))
    assert probe.calls <= 4


# --- small instances ---------------------------------------------------------------------------------------------


def shrunk(backward, name="rnn", number=0):
    truth = model(name)
    probe = probe_of(backward, truth)
    instance = truth.instance(truth.sizes(number), 0)
    return probe, smallest(probe, instance, probe.answer(instance))


@pytest.mark.parametrize(
    ("name", "slip", "sizes"),
    [
        ("vectorised", "dW transposed", {"T": 1, "B": 1, "m": 1, "n": 2}),
        ("vectorised", "the bias averaged over the batch", {"T": 1, "B": 2, "m": 1, "n": 1}),
        ("truncated", "truncated", {"T": 3, "B": 1, "m": 1, "n": 1}),
        ("char_rnn", "W for its transpose", {"T": 1, "B": 1, "m": 1, "n": 2}),
    ],
)
def test_an_instance_shrinks_to_what_the_error_needs(name, slip, sizes):
    backward = function("numpy_rnn", name)
    probe, small = shrunk(lambda inputs, cotangents: backward(inputs, cotangents, slip=slip))
    assert dict(small.sizes) == sizes
    assert probe.wrong(small)
    numbers = np.concatenate([a.ravel() for a in (*small.inputs.values(), *small.cotangents.values())])
    assert np.count_nonzero(numbers) <= 4
    assert probe.calls <= 420


def test_a_tiny_error_shrinks_too():
    """W̄ × (1 + 1e-9): nothing is visible, and the audit's bounds still tell."""
    truth = model("rnn")

    def wrong(gradients, inputs, cotangents):
        return {**gradients, "W": gradients["W"] * (1 + 1e-9)}

    probe, small = shrunk(changed(truth, wrong))
    assert set(probe.wrong(small)) == {"W"}
    assert small.sizes["T"] == 1


def test_arrays_are_written_with_every_digit():
    array = np.array([[0.1, -2.0], [1 / 3, 1e-30]])
    assert np.array_equal(eval(literal(array, "float64"), {"np": np}), array)
    assert literal(np.zeros((2, 3)), "float32") == "np.zeros((2, 3), dtype=np.float32)"


def test_neighbours_of_an_instance_leave_it_as_it_is():
    truth = model("rnn")
    instance = truth.instance(truth.sizes(0), 0)
    before = instance.inputs["s0"].copy()
    other = with_inputs(instance, s0=np.zeros_like(before))
    silent = with_cotangents(instance, lambda key, array: 0 * array)
    assert not other.inputs["s0"].any()
    assert not silent.cotangents["s"].any()
    assert np.array_equal(instance.inputs["s0"], before)
    assert instance.cotangents["s"].any()
