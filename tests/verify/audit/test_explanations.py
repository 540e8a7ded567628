"""Explanations that a stranger's code asked for, and one that holds on tiny instances alone."""

from functools import partial

import numpy as np

from tests.verify.audit.test_diagnosis import changed, diagnosed
from verify.audit.audit import Plan, audit, truth_of


def test_the_slope_of_the_step_before_is_explained():
    """1 - s[k-1]² for 1 - s[k]², the first step reading s_0."""

    def backward(inputs, cotangents):
        return rnn_by(lambda s, t: 1 - s[t] ** 2)(inputs, cotangents)

    found = diagnosed(backward, "rnn")
    assert found.explanation == "1 - (s[k-1] ⊙ s[k-1]) in place of f'(Net[k])"
    assert diagnosed(rnn_by(lambda s, t: 1 - s[t] ** 2 + (t == 1)), "rnn").explanation is None


def rnn_by(slope):
    """The recurrent network, the slope of step t (from 0) computed from s_0, s_1, ….."""

    def backward(inputs, cotangents):
        x, U, W, s = inputs["x"], inputs["U"], inputs["W"], [inputs["s0"]]
        for x_t in x:
            s.append(np.tanh(x_t @ U.T + s[-1] @ W.T + inputs["b"]))
        found = {key: np.zeros_like(array) for key, array in inputs.items()}
        later = np.zeros_like(s[0])
        for t in reversed(range(len(x))):
            d = (cotangents["s"][t] + later) * slope(s, t)
            found["U"] += d.T @ x[t]
            found["W"] += d.T @ s[t]
            found["b"] += d.sum(axis=0)
            found["x"][t], later = d @ U, d @ W
        return {**found, "s0": later}

    return backward


def test_a_variant_that_lacks_an_input_is_recognised():
    """The GRU that resets before its product has no c_n; of it zeros are returned."""
    before = truth_of("gru", {"reset": "before"})

    def backward(inputs, cotangents):
        own = {key: array for key, array in inputs.items() if key != "c_n"}
        return {**before.run(own, cotangents), "c_n": np.zeros_like(inputs["c_n"])}

    found = diagnosed(backward, "gru").explanation
    assert "reset=before" in found
    assert found.endswith("which has no c_n")


def test_an_explanation_that_fails_on_the_instance_of_the_report_says_so():
    """b is doubled at all sizes, and W halved where T > 5: of tiny instances the first is the whole truth."""

    def wrong(gradients, more):
        found = {**gradients, "b": 2 * gradients["b"]}
        return {**found, "W": found["W"] / 2} if more and len(found["x"]) > 5 else found

    def report(more):
        return audit(changed(partial(wrong, more=more)), truth_of("rnn"), Plan({})).diagnosis

    assert report(False).explanation == "the gradient of b is doubled"
    assert report(True).explanation.startswith("the gradient of b is doubled (at the sizes of the report above")
