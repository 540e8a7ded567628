"""The recurrent documents in NumPy: what the sides of each equation, or link, are worth at a random instance."""

from itertools import pairwise

import numpy as np
from arithmetic import diag, dtanh, family, gradient, had, jacobian, plus, softmax
from errata_gated import Lstm
from errata_recurrent import N, Q, Rnn, T

DOCUMENTS = {}


def document(name):
    def kept(function):
        DOCUMENTS[name] = function
        return function

    return kept


def chain(name, *sides):
    """The links of a chain: name where there is one, else name/1, name/2, …; a side that may not fit is a function."""
    made = [side if callable(side) else (lambda value=side: value) for side in sides]
    pairs = list(pairwise(made))
    if len(pairs) == 1:
        return {name: pairs[0]}
    return {f"{name}/{place}": pair for place, pair in enumerate(pairs, 1)}


def several(name, *pairs):
    """The statements of one display."""
    return {f"{name}/{place}": chain("", *pair)[""] for place, pair in enumerate(pairs, 1)}


def act(matrix, members):
    """A matrix times every member of a family."""
    return np.einsum("ab,bzij->azij", matrix, members)


def weighted(row, members):
    """A row times every member, collected in the shape of what it is taken by."""
    return np.einsum("b,bzij->ij", row.ravel(), members)


@document("hanbt-rnn")
def hanbt_rnn():
    net, t = Rnn(), T

    def last(h):
        return net.loss_at(h, T)

    def delta(k):
        return gradient(lambda z: last(net.run(nets={k: z})[0]), net.net[k])

    def by_net(what, by):
        return jacobian(lambda z: net.run(nets={by: z})[1][what], net.net[by])

    slope = [None, *(diag(dtanh(z)) for z in net.net[1:])]
    into, state = net.W, jacobian(lambda z: np.tanh(z), net.net[t - 1])
    forward = family(lambda w: net.run(W=w)[1][t], net.W)
    before = family(lambda w: net.run(W=w)[1][t - 1], net.W)
    states = family(lambda w: net.run(W=w)[0][t - 1], net.W)
    own = np.einsum("ai,zj->azij", np.eye(N), net.h[t - 1].T)  # ∂W/∂W s_{t-1}
    whole = gradient(lambda w: last(net.run(W=w)[0]), net.W)
    product = np.eye(N)
    for i in range(1, t):
        product = net.W @ slope[i] @ product
    direct = [None, *(gradient(lambda w, k=k: last(net.run(copies={k: w})[0]), net.W) for k in range(1, T + 1))]
    j, i = 1, 2
    step = family(lambda w: net.run(copies={t: w})[1][t], net.W)[j, 0]
    row = delta(t).T
    tail = plus(weighted(row, own), weighted(row @ net.W, states))
    return {
        **chain("chain", by_net(t, t - 1), into @ state),
        **chain("first", jacobian(lambda z: net.run(held={t - 1: z})[1][t], net.h[t - 1]), net.W),
        **chain("second", state, slope[t - 1]),
        **chain("both", by_net(t, t - 1), into @ state, net.W @ slope[t - 1]),
        **chain("3.1", delta(1).T, delta(1).T, row @ by_net(t, 1)),
        "bound/1": (lambda: delta(1).T, lambda: row @ product),
        **chain("net", net.net[t], net.U @ net.x[t] + net.W @ np.tanh(net.net[t - 1]) + net.b),
        **chain("recursion", forward, own + act(net.W, states)),
        **chain("3.5", whole, whole, weighted(row, forward), tail),
        **chain("left", weighted(row, own), row.T @ net.h[t - 1].T),
        **chain(
            "right",
            weighted(row @ net.W, states),
            weighted(row @ net.W @ state, before),
            lambda: weighted(row @ net.W @ dtanh(net.net[t - 1]) @ row, before),
            weighted(row @ by_net(t, t - 1), before),
            weighted(delta(t - 1).T, before),
        ),
        **chain("entry", whole[j, i], delta(t)[j, 0] * step[j, i], delta(t)[j, 0] * net.h[t - 1][i, 0]),
        **chain("3.3", direct[2], delta(2) @ net.h[1].T),
        **chain("3.4", whole, sum(direct[1:])),
        **_layer(),
    }


def _layer():
    """A feed-forward layer below: net = U a + W s, a = f(low)."""
    net, t = Rnn(), T
    low = np.arctanh(np.clip(net.x[t] / 10, -0.9, 0.9))
    net.x[t] = np.tanh(low)

    def upper(z):
        return net.U @ np.tanh(z) + net.W @ net.h[t - 1] + net.b

    def loss(u):
        return net.loss_at(net.run(nets={t: u})[0], T)

    jac, error = jacobian(upper, low), gradient(loss, upper(low)).T
    right = net.U @ diag(dtanh(low))
    below = gradient(lambda z: loss(upper(z)), low).T
    return {
        **chain("layer.mended", jac, net.U @ jacobian(np.tanh, low), right),
        **chain("3.2", below, below, error @ jac, error @ right),
    }


