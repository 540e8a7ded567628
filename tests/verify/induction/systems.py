"""The models of the induction tests: one recurrent layer, and a stack of two, with biases and every scope of loss."""

from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardProduct

from derive.language.build import diag, kron, matadd, matmul, sequence, transpose, vec
from derive.language.derivatives import Collect, FamilyDerivative, Gradient, Jacobian
from derive.language.functions import elementwise, function
from derive.language.nodes import TimeProduct, TimeSum
from derive.model import Equation, Loss, Model, Time
from verify.claim import Claim, Index

n, m, q = sp.symbols("n m q", integer=True, positive=True)
t, k, i, tau, T = sp.symbols("t k i tau T", integer=True)
E = sp.MatrixSymbol("E", 1, 1)
U, W, b = sp.MatrixSymbol("U", n, m), sp.MatrixSymbol("W", n, n), sp.MatrixSymbol("b", n, 1)
A, B, c = sp.MatrixSymbol("A", m, q), sp.MatrixSymbol("B", m, m), sp.MatrixSymbol("c", m, 1)
f, g = elementwise("f"), elementwise("g")
x, s, net = sequence("x", m), sequence("s", n), sequence("Net", n)
delta, e, G, H = sequence("delta", n), sequence("e", n), sequence("G", n, (n, n)), sequence("H", n, (m, n))
data, a, low, lam = sequence("d", q), sequence("a", m), sequence("Low", m), sequence("lambda", m)
Q = sequence("Q", m, (m, m))
P = sequence("P", n, (m, m))
y, w = sequence("y", m), sp.MatrixSymbol("w", q, 1)
F = function("F", {"x": m, "h": n, "w": q}, n)
R = function("R", {"s": n, "y": m}, 1)
V, o, x_own = sp.MatrixSymbol("V", q, n), sequence("o", q), sequence("b", n)
own, z, loss_of = sequence("e", 1), sequence("z", 1), function("e", {"o": q, "z": 1}, 1)
one = sp.Integer(1)


def layer(loss: str, bias: bool = False) -> Model:
    """Net_t = U x_t + W s_{t-1} (+ b), s_t = f(Net_t), with δ, e, G and H as names for derivatives."""
    made = Loss.last(s) if loss == "last" else Loss.every(s)
    pre = matadd(matmul(U, x[t]), matmul(W, s[t - 1]), *([b] if bias else []))
    equations = (
        Equation(net[t], pre, t),
        Equation(s[t], f(net[t]), t),
        Equation(delta[t], Gradient(E, net[t]), t),
        Equation(e[t], Gradient(E, s[t], "immediate"), t),
        Equation(G[t], Jacobian(net[t], vec(W)), t),
        Equation(H[t], Jacobian(net[t], vec(U)), t),
    )
    return Model(equations, made, Time(1, t))


def stack(loss: str, bias: bool = False) -> Model:
    """Low_t = A d_t + B a_{t-1}, a_t = g(Low_t), Net_t = U a_t + W s_{t-1}, s_t = f(Net_t)."""
    made = Loss.last(s) if loss == "last" else Loss.every(s)
    lower = matadd(matmul(A, data[t]), matmul(B, a[t - 1]), *([c] if bias else []))
    upper = matadd(matmul(U, a[t]), matmul(W, s[t - 1]), *([b] if bias else []))
    equations = (
        Equation(low[t], lower, t),
        Equation(a[t], g(low[t]), t),
        Equation(net[t], upper, t),
        Equation(s[t], f(net[t]), t),
        Equation(delta[t], Gradient(E, net[t]), t),
        Equation(lam[t], Gradient(E, low[t]), t),
        Equation(e[t], Gradient(E, s[t], "immediate"), t),
        Equation(G[t], Jacobian(net[t], vec(W)), t),
        Equation(Q[t], Jacobian(low[t], vec(B)), t),
        Equation(P[t], Jacobian(net[t], vec(B)), t),
    )
    return Model(equations, made, Time(1, t))


def product(body: Any, lo: Any, hi: Any, direction: str = "descending") -> TimeProduct:
    """Π_{i=lo}^{hi} body."""
    return TimeProduct(body, i, lo, hi, direction)


