"""Hand-written tests beside the equations of docs/rnn.md, which pytest collects itself."""

from pathlib import Path

import numpy as np
import pytest
import sympy as sp

import verify
from derive import Loss, Model, diag, elementwise, sequence

NOTES = Path(__file__).parent.parent / "docs" / "rnn.md"

n, m = sp.symbols("n m", integer=True, positive=True)
t = sp.Symbol("t", integer=True)
x, s, net = sequence("x", m), sequence("s", n), sequence("Net", n)
U, W = sp.MatrixSymbol("U", n, m), sp.MatrixSymbol("W", n, n)
f = elementwise("f")
RNN = Model({net[t]: U * x[t] + W * s[t - 1], s[t]: f(net[t])}, loss=Loss.last(s))
JACOBIAN = RNN.jacobian(net[t], net[t - 1])


def test_the_notes_hold(backproof):
    report = backproof.document(NOTES)
    assert report["2/2"].verdict == "proved"


def test_the_jacobian_is_what_the_notes_say(backproof):
    """∂Net_t/∂Net_{t-1} = W diag(f'(Net_{t-1}))."""
    backproof.claim(JACOBIAN.left, W * diag(f.prime(net[t - 1])), model=RNN)


def test_the_transposed_jacobian_is_false():
    assert verify.claim(JACOBIAN.left, W.T * diag(f.prime(net[t - 1])), model=RNN).verdict == "refuted"


def backward(inputs, cotangents):
    """Backpropagation through time of s_t = tanh(W s_{t-1} + U x_t + b), by hand."""
    x, s0, U, W, b = (inputs[key] for key in ("x", "s0", "U", "W", "b"))
    states = [s0]
    for x_t in x:
        states.append(np.tanh(states[-1] @ W.T + x_t @ U.T + b))
    gradients = {key: np.zeros_like(value) for key, value in inputs.items()}
    from_later = np.zeros_like(s0)
    for step in reversed(range(len(x))):
        delta = (cotangents["s"][step] + from_later) * (1 - states[step + 1] ** 2)
        gradients["x"][step] = delta @ U
        gradients["U"] += delta.T @ x[step]
        gradients["W"] += delta.T @ states[step]
        gradients["b"] += delta.sum(axis=0)
        from_later = delta @ W
    gradients["s0"] = from_later
    return gradients


def test_the_code_computes_what_the_notes_derive(backproof):
    backproof.backward(backward, model="rnn")


def test_a_slip_in_the_code_is_found():
    def forgets_the_first_state(inputs, cotangents):
        return {**backward(inputs, cotangents), "s0": 0 * inputs["s0"]}

    with pytest.raises(AssertionError, match="the gradient of s0 is wrong"):
        verify.backward(forgets_the_first_state, model="rnn")
