"""Stacks of recurrent layers: layer l reads the state of layer l-1 at the same step, and its own of the step before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from derive.errors import BackproofError
from derive.language.build import matadd, matmul, sequence
from derive.language.functions import elementwise
from derive.models.gru import gru_cell
from derive.models.letters import n, named, t, x
from derive.models.lstm import lstm_cell
from derive.models.readout import SCOPES, scope
from derive.models.registry import System, register


@register("stacked")
def stacked(loss: str = "last", bias: bool = True, layers: int = 2, cell: str = "rnn") -> System:
    """`layers` cells (rnn, lstm or gru) on each other, with a loss on the uppermost state."""
    if cell not in CELLS:
        raise BackproofError(f"cell is one of {', '.join(CELLS)}, not {cell!r}")
    if layers < 1:
        raise BackproofError(f"a stack has one layer at least, not {layers}")
    equations: dict[Any, Any] = {}
    source = x[t]
    for layer in range(1, layers + 1):
        equations |= CELLS[cell](source, str(layer), bias)
        state = sequence(named("s" if cell == "rnn" else "h", str(layer)), n)
        source = state[t]
    looked = scope(loss, state)
    title = f"stack of {layers} {cell.upper()} layers, loss on {SCOPES[loss]}"
    return System("stacked", title, looked.of(equations), sum_one=looked.sum_one)


def rnn_cell(source: Any, layer: str = "", bias: bool = True) -> dict[Any, Any]:
    """Net_t = U x_t + W s_{t-1} + b, s_t = f(Net_t); `layer` is the mark that the names carry."""
    net, s = sequence(named("\\mathrm{Net}", layer), n), sequence(named("s", layer), n)
    U, W = (sp.MatrixSymbol(named(name, layer), n, size) for name, size in (("U", source.shape[0]), ("W", n)))
    b = [sp.MatrixSymbol(named("b", layer), n, 1)] if bias else []
    return {net[t]: matadd(matmul(U, source), matmul(W, s[t - 1]), *b), s[t]: elementwise("f")(net[t])}


CELLS: dict[str, Callable[..., dict[Any, Any]]] = {"rnn": rnn_cell, "lstm": lstm_cell, "gru": gru_cell}
