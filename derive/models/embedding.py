"""The recurrent network over symbols: x_t = A w_t, the column of A that the one-hot w_t picks, then Net_t and s_t."""

from __future__ import annotations

from typing import Any

import sympy as sp

from derive.language.build import matadd, matmul, sequence
from derive.language.functions import elementwise
from derive.models.letters import U, W, b, m, net, s, t, x
from derive.models.readout import SCOPES, scope
from derive.models.registry import System, register


@register("embedding")
def embedding(loss: str = "last", bias: bool = True) -> System:
    """The recurrent network that reads embedded symbols out of v of them, with a loss on s."""
    v = sp.Symbol("v", integer=True, positive=True)
    table, symbol = sp.MatrixSymbol("A", m, v), sequence("w", v)
    equations: dict[Any, Any] = {
        x[t]: matmul(table, symbol[t]),
        net[t]: matadd(matmul(U, x[t]), matmul(W, s[t - 1]), *([b] if bias else [])),
        s[t]: elementwise("f")(net[t]),
    }
    looked = scope(loss, s)
    title = f"recurrent network over embedded symbols, loss on {SCOPES[loss]}"
    return System("embedding", title, looked.of(equations), sum_one=looked.sum_one, fixed=(symbol.name,))
