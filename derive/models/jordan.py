"""The Jordan network: the recurrence runs through the output.

    Net_t = U x_t + W o_{t-1} + b     s_t = f(Net_t)     z_t = V s_t + c     o_t = g(z_t)

Jordan (1986).
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from derive.language.build import matadd, matmul
from derive.language.functions import elementwise
from derive.models.letters import U, V, b, c, n, net, o, p, s, t, x, z
from derive.models.readout import scope
from derive.models.registry import System, register


@register("jordan")
def jordan(loss: str = "every", bias: bool = True) -> System:
    """The Jordan network with an opaque loss on the last output, or on every one."""
    W = sp.MatrixSymbol("W", n, p)
    equations: dict[Any, Any] = {
        net[t]: matadd(matmul(U, x[t]), matmul(W, o[t - 1]), *([b] if bias else [])),
        s[t]: elementwise("f")(net[t]),
        z[t]: matadd(matmul(V, s[t]), *([c] if bias else [])),
        o[t]: elementwise("g")(z[t]),
    }
    return System(
        "jordan",
        f"Jordan network, loss on {'the last' if loss == 'last' else loss} output",
        scope(loss, o, readout=False).of(equations),
    )
