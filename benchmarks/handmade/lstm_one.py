"""The hand-made LSTM of `lstm` where the batch is one: rows [o i f g c_{t-1}], every operation one of vectors.

A step's values are computed in one row that stays in place, whose parts are named once, and copied to the history: each
view that a loop makes costs 50 ns, a broadcast product three times as much as one of equal vectors.
"""

from __future__ import annotations

import numpy as np
from numpy import add, dot, multiply, tanh

from benchmarks.handmade.lstm_gates import Arrays, by_gate, coefficients, halved, stacked

WINDOW = 1 << 19  # bytes of coefficients that are computed at once


def forward(inputs: Arrays) -> tuple[Arrays, Arrays]:
    """h and c at every step, and what `backward` needs."""
    x, h0 = inputs["x"], inputs["h0"]
    T = len(x)
    n, dtype = h0.shape[1], x.dtype
    half = np.array(0.5, dtype)  # an array of no axes: a scalar is converted at every call
    U, W = stacked(inputs, "U"), stacked(inputs, "W")
    driven = dot(x[:, 0], halved(U).T)
    add(driven, halved(stacked(inputs, "b")), driven)
    product = np.asfortranarray(halved(W)).dot
    states, history, squashed = np.empty((T + 1, n), dtype), np.empty((T + 1, 5 * n), dtype), np.empty((T, n), dtype)
    row, net, terms = np.empty(5 * n, dtype), np.empty(4 * n, dtype), np.empty(2 * n, dtype)
    oifg, oif, i_f, g_c = row[: 4 * n], row[: 3 * n], row[n : 3 * n], row[3 * n :]
    o, c, new, kept = row[:n], row[4 * n :], terms[:n], terms[n:]
    c[...] = inputs["c0"][0]
    states[0] = h0[0]
    h = states[0]
    for drive, values, tanh_c, later in zip(driven, history, squashed, states[1:], strict=False):
        product(h, net)
        add(net, drive, net)
        tanh(net, oifg)
        multiply(oif, half, oif)
        add(oif, half, oif)
        multiply(i_f, g_c, terms)
        values[...] = row
        add(new, kept, c)
        tanh(c, tanh_c)
        multiply(o, tanh_c, later)
        h = later
    history[T, 4 * n :] = c
    saved = {"x": x, "states": states, "history": history, "squashed": squashed, "U": U, "W": W}
    return {"h": states[1:, None], "c": history[1:, None, 4 * n :]}, saved


def backward(saved: Arrays, h_direct: np.ndarray, c_direct: np.ndarray | None) -> Arrays:
    """∂E/∂ of every input; h_direct, c_direct (T, 1, n)."""
    x, history, squashed = saved["x"], saved["history"], saved["squashed"]
    T, n = squashed.shape
    m, dtype = x.shape[2], x.dtype
    deltas = np.empty((T, 4 * n), dtype)
    factors = np.empty((4, n), dtype)  # h̄ for o, c̄ for i, f and g
    h_bar, c_bar, others, flat = factors[0], factors[1], factors[2:], factors.reshape(-1)
    received, later, part = np.zeros(n, dtype), np.zeros(n, dtype), np.empty(n, dtype)
    W, U = saved["W"], saved["U"]
    product = W.T.dot
    window = max(1, min(T, WINDOW // (5 * n * dtype.itemsize)))
    for last in range(T, 0, -window):
        at = slice(max(0, last - window), last)
        values = history[at].reshape(-1, 5, n).transpose(1, 0, 2).copy()
        into, k = np.empty((4, *values.shape[1:]), dtype), np.empty(values.shape[1:], dtype)
        coefficients(values, squashed[at], into, k)
        deltas[at].reshape(-1, 4, n)[...] = into.transpose(1, 0, 2)
        own_cs = [None] * len(k) if c_direct is None else c_direct[at, 0][::-1]
        steps = zip(k[::-1], deltas[at][::-1], values[2, ::-1], h_direct[at, 0][::-1], own_cs, strict=True)
        for through, delta, f, own, own_c in steps:
            add(received, own, h_bar)
            multiply(through, h_bar, part)
            add(part, later, c_bar)
            if own_c is not None:
                add(c_bar, own_c, c_bar)
            others[...] = c_bar
            multiply(delta, flat, delta)
            multiply(f, c_bar, later)
            product(delta, received)
    return {
        "x": dot(deltas, U)[:, None],
        "h0": received[None],
        "c0": later[None],
        **by_gate("W", dot(deltas.T, saved["states"][:-1]).reshape(4, n, n)),
        **by_gate("U", dot(deltas.T, x[:, 0]).reshape(4, n, m)),
        **by_gate("b", add.reduce(deltas, 0).reshape(4, n)),
    }
