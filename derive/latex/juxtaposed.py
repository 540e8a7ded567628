"""Factors side by side, grouped as they are meant: s(t), indicators, operators that reach over what follows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from derive.errors import NotationError
from derive.language.shapes import axes, is_coefficient
from derive.latex import syntax
from derive.latex.constants import ONES
from derive.latex.syntax import Node, Scripts
from derive.latex.tokens import Tok
from derive.latex.unsized import Unsized

if TYPE_CHECKING:
    from derive.latex.elaborate import Reader


def regrouped(reader: Reader, node: syntax.Product) -> list[Node]:
    """The factors of a product, with what belongs together joined."""
    factors = list(node.factors)
    place = 0
    while place < len(factors):
        factor = factors[place]
        following = factors[place + 1] if place + 1 < len(factors) else None
        if isinstance(following, syntax.Bracket):
            joined = _indexed(reader, factor, following) or _indicator(factor, following)
            if joined is not None:
                factors[place : place + 2] = [joined]
                continue
        if _reaches_on(reader, factor):
            factors[place:] = [_over(factor, factors[place + 1 :], node.end)]
        place += 1
    return factors


def _indexed(reader: Reader, factor: Node, bracket: syntax.Bracket) -> Node | None:
    """s(t-1) of a family s is s_{t-1}."""
    vocabulary = reader.vocabulary
    if not isinstance(factor, syntax.Name) or not factor.scripts.is_empty or bracket.kind != "round":
        return None
    if factor.base not in vocabulary.lexicon.families or len(bracket.parts) != 1 or bracket.parts[0].relations:
        return None
    tokens = _tokens(bracket.parts[0].sides[0])
    if tokens is None or vocabulary.index_of(tokens) is None:
        return None
    scripts = Scripts(tokens, bracket.scripts.sup, bracket.scripts.primes, (bracket.start, bracket.end))
    return replace(factor, end=bracket.end, scripts=scripts)


def _tokens(node: Node) -> tuple[Tok, ...] | None:
    """The tokens of an index written as a formula: t - 1, 2k."""
    match node:
        case syntax.Name() if node.scripts.is_empty:
            return (Tok("NAME", node.base, node.start, node.end),)
        case syntax.Number() if node.scripts.is_empty:
            return (Tok("NUMBER", node.text, node.start, node.end),)
        case syntax.Sum():
            found: list[Tok] = []
            for sign, term in node.terms:
                inner = _tokens(term)
                if inner is None:
                    return None
                if found or sign < 0:
                    found.append(Tok("PLUS" if sign > 0 else "MINUS", "+" if sign > 0 else "-", term.start, term.start))
                found += inner
            return tuple(found)
        case syntax.Product():
            parts = [_tokens(factor) for factor in node.factors]
            return None if None in parts else tuple(token for part in parts for token in part or ())
    return None


def is_one(factor: Node) -> bool:
    """1 and \\mathbb{1}, which a relation in a bracket makes an indicator."""
    if isinstance(factor, syntax.Name):
        return factor.base in ONES and factor.scripts.is_empty
    return isinstance(factor, syntax.Number) and factor.text == "1" and factor.scripts.is_empty


def _indicator(factor: Node, bracket: syntax.Bracket) -> Node | None:
    """1(i = j), \\mathbb{1}[y = k]: the one with its relation."""
    if not is_one(factor) or len(bracket.parts) != 1 or len(bracket.parts[0].relations) != 1:
        return None
    return syntax.Indicator(factor.start, bracket.end, bracket.parts[0], bracket.scripts)


def _reaches_on(reader: Reader, factor: Node) -> bool:
    """∂/∂X acts on all that follows; so do ∇_x and ∂_x before a name that is no scalar (∇_x A x), and a bare tr."""
    if isinstance(factor, syntax.Apply):
        return factor.is_bare and factor.function in ("tr", "Tr", "trace")
    if not isinstance(factor, syntax.DerivativeOf):
        return False
    if factor.what is None or not factor.is_operator:
        return factor.what is None
    if not isinstance(factor.what, syntax.Name):  # a bracket, an application, a fraction says where it ends
        return False
    value = reader.read(factor.what)
    return not is_coefficient(value) and not isinstance(value, Unsized) and not axes(value).is_scalar


def _over(factor: Node, rest: list[Node], end: int) -> Node:
    """An operator with all that it reaches over."""
    if isinstance(factor, syntax.Apply):
        argument = _product([factor.argument, *rest], end)
        return replace(factor, end=end, argument=argument, is_bare=False)
    assert isinstance(factor, syntax.DerivativeOf)
    inner = ([] if factor.what is None else [factor.what]) + rest
    if not inner:
        raise NotationError("this operator has nothing to act on", factor.start, factor.end)
    return replace(factor, end=end, what=_product(inner, end), is_operator=False)


def _product(factors: list[Node], end: int) -> Node:
    return factors[0] if len(factors) == 1 else syntax.Product(factors[0].start, end, tuple(factors))
