"""Models with a sum over the steps in a forward equation: a convolution, and a readout of all states (sum or mean)."""

from typing import Any

import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardProduct

from derive.language.build import diag, matadd, matmul, ones, sequence, transpose
from derive.language.derivatives import Gradient
from derive.language.functions import elementwise, function
from derive.model import Equation, Model, Time
from tests.verify.induction.systems import E, Named, T, U, W, claim, delta, f, k, n, net, one, q, s, t, total, x
from verify.claim import Claim, Index

r, p = sp.symbols("r p", integer=True, positive=True)
X, Y, A = sp.MatrixSymbol("X", r, p), sp.MatrixSymbol("Y", n, q), sp.MatrixSymbol("A", n, q)
kernel, pick, bias = sequence("W", n, r), sequence("S", p, q), sp.MatrixSymbol("b", n, 1)
loss_of = function("L", {"A": (n, q)}, 1)
pooled, V, shift = sp.MatrixSymbol("q", r, 1), sp.MatrixSymbol("V", r, n), sp.MatrixSymbol("d", r, 1)
loss_of_pooled = function("L", {"q": r}, 1)
other, B = sp.MatrixSymbol("r", r, 1), sp.MatrixSymbol("B", r, n)
loss_of_two = function("L", {"q": r, "r": r, "s": n}, 1)
K, BEFORE = Index(k, one, T), Index(k, one, T - 1)
g = elementwise("f")


BODY, BIAS = matmul(kernel[k], X, pick[k]), matmul(bias, ones(1, q))


def convolution(body: Any = BODY, beside: Any = BIAS) -> Model:
    """Y = Σ_j W_j X S_j + b 1ᵀ, A = f(Y), E = L(A)."""
    equations = (Equation(Y, matadd(total(body, hi=T), beside)), Equation(A, g(Y)), Equation(E, loss_of(A)))
    return Model(equations, (), Time(1, T))


def readout(factor: Any = one, summed: Any = s[k], beside: Any = shift) -> Model:
    """s_t = f(U x_t + W s_{t-1}), q = c Σ_k V s_k + d, E = L(q)."""
    equations = (
        Equation(net[t], matadd(matmul(U, x[t]), matmul(W, s[t - 1])), t),
        Equation(s[t], f(net[t]), t),
        Equation(delta[t], Gradient(E, net[t]), t),
        Equation(pooled, matadd(matmul(factor, total(matmul(V, summed), hi=T)), beside)),
        Equation(E, loss_of_pooled(pooled)),
    )
    return Model(equations, (), Time(1, T))


def of_convolution(by_kernel: Any = k, transposed: bool = True, prime: bool = True, hi: Any = T) -> dict[str, Claim]:
    """The gradients of a convolution, right or with a slip."""
    model, dY = convolution(), Gradient(E, Y)
    turned = transpose if transposed else (lambda matrix: matrix)
    back = total(matmul(turned(kernel[k]), dY, transpose(pick[k])), hi=hi)
    found = {
        "Y": claim(dY, HadamardProduct(g.prime(Y) if prime else g(Y), Gradient(E, A)), model),
        "A": claim(Gradient(E, A), Gradient(loss_of(A), A), model),
        "b": claim(Gradient(E, bias), matmul(dY, ones(q, 1)), model),
        "W": claim(Gradient(E, kernel[by_kernel]), matmul(dY, transpose(pick[k]), transpose(X)), model, K),
    }
    return found | ({"X": claim(Gradient(E, X), back, model)} if transposed else {})


def of_readout(factor: Any, claimed: Any | None = None, step: Any = k, lo: Any = one) -> dict[str, Claim]:
    """The gradients of a readout of all states: right where `claimed` is the factor, step k and lo 1."""
    model = readout(factor)
    down = matmul(factor if claimed is None else claimed, transpose(V), Gradient(E, pooled))
    up = matmul(factor if claimed is None else claimed, Gradient(E, pooled))
    slope = diag(f.prime(net[step]))
    return {
        "δ": claim(delta[k], matmul(slope, matadd(matmul(transpose(W), delta[k + 1]), down)), model, BEFORE),
        "last δ": claim(delta[T], matmul(diag(f.prime(net[T])), down), model),
        "W": claim(Gradient(E, W), total(matmul(delta[k], transpose(s[k - 1])), lo=lo, hi=T), model),
        "U": claim(Gradient(E, U), total(matmul(delta[k], transpose(x[step])), hi=T), model),
        "V": claim(Gradient(E, V), matmul(up, total(transpose(s[step]), hi=T)), model),
        "V inside": claim(Gradient(E, V), total(matmul(up, transpose(s[step])), lo=lo, hi=T), model),
        "d": claim(Gradient(E, shift), Gradient(E, pooled), model),
        "s0": claim(Gradient(E, s[0]), matmul(transpose(W), delta[1]), model),
        "x": claim(Gradient(E, x[k]), matmul(transpose(U), delta[step]), model, K),
    }


