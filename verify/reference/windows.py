"""A series as samples for a recurrent network: each window of `width` values and the value that follows it.

d_1, d_2 → d_3      d_2, d_3 → d_4      …                             (width = 2)
"""

from __future__ import annotations

import numpy as np

from verify.reference.sequences import Array


def windows(series: Array, width: int, ahead: int = 1) -> tuple[Array, Array]:
    """Inputs x (T = width, B, m) and targets (B, m), sample j being d_{j+1} … d_{j+width} → d_{j+width+ahead}.

    `series` is (N,) or (N, m), oldest first; B = N - width - ahead + 1. Raises ValueError where not one window fits.
    """
    steps = np.asarray(series)
    steps = steps[:, None] if steps.ndim == 1 else steps
    if steps.ndim != 2:
        raise ValueError(f"a series is (N,) or (N, m), not {steps.shape}")
    if width < 1 or ahead < 1:
        raise ValueError(f"width {width} and ahead {ahead} must be at least 1")
    count = len(steps) - width - ahead + 1
    if count < 1:
        raise ValueError(f"{len(steps)} values hold no window of {width} with a target {ahead} after it")
    inputs = np.stack([steps[k : k + count] for k in range(width)])
    return inputs, steps[width + ahead - 1 :]