def total(body: Any, index: Any = k, lo: Any = one, hi: Any = t) -> TimeSum:
    """Σ_{k=1}^{t} body."""
    return TimeSum(body, index, lo, hi)


def wd(step: Any = i, matrix: Any = W) -> Any:
    """W diag f'(Net_i)."""
    return matmul(matrix, diag(f.prime(net[step])))


def bd(step: Any = i) -> Any:
    """B diag g'(Low_i)."""
    return matmul(B, diag(g.prime(low[step])))


def ud(step: Any) -> Any:
    """U diag g'(Low_k): from the lower layer to the upper one."""
    return matmul(U, diag(g.prime(low[step])))


def claim(left: Any, right: Any, model: Model, *indices: Index) -> Claim:
    """left = right in the model."""
    return Claim(left, right, model, indices=indices)


K = Index(k, one, t)
ROW = transpose(delta[k])
LAST = transpose(delta[t])
IMMEDIATE = kron(transpose(s[k - 1]), sp.Identity(n))


@dataclass(frozen=True)
class Named:
    """A claim and the name that a test shows."""

    name: str
    claim: Claim


def true_of_layer(loss: str, bias: bool) -> list[Named]:
    """What holds for one recurrent layer."""
    model = layer(loss, bias)
    found = {
        "2.8": claim(Gradient(E, W), total(matmul(delta[k], transpose(s[k - 1]))), model),
        "2.9": claim(Gradient(E, U), total(matmul(delta[k], transpose(x[k]))), model),
        "s0": claim(Gradient(E, s[0]), matmul(transpose(W), delta[1]), model),
        "2.2d": claim(Jacobian(net[t], net[k]), product(wd(), k, t - 1), model, K),
        "G": claim(G[t], total(matmul(product(wd(), k, t - 1), IMMEDIATE)), model),
        "H": claim(H[t], total(matmul(product(wd(), k, t - 1), kron(transpose(x[k]), sp.Identity(n)))), model),
        "G.node": claim(Jacobian(net[t], vec(W)), total(matmul(product(wd(), k, t - 1), IMMEDIATE)), model),
    }
    if bias:
        found["2.9b"] = claim(Gradient(E, b), total(delta[k]), model)
        found["G.b"] = claim(Jacobian(net[t], b), total(product(wd(), k, t - 1)), model)
    if loss == "last":
        found["2.4"] = claim(ROW, matmul(LAST, product(wd(), k, t - 1)), model, K)
        found["2.4.column"] = claim(
            delta[k],
            matmul(product(matmul(diag(f.prime(net[i])), transpose(W)), k, t - 1, "ascending"), delta[t]),
            model,
            K,
        )
    every = matmul(transpose(e[tau]), diag(f.prime(net[tau])), product(wd(), k, tau - 1))
    found["every"] = claim(ROW, total(every, tau, k), model, K)
    return [Named(f"{loss}{' bias' if bias else ''} {name}", made) for name, made in found.items()]


def true_of_stack(loss: str, bias: bool) -> list[Named]:
    """What holds for two recurrent layers, one above the other."""
    model = stack(loss, bias)
    local = matmul(transpose(e[tau]), diag(f.prime(net[tau])), product(wd(), k, tau - 1))
    below = matmul(transpose(delta[tau]), ud(tau), product(bd(), k, tau - 1))
    lower = kron(transpose(a[k - 1]), sp.Identity(m))
    found = {
        "W": claim(Gradient(E, W), total(matmul(delta[k], transpose(s[k - 1]))), model),
        "U": claim(Gradient(E, U), total(matmul(delta[k], transpose(a[k]))), model),
        "B": claim(Gradient(E, B), total(matmul(lam[k], transpose(a[k - 1]))), model),
        "A": claim(Gradient(E, A), total(matmul(lam[k], transpose(data[k]))), model),
        "a0": claim(Gradient(E, a[0]), matmul(transpose(B), lam[1]), model),
        "delta": claim(ROW, total(local, tau, k), model, K),
        "lambda": claim(transpose(lam[k]), total(below, tau, k), model, K),
        "G": claim(G[t], total(matmul(product(wd(), k, t - 1), IMMEDIATE)), model),
        "Q": claim(Q[t], total(matmul(product(bd(), k, t - 1), lower)), model),
        "P": claim(P[t], total(matmul(product(wd(), k, t - 1), ud(k), Q[k])), model),
    }
    if bias:
        found["c"] = claim(Gradient(E, c), total(lam[k]), model)
        found["b"] = claim(Gradient(E, b), total(delta[k]), model)
    if loss == "last":
        found["2.4"] = claim(ROW, matmul(LAST, product(wd(), k, t - 1)), model, K)
    return [Named(f"stack {loss}{' bias' if bias else ''} {name}", made) for name, made in found.items()]


