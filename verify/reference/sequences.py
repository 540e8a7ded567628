"""Arrays over time and batch, and the books that a forward and a backward pass keep.

Arrays are time-major with one row for each member of the batch: (T, B, n). A product U x_t is written x_t Uᵀ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Arrays = Mapping[str, Array]


def transposed(matrix: Array) -> Array:
    """Aᵀ of the last two axes."""
    return matrix.swapaxes(-1, -2)


def over_time(steps: Iterable[Array]) -> Array:
    """One array (T, ...) from one array a step; axes that only some steps carry are repeated."""
    arrays = list(steps)
    is_even = len({array.shape for array in arrays}) == 1
    return np.stack(arrays if is_even else np.broadcast_arrays(*arrays))


def sum_over_time(terms: Iterable[Array]) -> Array:
    """Σ_t of the terms."""
    return over_time(terms).sum(axis=0)


def row(bias: Array) -> Array:
    """A bias (..., n) as a row (..., 1, n) that every member of the batch receives."""
    return bias[..., None, :]


def outer(d: Array, x: Array) -> Array:
    """Σ_batch d xᵀ: (..., B, n), (..., B, m) -> (..., n, m)."""
    return transposed(d) @ x


def summed_outer(ds: Iterable[Array], xs: Iterable[Array]) -> Array:
    """Σ_t Σ_batch d_t x_tᵀ as one product: (T, ..., B, n), (T, ..., B, m) -> (..., n, m)."""
    return outer(side_by_side(ds), side_by_side(xs))


def summed(ds: Array) -> Array:
    """Σ_t Σ_batch d_t: (T, ..., B, n) -> (..., n)."""
    total: Array = ds.sum(axis=-2).sum(axis=0)
    return total


def side_by_side(steps: Iterable[Array]) -> Array:
    """The rows of all steps under one another: (T, ..., B, n) -> (..., T B, n)."""
    array = np.moveaxis(steps if isinstance(steps, np.ndarray) else over_time(steps), 0, -3)
    return array.reshape(*array.shape[:-3], array.shape[-3] * array.shape[-2], array.shape[-1])


def one_after_another(rows: Array, steps: int) -> Array:
    """What `side_by_side` has put together, by steps again: (..., T B, n) -> (T, ..., B, n)."""
    array = rows.reshape(*rows.shape[:-2], steps, rows.shape[-2] // steps, rows.shape[-1])
    return np.moveaxis(array, -3, 0)


def before(initial: Array, states: Array) -> list[Array]:
    """s_0 … s_{T-1}: what each step finds."""
    return [initial, *states[:-1]]


def check_cotangents(cotangents: Arrays, values: Arrays) -> None:
    """Raises KeyError for a cotangent of nothing: a misspelt key must not count as zero."""
    unknown = set(cotangents) - set(values)
    if unknown:
        raise KeyError(f"cotangents of {', '.join(sorted(unknown))}; expected some of {', '.join(sorted(values))}")


def direct(cotangents: Arrays, values: Arrays, key: str) -> Array:
    """The direct cotangent of a value: zero where none was given."""
    return cotangents[key] if key in cotangents else np.zeros_like(values[key])


class Values:
    """What a forward pass computes, step after step, each value under its name."""

    def __init__(self) -> None:
        self.steps: dict[str, list[Array]] = {}

    def __call__(self, key: str, value: Array) -> Array:
        self.steps.setdefault(key, []).append(value)
        return value

    def arrays(self) -> dict[str, Array]:
        """The values (T, ...) by name."""
        return {key: over_time(steps) for key, steps in self.steps.items()}


class Adjoints:
    """v̄_t = direct cotangent of v_t + what v_t receives from the values that read it: the total derivative ∂E/∂v_t.

    Each adjoint is entered once for each step, from the last step to the first.
    """

    def __init__(self, cotangents: Arrays, values: Arrays) -> None:
        check_cotangents(cotangents, values)
        self.cotangents, self.values = cotangents, values
        self.steps: dict[str, list[Array]] = {}

    def __call__(self, key: str, k: int, received: Array | float = 0.0) -> Array:
        if key in self.cotangents:
            total: Array = self.cotangents[key][k] + received
        else:
            total = np.zeros_like(self.values[key][k]) if isinstance(received, float) else received
        self.steps.setdefault(key, []).append(total)
        return total

    def arrays(self) -> dict[str, Array]:
        """The adjoints (T, ...) by name."""
        return {key: over_time(steps[::-1]) for key, steps in self.steps.items()}
