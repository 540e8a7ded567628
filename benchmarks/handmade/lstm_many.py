"""The hand-made LSTM of `lstm` where the batch is more than one: a contiguous (B, n) block for each gate and step.

Both passes go by windows of steps, so that what one operation writes is still in the cache when the next reads it:
U x_t of a window, its coefficients, its δ's and its part of every gradient. Nothing of the backward pass has T steps
but x̄.
"""

from __future__ import annotations

import numpy as np
from numpy import add, dot, matmul, multiply, tanh

from benchmarks.handmade.lstm_gates import Arrays, by_gate, coefficients, halved, stacked

ROWS = 512  # of a window: steps times batch, over which the gradients' products contract


def forward(inputs: Arrays) -> tuple[Arrays, Arrays]:
    """h and c at every step, and what `backward` needs."""
    x, h0 = inputs["x"], inputs["h0"]
    T, B, m = x.shape
    n, dtype = h0.shape[1], x.dtype
    half = np.array(0.5, dtype)
    U, W = stacked(inputs, "U"), stacked(inputs, "W")
    from_input = np.ascontiguousarray(halved(U).reshape(4, n, m).transpose(0, 2, 1))
    from_state = np.ascontiguousarray(halved(W).reshape(4, n, n).transpose(0, 2, 1))
    bias = halved(stacked(inputs, "b")).reshape(4, 1, n)
    gates = np.empty((T + 1, 5, B, n), dtype)  # o i f g c_{t-1}
    states, squashed = np.empty((T + 1, B, n), dtype), np.empty((T, B, n), dtype)
    states[0], gates[0, 4] = h0, inputs["c0"]
    window = max(1, min(T, ROWS // B))
    net, terms, room = np.empty((4, B, n), dtype), np.empty((2, B, n), dtype), np.empty(4 * window * B * n, dtype)
    new, kept = terms
    h = states[0]
    for first in range(0, T, window):
        last = min(T, first + window)
        driven = room[: 4 * (last - first) * B * n].reshape(4, -1, n)
        add(matmul(x[first:last].reshape(-1, m), from_input, driven), bias, driven)
        steps = zip(
            driven.reshape(4, -1, B, n).transpose(1, 0, 2, 3),
            gates[first:last],
            gates[first + 1 : last + 1, 4],
            squashed[first:last],
            states[first + 1 : last + 1],
            strict=True,
        )
        for drive, values, c, tanh_c, later in steps:
            oif = values[:3]
            add(matmul(h, from_state, net), drive, net)
            tanh(net, values[:4])
            multiply(oif, half, oif)
            add(oif, half, oif)
            multiply(values[1:3], values[3:], terms)
            add(new, kept, c)
            tanh(c, tanh_c)
            multiply(values[0], tanh_c, later)
            h = later
    saved = {"x": x, "states": states, "gates": gates, "squashed": squashed, "U": U, "W": W}
    return {"h": states[1:], "c": gates[1:, 4]}, saved


def backward(saved: Arrays, h_direct: np.ndarray, c_direct: np.ndarray | None) -> Arrays:
    """∂E/∂ of every input; h_direct, c_direct (T, B, n)."""
    x, states, gates, squashed = saved["x"], saved["states"], saved["gates"], saved["squashed"]
    T, B, m = x.shape
    n, dtype = squashed.shape[2], x.dtype
    U, W = saved["U"].reshape(4, n, m), saved["W"].reshape(4, n, n)
    window = max(1, min(T, ROWS // B))
    room, through = np.empty(4 * window * B * n, dtype), np.empty((window, B, n), dtype)
    h_bar, c_bar, received, later = (np.zeros((B, n), dtype) for _ in range(4))
    parts = np.empty((4, B, n), dtype)
    x_bar, term = np.empty_like(x), np.empty((window * B, m), dtype)
    U_bar, W_bar, b_bar = np.zeros_like(U), np.zeros_like(W), np.zeros((4, n), dtype)
    U_term, W_term = np.empty_like(U), np.empty_like(W)
    for last in range(T, 0, -window):
        first = max(0, last - window)
        at = slice(first, last)
        deltas = room[: 4 * (last - first) * B * n].reshape(4, -1, B, n)
        values, k = gates[at].transpose(1, 0, 2, 3), through[: last - first]
        coefficients(values, squashed[at], deltas, k)
        own_cs = [None] * len(k) if c_direct is None else c_direct[at][::-1]
        by_step = deltas.transpose(1, 0, 2, 3)[::-1]
        steps = zip(by_step, k[::-1], values[2, ::-1], h_direct[at][::-1], own_cs, strict=True)
        for delta, k_t, f, own, own_c in steps:
            add(received, own, h_bar)
            multiply(k_t, h_bar, c_bar)
            add(c_bar, later, c_bar)
            if own_c is not None:
                add(c_bar, own_c, c_bar)
            multiply(delta[0], h_bar, delta[0])
            multiply(delta[1:], c_bar, delta[1:])
            multiply(c_bar, f, later)
            add.reduce(matmul(delta, W, parts), 0, None, received)
        flat = deltas.reshape(4, -1, n)
        across = flat.transpose(0, 2, 1)
        add(U_bar, matmul(across, x[at].reshape(-1, m), U_term), U_bar)
        add(W_bar, matmul(across, states[at].reshape(-1, n), W_term), W_bar)
        add(b_bar, add.reduce(flat, 1), b_bar)
        x_part = x_bar[at].reshape(-1, m)
        dot(flat[0], U[0], x_part)
        for delta, weight in zip(flat[1:], U[1:], strict=True):
            add(x_part, dot(delta, weight, term[: len(x_part)]), x_part)
    return {
        "x": x_bar,
        "h0": received,
        "c0": later,
        **by_gate("W", W_bar),
        **by_gate("U", U_bar),
        **by_gate("b", b_bar),
    }
