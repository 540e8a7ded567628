"""An unknown function of several arguments made concrete: F = B f(A_1 a_1 + A_2 a_2 + … + c) + D_1 a_1 + D_2 a_2 + ….

The matrices and c are drawn, f is a smooth function of its own, entry by entry over more hidden entries than F has:
F couples all entries of all arguments, is no polynomial, and no first or second derivative vanishes identically.
Its derivatives are those of this formula in whatever numbers it is evaluated.
"""

from __future__ import annotations

from typing import Any

from derive.language.functions import OPAQUE
from verify.oracles.arithmetic import Array, Number, apply, linear, shape_of


def value(name: str, draws: Any, arguments: list[Number], rows: int, cols: int) -> Number:
    """F at the arguments' values, (…, rows, cols)."""
    outputs, hidden = rows * cols, rows * cols + 1
    inner: Number = draws.tensor((f"c of {name}", ()), hidden, 1)
    straight: Number = None
    for place, argument in enumerate(arguments, start=1):
        column = linear(_flattened, argument)
        entries = shape_of(column)[-2]
        inner = inner + draws.tensor((f"A{place} of {name}", ()), hidden, entries) @ column
        term = draws.tensor((f"D{place} of {name}", ()), outputs, entries) @ column
        straight = term if straight is None else straight + term
    curved = draws.tensor((f"B of {name}", ()), outputs, hidden) @ apply(
        draws.function(f"f of {name}", OPAQUE), 0, inner
    )
    return linear(lambda a: a.reshape(*a.shape[:-2], rows, cols), curved + straight)


def _flattened(a: Array) -> Array:
    return a.reshape(*a.shape[:-2], a.shape[-2] * a.shape[-1], 1)
