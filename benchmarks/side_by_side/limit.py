"""The limit: the matrix products of a network's forward and backward pass and nothing else, in preallocated arrays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy import dot

from benchmarks.side_by_side.problems import Arrays, Model


def products(model: Model, inputs: Arrays, direct: Arrays) -> Callable[[], None]:
    """U x of all steps at once; W h and Wᵀ δ at each step; x̄, Ū and W̄ at once. All gates in one product."""
    x, states = inputs["x"], direct[model.output]  # numbers of the right shape: their values do not matter
    T, B, m = x.shape
    n, dtype = states.shape[2], x.dtype
    U, W = (np.concatenate([inputs[key] for key in model.keys(letter)]) for letter in "UW")
    across_U, across_W = np.ascontiguousarray(U.T), np.ascontiguousarray(W.T)
    rows = len(model.gates) * n
    deltas = np.random.default_rng(0).standard_normal((T, B, rows)).astype(dtype)
    net, back = np.empty((B, rows), dtype), np.empty((B, n), dtype)
    flat_x, flat_states, flat = x.reshape(-1, m), states.reshape(-1, n), deltas.reshape(-1, rows)
    driven, x_bar = np.empty((T * B, rows), dtype), np.empty((T * B, m), dtype)
    U_bar, W_bar = np.empty((rows, m), dtype), np.empty((rows, n), dtype)

    def run() -> None:
        dot(flat_x, across_U, driven)
        for state in states:
            dot(state, across_W, net)
        for delta in deltas:
            dot(delta, W, back)
        dot(flat, U, x_bar)
        dot(flat.T, flat_x, U_bar)
        dot(flat.T, flat_states, W_bar)

    return run
