"""Layers on layers: what one cell hands on is the input of the next.

    Net¹_t = U¹ x_t + W¹ s¹_{t-1} + b¹    s¹_t = f¹(Net¹_t)    Net²_t = U² s¹_t + W² s²_{t-1} + b²    …

and likewise for any cells of `verify.reference.cells`. Each layer is a dict with its cell's keys; only the first has
x. An Elman layer without W is a feed-forward one. Lists run from the lowest layer to the highest.
"""

from __future__ import annotations

from collections.abc import Sequence

from verify.reference.cells import Cell
from verify.reference.sequences import Array, Arrays, over_time


def forward(layers: Sequence[Arrays], cells: Sequence[Cell]) -> list[dict[str, Array]]:
    """The values of every layer, by its cell's keys."""
    values: list[dict[str, Array]] = []
    for level, cell in enumerate(cells):
        values.append(cell.forward(fed(layers, cells, values, level)))
    return values


def backward(
    layers: Sequence[Arrays], values: Sequence[Arrays], cotangents: Sequence[Arrays], cells: Sequence[Cell]
) -> list[dict[str, Array]]:
    """Adjoints and gradients of every layer, as its cell gives them, from direct cotangents at any layer.

    What a layer's output receives is its own direct cotangent and the adjoint x̄ of the layer above.
    """
    adjoints: list[dict[str, Array]] = []
    from_above: Array | None = None
    for level in reversed(range(len(cells))):
        cell, given = cells[level], dict(cotangents[level])
        if from_above is not None:
            own = given.get(cell.output, [0.0] * len(from_above))
            given[cell.output] = over_time(d + e for d, e in zip(own, from_above, strict=True))
        adjoints.insert(0, cell.backward(fed(layers, cells, values, level), values[level], given))
        from_above = adjoints[0]["x"]
    return adjoints


def fed(layers: Sequence[Arrays], cells: Sequence[Cell], values: Sequence[Arrays], level: int) -> dict[str, Array]:
    """A layer's inputs, x being what the layer below hands on (the lowest layer has its own)."""
    return {**layers[level], "x": values[level - 1][cells[level - 1].output]} if level else dict(layers[level])
