"""Names with a meaning of their own: I, 0, 1, δ_ij, indicators, e^x, a size or a step as a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sympy as sp

from derive.errors import NotationError
from derive.language.build import constant as filled
from derive.language.build import matadd, negate, ones
from derive.language.functions import ElementwiseFunction
from derive.language.nodes import Component, Delta, Elementwise
from derive.language.shapes import axes, is_coefficient
from derive.language.show import show
from derive.latex import syntax
from derive.latex.lexicon import without_font
from derive.latex.names import flat
from derive.latex.parser import formula_of, parse_tokens
from derive.latex.tokens import Tok
from derive.latex.transposes import split_transpose
from derive.latex.unsized import Unsized, fit
from derive.latex.vocabulary import Use

if TYPE_CHECKING:
    from derive.latex.elaborate import Reader

ONES = ("\\mathbf{1}", "\\mathbb{1}", "\\boldsymbol{1}", "\\bm{1}", "\\vec{1}", "\\mathrm{1}")
ZEROS = ("\\mathbf{0}", "\\boldsymbol{0}", "\\bm{0}", "\\vec{0}", "\\mathbb{0}")


def constant(reader: Reader, node: syntax.Name) -> Any:
    """What an undeclared name means by itself, None for nothing."""
    base, scripts, vocabulary = node.base, node.scripts, reader.vocabulary
    rest, is_transposed = split_transpose(scripts.sup)
    if without_font(base) == "I" and not rest:
        return _identity(reader, node)
    if base in ONES and not rest:
        return _ones(reader, node, is_transposed)
    if base in ZEROS and not scripts.sub and not rest:
        return Unsized("zero", False, node.start, node.end)
    if base == "e" and scripts.sup and not scripts.sub:
        return _exponential(reader, node)
    if base in vocabulary.steps and scripts.is_empty:
        return vocabulary.steps[base]
    if base == "\\delta":
        return _kronecker(reader, node)
    return _size(reader, node)


def _identity(reader: Reader, node: syntax.Name) -> Any:
    """I, I_n."""
    if not node.scripts.sub:
        return Unsized("identity", False, node.start, node.end)
    size = reader.vocabulary.size_of(node.scripts.sub)
    if size is None or not isinstance(size, sp.Mul):
        return None if size is None else sp.Identity(size)
    return Unsized("identity", False, node.start, node.end, size)


def _ones(reader: Reader, node: syntax.Name, is_transposed: bool) -> Any:
    """The column of ones; of a stated size; or the indicator of what the subscript says."""
    sub = node.scripts.sub
    if not sub:
        return Unsized("ones", is_transposed, node.start, node.end)
    size = reader.vocabulary.size_of(sub)
    if isinstance(size, sp.Mul):
        return Unsized("ones", is_transposed, node.start, node.end, size)
    if size is not None:
        return ones(1, size) if is_transposed else ones(size, 1)
    if any(token.kind == "REL" for token in sub):
        tokens = sub[1:-1] if sub[0].kind in ("LSET", "LPAR", "LB") else sub
        return indicator(reader, parse_tokens(tokens)[0])
    return _equal(reader, reader.vocabulary.selectors(flat(sub)))


def _size(reader: Reader, node: syntax.Name) -> Any:
    """A size as a number: m, d_k, n_l."""
    sub, sup = node.scripts.sub, node.scripts.sup
    scripts = [Tok(kind, "", node.start, node.end, inner) for kind, inner in (("SUB", sub), ("SUP", sup)) if inner]
    return reader.vocabulary.size_of((Tok("NAME", node.base, node.start, node.end), *scripts))


def _exponential(reader: Reader, node: syntax.Name) -> Any:
    argument = fit(reader.read(formula_of(node.scripts.sup), None), None)
    if is_coefficient(argument):
        raise NotationError("e to a number is not read; only e to a declared quantity", node.start, node.end)
    return ElementwiseFunction("\\exp", "exp")(argument)


def _kronecker(reader: Reader, node: syntax.Name) -> Any:
    """δ_ij and δ_j^i, if both its indices are component letters or labels."""
    both = (*node.scripts.sub, *((Tok("COMMA", ",", 0, 0),) if node.scripts.sup else ()), *node.scripts.sup)
    selectors = reader.vocabulary.selectors(flat(both))
    return _equal(reader, selectors)


def _equal(reader: Reader, selectors: tuple[Any, ...] | None) -> Any:
    """1 where two component letters, or a letter and a label, are equal; None for anything else."""
    if selectors is None or len(selectors) != 2 or None in selectors:
        return None
    first, second = selectors
    if all(isinstance(one, Use) or str(one).startswith("#") for one in selectors):
        return None  # two labels, or 1_{nm} of two sizes
    if isinstance(first, Use) or isinstance(second, Use):
        label, letter = (first, second) if isinstance(first, Use) else (second, first)
        return Component(reader.member(label), letter, None)
    return Delta(first, second)


# --- indicators --------------------------------------------------------------------------------------------------


def indicator(reader: Reader, chain: syntax.Chain) -> Any:
    """1 where a relation holds, else 0: i = j of components, y = i of a label, z > 0 of an array (z ≠ 0)."""
    if len(chain.relations) != 1:
        raise NotationError("one relation is expected here", chain.start, chain.end)
    relation = chain.relations[0]
    if relation in ("=", "!="):
        selectors = tuple(_selector(reader, side) for side in chain.sides)
        found = None if None in selectors else _equal(reader, selectors)
        if found is None:
            raise NotationError("only component letters and labels are compared here", chain.start, chain.end)
        return found if relation == "=" else complement(found)
    return _sign(reader, chain, relation)


def complement(value: Any) -> Any:
    """1 - A entry by entry."""
    return matadd(ones_like(value), negate(value))


def ones_like(value: Any) -> Any:
    """Ones in the shape of an array."""
    return filled(sp.OneMatrix, *axes(value).plain)


def _sign(reader: Reader, chain: syntax.Chain, relation: str) -> Any:
    left, right = (reader.read(side) for side in chain.sides)
    if is_coefficient(left) and left == 0:
        left, right, relation = right, left, {"<": ">", "<=": ">=", ">": "<", ">=": "<="}[relation]
    is_zero = (is_coefficient(right) and right == 0) or (isinstance(right, Unsized) and right.kind == "zero")
    if is_coefficient(left) or isinstance(left, Unsized) or not is_zero:
        raise NotationError("a case compares an array with 0", chain.start, chain.end)
    found = step(left)
    return found if relation in (">", ">=") else complement(found)


def _selector(reader: Reader, side: syntax.Node) -> Any:
    """A component letter or a label as a side of an equality."""
    if not isinstance(side, syntax.Name):
        return None
    letters = reader.vocabulary.components
    if side.base in letters and side.scripts.is_empty:
        return letters[side.base]
    use = reader.vocabulary.find(side.base, side.scripts, side.start, side.end)
    return use if use is not None and use.tensor.structure == "label" else None


def step(value: Any) -> Any:
    """1 for z > 0, 0 for z < 0: the derivative of relu; z ≠ 0."""
    if axes(value).back is not None:
        raise NotationError(f"the sign of {show(value)} is not read", 0, 1)
    return Elementwise("\\operatorname{relu}", "relu", 1, value)
