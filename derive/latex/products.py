"""Juxtaposition: coefficients and scalars multiply, matrices join, constants take their neighbours' sizes."""

from __future__ import annotations

from typing import Any

import sympy as sp

from derive.language import nodes
from derive.language.build import matmul, transpose
from derive.language.derivatives import Collect, FamilyDerivative, Gradient
from derive.language.nodes import Scale
from derive.language.shapes import Axes, axes, is_coefficient
from derive.latex.syntax import Node
from derive.latex.unsized import Unsized, sized


def multiply(factors: list[tuple[Any, Node]], want: Axes | None) -> Any:
    """The product of factors as written."""
    coefficients = [value for value, _ in factors if is_coefficient(value)]
    arrays = _with_sizes([value for value, _ in factors if not is_coefficient(value)], want)
    if not arrays:
        result: Any = 1
        for coefficient in coefficients:
            result = result * coefficient
        return result
    scalars = [value for value in arrays if axes(value).is_scalar and axes(value).back is None]
    matrices = [value for value in arrays if not (axes(value).is_scalar and axes(value).back is None)]
    body = _joined(matrices) if matrices else scalars.pop()
    for scalar in reversed(scalars):
        body = Scale(scalar, body)
    result = matmul(*coefficients, body)
    axes(result)
    return result


def _with_sizes(values: list[Any], want: Axes | None) -> list[Any]:
    """Constants between neighbours get their sizes; at the ends the wanted axes help."""
    for place, value in enumerate(values):
        if not isinstance(value, Unsized):
            continue
        left = next((other for other in reversed(values[:place]) if not _is_plain_scalar(other)), None)
        right = next((other for other in values[place + 1 :] if not _is_plain_scalar(other)), None)
        rows = axes(left).cols if left is not None and not isinstance(left, Unsized) else None
        cols = axes(right).rows if right is not None and not isinstance(right, Unsized) else None
        if want is not None:
            rows = want.rows if left is None else rows
            cols = want.cols if right is None else cols
        values[place] = sized(value, rows, cols)
    return values


def _is_plain_scalar(value: Any) -> bool:
    """A 1×1 factor scales its neighbours and says nothing of their sizes."""
    return not isinstance(value, Unsized) and axes(value).is_scalar and axes(value).back is None


def _joined(matrices: list[Any]) -> Any:
    """Matrices side by side; what has become 1×1 on the way scales what follows."""
    first, *rest = _contract_matrix_chains(matrices)
    run, shape = [first], axes(first)  # the factors of one product, put together once
    for factor in rest:
        right = axes(factor)
        back = shape.back or right.back
        if shape.is_scalar and shape.cols != right.rows:
            run, shape = [Scale(matmul(*run), factor)], Axes(*right.plain, back)
        elif right.is_scalar and right.rows != shape.cols:
            run, shape = [Scale(factor, matmul(*run))], Axes(*shape.plain, back)
        else:
            run.append(factor)
            shape = Axes(shape.rows, right.cols, back)
    return matmul(*run)


def _contract_matrix_chains(matrices: list[Any]) -> list[Any]:
    """∂E/∂Y · ∂Y/∂X with one Y: all axes of Y are joined; for a column Y that is the product as it stands."""
    found = list(matrices)
    for place in range(len(found) - 1):
        outer, inner = found[place], found[place + 1]
        gradient = outer.args[0] if isinstance(outer, sp.Transpose) else outer
        is_chain = isinstance(gradient, Gradient) and isinstance(inner, FamilyDerivative) and gradient.by == inner.what
        if is_chain and (axes(inner.what).cols != () or axes(outer).cols != axes(inner).rows):
            row = transpose(nodes.Vec(gradient))
            found[place : place + 2] = [Collect(matmul(row, nodes.Vec(inner)))]
            return _contract_matrix_chains(found)
    return found
