"""The LSTM with a forget gate (Hochreiter & Schmidhuber 1997; Gers, Schmidhuber & Cummins 2000), forward and backward.

    Net_i,t = U_i x_t + W_i h_{t-1} + b_i + p_i ⊙ c_{t-1}      i_t = σ(Net_i,t)             t = 1 … T
    Net_f,t = U_f x_t + W_f h_{t-1} + b_f + p_f ⊙ c_{t-1}      f_t = σ(Net_f,t)
    Net_g,t = U_g x_t + W_g h_{t-1} + b_g                      g_t = φ(Net_g,t)
    c_t     = f_t ⊙ c_{t-1} + i_t ⊙ g_t
    Net_o,t = U_o x_t + W_o h_{t-1} + b_o + p_o ⊙ c_t          o_t = σ(Net_o,t)
    h_t     = o_t ⊙ φ(c_t)

    x (T, B, m) · h0, c0 (B, n) · U_a (n, m) · W_a (n, n) · b_a, p_a (n) · every value (T, B, n)

The biases and the peepholes p_i, p_f, p_o (Gers & Schmidhuber 2000) may be absent, each alone. `coupled`:
f_t = 1 - i_t, with no Net_f, and no parameter of f among the inputs (Greff et al. 2017, "CIFG"). Every array may carry
further axes before these, as in `verify.reference.rnn`. Python's index k holds step k + 1.
"""

from __future__ import annotations

import numpy as np

from verify.reference import gates
from verify.reference.activations import SIGMOID, TANH, Activation
from verify.reference.sequences import (
    Adjoints,
    Array,
    Arrays,
    Values,
    before,
    row,
    sum_over_time,
)
from verify.reference.shapes import Shapes


def letters(coupled: bool) -> str:
    """The gates that have parameters."""
    return "igo" if coupled else "ifgo"


def shapes(coupled: bool = False) -> Shapes:
    """The inputs' shapes by key."""
    parameters = gates.shapes(letters(coupled))
    peepholes = {f"p_{gate}": "n" for gate in letters(coupled) if gate != "g"}
    states = {"x": "T B m", "h0": "B n", "c0": "B n"}
    return Shapes({**states, **parameters.needed}, {**parameters.optional, **peepholes})


def net(inputs: Arrays, gate: str, x: Array, h: Array, c: Array) -> Array:
    """Net_a = U_a x + W_a h + b_a + p_a ⊙ c."""
    found = gates.net(inputs, gate, x, h)
    return found + row(inputs[f"p_{gate}"]) * c if f"p_{gate}" in inputs else found


def forward(
    inputs: Arrays, coupled: bool = False, sigma: Activation = SIGMOID, phi: Activation = TANH
) -> dict[str, Array]:
    """Net_i, i, Net_f, f, Net_g, g, c, Net_o, o, h at every step. Keys and shapes as in the module's heading."""
    shapes(coupled).check(inputs)
    keep = Values()
    h, c = inputs["h0"], inputs["c0"]
    for x in inputs["x"]:
        i = keep("i", sigma.value(keep("Net_i", net(inputs, "i", x, h, c))))
        f = keep("f", 1 - i if coupled else sigma.value(keep("Net_f", net(inputs, "f", x, h, c))))
        g = keep("g", phi.value(keep("Net_g", gates.net(inputs, "g", x, h))))
        c = keep("c", f * c + i * g)
        o = keep("o", sigma.value(keep("Net_o", net(inputs, "o", x, h, c))))
        h = keep("h", o * phi.value(c))
    return keep.arrays()


