"""The batch split over Python threads: NumPy lets go of the interpreter's lock, each thread's BLAS has one thread."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from benchmarks.side_by_side.problems import Arrays, Model

Gradients = Callable[[Arrays, Arrays], Arrays]


def split(model: Model, gradients: Gradients, threads: int = 2) -> Gradients:
    """`gradients` of each part of the batch at once: x's and the starts' joined, the parameters' summed."""
    batched = ("x", *model.starts)

    def run(inputs: Arrays, direct: Arrays) -> Arrays:
        size = inputs["x"].shape[1]
        parts = [slice(size * k // threads, size * (k + 1) // threads) for k in range(threads)]

        def part(at: slice) -> Arrays:
            own = inputs | {key: np.ascontiguousarray(inputs[key][..., at, :]) for key in batched}
            return gradients(own, {key: np.ascontiguousarray(array[:, at]) for key, array in direct.items()})

        with ThreadPoolExecutor(threads) as pool:
            found = list(pool.map(part, parts))
        joined = {key: np.concatenate([one[key] for one in found], axis=-2) for key in batched}
        return joined | {key: sum(one[key] for one in found[1:]) + found[0][key] for key in model.parameters}

    return run
