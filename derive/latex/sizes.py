"""Sizes as written: n, 2n, n_a + n_x, ordered products n*m (slow to fast), families n_l of sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from derive.language.nodes import AxisSizes
from derive.latex.affine import affine
from derive.latex.tokens import Tok

MAX_SIZE = 999_999


class SizeError(ValueError):
    """A size that cannot be read."""


def size_of(tokens: tuple[Tok, ...], known: Mapping[str, Any], steps: Mapping[str, sp.Symbol]) -> Any:
    """The size that tokens spell out of declared ones, None where they spell none or name one that is not declared."""
    try:
        axis = axis_of(tokens, dict(known), steps)
    except SizeError:
        return None
    used = {part for size in axis for part in size.atoms(sp.Symbol) if part.is_positive}
    used |= {part.func for size in axis for part in size.atoms(AppliedUndef)}
    return sp.Mul(*axis) if used <= set(known.values()) else None


def axis_of(tokens: tuple[Tok, ...], sizes: dict[str, Any], steps: Mapping[str, sp.Symbol]) -> AxisSizes:
    """One axis: an ordered product of basic sizes, or one sum. New size letters are added to `sizes`."""
    terms = _terms(tokens)
    if len(terms) == 1 and terms[0][0] == 1:
        return tuple(size for size in _product(terms[0][1], sizes, steps) if size != 1)
    total = sp.Add(*(sign * sp.Mul(*_product(term, sizes, steps)) for sign, term in terms))
    if total.is_positive is False or (total.is_Integer and total < 1):
        raise SizeError("a size is at least 1")
    return (total,)


def _terms(tokens: tuple[Tok, ...]) -> list[tuple[int, tuple[Tok, ...]]]:
    """Signed terms; the first may be the one that is taken away, as in -k + n + 1."""
    is_negative = bool(tokens) and tokens[0].kind == "MINUS"
    found: list[tuple[int, list[Tok]]] = [(-1 if is_negative else 1, [])]
    for token in tokens[is_negative:]:
        if token.kind in ("PLUS", "MINUS"):
            if not found[-1][1]:
                raise SizeError(f"a size is missing before {token.text}")
            found.append((1 if token.kind == "PLUS" else -1, []))
        else:
            found[-1][1].append(token)
    if not found[-1][1]:
        raise SizeError("a size is missing")
    return [(sign, tuple(term)) for sign, term in found]


def _product(tokens: tuple[Tok, ...], sizes: dict[str, Any], steps: Mapping[str, sp.Symbol]) -> list[Any]:
    """The factors of a product, slow to fast; a number in front counts copies of the first: 2n is one axis."""
    found: list[Any] = []
    number, place = 1, 0
    while place < len(tokens):
        token = tokens[place]
        place += 1
        if token.kind == "CDOT":
            continue
        if token.kind == "NUMBER" and token.text.isdigit() and 1 <= int(token.text) <= MAX_SIZE:
            number *= int(token.text)
            continue
        if token.kind != "NAME":
            raise SizeError(f"{token.text} is no size; expected a letter, a number, or n x m")
        if place > 1 and tokens[place - 2].kind == "NAME" and tokens[place - 2].end == token.start:
            raise SizeError(
                f"{tokens[place - 2].text}{token.text} is no size; expected a letter, with an index if need be"
            )
        letter, power, place = _letter(tokens, place - 1, sizes, steps)
        found += [letter] * power
    if number == 1 and found:
        return found
    return [sp.Integer(number), *found] if len(found) != 1 else [number * found[0]]


def _letter(
    tokens: tuple[Tok, ...], place: int, sizes: dict[str, Any], steps: Mapping[str, sp.Symbol]
) -> tuple[Any, int, int]:
    """A size letter with its scripts, the power of it, and the place behind."""
    base, place = tokens[place].text, place + 1
    sub: tuple[Tok, ...] = ()
    sup: tuple[Tok, ...] = ()
    while place < len(tokens) and tokens[place].kind in ("SUB", "SUP"):
        if tokens[place].kind == "SUB":
            sub = tokens[place].inner
        else:
            sup = tokens[place].inner
        place += 1
    if len(sup) == 1 and sup[0].kind == "NUMBER" and sup[0].text.isdigit():
        return _named(base, sub, (), sizes, steps), min(int(sup[0].text), 8), place
    return _named(base, sub, sup, sizes, steps), 1, place


def _named(
    base: str, sub: tuple[Tok, ...], sup: tuple[Tok, ...], sizes: dict[str, Any], steps: Mapping[str, sp.Symbol]
) -> Any:
    """n, n_a, or the member n_{l-1} of a family of sizes."""
    script = sub or sup
    family = sizes.get(f"{base}_")
    index = affine(script, steps) if script else None
    if index is not None and (index.free_symbols or family is not None):
        family = sizes.setdefault(f"{base}_", sp.Function(base.lstrip("\\"), integer=True, positive=True))
        return family(index)
    text = "".join(token.text for token in script)
    name = base + (
        f"_{text}" if len(text) == 1 else f"_{{{text}}}" if text and not text.isalnum() else f"_{text}" if text else ""
    )
    return sizes.setdefault(name, sp.Symbol(name.lstrip("\\"), integer=True, positive=True))
