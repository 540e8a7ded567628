"""The other documents in NumPy: layers, cells, softmax, identities, attention, at random instances."""

import numpy as np
from arithmetic import diag, draw, dtanh, family, gradient, had, jacobian, rng, softmax
from confirmed_recurrent import chain, document, several
from errata_gated import Cell
from errata_layers import Layers


def pinard_layers():
    net, layer = Layers(), 2
    step = jacobian(lambda v: net.run(nets={layer: v})[1][layer + 1], net.z[layer])
    back, slope = net.by_z(layer + 1), dtanh(net.z[layer])
    top = had(net.by_a(3), dtanh(net.z[3]))
    right = had(net.W[layer + 1].T @ back, slope)
    by_b = gradient(lambda v: net.cost(nets={layer: net.z[layer] + v}), np.zeros_like(net.b[layer]))
    return {
        **chain("L", net.by_z(3), net.by_z(3), top),
        **chain("l", net.by_z(layer), step.T @ back, right),
        **chain("l.old", net.by_z(layer), lambda: back @ step, right),
        **chain("W", net.by_w(layer), net.by_z(layer) @ net.a[layer - 1].T),
        **chain("b", by_b, net.by_z(layer)),
    }


@document("nielsen")
def nielsen():
    net, layer, j, k = Layers(), 2, 1, 0
    own, back = net.by_z(layer), net.by_z(layer + 1)
    weight, slope = net.W[layer + 1], dtanh(net.z[layer])
    step = jacobian(lambda v: net.run(nets={layer: v})[1][layer + 1], net.z[layer])
    top = had(net.by_a(3), dtanh(net.z[3]))
    by_b = gradient(lambda v: net.cost(nets={layer: net.z[layer] + v}), np.zeros_like(net.b[layer]))
    row = (weight @ net.a[layer] + net.b[layer + 1])[k, 0]
    return {
        **chain("BP1", net.by_z(3)[j, 0], top[j, 0]),
        **chain("BP1a", net.by_z(3), top),
        **chain("BP2", own, had(weight.T @ back, slope)),
        **chain("BP3", by_b[j, 0], own[j, 0]),
        **chain("BP4", net.by_w(layer)[j, k], net.a[layer - 1][k, 0] * own[j, 0]),
        **chain("42", own[j, 0], own[j, 0], step[:, j] @ back[:, 0], step[:, j] @ back[:, 0]),
        **chain("43", net.z[layer + 1][k, 0], row, row),
        **chain("44", step[k, j], weight[k, j] * slope[j, 0]),
        **chain("45", own[j, 0], weight[:, j] @ back[:, 0] * slope[j, 0]),
        **chain("33", own, diag(slope) @ weight.T @ back),
        **chain("retold", own, lambda: had(weight @ back, slope)),
    }


@document("clark-gradients")
def clark():
    r = rng(30)
    n, m, i, j = 3, 4, 1, 2
    W, x, w = draw(r, n, m), draw(r, m, 1), draw(r, n, 1)
    delta = (w * np.cos(w * (W @ x))).T
    by_w = gradient(lambda v: np.sum(np.sin(w * (v @ x))), W)
    by_x = jacobian(lambda v: W @ v, x)
    moves = family(lambda v: v @ x, W)[:, :, i, j]
    whole = (delta @ moves)[0, 0]
    V, y = draw(r, m, n), draw(r, 1, m)
    back = (w * np.cos(w * (y @ V).T)).T
    rows = gradient(lambda v: np.sum(np.sin(w * (y @ v).T)), V)
    slope = jacobian(np.tanh, x)
    return {
        **chain("1.entries", (W @ x)[i, 0], W[i] @ x[:, 0]),
        **chain("1.derivative", *[by_x[i, j]] * 4, W[i, j]),
        **chain("1", by_x, W),
        **chain("5.entries", by_w[i, j], whole, whole),
        **chain("5.result", by_w[i, j], delta[0, i] * x[j, 0]),
        **chain("5", by_w, lambda: delta.T @ x),
        **chain("5.mended", by_w, delta.T @ x.T),
        **chain("2", jacobian(lambda v: v @ V, y), V.T),
        **chain("6", rows, y.T @ back),
        **chain("4.entries", slope[i, i], slope[i, i], slope[i, i], dtanh(x)[i, 0]),
        **chain("4", slope, diag(dtanh(x))),
        **_clark_network(r),
    }


