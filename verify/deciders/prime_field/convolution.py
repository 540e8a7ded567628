"""Kernels slid over inputs: as a 0/1 tensor about which nothing is used, which proves; else at concrete sizes.

Along one axis a slide is a contraction with T_ijl = [l = i + j], i and j of two short sizes p and q, l of p + q - 1:
valid y_i = Σ T_ijl w_j x_l, full y_l = Σ T_ijl x_i w_j; T^(p,q)_ijl = T^(q,p)_jil. A flip is a symmetric matrix R.

**Opaque.** With T (symmetric as said) and R drawn at random, both sides are contraction networks, and the small-model
lemma speaks of them. What holds for every such T and R holds for these: an equal is one for all sizes. What differs
then need not be false, for T and R obey more laws (R R = I; reversing all three indices of T changes nothing; full
slides are associative).

**Concrete.** The slide itself, evaluated exactly. An entry at a *sum* of indices is no contraction network: the lemma
is silent, and a claim that holds at some sizes is known there and nowhere else. What differs is false.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from derive.language.convolution import Convolution, Flip
from verify.deciders.prime_field import jets
from verify.deciders.prime_field.fields import Array, Field
from verify.deciders.prime_field.jets import Algebra, Axis, Jet, Value
from verify.deciders.prime_field.problems import Unsupported
from verify.deciders.prime_field.scope import Env, Scope, Shape, Thunk

if TYPE_CHECKING:  # the compiler calls these functions, and they call it
    from verify.deciders.prime_field.program import Compiler


@dataclass(frozen=True)
class Slide:
    """How a kernel slides: over the whole input only or past its ends, turned round or not; the axes of all three."""

    is_full: bool
    is_turned: bool  # before it correlates, or before it convolves in full
    source: Shape
    kernel: Shape
    found: Shape

    @property
    def sides(self) -> tuple[tuple[Axis, Axis, Axis], ...]:
        """Output, kernel and input along the rows and along the columns."""
        return tuple(zip(self.found, self.kernel, self.source, strict=True))


def of_convolution(c: Compiler, expr: Convolution) -> Thunk:
    """The kernel slid over the input: bilinear in both. A kernel flipped twice is not flipped."""
    is_turned, inner = expr.is_flipped != expr.is_full, expr.kernel
    if isinstance(inner, Flip):
        is_turned, inner = not is_turned, inner.matrix
    source, kernel = c(expr.source), c(inner)
    slide = Slide(expr.is_full, is_turned, c.shape(expr.source), c.shape(inner), c.shape(expr))
    c.has_slides = True

    def run(scope: Scope, env: Env) -> Jet:
        algebra = scope.run.algebra

        def slid(x: Value, w: Value) -> Value:
            return algebra.slide(x, w, slide)

        return jets.bilinear(algebra, slid, source(scope, env), kernel(scope, env))

    return run


def of_flip(c: Compiler, expr: Flip) -> Thunk:
    """The entries in reverse order."""
    inner, shape = c(expr.matrix), c.shape(expr)
    c.has_slides = True

    return lambda scope, env: jets.linear(lambda a: scope.run.algebra.flip(a, shape), inner(scope, env))


# --- opaque ------------------------------------------------------------------------------------------------------


def turned(algebra: Algebra, a: Value, shape: Shape) -> Value:
    """R A R."""
    rows, cols = shape
    if rows:
        a = algebra.matmul(algebra.flip_tensor(rows), a, rows)
    return algebra.matmul(a, algebra.flip_tensor(cols), cols) if cols else a


def joined(algebra: Algebra, x: Value, w: Value, slide: Slide, tensor: Callable[[Axis, Axis, Axis], Value]) -> Value:
    """T (K ⊗ X) T'ᵀ, T and T' the tensors of rows and columns with rows for the output, columns (kernel, input)."""
    found = algebra.kron(turned(algebra, w, slide.kernel) if slide.is_turned else w, x)
    for output, kernel, source in slide.sides:
        if output or source:
            found = algebra.matmul(tensor(output, kernel, source), found, kernel + source)
        found = algebra.transpose(found)
    return found


def contracted(field: Field, x: Array, w: Array, rows: Array, cols: Array) -> Array:
    """y_ab = Σ T_apl w_pq x_lm T'_bqm: the tensors of rows and columns have the slots output, kernel, input."""
    (a, p, n), (b, q, m) = rows.shape[-3:], cols.shape[-3:]
    found = field.matmul(_shaped(rows, 3, a * p, n), x)
    found = _shaped(_shaped(found, 2, a, p, m).swapaxes(-1, -2), 3, a * m, p)
    found = _shaped(_shaped(field.matmul(found, w), 2, a, m, q).swapaxes(-1, -2), 3, a, q * m)
    return field.matmul(found, _shaped(cols, 3, b, q * m).swapaxes(-1, -2))


def _shaped(a: Array, last: int, *lengths: int) -> Array:
    """The same entries with other axes in the place of the last ones."""
    return a.reshape(*a.shape[: a.ndim - last], *lengths)


def largest(sides: list[list[int]], slide: Slide, is_opaque: bool) -> int:
    """The most entries of an array on the way: the padded input, or the input under the tensor of its rows."""
    (a, p, n), (b, q, m) = sides
    if is_opaque:
        return max(a * p * m, a * m * q, a * b)
    return (n + 2 * p) * (m + 2 * q) if slide.is_full else a * b


def slide_places(p: int, q: int, long: int, is_symmetric: bool) -> Array:
    """A number for each entry of T: equal ones for (i, j, l) and (j, i, l) where the two short sizes are one."""
    i, j, place = np.ogrid[:p, :q, :long]
    if is_symmetric:
        i, j = np.minimum(i, j), np.maximum(i, j)
    return np.asarray((i * q + j) * long + place)


# --- concrete ----------------------------------------------------------------------------------------------------


def flipped(a: Array) -> Array:
    """Rows and columns in reverse order."""
    return a[..., ::-1, ::-1]


def slid(field: Field, x: Array, w: Array, slide: Slide) -> Array:
    """Valid: y_ab = Σ_pq w_pq x_{a+p, b+q}. Full: zeros around x, and the kernel read backwards.

    Raises `Unsupported` where the kernel is larger than the input: there is no such claim at these sizes.
    """
    high, wide = w.shape[-2:]
    if slide.is_full:
        x = np.pad(x, [(0, 0)] * (x.ndim - 2) + [(high - 1, high - 1), (wide - 1, wide - 1)])
    rows, cols = x.shape[-2] - high + 1, x.shape[-1] - wide + 1
    if rows < 1 or cols < 1:
        raise Unsupported(f"a kernel of {high}×{wide} in an input of {x.shape[-2]}×{x.shape[-1]}")
    w = flipped(w) if slide.is_turned != slide.is_full else w
    terms = (
        field.multiply(w[..., p : p + 1, q : q + 1], x[..., p : p + rows, q : q + cols])
        for p, q in np.ndindex(high, wide)
    )
    found = next(terms)
    for term in terms:
        found = field.add(found, term)
    return found