def unknown(mean: bool = False) -> Model:
    """s_t = F(x_t, s_{t-1}, w), E = Σ_k ℓ(s_k, y_k) or its mean: an unknown recurrence with an unknown loss."""
    losses = total(R(s[k], y[k]))
    made = matmul(1 / T, losses.func(losses.body, k, one, T)) if mean else losses.func(losses.body, k, one, T)
    return Model((Equation(s[t], F(x[t], s[t - 1], w), t), Equation(E, made)), (), Time(1, T))


def by(slot: str, step: Any) -> Jacobian:
    """∂F/∂(slot) at a step."""
    return Jacobian(F(x[step], s[step - 1], w), F.slot(slot))


def path(lo: Any, hi: Any) -> TimeProduct:
    """∂_hF at the steps from hi down to lo."""
    return product(by("h", i), lo, hi)


def true_of_unknown() -> list[Named]:
    """What holds for an unknown recurrence: Dive into Deep Learning, §9.7, and its kin."""
    plain, mean = unknown(), unknown(mean=True)
    through = matmul(Jacobian(R(s[k], y[k]), R.slot("s")), Jacobian(s[k], w))
    parts = matmul(path(k + 1, t), by("w", k))
    row = transpose(Gradient(E, w))
    step = Index(t, one, T)
    backwards = matadd(
        matmul(transpose(Gradient(E, s[t])), by("h", t)),
        matmul(1 / T, Jacobian(R(s[t - 1], y[t - 1]), R.slot("s"))),
    )
    found = {
        "loss": claim(row, total(through, hi=T), plain),
        "mean loss": claim(row, matmul(1 / T, total(through, hi=T)), mean),
        "mean δ": claim(transpose(Gradient(E, s[t - 1])), backwards, mean, Index(t, one + 1, T)),
        "sum": claim(Jacobian(s[t], w), total(parts), plain, step),
        "sum, last apart": claim(Jacobian(s[t], w), matadd(by("w", t), total(parts, hi=t - 1)), plain, step),
        "sum, first apart": claim(
            Jacobian(s[t], w), matadd(matmul(path(2, t), by("w", 1)), total(parts, lo=one + 1)), plain, step
        ),
    }
    return [Named(f"unknown {name}", made) for name, made in found.items()]


def wrong_of_unknown() -> list[Named]:
    """Single slips in each of these."""
    plain, mean = unknown(), unknown(mean=True)
    through = matmul(Jacobian(R(s[k], y[k]), R.slot("s")), Jacobian(s[k], w))
    parts, short = matmul(path(k + 1, t), by("w", k)), matmul(path(k + 1, t - 1), by("w", k))
    row, step = transpose(Gradient(E, w)), Index(t, one, T)
    found = {
        "no mean": claim(row, total(through, hi=T), mean),
        "mean of the sum": claim(row, matmul(1 / T, total(through, hi=T)), plain),
        "mean twice": claim(row, matmul(1 / T**2, total(through, hi=T)), mean),
        "to T-1": claim(row, matmul(1 / T, total(through, hi=T - 1)), mean),
        "immediate": claim(row, total(matmul(Jacobian(R(s[k], y[k]), R.slot("s")), by("w", k)), hi=T), plain),
        "one step short": claim(Jacobian(s[t], w), matadd(by("w", t), total(short, hi=t - 1)), plain, step),
        "last twice": claim(Jacobian(s[t], w), matadd(by("w", t), total(parts)), plain, step),
        "a step left out": claim(
            Jacobian(s[t], w), matadd(by("w", t), total(parts, hi=t - 2)), plain, Index(t, one + 1, T)
        ),
        "mean δ, no mean": claim(
            transpose(Gradient(E, s[t - 1])),
            matadd(matmul(transpose(Gradient(E, s[t])), by("h", t)), Jacobian(R(s[t - 1], y[t - 1]), R.slot("s"))),
            mean,
            Index(t, one + 1, T),
        ),
    }
    return [Named(f"unknown {name}", made) for name, made in found.items()]


