"""The recurrent network of the source derivation, its claims, right and wrong."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pytest
import sympy as sp

from derive.language import nodes
from derive.language.build import diag, kron, matadd, matmul, negate, sequence, transpose, vec
from derive.language.derivatives import Collect, FamilyDerivative, Gradient, Jacobian
from derive.language.functions import elementwise
from derive.model import Equation, Loss, Model, Time
from verify.claim import Claim, Index

n, m = sp.symbols("n m", integer=True, positive=True)
t, k, i = (sp.Symbol(name, integer=True) for name in "tki")
T = sp.Symbol("t", integer=True)
x, s, net, delta = sequence("x", m), sequence("s", n), sequence("Net", n), sequence("delta", n)
U, W, b = sp.MatrixSymbol("U", n, m), sp.MatrixSymbol("W", n, n), sp.MatrixSymbol("b", n, 1)
E = sp.MatrixSymbol("E", 1, 1)


@dataclass(frozen=True)
class Elman:
    """Net_t = U x_t + W s_{t-1} + b, s_t = f(Net_t), with a loss on the last or on every step."""

    kind: str = "opaque"
    every: bool = False

    @cached_property
    def f(self):
        return elementwise("f", self.kind)

    @cached_property
    def model(self):
        equations = [
            Equation(net[t], matadd(matmul(U, x[t]), matmul(W, s[t - 1]), b), t),
            Equation(s[t], self.f(net[t]), t),
            Equation(delta[t], transpose(Jacobian(E, net[t])), t),
        ]
        return Model(equations, loss=(Loss.every if self.every else Loss.last)(s), time=Time(1, t))

    def claim(self, left, right, **more):
        return Claim(left, right, self.model, **more)

    def slope(self, step):
        """diag f'(Net_step)."""
        return diag(self.f.prime(net[step]))

    @property
    def right(self):
        """The derivation's rows, by number."""
        I = sp.Identity(n)  # noqa: E741
        product = nodes.TimeProduct(matmul(W, self.slope(i)), i, k, t - 1, "descending")
        G = Jacobian(net[t - 1], vec(W))
        family = FamilyDerivative(s[t - 1], W)
        return {
            "2.2c": self.claim(Jacobian(net[t], net[t - 1]), matmul(W, self.slope(t - 1))),
            "2.3": self.claim(transpose(delta[t - 1]), matmul(transpose(delta[t]), W, self.slope(t - 1))),
            "2.4": self.claim(
                transpose(delta[k]), matmul(transpose(delta[t]), product), indices=(Index(k, sp.S.One, t),)
            ),
            "2.7": self.claim(
                Gradient(E, W),
                matadd(
                    Collect(matmul(transpose(delta[t]), FamilyDerivative(W, W), s[t - 1])),
                    Collect(matmul(transpose(delta[t]), W, family)),
                ),
            ),
            "2.8": self.sum_over_time(W, s[k - 1]),
            "2.9": self.sum_over_time(U, x[k]),
            "2.b": self.claim(Gradient(E, b), nodes.TimeSum(delta[k], k, sp.S.One, t)),
            "K2": self.claim(Jacobian(net[t], vec(W), "immediate"), kron(transpose(s[t - 1]), I)),
            "G_t": self.claim(
                Jacobian(net[t], vec(W)),
                matadd(kron(transpose(s[t - 1]), I), matmul(W, self.slope(t - 1), G)),
            ),
        }

    def sum_over_time(self, parameter, read, lo=sp.S.One, hi=t, term=None):
        """∂E/∂parameter = Σ_k δ_k readᵀ."""
        term = matmul(delta[k], transpose(read)) if term is None else term
        return self.claim(Gradient(E, parameter), nodes.TimeSum(term, k, lo, hi))

    @property
    def wrong(self):
        """One error each, by name."""
        d, back, D = transpose(delta[t]), transpose(delta[t - 1]), self.slope(t - 1)
        ascending = nodes.TimeProduct(matmul(W, self.slope(i)), i, k, t - 1, "ascending")
        identity, jacobian = sp.Identity(n), Jacobian(net[t], net[t - 1])
        return {
            "missing transpose": self.claim(jacobian, matmul(transpose(W), D)),
            "W and diag swapped": self.claim(jacobian, matmul(D, W)),
            "f for f'": self.claim(jacobian, matmul(W, diag(self.f(net[t - 1])))),
            "off by one in time": self.sum_over_time(W, s[k - 1], term=matmul(delta[k], transpose(s[k]))),
            "f' at the wrong step": self.claim(back, matmul(d, W, self.slope(t))),
            "missing time term": self.claim(Gradient(E, W), matmul(delta[t], transpose(s[t - 1]))),
            "missing oldest term": self.sum_over_time(W, s[k - 1], lo=sp.Integer(2)),
            "missing bias term": self.claim(Gradient(E, b), delta[t]),
            "sign": self.claim(back, negate(matmul(d, W, D))),
            "order of the product": self.claim(
                transpose(delta[k]), matmul(d, ascending), indices=(Index(k, sp.S.One, t),)
            ),
            "kron swapped": self.claim(Jacobian(net[t], vec(W), "immediate"), kron(identity, transpose(s[t - 1]))),
            "total for immediate": self.claim(Jacobian(net[t], vec(W)), kron(transpose(s[t - 1]), identity)),
        }

    def scaled(self, factor):
        """2.2c with its right side off by a factor."""
        return self.claim(Jacobian(net[t], net[t - 1]), matmul(factor, W, self.slope(t - 1)))


@pytest.fixture(scope="session")
def elman():
    """The class itself: `elman()` is the network with an opaque f and a loss on the last step."""
    return Elman