def two_readouts(beside: Any = s[T]) -> Model:
    """q = Σ_k V s_k + d, r = (1/T) Σ_k B s_k, E = L(q, r, s_T)."""
    second = Equation(other, matmul(1 / T, total(matmul(B, s[k]), hi=T)))
    kept = readout().equations[:-1]
    return Model((*kept, second, Equation(E, loss_of_two(pooled, other, beside))), (), Time(1, T))


def of_two(claimed: Any = 1 / T, beside: Any = s[T], state: Any = T) -> dict[str, Claim]:
    """Gradients where the loss sees two sums and the last state; right where `claimed` is 1/T."""
    model, dq, dr = two_readouts(beside), Gradient(E, pooled), Gradient(E, other)
    down = matadd(matmul(transpose(V), dq), matmul(claimed, transpose(B), dr))
    back = matmul(diag(f.prime(net[k])), matadd(matmul(transpose(W), delta[k + 1]), down))
    return {
        "δ": claim(delta[k], back, model, BEFORE),
        "last δ": claim(delta[T], matmul(diag(f.prime(net[T])), Gradient(E, s[state])), model),
        "W": claim(Gradient(E, W), total(matmul(delta[k], transpose(s[k - 1])), hi=T), model),
        "V": claim(Gradient(E, V), total(matmul(dq, transpose(s[k])), hi=T), model),
        "B": claim(Gradient(E, B), total(matmul(claimed, dr, transpose(s[k])), hi=T), model),
    }


def _named(prefix: str, found: dict[str, Claim], *picked: str) -> list[Named]:
    return [Named(f"{prefix} {name}", found[name]) for name in picked or found]


def wrong() -> list[Named]:
    """Single slips in each of these."""
    model, dY, row = convolution(), Gradient(E, Y), transpose(pick[k])
    back = matmul(transpose(kernel[k]), dY, row)
    slips = {
        "X, W at k+1": claim(Gradient(E, X), total(matmul(transpose(kernel[k + 1]), dY, row), hi=T), model),
        "X, to K-1": claim(Gradient(E, X), total(back, hi=T - 1), model),
        "X, from 2": claim(Gradient(E, X), total(back, lo=one + 1, hi=T), model),
        "X, S at k-1": claim(
            Gradient(E, X), total(matmul(transpose(kernel[k]), dY, transpose(pick[k - 1])), hi=T), model
        ),
        "X, one term": claim(Gradient(E, X), back.xreplace({k: T}), model),
        "W at k+1": claim(Gradient(E, kernel[k + 1]), matmul(dY, row, transpose(X)), model, BEFORE),
        "W, by A": claim(Gradient(E, kernel[k]), matmul(Gradient(E, A), row, transpose(X)), model, K),
        "b, no f'": claim(Gradient(E, bias), matmul(Gradient(E, A), ones(q, 1)), model),
    }
    return [
        *_named("convolution, ", slips),
        *_named("convolution, no f', ", of_convolution(prime=False), "Y"),
        *_named("sum, f' a step later, ", of_readout(one, step=k + 1), "δ"),
        *_named("sum, a step earlier, ", of_readout(one, step=k - 1), "V", "V inside"),
        *_named("sum, from 2, ", of_readout(one, lo=one + 1), "W", "V inside"),
        *_named("sum, twice, ", of_readout(one, claimed=sp.Integer(2)), "δ", "last δ", "V"),
        *_named("mean as a sum, ", of_readout(1 / T, claimed=one), "δ", "last δ", "V", "V inside"),
        *_named("two, no mean, ", of_two(one), "δ", "B"),
        *_named("two, a state before, ", of_two(beside=s[T - 1]), "δ"),
        *_named("two, δ of a state before, ", of_two(state=T - 1), "last δ"),
        *_named("sum as a mean, ", of_readout(one, claimed=1 / T), "δ", "last δ", "V"),
    ]


TRUE = [
    *_named("convolution", of_convolution()),
    *_named("sum", of_readout(one)),
    *_named("mean", of_readout(1 / T)),
    *_named("two", of_two()),
]
WRONG = wrong()
