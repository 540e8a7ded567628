"""How tightly the outermost operator of a printed formula binds."""

from __future__ import annotations

SUM, ENTRY, PRODUCT, ATOM = range(4)
BIG = -1  # Σ and Π: last in a product or a term of a sum, in parentheses anywhere else
Text = tuple[str, int]
