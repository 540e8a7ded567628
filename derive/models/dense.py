"""The fully connected network: z^l_t = W^l a^{l-1}_t + b^l, a^l_t = f(z^l_t), a^0_t = x_t; t numbers the samples.

Rumelhart, Hinton and Williams (1986); the four equations of backpropagation are δ of the last layer, δ of the layer
below, and the gradients by b^l and W^l.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from derive.errors import BackproofError
from derive.language.build import matadd, matmul, sequence
from derive.language.functions import elementwise
from derive.model import Loss, Model
from derive.models.letters import STEPS, named, t, x
from derive.models.registry import System, register


@register("dense")
def dense(layers: int = 2, bias: bool = True) -> System:
    """`layers` layers with sizes n_1, n_2, … and an opaque loss on every sample's output."""
    if layers < 1:
        raise BackproofError(f"a network has one layer at least, not {layers}")
    equations: dict[Any, Any] = {}
    source = x[t]
    for layer in map(str, range(1, layers + 1)):
        size = sp.Symbol(f"n_{layer}", integer=True, positive=True)
        z, a = sequence(named("z", layer), size), sequence(named("a", layer), size)
        weighted = matmul(sp.MatrixSymbol(named("W", layer), size, source.shape[0]), source)
        equations[z[t]] = matadd(weighted, sp.MatrixSymbol(named("b", layer), size, 1)) if bias else weighted
        equations[a[t]] = elementwise("f")(z[t])
        source = a[t]
    return System("dense", f"fully connected network of {layers} layers", Model(equations, Loss.every(source), STEPS))
