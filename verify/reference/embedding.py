"""An embedding, forward and backward: the input of a recurrent cell is a column of a matrix, chosen by a word's number.

x_t = A e_{w_t}      t = 1 … T,  e_j the j-th unit vector

w (T, B), integers from 0 · A (m, v), one column a word · x (T, B, m)
"""

from __future__ import annotations

import numpy as np

from verify.reference.sequences import Array, Arrays, check_cotangents, direct
from verify.reference.shapes import Shapes

SHAPES = Shapes({"w": "T B", "A": "m v"}, {})


def check_inputs(inputs: Arrays) -> None:
    """Raises KeyError for a key too few or too many, IndexError for a word that has no column."""
    SHAPES.check(inputs)
    words, size = inputs["w"], inputs["A"].shape[-1]
    if not np.issubdtype(words.dtype, np.integer) or (words < 0).any() or (words >= size).any():
        raise IndexError(f"words are integers from 0 to {size - 1}")


def forward(inputs: Arrays) -> dict[str, Array]:
    """x. Keys and shapes as in the module's heading."""
    check_inputs(inputs)
    return {"x": np.moveaxis(inputs["A"][:, inputs["w"]], 0, -1)}


def backward(inputs: Arrays, values: Arrays, cotangents: Arrays) -> dict[str, Array]:
    """Ā = Σ_t x̄_t e_{w_t}ᵀ: a column receives the adjoints of every place where its word stands."""
    check_inputs(inputs)
    check_cotangents(cotangents, values)
    x_bar = direct(cotangents, values, "x")
    columns = np.zeros((inputs["A"].shape[-1], inputs["A"].shape[0]), x_bar.dtype)
    np.add.at(columns, inputs["w"], x_bar)
    return {"x": x_bar, "A": columns.T}
