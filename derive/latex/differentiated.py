"""∂A/∂B as nodes of the language, under the declared layout, gradient, matrix, vec and partial conventions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sympy as sp

from derive.errors import NotationError
from derive.language.build import transpose
from derive.language.derivatives import BlockJacobian, FamilyDerivative, Gradient, Jacobian
from derive.language.nodes import Component, Entries, Member, Vec
from derive.language.shapes import Axes, axes, is_coefficient
from derive.language.show import show
from derive.latex import syntax
from derive.latex.slots import each_slot, slot_named, slots_by
from derive.latex.unsized import fit

if TYPE_CHECKING:
    from derive.latex.elaborate import Reader


def differentiate(reader: Reader, node: syntax.DerivativeOf) -> Any:
    """The derivative that was written."""
    assert node.what is not None
    what = fit(reader.argument(node.what), None)
    if node.is_operator and (slot := slot_named(what, node.by)) is not None:
        return _laid_out(reader, what, slot, "total")
    by = fit(reader.argument(node.by), None)
    for value, piece in ((what, node.what), (by, node.by)):
        if is_coefficient(value):
            raise NotationError("a derivative is of an array by an array, not of a number", piece.start, piece.end)
    if isinstance(what, Component) or isinstance(by, Component):
        return _componentwise(reader, node, what, by)
    if node.plus and isinstance(what, sp.MatrixSymbol):
        what = reader.vocabulary.direct.get(str(what.name), what)  # ∂⁺J/∂c of J: loss(a, c) is by the slot of c
    if slots := slots_by(what, by):
        return each_slot(slots, lambda slot: _laid_out(reader, what, slot, "total"))
    by, turned = (by.args[0], True) if isinstance(by, sp.Transpose) else (by, False)
    _check_variable(by, node.by)
    mode = _mode(reader, node, what, by)
    if not turned:
        return _laid_out(reader, what, by, mode)
    if not axes(what).is_scalar:
        raise NotationError(
            "a derivative by a transpose is written in two ways; derive by the name itself under a declared layout",
            node.start,
            node.end,
        )
    return _in_convention(reader, transpose(Gradient(what, by, mode)), axes(by).transposed)


def _check_variable(by: Any, piece: syntax.Node) -> None:
    core = by.matrix if isinstance(by, Vec) else by
    if not isinstance(core, Member | sp.MatrixSymbol):
        raise NotationError(f"{show(by)} is no variable: derivatives are by a declared name", piece.start, piece.end)


def _mode(reader: Reader, node: syntax.DerivativeOf, what: Any, by: Any) -> str:
    """Total or immediate: it matters for a family member by a shared parameter; ∂⁺ says so outright."""
    subject = what
    while isinstance(subject, Vec | sp.Transpose):
        subject = subject.args[0]
    core = by.matrix if isinstance(by, Vec) else by
    is_parameter = not (isinstance(core, Member) and core.indices)
    is_loss = isinstance(subject, sp.MatrixSymbol) and str(subject.name) in reader.vocabulary.losses
    if node.plus:
        if not (isinstance(subject, Member) and is_parameter) and not (is_loss and not is_parameter):
            raise NotationError(
                "∂⁺ is of a family's member by a shared parameter, or of a loss by its own argument",
                node.start,
                node.end,
            )
        return "immediate"
    if isinstance(subject, Member) and subject.indices and is_parameter and not reader.vocabulary.is_loss(subject.name):
        return "immediate" if (what, by) in reader.immediate else reader.conventions.consult("partial")
    return "total"


def _laid_out(reader: Reader, what: Any, by: Any, mode: str) -> Any:
    """The entries of ∂A/∂B laid out as declared."""
    above, below = axes(what), axes(by)
    if above.is_scalar:
        return _gradient(reader, what, by, below, mode)
    if below.is_scalar:  # the shape of what is derived
        column = Jacobian(what, by, mode) if above.is_vector else FamilyDerivative(what, by, mode)
        return transpose(column) if above.rows == () else column
    if above.is_vector and below.is_vector:
        return _layout(reader, Jacobian(what, by, mode))
    kind = reader.conventions.consult("matrix")
    if kind == "family":
        return FamilyDerivative(what, by, mode)
    if kind == "block":
        return BlockJacobian(what, by, mode)
    order = reader.conventions.consult("vec")
    return _layout(reader, Jacobian(_as_vec(what, above, order), _as_vec(by, below, order), mode))


def _layout(reader: Reader, jacobian: Jacobian) -> Any:
    return jacobian if reader.conventions.consult("layout") == "numerator" else transpose(jacobian)


def _as_vec(value: Any, shape: Axes, order: str) -> Any:
    return value if shape.is_vector else Vec(value, order)


def _gradient(reader: Reader, what: Any, by: Any, below: Axes, mode: str) -> Any:
    """A scalar by anything: X's shape, or a row for vectors, or Xᵀ's shape."""
    if isinstance(by, Vec):
        gradient: Any = transpose(Jacobian(what, by, mode))
    else:
        gradient = Gradient(what, by, mode)
    return _in_convention(reader, gradient, below)


def _in_convention(reader: Reader, gradient: Any, below: Axes) -> Any:
    """A gradient in its variable's shape, laid out as declared."""
    if below.is_scalar:
        return gradient
    kind = reader.conventions.consult("gradient")
    if kind == "transposed" or (kind == "row" and below.cols == ()):
        return transpose(gradient)
    return gradient


