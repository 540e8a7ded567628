"""The long short-term memory: gates i, f, o, a candidate g, a cell c_t and a state h_t.

    Net^a_t = U_a x_t + W_a h_{t-1} + b_a   for a in i, f, o, g
    c_t = f_t ⊙ c_{t-1} + i_t ⊙ g_t         h_t = o_t ⊙ tanh(c_t)

Hochreiter and Schmidhuber (1997) with the forget gate of Gers, Schmidhuber and Cummins (2000). Peepholes (Gers and
Schmidhuber 2000) add p_i ⊙ c_{t-1}, p_f ⊙ c_{t-1} and p_o ⊙ c_t; coupled gates have f_t = 1 - i_t.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from derive.language.build import hadamard, matadd, matmul, negate, ones, sequence
from derive.language.functions import elementwise
from derive.models.letters import n, named, t, x
from derive.models.readout import SCOPES, scope
from derive.models.registry import System, register

SIGMOID, TANH = elementwise("\\sigma", "sigmoid"), elementwise("\\tanh", "tanh")


@register("lstm")
def lstm(loss: str = "last", bias: bool = True, peepholes: bool = False, coupled: bool = False) -> System:
    """The LSTM with a loss on h; `peepholes` lets the gates see the cell, `coupled` ties f_t to 1 - i_t."""
    looked = scope(loss, sequence("h", n))
    equations = lstm_cell(x[t], bias=bias, peepholes=peepholes, coupled=coupled)
    return System("lstm", f"LSTM, loss on {SCOPES[loss]}", looked.of(equations), sum_one=looked.sum_one)


def lstm_cell(
    source: Any, layer: str = "", bias: bool = True, peepholes: bool = False, coupled: bool = False
) -> dict[Any, Any]:
    """The equations of one cell that reads `source` at step t; `layer` is the mark that its names carry."""
    h, c = sequence(named("h", layer), n), sequence(named("c", layer), n)
    gate = {a: sequence(named(a, layer), n) for a in "ifog"}
    net = {a: sequence(named("\\mathrm{Net}", a, layer), n) for a in "ifog"}
    seen = {"i": c[t - 1], "f": c[t - 1], "o": c[t]} if peepholes else {}
    equations: dict[Any, Any] = {}

    def add_gate(a: str) -> None:
        equations[net[a][t]] = affine(a, layer, source, h[t - 1], bias, seen.get(a))
        equations[gate[a][t]] = (TANH if a == "g" else SIGMOID)(net[a][t])

    for a in "ig" if coupled else "ifg":
        add_gate(a)
    if coupled:
        equations[gate["f"][t]] = matadd(ones(n, 1), negate(gate["i"][t]))
    equations[c[t]] = matadd(hadamard(gate["f"][t], c[t - 1]), hadamard(gate["i"][t], gate["g"][t]))
    add_gate("o")  # which sees c_t through its peephole
    equations[h[t]] = hadamard(gate["o"][t], TANH(c[t]))
    return equations


def affine(gate: str, layer: str, source: Any, state: Any, bias: bool, cell: Any = None) -> Any:
    """U_a x_t + W_a h_{t-1}, with b_a and, where the gate sees the cell, p_a ⊙ c."""
    width = source.shape[0]
    U, W = (sp.MatrixSymbol(named(name, layer, below=gate), n, size) for name, size in (("U", width), ("W", n)))
    terms = [matmul(U, source), matmul(W, state)]
    if cell is not None:
        terms.append(hadamard(sp.MatrixSymbol(named("p", layer, below=gate), n, 1), cell))
    if bias:
        terms.append(sp.MatrixSymbol(named("b", layer, below=gate), n, 1))
    return matadd(*terms)
