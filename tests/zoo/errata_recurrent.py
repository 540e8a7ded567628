"""The plain recurrent entries of the zoo in NumPy: for each equation its two sides, as functions, at one instance."""

import numpy as np
from arithmetic import diag, draw, dtanh, family, gradient, had, jacobian, plus, rng, sigmoid, softmax

T, N, M, Q = 4, 3, 2, 5
ERRATA = {}


def erratum(name):
    def kept(function):
        ERRATA[name] = function
        return function

    return kept


class Rnn:
    """h_t = f(U x_t + W h_{t-1} + b), o_t = V h_t + c, softmax and cross-entropy at every step."""

    def __init__(self, f=np.tanh, seed=1):
        r = rng(seed)
        self.f = f
        self.x = [None, *(draw(r, M, 1) for _ in range(T))]
        self.h0 = draw(r, N, 1)
        self.U, self.W, self.V = draw(r, N, M), draw(r, N, N), draw(r, Q, N)
        self.b, self.c = draw(r, N, 1), draw(r, Q, 1)
        self.y = [None, *(softmax(draw(r, Q, 1)) for _ in range(T))]
        self.h, self.net = self.run()
        self.o = [None, *(self.V @ h + self.c for h in self.h[1:])]
        self.p = [None, *(softmax(o) for o in self.o[1:])]

    def run(self, W=None, U=None, held=None, nets=None, copies=None):
        """States and pre-activations; `held` sets states, `nets` pre-activations, `copies` W at single steps."""
        W, U = self.W if W is None else W, self.U if U is None else U
        h, net = [(held or {}).get(0, self.h0)], [None]
        for t in range(1, T + 1):
            weight = (copies or {}).get(t, W)
            net.append((nets or {}).get(t, U @ self.x[t] + weight @ h[-1] + self.b))
            h.append((held or {}).get(t, self.f(net[t])))
        return h, net

    def loss_at(self, h, t, c=None):
        return -np.sum(self.y[t] * np.log(softmax(self.V @ h[t] + (self.c if c is None else c))))

    def loss(self, h, c=None):
        return sum(self.loss_at(h, t, c) for t in range(1, T + 1))

    def d_state(self, t, of=None):
        """∂L/∂h_t, total, as a column."""
        of = of or self.loss
        return gradient(lambda z: of(self.run(held={t: z})[0]), self.h[t])

    def step(self, t):
        """∂h_t/∂h_{t-1}."""
        return jacobian(lambda z: self.run(held={t - 1: z})[0][t], self.h[t - 1])

    def immediate(self, t):
        """∂⁺h_t/∂W as a family n×1×n×n."""
        return family(lambda w: self.run(copies={t: w})[0][t], self.W)

    def total(self, t):
        """∂h_t/∂W as a family n×1×n×n."""
        return family(lambda w: self.run(W=w)[0][t], self.W)


@erratum("pinard-delta")
def pinard_delta():
    net, t = Rnn(), 2
    back, slope = net.d_state(t + 1), diag(1 - net.h[t + 1] ** 2)
    out = net.V.T @ (net.p[t] - net.y[t])
    return {
        "published": (lambda: net.d_state(t), lambda: plus(out, net.W.T @ back @ slope)),
        "mend": (lambda: net.d_state(t), lambda: plus(out, net.W.T @ slope @ back)),
    }


@erratum("dlb-10-21")
def dlb():
    sides = pinard_delta()
    return {"published/2": sides["published"], "mend/2": sides["mend"]}


@erratum("pinard-sum")
def pinard_sum():
    net, t = Rnn(), 2
    left = gradient(lambda c: net.loss(net.h, c), net.c)
    steps = range(1, T + 1)
    return {
        "published": (lambda: left, lambda: sum(net.p[k] for k in steps) - net.y[t]),
        "mend": (lambda: left, lambda: sum(net.p[k] - net.y[k] for k in steps)),
    }


@erratum("d2l-pr1878")
def d2l_pr1878():
    net, t = Rnn(), 3
    through = np.einsum("ab,bzij->azij", net.step(t), net.total(t - 1))
    return {
        "published/1": (lambda: net.total(t), lambda: net.immediate(t)),
        "published/2": (lambda: net.immediate(t), lambda: through),
        "mend": (lambda: net.total(t), lambda: net.immediate(t) + through),
    }


