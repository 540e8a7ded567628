"""0, 1, I, K and δ as LaTeX, and ⊗, whose factors must say their sizes themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sympy as sp

from derive.language import nodes
from derive.language.build import is_zero
from derive.language.shapes import axes
from derive.latex.arrays import letters
from derive.latex.binding import ATOM, ENTRY, PRODUCT, Text, braced, size_text

if TYPE_CHECKING:  # the printer's table lists these functions, and they print what is inside
    from derive.latex.printer import Printer


def identity(printer: Printer, expr: Any) -> Text:
    """I_n."""
    size = size_text(expr.shape[0])
    return ("1" if size == "1" else f"I_{braced(size)}"), ATOM


def zero(printer: Printer, expr: Any) -> Text:
    """0."""
    return "0", ATOM


def ones(printer: Printer, expr: Any) -> Text:
    """1 in bold: a column; a row is its transpose, a matrix their product."""
    shape = axes(expr)
    if shape.is_scalar:
        return "1", ATOM
    if shape.cols == ():
        return "\\mathbf{1}", ATOM
    return ("\\mathbf{1}^\\top", ATOM) if shape.rows == () else ("\\mathbf{1} \\mathbf{1}^\\top", PRODUCT)


def commutation(printer: Printer, expr: Any) -> Text:
    """K_{n,m}."""
    return "K_{" + ",".join(sp.latex(size) for size in expr.args) + "}", ATOM


def delta(printer: Printer, expr: Any) -> Text:
    """\\delta_{ij}."""
    return f"\\delta_{{{letters(*expr.args)}}}", ATOM


def kronecker(printer: Printer, expr: nodes.Kronecker) -> Text:
    """A ⊗ B, grouped from the left."""
    left, right = expr.args
    if is_zero(expr):
        return "0", ATOM
    is_chain = isinstance(left, nodes.Kronecker) and not is_zero(left)
    first = printer.text(left) if is_chain else _sized(printer, left)
    return f"{first} \\otimes {_sized(printer, right)}", ENTRY


def _sized(printer: Printer, expr: Any) -> str:
    """A factor of ⊗; ones say how many they are, since nothing beside them does."""
    if not isinstance(expr, sp.OneMatrix) or axes(expr).is_scalar:
        return printer.at_least(expr, PRODUCT)
    rows, cols = (f"\\mathbf{{1}}_{braced(size_text(size))}" for size in expr.shape)
    return " ".join([rows] * (expr.shape[0] != 1) + [f"{cols}^\\top"] * (expr.shape[1] != 1))
