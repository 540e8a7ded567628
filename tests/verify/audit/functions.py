"""Backward passes of the recurrent network as people write them: right ones in many styles, and planted errors."""

from __future__ import annotations

import numpy as np


def states(inputs):
    """s_0 … s_T in an array that the code makes itself."""
    x, s0, U, W, b = (inputs[key] for key in ("x", "s0", "U", "W", "b"))
    s = np.zeros((len(x) + 1, *s0.shape))
    s[0] = s0
    for t in range(len(x)):
        s[t + 1] = np.tanh(x[t] @ U.T + s[t] @ W.T + b)
    return s


def deltas(inputs, cotangents, s, slope=lambda s: 1 - s**2):
    """δ_t for all steps, and what s_0 receives."""
    d = np.zeros_like(s[1:])
    later = np.zeros_like(s[0])
    for t in reversed(range(len(d))):
        d[t] = (cotangents["s"][t] + later) * slope(s[t + 1])
        later = d[t] @ inputs["W"]
    return d, later


def gradients(inputs, d, later, before):
    """The sums over time."""
    return {
        "x": d @ inputs["U"],
        "s0": later,
        "U": np.einsum("tbi,tbj->ij", d, inputs["x"]),
        "W": np.einsum("tbi,tbj->ij", d, before),
        "b": d.sum(axis=(0, 1)),
    }


def batched(inputs, cotangents):
    """Whole batches, one product a sum."""
    s = states(inputs)
    d, later = deltas(inputs, cotangents, s)
    return gradients(inputs, d, later, s[:-1])


def looped(inputs, cotangents):
    """One member of the batch at a time, outer products added up step by step, as in a tutorial."""
    x, U, W, b = (inputs[key] for key in ("x", "U", "W", "b"))
    T, B, m = x.shape
    n = len(W)
    dU, dW, db = np.zeros((n, m)), np.zeros((n, n)), np.zeros(n)
    dx, ds0 = np.zeros((T, B, m)), np.zeros((B, n))
    for k in range(B):
        s = {-1: inputs["s0"][k]}
        for t in range(T):
            s[t] = np.tanh(np.dot(U, x[t, k]) + np.dot(W, s[t - 1]) + b)
        dnext = np.zeros(n)
        for t in reversed(range(T)):
            draw = (1 - s[t] * s[t]) * (cotangents["s"][t, k] + dnext)
            db += draw
            dU += np.outer(draw, x[t, k])
            dW += np.outer(draw, s[t - 1])
            dx[t, k] = U.T.dot(draw)
            dnext = np.dot(W.T, draw)
        ds0[k] = dnext
    return {"x": dx, "s0": ds0, "U": dU, "W": dW, "b": db}


def columns(inputs, cotangents):
    """Members of the batch as columns, lists over time, everything by `np.dot` and `np.stack`."""
    U, W, b = inputs["U"], inputs["W"], inputs["b"].reshape(-1, 1)
    s = [inputs["s0"].T]
    for x in inputs["x"]:
        s.append(np.tanh(U.dot(x.T) + W.dot(s[-1]) + b))
    found = {"U": 0, "W": 0, "b": 0}
    later, xs = np.zeros_like(s[0]), []
    for t in range(len(inputs["x"]), 0, -1):
        d = (1 - np.square(s[t])) * (cotangents["s"][t - 1].T + later)
        found["U"] = found["U"] + d.dot(inputs["x"][t - 1])
        found["W"] = found["W"] + d.dot(s[t - 1].T)
        found["b"] = found["b"] + np.sum(d, axis=1)
        xs.insert(0, np.transpose(U.T.dot(d)))
        later = W.T.dot(d)
    return {**found, "x": np.stack(xs), "s0": later.T}


def fused(inputs, cotangents):
    """[U W] in one product with [x; s], gradients cut out of one array."""
    both = np.concatenate([inputs["U"], inputs["W"]], axis=1)
    m = inputs["U"].shape[1]
    joined, s = [], inputs["s0"]
    outs = []
    for x in inputs["x"]:
        joined.append(np.hstack([x, s]))
        s = np.tanh(np.matmul(joined[-1], both.transpose()) + inputs["b"])
        outs.append(s)
    later, total, bias, xs = 0.0, np.zeros(both.shape), np.zeros(len(both)), np.empty_like(inputs["x"])
    for t in range(len(outs) - 1, -1, -1):
        d = np.multiply(cotangents["s"][t] + later, 1.0 - outs[t] ** 2)
        total += np.tensordot(d, joined[t], axes=(0, 0))
        bias += d.sum(0)
        back = d @ both
        xs[t], later = back[:, :m], back[:, m:]
    return {"x": xs, "s0": later, "U": total[:, :m], "W": total[:, m:], "b": bias}


