"""Backward passes of the GRU in NumPy (the reset gate inside, h_t = z ⊙ h_{t-1} + (1 - z) ⊙ n); `slip` names the line.

x (T, B, m), h0 (B, n), U_a (n, m), W_a (n, n), b_a (n) for a in r, z, n, and c_n (n); cotangents h (T, B, n).
"""

from __future__ import annotations

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def gru(inputs, cotangents, slip=None):
    """Every gate written out; `slip` a variant of the model, or a wrong line of the backward pass."""
    p, x = inputs, inputs["x"]
    h, tape = p["h0"], []
    exchanged = slip == "the other update"
    for x_t in x:
        r = sigmoid(x_t @ p["U_r"].T + h @ p["W_r"].T + p["b_r"])
        z = sigmoid(x_t @ p["U_z"].T + h @ p["W_z"].T + p["b_z"])
        inner = h @ p["W_n"].T + p["c_n"]
        n = np.tanh(x_t @ p["U_n"].T + p["b_n"] + r * inner)
        tape.append((h, r, z, n, inner))
        h = (1 - z) * h + z * n if exchanged else z * h + (1 - z) * n
    grads = {key: np.zeros_like(value) for key, value in p.items()}
    dh = np.zeros_like(h)
    for t in reversed(range(len(x))):
        before, r, z, n, inner = tape[t]
        dh = dh + cotangents["h"][t]
        dn, dz, kept = dh * (1 - z), dh * (before - n), dh * z
        if exchanged:
            dn, dz, kept = dh * z, dh * (n - before), dh * (1 - z)
        elif slip == "z and 1 - z exchanged":
            dn, kept = dh * z, dh * (1 - z)
        elif slip == "kept by 1 - z":
            kept = dh * (1 - z)
        elif slip == "the state is not kept":
            kept = np.zeros_like(kept)
        elif slip == "dz without n":
            dz = dh * before
        d_n = dn * (1 - n * n)
        d_inner = d_n if slip == "reset outside" else d_n * r
        d_r = d_n * inner * r * (1 - r)
        if slip == "dr without the inner bias":
            d_r = d_n * (inner - p["c_n"]) * r * (1 - r)
        d_z = dz * z * (1 - z)
        for a, d in (("r", d_r), ("z", d_z)):
            grads[f"U_{a}"] += d.T @ x[t]
            grads[f"W_{a}"] += d.T @ before
            grads[f"b_{a}"] += d.sum(axis=0)
        grads["U_n"] += d_n.T @ x[t]
        grads["b_n"] += d_n.sum(axis=0)
        grads["W_n"] += (d_n if slip == "W_n without the reset" else d_inner).T @ before
        grads["c_n"] += d_inner.sum(axis=0)
        grads["x"][t] = d_r @ p["U_r"] + d_z @ p["U_z"] + d_n @ p["U_n"]
        dh = kept + d_r @ p["W_r"] + d_z @ p["W_z"] + d_inner @ p["W_n"]
        if slip == "U_z missing in x":
            grads["x"][t] -= d_z @ p["U_z"]
    grads["h0"] = dh
    return grads
