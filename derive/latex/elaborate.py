"""The one typed step from a syntax tree to formulas: names, sizes and conventions decide, nothing is guessed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from derive.errors import NotationError, ShapeError
from derive.language import nodes
from derive.language.build import divide, hadamard, matadd, matmul, negate, transpose
from derive.language.derivatives import Collect
from derive.language.functions import ElementwiseFunction
from derive.language.shapes import Axes, axes, is_coefficient
from derive.language.show import show
from derive.latex import syntax
from derive.latex.affine import affine
from derive.latex.applied import apply_known
from derive.latex.big import big
from derive.latex.conventions import Conventions
from derive.latex.differentiated import differentiate
from derive.latex.products import multiply
from derive.latex.scripts import parse_script
from derive.latex.syntax import Scripts
from derive.latex.tokens import Tok
from derive.latex.transposes import split_transpose
from derive.latex.unsized import NeedSize, Unsized, fit
from derive.latex.vocabulary import Use, Vocabulary

MAX_EXPONENT = 64


@dataclass(frozen=True)
class Reader:
    """Elaborates syntax under a vocabulary and one reading of the conventions."""

    vocabulary: Vocabulary
    conventions: Conventions

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
        for place in waiting:
            found[place] = self.side(chain.sides[place], sized)
            if sized is not None and sized.back is not None and isinstance(found[place], sp.ZeroMatrix):
                other = next(side for at, side in enumerate(found) if at not in waiting)
                found[place] = sp.Basic.__new__(sp.MatMul, sp.S.Zero, other)  # a family of zeros
        return tuple(found)

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

    def _placed(self, node: syntax.Node, make: Any) -> Any:
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
                return self._name(node)
            case syntax.Number():
                return self._scripted(node, sp.Rational(node.text), node.scripts)
            case syntax.Sum():
                return self._placed(node, lambda: self._sum(node, want))
            case syntax.Product():
                return self._placed(node, lambda: self._product(node, want))
            case syntax.Entrywise():
                return self._placed(node, lambda: self._entrywise(node, want))
            case syntax.Big():
                return self._placed(node, lambda: self._big(node, want))
            case syntax.Apply():
                return self._placed(node, lambda: self._apply(node))
            case syntax.Bracket():
                return self._placed(node, lambda: self._bracket(node, want))
            case syntax.NormOf():
                return self._norm(node)
            case syntax.Fraction():
                return self._placed(node, lambda: self._fraction(node, want))
            case syntax.DerivativeOf():
                return self._placed(node, lambda: self._derivative(node))
        raise NotationError("this cannot stand here", node.start, node.end)

    def _name(self, node: syntax.Name) -> Any:
        base, scripts, vocabulary = node.base, node.scripts, self.vocabulary
        if base in vocabulary.losses and not scripts.sub and not scripts.sup:
            return sp.MatrixSymbol(base, 1, 1)
        try:
            use = vocabulary.find(base, scripts, node.start, node.end)
        except NotationError:
            known = self._kronecker_delta(node)  # beside a family δ_t, δ_ij of components is Kronecker's
            if known is None:
                raise
            return known
        if use is not None:
            return self._used(node, use, scripts)
        known = self._constant(node)
        if known is None:
            hint = vocabulary.nearest(base) or (f"; declare it, as `{base}: elementwise`" if scripts.primes else "")
            raise NotationError(f"{base} is not declared{hint}", node.start, node.end)
        return known

    def _used(self, node: syntax.Name, use: Use, scripts: Scripts) -> Any:
        tensor = use.tensor
        if scripts.primes:
            raise NotationError(f"{tensor.name} is no function: it has no derivative f'", node.start, node.end)
        simple = len(tensor.rows) < 2 and len(tensor.cols) < 2
        value: Any
        if use.indices or not simple:
            value = nodes.Member(tensor.name, use.indices, tensor.rows, tensor.cols)
        else:
            value = sp.MatrixSymbol(tensor.name, nodes.length(tensor.rows), nodes.length(tensor.cols))
        if use.components:
            value = self._component(node, value, use.components)
        if use.exponent:
            value = self._raised(node, value, use.exponent)
        return transpose(value) if use.transposed and value.shape != (1, 1) else value

    def _component(self, node: syntax.Node, value: Any, letters: tuple[sp.Symbol, ...]) -> Any:
        shape = axes(value)
        open_axes = [shape.rows != (), shape.cols != ()]
        if len(letters) != sum(open_axes):
            raise NotationError(
                f"{show(value)} is {shape}: it takes {sum(open_axes)} component letters, not {len(letters)}",
                node.start,
                node.end,
            )
        rest = iter(letters)
        return nodes.Component(value, *(next(rest) if is_open else None for is_open in open_axes))

    def _constant(self, node: syntax.Name) -> Any:
        """Names with a meaning of their own: I, 1, δ_ij, e^x, a size as a number, an index as a number."""
        base, scripts, vocabulary = node.base, node.scripts, self.vocabulary
        if base == "I" and not scripts.sup:
            if not scripts.sub:
                return Unsized("identity", False, node.start, node.end)
            size = self._size_of(scripts.sub)
            return None if size is None else sp.Identity(size)
        if base in ("\\mathbf{1}", "\\mathbb{1}", "\\boldsymbol{1}"):
            rest, is_transposed = split_transpose(scripts.sup)
            if not rest and not scripts.sub:
                return Unsized("ones", is_transposed, node.start, node.end)
        if base == "e" and scripts.sup and not scripts.sub:
            return self._exponential(node)
        if base in vocabulary.sizes and scripts.is_empty:
            return vocabulary.sizes[base]
        if scripts.is_empty and (last := vocabulary.last_step(base)) is not None:
            return last
        return self._kronecker_delta(node)

    def _kronecker_delta(self, node: syntax.Name) -> Any:
        """δ_ij, if both its indices are component letters."""
        letters = [token.text for token in node.scripts.sub if token.kind != "COMMA"]
        known = self.vocabulary.components
        if node.base != "\\delta" or node.scripts.sup or len(letters) != 2 or not set(letters) <= set(known):
            return None
        return nodes.Delta(*(known[letter] for letter in letters))

    def _exponential(self, node: syntax.Name) -> Any:
        argument = self.read(parse_script(node.scripts.sup, self.vocabulary), None)
        if is_coefficient(argument) or isinstance(argument, Unsized):
            raise NotationError("e to a number is not read; only e to a declared quantity", node.start, node.end)
        return ElementwiseFunction("\\exp", "exp")(argument)

    def _size_of(self, tokens: tuple[Tok, ...]) -> Any:
        if len(tokens) == 1 and tokens[0].kind == "NUMBER":
            return sp.Integer(tokens[0].text)
        return affine(tokens, self.vocabulary.sizes)

    def _sum(self, node: syntax.Sum, want: Axes | None) -> Any:
        values = [(sign, self._term(term, None)) for sign, term in node.terms]
        if all(is_coefficient(value) for _, value in values):
            return sp.Add(*(sign * value for sign, value in values))
        sized = next((axes(v) for _, v in values if isinstance(v, sp.MatrixExpr)), want)
        terms = []
        for (sign, value), (_, piece) in zip(values, node.terms, strict=True):
            if value is None:  # a term that takes its size from the others
                value = self.read(piece, self._known(node, sized))
            term = scaled_ones(value, self._known(node, sized)) if is_coefficient(value) else fit(value, sized)
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
        factors = list(node.factors)
        for place, factor in enumerate(factors):  # ∂/∂X acts on all that follows
            if isinstance(factor, syntax.DerivativeOf) and factor.what is None:
                rest = factors[place + 1 :]
                if not rest:
                    raise NotationError("this operator has nothing to act on", factor.start, factor.end)
                what = rest[0] if len(rest) == 1 else syntax.Product(rest[0].start, node.end, tuple(rest))
                factors[place:] = [replace(factor, what=what)]
                break
        return multiply([(self.read(factor), factor) for factor in factors], want)

    def _entrywise(self, node: syntax.Entrywise, want: Axes | None) -> Any:
        values = [self.read(operand) for operand in node.operands]
        if node.operator == "kron":
            sized = [fit(value, None) for value in values]
            result = sized[0]
            for value in sized[1:]:
                result = nodes.Kronecker(result, value)
            return result
        shape = next((axes(v) for v in values if isinstance(v, sp.MatrixExpr)), want)
        if any(is_coefficient(value) for value in values):
            raise NotationError("⊙ joins two arrays, not a number", node.start, node.end)
        result = hadamard(*(fit(value, shape) for value in values))
        axes(result)
        return result

    def _big(self, node: syntax.Big, want: Axes | None) -> Any:
        return big(self, node, want)

    def _apply(self, node: syntax.Apply) -> Any:
        value = apply_known(self, node)
        return self._scripted(node, value, node.after)

    def argument(self, node: syntax.Node) -> Any:
        """The one argument of a function as a sized formula."""
        if isinstance(node, syntax.Bracket) and len(node.parts) > 1:
            raise NotationError("one argument is expected", node.start, node.end)
        value = self.read(node)
        return value if is_coefficient(value) else fit(value, None)

    def _bracket(self, node: syntax.Bracket, want: Axes | None) -> Any:
        if len(node.parts) != 1 or node.parts[0].relations or node.parts[0].is_condition:
            raise NotationError("a bracket holds one formula here", node.start, node.end)
        value = self.read(node.parts[0].sides[0], want if node.scripts.is_empty else None)
        return self._scripted(node, value, node.scripts)

    def _scripted(self, node: syntax.Node, value: Any, scripts: Scripts) -> Any:
        """Scripts behind a bracket, number or application: components, a transpose, a power."""
        if scripts.is_empty:
            return value
        if scripts.primes:
            raise NotationError(
                "a prime here is no derivative; write the function's name with it", node.start, node.end
            )
        if scripts.sub:
            letters = [t for t in scripts.sub if t.kind != "COMMA"]
            known = self.vocabulary.components
            unknown = next((t for t in letters if t.text not in known), None)
            if unknown is not None:
                raise NotationError(
                    f"{unknown.text} is no component letter; list it in indices as `{unknown.text}: component`",
                    unknown.start,
                    unknown.end,
                )
            value = self._component(node, fit(value, None), tuple(known[t.text] for t in letters))
        rest, is_transposed = split_transpose(scripts.sup)
        if rest:
            value = self._raised(node, value, rest)
        return self._transposed(value) if is_transposed else value

    def _transposed(self, value: Any) -> Any:
        if isinstance(value, Unsized):
            return value.transposed
        return value if is_coefficient(value) else transpose(value)

    def _raised(self, node: syntax.Node, value: Any, tokens: tuple[Tok, ...]) -> Any:
        """A power: of numbers and scalars, elementwise of vectors, the matrix power of square matrices."""
        exponent = affine(tokens, self.vocabulary.steps)
        start, end = tokens[0].start, tokens[-1].end
        if exponent is None:
            text = "".join(token.text for token in tokens)
            raise NotationError(f"the superscript {text} is neither declared nor a power", start, end)
        if exponent.is_Integer and not 0 <= exponent <= MAX_EXPONENT:
            raise NotationError(f"the exponent {exponent} is not within 0 and {MAX_EXPONENT}", start, end)
        if is_coefficient(value):
            return value**exponent
        value = fit(value, None)
        shape = axes(value)
        if shape.is_vector and not shape.is_scalar:
            return sp.Basic.__new__(sp.HadamardPower, value, exponent)
        return nodes.Power(value, exponent)

    def _norm(self, node: syntax.NormOf) -> Any:
        below = "".join(token.text for token in node.scripts.sub)
        if below not in ("", "2", "F"):
            raise NotationError(f"the norm {below} is not read; expected 2 or F", node.start, node.end)
        value = nodes.Norm(fit(self.read(node.body), None), below or "2")
        return self._raised(node, value, node.scripts.sup) if node.scripts.sup else value

    def _fraction(self, node: syntax.Fraction, want: Axes | None) -> Any:
        above, below = self.read(node.above, want), self.read(node.below)
        if is_coefficient(below):
            if not below.is_positive and not below.is_negative and not self.vocabulary.is_count(below):
                raise NotationError(f"division by {below}, which may be 0", node.below.start, node.below.end)
            return above / below if is_coefficient(above) else matmul(1 / below, fit(above, want))
        below = fit(below, None)
        if is_coefficient(above):
            above = scaled_ones(above, axes(below))
        return self._scripted(node, divide(fit(above, axes(below)), below), node.scripts)

    def _derivative(self, node: syntax.DerivativeOf) -> Any:
        if node.what is None:
            raise NotationError("this operator has nothing to act on", node.start, node.end)
        return self._scripted(
            node, differentiate(self, node), Scripts(node.scripts.sub, _without_nabla(node.scripts.sup))
        )


def _without_nabla(sup: tuple[Tok, ...]) -> tuple[Tok, ...]:
    return tuple(token for token in sup if token.kind != "NABLA")


def scaled_ones(value: Any, shape: Axes) -> Any:
    """A number added to an array adds to each entry."""
    if value == 0:
        return sp.ZeroMatrix(nodes.length(shape.rows), nodes.length(shape.cols))
    array = sp.OneMatrix(nodes.length(shape.rows), nodes.length(shape.cols))
    return array if value == 1 else matmul(value, array)


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
