"""Unknown functions of several arguments as written: F(x_t, h_{t-1}), and which slot a derivative is by."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import sympy as sp

from derive.errors import NotationError
from derive.language.build import constant, matadd
from derive.language.derivatives import variable_of
from derive.language.functions import SlottedFunction
from derive.language.nodes import Application, Component, Slot, Vec
from derive.language.shapes import Axes, axes, is_coefficient
from derive.latex import syntax
from derive.latex.unsized import fit

if TYPE_CHECKING:
    from derive.latex.elaborate import Reader


def apply_several(reader: Reader, node: syntax.Apply, function: SlottedFunction) -> Application:
    """F(a, b, …): one formula a slot; 0, 1 and I take their size from the slot."""
    parts = node.argument.parts if isinstance(node.argument, syntax.Bracket) else None
    written = ", ".join(name for name, _ in function.slots)
    if parts is None or len(parts) != len(function.slots):
        count = 1 if parts is None else len(parts)
        raise NotationError(
            f"{node.function} has the arguments ({written}), and {count} are written", node.start, node.end
        )
    return function(*(_argument(reader, part, wanted) for part, (_, wanted) in zip(parts, function.slots, strict=True)))


def _argument(reader: Reader, part: syntax.Chain, wanted: Axes) -> Any:
    if part.relations or part.is_condition:
        raise NotationError("an argument is a formula without a relation", part.start, part.end)
    value = reader.read(part.sides[0], wanted)
    if not is_coefficient(value):
        return fit(value, wanted)
    if value == 0:
        return constant(sp.ZeroMatrix, wanted.rows, wanted.cols)
    if not wanted.is_scalar:
        raise NotationError(f"a number stands where a {wanted} is expected", part.start, part.end)
    return sp.Identity(1) if value == 1 else sp.Basic.__new__(sp.MatMul, sp.sympify(value), sp.Identity(1))


def slots_by(what: Any, by: Any) -> tuple[Any, ...]:
    """The slots in which `by` stands, where `what` is an application alone (or its vec, transpose, component).

    By the name of an argument a written application is derived by slot: nothing that the arguments depend on moves.
    """
    application = core(what)
    if not isinstance(application, Application):
        return ()
    found = [place for place, argument in enumerate(application.arguments, 1) if argument == variable_of(by)]
    slots = [_slot(application, place) for place in found]
    return tuple(Vec(slot, by.order) if isinstance(by, Vec) else slot for slot in slots)


def slot_named(what: Any, by: syntax.Node) -> Slot | None:
    """The slot that \\partial_h of an application names, None for what is no slot's name."""
    application = core(what)
    if not isinstance(application, Application) or not isinstance(by, syntax.Name):
        return None
    scripts = "".join(f"{sign}{t.text}" for sign, own in (("_", by.scripts.sub), ("^", by.scripts.sup)) for t in own)
    name = _spelled(by.base + scripts)
    places = [place for place, own in enumerate(application.names, 1) if _spelled(own) == name]
    return _slot(application, places[0]) if places else None


def each_slot(slots: tuple[Any, ...], derivative: Callable[[Any], Any]) -> Any:
    """The sum over the slots in which one argument is written."""
    return matadd(*(derivative(slot) for slot in slots))


def core(what: Any) -> Any:
    """What is differentiated, without vec, transpose and component."""
    while isinstance(what, Vec | sp.Transpose | Component):
        what = what.args[0]
    return what


def _slot(application: Application, place: int) -> Slot:
    shape = axes(application.arguments[place - 1])
    return Slot(place, shape.rows, shape.cols)


def _spelled(name: str) -> str:
    return name.replace("{", "").replace("}", "").replace(" ", "")