@document("hanbt-lstm")
def hanbt_lstm():
    lstm, t = Lstm(), T
    s, before = lstm.steps[t], lstm.steps[t - 1]

    def by(what, name, at=t):
        held = lstm.steps[at][name]
        return jacobian(lambda z: lstm.run({(name, at): z})[t][what], held)

    delta = lstm.error("h", t).T
    gates = {g: lstm.error("net" + g, t).T for g in "fioc"}
    net_h = {g: by("net" + g, "h", t - 1) for g in "fioc"}
    h_c, h_o = by("h", "c"), diag(np.tanh(s["c"]))
    own = {"f": diag(before["c"]), "i": diag(s["gc"]), "c": diag(s["gi"])}
    slopes = {g: diag(1 - s["gc"] ** 2 if g == "c" else s["g" + g] * (1 - s["g" + g])) for g in "fioc"}
    paths = [delta @ h_o @ slopes["o"] @ net_h["o"]]
    paths += [delta @ h_c @ own[g] @ slopes[g] @ net_h[g] for g in "fic"]
    rows = [gates[g] @ net_h[g] for g in "ofic"]
    flat = [gates[g] @ lstm.Wh[g] for g in "ofic"]
    back = had(s["go"], dtanh(s["c"]))

    def weight(g):
        def loss(w):
            kept, lstm.Wh = lstm.Wh, {**lstm.Wh, g: w}
            try:
                return lstm.loss(lstm.run())
            finally:
                lstm.Wh = kept

        total = gradient(loss, lstm.Wh[g])
        return total, sum(lstm.error("net" + g, k) @ lstm.steps[k - 1]["h"].T for k in range(1, T + 1))

    def bias(g):
        def loss(v):
            kept, lstm.b = lstm.b, {**lstm.b, g: v}
            try:
                return lstm.loss(lstm.run())
            finally:
                lstm.b = kept

        return gradient(loss, lstm.b[g]), sum(lstm.error("net" + g, k) for k in range(1, T + 1))

    inputs = gradient(lambda w: lstm.loss(lstm.run(Wx={"o": w})), lstm.Wx["o"])
    outer = [None, *(lstm.error("neto", k) @ lstm.x[k].T for k in range(1, T + 1))]
    error = delta.T
    return {
        "stack/1": (lambda: s["netf"], lambda: np.hstack([before["h"], lstm.x[t]])),
        "stack/2": (lambda: np.hstack([before["h"], lstm.x[t]]), lambda: s["netf"]),
        **chain("7", lstm.error("h", t - 1).T, lstm.error("h", t - 1).T, delta @ by("h", "h", t - 1), sum(flat)),
        **chain("3.1", delta @ by("h", "h", t - 1), sum(paths), sum(rows)),
        **several("h", (jacobian(lambda v: v * np.tanh(s["c"]), s["go"]), h_o), (h_c, diag(back))),
        **several(
            "c",
            (jacobian(lambda v: v * before["c"], s["gf"]), own["f"]),
            (jacobian(lambda v: v * s["gc"], s["gi"]), own["i"]),
            (jacobian(lambda v: v * s["gi"], s["gc"]), own["c"]),
        ),
        **several(
            "gates.jacobian",
            *(pair for g in "ofic" for pair in ((by("g" + g, "net" + g), slopes[g]), (net_h[g], lstm.Wh[g]))),
        ),
        **chain("3.2", lstm.error("h", t - 1), sum(rows), sum(flat)),
        **chain("3.3", gates["o"], had(error, np.tanh(s["c"]), s["go"], 1 - s["go"]).T),
        **chain("3.4", gates["f"], had(error, back, before["c"], s["gf"], 1 - s["gf"]).T),
        **chain("3.5", gates["i"], had(error, back, s["gc"], s["gi"], 1 - s["gi"]).T),
        **chain("3.6.mended", gates["c"], had(error, back, s["gi"], 1 - s["gc"] ** 2).T),
        **several("weights", *(weight(g) for g in "ofic")),
        **several("biases", *(bias(g) for g in "oifc")),
        **chain("input", inputs, outer[T], outer[T]),
        **chain("input.mended", inputs, sum(outer[1:])),
    }