def _clark_network(r):
    """ReLU is tanh here: an activation whose derivative exists everywhere."""
    x, W, U, b1, b2 = draw(r, 1, 5), draw(r, 5, 3), draw(r, 3, 2), draw(r, 1, 3), draw(r, 1, 2)
    y = softmax(draw(r, 1, 2))
    z = x @ W + b1
    h = np.tanh(z)

    def top(theta):
        return -np.sum(y * np.log(softmax(theta)))

    def cost(z):
        return top(np.tanh(z) @ U + b2)

    d1, d2 = gradient(top, h @ U + b2), gradient(cost, z)
    error = softmax(h @ U + b2) - y
    by_h, by_z = jacobian(lambda v: v @ U, h), jacobian(np.tanh, z)
    by_u = gradient(lambda u: top(h @ u + b2), U)
    joined = np.einsum("za,zaij->ij", d1, family(lambda u: h @ u, U))
    by_b1 = gradient(lambda b: cost(x @ W + b), b1)
    return {
        **chain("delta.1", d1, d1, error),
        **chain("delta.2", d2, d2, d1 @ by_h @ by_z, d1 @ by_h @ by_z, d1 @ U.T @ by_z, had(d1 @ U.T, dtanh(z))),
        **several(
            "gradients",
            (by_u, joined),
            (by_u, h.T @ d1),
            (gradient(lambda b: top(h @ U + b), b2), d1 @ np.eye(2)),
            (d1 @ np.eye(2), d1),
            (gradient(lambda w: cost(x @ w + b1), W), x.T @ d2),
            (by_b1, d2),
        ),
        **chain("b1", by_b1, lambda: d1 @ np.eye(3)),
    }


@document("deeplearning-ai-cells")
def cells():
    r = rng(31)
    Wax, Waa, b = draw(r, 3, 2), draw(r, 3, 3), draw(r, 3, 1)
    x, a, p = draw(r, 2, 1), draw(r, 3, 1), draw(r, 3, 1)
    u = Wax @ x + Waa @ a + b
    da, back = p * np.cos(p * np.tanh(u)), gradient(lambda v: np.sum(np.sin(p * np.tanh(v))), u)

    def cost(w=Wax, v=Waa, c=b, y=x, s=a):
        return np.sum(np.sin(p * np.tanh(w @ y + v @ s + c)))

    return {
        **chain("a", np.tanh(u), np.tanh(Wax @ x + Waa @ a + b)),
        **chain("tanh", gradient(lambda v: np.tanh(v).sum(), u), 1 - np.tanh(u) ** 2),
        **chain("0", back, had(da, 1 - np.tanh(u) ** 2)),
        **chain("1", gradient(lambda w: cost(w=w), Wax), back @ x.T),
        **chain("2", gradient(lambda v: cost(v=v), Waa), back @ a.T),
        **chain("3.one", gradient(lambda c: cost(c=c), b), back),
        **chain("4", gradient(lambda y: cost(y=y), x), Wax.T @ back),
        **chain("5", gradient(lambda s: cost(s=s), a), Waa.T @ back),
        **_lstm_cell(),
    }


