"""Matrices of numbers that carry derivatives; leading axes, if any, belong to what is differentiated by.

The text of what a program uses is copied into it, so nothing here may need more than NumPy.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from verify.explain.functions import known, reciprocal_slopes, sqrt_slopes
from verify.explain.numbers import each, plain


def exact(rows: Any) -> Any:
    """A matrix of exact numbers."""
    return each(lambda z: z if isinstance(z, float) else Fraction(z), np.array(rows, dtype=object))


def eye(n: int) -> Any:
    """I."""
    return np.eye(n, dtype=int).astype(object)


def zeros(rows: int, cols: int) -> Any:
    """0."""
    return np.zeros((rows, cols), dtype=int).astype(object)


def ones(rows: int, cols: int) -> Any:
    """1 everywhere."""
    return np.ones((rows, cols), dtype=int).astype(object)


def turned(a: Any) -> Any:
    """Aᵀ."""
    return a.swapaxes(-1, -2)


def diag(a: Any) -> Any:
    """diag(v)."""
    column = a.reshape(*a.shape[:-2], -1, 1)
    return column * eye(column.shape[-2])


def vec(a: Any, order: str) -> Any:
    """vec A: the columns below one another, or the rows."""
    a = turned(a) if order == "column" else a
    return a.reshape(*a.shape[:-2], -1, 1)


def kron(a: Any, b: Any) -> Any:
    """A ⊗ B."""
    found = a[..., :, None, :, None] * b[..., None, :, None, :]
    return found.reshape(*found.shape[:-4], found.shape[-4] * found.shape[-3], -1)


def commutation(n: int, m: int) -> Any:
    """K with vec(Aᵀ) = K vec(A) for every n×m matrix A."""
    found = zeros(n * m, n * m)
    for i, j in product(range(n), range(m)):
        found[i * m + j, j * n + i] = 1
    return found


def flip(a: Any) -> Any:
    """The entries in reverse order along both axes."""
    return a[..., ::-1, ::-1]


def slide(kind: str, x: Any, w: Any) -> Any:
    """A kernel w over x: Σ_pq w_pq x_{i+p, j+q}; convolve flips the kernel, full puts zeros around x first."""
    k, m = w.shape[-2:]
    if kind.endswith("full"):
        framed = np.zeros((*x.shape[:-2], x.shape[-2] + 2 * k - 2, x.shape[-1] + 2 * m - 2), dtype=int).astype(object)
        framed[..., k - 1 : framed.shape[-2] - k + 1, m - 1 : framed.shape[-1] - m + 1] = x
        x = framed
    w = flip(w) if kind.startswith("convolve") else w
    rows, cols = x.shape[-2] - k + 1, x.shape[-1] - m + 1
    places = product(range(k), range(m))
    return sum(w[..., p : p + 1, q : q + 1] * x[..., p : p + rows, q : q + cols] for p, q in places)


def trace(a: Any) -> Any:
    """tr A as a 1×1 matrix."""
    found = (a * eye(a.shape[-1])).sum(axis=(-2, -1))
    return np.asarray(found, dtype=object)[..., None, None]


def entry(a: Any, i: int, j: int) -> Any:
    """A_ij as a 1×1 matrix; indices count from 1."""
    return a[..., i - 1 : i, j - 1 : j]


def grid(rows: Any) -> Any:
    """Rows of blocks as one matrix."""
    lead = np.broadcast_shapes(*(a.shape[:-2] for row in rows for a in row))
    full = [[np.broadcast_to(a, (*lead, *a.shape[-2:])) for a in row] for row in rows]
    return np.concatenate([np.concatenate(row, axis=-1) for row in full], axis=-2)


def minor(a: Any, i: int, j: int) -> Any:
    """A without row i and column j."""
    return np.delete(np.delete(a, i, axis=-2), j, axis=-1)


def determinant(a: Any) -> Any:
    """det A along the first row, as a 1×1 matrix."""
    size = a.shape[-1]
    found = ones(1, 1) * int(size == 0)
    for j in range(size):
        found = found + a[..., :1, j : j + 1] * determinant(minor(a, 0, j)) * (-1) ** j
    return found


def inverse(a: Any) -> Any:
    """A⁻¹ by its cofactors over its determinant."""
    size = range(a.shape[-1])
    cofactors = grid([[determinant(minor(a, j, i)) * (-1) ** (i + j) for j in size] for i in size])
    return cofactors * known(reciprocal_slopes, 0, determinant(a))


def norm(a: Any) -> Any:
    """The root of the sum of squares, as a 1×1 matrix."""
    return known(sqrt_slopes, 0, (a * a).sum(axis=(-2, -1), keepdims=True))


def spectral(a: Any) -> Any:
    """The largest singular value, as a 1×1 matrix."""
    if 1 in a.shape[-2:]:
        return norm(a)
    return np.linalg.norm(a.astype(float), 2, axis=(-2, -1), keepdims=True).astype(object)


def power(a: Any, exponent: int) -> Any:
    """A to a power; the power 0 is I."""
    found = eye(a.shape[-1])
    for _ in range(exponent):
        found = found @ a
    return found


def entry_power(a: Any, exponent: int) -> Any:
    """Every entry to a power."""
    base = a if exponent >= 0 else known(reciprocal_slopes, 0, a)
    found = ones(*a.shape[-2:])
    for _ in range(abs(exponent)):
        found = found * base
    return found


def chain(factors: Any, n: int) -> Any:
    """A product of matrices; the empty one is I."""
    found = eye(n)
    for factor in factors:
        found = found @ factor
    return found


def compare(left: Any, right: Any, relation: str = "=") -> None:
    """Print both sides and where the relation does not hold."""
    left, right = (a[0, 0] if a.ndim == 4 and a.shape[:2] == (1, 1) else a for a in (left, right))
    for name, side in (("left ", left), ("right", right)):
        sys.stdout.write(f"{name} = {written(each(plain, side).tolist())}\n")
    places = [place for place in np.ndindex(left.shape) if fails(plain(left[place]), plain(right[place]), relation)]
    text = ", ".join(str(tuple(i + 1 for i in place)) for place in places)
    if relation == "=":
        sys.stdout.write(f"they differ at {text}\n" if places else "they are equal\n")
    else:
        sys.stdout.write(f"left {relation} right " + (f"fails at {text}\n" if places else "holds\n"))


def fails(a: Any, b: Any, relation: str) -> bool:
    """Whether a relation between two numbers does not hold."""
    found = {"=": apart(a, b), "!=": not apart(a, b), "<": a >= b, "<=": apart(a, b) and a > b}
    return bool(found[relation] if relation in found else fails(b, a, relation.replace(">", "<")))


def apart(a: Any, b: Any) -> bool:
    """Whether two numbers differ, floats by more than rounding."""
    is_rounded = isinstance(a, float) or isinstance(b, float)
    return bool(abs(a - b) > (1e-12 * max(1, abs(a), abs(b)) if is_rounded else 0))


def written(value: Any) -> str:
    """Lists of exact numbers as text."""
    if isinstance(value, list):
        return "[" + ", ".join(written(item) for item in value) + "]"
    return f"{value:.12g}" if isinstance(value, float) else str(value)
