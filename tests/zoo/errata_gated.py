"""The gated entries of the zoo in NumPy: LSTM and GRU, with peepholes, and one step of an LSTM cell."""

import numpy as np
from arithmetic import diag, draw, dtanh, gradient, had, jacobian, plus, rng, sigmoid
from errata_recurrent import M, N, T

ERRATA = {}


def erratum(name):
    def kept(function):
        ERRATA[name] = function
        return function

    return kept


class Lstm:
    """The plain LSTM with a loss on its last output."""

    def __init__(self, seed=6):
        r = rng(seed)
        self.x = [None, *(draw(r, M, 1) for _ in range(T))]
        self.Wh = {g: draw(r, N, N) for g in "fioc"}
        self.Wx = {g: draw(r, N, M) for g in "fioc"}
        self.b = {g: draw(r, N, 1) for g in "fioc"}
        self.start, self.w = (draw(r, N, 1), draw(r, N, 1)), draw(r, 1, N)
        self.steps = self.run()

    def run(self, held=None, Wx=None):
        """Each step's values by name; `held` sets (name, t); `Wx` replaces input weights."""
        held, Wx = held or {}, {**self.Wx, **(Wx or {})}
        steps = [{"h": held.get(("h", 0), self.start[0]), "c": self.start[1]}]
        for t in range(1, T + 1):
            s, before = {}, steps[-1]
            for g in "fioc":
                net = self.Wh[g] @ before["h"] + Wx[g] @ self.x[t] + self.b[g]
                s["net" + g] = held.get(("net" + g, t), net)
                s["g" + g] = np.tanh(s["net" + g]) if g == "c" else sigmoid(s["net" + g])
            s["c"] = held.get(("c", t), s["gf"] * before["c"] + s["gi"] * s["gc"])
            s["h"] = held.get(("h", t), s["go"] * np.tanh(s["c"]))
            steps.append(s)
        return steps

    def loss(self, steps):
        return np.sum(np.sin(self.w @ steps[T]["h"]))

    def error(self, name, t):
        """∂E/∂(name at t) as a column."""
        return gradient(lambda z: self.loss(self.run({(name, t): z})), self.steps[t][name])


def _forget_error(lstm, t):
    s, before = lstm.steps[t], lstm.steps[t - 1]
    delta = lstm.error("h", t)
    return had(delta, s["go"], dtanh(s["c"]), before["c"], s["gf"], 1 - s["gf"]).T


@erratum("hanbt-lstm-10")
def hanbt_forget():
    lstm = Lstm()
    s, before = lstm.steps[2], lstm.steps[1]
    whole = had(lstm.error("c", 2), before["c"], s["gf"], 1 - s["gf"]).T
    return {
        "published": (lambda: lstm.error("netf", 2).T, lambda: _forget_error(lstm, 2)),
        "last": (lambda: lstm.error("netf", T).T, lambda: _forget_error(lstm, T)),
        "strict": (lambda: lstm.error("netf", 2).T, lambda: had(lstm.error("h", 2).T, s["go"])),
        "mend": (lambda: lstm.error("netf", 2).T, lambda: whole),
    }


@erratum("hanbt-lstm-13")
def hanbt_product():
    lstm, t = Lstm(), 3
    rows = [lstm.error("net" + g, t).T @ lstm.Wh[g] for g in "ofic"]
    return {
        "published": (lambda: lstm.error("h", 1).T, lambda: rows[0] @ rows[0]),
        "mend": (lambda: lstm.error("h", t - 1).T, lambda: plus(*rows)),
    }


@erratum("hanbt-lstm-wx")
def hanbt_input_weight():
    lstm = Lstm()
    left = gradient(lambda w: lstm.loss(lstm.run(Wx={"o": w})), lstm.Wx["o"])
    outer = [None, *(lstm.error("neto", t) @ lstm.x[t].T for t in range(1, T + 1))]
    return {
        "published/1": (lambda: left, lambda: outer[T]),
        "mend": (lambda: left, lambda: sum(outer[1:])),
    }


@erratum("wanesta-lstm-i")
def wanesta():
    lstm, t = Lstm(), 2
    s = lstm.steps[t]
    left = jacobian(lambda z: lstm.run({("neti", t): z})[t]["gi"], s["neti"])
    return {
        "published": (lambda: left, lambda: diag(had(s["gi"], 1 - s["gf"]))),
        "mend": (lambda: left, lambda: diag(had(s["gi"], 1 - s["gi"]))),
    }


