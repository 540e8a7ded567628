"""Peak memory of forward and backward, beside the arrays that the formulas need.

Needed are: every value that a derivative is taken at or that the next step reads, over all steps; a δ for each gate and
step; the gradients. tracemalloc counts what NumPy allocates.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.side_by_side.comparisons import numpy_subjects
from benchmarks.side_by_side.problems import Arrays, Model, Point, cotangents, inputs

VALUES = {"rnn": 1, "lstm": 6, "gru": 5}  # of n numbers a step: s · i f g o c h · r z n q h


def needed(model: Model, point: Point, dtype: str) -> int:
    """Bytes of the arrays that the formulas need."""
    B, T, m, n = point
    gates = len(model.gates)
    steps = T * B * ((VALUES[model.name] + gates) * n + m)
    parameters = gates * n * (m + n + 1) + len(model.extra) * n + len(model.starts) * B * n
    return (steps + parameters) * int(np.dtype(dtype).itemsize)


def peak(gradients: Callable[[Arrays, Arrays], Any], inputs: Arrays, direct: Arrays) -> int:
    """Bytes at the highest point, above what was there before; the result is counted."""
    gradients(inputs, direct)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        found = gradients(inputs, direct)
        top = tracemalloc.get_traced_memory()[1]
        del found
    finally:
        tracemalloc.stop()
    return top - before


def measured(model: Model, point: Point, dtype: str, folder: Path | None = None) -> dict[str, Any]:
    """Peaks of what is NumPy, at T and at 2 T steps, beside what is needed."""
    found: dict[str, Any] = {}
    for steps in (point.T, 2 * point.T):
        at = point._replace(T=steps)
        values, direct = inputs(model, at, dtype), cotangents(model, at, dtype)
        for name, run in numpy_subjects(model.name, folder).items():
            found.setdefault(name, []).append([steps, needed(model, at, dtype), peak(run, values, direct)])
    return {"peaks": found, "skipped": {}}
