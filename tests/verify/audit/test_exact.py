"""The exact run: right code is equal, wrong code differs, and what leaves the field is noticed."""

from dataclasses import replace

import numpy as np
import pytest

from tests.verify.audit import seeds
from tests.verify.audit.functions import ERRORS, EXACT, RIGHT, batched, gradients, planted, scaled
from verify.audit import exact
from verify.audit.exact import exact_run
from verify.audit.models import MODELS, model
from verify.audit.residues import PRIME, LeftField, Run, decoded, encoded
from verify.audit.subject import subject_of

RNN = model("rnn")


def run(function, truth=RNN, seed=1, sizes=None):
    subject = subject_of(function, tuple(truth.shapes), tuple(truth.outputs))
    return exact_run(truth, subject, truth.sizes(0, sizes), seed)


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("seed", range(3))
def test_right_code_is_equal(name, seed):
    assert run(RIGHT[name], seed=seed).outcome == "equal"


@pytest.mark.parametrize("name", sorted(set(RIGHT) - set(EXACT)))
def test_right_code_in_another_form_is_given_up_and_never_differs(name):
    found = run(RIGHT[name])
    assert found.outcome == "given up"
    assert found.reason


@pytest.mark.parametrize("error", ERRORS)
def test_every_planted_error_differs(error):
    assert run(planted(error)).outcome == "differs"


@pytest.mark.parametrize("key", ["x", "s0", "U", "W", "b"])
def test_an_error_of_any_size_differs(key):
    """× (1 + 2⁻¹⁰) in one entry; floats that are not k/1024 leave the field instead."""
    found = run(scaled(key, 1 + 2**-10, (0,) * {"x": 3, "s0": 2, "U": 2, "W": 2, "b": 1}[key]))
    assert (found.outcome, found.key, set(found.index)) == ("differs", key, {0})
    assert run(scaled(key, 1 + 1e-9)).outcome == "given up"


@pytest.mark.parametrize("name", sorted(set(MODELS) - {"layer norm"}))
def test_every_model_runs_on_residues(name):
    truth = model(name)
    assert run(truth.run, truth).outcome == "equal"

    def wrong(inputs, cotangents):
        found = truth.run(inputs, cotangents)
        key = list(truth.shapes)[-1]
        return {**found, key: found[key] * 2}

    assert run(wrong, truth).outcome == "differs"


SIGMOIDS = {
    "1 / (1 + e^-z)": lambda z: 1 / (1 + np.exp(-z)),
    "e^z / (1 + e^z)": lambda z: np.exp(z) / (np.exp(z) + 1.0),
    "(1 + tanh z/2) / 2": lambda z: 0.5 * (1 + np.tanh(z / 2)),
    "reciprocal": lambda z: np.reciprocal(np.exp(np.negative(z)) + 1),
}


def stable(z):
    return np.where(z >= 0, 1 / (1 + np.exp(-z)), np.exp(z) / (1 + np.exp(z)))


@pytest.mark.parametrize("written", SIGMOIDS)
@pytest.mark.parametrize(("name", "function"), [("lstm", seeds.lstm), ("gru", seeds.gru)])
def test_a_sigmoid_may_be_written_in_any_rational_form(name, function, written, monkeypatch):
    monkeypatch.setattr(seeds, "sigmoid", SIGMOIDS[written])
    assert run(function, model(name)).outcome == "equal"

    def wrong(inputs, cotangents):
        found = function(inputs, cotangents)
        return {**found, "h0": found["h0"] * 2}

    assert run(wrong, model(name)).outcome == "differs"


def test_a_sigmoid_by_cases_never_differs(monkeypatch):
    monkeypatch.setattr(seeds, "sigmoid", stable)
    assert run(seeds.lstm, model("lstm")).outcome in ("equal", "given up")


def test_the_sigmoid_of_scipy(monkeypatch):
    special = pytest.importorskip("scipy.special")
    monkeypatch.setattr(seeds, "sigmoid", special.expit)
    assert run(seeds.lstm, model("lstm")).outcome == "equal"


@pytest.mark.parametrize("activation", ["relu", "leaky relu", "sigmoid", "identity"])
def test_other_activations_of_the_recurrent_network(activation):
    """The sign of a residue is random, and the same for everybody."""
    truth = model("rnn", {"activation": activation})
    if activation == "leaky relu":
        assert run(truth.run, truth).outcome == "given up"  # its slope 0.01 is no k/1024
        return
    assert run(truth.run, truth).outcome == "equal"
    if activation == "relu":

        def written_so(inputs, cotangents):
            nets, s = [], [inputs["s0"]]
            for x in inputs["x"]:
                nets.append(x @ inputs["U"].T + s[-1] @ inputs["W"].T + inputs["b"])
                s.append(np.maximum(nets[-1], 0))
            d, later = np.zeros(cotangents["s"].shape), 0
            for t in reversed(range(len(d))):
                d[t] = np.where(nets[t] > 0, cotangents["s"][t] + later, 0)
                later = d[t] @ inputs["W"]
            return gradients(inputs, d, later, np.array(s[:-1]))

        assert run(written_so, truth).outcome == "equal"


def test_a_root_leaves_the_field():
    truth = model("layer norm")
    found = run(truth.run, truth)
    assert (found.outcome, found.reason) == ("given up", "the model itself takes np.sqrt")


