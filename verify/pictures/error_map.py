"""Both sides of a false formula at its counterexample, and their difference: where and by how much they part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from verify.judge import Entry, told
from verify.pictures.labels import words
from verify.pictures.picture import NoPicture, Picture, file_name
from verify.pictures.sparsity import mark_corner
from verify.pictures.svg import ACCENT, INK, MUTED, SECOND, Drawing

MOST = 12  # rows or columns
CELL, NUMBER, GAP, TOP = 34.0, 13.0, 40.0, 30.0
WIDEST = 900.0  # above it the three maps stand under each other
LONGEST = 7  # characters of a number


@dataclass(frozen=True)
class Value:
    """An entry: a number with a radius, 0 where it is exact."""

    middle: Fraction
    radius: Fraction = Fraction(0)

    def __sub__(self, other: Value) -> Value:
        return Value(self.middle - other.middle, self.radius + other.radius)

    @property
    def is_zero(self) -> bool:
        """Whether 0 is among the values that it may have."""
        return abs(self.middle) <= self.radius

    @property
    def text(self) -> str:
        """A whole number or a short fraction as it is, any other as a decimal."""
        exact = str(self.middle)
        shown = exact if len(exact) <= LONGEST and not self.radius else f"{float(self.middle):.3g}"
        return shown.replace("-", "−")


Matrix = Sequence[Sequence[Value]]


def error_picture(entry: Entry) -> Picture:
    """Drawn for an entry whose counterexample has sides that are matrices, or columns or rows of several entries.

    Raises `NoPicture` for any other entry, and for sides of more than `MOST` rows or columns.
    """
    found = None if entry.verdict is None else entry.verdict.counterexample
    if found is None:
        raise NoPicture("no counterexample")
    left, right = matrix(found.left), matrix(found.right)
    refuted = None if entry.verdict is None else entry.verdict.claim  # in the reading in which it is
    return error_map(entry.id, left, right, f"{entry.text if refuted is None else told(refuted)}, at {found.summary()}")


def error_map(name: str, left: Matrix, right: Matrix, what: str) -> Picture:
    """The maps of two matrices of one shape and of their difference; `what` says in words what they are."""
    shape = len(left), len(left[0])
    if any(len(row) != shape[1] for row in (*left, *right)) or len(right) != shape[0]:
        raise NoPicture("two shapes")
    if max(shape) > MOST or shape == (1, 1):
        raise NoPicture("one entry" if shape == (1, 1) else f"more than {MOST} rows or columns")
    difference = [[a - b for a, b in zip(*rows, strict=True)] for rows in zip(left, right, strict=True)]
    differs = [[not value.is_zero for value in row] for row in difference]
    panels = [("left side", left), ("right side", right), ("left − right", difference)]
    drawing = _drawn(panels, differs)
    count = sum(map(sum, differs))
    caption = (
        f"{what}: both sides and their difference; {count} of {shape[0] * shape[1]} entries differ and have a marked "
        "corner. The darker a cell, the larger its number in size; negative numbers have a broken border."
    )
    alt = " ".join(f"{title}: {_said(panel)}." for title, panel in panels)
    return Picture(file_name(name, "errors"), drawing.svg("Where the two sides differ", alt), caption, alt)


def matrix(side: Any) -> Matrix:
    """A counterexample's side as numbers. Raises `NoPicture` where it is no matrix of them."""
    if not isinstance(side, list) or not side or not all(isinstance(row, list) and row for row in side):
        raise NoPicture("no matrix")
    return [[_value(entry) for entry in row] for row in side]


def _value(entry: Any) -> Value:
    try:
        if isinstance(entry, dict):
            return Value(Fraction(entry["mid"]), Fraction(entry["rad"]))
        return Value(Fraction(entry))
    except (TypeError, ValueError, KeyError, ZeroDivisionError) as error:
        raise NoPicture(f"no number: {entry!r}") from error


def _drawn(panels: Sequence[tuple[str, Matrix]], differs: Sequence[Sequence[bool]]) -> Drawing:
    rows, cols = len(differs), len(differs[0])
    widest = max(words(value.text).width(NUMBER) for _, panel in panels for row in panel for value in row)
    cell = max(CELL, widest + 10)
    width, height = max(cols * cell, 90), rows * CELL + TOP
    is_row = 3 * width + 2 * GAP + 24 <= WIDEST
    drawing = Drawing(3 * width + 2 * GAP + 24, height + 24) if is_row else Drawing(width + 24, 3 * height + 2 * GAP)
    most = max(abs(value.middle) for _, panel in panels for row in panel for value in row) or Fraction(1)
    for number, (title, panel) in enumerate(panels):
        x, y = (12 + number * (width + GAP), 10.0) if is_row else (12.0, 10 + number * (height + GAP / 2))
        drawing.label((x, y + 8), title, 13, "start", kind="heading")
        _draw_panel(drawing, (x, y + TOP), cell, panel, differs, most)
    return drawing


def _draw_panel(
    drawing: Drawing, corner: tuple[float, float], cell: float, panel: Matrix, differs: Sequence[Sequence[bool]],
    most: Fraction,
) -> None:  # fmt: skip
    for row, values in enumerate(panel):
        for col, value in enumerate(values):
            at = (corner[0] + col * cell, corner[1] + row * CELL)
            share = float(abs(value.middle) / most)
            kind = f"cell {'differs' if differs[row][col] else 'equal'}"
            colour = SECOND if value.middle < 0 else ACCENT
            drawing.box(at, cell, CELL, fill=colour, opacity=0.5 * share, stroke=MUTED, line=0.6, kind=kind)
            if value.middle < 0:
                drawing.box((at[0] + 3, at[1] + 3), cell - 6, CELL - 6, stroke=SECOND, line=0.9, dash="3 2")
            drawing.label((at[0] + cell / 2, at[1] + CELL / 2), value.text, NUMBER, kind="number")
            if differs[row][col]:
                mark_corner(drawing, at, cell, CELL)
    drawing.box(corner, len(panel[0]) * cell, len(panel) * CELL, stroke=INK, line=1.4)


def _said(panel: Matrix) -> str:
    return "; ".join(", ".join(value.text for value in row) for row in panel)