@erratum("graves-copy")
def graves():
    r = rng(7)
    p = {g: r.normal(size=T + 1) for g in "cl fw".replace(" ", "")}  # f stands for φ
    rec, peep = dict(zip("clfw", r.normal(size=4), strict=True)), dict(zip("lfw", r.normal(size=3), strict=True))
    weights = r.normal(size=T + 1)

    def run(held):
        s, out, steps = 0.7, -0.4, [None]
        for t in range(1, T + 1):
            a = {g: p[g][t] + rec[g] * out + (peep[g] * s if g in "lf" else 0) for g in "clf"}
            a = {g: held.get((g, t), v) for g, v in a.items()}
            s = held.get(("s", t), sigmoid(a["f"]) * s + sigmoid(a["l"]) * np.tanh(a["c"]))
            a["w"] = held.get(("w", t), p["w"][t] + rec["w"] * out + peep["w"] * s)
            out = held.get(("b", t), sigmoid(a["w"]) * np.sin(s))
            steps.append({**a, "s": s, "b": out})
        return steps

    base = run({})

    def error(name, t):
        def loss(z):
            return sum(weights[k] * run({(name, t): z[0]})[k]["b"] ** 2 for k in range(1, T + 1))

        return gradient(loss, np.array([base[t][name]]))[0]

    t = 2
    here, later = base[t], base[t + 1]
    first = sigmoid(here["w"]) * np.cos(here["s"])
    shared = sigmoid(later["f"]) * error("s", t + 1) + peep["f"] * error("f", t + 1) + peep["w"] * error("w", t)
    return {
        "published": (lambda: error("s", t), lambda: first + shared),
        "mend": (lambda: error("s", t), lambda: first * error("b", t) + shared + peep["l"] * error("l", t + 1)),
    }


@erratum("bquast-gru-9")
def bquast():
    r = rng(8)
    before, z, g, w = (draw(r, 1, N) for _ in range(4))

    def loss(gate):
        return np.sum(np.sin(w * (before * (1 - gate) + gate * g)))

    d3 = w * np.cos(w * (before * (1 - z) + z * g))
    d5, d7, d8 = d3 * before, d3 * g, d3 * z
    left = gradient(loss, z)
    return {
        "published": (lambda: left, lambda: d7 + d8),
        "mend/1": (lambda: left, lambda: d7 - d5),
        "mend/2": (lambda: d7 - d5, lambda: d3 * (g - before)),
    }


@erratum("torch-gru")
def torch_gru():
    r = rng(9)
    Wi, Wh, x, h = draw(r, N, M), draw(r, N, N), draw(r, M, 1), draw(r, N, 1)
    bi, bh, gate = draw(r, N, 1), draw(r, N, 1), sigmoid(draw(r, N, 1))
    given = np.tanh(Wi @ x + bi + gate * (Wh @ h + bh))
    return {"published": (lambda: given, lambda: np.tanh(Wi @ x + bi + Wh @ (gate * h) + bh))}


# --- the LSTM cell of the exercise -------------------------------------------------------------------------------


class Cell:
    """One step of the cell; J = Σ sin(p a_next) + Σ cos(q c_next), so both ways back carry something."""

    def __init__(self, seed=19):
        r = rng(seed)
        self.z = {g: draw(r, 3, 1) for g in "fuoc"}
        self.c_prev, self.tilde_prev, self.p, self.q = (draw(r, 3, 1) for _ in range(4))
        self.gate = {g: np.tanh(v) if g == "c" else sigmoid(v) for g, v in self.z.items()}
        self.c, self.a = self.run(self.z)
        self.da, self.dc = self.p * np.cos(self.p * self.a), -self.q * np.sin(self.q * self.c)

    def run(self, z):
        c = sigmoid(z["f"]) * self.c_prev + sigmoid(z["u"]) * np.tanh(z["c"])
        return c, sigmoid(z["o"]) * np.tanh(c)

    def error(self, g):
        def cost(v):
            c, a = self.run({**self.z, g: v})
            return np.sum(np.sin(self.p * a)) + np.sum(np.cos(self.q * c))

        return gradient(cost, self.z[g])

    @property
    def back(self):
        """Γ_o * (1 - tanh(c)²)."""
        return had(self.gate["o"], dtanh(self.c))


@erratum("coursera-8")
def coursera_8():
    cell = Cell()
    update, tilde = cell.gate["u"], cell.gate["c"]
    tail = had(update, cell.da, tilde, 1 - np.tanh(tilde) ** 2)
    return {
        "published": (lambda: cell.error("c"), lambda: had(cell.gate["o"] @ dtanh(cell.c), tail)),
        "typed": (lambda: cell.error("c"), lambda: plus(had(cell.dc, update), had(cell.back, tail))),
        "mend": (
            lambda: cell.error("c"),
            lambda: had(plus(had(cell.dc, update), had(cell.back, update, cell.da)), 1 - tilde**2),
        ),
    }


def _gate(name, first, second):
    """Equations 9 and 10: a sum of two terms times the derivative of a sigmoid."""
    cell = Cell()
    gate = cell.gate[name]
    slope = had(gate, 1 - gate)
    one, two = had(cell.dc, first(cell)), had(cell.back, second(cell), cell.da)
    right = had(cell.dc, second(cell))
    return {
        "published": (lambda: cell.error(name), lambda: plus(one, cell.gate["o"] @ dtanh(cell.c))),
        "typed": (lambda: cell.error(name), lambda: plus(one, had(two, slope))),
        "mend": (lambda: cell.error(name), lambda: had(plus(right, two), slope)),
    }


@erratum("coursera-9")
def coursera_9():
    return _gate("u", lambda cell: cell.gate["c"], lambda cell: cell.gate["c"])


@erratum("coursera-10")
def coursera_10():
    return _gate("f", lambda cell: cell.tilde_prev, lambda cell: cell.c_prev)
