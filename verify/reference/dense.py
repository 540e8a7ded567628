"""The deep fully connected network, forward and backward (Rumelhart, Hinton & Williams 1986).

    z^l = W^l a^{l-1} + b^l      a^l = f^l(z^l)      l = 1 … L,  a^0 = x

    x (..., B, n_0) · W1 (n_1, n_0), W2 (n_2, n_1) … · b1 (n_1), b2 … · z1, a1 (..., B, n_1), z2, a2 …

A layer's number is part of its keys; each bias may be absent. There is one activation a layer.
"""

from __future__ import annotations

from collections.abc import Sequence

from verify.reference.activations import Activation
from verify.reference.sequences import Array, Arrays, check_cotangents, direct, outer, row, transposed
from verify.reference.shapes import Shapes


def shapes(depth: int) -> Shapes:
    """The inputs' shapes by key."""
    layers = range(1, depth + 1)
    products = {f"W{layer}": f"n{layer} n{layer - 1}" for layer in layers}
    return Shapes({"x": "B n0", **products}, {f"b{layer}": f"n{layer}" for layer in layers})


def forward(inputs: Arrays, f: Sequence[Activation]) -> dict[str, Array]:
    """z1, a1, z2, a2 …. Keys and shapes as in the module's heading."""
    shapes(len(f)).check(inputs)
    values: dict[str, Array] = {}
    a = inputs["x"]
    for layer, activation in enumerate(f, start=1):
        z = a @ transposed(inputs[f"W{layer}"])
        if f"b{layer}" in inputs:
            z = z + row(inputs[f"b{layer}"])
        a = activation.value(z)
        values |= {f"z{layer}": z, f"a{layer}": a}
    return values


def backward(inputs: Arrays, values: Arrays, cotangents: Arrays, f: Sequence[Activation]) -> dict[str, Array]:
    """The four equations of backpropagation, from direct cotangents of any z^l and a^l, by the keys.

    ā^l = a^l-cotangent + W^{l+1}ᵀ z̄^{l+1}      z̄^l = z^l-cotangent + f^l'(z^l)ᵀ ā^l
    W̄^l = z̄^l a^{l-1}ᵀ      b̄^l = z̄^l, both summed over the batch
    """
    shapes(len(f)).check(inputs)
    check_cotangents(cotangents, values)
    found: dict[str, Array] = {}
    received: Array | float = 0.0
    for layer in range(len(f), 0, -1):
        a_bar = direct(cotangents, values, f"a{layer}") + received
        z_bar = direct(cotangents, values, f"z{layer}") + f[layer - 1].pull(values[f"z{layer}"], a_bar)
        below = values[f"a{layer - 1}"] if layer > 1 else inputs["x"]
        found |= {f"a{layer}": a_bar, f"z{layer}": z_bar, f"W{layer}": outer(z_bar, below)}
        if f"b{layer}" in inputs:
            found[f"b{layer}"] = z_bar.sum(axis=-2)
        received = z_bar @ inputs[f"W{layer}"]
    return {**found, "x": found["z1"] @ inputs["W1"]}