def _lstm_cell():
    cell = Cell()
    r = rng(32)
    below = draw(r, 5, 1)  # three of a_prev above two of x
    weights = {g: draw(r, 3, 5) for g in "fuoc"}
    shift = {g: cell.z[g] - weights[g] @ below for g in "fuoc"}
    error = {g: cell.error(g) for g in "fuoc"}

    def cost(nets, c_prev=None):
        kept, cell.c_prev = cell.c_prev, cell.c_prev if c_prev is None else c_prev
        try:
            c, a = cell.run(nets)
        finally:
            cell.c_prev = kept
        return np.sum(np.sin(cell.p * a)) + np.sum(np.cos(cell.q * c))

    by_w = gradient(lambda w: cost({**cell.z, "f": w @ below + shift["f"]}), weights["f"])
    by_below = gradient(lambda v: cost({g: weights[g] @ v + shift[g] for g in "fuoc"}), below)
    by_cell = gradient(lambda c: cost(cell.z, c), cell.c_prev)
    forget = cell.gate["f"]
    tail = had(cell.back, forget, cell.da)
    return {
        **chain("7", error["o"], had(cell.da, np.tanh(cell.c), cell.gate["o"], 1 - cell.gate["o"])),
        **chain("11", by_w, lambda: had(error["f"], below.T)),
        **chain("11.matmul", by_w, error["f"] @ below.T),
        **chain("15", by_below[:3], sum(weights[g].T @ error[g] for g in "fuco")),
        **chain("16", by_cell, lambda: cell.dc @ forget + tail),
        **chain("16.mended", by_cell, had(cell.dc, forget) + tail),
    }


@document("softmax-cross-entropy")
def softmax_and_loss():
    r = rng(33)
    a, i, j = draw(r, 4, 1), 1, 2
    s, jac = softmax(a), jacobian(softmax, a)
    label, f = 2, draw(r, 5, 1)
    p = softmax(f)
    by_f = gradient(lambda v: -np.log(softmax(v)[label, 0]), f)
    hit = np.eye(5)[:, [label]]
    target, loose = softmax(draw(r, 4, 1)), draw(r, 4, 1)

    def xent(y):
        return gradient(lambda v: -np.sum(y * np.log(softmax(v))), a)

    return {
        **chain("entries", s, np.exp(a) / np.exp(a).sum()),
        **chain("one", s.sum(), 1.0),
        **chain("spelled", jac, jacobian(lambda v: np.exp(v) / np.exp(v).sum(), a)),
        **chain("cases", np.array([jac[i, i], jac[i, j]]), np.array([s[i, 0] * (1 - s[i, 0]), -s[j, 0] * s[i, 0]])),
        **chain("delta", jac, s * (np.eye(4) - s.T)),
        **chain("matrix", jac, diag(s) - s @ s.T),
        **chain("p", p, np.exp(f) / np.exp(f).sum()),
        **chain("gradient", by_f, p - hit),
        **chain("sign", by_f, hit - p),
        **chain("outer", gradient(lambda v: -np.sum(target * np.log(v)), s), -target / s),
        **chain("xent.gradient", xent(target), s - target),
        **chain("xent.unassumed", xent(loose), s - loose),
    }


