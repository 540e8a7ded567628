"""softmax: the one activation that acts on a whole vector."""

from __future__ import annotations

from typing import Any

from derive.language.build import diag, matadd, matmul, negate, transpose


def softmax_jacobian(value: Any) -> Any:
    """d softmax(z) = (diag(p) - p pᵀ) dz with p = softmax(z)."""
    return matadd(diag(value), negate(matmul(value, transpose(value))))