def own_losses(reads: Any = s[t - 1], output: Any = s[t]) -> Model:
    """s_t = f(U x_t + W s_{t-1}), o_t = V s_t, e_t = ℓ(o_t, z_t): a loss of its own at every step."""
    state = f(matadd(matmul(U, x[t]), matmul(W, reads)))
    made = (Equation(s[t], state, t), Equation(o[t], matmul(V, output), t), Equation(own[t], loss_of(o[t], z[t]), t))
    return Model(made, (), Time(1, T))


def own_sum(inner: Any, lo: Any = one, hi: Any = t, model: Model | None = None, end: str = "immediate") -> Claim:
    """∂e_t/∂W = Σ_k ∂e_t/∂o_t ∂o_t/∂s_t (…) ∂⁺s_k/∂W."""
    outer = matmul(transpose(Gradient(own[t], o[t])), Jacobian(o[t], s[t]))
    term = Collect(matmul(outer, inner, FamilyDerivative(s[k], W, end)))
    return claim(Gradient(own[t], W), total(term, lo=lo, hi=hi), model or own_losses(), Index(t, one, T))


def steps_back(direction: str = "descending", lo: Any = k + 1) -> TimeProduct:
    """Π_{i=k+1}^{t} ∂s_i/∂s_{i-1}."""
    return product(Jacobian(s[i], s[i - 1]), lo, t, direction)


def outputs(step: Any = k + 1) -> Claim:
    """r_k = W_k v_k + b_k, v_{k+1} = f(r_k): ∂E/∂r_k = ∂E/∂v_{k+1} ⊙ f'(r_k), the outputs one step later."""
    weights, v, r = sequence("W", n, (n,)), sequence("v", n), sequence("r", n)
    made = (
        Equation(r[t], matadd(matmul(weights[t], v[t]), x_own[t]), t),
        Equation(v[t], f(r[t - 1]), t, sp.Integer(2), T + 1),
    )
    model = Model(made, Loss.last(v), Time(1, T))
    right = HadamardProduct(Gradient(E, v[step]), f.prime(r[k]))
    return claim(Gradient(E, r[k]), right, model, Index(k, one, T - 1))


def true_of_own_losses() -> list[Named]:
    """What holds for losses of every step's own, and for layers whose output is a step later."""
    found = {
        "product": own_sum(steps_back()),
        "product from 0": own_sum(steps_back(), lo=sp.Integer(0)),
        "Jacobian": own_sum(Jacobian(s[t], s[k])),
        "outputs": outputs(),
    }
    return [Named(f"own {name}", made) for name, made in found.items()]


def wrong_of_own_losses() -> list[Named]:
    """Single slips in each of these."""
    found = {
        "total": own_sum(Jacobian(s[t], s[k]), end="total"),
        "to t-1": own_sum(Jacobian(s[t], s[k]), hi=t - 1),
        "from 2": own_sum(steps_back(), lo=sp.Integer(2)),
        "from k": own_sum(steps_back(lo=k)),
        "ascending": own_sum(steps_back("ascending")),
        "two steps back": own_sum(steps_back(), model=own_losses(matadd(s[t - 1], s[t - 2]))),
        "beside": own_sum(Jacobian(s[t], s[k]), model=own_losses(output=matadd(s[t], s[t - 1]))),
        "outputs, same step": outputs(k),
    }
    return [Named(f"own {name}", made) for name, made in found.items()]