@document("d2l-bptt")
def d2l():
    net, t = Rnn(lambda z: z), 2

    def loss(h):
        return net.loss(h) / T

    out = [None, *((net.p[k] - net.y[k]) / T for k in range(1, T + 1))]
    states = [None, *(net.d_state(k, loss) for k in range(1, T + 1))]

    def by_output(V):
        kept, net.V = net.V, V
        try:
            return loss(net.h)
        finally:
            net.V = kept

    powers = [np.linalg.matrix_power(net.W.T, T - i) @ net.V.T @ out[T + t - i] for i in range(t, T + 1)]
    steps = range(1, T + 1)
    return {
        **chain("outputs.mended", gradient(lambda o: -np.sum(net.y[t] * np.log(softmax(o))) / T, net.o[t]), out[t]),
        **chain("Wqh", gradient(by_output, net.V), sum(out[k] @ net.h[k].T for k in steps)),
        **chain("last", states[T], net.V.T @ out[T]),
        **chain("step", states[t], net.W.T @ states[t + 1] + net.V.T @ out[t]),
        **chain("closed", states[t], sum(powers)),
        **several(
            "weights",
            (gradient(lambda u: loss(net.run(U=u)[0]), net.U), sum(states[k] @ net.x[k].T for k in steps)),
            (gradient(lambda w: loss(net.run(W=w)[0]), net.W), sum(states[k] @ net.h[k - 1].T for k in steps)),
        ),
    }


class _Labelled(Rnn):
    """Targets that are one class each."""

    def __init__(self):
        super().__init__()
        for k in range(1, T + 1):
            self.y[k] = np.eye(Q)[:, [k % Q]]


def _recurrent_gradients(net):
    """Both sides of the gradients of c, b, V, W, U by the states' errors and slopes."""
    steps = range(1, T + 1)
    out = [None, *(net.p[k] - net.y[k] for k in steps)]
    back = [None, *(diag(1 - net.h[k] ** 2) @ net.d_state(k) for k in steps)]

    def by(name):
        def loss(value):
            kept = getattr(net, name)
            setattr(net, name, value)
            try:
                return net.loss(net.run()[0])
            finally:
                setattr(net, name, kept)

        return gradient(loss, getattr(net, name))

    return {
        "c": (by("c"), sum(out[1:])),
        "b": (by("b"), sum(back[1:])),
        "V": (by("V"), sum(out[k] @ net.h[k].T for k in steps)),
        "W": (by("W"), sum(back[k] @ net.h[k - 1].T for k in steps)),
        "U": (by("U"), sum(back[k] @ net.x[k].T for k in steps)),
    }


@document("dlb-10-2-2")
def dlb():
    net, t, i = _Labelled(), 2, 1
    out = net.p[t] - net.y[t]
    entry = gradient(lambda o: -np.sum(net.y[t] * np.log(softmax(o))), net.o[t])[i, 0]
    step, slope = net.step(t + 1), diag(1 - net.h[t + 1] ** 2)
    later = net.d_state(t + 1)
    found = _recurrent_gradients(net)
    return {
        **chain("10.17", 1.0, 1.0),
        **chain("10.18", entry, entry, entry, net.p[t][i, 0] - (i == t % Q)),
        **chain("10.19", net.d_state(T), net.V.T @ (net.p[T] - net.y[T])),
        **chain("10.21", net.d_state(t), step.T @ later + net.V.T @ out, net.W.T @ slope @ later + net.V.T @ out),
        **{
            f"{number}/{place}": ((lambda a=found[name][0]: a), (lambda b=found[name][1]: b))
            for number, name in (("10.22", "c"), ("10.23", "b"), ("10.24", "V"), ("10.26", "W"), ("10.28", "U"))
            for place in (1, 2)
        },
    }


@document("pinard")
def pinard():
    from confirmed_layers import pinard_layers

    net, t = Rnn(), 2
    out, later = net.p[t] - net.y[t], net.d_state(t + 1)
    step, slope = net.step(t + 1), diag(1 - net.h[t + 1] ** 2)
    found = _recurrent_gradients(net)
    bare = sum(net.p[k] for k in range(1, T + 1)) - net.y[t]
    return {
        **pinard_layers(),
        **chain("c", found["c"][0], found["c"][1], bare),
        **chain("c.mended", found["c"][0], found["c"][1], found["c"][1]),
        **chain("V", found["V"][0], found["V"][1], found["V"][1]),
        **chain("delta", net.d_state(t), net.V.T @ out + step.T @ later, net.V.T @ out + net.W.T @ slope @ later),
        **chain("tau", net.d_state(T), net.V.T @ (net.p[T] - net.y[T]), net.V.T @ (net.p[T] - net.y[T])),
        **chain("rnn.W", *found["W"]),
        **chain("rnn.b", *found["b"]),
        **chain("rnn.U", *found["U"]),
    }
