"""The pieces of a printed formula: how tightly its outermost operator binds, names with indices, scripts."""

from __future__ import annotations

import re
from typing import Any

import sympy as sp

SUM, ENTRY, PRODUCT, ATOM = range(4)
BIG = -1  # Σ and Π: last in a product or a term of a sum, in parentheses anywhere else
Text = tuple[str, int]


def name_with_index(name: str, index: str) -> str:
    """A family's member: \\mathrm{Net}_{t-1}, \\mathrm{Net}^{l}_t; an index joins a subscript that is there.

    A subscript inside a superscript is none of the name's own: \\delta^{z_{i}}_t.
    """
    if not index:
        return name
    split = _subscript(name)
    if split is None:
        return f"{name}_{braced(index)}"
    base, sub, rest = split
    return f"{base}_{{{sub},{index}}}{rest}"


def _subscript(name: str) -> tuple[str, str, str] | None:
    """What stands before the subscript outside all braces, what is in it, and what stands behind."""
    depth = 0
    for place, sign in enumerate(name):
        depth += (sign == "{") - (sign == "}")
        if sign == "_" and depth == 0:
            end = _end_of_group(name, place + 1)
            inner = name[place + 1 : end]
            return name[:place], inner[1:-1] if inner.startswith("{") else inner, name[end:]
    return None


def _end_of_group(name: str, start: int) -> int:
    """Where a script that begins at `start` ends: behind its closing brace, its command or its one sign."""
    if name[start : start + 1] != "{":
        command = re.match(r"\\[A-Za-z]+|.", name[start:])
        return start + (command.end() if command else 0)
    depth = 0
    for place in range(start, len(name)):
        depth += (name[place] == "{") - (name[place] == "}")
        if depth == 0:
            return place + 1
    return len(name)


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
