"""From derivative nodes to forms: differentiate, then lay out the slots."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sympy as sp

from derive.language import derivatives, nodes
from derive.language.show import show
from verify.deciders.normal_form.algebra import contract
from verify.deciders.normal_form.arrays import Array, Slots, join, named_slots
from verify.deciders.normal_form.build_applications import differentiated_by_slot
from verify.deciders.normal_form.term import Form, Unsupported

if TYPE_CHECKING:
    from verify.deciders.normal_form.build import Builder


def _differentiated(builder: Builder, expr: derivatives.DerivativeNode) -> tuple[Array, Array, Form]:
    """What is differentiated, by what, and the derivative: slots of the first (letters last), then of X."""
    if derivatives.slot_of(expr) is not None:
        return differentiated_by_slot(builder, expr)
    variable = _variable(expr.by)
    if isinstance(variable, nodes.Member | sp.MatrixSymbol):
        indices = getattr(variable, "indices", ())
        builder.system.check_free(str(variable.name), builder.step(variable.time) if indices else None)
    by = builder.build(variable)
    number = _atom_number(by, expr)
    what = builder.build(expr.what)
    if what.back is not None:
        raise Unsupported(f"{show(expr)} differentiates a family")
    if expr.mode == "total":
        return what, by, builder.system.derivative(number).of(what.form)
    return what, by, _immediate(builder, expr, number, what)


def _variable(by: Any) -> Any:
    return _variable(by.args[0]) if isinstance(by, nodes.Vec | sp.Transpose) else by


def _source(what: Any) -> Any:
    """The member whose entries are differentiated."""
    return _source(what.args[0]) if isinstance(what, nodes.Vec | sp.Transpose | nodes.Component) else what


def _atom_number(by: Array, expr: Any) -> int:
    atoms = [atom for term in by.form.terms for atom, _ in term.factors]
    if len(atoms) != 1 or not by.form.is_atom(atoms[0]):
        raise Unsupported(f"a derivative by {show(expr.by)}")
    return atoms[0]


def _immediate(builder: Builder, expr: derivatives.DerivativeNode, by: int, what: Array) -> Form:
    """Immediate: of a member by a parameter, other steps held; of a loss by a member, its direct dependence."""
    source, system = _source(expr.what), builder.system
    variable = _variable(expr.by)
    by_member = isinstance(variable, nodes.Member) and variable.indices
    if isinstance(source, nodes.Member) and source.indices and not by_member:
        return system.derivative(by, builder.step(source.time)).of(what.form)
    if str(getattr(source, "name", "")) in system.model.loss_by_name and by_member:
        return system.direct(str(source.name), by)
    if not by_member and isinstance(source, sp.MatrixSymbol) and system.model.equation_of(source) is None:
        return system.derivative(by).of(what.form)
    raise Unsupported(f"the immediate derivative {show(expr)}")


def _spread_out(builder: Builder, expr: derivatives.DerivativeNode) -> tuple[Array, Array, Slots]:
    """The derivative as an array without rows, its slots named: y rows 0, y columns 1, X rows 2, X columns 3."""
    what, by, form = _differentiated(builder, expr)
    layout = (*what.layout(0, 1), *by.layout(2, 3))
    return replace(what, form=form), by, layout


def _vec_order(by_expr: Any, by: Array) -> Slots:
    """X's slots along one axis, in the order that the text's vec (and transposes in it) gives."""
    rows, cols = named_slots(2, by.rows), named_slots(3, by.cols)
    order = "column"
    swapped = False
    while isinstance(by_expr, nodes.Vec | sp.Transpose):
        if isinstance(by_expr, nodes.Vec):
            order = by_expr.order
        else:
            swapped = not swapped
        by_expr = by_expr.args[0]
    if swapped:
        rows, cols = cols, rows
    return (*cols, *rows) if order == "column" else (*rows, *cols)


def build_jacobian(builder: Builder, expr: derivatives.Jacobian) -> Array:
    """∂y/∂x: rows y, columns x."""
    array, by, layout = _spread_out(builder, expr)
    rows = (*named_slots(0, array.rows), *named_slots(1, array.cols))
    return join(builder.store, [(array, layout)], rows, _vec_order(expr.by, by))


def build_gradient(builder: Builder, expr: derivatives.Gradient) -> Array:
    """∂E/∂X in the shape of X."""
    array, by, layout = _spread_out(builder, expr)
    rows, cols = _by_axes(expr.by, by)
    return join(builder.store, [(array, layout)], rows, cols)


def _by_axes(by_expr: Any, by: Array) -> tuple[Slots, Slots]:
    if isinstance(by_expr, nodes.Vec):
        return _vec_order(by_expr, by), ()
    rows, cols = named_slots(2, by.rows), named_slots(3, by.cols)
    return (cols, rows) if isinstance(by_expr, sp.Transpose) else (rows, cols)


def build_block(builder: Builder, expr: derivatives.BlockJacobian) -> Array:
    """[∂Y/∂x_ij]: X's slots slow, Y's fast."""
    array, by, layout = _spread_out(builder, expr)
    rows, cols = _by_axes(expr.by, by)
    return join(
        builder.store, [(array, layout)], (*rows, *named_slots(0, array.rows)), (*cols, *named_slots(1, array.cols))
    )


def build_family(builder: Builder, expr: derivatives.FamilyDerivative) -> Array:
    """∂Y/∂X: Y's axes, X's as back axes."""
    array, by, layout = _spread_out(builder, expr)
    rows, cols = _by_axes(expr.by, by)
    output = (*named_slots(0, array.rows), *named_slots(1, array.cols), *rows, *cols, *array.letters)
    form = contract(builder.store, [(array.form, layout)], output)
    return Array(form, array.rows, array.cols, (len(rows), len(cols)), array.letters)


def build_collect(builder: Builder, expr: derivatives.Collect) -> Array:
    """A family of 1×1 members as the matrix of its back axes."""
    array = builder.build(expr.family)
    if array.back is None:
        raise Unsupported(f"{show(expr)} is no family")
    return Array(array.form, *array.back, None, array.letters)