def _componentwise(reader: Reader, node: syntax.DerivativeOf, what: Any, by: Any) -> Any:
    """∂y_i/∂x_j is the (i, j) entry of the Jacobian, ∂E/∂W_ij of the gradient, ∂y_a/∂W_ij of the family's member."""
    top = what.matrix if isinstance(what, Component) else what
    bottom, below = (by.matrix, _letters(by)) if isinstance(by, Component) else (by, ())
    if slots := slots_by(top, bottom):
        return each_slot(slots, lambda slot: _component_of(reader, what, slot, below, "total"))
    _check_variable(bottom, node.by)
    return _component_of(reader, what, bottom, below, _mode(reader, node, top, bottom))


def _component_of(reader: Reader, what: Any, bottom: Any, below: Any, mode: str) -> Any:
    """The component with given letters of the derivative of an array by an array."""
    top, letters = (what.matrix, _letters(what)) if isinstance(what, Component) else (what, ())
    if not below:
        return _entries_of(reader, top, bottom, letters, mode)
    if axes(top).is_vector and axes(bottom).is_vector and letters and not axes(top).is_scalar:
        return Component(Jacobian(top, bottom, mode), letters[0], below[0])
    if letters or axes(top).is_scalar:
        return Component(Gradient(what, bottom, mode), *_placed(axes(bottom), below))
    return _by_one_entry(top, bottom, below, mode)


def _entries_of(reader: Reader, top: Any, bottom: Any, letters: tuple[Any, ...], mode: str) -> Any:
    """∂y_i/∂x with a whole array below: row i of the Jacobian, the gradient of one entry."""
    entry = Component(top, *_placed(axes(top), letters))
    return _gradient(reader, entry, bottom, axes(bottom), mode)


def _by_one_entry(top: Any, bottom: Any, below: tuple[Any, ...], mode: str) -> Any:
    """∂Y/∂X_ij has Y's shape: entry (a, b) is ∂Y_ab/∂X_ij."""
    shape = axes(top)
    i, j = (sp.Symbol(name, integer=True) if axis else None for name, axis in (("_a", shape.rows), ("_b", shape.cols)))
    entry = Gradient(Component(top, i, j), bottom, mode)
    return Entries(Component(entry, *_placed(axes(bottom), below)), i, j, shape.rows, shape.cols)


def _letters(component: Component) -> tuple[Any, ...]:
    return tuple(letter for letter in (component.row, component.col) if letter is not None)


def _placed(shape: Axes, letters: tuple[Any, ...]) -> tuple[Any, Any]:
    rest = iter(letters)
    return (next(rest) if shape.rows else None), (next(rest) if shape.cols else None)