@document("matrix-cookbook")
def cookbook():
    r = rng(34)
    a, b, c, x, X = draw(r, 3, 1), draw(r, 4, 1), draw(r, 4, 1), draw(r, 3, 1), draw(r, 3, 4)
    A, B, S = draw(r, 3, 3), draw(r, 3, 3), draw(r, 3, 3)
    W, L, s = A + A.T, draw(r, 3, 4), draw(r, 4, 1)
    rest = x - L @ s

    def by(f, value):
        return gradient(lambda v: np.trace(np.atleast_2d(f(v))), value)

    p, q, P, C, D = draw(r, 5, 1), draw(r, 2, 1), draw(r, 5, 3), draw(r, 5, 2), draw(r, 2, 3)
    wide, tall, inner = draw(r, 2, 3), draw(r, 5, 2), draw(r, 3, 5)
    flat, thin = draw(r, 2, 5), draw(r, 3, 2)
    square = by(lambda v: v.T @ B @ v, x)
    cubic = by(lambda v: A @ v @ B @ v, S)
    return {
        **chain("69", by(lambda v: v.T @ a, x), by(lambda v: a.T @ v, x), a),
        **chain("70", by(lambda v: a.T @ v @ b, X), a @ b.T),
        **chain("71", by(lambda v: b.T @ v.T @ a, X), a @ b.T),
        **chain("71.exchanged", by(lambda v: b.T @ v.T @ a, X), lambda: b @ a.T),
        **chain("77", by(lambda v: b.T @ v.T @ v @ c, X), X @ (b @ c.T + c @ b.T)),
        **chain(
            "78",
            by(lambda v: (P @ v + p).T @ C @ (D @ v + q), x),
            P.T @ C @ (D @ x + q) + D.T @ C.T @ (P @ x + p),
        ),
        **chain("81", square, (B + B.T) @ x),
        **chain("81.symmetric", square, 2 * B @ x),
        **chain("84", by(lambda v: (x - L @ v).T @ W @ (x - L @ v), s), -2 * L.T @ W @ rest),
        **chain("86", by(lambda v: (v - L @ s).T @ W @ (v - L @ s), x), 2 * W @ rest),
        **chain("88", by(lambda v: (x - v @ s).T @ W @ (x - v @ s), L), -2 * W @ rest @ s.T),
        **chain("101", by(lambda v: wide @ v @ tall, inner), wide.T @ tall.T),
        **chain("102", by(lambda v: flat @ v.T @ thin, inner), thin @ flat),
        **chain("115", by(lambda v: v.T @ v, inner), 2 * inner),
        **chain("99", by(lambda v: v, S), np.eye(3)),
        **chain("100", by(lambda v: v @ A, S), A.T),
        **chain("103", by(lambda v: v.T @ A, S), A),
        **chain("106", by(lambda v: v @ v, S), 2 * S.T),
        **chain("107", by(lambda v: v @ v @ B, S), (S @ B + B @ S).T),
        **chain("108", by(lambda v: v.T @ B @ v, S), B @ S + B.T @ S),
        **chain("112", cubic, A.T @ S.T @ B.T + B.T @ S.T @ A.T),
        **chain("112.forgotten", cubic, A @ S @ B + B @ S @ A),
        **chain("49", gradient(np.linalg.det, S), np.linalg.det(S) * np.linalg.inv(S).T),
        **_kronecker(r),
    }


def _kronecker(r):
    A, X, B, C = draw(r, 2, 3), draw(r, 3, 4), draw(r, 4, 5), draw(r, 2, 3)

    def vec(matrix):
        return matrix.reshape(-1, 1, order="F")

    return {
        **chain("520", vec(A @ X @ B), np.kron(B.T, A) @ vec(X)),
        **chain("521", np.trace(A.T @ C), (vec(A).T @ vec(C))[0, 0]),
        **chain("522", vec(A + C), vec(A) + vec(C)),
        **chain("510", np.kron(A, B).T, np.kron(A.T, B.T)),
    }


@document("attention")
def attention():
    r = rng(35)
    n, m, d, e, i, j = 4, 3, 2, 5, 1, 2
    Q, K, V, w = draw(r, n, d), draw(r, m, d), draw(r, m, e), draw(r, n, e)

    def rows(s):
        return np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)

    def cost(P, values=V):
        return np.sum(np.sin(w * (P @ values)))

    def scored(q, k):
        return cost(rows(q @ k.T / np.sqrt(d)))

    S = Q @ K.T / np.sqrt(d)
    P = rows(S)
    out = P @ V
    dO, dP, dS = w * np.cos(w * out), gradient(cost, P), gradient(lambda s: cost(rows(s)), S)
    dQ, dK = gradient(lambda q: scored(q, K), Q), gradient(lambda k: scored(Q, k), K)
    D = had(P, dP).sum(axis=1, keepdims=True)
    p, g = P[[i]], dP[[i]]
    return {
        **chain("dV", gradient(lambda v: cost(P, v), V), P.T @ dO),
        **chain("dP", dP, dO @ V.T),
        **chain("row", dS[[i]], lambda: (diag(p) - np.broadcast_to(p @ p.T, (m, m))) @ g),
        **chain("row.mended", dS[[i]], g @ (diag(p) - p.T @ p)),
        **chain("dS", dS[i, j], P[i, j] * (dP[i, j] - D[i, 0])),
        **chain("rowsum", D, had(dO, out) @ np.ones((e, 1))),
        **chain("dQ", dQ, dS @ K / np.sqrt(d)),
        **chain("dK", dK, dS.T @ Q / np.sqrt(d)),
        **chain("dQ.scale", dQ, dS @ K),
        **chain("dK.transpose", dK, lambda: dS @ Q / np.sqrt(d)),
    }
