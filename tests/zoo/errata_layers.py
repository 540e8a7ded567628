"""The other entries of the zoo in NumPy: dense layers, softmax, normalisation, attention, matrices."""

from itertools import pairwise

import numpy as np
from arithmetic import diag, draw, dtanh, family, gradient, had, jacobian, rng, sigmoid, softmax

ERRATA = {}


def erratum(name):
    def kept(function):
        ERRATA[name] = function
        return function

    return kept


# --- dense layers ------------------------------------------------------------------------------------------------


@erratum("clark-dW-chain")
def clark_chain():
    r = rng(1)
    x, W, U = draw(r, 1, 4), draw(r, 4, 3), draw(r, 3, 2)
    y = softmax(draw(r, 1, 2))

    def cost(z):
        return -np.sum(y * np.log(softmax(np.tanh(z) @ U)))

    left = gradient(lambda w: cost(x @ w), W)
    by_theta = softmax(np.tanh(x @ W) @ U) - y
    by_z, chain = gradient(cost, x @ W), family(lambda w: x @ w, W)
    return {
        "published": (lambda: left, lambda: np.einsum("za,zaij->ij", by_theta, chain)),
        "mend": (lambda: left, lambda: np.einsum("za,zaij->ij", by_z, chain)),
    }


@erratum("clark-sum-size")
def clark_sum():
    r = rng(2)
    n, m, i, j = 3, 4, 1, 2
    W, x, w = draw(r, n, m), draw(r, m, 1), draw(r, n, 1)
    delta = (w * np.cos(w * (W @ x))).T
    moves = family(lambda v: v @ x, W)[:, :, i, j]
    weight = gradient(lambda v: np.sum(np.sin(w * (v @ x))), W)[i, j]

    def over(size):
        return sum(delta[0, k] * moves[k, 0] for k in range(size))

    return {
        "published/3": (lambda: (delta @ moves).ravel()[0], lambda: over(m)),
        "published/4": (lambda: over(m), lambda: delta[0, i] * x[j, 0]),
        "mend/1": (lambda: weight, lambda: (delta @ moves).ravel()[0]),
        "mend/3": (lambda: weight, lambda: over(n)),
        "mend/4": (lambda: weight, lambda: delta[0, i] * x[j, 0]),
    }


@erratum("clark-outer")
def clark_outer():
    r = rng(3)
    W, x, w = draw(r, 3, 4), draw(r, 4, 1), draw(r, 3, 1)
    left = gradient(lambda v: np.sum(np.sin(w * (v @ x))), W)
    delta = (w * np.cos(w * (W @ x))).T
    return {"published": (lambda: left, lambda: delta.T @ x), "mend": (lambda: left, lambda: delta.T @ x.T)}


@erratum("cs231n-12")
def cs231n():
    r = rng(4)
    x, w, c = draw(r, 5, 4), draw(r, 4, 3), draw(r, 5, 3)
    left, outer = gradient(lambda z: np.sum(np.sin(c * (z @ w))), x), c * np.cos(c * (x @ w))
    return {"published": (lambda: left, lambda: outer @ x.T), "mend": (lambda: left, lambda: outer @ w.T)}


class Layers:
    """z_l = W_l a_{l-1} + b_l, a_l = tanh z_l with layers of different sizes; C = Σ sin(c a_L)."""

    def __init__(self, seed=5):
        r = rng(seed)
        sizes = (4, 3, 5, 2)
        self.W = [None, *(draw(r, b, a) for a, b in pairwise(sizes))]
        self.b = [None, *(draw(r, size, 1) for size in sizes[1:])]
        self.x, self.c = draw(r, sizes[0], 1), draw(r, sizes[-1], 1)
        self.a, self.z = self.run()

    def run(self, weights=None, nets=None, outs=None):
        a, z = [self.x], [None]
        for layer in range(1, 4):
            weight = (weights or {}).get(layer, self.W[layer])
            z.append((nets or {}).get(layer, weight @ a[-1] + self.b[layer]))
            a.append((outs or {}).get(layer, np.tanh(z[layer])))
        return a, z

    def cost(self, **held):
        return np.sum(np.sin(self.c * self.run(**held)[0][3]))

    def by_z(self, layer):
        return gradient(lambda v: self.cost(nets={layer: v}), self.z[layer])

    def by_a(self, layer):
        return gradient(lambda v: self.cost(outs={layer: v}), self.a[layer])

    def by_w(self, layer):
        return gradient(lambda v: self.cost(weights={layer: v}), self.W[layer])


@erratum("fengdu-21")
def fengdu():
    net, layer = Layers(), 2
    return {
        "published": (lambda: net.by_w(layer), lambda: net.by_z(layer) @ net.a[layer - 1]),
        "mend": (lambda: net.by_w(layer), lambda: net.by_z(layer) @ net.a[layer - 1].T),
    }


