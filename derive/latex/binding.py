"""The pieces of a printed formula: how tightly its outermost operator binds, names with indices, scripts."""

from __future__ import annotations

from typing import Any

import sympy as sp

SUM, ENTRY, PRODUCT, ATOM = range(4)
BIG = -1  # Σ and Π: last in a product or a term of a sum, in parentheses anywhere else
Text = tuple[str, int]


def name_with_index(name: str, index: str) -> str:
    """A family's member: \\mathrm{Net}_{t-1}, \\mathrm{Net}^{l}_t; an index joins a subscript that is there."""
    if not index:
        return name
    base, sign, sub = name.partition("_")
    if sign:
        return f"{base}_{{{sub.strip('{}')},{index}}}"
    return f"{name}_{braced(index)}"


def primed(name: str, order: int) -> str:
    """f', f''; the primes stand before a superscript: f'^{l-1}."""
    base, sign, sup = name.partition("^")
    return base + "'" * order + sign + sup


def index_text(index: Any) -> str:
    """An affine index as t-k-1, without spaces: what is added first, then what is taken away, the number last."""
    terms = sp.Add.make_args(sp.sympify(index))
    ordered = sorted(terms, key=lambda term: (bool(term.is_number), bool(term.could_extract_minus_sign()), str(term)))
    text = "".join(("" if term.could_extract_minus_sign() else "+") + sp.latex(term) for term in ordered)
    return text.replace(" ", "").removeprefix("+")


def size_text(size: Any) -> str:
    """A size: n-k+1 of one that is a sum, which never begins with a minus."""
    return index_text(size) if isinstance(size, sp.Add) else sp.latex(size)


def braced(text: str) -> str:
    """A script of one sign as it is, of several in braces."""
    return text if len(text) == 1 else f"{{{text}}}"
