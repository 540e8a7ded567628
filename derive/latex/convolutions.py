"""Convolution as it is read and written: declared operators, correlate(x, w), convolve_full(δ, w), flip, rot180.

A sign such as `*` means one of the four kinds where a document declares it; a printed formula names the kind, so that
it is read back without a declaration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from derive.errors import NotationError
from derive.language.convolution import CONVOLVE, CORRELATE, FULL, SLIDES, Convolution, Flip, flip
from derive.language.shapes import axes, is_coefficient
from derive.latex import syntax
from derive.latex.binding import ATOM, Text
from derive.latex.lexicon import without_font
from derive.latex.syntax import Scripts
from derive.latex.unsized import fit

if TYPE_CHECKING:  # the reader and the printer call these functions, and they read and print what is inside
    from derive.latex.elaborate import Reader
    from derive.latex.printer import Printer

FLIPS = ("flip", "rot180")
FUNCTIONS = (CORRELATE, CONVOLVE, *FLIPS)


def is_convolution(operator: str) -> bool:
    """Whether an operator slides a kernel."""
    return operator in SLIDES


def joined(reader: Reader, node: syntax.Entrywise) -> Any:
    """x * w by a declared sign, the kernel on the right."""
    if len(node.operands) != 2:
        wrong = "convolutions side by side: say with brackets which comes first"
        raise NotationError(wrong, node.start, node.end)
    return _slid(reader, node, node.operator, node.operands)


def applied(reader: Reader, node: syntax.Apply) -> Any:
    """correlate(x, w), convolve_full(x, w), flip(w) of a vector, rot180(K)."""
    name = node.function.lstrip("\\")
    is_full = "".join(without_font(token.text) for token in node.own.sub) == FULL.strip()
    if node.own != Scripts(sub=node.own.sub) or (node.own.sub and (name in FLIPS or not is_full)):
        expected = "no scripts" if name in FLIPS else "no script but _{\\mathrm{full}}"
        raise NotationError(f"{name} takes {expected} before its argument", node.start, node.end)
    if name not in FLIPS:
        parts = node.argument.parts if isinstance(node.argument, syntax.Bracket) else ()
        if len(parts) != 2 or any(part.relations for part in parts):
            raise NotationError(f"{name} takes two arguments, the kernel last", node.start, node.end)
        return _slid(reader, node, name + FULL * is_full, tuple(part.sides[0] for part in parts))
    value = _array(reader, node.argument)
    if name == "flip" and not axes(value).is_vector:
        wrong = "flip of a matrix may be of its rows, of its columns or of both; rot180 is of both"
        raise NotationError(wrong, node.start, node.end)
    return flip(value)


def _slid(reader: Reader, node: syntax.Node, kind: str, operands: tuple[syntax.Node, ...]) -> Any:
    return reader.slid(Convolution(kind, *(_array(reader, operand) for operand in operands)))


def _array(reader: Reader, node: syntax.Node) -> Any:
    value = reader.argument(node)
    if is_coefficient(value):
        raise NotationError("a convolution is of two arrays, not of a number", node.start, node.end)
    return fit(value, None)


def convolution(printer: Printer, expr: Convolution) -> Text:
    """correlate(x, w), convolve_full(δ, w)."""
    name = CONVOLVE if expr.is_flipped else CORRELATE
    script = "_{\\mathrm{full}}" if expr.is_full else ""
    arguments = ", ".join(printer.text(part) for part in (expr.source, expr.kernel))
    return f"\\operatorname{{{name}}}{script}\\left({arguments}\\right)", ATOM


def flipped(printer: Printer, expr: Flip) -> Text:
    """flip(w) of a vector, rot180(K) of a matrix."""
    name = "flip" if axes(expr).is_vector else "rot180"
    return f"\\operatorname{{{name}}}\\left({printer.text(expr.matrix)}\\right)", ATOM