@erratum("pinard-layers")
def pinard_layers():
    net, layer = Layers(), 2
    step = jacobian(lambda v: net.run(nets={layer: v})[1][layer + 1], net.z[layer])
    back = net.by_z(layer + 1)
    return {
        "published/1": (lambda: net.by_z(layer), lambda: back @ step),
        "mend/1": (lambda: net.by_z(layer), lambda: step.T @ back),
        "mend/2": (lambda: step.T @ back, lambda: had(net.W[layer + 1].T @ back, dtanh(net.z[layer]))),
    }


@erratum("sciml-r")
def sciml_r():
    """The text's v_i is the activation below: v_i = a_{i-1}, r_i = z_i."""
    net, i = Layers(), 2
    return {
        "published": (lambda: net.by_z(i), lambda: had(net.by_a(i - 1), dtanh(net.z[i]))),
        "mend": (lambda: net.by_z(i), lambda: had(net.by_a(i), dtanh(net.z[i]))),
    }


@erratum("sciml-weights")
def sciml_weights():
    net, i = Layers(), 2
    return {
        "published": (lambda: net.by_w(i), lambda: net.by_a(i - 1) @ net.z[i - 1].T),
        "published.v": (lambda: net.by_a(i - 2), lambda: net.W[i].T @ net.by_a(i - 1)),
        "mend": (lambda: net.by_w(i), lambda: net.by_z(i) @ net.a[i - 1].T),
        "mend.v": (lambda: net.by_a(i - 1), lambda: net.W[i].T @ net.by_z(i)),
    }


@erratum("welch-4")
def welch():
    r = rng(6)
    a, W, y = draw(r, 1, 4), draw(r, 4, 1), 0.3
    z = (a @ W).item()
    left, factor = family(lambda w: a @ w, W).reshape(4, 1), -(y - sigmoid(z)) * sigmoid(z) * (1 - sigmoid(z))
    cost = gradient(lambda w: ((y - sigmoid(a @ w)) ** 2 / 2).sum(), W)
    return {"published": (lambda: left, lambda: factor * left), "mend": (lambda: cost, lambda: factor * left)}


# --- softmax and attention ---------------------------------------------------------------------------------------


@erratum("nd4j-440")
def nd4j():
    r = rng(7)
    x, c = draw(r, 4, 1), draw(r, 4, 1)
    y = softmax(x)
    left, outer = gradient(lambda z: np.sum(np.sin(c * softmax(z))), x), c * np.cos(c * y)
    return {
        "published": (lambda: left, lambda: y * (1 - y) * outer),
        "mend": (lambda: left, lambda: y * (outer - np.sum(y * outer))),
    }


@erratum("mlfs-71")
def mlfs():
    x = draw(rng(8), 4, 1)
    p = softmax(x)
    whole = jacobian(softmax, x)
    diagonal = np.diag(whole).reshape(4, 1)
    return {
        "published": (lambda: whole, lambda: x @ (p - 1)),
        "entries": (lambda: diagonal, lambda: x * (p - 1)),
        "mend": (lambda: diagonal, lambda: p * (1 - p)),
        "whole": (lambda: whole, lambda: diag(p) - p @ p.T),
    }


@erratum("gouba-qkt")
def gouba():
    r = rng(9)
    Q, K = draw(r, 4, 3), draw(r, 4, 3)
    return {"published": (lambda: Q @ K.T, lambda: K @ Q.T), "mend": (lambda: Q @ K.T, lambda: (K @ Q.T).T)}


@erratum("picotron-rows")
def picotron():
    r = rng(10)
    S, V, c = draw(r, 4, 3), draw(r, 3, 2), draw(r, 4, 2)

    def rows(s):
        e = np.exp(s)
        return e / e.sum(axis=1, keepdims=True)

    P = rows(S)
    out, dO = P @ V, c * np.cos(c * (P @ V))
    dP, dS = dO @ V.T, gradient(lambda s: np.sum(np.sin(c * (rows(s) @ V))), S)
    ones = np.ones((3, 1))
    return {
        "published": (lambda: dS, lambda: had(P, dP - had(dO, out) @ np.ones((2, 1)) @ ones.T)),
        "mend": (lambda: dS, lambda: had(P, dP - had(dP, P) @ ones @ ones.T)),
    }


@erratum("flash-attention-2")
def flash():
    r = rng(11)
    S, V = [draw(r, 4, 3) for _ in range(2)], [draw(r, 3, 2) for _ in range(2)]
    m, norm = [draw(r, 4, 1) for _ in range(2)], [np.exp(draw(r, 4, 1)) for _ in range(2)]
    first = np.exp(S[0] - m[0]) @ V[0]
    O1, rest = first / norm[0], np.exp(S[1] - m[1]) / norm[1] @ V[1]
    O2 = np.exp(m[0] - m[1]) * first / norm[1] + rest
    return {
        "published": (lambda: O2, lambda: np.linalg.inv(diag(norm[0] / norm[1])) @ O1 + rest),
        "mend": (lambda: O2, lambda: diag(np.exp(m[0] - m[1]) * norm[0] / norm[1]) @ O1 + rest),
    }


