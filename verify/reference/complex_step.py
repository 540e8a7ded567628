"""The complex step by blocks (Squire & Trapp 1998): one direction for each block of entries, all blocks in one run.

    ⟨∂E/∂θ_b, d_b⟩ = Im E(θ_b + i h d_b) / h        b = 1 … the number of blocks, a block being one input or parameter

h = 2^-400: its square vanishes against every value, so the quotient is exact up to rounding. The forward pass alone is
run, on one copy of the blocks for each of them, in which that block moves and the others stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from verify.reference.sequences import Array, Arrays, check_cotangents

STEP = 2.0**-400
NUMBERS = 1 << 22  # complex ones, in all copies of a run: 64 MB


def slopes(
    forward: Callable[[Arrays], dict[str, Array]], inputs: Arrays, directions: Arrays, cotangents: Arrays
) -> dict[str, float]:
    """How fast E = Σ cotangents · values grows as one block moves: for each of `directions`, by its key.

    `forward` takes further axes before the last two (after T in the sequence x; before the last one in a bias).
    """
    lost = sorted(set(directions) - set(inputs))
    if lost:
        raise KeyError(f"directions for {', '.join(lost)}, which are not among the inputs {', '.join(sorted(inputs))}")
    found: dict[str, float] = {}
    for keys in runs({key: inputs[key].size for key in directions}):
        values = forward({key: stepped(key, array, keys, directions) for key, array in inputs.items()})
        check_cotangents(cotangents, values)
        energies = sum(
            (np.expand_dims(cotangent, 1) * values[key].imag).sum(axis=(0, -2, -1))
            for key, cotangent in cotangents.items()
        )
        found |= dict(zip(keys, np.broadcast_to(energies / STEP, len(keys)).tolist(), strict=True))
    return found


def stepped(key: str, array: Array, keys: list[str], directions: Arrays) -> Array:
    """An input, once for each block of a run: θ + i h d in its own copy, θ in the others, real where all are so."""
    axis = 1 if key == "x" else 0
    lone = np.expand_dims(array, axis)
    if key not in keys:
        return lone
    copies = np.repeat(lone, len(keys), axis).astype(complex)
    np.moveaxis(copies, axis, 0)[keys.index(key)] += 1j * STEP * directions[key]
    return copies


def runs(sizes: Mapping[str, int], most: int = NUMBERS) -> Iterator[list[str]]:
    """Blocks that go together: as many as keep (blocks of a run) · (their entries) within `most`, and at least one."""
    together: list[str] = []
    for key, size in sizes.items():
        if together and (len(together) + 1) * (size + sum(sizes[k] for k in together)) > most:
            yield together
            together = []
        together = [*together, key]
    if together:
        yield together
