"""The residual recurrence: Net_t = U x_t + W s_{t-1} + b, s_t = s_{t-1} + f(Net_t); one step adds to the state."""

from __future__ import annotations

from typing import Any

from derive.language.build import matadd, matmul
from derive.language.functions import elementwise
from derive.models.letters import U, W, b, net, s, t, x
from derive.models.readout import SCOPES, scope
from derive.models.registry import System, register


@register("residual")
def residual(loss: str = "last", bias: bool = True) -> System:
    """The residual recurrence with a loss on s."""
    equations: dict[Any, Any] = {
        net[t]: matadd(matmul(U, x[t]), matmul(W, s[t - 1]), *([b] if bias else [])),
        s[t]: matadd(s[t - 1], elementwise("f")(net[t])),
    }
    looked = scope(loss, s)
    title = f"residual recurrence, loss on {SCOPES[loss]}"
    return System("residual", title, looked.of(equations), sum_one=looked.sum_one)