def by_exponentials(inputs, cotangents):
    """tanh written out: the exact run cannot tell, the floats can."""
    s = [inputs["s0"]]
    for x in inputs["x"]:
        net = x @ inputs["U"].T + s[-1] @ inputs["W"].T + inputs["b"]
        s.append((np.exp(net) - np.exp(-net)) / (np.exp(net) + np.exp(-net)))
    s = np.array(s)
    d, later = deltas(inputs, cotangents, s)
    return gradients(inputs, d, later, s[:-1])


def by_cosh(inputs, cotangents):
    """f' = 1/cosh²."""
    s = [inputs["s0"]]
    slopes = []
    for x in inputs["x"]:
        net = x @ inputs["U"].T + s[-1] @ inputs["W"].T + inputs["b"]
        slopes.append(1 / np.cosh(net) ** 2)
        s.append(np.tanh(net))
    s = np.array(s)
    d, later = np.zeros_like(s[1:]), np.zeros_like(s[0])
    for t in reversed(range(len(d))):
        d[t] = (cotangents["s"][t] + later) * slopes[t]
        later = d[t] @ inputs["W"]
    return gradients(inputs, d, later, s[:-1])


def clipped(inputs, cotangents):
    """Gradients clipped at a size that they do not reach."""
    return {key: np.clip(array, -1e3, 1e3) for key, array in batched(inputs, cotangents).items()}


RIGHT = {f.__name__: f for f in (batched, looped, columns, fused, by_exponentials, by_cosh, clipped)}
EXACT = ("batched", "looped", "columns", "fused")  # those of which the exact run can say that they are right


# --- planted errors ----------------------------------------------------------------------------------------------


def planted(error):
    """`batched` with one error."""

    def function(inputs, cotangents):
        s = states(inputs)
        W = inputs["W"]
        d, later = np.zeros_like(s[1:]), np.zeros_like(s[0])
        steps = len(d)
        for t in reversed(range(steps)):
            slope = 1 - s[t + 1] if error == "1 - s for 1 - s²" else 1 - s[t + 1] ** 2
            if error == "f' at the step before":
                slope = 1 - s[t] ** 2
            if error == "W and diag exchanged":
                d[t] = cotangents["s"][t] * slope + (later * slope) @ W
                later = d[t]
                continue
            d[t] = (cotangents["s"][t] + later) * slope
            later = d[t] @ (W.T if error == "no transpose" else W)
            if error == "sign":
                later = -later
            if error == "no term of the step after" or (error == "truncated to 5" and (steps - t) % 5 == 0):
                later = np.zeros_like(later)
        if error == "W and diag exchanged":
            later = later @ W
        before = {"s_t for s_{t-1}": s[1:], "off by one": np.roll(s[:-1], 1, axis=0)}.get(error, s[:-1])
        found = gradients(inputs, d, later, before)
        if error == "no oldest term":
            found["W"] = np.einsum("tbi,tbj->ij", d[1:], before[1:])
        if error == "no oldest bias":
            found["b"] = d[1:].sum(axis=(0, 1))
        if error == "last step only":
            found["U"] = d[-1].T @ inputs["x"][-1]
        if error == "mean over the batch":
            found["W"] = found["W"] / d.shape[1]
        if error == "x̄ by U of another row":
            found["x"] = d @ np.roll(inputs["U"], 1, axis=0)
        return found

    return function


ERRORS = (
    "1 - s for 1 - s²",
    "f' at the step before",
    "W and diag exchanged",
    "no transpose",
    "sign",
    "no term of the step after",
    "truncated to 5",
    "s_t for s_{t-1}",
    "off by one",
    "no oldest term",
    "no oldest bias",
    "last step only",
    "mean over the batch",
    "x̄ by U of another row",
)


def scaled(key, factor, place=None):
    """`batched` with one gradient, or one entry of it, multiplied."""

    def function(inputs, cotangents):
        found = batched(inputs, cotangents)
        array = np.array(found[key])
        array[... if place is None else place] *= factor
        return {**found, key: array}

    return function
