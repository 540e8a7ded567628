"""The constants that rules leave behind, in the axes of what they stand for."""

from __future__ import annotations

from typing import Any

import sympy as sp

from derive.language.build import constant, identity
from derive.language.shapes import axes


def zero_like(node: Any) -> sp.MatrixExpr:
    """0 in the shape of a node; an axis n·m keeps its order, which SymPy's 0 does not know."""
    return constant(sp.ZeroMatrix, *axes(node).plain)


def identity_like(node: Any) -> sp.MatrixExpr:
    """I of the row axis of a square node."""
    return identity(axes(node).rows)
