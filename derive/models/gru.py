"""The gated recurrent unit: reset gate r, update gate z, a candidate h̃_t and a state h_t, in its published variants.

    Net^a_t = U_a x_t + W_a h_{t-1} + b_a   for a in r, z

    update `z`    h_t = z_t ⊙ h_{t-1} + (1 - z_t) ⊙ h̃_t      Cho et al. (2014), PyTorch, cuDNN
    update `1-z`  h_t = (1 - z_t) ⊙ h_{t-1} + z_t ⊙ h̃_t      Chung et al. (2014), Keras as published there
    reset `before`  Net^n_t = U_n x_t + W_n (r_t ⊙ h_{t-1}) + b_n                Cho et al., Chung et al.
    reset `after`   Net^n_t = U_n x_t + b_n + r_t ⊙ (W_n h_{t-1} + c_n)          PyTorch, cuDNN

The two updates are one family of functions: z of one is 1 - z of the other. The two resets are not.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from derive.errors import BackproofError
from derive.language.build import hadamard, matadd, matmul, negate, ones, sequence
from derive.models.letters import n, named, t, x
from derive.models.lstm import SIGMOID, TANH, affine
from derive.models.readout import SCOPES, scope
from derive.models.registry import System, register

UPDATES, RESETS = ("z", "1-z"), ("after", "before")


@register("gru")
def gru(loss: str = "last", bias: bool = True, update: str = "z", reset: str = "after") -> System:
    """The GRU with a loss on h; `update` z or 1-z says what z_t keeps, `reset` where r_t acts: after or before W_n."""
    looked = scope(loss, sequence("h", n))
    model = looked.of(gru_cell(x[t], bias=bias, update=update, reset=reset))
    return System("gru", f"GRU, loss on {SCOPES[loss]}", model, sum_one=looked.sum_one)


def gru_cell(
    source: Any, layer: str = "", bias: bool = True, update: str = "z", reset: str = "after"
) -> dict[Any, Any]:
    """The equations of one cell that reads `source` at step t; `layer` is the mark that its names carry."""
    _check("update", update, UPDATES)
    _check("reset", reset, RESETS)
    h, candidate = sequence(named("h", layer), n), sequence(named("\\tilde{h}", layer), n)
    gate = {a: sequence(named(a, layer), n) for a in "rz"}
    net = {a: sequence(named("\\mathrm{Net}", a, layer), n) for a in "rzn"}
    equations: dict[Any, Any] = {}
    for a in "rz":
        equations[net[a][t]] = affine(a, layer, source, h[t - 1], bias)
        equations[gate[a][t]] = SIGMOID(net[a][t])
    equations[net["n"][t]] = _candidate(layer, source, h[t - 1], gate["r"][t], bias, reset)
    equations[candidate[t]] = TANH(net["n"][t])
    z, other = gate["z"][t], matadd(ones(n, 1), negate(gate["z"][t]))
    kept, new = (z, other) if update == "z" else (other, z)
    equations[h[t]] = matadd(hadamard(kept, h[t - 1]), hadamard(new, candidate[t]))
    return equations


def _candidate(layer: str, source: Any, state: Any, r: Any, bias: bool, reset: str) -> Any:
    """Net^n_t: the reset gate acts on h_{t-1} before W_n, or on W_n h_{t-1} after it."""
    if reset == "before":
        return affine("n", layer, source, hadamard(r, state), bias)
    U, W = (
        sp.MatrixSymbol(named(name, layer, below="n"), n, size) for name, size in (("U", source.shape[0]), ("W", n))
    )
    b, c = (sp.MatrixSymbol(named(name, layer, below="n"), n, 1) for name in "bc")
    inner = matadd(matmul(W, state), *([c] if bias else []))
    return matadd(matmul(U, source), *([b] if bias else []), hadamard(r, inner))


def _check(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise BackproofError(f"{name} is one of {', '.join(allowed)}, not {value!r}")
