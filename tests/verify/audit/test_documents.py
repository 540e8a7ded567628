"""A cell of one's own as the model: its truth equals the reference where both know the system."""

import re

import numpy as np
import pytest

from verify.audit.audit import Plan, audit, truth_of
from verify.audit.comparison import compared
from verify.audit.models import model
from verify.errors import CallError

HEAD = "```backproof\nsymbols: {%s}\ntime: 1..T\ngiven: ['1']\n```\n\n$$%s \\tag{1}$$\n"
NET = r"\mathrm{Net}_t = U x_t + W s_{t-1} + b, \quad s_t = f(\mathrm{Net}_t)"
ELMAN = (r"x_t: m, s_t: n, '\mathrm{Net}_t': n, U: n x m, W: n x n, b: n, f: elementwise, E: loss(each s)", NET)
PEEPHOLE = (
    r"x_t: m, h_t: n, 'z_t': n, '\tilde{h}_t': n, U: n x m, 'U_z': n x m, W: n x n, p: n, '\beta': 1, "
    r"'\sigma': sigmoid, E: loss(last h)",
    r"z_t = \sigma(U_z x_t + p \odot h_{t-1}), \quad \tilde{h}_t = \tanh(U x_t + W h_{t-1}), "
    r"\quad h_t = z_t \odot h_{t-1} + (1 - z_t) \odot \tilde{h}_t",
)
BACK = (
    "x_t: m, r_t: n, U: n x m, Q: n x n, f: elementwise, E: loss(each r)",
    r"r_t = f(U x_t + Q r_{t+1})",
)
SWISH = (
    r"x_t: m, s_t: n, z: n, U: n x m, W: n x n, f: elementwise, '\sigma': sigmoid, E: loss(each s)",
    r"s_t = f(U x_t + W s_{t-1}), \quad f(z) = z \odot \sigma(z)",
)


def written(tmp_path, cell):
    path = tmp_path / "cell.md"
    path.write_text(HEAD % cell)
    return str(path)


def test_a_document_of_the_elman_network_is_the_reference(tmp_path):
    own = truth_of(written(tmp_path, ELMAN), {"f": "tanh"})
    reference = model("rnn")
    assert (dict(own.shapes), dict(own.outputs)) == (dict(reference.shapes), dict(reference.outputs))
    instance = reference.instance(reference.sizes(1), seed=2)
    assert compared(reference, instance, own.gradients(instance)).is_equal
    assert compared(own, instance, reference.gradients(instance)).is_equal


def test_a_function_of_which_the_document_says_the_value_is_not_open(tmp_path):
    """f(z) = z ⊙ σ(z): nothing is left to choose, and the gradients are those of the cell with f written out."""
    path = written(tmp_path, SWISH)
    own = truth_of(path, {})
    own.check()
    instance = own.instance(own.sizes(0), seed=3)
    U, W = instance.inputs["U"], instance.inputs["W"]
    s = instance.inputs["s0"]
    for x, found in zip(instance.inputs["x"], own.forward(instance.inputs)["s"], strict=True):
        a = x @ U.T + s @ W.T
        s = a / (1 + np.exp(-a))
        np.testing.assert_allclose(found, s, rtol=1e-12)
    with pytest.raises(CallError, match="leaves no function f open; it leaves none"):
        truth_of(path, {"f": "tanh"})


def test_a_step_back_in_time_has_its_end_state(tmp_path):
    own = truth_of(written(tmp_path, BACK), {"f": "sigmoid"})
    assert own.shapes["r_end"] == "B n"
    own.check()


@pytest.mark.parametrize(("cell", "choices"), [(ELMAN, {"f": "tanh"}), (PEEPHOLE, {}), (BACK, {"f": "softplus"})])
def test_every_gradient_of_a_document_is_judged(tmp_path, cell, choices):
    truth = truth_of(written(tmp_path, cell), choices)
    plan = Plan({}, instances=1, is_diagnosed=False)
    report = audit(truth.run, truth, plan)
    assert report.ok
    assert "document" in report.exact.reason
    for key in truth.shapes:

        def wrong(inputs, cotangents, key=key):
            found = {k: np.array(a) for k, a in truth.run(inputs, cotangents).items()}
            found[key].flat[0] *= 1 + 1e-6
            return found

        assert set(audit(wrong, truth, plan).first_wrong.counts) == {key}


GROWING = (
    "x_t: m, s_t: n, U: n x m, W: n x n, E: loss(each s)",
    r"s_t = U x_t + 9 W s_{t-1} - 9 W s_{t-1} + W s_{t-1}",
)
ROOT = ("x_t: m, s_t: n, U: n x m, E: loss(each s)", r"s_t = \log(U x_t)")


def test_bounds_that_rounding_makes_useless_are_said(tmp_path):
    """9 W s - 9 W s cancels, and is counted at every step: 19 times for 1."""
    truth = truth_of(written(tmp_path, GROWING))

    def hidden(steps):
        instance = truth.instance(truth.sizes(0, {"T": steps}), 0)
        off = {key: array * 1.01 for key, array in truth.gradients(instance).items()}
        return compared(truth, instance, off).hidden

    assert hidden(5) == ()
    assert hidden(40) == tuple(
        f"rounding hides errors of a twentieth of its largest entry in the gradient of {key}" for key in truth.shapes
    )


def test_what_rounding_hides_stands_in_the_report(tmp_path):
    truth = truth_of(written(tmp_path, GROWING))

    def rounded(inputs, cotangents):
        found = truth.run(inputs, cotangents)
        return {key: array if key == "x" else array * (1 + 1e-9) for key, array in found.items()}

    report = audit(rounded, truth, Plan({"T": 60, "B": 2}, 1))
    assert report.ok
    assert any("rounding hides" in note for note in report.evidence[0].blind)
    assert "not shown: rounding hides" in str(report)


def test_a_model_that_is_not_finite_where_it_is_drawn_is_refused(tmp_path):
    truth = truth_of(written(tmp_path, ROOT))
    with pytest.raises(CallError, match="s is not finite"):
        audit(truth.run, truth, Plan({}, 1))


@pytest.mark.parametrize(
    ("choices", "message"),
    [({}, "--with f=tanh"), ({"g": "tanh"}, "no function g open; it leaves f"), ({"f": "cos"}, "no known function")],
)
def test_an_open_function_must_be_chosen(tmp_path, choices, message):
    with pytest.raises(CallError, match=message):
        truth_of(written(tmp_path, ELMAN), choices)


def test_letters_of_the_arrays_are_taken(tmp_path):
    symbols, equations = ELMAN
    path = written(tmp_path, (re.sub(r"\bn\b", "B", symbols), equations))
    with pytest.raises(CallError, match="the size B has the letter"):
        truth_of(path, {"f": "tanh"})
