"""Entries, blocks and inverses as LaTeX: rows P_{i:}, derivatives by one entry, (a_ij), bmatrix, A^{-1}, det."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sympy as sp

from derive.language import nodes
from derive.language.derivatives import Gradient
from derive.latex.binding import ATOM, Text

if TYPE_CHECKING:  # the printer's table lists these functions, and they print what is inside
    from derive.latex.printer import Printer


def entries(printer: Printer, expr: nodes.Entries) -> Text:
    """P_{i:}, P_{:j}, ∂y/∂W_{ij}; else (a_ij)_{ij}, a column (a_i)_i, a row its transpose."""
    return _slice(printer, expr) or _by_entry(printer, expr) or _in_general(printer, expr)


def _in_general(printer: Printer, expr: nodes.Entries) -> Text:
    text = f"\\left({printer.text(expr.body)}\\right)_{{{letters(*(letter for letter, _ in expr.bound))}}}"
    return (f"{text}^\\top" if expr.row is None and expr.col is not None else text), ATOM


def _slice(printer: Printer, expr: nodes.Entries) -> Text | None:
    """A row or a column of a matrix, the other letter free."""
    inner = expr.body
    if not isinstance(inner, nodes.Component) or len(expr.bound) != 1 or None in (inner.row, inner.col):
        return None
    letter, _ = expr.bound[0]
    if (inner.row == letter) == (inner.col == letter):
        return None
    is_row = inner.col == letter
    places = f"{letters(inner.row)}:" if is_row else f":{letters(inner.col)}"
    turned = "^\\top" if is_row != (expr.row is None) else ""
    return f"{printer.indexed(inner.matrix)}_{{{places}}}{turned}", ATOM


def _by_entry(printer: Printer, expr: nodes.Entries) -> Text | None:
    """∂y/∂W_ij of a column y: the entries are the components of the gradients of y's components."""
    by = expr.body
    if not isinstance(by, nodes.Component) or not isinstance(by.matrix, Gradient) or expr.col is not None:
        return None
    what, variable = by.matrix.what, by.matrix.by
    is_entry = isinstance(what, nodes.Component) and what.col is None and what.row == expr.row
    if not is_entry or expr.row in (by.row, by.col) or what.matrix.has(expr.row):
        return None
    sign = "\\partial^{+}" if by.matrix.mode == "immediate" else "\\partial"
    entry = printer.text(nodes.Component(variable, by.row, by.col))
    return f"\\frac{{{sign} {printer.at_least(what.matrix, ATOM)}}}{{\\partial {entry}}}", ATOM


def blocks(printer: Printer, expr: nodes.Blocks) -> Text:
    """A bmatrix."""
    rows = " \\\\ ".join(" & ".join(map(printer.text, row)) for row in expr.rows_of_blocks)
    return f"\\begin{{bmatrix}} {rows} \\end{{bmatrix}}", ATOM


def inverse(printer: Printer, expr: nodes.Inverse) -> Text:
    """A^{-1}."""
    return printer.scripted(expr.matrix, "{-1}"), ATOM


def det(printer: Printer, expr: nodes.Det) -> Text:
    """det(A)."""
    return f"\\det\\left({printer.text(expr.matrix)}\\right)", ATOM


def letters(*selectors: Any) -> str:
    """Component letters side by side; a number as it was written, with a comma before the next one."""
    texts = [_letter(selector) for selector in selectors if selector is not None]
    return ("," if all(text.isdigit() for text in texts) else "").join(texts)


def _letter(selector: Any) -> str:
    """i; the number 1 of the letter #1_n, which stands for the entry 1 of an axis n."""
    name = str(selector)
    return name[1:].partition("_")[0] if name.startswith("#") else sp.latex(selector)
