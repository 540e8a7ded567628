"""The fully connected network of two layers; t numbers the samples of a batch."""

from __future__ import annotations

import sympy as sp

from derive.derivation import jacobian
from derive.language.build import matadd, matmul, sequence
from derive.language.functions import elementwise
from derive.model import Loss, Model
from derive.models.letters import STEPS, m, n, p, t, x
from derive.models.registry import Quantity, System, register
from derive.recurrence import delta, gradient


@register("dense")
def dense() -> System:
    """z^1_t = W^1 x_t + b^1, a^1_t = f(z^1_t), z^2_t = W^2 a^1_t + b^2, a^2_t = g(z^2_t); E of every a^2_t."""
    z1, a1, z2, a2 = sequence("z^{1}", n), sequence("a^{1}", n), sequence("z^{2}", p), sequence("a^{2}", p)
    W1, W2 = sp.MatrixSymbol("W^{1}", n, m), sp.MatrixSymbol("W^{2}", p, n)
    b1, b2 = sp.MatrixSymbol("b^{1}", n, 1), sp.MatrixSymbol("b^{2}", p, 1)
    equations = {
        z1[t]: matadd(matmul(W1, x[t]), b1),
        a1[t]: elementwise("f")(z1[t]),
        z2[t]: matadd(matmul(W2, a1[t]), b2),
        a2[t]: elementwise("g")(z2[t]),
    }
    asked = (
        Quantity("D1", "z1", lambda model, o: jacobian(model, z2[t], z1[t], layout=o.layout)),
        Quantity("D2", "z2", lambda model, o: delta(model, z2[t])),
        Quantity("D3", "z1", lambda model, o: delta(model, z1[t])),
        Quantity("D4", "W1", lambda model, o: gradient(model, W1)),
        Quantity("D5", "W2", lambda model, o: gradient(model, W2)),
        Quantity("D6", "b1", lambda model, o: gradient(model, b1)),
        Quantity("D7", "b2", lambda model, o: gradient(model, b2)),
    )
    return System("dense", "fully connected network", Model(equations, loss=Loss.every(a2), time=STEPS), asked)