@erratum("d2l-old-output-weight")
def d2l_old_output_weight():
    """h_t = tanh(A x_t + B h_{t-1} + C w), o_t = D h_t + F w, l = ½|o - y|²: one parameter w of its own size."""
    r, p = rng(2), 4
    A, B, C = draw(r, N, M), draw(r, N, N), draw(r, N, p)
    D, F, w, h0 = draw(r, Q, N), draw(r, Q, p), draw(r, p, 1), draw(r, N, 1)
    x, y = [draw(r, M, 1) for _ in range(T)], [draw(r, Q, 1) for _ in range(T)]

    def states(w):
        h = [h0]
        for step in x:
            h.append(np.tanh(A @ step + B @ h[-1] + C @ w))
        return h[1:]

    def loss(w):
        return sum(np.sum((D @ h + F @ w - target) ** 2) / 2 for h, target in zip(states(w), y, strict=True))

    left = gradient(loss, w).T
    outer = [(D @ h + F @ w - target).T for h, target in zip(states(w), y, strict=True)]
    moves = [jacobian(lambda z, t=t: states(z)[t], w) for t in range(T)]
    return {
        "published": (lambda: left, lambda: sum(e @ F @ d for e, d in zip(outer, moves, strict=True))),
        "mend": (lambda: left, lambda: sum(e @ (F + D @ d) for e, d in zip(outer, moves, strict=True))),
    }


@erratum("d2l-old-product")
def d2l_old_product():
    net, t = Rnn(), 3

    def closed(first):
        found = 0
        for i in range(1, t + 1):
            product = np.eye(N)
            for j in range(i + first, t + 1):
                product = net.step(j) @ product
            found = found + np.einsum("ab,bzij->azij", product, net.immediate(i))
        return found

    return {
        "recursion": d2l_pr1878()["mend"],
        "published": (lambda: net.total(t), lambda: closed(0)),
        "mend": (lambda: net.total(t), lambda: closed(1)),
    }


@erratum("copy-net-index-wji")
def copy_net_index():
    net, t, i, j = Rnn(), 2, 0, 1
    left = jacobian(lambda z: net.run(held={t - 1: z})[1][t], net.h[t - 1])[i, j]
    return {"published": (lambda: left, lambda: net.W[j, i]), "mend": (lambda: left, lambda: net.W[i, j])}


@erratum("hanbt-missing-prime")
def hanbt_missing_prime():
    net, t = Rnn(), 3
    left = jacobian(lambda z: net.run(nets={t - 1: z})[1][t], net.net[t - 1])[0, N - 1]
    at, weight = net.net[t - 1][N - 1, 0], net.W[0, N - 1]
    return {
        "published": (lambda: left, lambda: weight * np.tanh(at)),
        "mend": (lambda: left, lambda: weight * dtanh(at)),
    }


@erratum("hanbt-code-recursion")
def hanbt_code():
    net, k = Rnn(sigmoid), 2

    def delta(t):
        return gradient(lambda z: net.loss_at(net.run(nets={t: z})[0], T), net.net[t]).T

    def slope(t):
        return diag(net.h[t] * (1 - net.h[t]))

    return {
        "published": (lambda: delta(k), lambda: delta(k + 1) @ net.W @ diag(net.h[k + 1])),
        "half": (lambda: delta(k), lambda: delta(k + 1) @ net.W @ slope(k + 1)),
        "mend": (lambda: delta(k), lambda: delta(k + 1) @ net.W @ slope(k)),
    }


@erratum("pascanu-transposed")
def pascanu():
    r = rng(3)
    W, U, x, s = draw(r, N, N), draw(r, N, M), draw(r, M, 1), draw(r, N, 1)
    left, slope = jacobian(lambda z: W @ np.tanh(z) + U @ x, s), diag(dtanh(s))
    return {
        "published": (lambda: left, lambda: W.T @ slope),
        "denominator": (lambda: left.T, lambda: W.T @ slope),
        "mend": (lambda: left, lambda: W @ slope),
        "mend.denominator": (lambda: left.T, lambda: slope @ W.T),
    }


