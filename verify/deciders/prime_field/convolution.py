"""Kernels slid over inputs at concrete sizes, over any field, and what that says about other sizes: nothing.

An entry y_i = Σ_j w_j x_{i+j} reads an input at a *sum* of two indices. That is no contraction network, so the
small-model lemma of `bounds` does not speak of it: a claim that holds at some sizes is known there and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from derive.language.convolution import Convolution, Flip
from verify.deciders.prime_field import jets
from verify.deciders.prime_field.fields import Array, Field
from verify.deciders.prime_field.jets import Jet
from verify.deciders.prime_field.problems import Unsupported
from verify.deciders.prime_field.scope import Env, Scope, Thunk

if TYPE_CHECKING:  # the compiler calls these functions, and they call it
    from verify.deciders.prime_field.program import Compiler


def of_convolution(c: Compiler, expr: Convolution) -> Thunk:
    """The kernel slid over the input: bilinear in both."""
    source, kernel = c(expr.source), c(expr.kernel)
    c.shape(expr.source), c.shape(expr.kernel)
    rows, cols = c.shape(expr)
    is_full, is_flipped = expr.is_full, expr.is_flipped

    def run(scope: Scope, env: Env) -> Jet:
        algebra = scope.run.algebra

        def slide(x: jets.Value, w: jets.Value) -> jets.Value:
            return algebra.slide(x, w, is_full, is_flipped, rows, cols)

        return jets.bilinear(algebra, slide, source(scope, env), kernel(scope, env))

    return run


def of_flip(c: Compiler, expr: Flip) -> Thunk:
    """The entries in reverse order."""
    inner = c(expr.matrix)
    c.shape(expr)
    return lambda scope, env: jets.linear(scope.run.algebra.flip, inner(scope, env))


def flipped(a: Array) -> Array:
    """Rows and columns in reverse order."""
    return a[..., ::-1, ::-1]


def slid(field: Field, x: Array, w: Array, is_full: bool, is_flipped: bool) -> Array:
    """y_ab = Σ_pq w_pq x_{a+p, b+q}; a flipped kernel is read backwards, a full slide pads with zeros.

    Raises `Unsupported` where the kernel is larger than the input: there is no such claim at these sizes.
    """
    (rows, cols), (high, wide) = x.shape[-2:], w.shape[-2:]
    if is_full:
        rows, cols, x = rows + 2 * high - 2, cols + 2 * wide - 2, _padded(x, high - 1, wide - 1)
    if rows < high or cols < wide:
        raise Unsupported(f"a kernel of {high}×{wide} in an input of {rows}×{cols}")
    w = flipped(w) if is_flipped else w
    terms = (
        field.multiply(w[..., p : p + 1, q : q + 1], x[..., p : rows - high + p + 1, q : cols - wide + q + 1])
        for p, q in np.ndindex(high, wide)
    )
    found = next(terms)
    for term in terms:
        found = field.add(found, term)
    return found


def _padded(a: Array, rows: int, cols: int) -> Array:
    """Zeros around the last two axes."""
    return np.pad(a, [(0, 0)] * (a.ndim - 2) + [(rows, rows), (cols, cols)])
