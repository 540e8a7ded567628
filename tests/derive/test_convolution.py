"""Convolution in the language: sizes that are expressions, what fits and what does not."""

import pytest
import sympy as sp

from derive.errors import ShapeError
from derive.language.build import matadd, sequence
from derive.language.convolution import SLIDES, Convolution, convolve, correlate, flip
from derive.language.derivatives import FamilyDerivative
from derive.language.shapes import axes
from derive.language.show import show

n, m, k, l = sp.symbols("n m k l", integer=True, positive=True)  # noqa: E741
x, w = sp.MatrixSymbol("x", n, 1), sp.MatrixSymbol("w", k, 1)
X, K = sp.MatrixSymbol("X", n, m), sp.MatrixSymbol("K", k, l)


def test_a_valid_one_is_shorter_and_a_full_one_longer():
    """n - k + 1 and n + k - 1, along each axis."""
    assert axes(correlate(x, w)).plain == ((n - k + 1,), ())
    assert axes(convolve(X, K)).plain == ((n - k + 1,), (m - l + 1,))
    assert axes(correlate(X, K, full=True)).plain == ((n + k - 1,), (m + l - 1,))
    assert correlate(X, K).shape == (n - k + 1, m - l + 1)


def test_full_undoes_the_sizes_of_valid():
    """(n - k + 1) + k - 1 = n, n - (n - k + 1) + 1 = k, and a kernel as long as the input leaves a number."""
    delta = sp.MatrixSymbol(r"\delta", n - k + 1, 1)
    assert axes(convolve(delta, w, full=True)) == axes(x)
    assert axes(correlate(x, delta)) == axes(w)
    assert axes(correlate(x, x)).is_scalar
    assert axes(correlate(x, sp.MatrixSymbol("c", 1, 1))) == axes(x)


def test_sizes_are_compared_multiplied_out():
    """2 (n - k) + 2 and m (n + 1) are 2 n - 2 k + 2 and m n + m."""
    for one, other in ((2 * (n - k) + 2, 2 * (n - k + 1)), (m * (n + 1), m * n + m)):
        left, right = sequence("a", one)[1], sequence("b", other)[1]
        assert axes(matadd(left, right)) == axes(left)
    with pytest.raises(ShapeError):
        axes(matadd(sequence("a", n - k + 1)[1], sequence("b", n - k)[1]))


@pytest.mark.parametrize(
    ("source", "kernel"),
    [
        (x, sp.MatrixSymbol("r", 1, k)),  # a column and a row
        (sp.MatrixSymbol("q", 1, 1), w),  # one entry
        (sp.MatrixSymbol("x", 3, 1), sp.MatrixSymbol("w", 5, 1)),
        (sp.MatrixSymbol("x", n**2, 1), w),  # an ordered product of sizes
        (correlate(x, w), x),  # n - k + 1 entries, and n: it fits at k = 1 alone
        (FamilyDerivative(x, x), w),
    ],
)
def test_what_never_fits_is_refused(source, kernel):
    with pytest.raises(ShapeError):
        axes(correlate(source, kernel))


def test_a_full_one_needs_no_room():
    """But where it leaves a number, 2 - k and k entries are one each: the normal form had no slot for that."""
    assert axes(correlate(sp.MatrixSymbol("q", 1, 1), w, full=True)).plain == ((k,), ())
    assert axes(correlate(sp.MatrixSymbol("q", 1, 1), sp.MatrixSymbol("c", 1, 1), full=True)).is_scalar
    with pytest.raises(ShapeError):
        axes(correlate(sp.MatrixSymbol("q", 2 - k, 1), w, full=True))


def test_a_flip_keeps_the_axes_and_undoes_itself():
    assert axes(flip(X)) == axes(X)
    assert flip(flip(X)) == X


def test_four_kinds_and_no_other():
    assert [Convolution(kind, x, w).is_full for kind in SLIDES] == [False, False, True, True]
    assert [Convolution(kind, x, w).is_flipped for kind in SLIDES] == [False, True, False, True]
    with pytest.raises(ValueError, match="correlate full"):
        Convolution("same", x, w)


def test_as_plain_text():
    assert show(convolve(x, flip(w), full=True)) == "convolve_full(x, flip(w))"
