"""Inverses and determinants of every kind of number, with error bounds; a singular matrix is out of scope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp
from sympy.polys.rings import PolyElement

from verify.oracles.arithmetic import UNIT, Array, Bounded, Dual, Number, linear, value_of
from verify.oracles.exact import NotPolynomial
from verify.oracles.limits import OutOfScope, check_size

LARGEST = 8  # sizes whose determinants are differentiated by minors


def inverse(number: Number) -> Number:
    """A⁻¹, and d(A⁻¹) = -A⁻¹ dA A⁻¹. Raises OutOfScope where A is singular."""
    if isinstance(number, Dual):
        found = inverse(number.value)
        return Dual(number.level, found, -1 * (found @ number.change @ found))
    if isinstance(number, Bounded):
        return _bounded_inverse(number)
    if number.dtype == object:
        return _by_matrix(number, lambda m: m.adjugate() / _nonzero(m.det(method="berkowitz")))
    try:
        return np.linalg.inv(number)
    except np.linalg.LinAlgError:
        raise OutOfScope("the inverse of a singular matrix") from None


def _nonzero(det: Any) -> Any:
    if det == 0:
        raise OutOfScope("the inverse of a singular matrix")
    return det


def _bounded_inverse(a: Bounded) -> Bounded:
    """X - X̂ = X̂ R (I - R)⁻¹ for R = I - A X̂, so every entry is off by at most |X̂| 2‖R‖ where ‖R‖ ≤ 1/2."""
    found = np.asarray(inverse(a.value))
    size, n = np.abs(found), found.shape[-1]
    residual = np.abs(np.eye(n) - a.value @ found) + (n + 2) * UNIT * (np.abs(a.value) @ size + np.eye(n))
    if a.error is not None:
        residual = residual + a.error @ size
    norm = residual.sum(-1, keepdims=True).max(-2, keepdims=True)
    error = np.where(norm <= 0.5, 2 * norm * size.sum(-1, keepdims=True), np.inf)
    return Bounded(found, size @ a.size @ size, np.broadcast_to(error, found.shape))


def determinant(number: Number) -> Number:
    """det A, and d det A = Σ_ij C_ij dA_ij with the cofactors C: right for singular A as well."""
    if isinstance(number, Dual):
        return Dual(number.level, determinant(number.value), _slope(number.value, number.change))
    if isinstance(number, Bounded):
        return _bounded_determinant(number)
    if number.dtype == object:
        return _by_matrix(number, lambda m: sp.Matrix([[m.det(method="berkowitz")]]))
    return np.asarray(np.linalg.det(number))[..., None, None]


def _slope(a: Number, change: Number) -> Number:
    n = value_of(a).shape[-1]
    check_size("rows of a determinant", n, LARGEST)
    terms = [(-1) ** (i + j) * (determinant(_minor(a, i, j)) * _entry(change, i, j)) for i, j in np.ndindex(n, n)]
    return sum(terms[1:], terms[0])


def _entry(a: Number, i: int, j: int) -> Number:
    return linear(lambda array: array[..., i : i + 1, j : j + 1], a)


def _minor(a: Number, i: int, j: int) -> Number:
    """A without row i and column j."""
    return linear(lambda array: np.delete(np.delete(array, i, -2), j, -1), a)


def _bounded_determinant(a: Bounded) -> Bounded:
    """|det(A + E) - det A| ≤ n ‖E‖ (‖A‖ + ‖E‖)^(n-1) (Ipsen & Rehman 2008), E the error and that of LU.

    LU with partial pivoting is exact for some A + E, |E| ≤ n u |L| |U|; a growth of 8 is allowed.
    """
    n = a.value.shape[-1]
    largest = np.abs(a.value).max((-2, -1), keepdims=True, initial=0.0)
    moved = 8 * n * n * UNIT * np.broadcast_to(largest, a.value.shape)
    moved = moved if a.error is None else moved + a.error
    norm, size = (np.sqrt((part * part).sum((-2, -1), keepdims=True)) for part in (moved, a.size))
    found = determinant(a.value) if n else np.ones((1, 1))
    return Bounded(found, size**n, n * norm * (size + norm) ** max(n - 1, 0) + 4 * UNIT * np.abs(found))


def _by_matrix(array: Array, change: Callable[[Any], Any]) -> Array:
    """A change of every matrix of exact entries."""
    if any(isinstance(entry, PolyElement) for entry in array.flat):
        raise NotPolynomial
    matrices = [sp.Matrix(matrix.tolist()) for matrix in array.reshape(-1, *array.shape[-2:])]
    found = [np.array(change(matrix).tolist(), dtype=object) for matrix in matrices]
    return np.stack(found).reshape(*array.shape[:-2], *found[0].shape)
