"""Hand-engineered NumPy: the Elman network s_t = tanh(U x_t + W s_{t-1} + b), forward and through time.

    x (T, B, m) · s0 (B, n) · U (n, m) · W (n, n) · b (n)  ->  s (T, B, n)

A yardstick for generated code: the fastest schedule that measuring found, written for this one model.

    B = 1    rows z_t = [s_t | x_{t+1} | 1]: Net_{t+1} is one product of z_t with [W U b], and [Ū W̄ b̄] one at the end
    B > 1    U x_t + b of all steps in one product before the loop, U x_t's array becoming s_t's

Either way an array is filled with f'(Net_t) = 1 - s_t² of all steps and becomes δ_t in place.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy import add, dot, matmul, multiply, subtract, tanh

Arrays = dict[str, np.ndarray]
ROWS_FROM = 32  # from this n on a product of a vector runs faster along the matrix's rows than across them


def forward(inputs: Arrays) -> tuple[Arrays, Arrays]:
    """s at every step, and what `backward` needs."""
    return _forward_one(inputs) if inputs["x"].shape[1] == 1 else _forward_many(inputs)


def backward(saved: Arrays, cotangents: Arrays) -> Arrays:
    """∂E/∂x, s0, U, W, b from s = ∂E/∂s_t (T, B, n), the direct one, at every step."""
    return _backward_one(saved, cotangents["s"]) if "rows" in saved else _backward_many(saved, cotangents["s"])


def gradients(inputs: Arrays, cotangents: Arrays) -> Arrays:
    """`backward` after `forward`."""
    return backward(forward(inputs)[1], cotangents)


def _forward_one(inputs: Arrays) -> tuple[Arrays, Arrays]:
    x, U, W = inputs["x"], inputs["U"], inputs["W"]
    T, _, m = x.shape
    n = len(W)
    rows = np.empty((T + 1, n + m + 1), x.dtype)  # [s_t | x_{t+1} | 1]
    states = rows[:, :n]
    states[0] = inputs["s0"][0]
    rows[:T, n:-1] = x[:, 0]
    rows[:T, -1] = 1
    if n < ROWS_FROM:
        weights = np.empty((n + m + 1, n), x.dtype)
        weights[:n], weights[n:-1], weights[-1] = W.T, U.T, inputs["b"]
        product = weights.T.dot
    else:
        weights = np.empty((n, n + m + 1), x.dtype)
        weights[:, :n], weights[:, n:-1], weights[:, -1] = W, U, inputs["b"]
        product = weights.dot
    net = np.empty(n, x.dtype)
    for row, state in zip(rows, states[1:], strict=False):
        tanh(product(row, net), state)
    return {"s": states[1:, None]}, {"rows": rows, "U": U, "W": W}


def _backward_one(saved: Arrays, direct: np.ndarray) -> Arrays:
    rows, U, W = saved["rows"], saved["U"], saved["W"]
    n = len(W)
    direct = direct[:, 0]
    states = rows[1:, :n]
    deltas = multiply(states, states)
    subtract(1, deltas, deltas)  # f'(Net_t), then δ_t = f'(Net_t) ⊙ (∂E/∂s_t + Wᵀ δ_{t+1})
    received = np.zeros(n, rows.dtype)
    product = W.T.dot
    for delta, own in zip(deltas[::-1], direct[::-1], strict=True):
        add(received, own, received)
        multiply(delta, received, delta)
        product(delta, received)
    total = dot(deltas.T, rows[:-1])
    return {
        "x": dot(deltas, U)[:, None],
        "s0": received[None],
        "U": total[:, n:-1],
        "W": total[:, :n],
        "b": total[:, -1],
    }


def _forward_many(inputs: Arrays) -> tuple[Arrays, Arrays]:
    x, U, W = inputs["x"], inputs["U"], inputs["W"]
    T, B, m = x.shape
    n = len(W)
    states = np.empty((T + 1, B, n), x.dtype)
    states[0] = inputs["s0"]
    flat = states[1:].reshape(-1, n)
    dot(x.reshape(-1, m), np.ascontiguousarray(U.T), flat)  # U x_t of all steps, where s_t will be
    add(flat, inputs["b"], flat)
    transposed = np.ascontiguousarray(W.T)
    net = np.empty((B, n), x.dtype)
    for before, state in pairwise(states):
        matmul(before, transposed, net)
        add(net, state, net)
        tanh(net, state)
    return {"s": states[1:]}, {"x": x, "states": states, "U": U, "W": W}


def _backward_many(saved: Arrays, direct: np.ndarray) -> Arrays:
    x, states, U, W = saved["x"], saved["states"], saved["U"], saved["W"]
    _, B, m = x.shape
    n = len(W)
    deltas = multiply(states[1:], states[1:])
    subtract(1, deltas, deltas)
    received = np.zeros((B, n), x.dtype)
    for delta, own in zip(deltas[::-1], direct[::-1], strict=True):
        add(received, own, received)
        multiply(delta, received, delta)
        matmul(delta, W, received)
    flat = deltas.reshape(-1, n)
    return {
        "x": dot(flat, U).reshape(x.shape),
        "s0": received,
        "U": dot(flat.T, x.reshape(-1, m)),
        "W": dot(flat.T, states[:-1].reshape(-1, n)),
        "b": add.reduce(flat, 0),
    }
