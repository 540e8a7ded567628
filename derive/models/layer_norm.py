"""The recurrence with layer normalisation of its pre-activation.

    a_t = U x_t + W s_{t-1}       v_t = (I - 1 1ᵀ/n) a_t       (the mean taken off)
    ρ_t = √(v_tᵀ v_t / n)         w_t = v_t / ρ_t              (the deviation divided out)
    Net_t = γ ⊙ w_t + β           s_t = f(Net_t)

Ba, Kiros and Hinton (2016).
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from derive.language.build import divide, hadamard, matadd, matmul, negate, ones, sequence, transpose
from derive.language.functions import elementwise
from derive.models.letters import U, W, n, net, s, t, x
from derive.models.readout import SCOPES, scope
from derive.models.registry import System, register


@register("layer norm")
def layer_norm(loss: str = "last") -> System:
    """The recurrence with layer normalisation, gain γ and bias β, and a loss on s."""
    a, v, w, deviation = sequence("a", n), sequence("v", n), sequence("w", n), sequence("\\rho", 1)
    gain, shift = sp.MatrixSymbol("\\gamma", n, 1), sp.MatrixSymbol("\\beta", n, 1)
    mean = matmul(sp.S.One / n, ones(n, 1), ones(1, n))
    variance = matmul(sp.S.One / n, transpose(v[t]), v[t])
    equations: dict[Any, Any] = {
        a[t]: matadd(matmul(U, x[t]), matmul(W, s[t - 1])),
        v[t]: matmul(matadd(sp.Identity(n), negate(mean)), a[t]),
        deviation[t]: elementwise("sqrt", "sqrt")(variance),
        w[t]: divide(v[t], deviation[t]),
        net[t]: matadd(hadamard(gain, w[t]), shift),
        s[t]: elementwise("f")(net[t]),
    }
    looked = scope(loss, s)
    title = f"recurrence with layer normalisation, loss on {SCOPES[loss]}"
    return System("layer norm", title, looked.of(equations), sum_one=looked.sum_one)