# --- normalisation and matrices ----------------------------------------------------------------------------------


@erratum("ln-plus")
def ln_plus():
    X, n = draw(rng(12), 4, 1), 4
    left = jacobian(lambda z: z - z.mean(), X)
    mean = np.full((n, n), 1 / n)
    return {
        "published/1": (lambda: left, lambda: np.eye(n) + mean),
        "published/2": (lambda: np.eye(n) + mean, lambda: np.eye(n) + 1 / n),
        "mend/1": (lambda: left, lambda: np.eye(n) - mean),
        "mend/2": (lambda: left, lambda: np.eye(n) - 1 / n),
    }


@erratum("xla-batchnorm-scale")
def xla():
    r = rng(13)
    x, c, eps, scale, shift = draw(r, 5, 1), draw(r, 5, 1), 0.1, np.array([[1.7]]), 0.4
    root = np.sqrt(x.var() + eps)
    y = scale * (x - x.mean()) / root + shift
    left = gradient(lambda g: np.sum(np.sin(c * (g * (x - x.mean()) / root + shift))), scale)
    outer = c * np.cos(c * y)
    return {
        "published": (lambda: left, lambda: np.array([[np.sum(outer * (x - x.mean()) * root)]])),
        "mend": (lambda: left, lambda: np.array([[np.sum(outer * (x - x.mean()) / root)]])),
    }


@erratum("caffe-batchnorm")
def caffe():
    r = rng(14)
    x, c, eps = draw(r, 5, 1), draw(r, 5, 1), 0.1

    def normal(z):
        centred = z - z.sum() / 5
        return centred / np.sqrt((centred**2).sum() / 5 + eps)

    y, root = normal(x), np.sqrt(x.var() + eps)
    dy = c * np.cos(c * y)
    left = gradient(lambda z: np.sum(np.sin(c * normal(z))), x)
    three = dy - dy.mean() - y * (dy * y).mean()
    return {
        "published": (lambda: left, lambda: three / root),
        "mend": (lambda: left, lambda: (three + (dy * y).mean() * y.mean()) / root),
    }


@erratum("d2l-factorisation")
def factorisation():
    r = rng(15)
    X, U, V, v = draw(r, 5, 4), draw(r, 5, 2), draw(r, 2, 4), draw(r, 2, 1)
    column = X[:, :1]
    left, whole = gradient(lambda w: ((column - U @ w) ** 2).sum(), v), gradient(lambda w: ((X - U @ w) ** 2).sum(), V)
    return {
        "published": (lambda: left, lambda: 2 * U.T @ (column - U @ v)),
        "mend": (lambda: left, lambda: -2 * U.T @ (column - U @ v)),
        "matrices": (lambda: whole, lambda: 2 * U.T @ (X - U @ V)),
        "matrices.mend": (lambda: whole, lambda: -2 * U.T @ (X - U @ V)),
    }


@erratum("vec-abc")
def vec_abc():
    r = rng(16)
    A, B, C = draw(r, 2, 3), draw(r, 3, 4), draw(r, 4, 5)

    def vec(matrix, order):
        return matrix.reshape(-1, 1, order=order)

    return {
        "row": (lambda: vec(A @ B @ C, "C"), lambda: np.kron(A, C.T) @ vec(B, "C")),
        "column": (lambda: vec(A @ B @ C, "F"), lambda: np.kron(A, C.T) @ vec(B, "F")),
        "mend": (lambda: vec(A @ B @ C, "F"), lambda: np.kron(C.T, A) @ vec(B, "F")),
    }


@erratum("hanbt-lstm-diag")
def hanbt_diag():
    r = rng(17)
    a, b, X = draw(r, 3, 1), draw(r, 3, 1), draw(r, 3, 4)
    return {
        "published": (lambda: diag(a) @ X, lambda: had(a, X)),
        "published.row": (lambda: a.T @ diag(b), lambda: had(a, b)),
        "mend": (lambda: diag(a) @ X, lambda: had(a @ np.ones((1, 4)), X)),
        "mend.row": (lambda: a.T @ diag(b), lambda: had(a.T, b.T)),
    }


@erratum("aiedu-17-3-14")
def aiedu_conv():
    r = rng(18)
    a, w, c, b = draw(r, 3, 3), draw(r, 2, 2), draw(r, 2, 2), 0.2

    def z(image):
        return np.array([[np.sum(w * image[i : i + 2, j : j + 2]) + b for j in range(2)] for i in range(2)])

    grad, outer = gradient(lambda image: np.sum(np.sin(c * z(image))), a), c * np.cos(c * z(a))
    moves = family(z, a)[:, :, 1, 1]
    return {
        "published": (lambda: grad[0, 0], lambda: np.sum(outer * moves)),
        "mend": (lambda: grad[1, 1], lambda: np.sum(outer * moves)),
        "weights": (lambda: grad[1, 1], lambda: np.sum(outer * w[::-1, ::-1])),
    }
