"""An activation with its derivative, each curve where it exists."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardPower

from derive.language.functions import KINDS, KINKED
from derive.language.laws import Law, laws_in, parts_of_product
from derive.language.nodes import Elementwise
from derive.language.show import show, show_name
from derive.model import Model
from verify.oracles.functions import KNOWN
from verify.oracles.limits import Unsupported
from verify.pictures.axes import Axes, ticks
from verify.pictures.picture import Picture, file_name
from verify.pictures.svg import ACCENT, INK, PAPER, SECOND, Drawing, Point
from verify.reference.activations import ACTIVATIONS, Array

SPAN = 4.0  # z runs from -SPAN to SPAN
POINTS = 160
STEP = 1e-30  # of the complex step: too small to be seen in a value, and nothing is taken away
KINK = 0.0  # where the derivative of a kinked function jumps
DRAWN = tuple(name for name in ("tanh", "sigmoid", "relu", "leaky relu", "softplus", "gelu") if name in ACTIVATIONS)


@dataclass(frozen=True)
class Curves:
    """f and f' at points z; of a kinked f the pieces left and right of the kink. `own` is a document's name of it."""

    kind: str
    z: tuple[np.ndarray[Any, Any], ...]
    value: tuple[np.ndarray[Any, Any], ...]
    slope: tuple[np.ndarray[Any, Any], ...]
    own: str = ""


def activation_pictures(models: Iterable[Model], formulas: Iterable[Any] = ()) -> tuple[Picture, ...]:
    """One picture for each activation that a model's equations or a claim's sides apply.

    Those of `DRAWN`, then the document's own that have a value as a formula of z, where it is finite and without kinks.
    """
    sides = [*(equation.right for model in models for equation in model.equations), *formulas]
    used = {kind for side in sides for kind in kinds_in(side)}
    own = (own_curves(law) for law in laws_in(sides))
    known = [activation_picture(kind) for kind in DRAWN if kind in used]
    return (*known, *(_picture(found, said) for found, said in filter(None, own)))


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


def own_curves(law: Law) -> tuple[Curves, str] | None:
    """A document's own function with its derivative by a complex step, and its formula; None where it is not drawn."""
    if law.value is None or any(kind in KINKED for kind in kinds_in(law.value)):
        return None  # nothing is known of it, or it has kinks somewhere
    z = np.linspace(-SPAN, SPAN, POINTS + 1)
    try:
        with np.errstate(all="ignore"):
            found = value_of(law.value, z + 1j * STEP)
    except Unsupported:
        return None
    is_real = np.isfinite(found).all() and np.abs(found.imag).max() < STEP / np.finfo(float).eps
    if not is_real:  # log z of negative z, 1/z at 0
        return None
    name = show_name(law.function)
    return Curves(name, (z,), (found.real,), (found.imag / STEP,), law.function), f"{name}(z) = {show(law.value)}"


def value_of(formula: Any, z: Array) -> Array:
    """A formula of one place at many points. Raises `Unsupported` for what does not act entry by entry."""
    match formula:
        case sp.MatrixSymbol():
            return z
        case sp.OneMatrix():
            return np.ones_like(z)
        case sp.ZeroMatrix():
            return np.zeros_like(z)
        case sp.MatAdd():
            return np.sum([value_of(term, z) for term in formula.args], axis=0)
        case sp.HadamardProduct():
            return np.prod([value_of(factor, z) for factor in formula.args], axis=0)
        case HadamardPower() if formula.args[1].is_Integer:
            return value_of(formula.args[0], z) ** int(formula.args[1])
        case Elementwise() if formula.kind in KNOWN:
            return np.asarray(KNOWN[formula.kind](formula.order, value_of(formula.argument, z)), dtype=complex)
    numbers, rest = parts_of_product(formula)
    if len(rest) == 1 and all(number.is_number for number in numbers):
        return float(sp.Mul(*numbers)) * value_of(rest[0], z)
    raise Unsupported(f"{show(formula)} is not drawn")


def activation_picture(kind: str) -> Picture:
    """A known function and its derivative over z from -4 to 4; at a kink the derivative ends in two open circles."""
    return _picture(curves(kind), KINDS[kind])


def _picture(found: Curves, said: str) -> Picture:
    kind, is_kinked = found.kind, len(found.z) > 1
    low, high = _range(found)
    axes = Axes(52, 34, 380, 230, (-SPAN, SPAN), (low, high))
    drawing = Drawing(452, 318)
    axes.frame(drawing, ticks(-SPAN, SPAN, 8), ticks(low, high, 7), "z", "")
    _draw(drawing, axes, found.z, found.value, lambda points: drawing.curve(points, ACCENT, 2.2, kind="value"))
    _draw(drawing, axes, found.z, found.slope, lambda points: drawing.curve(points, SECOND, 2.2, "7 4", "slope"))
    if is_kinked:
        for piece, at in ((0, -1), (1, 0)):
            drawing.dot(axes.place(KINK, float(found.slope[piece][at])), 3.6, PAPER, SECOND, "open")
    _legend(drawing, kind)
    ending = " At z = 0 the derivative does not exist: its two pieces end in open circles." if is_kinked else ""
    alt = f"Two curves over z from −4 to 4: {kind}, {_seen(found.value)}; its derivative, {_seen(found.slope)}.{ending}"
    title = f"{kind} and its derivative"
    name = file_name(found.own, "own-activation") if found.own else file_name(kind.replace(" ", "-"), "activation")
    return Picture(name, drawing.svg(title, alt), f"{title}: {said}.{ending}", alt)


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
