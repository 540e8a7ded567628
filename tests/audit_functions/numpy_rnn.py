"""Backward passes of the Elman network in NumPy, as tutorials write them; `slip` names the line that goes wrong.

Net_t = U x_t + W s_{t-1} + b, s_t = tanh(Net_t).
x (T, B, m), s0 (B, n), U (n, m), W (n, n), b (n); cotangents s (T, B, n).
"""

from __future__ import annotations

import numpy as np


def char_rnn(inputs, cotangents, slip=None):
    """One sequence at a time in column vectors, dictionaries over time and `dhnext`, as character models have it."""
    x, s0, Wxh, Whh, bh = (inputs[key] for key in ("x", "s0", "U", "W", "b"))
    T, B, _ = x.shape
    dx, ds0 = np.zeros_like(x), np.zeros_like(s0)
    dWxh, dWhh, dbh = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(bh)
    for sample in range(B):
        xs, hs, nets = {}, {-1: s0[sample][:, None]}, {}
        for t in range(T):
            xs[t] = x[t, sample][:, None]
            nets[t] = Wxh @ xs[t] + Whh @ hs[t - 1] + bh[:, None]
            hs[t] = np.tanh(nets[t])
        hs[T] = hs[T - 1]
        dhnext = np.zeros_like(hs[-1])
        for t in reversed(range(T)):
            dy = cotangents["s"][t, sample][:, None]
            if slip == "only the last cotangent" and t < T - 1:
                dy = np.zeros_like(dy)
            dh = dy + dhnext
            if slip == "sign":
                dh = dy - dhnext
            slope = 1 - hs[t] * hs[t]
            if slip == "1 - s":
                slope = 1 - hs[t]
            elif slip == "slope of the next step":
                slope = 1 - hs[t + 1] * hs[t + 1]
            elif slip == "slope at the net":
                slope = 1 - nets[t] * nets[t]
            elif slip == "slope of a slope":
                slope = 1 - np.tanh(hs[t]) ** 2
            elif slip == "no slope":
                slope = np.ones_like(hs[t])
            dhraw = slope * dh
            if slip == "W and diag swapped":
                dhraw = slope * dy + dhnext
            before = hs[t] if slip == "s_t for s_{t-1}" else hs[t - 1]
            if slip != "oldest term missing" or t > 0:
                dWhh += dhraw @ before.T
            dWxh += dhraw @ xs[t].T
            dbh += dhraw[:, 0]
            dx[t, sample] = (Wxh.T @ dhraw)[:, 0]
            dhnext = (Whh if slip == "W for its transpose" else Whh.T) @ dhraw
            if slip == "W and diag swapped" and t > 0:
                dhnext = Whh.T @ ((1 - hs[t - 1] * hs[t - 1]) * dhraw)
            if slip == "dh carried on":
                dhnext = Whh.T @ dh
            if slip == "nothing from the next step":
                dhnext = np.zeros_like(dhnext)
        ds0[sample] = dhnext[:, 0] if slip != "ds0 not multiplied by W" else dhraw[:, 0]
    if slip == "ds0 forgotten":
        ds0 = np.zeros_like(s0)
    return {"x": dx, "s0": ds0, "U": dWxh, "W": dWhh, "b": dbh}


def vectorised(inputs, cotangents, slip=None):
    """All products that need no recurrence outside the loop: one matrix product each over all steps and samples."""
    x, s0, U, W, b = inputs["x"], inputs["s0"], inputs["U"], inputs["W"], inputs["b"]
    T, B, m = x.shape
    n = s0.shape[1]
    driven = (x.reshape(T * B, m) @ U.T + b).reshape(T, B, n)
    states = np.empty((T + 1, B, n))
    states[0] = s0
    for t in range(T):
        states[t + 1] = np.tanh(driven[t] + states[t] @ W.T)
    slopes = 1 - states[1:] ** 2
    deltas = np.empty((T, B, n))
    later = np.zeros((B, n))
    for t in range(T - 1, -1, -1):
        deltas[t] = (cotangents["s"][t] + later) * slopes[t]
        later = deltas[t] @ W
    flat = deltas.reshape(T * B, n)
    dW = flat.T @ states[:-1].reshape(T * B, n)
    db = flat.sum(axis=0)
    dx = deltas @ U
    if slip == "the bias averaged over the batch":
        db = deltas.mean(axis=1).sum(axis=0)
    elif slip == "the bias averaged over batch and time":
        db = flat.mean(axis=0)
    elif slip == "the bias not summed over the batch":
        db = deltas.sum(axis=0)
    elif slip == "only the last step summed":
        dW = deltas[-1].T @ states[-2]
    elif slip == "the first step left out":
        dW = deltas[1:].reshape(-1, n).T @ states[1:-1].reshape(-1, n)
    elif slip == "dW transposed":
        dW = dW.T
    elif slip == "s_{t-1} wraps around":
        dW = flat.T @ np.roll(states[1:], 1, axis=0).reshape(T * B, n)
    elif slip == "dx by W":
        dx = deltas @ W
    found = {"x": dx, "s0": later, "U": flat.T @ x.reshape(T * B, m), "W": dW, "b": db}
    if slip == "everything averaged over the batch":
        found = {key: value / B for key, value in found.items()}
    elif slip == "one entry too large":
        dW[1, 0] *= 1.5
    elif slip == "noise":
        found["W"] = dW + np.random.default_rng(int(1e6 * abs(dW[0, 0]))).standard_normal(dW.shape)
    elif slip == "two errors":  # the sum for W lacks its first step, and x̄ has a spurious slope
        found["W"] = deltas[1:].reshape(-1, n).T @ states[1:-1].reshape(-1, n)
        found["x"] = 3 * (deltas * slopes) @ U
    return found


