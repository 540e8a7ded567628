"""Forward accumulation (real-time recurrent learning, Williams & Zipser 1989) of the Elman network, by hand.

A small change of the inputs and parameters is carried along with the values:

    dNet_t = dU x_t + U dx_t + dW s_{t-1} + W ds_{t-1} + db        ds_t = f'(Net_t) dNet_t
    dz_t   = dV s_t + V ds_t + dc                                   do_t = g'(z_t) dz_t
"""

from __future__ import annotations

import numpy as np

from verify.reference.activations import IDENTITY, TANH, Activation
from verify.reference.sequences import Array, Arrays, over_time, row, transposed


def tangents(
    inputs: Arrays, values: Arrays, changes: Arrays, f: Activation = TANH, g: Activation = IDENTITY
) -> dict[str, Array]:
    """How Net, s and (with V) z, o move when the inputs move by `changes` (keys and shapes of the inputs).

    Changes may carry further axes before the batch's: one run for many directions.
    """
    ds = changes.get("s0", np.zeros_like(inputs["s0"])) if "s0" in inputs else np.zeros(())
    s = inputs.get("s0", np.zeros(()))
    moved: dict[str, list[Array]] = {"Net": [], "s": []}
    for k, x in enumerate(inputs["x"]):
        dx = changes["x"][k] if "x" in changes else np.zeros_like(x)
        dnet = product(inputs, changes, "U", x, dx) + (product(inputs, changes, "W", s, ds) if "W" in inputs else 0)
        if "b" in changes:
            dnet = dnet + row(changes["b"])
        s, ds = values["s"][k], f.push(values["Net"][k], dnet)
        moved["Net"].append(dnet)
        moved["s"].append(ds)
    found = {key: over_time(steps) for key, steps in moved.items()}
    if "V" in inputs:
        dz = product(inputs, changes, "V", values["s"], found["s"])
        found["z"] = dz + row(changes["c"]) if "c" in changes else dz
        found["o"] = g.push(values["z"], found["z"])
    return found


def product(inputs: Arrays, changes: Arrays, key: str, v: Array, dv: Array) -> Array:
    """d(A v) = dA v + A dv; an absent A is the identity."""
    if key not in inputs:
        return dv
    moved = dv @ transposed(inputs[key])
    return moved + v @ transposed(changes[key]) if key in changes else moved
