"""Audits as a whole: right functions are accepted, wrong ones are not, and the report says what was looked at."""

import json

import numpy as np
import pytest

import verify
from tests.verify.audit.functions import ERRORS, RIGHT, batched, planted, scaled
from verify.audit.audit import Plan, audit, truth_of
from verify.audit.report import as_json
from verify.errors import CallError

RNN = truth_of("rnn")
PLACES = {"x": (1, 0, 1), "s0": (0, 1), "U": (0, 1), "W": (1, 0), "b": (0,)}


def found(function, plan=None, **how):
    return audit(function, RNN, plan or Plan({}), **how)


@pytest.mark.parametrize("name", RIGHT)
def test_right_functions_are_accepted(name):
    report = found(RIGHT[name])
    assert (report.verdict, report.faults, report.notes) == ("accepted", (), ())
    assert [one.sizes["T"] for one in report.evidence] == [7, 5, 12, 23, 1]
    assert [one.sizes["B"] for one in report.evidence][-1] == 1
    assert 0 <= report.worst <= 1


@pytest.mark.parametrize("error", ERRORS)
def test_planted_errors_are_rejected_by_floats_alone(error):
    report = found(planted(error), Plan({}, is_exact=False, is_diagnosed=False))
    assert report.verdict == "rejected"
    assert report.first_wrong is not None


@pytest.mark.parametrize("key", PLACES)
@pytest.mark.parametrize("factor", [1.5, 1 + 1e-6])
@pytest.mark.parametrize("whole", [True, False])
def test_one_gradient_or_one_entry_is_located(key, factor, whole):
    report = found(scaled(key, factor, None if whole else PLACES[key]), Plan({}, is_diagnosed=False))
    assert report.verdict == "rejected"
    assert set(report.first_wrong.counts) == {key}
    if not whole:
        assert report.first_wrong.differences[0].index == PLACES[key]


def test_every_wrong_gradient_is_shown_with_its_worst_entry():
    """Of x, 3,600 entries are wrong: the other gradients are not crowded out."""
    report = found(planted("1 - s for 1 - s²"), Plan({"T": 120, "m": 10}, 1, is_exact=False, is_diagnosed=False))
    assert set(report.first_wrong.counts) == set(PLACES)
    assert {one.key for one in report.first_wrong.differences} == set(PLACES)
    for key in PLACES:
        assert f"the gradient of {key} is wrong: " in str(report)
    assert str(report).count("expected") == len(PLACES)


def test_an_error_that_only_the_exact_run_can_see_is_rejected():
    """Two entries of W̄ exchange 2⁻¹⁰ of a product that floats round away: 1e-40."""

    def function(inputs, cotangents):
        right = batched(inputs, cotangents)
        tiny = inputs["b"][0] * 0.0009765625
        for _ in range(7):
            tiny = tiny * tiny
        return {**right, "W": right["W"] + tiny}

    report = found(function)
    assert all(not one.differences for one in report.evidence)
    assert (report.exact.outcome, report.verdict) == ("differs", "rejected")


def test_sizes_that_hide_errors_are_never_relied_on():
    """T = 2 and one member: the missing mean shows on another instance."""
    plan = Plan({"T": 5, "B": 1}, is_exact=False)
    wrong = found(planted("mean over the batch"), plan)
    assert wrong.verdict == "rejected"
    assert wrong.diagnosis.explanation is not None
    assert found(batched, plan).notes == ()

    def only_one(inputs, cotangents):
        assert inputs["x"].shape[1] == 1
        return planted("mean over the batch")(inputs, cotangents)

    report = found(only_one, plan)
    assert any("B = 1" in note for note in report.notes)
    assert any("gives no answer" in note for note in report.notes)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_dtype_that_is_asked_for_is_handed_over(dtype):
    seen = set()

    def function(inputs, cotangents):
        seen.add(str(inputs["U"].dtype))
        out = batched(inputs, cotangents)
        return {key: array.astype(inputs[key].dtype) for key, array in out.items()}

    assert found(function, Plan({}, dtype=dtype, is_exact=False)).ok
    assert seen == {dtype}


def test_the_door_raises_with_the_located_fault():
    assert verify.backward(batched, model="rnn").verdict == "accepted"
    with pytest.raises(AssertionError, match="the gradient of W is wrong: 1 of"):
        verify.backward(scaled("W", 1 + 1e-6, (0, 1)), model="rnn")
    with pytest.raises(CallError, match="did you mean rnn"):
        verify.backward(batched, model="rrn")
    with pytest.raises(TypeError, match="no bool"):
        bool(verify.backward(batched, model="rnn", instances=1))


def test_the_same_call_gives_the_same_bytes():
    one, two = (as_json(found(planted("sign"))) for _ in range(2))
    assert one == two
    data = json.loads(one)
    assert (data["verdict"], data["ok"], data["exact"]["outcome"]) == ("rejected", False, "differs")
    assert data["instances"][0]["differences"][0]["key"] in PLACES


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (Plan({"q": 3}), "no size q; it has B, T, m, n"),
        (Plan({"n": 0}), "at least 1"),
        (Plan({}, instances=0), "an instance"),
        (Plan({}, dtype="int8"), "float64, float32"),
    ],
)
def test_a_plan_that_cannot_be_done_is_refused(plan, message):
    with pytest.raises(CallError, match=message):
        found(batched, plan)


@pytest.mark.parametrize("name", ["lstm", "gru", "jordan", "residual", "layer norm", "bidirectional", "stacked"])
def test_other_models_accept_themselves_in_wider_floats_and_reject_one_entry(name):
    truth = truth_of(name)

    def wide(inputs, cotangents):
        parts = [{key: a.astype(np.longdouble) for key, a in part.items()} for part in (inputs, cotangents)]
        return {key: array.astype(float) for key, array in truth.run(*parts).items()}

    assert audit(wide, truth, Plan({})).ok
    plan = Plan({}, instances=1, is_exact=False, is_diagnosed=False)
    for key in truth.shapes:

        def wrong(inputs, cotangents, key=key):
            right = wide(inputs, cotangents)
            right[key].flat[0] *= 1 + 1e-6
            return right

        report = audit(wrong, truth, plan)
        assert set(report.first_wrong.counts) == {key}
