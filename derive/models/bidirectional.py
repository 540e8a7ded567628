"""Two recurrences over one input, one forwards and one backwards in time, and an output that reads both.

    Net^→_t = U x_t + W s_{t-1} + b      s_t = f(Net^→_t)
    Net^←_t = R x_t + Q r_{t+1} + a      r_t = f(Net^←_t)

Schuster and Paliwal (1997). The backward one starts from r_{T+1}.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from derive.language.build import matadd, matmul, sequence
from derive.language.functions import elementwise
from derive.models.letters import U, W, b, m, n, s, t, x
from derive.models.readout import scope
from derive.models.registry import System, register


@register("bidirectional")
def bidirectional(loss: str = "every", bias: bool = True) -> System:
    """The bidirectional network with an opaque loss on the output z_t = V s_t + P r_t, the last one or every one."""
    p = sp.Symbol("p", integer=True, positive=True)
    ahead, back = sequence("\\mathrm{Net}^{s}", n), sequence("\\mathrm{Net}^{r}", n)
    r, z = sequence("r", n), sequence("z", p)
    R, Q = sp.MatrixSymbol("R", n, m), sp.MatrixSymbol("Q", n, n)
    V, P = sp.MatrixSymbol("V", p, n), sp.MatrixSymbol("P", p, n)
    a, d = sp.MatrixSymbol("a", n, 1), sp.MatrixSymbol("d", p, 1)
    f = elementwise("f")
    equations: dict[Any, Any] = {
        ahead[t]: matadd(matmul(U, x[t]), matmul(W, s[t - 1]), *([b] if bias else [])),
        s[t]: f(ahead[t]),
        back[t]: matadd(matmul(R, x[t]), matmul(Q, r[t + 1]), *([a] if bias else [])),
        r[t]: f(back[t]),
        z[t]: matadd(matmul(V, s[t]), matmul(P, r[t]), *([d] if bias else [])),
    }
    model = scope(loss, z, readout=False).of(equations)
    return System(
        "bidirectional",
        f"bidirectional recurrent network, loss on {'the last' if loss == 'last' else loss} output",
        model,
    )
