"""Convolution layers over one axis, two, or more, forward and backward.

    z[b,o,p] = Σ_c Σ_k K[o,c,k] x̃[b,c, stride · p + k] + b[o]      a = f(z)

x̃ is x with `padding` zeros on each side of every axis; p and k are positions, one number an axis. This is a
cross-correlation: the kernel is not flipped (as in the deep-learning libraries; LeCun et al. 1989).

    1-D: x (B, C, N) · K (O, C, k) · b (O) · z, a (B, O, P)            P = ⌊(N + 2 padding - k) / stride⌋ + 1
    2-D: x (B, C, N_1, N_2) · K (O, C, k_1, k_2) · b (O) · z, a (B, O, P_1, P_2)

`stride` and `padding` are one number, or one an axis. b may be absent. f is taken entry by entry.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from verify.reference.activations import IDENTITY, Activation
from verify.reference.sequences import Array, Arrays, check_cotangents, direct
from verify.reference.shapes import Shapes

PerAxis = int | tuple[int, ...]
Position = tuple[int, ...]
Index = tuple[slice | int, ...]

ALL = slice(None)


def shapes(axes: int) -> Shapes:
    """The inputs' shapes by key; there are no further axes."""
    places, kernel = (" ".join(f"{letter}{axis}" for axis in range(1, axes + 1)) for letter in "Nk")
    return Shapes({"x": f"B C {places}", "K": f"O C {kernel}"}, {"b": "O"})


def per_axis(number: PerAxis, axes: int) -> Position:
    """One number an axis. Raises ValueError where there are more or fewer."""
    numbers = (number,) * axes if isinstance(number, int) else number
    if len(numbers) != axes:
        raise ValueError(f"{len(numbers)} numbers for {axes} axes: {numbers}")
    return numbers


def output_sizes(sizes: Position, kernel: Position, stride: Position, padding: Position) -> Position:
    """P = ⌊(N + 2 padding - k) / stride⌋ + 1 on each axis. Raises ValueError where the kernel does not fit."""
    if any(k > n + 2 * p for n, k, p in zip(sizes, kernel, padding, strict=True)):
        raise ValueError(f"a kernel of {kernel} does not fit into {sizes} with padding {padding}")
    return tuple((n + 2 * p - k) // s + 1 for n, k, s, p in zip(sizes, kernel, stride, padding, strict=True))


class Windows:
    """Where each entry of the kernel meets the padded input: x̃[.., stride · p + k] for all p at once, one k a time."""

    def __init__(self, inputs: Arrays, stride: PerAxis, padding: PerAxis) -> None:
        shapes(1).check_keys(inputs)
        self.sizes, self.kernel = inputs["x"].shape[2:], inputs["K"].shape[2:]
        if len(self.sizes) != len(self.kernel):
            raise ValueError(f"x {inputs['x'].shape} and K {inputs['K'].shape} differ in their axes")
        shapes(len(self.sizes)).check_sizes(inputs)
        self.stride, self.padding = per_axis(stride, len(self.sizes)), per_axis(padding, len(self.sizes))
        self.outputs = output_sizes(self.sizes, self.kernel, self.stride, self.padding)
        self.axes = (0, *range(2, 2 + len(self.sizes)))  # the batch's and the positions'

    def padded(self, x: Array) -> Array:
        """x̃."""
        return np.pad(x, [(0, 0), (0, 0), *((p, p) for p in self.padding)])

    def cropped(self, x: Array) -> Array:
        """The part of x̃ that is x."""
        inside = (slice(p, p + n) for p, n in zip(self.padding, self.sizes, strict=True))
        return x[(ALL, ALL, *inside)]

    def places(self) -> Iterator[tuple[Index, Index]]:
        """Every entry K[:,:,k] with the places x̃[:,:,stride · p + k] that it meets, as indices."""
        for k in np.ndindex(*self.kernel):
            ends = zip(k, self.stride, self.outputs, strict=True)
            yield (ALL, ALL, *k), (ALL, ALL, *(slice(first, first + s * (p - 1) + 1, s) for first, s, p in ends))


def across(matrix: Array, x: Array) -> Array:
    """Σ_c A[o,c] x[b,c,…]: a matrix applied to the channels."""
    return np.moveaxis(np.tensordot(matrix, x, axes=(1, 1)), 0, 1)


def forward(inputs: Arrays, stride: PerAxis = 1, padding: PerAxis = 0, f: Activation = IDENTITY) -> dict[str, Array]:
    """z and a = f(z). Keys and shapes as in the module's heading."""
    windows = Windows(inputs, stride, padding)
    x = windows.padded(inputs["x"])
    z = np.zeros((), x.dtype)
    for k, met in windows.places():
        z = z + across(inputs["K"][k], x[met])
    if "b" in inputs:
        z = z + inputs["b"].reshape(-1, *(1 for _ in windows.sizes))
    return {"z": z, "a": f.value(z)}


def backward(
    inputs: Arrays,
    values: Arrays,
    cotangents: Arrays,
    stride: PerAxis = 1,
    padding: PerAxis = 0,
    f: Activation = IDENTITY,
) -> dict[str, Array]:
    """The adjoints of z and a and the gradients of x, K, b, from direct cotangents of z and a.

    z̄ = z-cotangent + f'(z) ⊙ ā
    x̄̃[b,c,q] = Σ_o Σ_{p,k: stride · p + k = q} K[o,c,k] z̄[b,o,p]     the transposed convolution; x̄ is what lies inside
    K̄[o,c,k] = Σ_b Σ_p z̄[b,o,p] x̃[b,c, stride · p + k]                the correlation of z̄ with x
    b̄[o] = Σ_b Σ_p z̄[b,o,p]
    """
    windows = Windows(inputs, stride, padding)
    check_cotangents(cotangents, values)
    a_bar = direct(cotangents, values, "a")
    z_bar = direct(cotangents, values, "z") + f.pull(values["z"], a_bar)
    x = windows.padded(inputs["x"])
    x_bar, kernel_bar = (np.zeros_like(a, dtype=z_bar.dtype) for a in (x, inputs["K"]))
    for k, met in windows.places():
        x_bar[met] += across(inputs["K"][k].T, z_bar)
        kernel_bar[k] = np.tensordot(z_bar, x[met], axes=(windows.axes, windows.axes))
    found = {"a": a_bar, "z": z_bar, "x": windows.cropped(x_bar), "K": kernel_bar}
    return {**found, "b": z_bar.sum(axis=windows.axes)} if "b" in inputs else found
