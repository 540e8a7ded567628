"""A kernel slid over an input, in every number: for each entry of the kernel the input, shifted and scaled."""

from __future__ import annotations

from functools import reduce
from operator import add

import numpy as np

from derive.language.convolution import Convolution
from verify.oracles.arithmetic import Array, Number, linear, shape_of
from verify.oracles.limits import OutOfScope


def convolved(expr: Convolution, source: Number, kernel: Number) -> Number:
    """Correlation and convolution, valid and full, of numbers. Raises `OutOfScope` where the kernel is too large."""
    rows, cols = (_taps(expr, n, k) for n, k in zip(shape_of(source)[-2:], shape_of(kernel)[-2:], strict=True))
    terms = (_entry(kernel, p, q) * _read(source, up, left) for p, up in rows for q, left in cols)
    return reduce(add, terms)


def flipped(a: Array) -> Array:
    """Rows and columns in reverse order."""
    return np.flip(a, (-2, -1))


def _taps(expr: Convolution, n: int, k: int) -> list[tuple[int, list[int]]]:
    """For each entry j of the kernel along one axis, where y_i = Σ_j w_j x_l reads: the l of every i, -1 for none."""
    length = n + k - 1 if expr.is_full else n - k + 1
    if length < 1:
        raise OutOfScope(f"a kernel of {k} entries in an input of {n}")

    def read(i: int, j: int) -> int:
        start = i - (k - 1) if expr.is_full else i
        place = start + (k - 1 - j if expr.is_flipped else j)
        return place if 0 <= place < n else -1

    return [(j, [read(i, j) for i in range(length)]) for j in range(k)]


def _entry(kernel: Number, p: int, q: int) -> Number:
    return linear(lambda w: w[..., p : p + 1, q : q + 1], kernel)


def _read(source: Number, up: list[int], left: list[int]) -> Number:
    """The entries at these places, 0 at -1."""
    inside = np.array([[int(i >= 0 and j >= 0) for j in left] for i in up])
    return linear(lambda x: x[..., up, :][..., left] * inside, source)