@erratum("cs224n-bound-step")
def bound_step():
    """A weight of one number, its pre-activation at 0 where the sigmoid is steepest, its earlier state far off."""
    w, before = 2.0, 3.0
    exact = w * sigmoid(0.0) * (1 - sigmoid(0.0))
    claimed = w * sigmoid(before) * (1 - sigmoid(before))
    return {
        "published/1": (lambda: np.array(exact <= claimed, float), lambda: np.array(1.0)),
        "mend": (lambda: np.array(exact <= exact + 1e-15, float), lambda: np.array(1.0)),
    }


@erratum("nndl-notes-srnn")
def srnn():
    r = rng(4)
    U, W, below = draw(r, N, N), draw(r, N, M), [draw(r, M, 1) for _ in range(2)]
    before, b = draw(r, N, 1), draw(r, N, 1)
    state = np.tanh(U @ before + W @ below[1] + b)
    return {
        "published": (lambda: state, lambda: np.tanh(U @ before + W @ below[0] + b)),
        "mend": (lambda: state, lambda: np.tanh(U @ before + W @ below[1] + b)),
    }


@erratum("aiedu-19-3-8")
def aiedu_mean():
    net = Rnn(sigmoid)
    left = net.d_state(T, of=lambda h: net.loss(h) / T).T
    error = (net.p[T] - net.y[T]).T
    return {"published": (lambda: left, lambda: error @ net.V), "mend": (lambda: left, lambda: error @ net.V / T)}


@erratum("aiedu-19-3-16")
def aiedu_product():
    net, k = Rnn(sigmoid), 1

    def error(t):
        return gradient(lambda z: net.loss_at(net.run(nets={t: z})[0], T), net.net[t]).T

    def factors(join):
        return [join(net.W, (net.h[t] * (1 - net.h[t])).T) for t in reversed(range(k, T))]

    def product(join):
        found = error(T)
        for factor in factors(join):
            found = found @ factor
        return found

    return {
        "published": (lambda: error(k), lambda: product(lambda w, s: had(w, s))),
        "mend": (lambda: error(k), lambda: product(lambda w, s: w @ diag(s))),
    }


@erratum("aiedu-20-1-16")
def aiedu_errors():
    r = rng(5)
    h, V, b, later = draw(r, 1, N), draw(r, N, Q), draw(r, 1, Q), draw(r, N, 1)
    y = softmax(draw(r, 1, Q))

    def cost(z):
        return -np.sum(y * np.log(softmax(z @ V + b)))

    def rest(z):
        return np.sum(np.sin(z @ later))

    whole = gradient(lambda z: cost(z) + rest(z), h)
    out, back = gradient(cost, h), gradient(rest, h)
    error = softmax(h @ V + b) - y
    return {
        "published/1": (lambda: whole, lambda: out + back),
        "published/2": (lambda: out + back, lambda: error @ V),
        "mend/2": (lambda: out + back, lambda: plus(error @ V.T, back)),
    }


def _sum_over_steps(net, t, last, descending=True):
    """Σ_k ∂L_t/∂o_t ∂o_t/∂h_t (Π ∂h_j/∂h_{j-1}) (last factor of step k)."""
    found = 0
    for k in range(1, t + 1):
        row = (net.p[t] - net.y[t]).T @ net.V
        steps = range(k + 1, t + 1)
        for j in reversed(steps) if descending else steps:
            row = row @ net.step(j)
        found = found + np.einsum("a,azij->ij", row.ravel(), last(k))
    return found


@erratum("q500-dL-dW")
def q500():
    net, t = Rnn(), 4
    left = gradient(lambda w: net.loss_at(net.run(W=w)[0], t), net.W)
    return {
        "mend": (lambda: left, lambda: _sum_over_steps(net, t, net.immediate)),
        "total": (lambda: left, lambda: _sum_over_steps(net, t, net.total)),
        "ascending": (lambda: left, lambda: _sum_over_steps(net, t, net.immediate, descending=False)),
    }


@erratum("cs224n-dEt-dW")
def cs224n_sum():
    sides = q500()
    return {"mend": sides["mend"], "plus": sides["mend"], "total": sides["total"]}
