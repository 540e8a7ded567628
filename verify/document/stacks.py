"""Steps and layers at once, h_t^{(l)}: claims for few layers, each with its layers told apart by name.

A claim over two kinds of steps is made once for every number of layers up to `MOST` and every layer in its range; in
each of these h_t^{(2)} is a family of its own over time. So such a claim is known for that many layers, and for all
time steps; it is never proved for all layers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import sympy as sp

from derive.errors import NotationError
from derive.language.build import matadd, matmul
from derive.language.nodes import Member, TimeProduct, TimeSum
from derive.language.substitute import substitute
from derive.model import Equation, Loss
from verify.claim import Condition

MOST = 3  # layers

Range = tuple[sp.Expr, sp.Expr]
Values = Mapping[sp.Symbol, int]


@dataclass(frozen=True)
class Layers:
    """The letters that count layers with their range; every other step letter counts time."""

    letters: frozenset[sp.Symbol]
    span: Range

    @property
    def name(self) -> str:
        """How many layers there are, as a letter: L."""
        return str(self.span[1])

    def counts(self) -> list[int]:
        """The numbers of layers that are tried."""
        last = self.span[1]
        return [int(last)] if last.is_Integer else list(range(int(self.span[0]), int(self.span[0]) + MOST))

    def choices(self, sides: Sequence[Any], count: int) -> Iterator[dict[sp.Symbol, int]]:
        """The values of the free layer letters of a claim, for a number of layers."""
        free = sorted({s for side in sides for s in side.free_symbols} & self.letters - {self.span[1]}, key=str)
        fixed = {} if self.span[1].is_Integer else {self.span[1]: count}
        for values in product(range(int(self.span[0]), count + 1), repeat=len(free)):
            yield {**fixed, **dict(zip(free, values, strict=True))}

    def is_met(self, conditions: Sequence[Condition], values: Values) -> bool:
        """Whether the conditions on layers alone hold."""
        own = [c for c in conditions if (c.left.free_symbols | c.right.free_symbols) <= set(values)]
        return all(condition.holds(dict(values)) for condition in own)

    def exists(self, sides: Sequence[Any], equations: Sequence[Equation]) -> bool:
        """Whether every layer that a claim writes is one that the equations compute or read."""
        known = _names(side for equation in equations for side in (equation.left, equation.right))
        families = {name.rpartition("^")[0] for name in known}
        return all(name in known or name.rpartition("^")[0] not in families for name in _names(sides))

    # --- formulas ----------------------------------------------------------------------------------------------

    def formula(self, expr: Any, values: Values) -> Any:
        """A formula at given layers: sums over layers written out, members named by their layer."""
        if isinstance(expr, TimeSum | TimeProduct) and self._counts_layers(expr):
            return self._written_out(expr, values)
        if isinstance(expr, Member) and expr.indices:
            return self._member(expr, values)
        if not expr.args:
            return sp.sympify(values[expr]) if expr in values else expr
        args = tuple(self.formula(arg, values) for arg in expr.args)
        if args == expr.args:
            return expr
        if isinstance(expr, sp.MatrixExpr) and type(expr).__module__.startswith("sympy"):
            return sp.Basic.__new__(type(expr), *args)
        return expr.func(*args)

    def _counts_layers(self, expr: Any) -> bool:
        """Whether a bound letter stands where members have their layer."""
        bounds = expr.lo.free_symbols | expr.hi.free_symbols
        return expr.index in self.letters or bool(bounds & self.letters)

    def _written_out(self, expr: Any, values: Values) -> Any:
        known = {letter: sp.Integer(value) for letter, value in values.items()}
        lo, hi = (int(bound.xreplace(known)) for bound in (expr.lo, expr.hi))
        inner = replace(self, letters=self.letters | {expr.index})
        parts = [inner.formula(expr.body, {**values, expr.index: k}) for k in range(lo, hi + 1)]
        if not parts:
            raise NotationError("an empty sum or product over layers is not read", 0, 1)
        if isinstance(expr, TimeSum):
            return matadd(*parts)
        return matmul(*(reversed(parts) if expr.direction == "descending" else parts))

    def _member(self, member: Member, values: Values) -> Any:
        """h_t^{(2)} as the member at t of a family that is named by its layer; W^{(2)} as a tensor of its own."""
        known = {letter: sp.Integer(value) for letter, value in values.items()}
        layer, rest = None, []
        for index in member.indices:
            at = index.xreplace(known)
            is_number = len(member.indices) > 1 and not index.free_symbols and layer is None
            if index.free_symbols & self.letters or is_number:
                layer = int(at)
            else:
                rest.append(at)
        if layer is None:
            return substitute(member, known)
        rows, cols = (tuple(size.xreplace(known) for size in axis) for axis in (member.row_axis, member.col_axis))
        name = f"{member.name}^{{({layer})}}"
        if rest or max(len(rows), len(cols)) > 1:
            return Member(name, rest, rows, cols)
        return sp.MatrixSymbol(name, sp.Mul(*rows), sp.Mul(*cols))

    # --- models ------------------------------------------------------------------------------------------------

    def equations(self, found: Sequence[Equation], count: int) -> tuple[Equation, ...]:
        """The equations of every layer."""
        fixed = {} if self.span[1].is_Integer else {self.span[1]: count}
        made: list[Equation] = []
        for equation in found:
            letters = sorted(equation.left.free_symbols & self.letters - {self.span[1]}, key=str)
            for values in product(range(int(self.span[0]), count + 1), repeat=len(letters)):
                made.append(self._equation(equation, {**fixed, **dict(zip(letters, values, strict=True))}))
        return tuple(made)

    def _equation(self, equation: Equation, values: Values) -> Equation:
        left, right = self.formula(equation.left, values), self.formula(equation.right, values)
        index = left.time if isinstance(left, Member) and left.indices else None
        return Equation(left, right, index, id=equation.id)

    def losses(self, found: Sequence[Loss], equations: Sequence[Equation], count: int) -> tuple[Loss, ...]:
        """A loss of a family with layers is one of its top layer."""
        names = _names(side for equation in equations for side in (equation.left, equation.right))
        made = []
        for loss in found:
            parts = tuple((name if name in names else f"{name}^{{({count})}}", place) for name, place in loss.parts)
            if all(name in names for name, _ in parts):
                made.append(Loss(loss.symbol, parts))
        return tuple(made)


def _names(formulas: Iterable[Any]) -> set[str]:
    nodes = (node for formula in formulas for node in sp.preorder_traversal(formula))
    return {str(node.name) for node in nodes if isinstance(node, Member | sp.MatrixSymbol)}
