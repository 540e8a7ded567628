"""Two cells over one sequence, one ahead and one back in time (Schuster & Paliwal 1997), forward and backward.

    →h_t = cell(x_t, →h_{t-1})      ←h_t = cell(x_t, ←h_{t+1})      y_t = [→h_t; ←h_t]            t = 1 … T

The keys are the cell's own, "_ahead" or "_back" behind them: W_ahead, h0_back; x is both cells'. The values are
y (T, B, 2n) and the two cells' values, all in the order of time: h_back at index k belongs to step k + 1. The state
from which the cell that runs back starts, h0_back, stands after the last step.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from verify.reference.cells import Cell
from verify.reference.sequences import Array, Arrays, check_cotangents, direct

DIRECTIONS = ("ahead", "back")


def bidirectional(cell: Cell) -> Cell:
    """The two cells as one, whose output is y."""
    initial = tuple(f"{key}_{way}" for way in DIRECTIONS for key in cell.initial)
    return Cell("y", initial, partial(forward, cell=cell), partial(backward, cell=cell))


def in_order(array: Array, way: str) -> Array:
    """A sequence in the order in which the cell of a direction meets it; twice gives it back."""
    return array[::-1] if way == "back" else array


def of_direction(arrays: Arrays, way: str) -> dict[str, Array]:
    """What belongs to one direction, under the cell's own keys."""
    ending = f"_{way}"
    return {key.removesuffix(ending): array for key, array in arrays.items() if key.endswith(ending)}


def ordered(arrays: Arrays, way: str) -> dict[str, Array]:
    """Sequences of one direction, in the order of the cell."""
    return {key: in_order(array, way) for key, array in of_direction(arrays, way).items()}


def inputs_of(inputs: Arrays, way: str) -> dict[str, Array]:
    """One cell's inputs."""
    return {**of_direction(inputs, way), "x": in_order(inputs["x"], way)}


def check_inputs(inputs: Arrays) -> None:
    """Raises KeyError for a key that belongs to no direction."""
    lost = sorted(key for key in inputs if key != "x" and not key.endswith(("_ahead", "_back")))
    if lost:
        raise KeyError(f"inputs {', '.join(lost)}, which end neither in _ahead nor in _back")


def forward(inputs: Arrays, cell: Cell) -> dict[str, Array]:
    """y and the values of both cells. Keys and shapes as in the module's heading."""
    check_inputs(inputs)
    values: dict[str, Array] = {}
    for way in DIRECTIONS:
        found = cell.forward(inputs_of(inputs, way))
        values |= {f"{key}_{way}": in_order(array, way) for key, array in found.items()}
    return {**values, "y": beside(*(values[f"{cell.output}_{way}"] for way in DIRECTIONS))}


def beside(ahead: Array, back: Array) -> Array:
    """[→h; ←h] at every step; further axes that only one of them carries are repeated."""
    shape = np.broadcast_shapes(ahead.shape[:-1], back.shape[:-1])
    halves = [np.broadcast_to(half, (*shape, half.shape[-1])) for half in (ahead, back)]
    return np.concatenate(halves, axis=-1)


def backward(inputs: Arrays, values: Arrays, cotangents: Arrays, cell: Cell) -> dict[str, Array]:
    """The adjoints of every value and the gradients of every input, from direct cotangents of y and of any value.

    [→h̄_t; ←h̄_t] receives ȳ_t; each cell goes through its own steps in their opposite order; x̄_t = →x̄_t + ←x̄_t.
    """
    check_inputs(inputs)
    check_cotangents(cotangents, values)
    y_bar = direct(cotangents, values, "y")
    split = values[f"{cell.output}_ahead"].shape[-1]
    found: dict[str, Array] = {"y": y_bar}
    for way, half in zip(DIRECTIONS, (y_bar[..., :split], y_bar[..., split:]), strict=True):
        output = f"{cell.output}_{way}"
        given = ordered({**cotangents, output: direct(cotangents, values, output) + half}, way)
        ran = cell.backward(inputs_of(inputs, way), ordered(values, way), given)
        x_bar = in_order(ran.pop("x"), way)
        found["x"] = found["x"] + x_bar if "x" in found else x_bar
        over = of_direction(values, way)
        found |= {f"{key}_{way}": in_order(array, way) if key in over else array for key, array in ran.items()}
    return found
