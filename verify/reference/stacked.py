"""Layers on layers: the states of one layer are the inputs of the next.

    Net¹_t = U¹ x_t + W¹ s¹_{t-1} + b¹    s¹_t = f¹(Net¹_t)    Net²_t = U² s¹_t + W² s²_{t-1} + b²    …

Each layer is a dict with the keys of `verify.reference.rnn`; only the first has x. A layer without W is a
feed-forward one. Lists run from the lowest layer to the highest.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from verify.reference import rnn
from verify.reference.activations import IDENTITY, Activation
from verify.reference.rnn import Array, Arrays


def forward(layers: Sequence[Arrays], f: Sequence[Activation], g: Activation = IDENTITY) -> list[dict[str, Array]]:
    """The values (Net, s, at the top also z, o) of every layer; `f` has one activation a layer."""
    values: list[dict[str, Array]] = []
    for layer, activation in zip(layers, f, strict=True):
        values.append(rnn.forward(fed(layer, values), activation, g))
    return values


def backward(
    layers: Sequence[Arrays],
    values: Sequence[Arrays],
    cotangents: Sequence[Arrays],
    f: Sequence[Activation],
    g: Activation = IDENTITY,
) -> list[dict[str, Array]]:
    """Adjoints and gradients of every layer, as `rnn.backward` gives them, from direct cotangents at any layer.

    What a layer's state receives is its own direct cotangent and the adjoint x̄ of the layer above.
    """
    adjoints: list[dict[str, Array]] = []
    from_above: Array | None = None
    for level in reversed(range(len(layers))):
        given = dict(cotangents[level])
        if from_above is not None:
            own = given.get("s", np.zeros(len(from_above)))
            given["s"] = rnn.over_time(d + e for d, e in zip(own, from_above, strict=True))
        inputs = fed(layers[level], values[:level])
        adjoints.insert(0, rnn.backward(inputs, values[level], given, f[level], g))
        from_above = adjoints[0]["x"]
    return adjoints


def fed(layer: Arrays, below: Sequence[Arrays]) -> dict[str, Array]:
    """A layer's inputs, x being the states of the layer below (the lowest layer has its own)."""
    return {**layer, "x": below[-1]["s"]} if below else dict(layer)
