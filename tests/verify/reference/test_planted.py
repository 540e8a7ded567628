"""Errors planted in a hand-written backward: each is seen, and the instances that would hide them are shown to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from verify.reference import rnn
from verify.reference.sensitivities import elman_gradients
from verify.reference.tangents import tangents

STEP = 2.0**-400


def wrong_backward(problem, error):
    """BPTT of the state cotangents as a textbook writes it, with one error (none for ""): Ū, W̄, b̄."""
    inputs = problem.inputs
    s = rnn.forward(inputs, *problem.functions)["s"]
    before = np.concatenate([inputs["s0"][None], s[:-1]])
    slope = {"tanh": 1 - s**2, "identity": np.ones_like(s)}[problem.f]
    if error == "1 - s for 1 - s²" and problem.f == "tanh":
        slope = 1 - s
    W, d = inputs["W"], problem.cotangents["s"]
    delta = np.zeros_like(s)
    carried = np.zeros_like(s[0])
    for k in reversed(range(len(s))):
        if error == "W and diag swapped":  # δ diag W for δ W diag
            delta[k] = d[k] * slope[k] + ((carried * slope[k]) @ W if k + 1 < len(s) else 0)
            carried = delta[k]
            continue
        delta[k] = (d[k] + carried) * slope[k]
        carried = delta[k] @ (W.T if error == "missing transpose" else W)
        carried = -carried if error == "sign" else carried
        carried = 0 * carried if error == "missing time term" else carried
    read = {"s_t for s_{t-1}": s, "off by one in time": np.roll(before, 1, axis=0)}.get(error, before)
    steps = slice(1, None) if error == "missing oldest term" else slice(None)
    return {
        "U": np.einsum("tbi,tbj->ij", delta, inputs["x"]),
        "W": np.einsum("tbi,tbj->ij", delta[steps], read[steps]),
        "b": delta[1:].sum((0, 1)) if error == "missing bias term" else delta.sum((0, 1)),
    }


ERRORS = (
    "missing transpose",
    "W and diag swapped",
    "off by one in time",
    "missing time term",
    "missing oldest term",
    "missing bias term",
    "sign",
    "s_t for s_{t-1}",
    "1 - s for 1 - s²",
)


def energy(problem, inputs):
    """E = Σ d_t · s_t."""
    return (problem.cotangents["s"] * rnn.forward(inputs, *problem.functions)["s"]).sum()


def units(array):
    """All unit directions."""
    return np.eye(array.size).reshape(array.size, *array.shape)


def by_reference(problem, key):
    inputs = problem.inputs
    values = rnn.forward(inputs, *problem.functions)
    return rnn.backward(inputs, values, {"s": problem.cotangents["s"]}, *problem.functions)[key]


def by_complex_step(problem, key):
    inputs = problem.inputs
    moved = [energy(problem, {**inputs, key: inputs[key] + 1j * STEP * d}).imag / STEP for d in units(inputs[key])]
    return np.reshape(moved, inputs[key].shape)


def by_tangents(problem, key):
    inputs = problem.inputs
    values = rnn.forward(inputs, *problem.functions)
    changes = (tangents(inputs, values, {key: d}, *problem.functions)["s"] for d in units(inputs[key]))
    return np.reshape([(problem.cotangents["s"] * ds).sum() for ds in changes], inputs[key].shape)


def by_sensitivities(problem, key):
    inputs = problem.inputs
    values = rnn.forward(inputs, *problem.functions)
    return elman_gradients(inputs, values, {"s": problem.cotangents["s"]}, *problem.functions)[key]


def by_differences(problem, key, h=2.0**-17):
    inputs = problem.inputs
    moved = [
        (energy(problem, {**inputs, key: inputs[key] + h * d}) - energy(problem, {**inputs, key: inputs[key] - h * d}))
        / (2 * h)
        for d in units(inputs[key])
    ]
    return np.reshape(moved, inputs[key].shape)


ROUTES = {
    "reference": by_reference,
    "complex step": by_complex_step,
    "tangents": by_tangents,
    "sensitivities": by_sensitivities,
    "differences": by_differences,
}


def rejects(route, problem, error):
    """Whether a route finds a gradient different, entry by entry, in units of the gradient's own scale."""
    gradients = wrong_backward(problem, error)
    for key, found in gradients.items():
        expected = ROUTES[route](problem, key)
        if (np.abs(found - expected) > 1e-8 * np.abs(expected).max() + 1e-300).any():
            return True
    return False


@pytest.mark.parametrize("route", sorted(ROUTES))
def test_the_right_backward_passes(telling, route):
    assert not rejects(route, telling, "")


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("route", sorted(ROUTES))
def test_every_planted_error_is_rejected(telling, route, error):
    assert rejects(route, telling, error)


@pytest.mark.parametrize("error", ["", *ERRORS])
def test_a_small_loss_hides_nothing(telling, error):
    """The comparison is relative: with the loss scaled by 1e-7 every error is as visible, and the right one passes."""

    class Scaled(type(telling)):
        @property
        def cotangents(self):
            return {key: 1e-7 * d for key, d in super().cotangents.items()}

    assert rejects("complex step", Scaled(**telling.__dict__), error) == bool(error)


HIDDEN = {  # what a degenerate instance hides, by how it is degenerate
    "T = 1": (
        {"steps": 1},
        {"missing transpose", "W and diag swapped", "missing time term", "sign", "off by one in time"},
    ),
    "n = 1": ({"n": 1}, {"missing transpose", "W and diag swapped"}),
    "identity f": ({"f": "identity"}, {"1 - s for 1 - s²", "W and diag swapped"}),
}


@pytest.mark.parametrize("case", sorted(HIDDEN))
def test_degenerate_instances_hide_errors(telling, case):
    """Exactly these survive: so such instances are never the only ones."""
    changes, hidden = HIDDEN[case]
    problem = replace(telling, **changes)
    assert {error for error in ERRORS if not rejects("complex step", problem, error)} == hidden


def test_a_zero_initial_state_hides_the_oldest_term(telling):
    """s_0 = 0: the term of k = 1 is δ_1 s_0ᵀ = 0, whether it is there or not."""

    class Zeroed(type(telling)):
        @property
        def inputs(self):
            return {**super().inputs, "s0": np.zeros((self.batch, self.n))}

    problem = Zeroed(**telling.__dict__)
    assert not rejects("complex step", problem, "missing oldest term")
    assert rejects("complex step", telling, "missing oldest term")
