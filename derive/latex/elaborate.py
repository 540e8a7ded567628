"""The one typed step from a syntax tree to formulas: names, sizes and conventions decide, nothing is guessed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp

from derive.errors import NotationError, ShapeError
from derive.language import nodes
from derive.language.build import hadamard, matadd, negate, transpose
from derive.language.convolution import Convolution
from derive.language.derivatives import Collect
from derive.language.shapes import Axes, axes, is_coefficient
from derive.latex import convolutions, syntax
from derive.latex.applied import apply_known
from derive.latex.big import big
from derive.latex.constants import constant, indicator
from derive.latex.conventions import Conventions
from derive.latex.differentiated import differentiate
from derive.latex.grids import grid, stacked
from derive.latex.juxtaposed import regrouped
from derive.latex.names import flat
from derive.latex.powers import absolute, quotient, raised
from derive.latex.products import multiply
from derive.latex.selected import selected
from derive.latex.signs import ELLIPSES, ELLIPSIS
from derive.latex.syntax import Scripts
from derive.latex.transposes import split_transpose
from derive.latex.unsized import NeedSize, Unsized, fit, scaled_ones
from derive.latex.vocabulary import Use, Vocabulary


@dataclass(frozen=True)
class Reader:
    """Elaborates syntax under a vocabulary and one reading of the conventions.

    `immediate`: pairs (what, by) of derivatives that a document declares to be immediate.
    """

    vocabulary: Vocabulary
    conventions: Conventions
    immediate: tuple[tuple[Any, Any], ...] = ()

    # --- whole sides -------------------------------------------------------------------------------------------

    def sides(self, chain: syntax.Chain) -> tuple[Any, ...]:
        """The formulas of a chain; a side without a size of its own takes its neighbour's."""
        found: list[Any] = [None] * len(chain.sides)
        waiting: list[int] = []
        for place, side in enumerate(chain.sides):
            try:
                found[place] = self.side(side, None)
            except NeedSize:
                waiting.append(place)
        sized = next((axes(side) for side in found if side is not None), None)
        if sized is None and len(waiting) == len(found) and all(self._is_number(side) for side in chain.sides):
            sized = Axes((), ())
        for place in waiting:
            found[place] = self.side(chain.sides[place], sized)
            if sized is not None and sized.back is not None and isinstance(found[place], sp.ZeroMatrix):
                other = next(side for at, side in enumerate(found) if at not in waiting)
                found[place] = sp.Basic.__new__(sp.MatMul, sp.S.Zero, other)  # a family of zeros
        return tuple(found)

    def _is_number(self, side: syntax.Node) -> bool:
        try:
            return is_coefficient(self.read(side))
        except NeedSize:
            return False

    def side(self, node: syntax.Node, want: Axes | None) -> Any:
        """One side as a sized formula; families of 1×1 members are collected."""
        value = self.read(node, want)
        if is_coefficient(value):
            value = self._number_as_matrix(value, want)
        value = self._placed(node, lambda: fit(value, want))
        return self._placed(node, lambda: collected(value))

    def _number_as_matrix(self, value: Any, want: Axes | None) -> Any:
        if value == 0:
            return Unsized("zero")
        if want is None:
            raise NeedSize("the size of this side is not known", 0, 1)
        return scaled_ones(value, want)

    def _placed(self, node: syntax.Node, make: Callable[[], Any]) -> Any:
        """Run a step; a shape error gets the place of the node."""
        try:
            return make()
        except ShapeError as error:
            if not hasattr(error, "start"):
                error.start, error.end = node.start, node.end  # type: ignore[attr-defined]
            raise

    # --- one method a syntax node ------------------------------------------------------------------------------

    def read(self, node: syntax.Node, want: Axes | None = None) -> Any:
        """A formula, a coefficient (number or size), or an `Unsized` constant."""
        match node:
            case syntax.Name():
                return self._placed(node, lambda: self._name(node))
            case syntax.Number():
                return self._scripted(node, sp.Rational(node.text), node.scripts)
            case syntax.Sum():
                return self._placed(node, lambda: self._sum(node, want))
            case syntax.Product():
                return self._placed(node, lambda: self._product(node, want))
            case syntax.Entrywise():
                return self._placed(node, lambda: self._entrywise(node, want))
            case syntax.Big():
                return self._placed(node, lambda: big(self, node, want))
            case syntax.Apply():
                return self._placed(node, lambda: self._apply(node))
            case syntax.Bracket():
                return self._placed(node, lambda: self._bracket(node, want))
            case syntax.Grid():
                return self._placed(node, lambda: self._grid(node, want))
            case syntax.Indicator():
                return self._scripted(node, indicator(self, node.relation), node.scripts)
            case syntax.NormOf():
                return self._placed(node, lambda: self._norm(node))
            case syntax.Fraction():
                return self._placed(node, lambda: self._fraction(node, want))
            case syntax.DerivativeOf():
                return self._placed(node, lambda: self._derivative(node))
        raise NotationError("this cannot stand here", node.start, node.end)

    def _name(self, node: syntax.Name) -> Any:
        base, scripts, vocabulary = node.base, node.scripts, self.vocabulary
        if base in ELLIPSES:
            raise NotationError(f"{base}: {ELLIPSIS}", node.start, node.end)
        loss = vocabulary.loss(base)
        if loss and not scripts.sub and not scripts.primes:
            return self._scripted(node, sp.MatrixSymbol(loss, 1, 1), scripts)
        try:
            use = vocabulary.find(base, scripts, node.start, node.end)
        except NotationError:
            known = constant(self, node)  # beside a family δ_t, δ_ij of components is Kronecker's
            if known is None:
                raise
            return known
        if use is not None:
            return self._used(node, use, scripts)
        known = constant(self, node)
        if known is None:
            hint = vocabulary.nearest(base) or (f"; declare it, as `{base}: elementwise`" if scripts.primes else "")
            raise NotationError(f"{base} is not declared{hint}", node.start, node.end)
        return known

    def _used(self, node: syntax.Name, use: Use, scripts: Scripts) -> Any:
        value = self.member(use)
        value = selected(self, node, value, use.selectors)
        if scripts.primes:
            if not self.vocabulary.prime_transposes or scripts.primes > 1:
                name = use.tensor.name
                raise NotationError(f"{name} is no function: it has no derivative {name}'", node.start, node.end)
            value = transpose(value)
        if use.exponent:
            value = raised(self, node, value, use.exponent)
        return transpose(value) if use.transposed and value.shape != (1, 1) else value

    def member(self, use: Use) -> Any:
        """A declared name at its indices, without its components."""
        simple = len(use.rows) < 2 and len(use.cols) < 2
        if use.indices or not simple:
            return nodes.Member(use.tensor.name, use.indices, use.rows, use.cols)
        return sp.MatrixSymbol(use.tensor.name, nodes.length(use.rows), nodes.length(use.cols))

    def _sum(self, node: syntax.Sum, want: Axes | None) -> Any:
        values = [(sign, self._term(term, None)) for sign, term in node.terms]
        if all(is_coefficient(value) for _, value in values):
            return sp.Add(*(sign * value for sign, value in values))
        arrays = [axes(v) for _, v in values if isinstance(v, sp.MatrixExpr)]
        sized = next((shape for shape in arrays if not shape.is_scalar), arrays[0] if arrays else want)
        terms = []
        for (sign, value), (_, piece) in zip(values, node.terms, strict=True):
            if value is None:  # a term that takes its size from the others
                value = self.read(piece, self._known(node, sized))
            term = scaled_ones(value, self._known(node, sized)) if is_coefficient(value) else fit(value, sized)
            if sized is not None and not sized.is_scalar and is_number(term):
                term = nodes.Scale(term, scaled_ones(1, sized))
            terms.append(negate(term) if sign < 0 else term)
        result = matadd(*terms)
        if isinstance(result, sp.MatAdd):
            result = matadd(*(collected(term) for term in result.args)) if _is_mixed(result) else result
        axes(result)
        return result

    def _term(self, node: syntax.Node, want: Axes | None) -> Any:
        """A term, None for one whose size must come from elsewhere."""
        try:
            return self.read(node, want)
        except NeedSize:
            return None

    def _known(self, node: syntax.Node, shape: Axes | None) -> Axes:
        if shape is None:
            raise NeedSize("the size of this sum is not known", node.start, node.end)
        return shape

    def _product(self, node: syntax.Product, want: Axes | None) -> Any:
        factors = regrouped(self, node)
        return multiply([(self.read(factor), factor) for factor in factors], want)

    def _entrywise(self, node: syntax.Entrywise, want: Axes | None) -> Any:
        if node.operator == "kron":
            return _joined([fit(self.read(operand), None) for operand in node.operands])
        if convolutions.is_convolution(node.operator):
            return convolutions.joined(self, node)
        values = [self._term(operand, None) for operand in node.operands]
        if node.operator != "hadamard":
            raise NotationError(f"the operator {node.operator} stands in a condition only", node.start, node.end)
        shape = next((axes(v) for v in values if isinstance(v, sp.MatrixExpr)), want)
        if any(is_coefficient(value) for value in values):
            raise NotationError("⊙ joins two arrays, not a number", node.start, node.end)
        sized = zip(values, node.operands, strict=True)
        fitted = [fit(self.read(piece, shape) if value is None else value, shape) for value, piece in sized]
        if self.vocabulary.tolerates_mixed:
            fitted = [transpose(v) if axes(v) == axes(fitted[0]).transposed != axes(fitted[0]) else v for v in fitted]
        result = hadamard(*fitted)
        axes(result)
        return result

    def slid(self, convolution: Convolution) -> Convolution:
        """A convolution whose kernel fits into its input."""
        axes(convolution)
        return convolution

    def _apply(self, node: syntax.Apply) -> Any:
        return self._scripted(node, apply_known(self, node), node.after)

    def argument(self, node: syntax.Node) -> Any:
        """The one argument of a function as a sized formula."""
        if isinstance(node, syntax.Bracket) and len(node.parts) > 1 and node.kind != "square":
            raise NotationError("one argument is expected", node.start, node.end)
        value = self.read(node)
        return value if is_coefficient(value) else fit(value, None)

    def _bracket(self, node: syntax.Bracket, want: Axes | None) -> Any:
        if any(part.relations or part.is_condition for part in node.parts):
            raise NotationError("a bracket holds formulas here, no relation", node.start, node.end)
        if len(node.parts) > 1:
            return self._scripted(node, stacked(self, node), node.scripts)
        value = self.read(node.parts[0].sides[0], want if node.scripts.is_empty else None)
        if node.kind == "absolute":
            value = absolute(value if is_coefficient(value) else fit(value, want))
        return self._scripted(node, value, node.scripts)

    def _grid(self, node: syntax.Grid, want: Axes | None) -> Any:
        return self._scripted(node, grid(self, node, want), node.scripts)

    def _scripted(self, node: syntax.Node, value: Any, scripts: Scripts) -> Any:
        """Scripts behind a bracket, number or application: components, a transpose, a power."""
        if scripts.is_empty:
            return value
        if scripts.primes:
            if not self.vocabulary.prime_transposes or scripts.primes > 1:
                wrong = "a prime here is no derivative; write the function's name with it"
                raise NotationError(wrong, node.start, node.end)
            value = self._transposed(value)
        if scripts.sub:
            selectors = self.vocabulary.selectors(flat(scripts.sub))
            if selectors is None:
                text = "".join(token.text for token in scripts.sub)
                hint = f"{text} is no component letter; list it in indices as `{text}: component`"
                raise NotationError(hint, scripts.sub[0].start, scripts.sub[-1].end)
            value = selected(self, node, fit(value, None), selectors)
        rest, is_transposed = split_transpose(scripts.sup)
        if rest:
            value = raised(self, node, value, rest)
        return self._transposed(value) if is_transposed else value

    def _transposed(self, value: Any) -> Any:
        if isinstance(value, Unsized):
            return value.transposed
        return value if is_coefficient(value) else transpose(value)

    def _norm(self, node: syntax.NormOf) -> Any:
        below = "".join(token.text for token in node.scripts.sub)
        if below not in ("", "2", "F", "\\mathrm{F}"):
            raise NotationError(f"the norm {below} is not read; expected 2 or F", node.start, node.end)
        value = nodes.Norm(fit(self.read(node.body), None), "F" if below.endswith(("F", "F}")) else "2")
        return raised(self, node, value, node.scripts.sup) if node.scripts.sup else value

    def _fraction(self, node: syntax.Fraction, want: Axes | None) -> Any:
        above, below = self.read(node.above, want), self.read(node.below)
        return self._scripted(node, quotient(self, node, above, below, want), node.scripts)

    def _derivative(self, node: syntax.DerivativeOf) -> Any:
        if node.what is None:
            raise NotationError("this operator has nothing to act on", node.start, node.end)
        return self._scripted(node, differentiate(self, node), node.scripts)


def is_number(value: Any) -> bool:
    """Whether a formula is made of scalars alone: such a number is added to each entry of an array."""
    if not axes(value).is_scalar or axes(value).back is not None:
        return False
    leaves = [node for node in sp.preorder_traversal(value) if isinstance(node, sp.MatrixSymbol | nodes.Member)]
    return bool(leaves) and all(axes(leaf).is_scalar and axes(leaf).back is None for leaf in leaves)


def _joined(values: list[Any]) -> Any:
    """A ⊗ B ⊗ C from the left."""
    result = values[0]
    for value in values[1:]:
        result = nodes.Kronecker(result, value)
    return result


def collected(value: Any) -> Any:
    """A family of 1×1 members as a matrix; sums term by term."""
    if isinstance(value, sp.MatAdd):
        return matadd(*(collected(term) for term in value.args))
    shape = axes(value)
    return Collect(value) if shape.back is not None and shape.is_scalar else value


def _is_mixed(total: Any) -> bool:
    """Whether some terms are families of 1×1 members and others matrices already."""
    shapes = [axes(term) for term in total.args]
    return any(s.back for s in shapes) and any(not s.back for s in shapes)
