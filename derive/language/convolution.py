"""A kernel slid over an input: correlation and convolution, valid and full, and the flip that turns one into the other.

Along one axis, x of n entries and w of k, counted from 0, w_j = 0 outside 0 … k - 1 and x_l = 0 outside 0 … n - 1:

    correlate       y_i = Σ_j w_j x_{i+j}              i = 0 … n - k
    convolve        y_i = Σ_j w_j x_{i+k-1-j}          i = 0 … n - k
    correlate full  y_i = Σ_j w_j x_{i-k+1+j}          i = 0 … n + k - 2
    convolve full   y_i = Σ_j w_j x_{i-j}              i = 0 … n + k - 2

Rows and columns of matrices alike (Goodfellow, Bengio & Courville, Deep Learning, eq. 9.4 and 9.6); an axis of length 1
of both stays one. Stride and padding are no part of it: a document states them by connection tensors.
"""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.core.symbol import Str

from derive.language.nodes import AxisSizes, Node, Size, length

CORRELATE, CONVOLVE = "correlate", "convolve"
FULL = " full"
SLIDES = (CORRELATE, CONVOLVE, CORRELATE + FULL, CONVOLVE + FULL)


class Convolution(Node):
    """The kernel, on the right, slid over the input in one of the four SLIDES."""

    def __new__(cls, kind: str | Str, source: Any, kernel: Any) -> Convolution:
        kind = kind if isinstance(kind, Str) else Str(kind)
        if kind.name not in SLIDES:
            raise ValueError(f"a kernel is slid as one of {', '.join(SLIDES)}, not {kind.name!r}")
        return super().__new__(cls, kind, source, kernel)

    kind = property(lambda self: str(self.args[0].name))
    source = property(lambda self: self.args[1])
    kernel = property(lambda self: self.args[2])
    is_full = property(lambda self: self.kind.endswith(FULL))
    is_flipped = property(lambda self: self.kind.startswith(CONVOLVE))

    @property
    def shape(self) -> tuple[Size, Size]:
        """n - k + 1 along each axis, n + k - 1 of a full one."""
        rows, cols = (
            slid(one, other, self.is_full) for one, other in zip(self.source.shape, self.kernel.shape, strict=True)
        )
        return rows, cols


class Flip(Node):
    """The entries of A in reverse order along both axes (rot180 of a matrix)."""

    def __new__(cls, matrix: Any) -> Flip:
        return super().__new__(cls, matrix)

    matrix = property(lambda self: self.args[0])
    shape = property(lambda self: self.args[0].shape)


def slid(source: Size, kernel: Size, is_full: bool) -> Size:
    """The length of what a kernel gives along one axis."""
    return sp.expand(source + kernel - 1 if is_full else source - kernel + 1)


def slid_axis(source: AxisSizes, kernel: AxisSizes, is_full: bool) -> AxisSizes | None:
    """The axis of what a kernel gives, None where it never fits or an axis has several basic sizes."""
    if max(len(source), len(kernel)) > 1 or (not is_full and not source and kernel):
        return None
    size = slid(length(source), length(kernel), is_full)
    if size == 1:
        return None if is_full and (source or kernel) else ()  # p + q - 1 = 1: it fits at p = q = 1 alone
    return None if (size - 1).is_nonpositive else (size,)  # 2 - k: it fits at k = 1 alone


def correlate(source: Any, kernel: Any, full: bool = False) -> Convolution:
    """The kernel slid over the input as it is."""
    return Convolution(CORRELATE + FULL * full, source, kernel)


def convolve(source: Any, kernel: Any, full: bool = False) -> Convolution:
    """The kernel slid over the input flipped."""
    return Convolution(CONVOLVE + FULL * full, source, kernel)


def flip(matrix: Any) -> Any:
    """A in reverse order along both axes; of a flip, what was flipped."""
    return matrix.matrix if isinstance(matrix, Flip) else Flip(matrix)
