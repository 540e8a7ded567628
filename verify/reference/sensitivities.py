"""Real-time recurrent learning (Williams & Zipser 1989) for all parameters at once: forward in time, no backward pass.

Beside the state q_t goes its sensitivity S_t = ∂q_t/∂θ, one matrix for all parameters θ and the initial state:

    [S_t; ∂e_t/∂θ] = A_t S_{t-1} + K_t ⊗ v_t          ∂E/∂θ = Σ_t ∂e_t/∂θ          S_0 = ∂q_0/∂θ

    e_t = Σ cotangent_t · value_t, the part of E that is read off at step t
    A_t = ∂[q_t; e_t]/∂q_{t-1}      K_t = ∂[q_t; e_t]/∂Net_t, of one step alone
    v_t what the parameters are multiplied by: Net = U x + W h + b has v = [x, h, 1], and ∂Net_i/∂θ_ij = v_j

A_t and K_t are read off a cell's own tangents of one step; the steps, whose values are known, stand side by side there.
A step is one product, for each member of the batch, and what K_t ⊗ v_t writes where K_t is not zero. With q states,
g pre-activations and P parameters in all, S takes 2 B (q + 1) P numbers, the steps side by side T B (q + g) n for
each of the cell's values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from verify.reference.activations import IDENTITY, SIGMOID, TANH, Activation
from verify.reference.gate_tangents import gru_tangents, lstm_tangents
from verify.reference.sequences import Array, Arrays, before, check_cotangents, over_time
from verify.reference.tangents import tangents

Tangents = Callable[[Arrays, Arrays, Arrays], dict[str, Array]]  # inputs, values, changes -> the values' changes


@dataclass(frozen=True, eq=False)
class Entry:
    """What enters one pre-activation of size n: the bias that would move it alone, and what each parameter multiplies.

    `factors` has (T, B, w) for a matrix (n, w) or a bias (w = 1), and (T, B, n, 1) for a vector with ⊙.
    """

    bias: str
    size: int
    factors: Mapping[str, Array]

    @property
    def rows(self) -> Array:
        """v_t, what all the parameters multiply, side by side: (T, B, n, w)."""
        factors = [v if v.ndim == 4 else v[..., None, :] for v in self.factors.values()]
        shape = (*factors[0].shape[:2], self.size)
        return np.concatenate([np.broadcast_to(v, (*shape, v.shape[-1])) for v in factors], axis=-1)

    def parted(self, gradient: Array, inputs: Arrays) -> dict[str, Array]:
        """A gradient (n, w) by the keys of the parameters, in their own shapes."""
        places = intervals({key: v.shape[-1] for key, v in self.factors.items()})
        return {key: gradient[:, place].reshape(inputs[key].shape) for key, place in places.items()}


def entry(inputs: Arrays, bias: str, factors: Mapping[str, Array]) -> list[Entry]:
    """The parameters that are there; nothing where none is."""
    present = {key: v for key, v in factors.items() if key in inputs}
    return [Entry(bias, inputs[next(iter(present))].shape[0], present)] if present else []


def elman_gradients(
    inputs: Arrays, values: Arrays, cotangents: Arrays, f: Activation = TANH, g: Activation = IDENTITY
) -> dict[str, Array]:
    """∂E/∂ of s0, U, W, b, V, c of the Elman network; the values are those of its forward pass.

    `cotangents` as for the backward pass; no array carries further axes.
    """
    states = {"s0": "s"} if "s0" in inputs else {}
    h = earlier(inputs, values, states).get("s0", values["Net"])  # without a state there is no W
    entries = entry(inputs, "b", {"U": inputs["x"], "W": h, "b": ones(h)})
    if "V" in inputs:
        entries += entry(inputs, "c", {"V": values["s"], "c": ones(h)})
    return gradients(partial(tangents, f=f, g=g), inputs, values, cotangents, states, entries)


def lstm_gradients(
    inputs: Arrays,
    values: Arrays,
    cotangents: Arrays,
    coupled: bool = False,
    sigma: Activation = SIGMOID,
    phi: Activation = TANH,
) -> dict[str, Array]:
    """∂E/∂ of h0, c0 and every parameter of the LSTM, as `elman_gradients`."""
    states = {"h0": "h", "c0": "c"}
    past = earlier(inputs, values, states)
    entries: list[Entry] = []
    for gate in "igo" if coupled else "ifgo":
        seen = values["c"] if gate == "o" else past["c0"]
        factors = {f"U_{gate}": inputs["x"], f"W_{gate}": past["h0"], f"b_{gate}": ones(seen)}
        entries += entry(inputs, f"b_{gate}", {**factors, f"p_{gate}": seen[..., None]})
    run = partial(lstm_tangents, coupled=coupled, sigma=sigma, phi=phi)
    return gradients(run, inputs, values, cotangents, states, entries)


def gru_gradients(
    inputs: Arrays,
    values: Arrays,
    cotangents: Arrays,
    reset: str = "after",
    update: str = "z",
    sigma: Activation = SIGMOID,
    phi: Activation = TANH,
) -> dict[str, Array]:
    """∂E/∂ of h0 and every parameter of the GRU, as `elman_gradients`."""
    states = {"h0": "h"}
    h = earlier(inputs, values, states)["h0"]
    entries = [
        e for a in "rz" for e in entry(inputs, f"b_{a}", {f"U_{a}": inputs["x"], f"W_{a}": h, f"b_{a}": ones(h)})
    ]
    if reset == "before":
        entries += entry(inputs, "b_n", {"U_n": inputs["x"], "W_n": values["q"], "b_n": ones(h)})
    else:
        entries += entry(inputs, "b_n", {"U_n": inputs["x"], "b_n": ones(h)})
        entries += entry(inputs, "c_n", {"W_n": h, "c_n": ones(h)})
    run = partial(gru_tangents, reset=reset, update=update, sigma=sigma, phi=phi)
    return gradients(run, inputs, values, cotangents, states, entries)


def gradients(
    run: Tangents,
    inputs: Arrays,
    values: Arrays,
    cotangents: Arrays,
    states: Mapping[str, str],
    entries: list[Entry],
) -> dict[str, Array]:
    """∂E/∂ of the initial states and parameters of a cell. `states`: a state's name, by its initial state's."""
    check_cotangents(cotangents, values)
    starts = {key: inputs[key].shape[-1] for key in states}
    sizes = {**starts, **{entry.bias: entry.size for entry in entries}}
    local, places = one_step(run, inputs, values, cotangents, states, sizes), intervals(sizes)
    effects = {entry.bias: local[..., places[entry.bias]] for entry in entries}
    carried = [entry for entry in entries if effects[entry.bias][..., :-1, :].any()]
    found: dict[str, Array] = {}
    for entry in entries:
        if entry not in carried:  # an output's: no state depends on them, and E only at the step itself
            gradient = np.einsum("tbi,tbiw->iw", effects[entry.bias][..., -1, :], entry.rows)
            found |= entry.parted(gradient, inputs)
    total, blocks = accumulated(local[..., : sum(starts.values())], [(effects[e.bias], e.rows) for e in carried])
    for entry, block in zip(carried, blocks, strict=True):
        found |= entry.parted(total[:, block].sum(axis=0).reshape(entry.size, -1), inputs)
    return found | {key: total[:, places[key]] for key in states}


def accumulated(steps: Array, blocks: list[tuple[Array, Array]]) -> tuple[Array, list[slice]]:
    """Σ_t ∂e_t/∂θ for each member of the batch, (B, P), and where each block's parameters stand in it.

    `steps`: A_t, (T, B, q + 1, q). `blocks`: K_t (T, B, q + 1, n) and v_t (T, B, n, w). The initial state comes first.
    """
    batch, rows, width = steps.shape[1:]
    slices = list(intervals({"": width} | {str(k): v[0, 0].size for k, (_, v) in enumerate(blocks)}).values())
    now, later = np.zeros((2, batch, rows, slices[-1].stop))
    now[:, :width, :width] = np.eye(width)
    total = np.zeros((batch, slices[-1].stop))
    written = [np.nonzero(effect.any(axis=(0, 1))) for effect, _ in blocks]
    for k, step in enumerate(steps):
        np.matmul(step, now[:, :-1], out=later)
        for place, (row, column), (effect, v) in zip(slices[1:], written, blocks, strict=True):
            block = later[:, :, place].reshape(batch, rows, *v.shape[-2:])  # a view
            block[:, row, column] += effect[k][:, row, column, None] * v[k][:, column]
        total += later[:, -1]
        now, later = later, now
    return total, slices[1:]


def one_step(
    run: Tangents, inputs: Arrays, values: Arrays, cotangents: Arrays, states: Mapping[str, str], sizes: dict[str, int]
) -> Array:
    """∂[q_t; e_t] by q_{t-1} and by every pre-activation, of one step alone: (T, B, q + 1, directions).

    The steps are members of one batch, each from the state before it.
    """
    steps, batch = inputs["x"].shape[:2]
    starts = {key: array.reshape(-1, array.shape[-1]) for key, array in earlier(inputs, values, states).items()}
    side_by_side = {**inputs, **starts, "x": flat(inputs["x"])}
    moved = run(side_by_side, {key: flat(value) for key, value in values.items()}, unit_changes(sizes, states))
    count = sum(sizes.values())

    def over_steps(key: str) -> Array:
        size = values[key].shape[-1]
        one = np.broadcast_to(moved[key][0], (count, steps * batch, size))
        return one.reshape(count, steps, batch, size)

    rows = [np.moveaxis(over_steps(state), 0, -1) for state in states.values()]
    read = [np.einsum("tbi,dtbi->tbd", cotangent, over_steps(key)) for key, cotangent in cotangents.items()]
    energy = sum(read, np.zeros((steps, batch, count)))
    return np.concatenate([*rows, energy[:, :, None]], axis=-2)


def unit_changes(sizes: dict[str, int], states: Mapping[str, str]) -> dict[str, Array]:
    """All unit directions, one after another; those of states (directions, 1, size): every member of a batch moves."""
    identity = np.eye(sum(sizes.values()))
    changes = {key: identity[:, place] for key, place in intervals(sizes).items()}
    return {key: change[:, None] if key in states else change for key, change in changes.items()}


def earlier(inputs: Arrays, values: Arrays, states: Mapping[str, str]) -> dict[str, Array]:
    """What every step finds, (T, B, n), by the initial state's key."""
    return {key: over_time(before(inputs[key], values[state])) for key, state in states.items()}


def intervals(sizes: Mapping[str, int]) -> dict[str, slice]:
    """Where each part stands when parts of these sizes stand one after another."""
    ends = np.cumsum([0, *sizes.values()]).tolist()
    return {key: slice(lo, hi) for key, lo, hi in zip(sizes, ends, ends[1:], strict=False)}


def flat(array: Array) -> Array:
    """Steps as members of one batch, under a single step: (T, B, n) -> (1, T B, n)."""
    return array.reshape(1, -1, array.shape[-1])


def ones(values: Array) -> Array:
    """The factor of a bias, (T, B, 1)."""
    return np.ones((*values.shape[:2], 1))
