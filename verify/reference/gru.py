"""The GRU in its published variants, forward and backward.

    Net_r,t = U_r x_t + W_r h_{t-1} + b_r      r_t = σ(Net_r,t)                                t = 1 … T
    Net_z,t = U_z x_t + W_z h_{t-1} + b_z      z_t = σ(Net_z,t)

`reset` says where the reset gate stands:
    "before" the product (Cho et al. 2014):   q_t = r_t ⊙ h_{t-1}          Net_n,t = U_n x_t + W_n q_t + b_n
    "after" it (cuDNN; PyTorch's nn.GRU):     q_t = W_n h_{t-1} + c_n      Net_n,t = U_n x_t + r_t ⊙ q_t + b_n
                                              n_t = φ(Net_n,t)
`update` says what the old state is weighed by:
    "z" (Cho et al. 2014; PyTorch):       h_t = z_t ⊙ h_{t-1} + (1 - z_t) ⊙ n_t
    "1-z" (Chung et al. 2014):            h_t = (1 - z_t) ⊙ h_{t-1} + z_t ⊙ n_t

    x (T, B, m) · h0 (B, n) · U_a (n, m) · W_a (n, n) · b_a, c_n (n) · every value (T, B, n)

The biases may be absent, each alone; c_n, the bias inside the reset, exists with "after" only. Every array may carry
further axes before these, as in `verify.reference.rnn`. Python's index k holds step k + 1.
"""

from __future__ import annotations

import numpy as np

from verify.reference import gates
from verify.reference.activations import SIGMOID, TANH, Activation
from verify.reference.sequences import Adjoints, Array, Arrays, Values, before, row
from verify.reference.shapes import Shapes

RESETS = ("before", "after")
UPDATES = ("z", "1-z")


def check_variant(reset: str, update: str) -> None:
    """Raises ValueError for a variant that does not exist."""
    if reset not in RESETS:
        raise ValueError(f"reset is one of {', '.join(RESETS)}, not {reset!r}")
    if update not in UPDATES:
        raise ValueError(f"update is one of {', '.join(UPDATES)}, not {update!r}")


def shapes(reset: str = "after", update: str = "z") -> Shapes:
    """The inputs' shapes by key."""
    check_variant(reset, update)
    parameters = gates.shapes("rzn")
    inside = {"c_n": "n"} if reset == "after" else {}
    return Shapes({"x": "T B m", "h0": "B n", **parameters.needed}, {**parameters.optional, **inside})


def forward(
    inputs: Arrays, reset: str = "after", update: str = "z", sigma: Activation = SIGMOID, phi: Activation = TANH
) -> dict[str, Array]:
    """Net_r, r, Net_z, z, q, Net_n, n, h at every step. Keys and shapes as in the module's heading."""
    shapes(reset, update).check(inputs)
    keep = Values()
    h = inputs["h0"]
    for x in inputs["x"]:
        r = keep("r", sigma.value(keep("Net_r", gates.net(inputs, "r", x, h))))
        z = keep("z", sigma.value(keep("Net_z", gates.net(inputs, "z", x, h))))
        if reset == "before":
            q = keep("q", r * h)
            net = keep("Net_n", gates.net(inputs, "n", x, q))
        else:
            q = keep("q", inner(inputs, h))
            net = keep("Net_n", gates.driven(inputs, "n", x) + r * q)
        n = keep("n", phi.value(net))
        h = keep("h", z * h + (1 - z) * n if update == "z" else (1 - z) * h + z * n)
    return keep.arrays()


def inner(inputs: Arrays, h: Array) -> Array:
    """q = W_n h + c_n."""
    q = gates.recurrent(inputs, "n", h)
    return q + row(inputs["c_n"]) if "c_n" in inputs else q


def backward(
    inputs: Arrays,
    values: Arrays,
    cotangents: Arrays,
    reset: str = "after",
    update: str = "z",
    sigma: Activation = SIGMOID,
    phi: Activation = TANH,
) -> dict[str, Array]:
    """The adjoints of every value and the gradients of x, h0 and every parameter, by their keys.

    `cotangents` holds the direct ∂E/∂v of any values. With h̄ received from step t + 1:

        z:       n̄_t = (1 - z_t) ⊙ h̄_t    z̄_t = (h_{t-1} - n_t) ⊙ h̄_t    h̄_{t-1} ← z_t ⊙ h̄_t
        1-z:     n̄_t = z_t ⊙ h̄_t          z̄_t = (n_t - h_{t-1}) ⊙ h̄_t    h̄_{t-1} ← (1 - z_t) ⊙ h̄_t
        before:  q̄_t = W_nᵀ N̄et_n          r̄_t = q̄_t ⊙ h_{t-1}            h̄_{t-1} ← r_t ⊙ q̄_t
                 W̄_n = Σ_t N̄et_n q_tᵀ
        after:   q̄_t = r_t ⊙ N̄et_n         r̄_t = q_t ⊙ N̄et_n              h̄_{t-1} ← W_nᵀ q̄_t
                 W̄_n = Σ_t q̄_t h_{t-1}ᵀ    c̄_n = Σ_t q̄_t
        and of the gates r, z:  h̄_{t-1} ← W_rᵀ N̄et_r + W_zᵀ N̄et_z
    """
    shapes(reset, update).check(inputs)
    adjoint = Adjoints(cotangents, values)
    states = before(inputs["h0"], values["h"])
    later: Array | float = 0.0
    for k in reversed(range(len(states))):
        r, z, n, h = values["r"][k], values["z"][k], values["n"][k], states[k]
        h_bar = adjoint("h", k, later)
        if update == "z":
            n_bar, z_bar, kept = (1 - z) * h_bar, (h - n) * h_bar, z * h_bar
        else:
            n_bar, z_bar, kept = z * h_bar, (n - h) * h_bar, (1 - z) * h_bar
        net_n = adjoint("Net_n", k, phi.pull(values["Net_n"][k], adjoint("n", k, n_bar)))
        if reset == "before":
            q_bar = adjoint("q", k, net_n @ inputs["W_n"])
            r_bar, through = q_bar * h, r * q_bar
        else:
            q_bar = adjoint("q", k, r * net_n)
            r_bar, through = values["q"][k] * net_n, q_bar @ inputs["W_n"]
        net_r = adjoint("Net_r", k, sigma.pull(values["Net_r"][k], adjoint("r", k, r_bar)))
        net_z = adjoint("Net_z", k, sigma.pull(values["Net_z"][k], adjoint("z", k, z_bar)))
        later = kept + through + net_r @ inputs["W_r"] + net_z @ inputs["W_z"]
    found = adjoint.arrays()
    found["h0"] = later + np.zeros_like(inputs["h0"])
    return found | _gradients(inputs, values, found, reset)


def _gradients(inputs: Arrays, values: Arrays, adjoint: Arrays, reset: str) -> dict[str, Array]:
    states = before(inputs["h0"], values["h"])
    found = {"x": gates.input_adjoint(inputs, adjoint, "rzn")}
    for gate in "rzn":
        found |= gates.input_gradients(inputs, gate, adjoint[f"Net_{gate}"], inputs["x"])
    for gate in "rz":
        found |= gates.state_gradient(gate, adjoint[f"Net_{gate}"], states)
    if reset == "before":
        return found | gates.state_gradient("n", adjoint["Net_n"], values["q"])
    return found | gates.state_gradient("n", adjoint["q"], states) | gates.bias_gradient(inputs, "c_n", adjoint["q"])
