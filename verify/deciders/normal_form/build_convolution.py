"""Convolutions as forms: factors of their own, of which nothing is used but where their slots may change places.

Along each axis a slide is a factor T_ijl with the slots of two short sizes and of the long one, p + q - 1 (in truth
[l = i + j]): valid y_i = Σ T_ijl w_j x_l, full y_l = Σ T_ijl x_i w_j. Of one pair of sizes there is one T, whichever
stands first, and of equal ones it is symmetric. A flip is a symmetric factor R_ij. Equal forms are equal for every T
and R, so for these; forms that differ need not be false, see `fragment`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.language.convolution import Convolution, Flip
from derive.language.nodes import AxisSizes
from derive.language.shapes import axes
from verify.deciders.normal_form.algebra import contract
from verify.deciders.normal_form.arrays import Array, Slots, join, named_slots
from verify.deciders.normal_form.store import Store
from verify.deciders.normal_form.term import Atom, Form, of_atom

if TYPE_CHECKING:
    from verify.deciders.normal_form.build import Builder

SLIDE, FLIP = "slide", "flip"
KINDS = (SLIDE, FLIP)

Operand = tuple[Array, Slots]


def build_convolution(builder: Builder, expr: Convolution) -> Array:
    """Σ T K X: the entries of the kernel, of the input and of the result joined along each axis."""
    kernel = expr.kernel
    is_turned = expr.is_flipped != expr.is_full
    if isinstance(kernel, Flip):  # turned twice
        is_turned, kernel = not is_turned, kernel.matrix
    found, source, over = axes(expr), axes(expr.source), axes(kernel)
    x, w = builder.build(expr.source), builder.build(kernel)
    w = _turned(builder, w, over.plain) if is_turned else w
    operands: list[Operand] = []
    names: list[dict[str, Slots]] = []
    for side, sizes in enumerate(zip(found.plain, source.plain, over.plain, strict=True)):
        names.append(_along(builder, operands, expr.is_full, side, *sizes))
    rows, cols = names
    operands += [(x, (*rows["x"], *cols["x"], *x.tail)), (w, (*rows["w"], *cols["w"], *w.tail))]
    return join(builder.store, operands, rows["y"], cols["y"])


def _along(
    builder: Builder, operands: list[Operand], is_full: bool, side: int, y: AxisSizes, x: AxisSizes, w: AxisSizes
) -> dict[str, Slots]:
    """The names of the slots of y, x and w along one axis; a T that joins three of them is added to the operands."""
    first, long = ("x", "y") if is_full else ("y", "x")
    sizes = {"y": y, "x": x, "w": w}
    names: dict[str, Slots] = {name: named_slots((name, side), len(axis)) for name, axis in sizes.items()}
    if sizes[first] and w:
        joined = (*names[first], *names["w"], *names[long])
        slots = (*builder.axis(sizes[first]), *builder.axis(w), *builder.axis(sizes[long]))
        operands.append((Array(_slide(builder.store, *slots)), joined))
    elif sizes[long]:  # T is the identity: two names for one slot
        names["w" if w else first] = names[long]
    return names


def _slide(store: Store, first: int, second: int, long: int) -> Form:
    """T with the slots first, second, long; there is one for both orders of the short sizes."""
    p, q = sorted((first, second))
    group = ((1, 0, 2),) if p == q else ()
    form = of_atom(store.atom(Atom(SLIDE, (), (p, q, long), group)), (p, q, long))
    return form if p == first else contract(store, [(form, (1, 0, 2))], (0, 1, 2))


def _turned(builder: Builder, array: Array, shape: tuple[AxisSizes, AxisSizes]) -> Array:
    """R A R: each slot read from the other end."""
    operands: list[Operand] = []
    inner, outer = (
        [named_slots((name, side), len(axis)) for side, axis in enumerate(shape)] for name in ("inner", "outer")
    )
    for old, new, axis in zip(inner, outer, shape, strict=True):
        for one, other, size in zip(old, new, builder.axis(axis), strict=True):
            atom = builder.store.atom(Atom(FLIP, (), (size, size), ((1, 0),)))
            operands.append((Array(of_atom(atom, (size, size))), (one, other)))
    operands.append((array, (*inner[0], *inner[1], *array.tail)))
    return join(builder.store, operands, *outer)


def build_flip(builder: Builder, expr: Flip) -> Array:
    """R A R."""
    return _turned(builder, builder.build(expr.matrix), axes(expr).plain)
