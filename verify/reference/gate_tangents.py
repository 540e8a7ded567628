"""Forward accumulation (real-time recurrent learning, Williams & Zipser 1989) of the LSTM and the GRU, by hand.

A small change of the inputs and parameters is carried along with the values; keys and shapes as in
`verify.reference.lstm` and `verify.reference.gru`. Changes may carry further axes before the last two (x: after T):
one run for many directions. Nothing here is shared with the backward passes but the activations.
"""

from __future__ import annotations

import numpy as np

from verify.reference.activations import SIGMOID, TANH, Activation
from verify.reference.sequences import Array, Arrays, Values, row
from verify.reference.tangents import product


def net_change(inputs: Arrays, changes: Arrays, gate: str, x: tuple[Array, Array], h: tuple[Array, Array]) -> Array:
    """dNet_a = dU_a x + U_a dx + dW_a h + W_a dh + db_a; x and h come with their changes."""
    found = product(inputs, changes, f"U_{gate}", *x) + product(inputs, changes, f"W_{gate}", *h)
    return found + row(changes[f"b_{gate}"]) if f"b_{gate}" in changes else found


def peephole_change(inputs: Arrays, changes: Arrays, gate: str, c: Array, dc: Array) -> Array:
    """d(p_a ⊙ c) = dp_a ⊙ c + p_a ⊙ dc, and 0 without a peephole."""
    key = f"p_{gate}"
    if key not in inputs:
        return np.zeros_like(dc)
    moved: Array = row(inputs[key]) * dc
    return moved + row(changes[key]) * c if key in changes else moved


def steps_of(inputs: Arrays, changes: Arrays) -> list[tuple[Array, Array]]:
    """x_t and dx_t."""
    moved = changes.get("x", np.zeros_like(inputs["x"]))
    return list(zip(inputs["x"], moved, strict=True))


def initial(inputs: Arrays, changes: Arrays, key: str) -> tuple[Array, Array]:
    """A state before the first step, with its change."""
    return inputs[key], changes.get(key, np.zeros_like(inputs[key]))


def lstm_tangents(
    inputs: Arrays,
    values: Arrays,
    changes: Arrays,
    coupled: bool = False,
    sigma: Activation = SIGMOID,
    phi: Activation = TANH,
) -> dict[str, Array]:
    """How every value of the LSTM moves when the inputs move by `changes`.

    da_t = a'(Net_a) dNet_a      dc_t = df_t ⊙ c_{t-1} + f_t ⊙ dc_{t-1} + di_t ⊙ g_t + i_t ⊙ dg_t
    dh_t = do_t ⊙ φ(c_t) + o_t ⊙ φ'(c_t) dc_t      coupled: df_t = -di_t
    """
    keep = Values()
    (h, dh), (c, dc) = initial(inputs, changes, "h0"), initial(inputs, changes, "c0")
    for k, x in enumerate(steps_of(inputs, changes)):
        now = {key: values[key][k] for key in values}
        change = {gate: net_change(inputs, changes, gate, x, (h, dh)) for gate in ("igo" if coupled else "ifgo")}
        di = keep("Net_i", change["i"] + peephole_change(inputs, changes, "i", c, dc))
        di = keep("i", sigma.push(now["Net_i"], di))
        if coupled:
            df = keep("f", -di)
        else:
            df = keep("Net_f", change["f"] + peephole_change(inputs, changes, "f", c, dc))
            df = keep("f", sigma.push(now["Net_f"], df))
        dg = keep("g", phi.push(now["Net_g"], keep("Net_g", change["g"])))
        dc = keep("c", df * c + now["f"] * dc + di * now["g"] + now["i"] * dg)
        c = now["c"]
        do = keep("Net_o", change["o"] + peephole_change(inputs, changes, "o", c, dc))
        do = keep("o", sigma.push(now["Net_o"], do))
        h, dh = now["h"], keep("h", do * phi.value(c) + now["o"] * phi.push(c, dc))
    return keep.arrays()


def gru_tangents(
    inputs: Arrays,
    values: Arrays,
    changes: Arrays,
    reset: str = "after",
    update: str = "z",
    sigma: Activation = SIGMOID,
    phi: Activation = TANH,
) -> dict[str, Array]:
    """How every value of the GRU moves when the inputs move by `changes`.

    before:  dq_t = dr_t ⊙ h_{t-1} + r_t ⊙ dh_{t-1}     dNet_n = dU_n x + U_n dx + dW_n q + W_n dq + db_n
    after:   dq_t = dW_n h_{t-1} + W_n dh_{t-1} + dc_n   dNet_n = dU_n x + U_n dx + db_n + dr_t ⊙ q_t + r_t ⊙ dq_t
    z:       dh_t = dz_t ⊙ (h_{t-1} - n_t) + z_t ⊙ dh_{t-1} + (1 - z_t) ⊙ dn_t
    1-z:     dh_t = dz_t ⊙ (n_t - h_{t-1}) + (1 - z_t) ⊙ dh_{t-1} + z_t ⊙ dn_t
    """
    keep = Values()
    h, dh = initial(inputs, changes, "h0")
    for k, x in enumerate(steps_of(inputs, changes)):
        now = {key: values[key][k] for key in values}
        r, z, n, q = now["r"], now["z"], now["n"], now["q"]
        dr = keep("r", sigma.push(now["Net_r"], keep("Net_r", net_change(inputs, changes, "r", x, (h, dh)))))
        dz = keep("z", sigma.push(now["Net_z"], keep("Net_z", net_change(inputs, changes, "z", x, (h, dh)))))
        if reset == "before":
            dq = keep("q", dr * h + r * dh)
            dn = keep("Net_n", net_change(inputs, changes, "n", x, (q, dq)))
        else:
            dq = product(inputs, changes, "W_n", h, dh)
            dq = keep("q", dq + row(changes["c_n"]) if "c_n" in changes else dq)
            driven = product(inputs, changes, "U_n", *x)
            driven = driven + row(changes["b_n"]) if "b_n" in changes else driven
            dn = keep("Net_n", driven + dr * q + r * dq)
        dn = keep("n", phi.push(now["Net_n"], dn))
        old, new = (z, 1 - z) if update == "z" else (1 - z, z)
        turned = dz * (h - n) if update == "z" else dz * (n - h)
        h, dh = now["h"], keep("h", turned + old * dh + new * dn)
    return keep.arrays()
