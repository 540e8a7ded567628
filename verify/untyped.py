"""Reading an ill-typed line: the formulas as they stand, where the shape check of a product or sum is left out.

Only a line that does not type-check is read this way, to edit it into one that does; nothing is claimed of it.
"""

from __future__ import annotations

from typing import Any

from derive.errors import ShapeError
from derive.language.build import hadamard, matadd, matmul, negate
from derive.language.convolution import Convolution
from derive.latex import syntax
from derive.latex.elaborate import Reader
from derive.latex.unsized import fit


class UntypedReader(Reader):
    """Elaborates syntax; what does not fit is joined all the same. Constants need a size of their own there."""

    def sides(self, chain: syntax.Chain) -> tuple[Any, ...]:
        """Each side by itself."""
        return tuple(self.side(side, None) for side in chain.sides)

    def side(self, node: syntax.Node, want: Any) -> Any:
        """A side as far as it can be read."""
        try:
            return super().side(node, want)
        except ShapeError:
            return self.read(node, want)

    def slid(self, convolution: Convolution) -> Convolution:
        """A convolution, whether or not its kernel fits."""
        return convolution

    def _sum(self, node: syntax.Sum, want: Any) -> Any:
        try:
            return super()._sum(node, want)
        except ShapeError:
            terms = [(sign, fit(self.read(term), None)) for sign, term in node.terms]
            return matadd(*(negate(term) if sign < 0 else term for sign, term in terms))

    def _product(self, node: syntax.Product, want: Any) -> Any:
        try:
            return super()._product(node, want)
        except ShapeError:
            return matmul(*(fit(self.read(factor), None) for factor in node.factors))

    def _entrywise(self, node: syntax.Entrywise, want: Any) -> Any:
        try:
            return super()._entrywise(node, want)
        except ShapeError:
            if node.operator == "kron":
                raise
            return hadamard(*(fit(self.read(operand), None) for operand in node.operands))
