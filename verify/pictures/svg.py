"""A drawing in SVG, written as text: lines, areas and labels, in colours that a page may set.

Ink is `currentColor`; the other colours are custom properties of the page (`--accent`, `--second`, `--wrong`,
`--muted`, `--paper`) with values of their own that can be told from white and from black paper. A drawing holds no
identifiers, classes, scripts, style sheets or references, so any number of them fit into one page, whatever its styles
and its policy; `data-kind` says what a shape stands for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from math import hypot

from verify.errors import clean
from verify.pictures.labels import SMALL, Label, words

INK, PAPER = "currentColor", "var(--paper, Canvas)"
ACCENT, SECOND = "var(--accent, #2f7fc1)", "var(--second, #c2651a)"
WRONG, MUTED = "var(--wrong, #d0433c)", "var(--muted, #808080)"

SIZE = 14.0  # of letters
HEAD = 7.0  # length of an arrow's head
_MATHS = "STIX Two Text,Latin Modern Roman,Cambria,serif"
_PLAIN = "system-ui,Noto Sans,DejaVu Sans,sans-serif"
# what a drawing needs that is its own page: `svg:root` matches there and nowhere else
STYLE = (
    "<style>svg:root{color-scheme:light dark;color:CanvasText;background:Canvas}"
    "@media (prefers-color-scheme:dark){svg:root{--accent:#6db3f2;--second:#f0a35e;--wrong:#ff7b72;--muted:#9a9a9a}}"
    "</style>"
)

Point = tuple[float, float]


def number(value: float) -> str:
    """A coordinate with two decimals at most, in one spelling: 3, 0.5, never -0."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


class Drawing:
    """Collects shapes from back to front. Coordinates are pixels, y downwards."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.parts: list[str] = []

    def line(self, a: Point, b: Point, stroke: str = INK, width: float = 1.2, dash: str = "", kind: str = "") -> None:
        """A straight line."""
        self._shape("line", kind, x1=a[0], y1=a[1], x2=b[0], y2=b[1], stroke=stroke, width=width, dash=dash)

    def curve(
        self, points: Iterable[Point], stroke: str = INK, width: float = 1.8, dash: str = "", kind: str = ""
    ) -> None:
        """A line through points."""
        placed = " ".join(f"{number(x)},{number(y)}" for x, y in points)
        self._shape("polyline", kind, points=placed, fill="none", stroke=stroke, width=width, dash=dash)

    def area(self, points: Iterable[Point], fill: str = INK, kind: str = "") -> None:
        """A filled polygon."""
        self._shape("polygon", kind, points=" ".join(f"{number(x)},{number(y)}" for x, y in points), fill=fill)

    def box(
        self, corner: Point, width: float, height: float, *, fill: str = "none", stroke: str = INK, line: float = 1.2,
        round: float = 0, opacity: float = 1.0, kind: str = "", dash: str = "",
    ) -> None:  # fmt: skip
        """A rectangle by its upper left corner; `opacity` is that of its fill."""
        self._shape(
            "rect", kind, x=corner[0], y=corner[1], width_=width, height=height, rx=round or None, fill=fill,
            fill_opacity=opacity if opacity < 1 else None, stroke=stroke, width=line, dash=dash,
        )  # fmt: skip

    def dot(self, centre: Point, radius: float, fill: str = INK, stroke: str = INK, kind: str = "") -> None:
        """A circle."""
        self._shape("circle", kind, cx=centre[0], cy=centre[1], r=radius, fill=fill, stroke=stroke, width=1.4)

    def arrow(
        self, points: Sequence[Point], stroke: str = INK, width: float = 1.2, dash: str = "", kind: str = ""
    ) -> None:
        """A line through points with a head at its end."""
        (x0, y0), (x1, y1) = points[-2], points[-1]
        length = hypot(x1 - x0, y1 - y0) or 1.0
        ux, uy = (x1 - x0) / length, (y1 - y0) / length
        head, half = HEAD + width, 2.0 + width
        foot = (x1 - head * ux, y1 - head * uy)
        self.curve([*points[:-1], foot], stroke, width, dash, kind)
        self.area(
            [(x1, y1), (foot[0] - half * uy, foot[1] + half * ux), (foot[0] + half * uy, foot[1] - half * ux)], stroke
        )

    def label(
        self, at: Point, label: Label | str, size: float = SIZE, anchor: str = "middle", fill: str = INK,
        kind: str = "label", bold: bool = False, turned: bool = False,
    ) -> None:  # fmt: skip
        """Text whose middle line runs through a point."""
        label = words(label) if isinstance(label, str) else label
        x, y = at[0], at[1] + 0.34 * size
        family = f' font-family="{_MATHS}"' if label.is_math else ""
        style = ' font-style="italic"' if label.is_math and _is_letter(label.base) else ""
        weight = ' font-weight="bold"' if bold else ""
        turn = f' transform="rotate(-90 {number(at[0])} {number(at[1])})"' if turned else ""
        where = f'x="{number(x)}" y="{number(y)}" text-anchor="{anchor}" font-size="{number(size)}" fill="{fill}"'
        runs = _runs(label, size)
        self.parts.append(f'<text data-kind="{kind}" {where}{family}{style}{weight}{turn}>{runs}</text>')

    def inset(self, other: Drawing, at: Point, scale: float) -> None:
        """Another drawing inside this one, its upper left corner at a point."""
        place = f"translate({number(at[0])} {number(at[1])}) scale({number(scale)})"
        self.parts.append(f'<g data-kind="inset" transform="{place}">{"".join(other.parts)}</g>')

    def svg(self, title: str, description: str) -> str:
        """The drawing as one element, with its name and a description for those who do not see it."""
        width, height = number(self.width), number(self.height)
        size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        said = f"<title>{escape(clean(title))}</title><desc>{escape(clean(description))}</desc>"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size} font-family="{_PLAIN}">'
            f"{said}{''.join(self.parts)}</svg>"
        )

    def _shape(self, tag: str, kind: str, **given: str | float | None) -> None:
        names = {"width": "stroke-width", "width_": "width", "dash": "stroke-dasharray", "fill_opacity": "fill-opacity"}
        shown = {names.get(key, key): value for key, value in given.items() if value is not None and value != ""}
        attributes = "".join(
            f' {key}="{number(value) if isinstance(value, int | float) else value}"' for key, value in shown.items()
        )
        self.parts.append(f"<{tag}" + (f' data-kind="{kind}"' if kind else "") + attributes + "/>")


def _is_letter(base: str) -> bool:
    """One letter is set in italics, as Net is not."""
    return sum(sign.isalpha() for sign in base) == 1


def _runs(label: Label, size: float) -> str:
    """The base and its scripts, one above the other."""
    small, found = SMALL * size, escape(label.base)
    if label.above and label.below:
        found += _script(label.above, small, -0.4 * size)
        return found + _script(label.below, small, 0.62 * size, -_script_width(label.above, size))
    if label.below:
        return found + _script(label.below, small, 0.22 * size)
    return found + (_script(label.above, small, -0.4 * size) if label.above else "")


def _script(text: str, size: float, down: float, right: float = 0.0) -> str:
    """A smaller piece of text beside the base; numbers stand upright."""
    style = "" if any(sign.isalpha() for sign in text) else ' font-style="normal"'
    across = f' dx="{number(right)}"' if right else ""
    return f'<tspan font-size="{number(size)}"{across} dy="{number(down)}"{style}>{escape(text)}</tspan>'


def _script_width(text: str, size: float) -> float:
    return 0.5 * SMALL * size * len(text)
