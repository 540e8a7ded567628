"""Convolution with channels, for every size, stride, padding and dilation, in one dimension or several.

    Y = Σ_{j=1}^{K} W_j X S_j + b 1ᵀ      A = f(Y)      E = L(A)

X is channels × positions, the positions of an image in one row; W_j is the kernel's channel matrix at offset j; the
selection S_j has a 1 where output position i reads input position m at offset j, which is all that size, stride,
padding, dilation and the number of dimensions decide. Nothing more is assumed of S_j than its shape, so what is proved
holds for each of them: the gradient by the input is the transposed convolution, that by the kernel a correlation.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from derive.language.build import matadd, matmul, ones, sequence
from derive.language.functions import elementwise, function
from derive.language.nodes import TimeSum
from derive.model import Model, Time
from derive.models.registry import System, register


@register("convolution")
def convolution(bias: bool = True) -> System:
    """One convolutional layer with an elementwise activation and an opaque loss."""
    channels, filters, positions, outputs = sp.symbols("m n p q", integer=True, positive=True)
    j, last = sp.Symbol("j", integer=True), sp.Symbol("K", integer=True)
    X, Y, A = (
        sp.MatrixSymbol(*one) for one in (("X", channels, positions), ("Y", filters, outputs), ("A", filters, outputs))
    )
    W, S = sequence("W", filters, channels), sequence("S", positions, outputs)
    b = matmul(sp.MatrixSymbol("b", filters, 1), ones(1, outputs))
    L = function("L", {"A": (filters, outputs)}, 1)
    total = TimeSum(matmul(W[j], X, S[j]), j, sp.S.One, last)
    equations: dict[Any, Any] = {
        Y: matadd(total, b) if bias else total,
        A: elementwise("f")(Y),
        sp.MatrixSymbol("E", 1, 1): L(A),
    }
    return System("convolution", "convolution with channels", Model(equations, time=Time(1, last)), fixed=(S.name,))
