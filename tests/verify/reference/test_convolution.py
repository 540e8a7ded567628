"""The convolution against its matrix: forward K x, backward Kᵀ z̄, written entry by entry."""

from __future__ import annotations

from itertools import product
from re import escape

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.verify.reference.routes import check_close
from tests.verify.reference.systems import uniform
from verify.reference import convolution


def matrix_of(kernel, sizes, stride, padding):
    """The Toeplitz matrix A of one member of the batch: A[(o,p),(c,q)] = K[o,c,q + padding - stride p], else 0."""
    outs, ins, *widths = kernel.shape
    outputs = [(n + 2 * p - k) // s + 1 for n, k, s, p in zip(sizes, widths, stride, padding, strict=True)]
    found = np.zeros((outs, *outputs, ins, *sizes))
    for at in product(*(range(n) for n in outputs)):
        for q in product(*(range(n) for n in sizes)):
            k = tuple(j + p - s * i for i, j, s, p in zip(at, q, stride, padding, strict=True))
            if all(0 <= one < width for one, width in zip(k, widths, strict=True)):
                for o, c in product(range(outs), range(ins)):
                    found[(o, *at, c, *q)] = kernel[(o, c, *k)]
    return found


@st.composite
def problems(draw, axes):
    """Channels, sizes, kernel, stride, padding of each axis, and a seed; the kernel fits."""
    ranges = ((1, 6), (1, 3), (1, 3), (0, 2))
    sizes, widths, stride, padding = (tuple(draw(st.integers(*ends)) for _ in range(axes)) for ends in ranges)
    assume(all(k <= n + 2 * p for n, k, p in zip(sizes, widths, padding, strict=True)))
    batch, ins, outs = (draw(st.integers(1, 3)) for _ in range(3))
    seed = draw(st.integers(0, 2**32 - 1))
    inputs = {
        "x": uniform((batch, ins, *sizes), seed, "x"),
        "K": uniform((outs, ins, *widths), seed, "K"),
        "b": uniform((outs,), seed, "b"),
    }
    return inputs, stride, padding, seed


def check_by_matrix(inputs, stride, padding, seed):
    """z = A x + b, x̄ = Aᵀ z̄, K̄ = Σ ∂A/∂K · (z̄ xᵀ), b̄ = Σ z̄, with A as an ordinary matrix."""
    x, kernel = inputs["x"], inputs["K"]
    axes, ins = x.ndim - 2, x.ndim - 1
    A = matrix_of(kernel, x.shape[2:], stride, padding)
    values = convolution.forward(inputs, stride, padding)
    bias = inputs["b"].reshape(-1, *[1] * axes)
    check_close(values["z"], np.tensordot(x, A, axes=(range(1, 1 + ins), range(-ins, 0))) + bias)
    d = uniform(values["z"].shape, seed, "z̄")
    found = convolution.backward(inputs, values, {"z": d}, stride, padding)
    check_close(found["x"], np.tensordot(d, A, axes=(range(1, 1 + ins), range(ins))))
    check_close(found["b"], d.sum(axis=(0, *range(2, 2 + axes))))
    weights = np.tensordot(d, x, axes=(0, 0))  # z̄ xᵀ
    for at in np.ndindex(*kernel.shape):
        hot = np.zeros(kernel.shape)
        hot[at] = 1
        expected = (matrix_of(hot, x.shape[2:], stride, padding) * weights).sum()
        check_close(found["K"][at], expected)


@settings(max_examples=40)
@given(problem=problems(axes=1))
def test_one_axis(problem):
    check_by_matrix(*problem)


@settings(max_examples=20)
@given(problem=problems(axes=2))
def test_two_axes(problem):
    check_by_matrix(*problem)


def test_the_kernel_is_not_flipped():
    """z = K[0] x[p] + K[1] x[p + 1]."""
    z = convolution.forward({"x": np.array([[[1.0, 2, 4]]]), "K": np.array([[[10.0, 1]]])})["z"]
    assert (z == [[[12, 24]]]).all()


def test_a_stride_may_leave_inputs_unread():
    """N = 6, k = 2, stride 3: x_3 and x_6 meet no kernel and have no gradient."""
    inputs = {"x": np.ones((1, 1, 6)), "K": np.array([[[2.0, 3.0]]])}
    values = convolution.forward(inputs, stride=3)
    found = convolution.backward(inputs, values, {"z": np.ones((1, 1, 2))}, stride=3)
    assert (found["x"] == [[[2, 3, 0, 2, 3, 0]]]).all()
    assert (found["K"] == [[[2, 2]]]).all()


def test_padding_is_zeros_outside():
    """x̃ = 0 x 0, and the gradient of the zeros is dropped."""
    inputs = {"x": np.array([[[1.0, 2]]]), "K": np.array([[[1.0, 10, 100]]])}
    values = convolution.forward(inputs, padding=1)
    assert (values["z"] == [[[210, 21]]]).all()
    found = convolution.backward(inputs, values, {"z": np.array([[[1.0, 0]]])}, padding=1)
    assert (found["x"] == [[[10, 100]]]).all()
    assert (found["K"] == [[[0, 1, 2]]]).all()


def test_settings_left_out_are_stride_one_and_no_padding():
    """Forward and backward."""
    inputs = {"x": uniform((2, 1, 4), 1, "x"), "K": uniform((3, 1, 2), 1, "K")}
    values, said = convolution.forward(inputs), convolution.forward(inputs, stride=1, padding=0)
    check_close(values["z"], said["z"])
    d = {"z": uniform(values["z"].shape, 1, "d")}
    found, expected = convolution.backward(inputs, values, d), convolution.backward(inputs, values, d, 1, 0)
    check_close(found["x"], expected["x"])
    check_close(found["K"], expected["K"])


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 6])
def test_a_kernel_fits_if_the_padded_input_holds_it(width):
    """N + 2 padding = 1 + 2·2 = 5."""
    inputs = {"x": np.ones((1, 1, 1)), "K": np.ones((1, 1, width))}
    if width <= 5:
        assert convolution.forward(inputs, padding=2)["z"].shape == (1, 1, 6 - width)
    else:
        with pytest.raises(ValueError, match="does not fit"):
            convolution.forward(inputs, padding=2)


BAD = {
    "a kernel of (4,) does not fit into (3,)": ((1, 1, 3), (1, 1, 4), 1),
    "K is O C k1 with C = 1, but x has C = 2": ((1, 2, 3), (1, 1, 2), 1),
    "differ in their axes": ((1, 1, 3), (1, 1, 2, 2), 1),
    "2 numbers for 1 axes": ((1, 1, 3), (1, 1, 2), (1, 1)),
}


@pytest.mark.parametrize("said", sorted(BAD))
def test_what_does_not_fit_is_refused(said):
    x, kernel, stride = BAD[said]
    with pytest.raises(ValueError, match=escape(said)):
        convolution.forward({"x": np.ones(x), "K": np.ones(kernel)}, stride)
