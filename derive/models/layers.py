"""One layer above another, the upper one recurrent: the step from layer to layer at one time."""

from __future__ import annotations

import sympy as sp

from derive.derivation import jacobian
from derive.errors import BackproofError
from derive.language.build import matadd, matmul, sequence
from derive.language.functions import elementwise
from derive.model import Loss, Model
from derive.models.letters import STEPS, U, W, m, n, p, s, t
from derive.models.registry import Quantity, System, register
from derive.recurrence import delta, gradient


@register("layers")
def layers(loss: str = "last") -> System:
    """Net^l_t = U a^{l-1}_t + W s_{t-1} above the feed-forward a^{l-1}_t = g(Net^{l-1}_t), Net^{l-1}_t = R x_t."""
    if loss not in ("last", "every"):
        raise BackproofError(f"loss is one of last, every, not {loss!r}: layers has no outputs")
    upper, lower = sequence("\\mathrm{Net}^{l}", n), sequence("\\mathrm{Net}^{l-1}", m)
    below, x = sequence("a^{l-1}", m), sequence("x", p)
    matrix = sp.MatrixSymbol("R", m, p)
    f, g = elementwise("f"), elementwise("g")
    equations = {
        lower[t]: matmul(matrix, x[t]),
        below[t]: g(lower[t]),
        upper[t]: matadd(matmul(U, below[t]), matmul(W, s[t - 1])),
        s[t]: f(upper[t]),
    }
    model = Model(equations, loss=Loss.last(s) if loss == "last" else Loss.every(s), time=STEPS)
    names = {upper[t].name: "\\delta^{l}", lower[t].name: "\\delta^{l-1}"}
    asked = (
        Quantity("2.5", "Net", lambda model, o: jacobian(model, upper[t], lower[t], layout=o.layout)),
        Quantity("2.5d", "Net", lambda model, o: delta(model, lower[t], names=names)),
        Quantity("2.5t", "Net", lambda model, o: delta(model, upper[t - 1], names=names)),
        Quantity("2.5R", "R", lambda model, o: gradient(model, matrix, names=names)),
        Quantity("2.5U", "U", lambda model, o: gradient(model, U, names=names)),
        Quantity("2.5W", "W", lambda model, o: gradient(model, W, names=names)),
    )
    return System("layers", "a recurrent layer above a feed-forward one", model, asked)
