"""The sparsity picture of a Jacobian of vecs or a Kronecker product: which entries can be other than zero, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy as sp

from derive.language.derivatives import BlockJacobian, Jacobian
from derive.language.nodes import Commutation, Kronecker, Vec
from derive.language.shapes import axes
from derive.language.show import show
from verify.claim import Claim
from verify.judge import told
from verify.pictures.labels import Label, indexed
from verify.pictures.patterns import Patterns, Side, Sizes, entry_index, patterns
from verify.pictures.picture import NoPicture, Picture, file_name
from verify.pictures.svg import ACCENT, INK, MUTED, WRONG, Drawing

ROWS, COLS = 16, 20  # at most
CELL, SMALL_CELL = 32.0, 26.0
TOP, GAP = 58.0, 30.0
LONGEST = 70  # characters of a formula in a heading


def sparsity_picture(entry_id: str, claim: Claim | None) -> Picture:
    """Drawn for a claim that writes ⊗, a commutation matrix or a derivative of or by a vec, and is a matrix.

    The right side at small sizes; the left one beside it where its zeros are elsewhere. Raises `NoPicture` for any
    other claim, where no entry or every entry of both sides can be other than zero, or where it is too large to read;
    `BackproofError` for what cannot be evaluated.
    """
    if claim is None or not any(_is_stacked(node) for side in _sides(claim) for node in sp.preorder_traversal(side)):
        raise NoPicture("no Kronecker product and no vec")
    found = patterns(claim, ROWS, COLS)
    right, left = found.right.nonzero, found.left.nonzero
    if min(right.shape) < 2:
        raise NoPicture("a row or a column")
    if (right.all() and left.all()) or not (right.any() or left.any()):
        raise NoPicture("all entries are alike")
    differs = right != left
    sides = [("right", found.right)] if not differs.any() else [("left", found.left), ("right", found.right)]
    return _picture(entry_id, claim, found, sides, differs)


def _is_stacked(node: Any) -> bool:
    if isinstance(node, Jacobian):
        return isinstance(node.what, Vec) or isinstance(node.by, Vec)
    return isinstance(node, Kronecker | Commutation | BlockJacobian)


def _sides(claim: Claim) -> tuple[Any, Any]:
    return claim.left, claim.right


def _picture(entry_id: str, claim: Claim, found: Patterns, sides: Sequence[tuple[str, Side]], differs: Any) -> Picture:
    rows, cols = found.right.nonzero.shape
    heads = _heads(claim, found.sizes)
    cell = CELL if cols <= 12 else SMALL_CELL
    margin = 16 + max((label.width(12) for label in heads[0]), default=0)
    height = TOP + rows * cell
    drawing = Drawing(max(margin + cols * cell + 16, 320), len(sides) * height + (len(sides) - 1) * GAP + 16)
    for number, (name, side) in enumerate(sides):
        shown = claim.right if name == "right" else claim.left
        top = TOP + number * (height + GAP)
        heading = _cut(show(shown)) if len(sides) == 1 else f"{name} side: {_cut(show(shown))}"
        drawing.label((margin, top - 42), heading, 12.5, "start", kind="heading")
        _grid(drawing, (margin, top), cell, side, differs)
        formulas = _sides(claim) if len(sides) == 1 else (shown,)
        _blocks(drawing, (margin, top), cell, _block(formulas, found.sizes, (rows, cols)), (rows, cols))
        _write_heads(drawing, (margin, top), cell, heads)
    caption, alt = _words(claim, found, sides, differs)
    svg = drawing.svg(f"Which entries of {_cut(show(claim.right))} can be other than zero", alt)
    return Picture(file_name(entry_id, "sparsity"), svg, caption, alt)


def _grid(drawing: Drawing, corner: tuple[float, float], cell: float, side: Side, differs: Any) -> None:
    """A filled cell for each entry that can be other than zero, a point for each that cannot."""
    for row, col in np.ndindex(*side.nonzero.shape):
        x, y = corner[0] + col * cell, corner[1] + row * cell
        middle = (x + cell / 2, y + cell / 2)
        if side.nonzero[row, col]:
            drawing.box((x, y), cell, cell, fill=ACCENT, opacity=0.3, stroke="none", kind="nonzero")
            label, size = side.names[row][col], 13.0 if cell == CELL else 11.5
            if label is not None and label.width(size) <= cell - 3:
                drawing.label(middle, label, size, kind="entry")
        else:
            drawing.dot(middle, 1.0, MUTED, MUTED, "zero")
        if differs[row, col]:
            mark_corner(drawing, (x, y), cell, cell)


def mark_corner(drawing: Drawing, corner: tuple[float, float], cell: float, height: float) -> None:
    """The mark of a cell in which two sides differ: a filled corner, seen without colour too."""
    x, y, side = corner[0] + cell, corner[1], 0.3 * min(cell, height)
    drawing.area([(x - side, y), (x, y), (x, y + side)], WRONG, kind="mark")


def _blocks(
    drawing: Drawing, corner: tuple[float, float], cell: float, block: tuple[int, int], shape: tuple[int, int]
) -> None:
    """Light lines between cells, heavier ones around the blocks and the whole."""
    x, y = corner
    for row in range(1, shape[0]):
        look = (INK, 1.1) if row % block[0] == 0 else (MUTED, 0.5)
        drawing.line((x, y + row * cell), (x + shape[1] * cell, y + row * cell), *look)
    for col in range(1, shape[1]):
        look = (INK, 1.1) if col % block[1] == 0 else (MUTED, 0.5)
        drawing.line((x + col * cell, y), (x + col * cell, y + shape[0] * cell), *look)
    drawing.box(corner, shape[1] * cell, shape[0] * cell, line=1.6)


def _block(formulas: Sequence[Any], sizes: Sizes, shape: tuple[int, int]) -> tuple[int, int]:
    """The size of a block: that of B where A ⊗ B is as large as the whole; else that of the whole."""
    for node in sp.preorder_traversal(sp.Tuple(*formulas)):
        if isinstance(node, Kronecker) and _shape(node, sizes) == shape:
            return _shape(node.args[1], sizes)
    return shape


def _shape(formula: Any, sizes: Sizes) -> tuple[int, int]:
    numbers = {letter: sizes.get(str(letter), letter) for size in formula.shape for letter in size.free_symbols}
    rows, cols = (size.subs(numbers) for size in formula.shape)
    return (int(rows), int(cols)) if rows.is_Integer and cols.is_Integer else (0, 0)


def _write_heads(
    drawing: Drawing, corner: tuple[float, float], cell: float, heads: tuple[Sequence[Label], Sequence[Label]]
) -> None:
    size = 12.0 if cell == CELL else 10.5
    is_turned = any(label.width(size) > cell - 1 for label in heads[1])
    for row, label in enumerate(heads[0]):
        drawing.label((corner[0] - 7, corner[1] + (row + 0.5) * cell), label, size, "end", kind="head")
    for col, label in enumerate(heads[1]):
        at = (corner[0] + (col + 0.5) * cell, corner[1] - 12)
        drawing.label(at, label, size, "start" if is_turned else "middle", kind="head", turned=is_turned)


def _heads(claim: Claim, sizes: Sizes) -> tuple[Sequence[Label], Sequence[Label]]:
    """What is differentiated, by rows, and by what, by columns, where a side is a derivative; else nothing."""
    for side in _sides(claim):
        is_turned = isinstance(side, sp.Transpose)
        inner = side.args[0] if is_turned else side
        inner = claim.model.definition(inner) if not isinstance(inner, Jacobian) else inner
        if isinstance(inner, Jacobian):
            found = _entries(inner.what, sizes), _entries(inner.by, sizes)
            return (found[1], found[0]) if is_turned else found
    return (), ()


def _entries(stacked: Any, sizes: Sizes) -> Sequence[Label]:
    """The entries of a vec or vector in their order; none where it is a formula or has an axis of several sizes."""
    matrix, order = (stacked.matrix, stacked.order) if isinstance(stacked, Vec) else (stacked, "column")
    if not hasattr(matrix, "name") or any(len(axis) > 1 for axis in (axes(matrix).rows, axes(matrix).cols)):
        return ()
    rows, cols = _shape(matrix, sizes)
    places = [(i, j) for j in range(cols) for i in range(rows)]
    if order == "row":
        places.sort()
    return [indexed(str(matrix.name), entry_index(i, j, cols)) for i, j in places]


def _words(claim: Claim, found: Patterns, sides: Sequence[tuple[str, Side]], differs: Any) -> tuple[str, str]:
    """The caption and the alternative text."""
    rows, cols = differs.shape
    lengths = {str(letter) for size in (*claim.left.shape, *claim.right.shape) for letter in size.free_symbols}
    sizes = {name: value for name, value in found.sizes.items() if name in lengths}
    times = {} if claim.is_timeless else {str(letter): int(value) for letter, value in found.times.items()}
    at = ", ".join(f"{name} = {value}" for name, value in {**sizes, **times}.items())
    sources = list(dict.fromkeys(source for _, side in sides for source in side.sources))
    names = f" The letters in cells are entries of {' and '.join(sources)}." if sources else ""
    counts = [f"{int(side.nonzero.sum())} of {rows * cols}" for _, side in sides]
    what = _cut(told(claim), 2 * LONGEST)
    drawn = f"{what} at {at}, {rows}×{cols}" if at else f"{what}, {rows}×{cols}"
    how = "computed modulo primes at random values; a filled cell can be other than zero, a point is zero in every draw"
    if len(sides) == 1:
        return f"{drawn}: {counts[0]} entries can be other than zero ({how}).{names}", _seen(sides[0][1])
    where = f"{int(differs.sum())} entries are zero on one side alone and have a marked corner"
    caption = (
        f"{drawn}: {counts[0]} entries can be other than zero on the left, {counts[1]} on the right; {where} ({how})."
    )
    caption += names
    return caption, " ".join(f"{name.capitalize()} side: {_seen(side)}" for name, side in sides)


def _seen(side: Side) -> str:
    """The rows of a pattern in words: row 1: s_1 in column 1, …"""
    rows, cols = side.nonzero.shape
    found = []
    for row in range(rows):
        at = [(col, side.names[row][col]) for col in range(cols) if side.nonzero[row, col]]
        cells = ", ".join(f"{col + 1}" + (f" ({label.text})" if label else "") for col, label in at)
        found.append(f"row {row + 1}: {'columns ' + cells if at else 'all zero'}")
    return f"A grid of {rows} rows and {cols} columns. Filled: {'; '.join(found)}."


def _cut(text: str, longest: int = LONGEST) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