def einsum(inputs, cotangents, slip=None):
    """Einstein sums throughout."""
    x, U, W, b = inputs["x"], inputs["U"], inputs["W"], inputs["b"]
    s = [inputs["s0"]]
    for x_t in x:
        s.append(np.tanh(np.einsum("bm,nm->bn", x_t, U) + np.einsum("bk,nk->bn", s[-1], W) + b))
    s = np.stack(s)
    delta = np.zeros_like(s[1:])
    carried = np.zeros_like(s[0])
    for t in range(len(x))[::-1]:
        delta[t] = np.einsum("bn,bn->bn", 1 - s[t + 1] ** 2, cotangents["s"][t] + carried)
        carried = np.einsum("bn,kn->bk" if slip == "W for its transpose" else "bn,nk->bk", delta[t], W)
    return {
        "x": np.einsum("tbn,nm->tbm", delta, U),
        "s0": carried,
        "U": np.einsum("tbn,tbm->nm", delta, x),
        "W": np.einsum("tbn,tbk->kn" if slip == "dW transposed" else "tbn,tbk->nk", delta, s[:-1]),
        "b": np.einsum("tbn->n", delta),
    }


def truncated(inputs, cotangents, slip=None, steps=2):
    """For every step's loss a walk back through time, `bptt_truncate` steps at most (all, where nothing slips)."""
    x, U, W, b = inputs["x"], inputs["U"], inputs["W"], inputs["b"]
    T = len(x)
    s = np.zeros((T + 1, *inputs["s0"].shape))
    s[-1] = inputs["s0"]
    for t in range(T):
        s[t] = np.tanh(x[t] @ U.T + s[t - 1] @ W.T + b)
    found = {key: np.zeros_like(value) for key, value in inputs.items()}
    window = steps if slip == "truncated" else T
    for t in range(T):
        delta_t = cotangents["s"][t] * (1 - s[t] ** 2)
        for step in range(t, max(-1, t - window), -1):
            found["W"] += delta_t.T @ s[step - 1]
            found["U"] += delta_t.T @ x[step]
            found["b"] += delta_t.sum(axis=0)
            found["x"][step] += delta_t @ U
            if step == 0:
                found["s0"] += delta_t @ W
            delta_t = (delta_t @ W) * (1 - s[step - 1] ** 2)
    return found


def chunked(inputs, cotangents, slip=None, size=2):
    """The sequence in chunks, the state's gradient handed from chunk to chunk (dropped, where it slips)."""
    x, U, W, b = inputs["x"], inputs["U"], inputs["W"], inputs["b"]
    states = [inputs["s0"]]
    for x_t in x:
        states.append(np.tanh(x_t @ U.T + states[-1] @ W.T + b))
    found = {key: np.zeros_like(value) for key, value in inputs.items()}
    carry = np.zeros_like(inputs["s0"])
    starts = range(0, len(x), size)
    for start in reversed(starts):
        if slip == "detached between chunks":
            carry = np.zeros_like(carry)
        for t in reversed(range(start, min(start + size, len(x)))):
            d = (carry + cotangents["s"][t]) * (1 - states[t + 1] ** 2)
            found["W"] += d.T @ states[t]
            found["U"] += d.T @ x[t]
            found["b"] += d.sum(0)
            found["x"][t] = d @ U
            carry = d @ W
    found["s0"] = carry
    return found


def from_zero(inputs, cotangents, slip=None):
    """A cell as a closure; where it slips, it starts from a state of zeros whatever s0 is."""
    x, U, W, b = inputs["x"], inputs["U"], inputs["W"], inputs["b"]
    start = np.zeros_like(inputs["s0"]) if slip == "s0 ignored" else inputs["s0"]
    weights = W.T if slip == "forward by the transpose" else W

    def cell(x_t, s):
        new = np.tanh(x_t @ U.T + s @ weights.T + b)

        def pull(d):
            d = d * (1 - new**2)
            return d, d @ weights

        return new, pull

    s, pulls, before = start, [], []
    for x_t in x:
        before.append(s)
        s, pull = cell(x_t, s)
        pulls.append(pull)
    found = {key: np.zeros_like(value) for key, value in inputs.items()}
    d = np.zeros_like(s)
    for t in reversed(range(len(x))):
        net, d_before = pulls[t](d + cotangents["s"][t])
        found["U"] += net.T @ x[t]
        found["W"] += net.T @ before[t]
        found["b"] += net.sum(axis=0)
        found["x"][t] = net @ U
        d = d_before
    found["s0"] = d
    return found