def backward(
    inputs: Arrays,
    values: Arrays,
    cotangents: Arrays,
    coupled: bool = False,
    sigma: Activation = SIGMOID,
    phi: Activation = TANH,
) -> dict[str, Array]:
    """The adjoints of every value and the gradients of x, h0, c0 and every parameter, by their keys.

    `cotangents` holds the direct ∂E/∂v of any values. With h̄ and c̄ received from step t + 1:

        ō_t = h̄_t ⊙ φ(c_t)         N̄et_o = σ'(Net_o) ⊙ ō_t
        c̄_t ← c̄_t + φ'(c_t) ⊙ o_t ⊙ h̄_t + p_o ⊙ N̄et_o
        ī_t = c̄_t ⊙ g_t (coupled: - f̄_t)    f̄_t = c̄_t ⊙ c_{t-1}    ḡ_t = c̄_t ⊙ i_t    N̄et_a = a' ⊙ ā_t
        c̄_{t-1} ← f_t ⊙ c̄_t + p_i ⊙ N̄et_i + p_f ⊙ N̄et_f           h̄_{t-1} ← Σ_a W_aᵀ N̄et_a
        Ū_a = Σ_t N̄et_a x_tᵀ    W̄_a = Σ_t N̄et_a h_{t-1}ᵀ    b̄_a = Σ_t N̄et_a
        p̄_i = Σ_t N̄et_i ⊙ c_{t-1}    p̄_f = Σ_t N̄et_f ⊙ c_{t-1}    p̄_o = Σ_t N̄et_o ⊙ c_t
    """
    shapes(coupled).check(inputs)
    adjoint = Adjoints(cotangents, values)
    earlier = before(inputs["c0"], values["c"])
    h_later: Array | float = 0.0
    c_later: Array | float = 0.0
    for k in reversed(range(len(inputs["x"]))):
        i, f, g, c, o = (values[key][k] for key in "ifgco")
        h_bar = adjoint("h", k, h_later)
        o_bar = adjoint("o", k, h_bar * phi.value(c))
        net_bars = {"o": adjoint("Net_o", k, sigma.pull(values["Net_o"][k], o_bar))}
        c_bar = adjoint("c", k, c_later + phi.pull(c, o * h_bar) + seen(inputs, "o", net_bars))
        f_bar = adjoint("f", k, c_bar * earlier[k])
        i_bar = adjoint("i", k, c_bar * g - f_bar if coupled else c_bar * g)
        g_bar = adjoint("g", k, c_bar * i)
        net_bars["i"] = adjoint("Net_i", k, sigma.pull(values["Net_i"][k], i_bar))
        if not coupled:
            net_bars["f"] = adjoint("Net_f", k, sigma.pull(values["Net_f"][k], f_bar))
        net_bars["g"] = adjoint("Net_g", k, phi.pull(values["Net_g"][k], g_bar))
        c_later = f * c_bar + seen(inputs, "i", net_bars) + seen(inputs, "f", net_bars)
        h_later = sum(d @ inputs[f"W_{gate}"] for gate, d in net_bars.items())
    found = adjoint.arrays()
    found |= {"h0": h_later + np.zeros_like(inputs["h0"]), "c0": c_later + np.zeros_like(inputs["c0"])}
    return found | _gradients(inputs, values, found, letters(coupled))


def seen(inputs: Arrays, gate: str, net_bars: Arrays) -> Array | float:
    """p_a ⊙ N̄et_a: what the memory that a gate sees through its peephole receives."""
    return row(inputs[f"p_{gate}"]) * net_bars[gate] if f"p_{gate}" in inputs else 0.0


def _gradients(inputs: Arrays, values: Arrays, adjoint: Arrays, letters: str) -> dict[str, Array]:
    states, memories = before(inputs["h0"], values["h"]), before(inputs["c0"], values["c"])
    found = {"x": gates.input_adjoint(inputs, adjoint, letters)}
    for gate in letters:
        nets = adjoint[f"Net_{gate}"]
        found |= gates.input_gradients(inputs, gate, nets, inputs["x"]) | gates.state_gradient(gate, nets, states)
        if f"p_{gate}" in inputs:
            looked_at = values["c"] if gate == "o" else memories
            found[f"p_{gate}"] = sum_over_time((d * c).sum(axis=-2) for d, c in zip(nets, looked_at, strict=True))
    return found
