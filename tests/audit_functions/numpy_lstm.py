"""Backward passes of the LSTM in NumPy, as tutorials write them; `slip` names the line that goes wrong.

x (T, B, m), h0, c0 (B, n), U_a (n, m), W_a (n, n), b_a (n) for the gates i, f, o, g; cotangents h, c (T, B, n).
"""

from __future__ import annotations

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def step_forward(x, prev_h, prev_c, Wx, Wh, b):
    """One step with the four gates in one activation vector of 4n entries."""
    H = prev_h.shape[1]
    a = x @ Wx + prev_h @ Wh + b
    i, f, o = sigmoid(a[:, :H]), sigmoid(a[:, H : 2 * H]), sigmoid(a[:, 2 * H : 3 * H])
    g = np.tanh(a[:, 3 * H :])
    next_c = f * prev_c + i * g
    tanh_c = np.tanh(next_c)
    next_h = o * tanh_c
    return next_h, next_c, (x, prev_h, prev_c, i, f, o, g, next_c, tanh_c)


def step_backward(dnext_h, dnext_c, cache, Wx, Wh, slip=None):
    """The gradients of one step."""
    x, prev_h, prev_c, i, f, o, g, next_c, tanh_c = cache
    dc = dnext_c + dnext_h * o * (1 - tanh_c**2)
    if slip == "tanh' at tanh(c)":
        dc = dnext_c + dnext_h * o * (1 - np.tanh(tanh_c) ** 2)
    elif slip == "1 - c²":
        dc = dnext_c + dnext_h * o * (1 - next_c**2)
    elif slip == "no tanh'":
        dc = dnext_c + dnext_h * o
    do = dnext_h * tanh_c
    df = dc * (next_c if slip == "c_t for c_{t-1}" else prev_c)
    di, dg = dc * g, dc * i
    if slip == "c for tanh(c)":
        do = dnext_h * next_c
    dprev_c = dc * f
    if slip == "the forget path is missing":
        dprev_c = np.zeros_like(dprev_c)
    elif slip == "i for f on the path of c":
        dprev_c = dc * i
    slope_i = i if slip == "i for i(1 - i)" else i * (1 - i)
    slope_g = 1 - g if slip == "1 - g" else 1 - g * g
    da = np.hstack([di * slope_i, df * f * (1 - f), do * o * (1 - o), dg * slope_g])
    dx, dprev_h = da @ Wx.T, da @ Wh.T
    return dx, dprev_h, dprev_c, x.T @ da, prev_h.T @ da, da.sum(axis=0)


def stacked(inputs, cotangents, slip=None):
    """The weights of the four gates side by side, as the assignments of lectures have them."""
    order = "ifog"
    reading = "fiog" if slip in ("i and f read in the other order", "i and f packed in the other order") else order
    Wx, Wh, b = (
        np.concatenate([inputs[f"{name}_{a}"].T for a in reading], axis=-1) if name != "b"
        else np.concatenate([inputs[f"b_{a}"] for a in reading])
        for name in "UWb"
    )  # fmt: skip
    T = len(inputs["x"])
    h, c = inputs["h0"], inputs["c0"]
    caches = []
    for t in range(T):
        h, c, cache = step_forward(inputs["x"][t], h, c, Wx, Wh, b)
        caches.append(cache)
    dx, dh, dc = np.zeros_like(inputs["x"]), np.zeros_like(h), np.zeros_like(c)
    dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)
    for t in reversed(range(T)):
        own_c = 0 if slip == "the cotangent of c ignored" else cotangents["c"][t]
        backwards = Wh
        if slip == "every W for its transpose":
            backwards = np.hstack([part.T for part in np.split(Wh, 4, axis=1)])
        dx[t], dh, dc, gWx, gWh, gb = step_backward(cotangents["h"][t] + dh, own_c + dc, caches[t], Wx, backwards, slip)
        if slip == "nothing from the next step":
            dh, dc = np.zeros_like(dh), np.zeros_like(dc)
        elif slip == "dh dropped":
            dh = np.zeros_like(dh)
        dWx, dWh, db = dWx + gWx, dWh + gWh, db + gb
        if slip == "only the first step summed":
            dWh = gWh
    writing = "fiog" if slip in ("i and f returned in the other order", "i and f packed in the other order") else order
    n = h.shape[1]
    found = {"x": dx, "h0": dh, "c0": dc}
    for place, a in enumerate(writing):
        part = slice(place * n, (place + 1) * n)
        found |= {f"U_{a}": dWx[:, part].T, f"W_{a}": dWh[:, part].T, f"b_{a}": db[part]}
    return found


def gate_by_gate(inputs, cotangents, slip=None):
    """Each gate written out, with dictionaries of lists over time."""
    x, T = inputs["x"], len(inputs["x"])
    hs, cs, gates = [inputs["h0"]], [inputs["c0"]], []
    for x_t in x:
        net = {a: x_t @ inputs[f"U_{a}"].T + hs[-1] @ inputs[f"W_{a}"].T + inputs[f"b_{a}"] for a in "ifog"}
        gate = {a: np.tanh(z) if a == "g" else sigmoid(z) for a, z in net.items()}
        cs.append(gate["f"] * cs[-1] + gate["i"] * gate["g"])
        hs.append(gate["o"] * np.tanh(cs[-1]))
        gates.append(gate)
    grads = {key: np.zeros_like(value) for key, value in inputs.items()}
    dh_next, dc_next = np.zeros_like(hs[0]), np.zeros_like(cs[0])
    for t in range(T - 1, -1, -1):
        i, f, o, g = (gates[t][a] for a in "ifog")
        dh = cotangents["h"][t] + dh_next
        dc = cotangents["c"][t] + dc_next + dh * o * (1 - np.tanh(cs[t + 1]) ** 2)
        d = {
            "o": dh * np.tanh(cs[t + 1]) * o * (1 - o),
            "f": dc * cs[t] * f * (1 - f),
            "i": dc * g * i * (1 - i),
            "g": dc * i * (1 - g**2),
        }
        if slip == "sign of f":
            d["f"] = -d["f"]
        for a in "ifog":
            previous = hs[t + 1] if slip == "h_t for h_{t-1}" else hs[t]
            if slip != "oldest term missing" or t > 0:
                grads[f"W_{a}"] += d[a].T @ previous
            grads[f"U_{a}"] += d[a].T @ x[t]
            grads[f"b_{a}"] += d[a].sum(axis=0)
            grads["x"][t] += d[a] @ inputs[f"U_{a}"]
        lost = "o" if slip == "W_o does not reach h" else ""
        dh_next = sum(d[a] @ inputs[f"W_{a}"] for a in "ifog" if a != lost)
        dc_next = f * dc
    if slip == "the bias of o averaged":
        grads["b_o"] /= len(hs[0])
    return grads | {"h0": dh_next, "c0": dc_next}
