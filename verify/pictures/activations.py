"""An activation with its derivative, each curve where it exists."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from derive.language.functions import KINDS, KINKED
from derive.language.nodes import Elementwise
from derive.model import Model
from verify.pictures.axes import Axes, ticks
from verify.pictures.picture import Picture, file_name
from verify.pictures.svg import ACCENT, INK, PAPER, SECOND, Drawing, Point
from verify.reference.activations import ACTIVATIONS

SPAN = 4.0  # z runs from -SPAN to SPAN
POINTS = 160
KINK = 0.0  # where the derivative of a kinked function jumps
DRAWN = tuple(name for name in ("tanh", "sigmoid", "relu", "leaky relu", "softplus", "gelu") if name in ACTIVATIONS)


@dataclass(frozen=True)
class Curves:
    """f and f' at points z; of a kinked f the pieces left and right of the kink."""

    kind: str
    z: tuple[np.ndarray[Any, Any], ...]
    value: tuple[np.ndarray[Any, Any], ...]
    slope: tuple[np.ndarray[Any, Any], ...]


def activation_pictures(models: Iterable[Model], formulas: Iterable[Any] = ()) -> tuple[Picture, ...]:
    """One picture for each known activation that a model's equations or a claim's sides apply, in `DRAWN`'s order."""
    sides = [equation.right for model in models for equation in model.equations]
    used = {kind for side in (*sides, *formulas) for kind in kinds_in(side)}
    return tuple(activation_picture(kind) for kind in DRAWN if kind in used)


def kinds_in(formula: Any) -> frozenset[str]:
    """The kinds of elementwise functions that a formula applies."""
    return frozenset(node.kind for node in sp.preorder_traversal(formula) if isinstance(node, Elementwise))


def curves(kind: str) -> Curves:
    """f and f' from -SPAN to SPAN; where f has a kink, in two pieces that end there."""
    f = ACTIVATIONS[kind]
    ends = [(-SPAN, KINK), (KINK, SPAN)] if kind in KINKED else [(-SPAN, SPAN)]
    z = tuple(np.linspace(low, high, POINTS // len(ends) + 1) for low, high in ends)
    # at a piece's end the slope is that of the piece: asked for inside, at its middle where the slope is constant
    inside = tuple(np.full_like(piece, piece.mean()) if kind in KINKED else piece for piece in z)
    slopes = tuple(f.pull(place, np.ones_like(place)) for place in inside)
    return Curves(kind, z, tuple(f.value(piece) for piece in z), slopes)


def activation_picture(kind: str) -> Picture:
    """f and its derivative over z from -4 to 4; at a kink the derivative ends in two open circles."""
    found = curves(kind)
    low, high = _range(found)
    axes = Axes(52, 34, 380, 230, (-SPAN, SPAN), (low, high))
    drawing = Drawing(452, 318)
    axes.frame(drawing, ticks(-SPAN, SPAN, 8), ticks(low, high, 7), "z", "")
    _draw(drawing, axes, found.z, found.value, lambda points: drawing.curve(points, ACCENT, 2.2, kind="value"))
    _draw(drawing, axes, found.z, found.slope, lambda points: drawing.curve(points, SECOND, 2.2, "7 4", "slope"))
    if kind in KINKED:
        for piece, at in ((0, -1), (1, 0)):
            drawing.dot(axes.place(KINK, float(found.slope[piece][at])), 3.6, PAPER, SECOND, "open")
    _legend(drawing, kind)
    law = KINDS[kind]
    ending = " At z = 0 the derivative does not exist: its two pieces end in open circles." if kind in KINKED else ""
    alt = f"Two curves over z from −4 to 4: {kind}, {_seen(found.value)}; its derivative, {_seen(found.slope)}.{ending}"
    title = f"{kind} and its derivative"
    svg = drawing.svg(title, alt)
    return Picture(file_name("activation", kind.replace(" ", "-")), svg, f"{title}: {law}.{ending}", alt)


def _draw(
    drawing: Drawing, axes: Axes, xs: tuple[Any, ...], ys: tuple[Any, ...], draw: Callable[[list[Point]], None]
) -> None:
    for x, y in zip(xs, ys, strict=True):
        draw([axes.place(float(a), float(b)) for a, b in zip(x, y, strict=True)])


def _range(found: Curves) -> tuple[float, float]:
    """The values of both curves with a little room."""
    values = np.concatenate([*found.value, *found.slope])
    room = 0.06 * (values.max() - values.min())
    return float(values.min() - room), float(values.max() + room)


def _seen(pieces: tuple[Any, ...]) -> str:
    values = np.concatenate(pieces)
    return f"from {values.min():.3g} to {values.max():.3g}".replace("-", "−")


def _legend(drawing: Drawing, kind: str) -> None:
    """Which line is which: full and broken, so that colour is not needed."""
    drawing.line((60, 17), (88, 17), ACCENT, 2.2)
    drawing.label((94, 17), f"{kind}(z)", 12.5, "start")
    drawing.line((230, 17), (258, 17), SECOND, 2.2, "7 4")
    drawing.label((264, 17), f"{kind}′(z)", 12.5, "start", INK)