@pytest.mark.parametrize(
    ("leaves", "word"),
    [
        (lambda a: np.sin(a), "np.sin"),
        (lambda a: np.clip(a, -5, 5), "np.clip"),
        (lambda a: a * (1 / 3), "0.333"),
        (lambda a: a.astype(np.float32), "float32"),
        (lambda a: a * np.pi, "3.14159"),
        (lambda a: a * float(a.flat[0]) * 0.1, "which is not known exactly"),
        (lambda a: a / (a - a), "division by zero"),
        (lambda a: np.linalg.inv(a @ a.T), "np.inv"),
        (lambda a: a[a.argmax() * 0 :], "order"),
        (lambda a: np.round(a, 3), "np.round"),
        (lambda a: a**0.5, "np.sqrt"),
        (lambda a: a**1.5, "exponent"),
        (lambda a: np.add(a, a, dtype=np.float32), "float32"),
        (lambda a: np.sort(a), "np.sort"),
    ],
)
def test_what_leaves_the_field_is_noticed_and_named(leaves, word):
    """The result is used: it cannot pass for a gradient."""

    def function(inputs, cotangents):
        found = batched(inputs, cotangents)
        return {**found, "W": leaves(found["W"])}

    found = run(function)
    assert found.outcome == "given up"
    assert word in found.reason


def test_code_that_swallows_the_exception_does_not_hide_it():
    def function(inputs, cotangents):
        found = batched(inputs, cotangents)
        try:
            np.sinh(found["W"])
        except Exception:
            found["W"] = found["W"] * 2
        return found

    assert run(function).reason == "np.sinh"


def test_arithmetic_that_NumPy_does_not_tell_of_leaves_no_tag():
    """A plain array with residues in it: copies are read, sums are not."""
    residues = encoded(np.array([3, PRIME - 1, 0]), Run(0))
    plain = np.array([0.0, 0.5, 1.0])
    plain[:2] = residues[:2]
    assert decoded(plain, Run(0)).tolist() == [3, PRIME - 1, 1]
    for lost in (plain + plain, plain * plain, 1 - plain[:1], plain[:1] * 3, np.tanh(plain[:1]), plain[:1] / 2):
        with pytest.raises(LeftField):
            decoded(lost, Run(0))


def test_arithmetic_is_the_fields():
    r = np.random.default_rng(0)
    a, b = (r.integers(1, PRIME, (3, 3)) for _ in range(2))
    run = Run(0)
    x, y = encoded(a, run), encoded(b, run)
    whole = a.astype(object), b.astype(object)
    for found, expected in [
        (x + y, whole[0] + whole[1]),
        (x - y, whole[0] - whole[1]),
        (x * y, whole[0] * whole[1]),
        (x @ y, whole[0] @ whole[1]),
        (x.T @ y, whole[0].T @ whole[1]),
        (-x, -whole[0]),
        (x**3, whole[0] ** 3),
        (x.sum(axis=0), whole[0].sum(axis=0)),
        (np.einsum("ij,kj->ik", x, y), whole[0] @ whole[1].T),
        (np.tensordot(x, y, axes=([0], [1])), whole[0].T @ whole[1].T),
        (np.outer(x[0], y[1]), np.outer(whole[0][0], whole[1][1])),
        (np.dot(x, y), whole[0] @ whole[1]),
        (np.cumsum(x, axis=1), whole[0].cumsum(axis=1)),
        (2 * x - 0.5 * (y + y), 2 * whole[0] - whole[1]),
    ]:
        assert decoded(found, run).tolist() == (expected % PRIME).tolist()
    assert (decoded(x / y, run) * b % PRIME == a).all()


def test_long_sums_of_products_are_taken_by_blocks():
    """T B = 70,000 terms (p - 1)²."""
    run = Run(0)
    ones = encoded(np.full((1, 70_000), PRIME - 1), run)
    assert decoded(ones @ ones.T, run).tolist() == [[70_000]]


def test_elementary_functions_keep_their_identities():
    run = Run(5)
    a = encoded(np.array([1, 2, 77, PRIME - 5]), run)
    zero = encoded(np.zeros(4, dtype=int), run)
    assert (decoded(np.exp(-a) * np.exp(a), run) == 1).all()
    assert (decoded(np.tanh(-a) + np.tanh(a), run) == 0).all()
    assert (decoded(np.tanh(a) - (2 / (1 + np.exp(-2 * a)) - 1), run) == 0).all()
    assert ((a > 0) ^ (-a > 0)).all()
    assert not (zero > 0).any()
    assert (decoded(np.maximum(a, 0) + np.minimum(a, 0) - a, run) == 0).all()


def test_a_truth_with_another_backward_pass_is_solved_anew():
    """What is kept belongs to one truth."""
    assert run(batched).outcome == "equal"

    def doubled(inputs, values, cotangents):
        return {key: 2 * array for key, array in RNN.backward(inputs, values, cotangents).items()}

    assert run(batched, replace(RNN, backward=doubled)).outcome == "differs"
    assert run(batched).outcome == "equal"


def test_numpy_is_as_before_afterwards():
    before = {name: getattr(np, name) for name in exact.CONSTRUCTORS}

    def raising(inputs, cotangents):
        raise ValueError

    run(batched)
    run(raising)
    assert {name: getattr(np, name) for name in exact.CONSTRUCTORS} == before
    assert type(np.zeros(2)) is np.ndarray