TRUE = (
    true_of_own_losses()
    + true_of_unknown()
    + [
        named
        for make in (true_of_layer, true_of_stack)
        for loss in ("last", "every")
        for bias in (False, True)
        for named in make(loss, bias)
    ]
)


def wrong() -> list[Named]:
    """Single slips in each of the closed forms."""
    last, every = layer("last"), layer("every")
    dw = matmul(diag(f.prime(net[i])), W)
    chain = product(wd(), k, t - 1)

    def back(body: Any, lo: Any = k, hi: Any = t - 1, direction: str = "descending") -> Claim:
        return claim(ROW, matmul(LAST, product(body, lo, hi, direction)), last, K)

    def closed(factor: Any = chain, term: Any = IMMEDIATE, lo: Any = one, hi: Any = t) -> Claim:
        return claim(G[t], total(matmul(factor, term), k, lo, hi), last)

    half = matmul(transpose(e[tau]), diag(f.prime(net[tau])), product(wd(), k, tau - 1))
    found = {
        "2.4 D W": back(dw),
        "2.4 Wᵀ": back(wd(matrix=transpose(W))),
        "2.4 ascending": back(wd(), direction="ascending"),
        "2.4 to t": back(wd(), hi=t),
        "2.4 from k+1": back(wd(), lo=k + 1),
        "2.4 no f'": back(W),
        "2.4 f' at i-1": back(wd(i - 1)),
        "2.4 f": back(matmul(W, diag(f(net[i])))),
        "G to t-1": closed(hi=t - 1),
        "G from 2": closed(lo=sp.Integer(2)),
        "G s_k": closed(term=kron(transpose(s[k]), sp.Identity(n))),
        "G I⊗s": closed(term=kron(sp.Identity(n), transpose(s[k - 1]))),
        "G D W": closed(product(dw, k, t - 1)),
        "G from t": closed(product(wd(), t, t - 1)),
        "G ascending": closed(product(wd(), k, t - 1, "ascending")),
        "G to t": closed(product(wd(), k, t)),
        "2.8 transposed": claim(Gradient(E, W), total(matmul(s[k - 1], transpose(delta[k]))), last),
        "2.8 s_k": claim(Gradient(E, W), total(matmul(delta[k], transpose(s[k]))), every),
        "2.8 from 2": claim(Gradient(E, W), total(matmul(delta[k], transpose(s[k - 1])), lo=sp.Integer(2)), every),
        "2.8 to t-1": claim(Gradient(E, W), total(matmul(delta[k], transpose(s[k - 1])), hi=t - 1), every),
        "2.8 e": claim(Gradient(E, W), total(matmul(e[k], transpose(s[k - 1]))), every),
        "2.9 x_{k-1}": claim(Gradient(E, U), total(matmul(delta[k], transpose(x[k - 1]))), last),
        "recurrence immediate": claim(G[t], kron(transpose(s[t - 1]), sp.Identity(n)), last),
        "recurrence no first": claim(G[t], matmul(wd(t - 1), G[t - 1]), last),
        "every, no local": claim(ROW, matmul(LAST, chain), every, K),
        "every, from k+1": claim(ROW, total(half, tau, k + 1), every, K),
        "every, to t-1": claim(ROW, total(half, tau, k, t - 1), every, K),
        "every, e_k": claim(ROW, total(half.xreplace({e[tau]: e[k]}), tau, k), every, K),
        "s0 of δ_2": claim(Gradient(E, s[0]), matmul(transpose(W), delta[2]), every),
        "s0 no Wᵀ": claim(Gradient(E, s[0]), matmul(W, delta[1]), every),
        "s1": claim(Gradient(E, s[1]), matmul(transpose(W), delta[2]), every),
        "2.2d Wᵀ": claim(Jacobian(net[t], net[k]), product(wd(matrix=transpose(W)), k, t - 1), last, K),
        "2.2d from k+1": claim(Jacobian(net[t], net[k]), product(wd(), k + 1, t - 1), last, K),
    }
    return [Named(name, made) for name, made in found.items()]


WRONG = wrong() + wrong_of_unknown() + wrong_of_own_losses()
