"""Σ and Π with their bounds: over steps as sums and ordered products, over components as component sums."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sympy as sp

from derive.errors import NotationError, ShapeError
from derive.language.letters import component_letters
from derive.language.nodes import ComponentSum, Delta, Scale, TimeProduct, TimeSum, length
from derive.language.shapes import Axes, axes, is_coefficient
from derive.latex import syntax
from derive.latex.affine import affine
from derive.latex.constants import complement
from derive.latex.names import split_commas
from derive.latex.tokens import Tok
from derive.latex.unsized import fit

if TYPE_CHECKING:
    from derive.latex.elaborate import Reader


@dataclass(frozen=True)
class Bounds:
    """Letter, lowest and highest value, and whether they were written running down; None bounds: a component."""

    letter: str
    lo: sp.Expr | None
    hi: sp.Expr | None
    runs_down: bool = False
    other: sp.Symbol | None = None  # Σ_{j ≠ i}: the letter that a component does not take
    size: Any = None  # Σ_{i=1}^{n}: how many components the bound says there are


_COMMA = Tok("COMMA", ",", 0, 0)


def _check_size(body: Any, letter: sp.Symbol, bounds: Bounds) -> None:
    """The bound of a sum over components is the size that the letter runs over."""
    axis = component_letters(body).get(letter)
    if bounds.size is not None and axis is not None and length(axis) != bounds.size:
        raise ShapeError(f"the sum runs to {bounds.size}, but {letter} counts the entries of an axis {length(axis)}")


def _without(body: Any, letter: sp.Symbol, other: sp.Symbol) -> Any:
    """Σ_{j≠i} a_j = Σ_j (1 - δ_ij) a_j."""
    return Scale(complement(Delta(other, letter)), body)


def big(reader: Reader, node: syntax.Big, want: Axes | None) -> Any:
    """The sum or product that was written."""
    parts = split_commas(node.scripts.sub)
    if len(parts) > 1 and not node.scripts.sup:  # Σ_{i,j} is Σ_i Σ_j
        inner_sign = replace(node, scripts=replace(node.scripts, sub=parts[-1]))
        outer = tuple(token for part in parts[:-1] for token in (*part, _COMMA))[:-1]
        return big(reader, replace(node, scripts=replace(node.scripts, sub=outer), body=inner_sign), want)
    bounds = _bounds(reader, node)
    sort = "component" if bounds.lo is None else "step"
    span = None if bounds.lo is None or bounds.hi is None else (bounds.lo, bounds.hi)
    inner = replace(reader, vocabulary=reader.vocabulary.with_bound(bounds.letter, sort, span))
    body = inner.read(node.body, want)
    if is_coefficient(body):
        raise NotationError("a sum or product of numbers is not read", node.start, node.end)
    body = fit(body, want)
    letter = sp.Symbol(bounds.letter, integer=True)
    if bounds.lo is None:
        _check_size(body, letter, bounds)
        if node.kind == "prod":
            raise NotationError("a product over components is not read", node.start, node.end)
        return ComponentSum(body if bounds.other is None else _without(body, letter, bounds.other), letter)
    if node.kind == "sum":
        return TimeSum(body, letter, bounds.lo, bounds.hi)
    if axes(body).is_scalar:  # scalars commute: no order to settle
        return TimeProduct(body, letter, bounds.lo, bounds.hi, "descending")
    direction = "descending" if bounds.runs_down else reader.conventions.consult("products")
    result = TimeProduct(body, letter, bounds.lo, bounds.hi, direction)
    axes(result)
    return result


def _bounds(reader: Reader, node: syntax.Big) -> Bounds:
    """The bounds from the scripts: k=1 below and t above, 1 \\le k \\le t below, or a letter alone."""
    below, above, vocabulary = node.scripts.sub, node.scripts.sup, reader.vocabulary
    if not below:
        raise NotationError("the sign does not say over what it runs", node.start, node.end)
    parts = _split_relations(below)
    if above:
        return _two_sided(reader, node, parts, above)
    if len(parts) == 1:
        return _bare(reader, node, below)
    letters = vocabulary.components
    if len(parts) == 2 and parts[1][0] == "!=" and all(len(t) == 1 and t[0].text in letters for _, t in parts):
        return Bounds(parts[0][1][0].text, None, None, other=letters[parts[1][1][0].text])
    values = [affine(tokens, vocabulary.steps) for _, tokens in parts]
    relations = [relation for relation, _ in parts[1:]]
    names = [tokens[0].text if len(tokens) == 1 else "" for _, tokens in parts]
    if len(parts) == 3 and names[1].isalpha() and values[0] is not None and values[2] is not None:
        return _between(node, names[1], values, relations)
    raise NotationError("bounds are read as k=1 with a top, or as 1 \\le k \\le t", below[0].start, below[-1].end)


def _two_sided(
    reader: Reader, node: syntax.Big, parts: list[tuple[str, tuple[Tok, ...]]], above: tuple[Tok, ...]
) -> Bounds:
    vocabulary = reader.vocabulary
    if len(parts) == 1 and len(below := parts[0][1]) == 1 and vocabulary.size_of(above) is not None:
        return Bounds(below[0].text, None, None, size=vocabulary.size_of(above))  # Σ_i^n over components
    if len(parts) != 2 or parts[1][0] != "=" or len(parts[0][1]) != 1:
        raise NotationError(
            "a lower bound is written letter = value", node.scripts.sub[0].start, node.scripts.sub[-1].end
        )
    if not parts[1][1] or not above:
        raise NotationError("a bound is missing", node.start, node.end)
    letter = parts[0][1][0].text
    if _is_component_range(reader, letter, parts[1][1], above):
        return Bounds(letter, None, None, size=vocabulary.size_of(above))
    lo, hi = affine(parts[1][1], vocabulary.steps), affine(above, vocabulary.steps)
    if lo is None or hi is None:
        tokens = parts[1][1] if lo is None else above
        text = "".join(token.text for token in tokens)
        raise NotationError(
            f"the bound {text} is no step expression; list its letter in indices", tokens[0].start, tokens[-1].end
        )
    difference = hi - lo
    if difference.is_Integer:
        return Bounds(letter, hi, lo, runs_down=True) if difference < -1 else Bounds(letter, lo, hi)
    up, down = (_is_legal(reader, *ends) for ends in ((lo, hi), (hi, lo)))
    return Bounds(letter, hi, lo, True) if down and not up else Bounds(letter, lo, hi)


SAMPLE = 5  # a last step at which a range that cannot run upwards shows
MAX_NESTED = 8  # ranges that rest on one another


def _is_legal(reader: Reader, lo: sp.Expr, hi: sp.Expr) -> bool:
    """Whether a range is never less than empty while its letters run over theirs, the last step being some number."""
    difference = hi - lo
    letters = sorted(difference.free_symbols, key=str)
    return all(int(difference.xreplace(values)) >= -1 for values in _values(reader, letters))


def _values(reader: Reader, letters: list[sp.Symbol]) -> Iterator[dict[Any, Any]]:
    """Values of step letters within their ranges; a range may end at another of them."""
    ranges = reader.vocabulary.ranges
    wanted, pending = list(letters), list(letters)
    while pending:
        ends = ranges.get(str(pending.pop()), ())
        new = {symbol for end in ends for symbol in end.free_symbols} - set(wanted)
        wanted += sorted(new, key=str)
        pending += new
    yield from _assigned(ranges, sorted(wanted, key=lambda one: _depth(ranges, one, 0)), {})


def _depth(ranges: Mapping[str, tuple[Any, Any]], letter: sp.Symbol, depth: int) -> int:
    """How many ranges a letter's own rests on; a last step rests on itself."""
    inner = {s for end in ranges.get(str(letter), ()) for s in end.free_symbols} - {letter}
    return max((_depth(ranges, one, depth + 1) for one in inner), default=depth) if depth < MAX_NESTED else depth


def _assigned(
    ranges: Mapping[str, tuple[Any, Any]], letters: list[sp.Symbol], values: dict[Any, Any]
) -> Iterator[dict[Any, Any]]:
    if not letters:
        yield values
        return
    letter, *rest = letters
    lo, hi = ranges.get(str(letter), (letter, letter))
    if hi in (letter, lo) or letter in hi.free_symbols:
        choices = [SAMPLE]
    else:
        known = {symbol: values.get(symbol, SAMPLE) for symbol in lo.free_symbols | hi.free_symbols}
        first, last = (int(end.xreplace(known)) for end in (lo, hi))
        choices = list(range(first, last + 1))
    for choice in choices:
        yield from _assigned(ranges, rest, {**values, letter: sp.Integer(choice)})


def _is_component_range(reader: Reader, letter: str, low: tuple[Tok, ...], high: tuple[Tok, ...]) -> bool:
    """Σ_{i=1}^{n} with n a declared size runs over components; up to a number, a letter that is a step over steps."""
    if letter in reader.vocabulary.steps and [token.kind for token in high] == ["NUMBER"]:
        return False
    return len(low) == 1 and low[0].text == "1" and reader.vocabulary.size_of(high) is not None


def _bare(reader: Reader, node: syntax.Big, below: tuple[Tok, ...]) -> Bounds:
    letter = below[0].text
    if len(below) == 1 and letter in reader.vocabulary.components:
        return Bounds(letter, None, None)
    ranges = reader.vocabulary.ranges
    if len(below) == 1 and letter in ranges:
        return Bounds(letter, *ranges[letter])
    raise NotationError(f"{letter} is no listed index: its range is not known", below[0].start, below[-1].end)


def _between(node: syntax.Big, letter: str, values: list[Any], relations: list[str]) -> Bounds:
    """lo ≤ k < hi and hi ≥ k > lo."""
    if all(relation in ("<", "<=") for relation in relations):
        lo = values[0] + int(relations[0] == "<")
        hi = values[2] - int(relations[1] == "<")
        return Bounds(letter, lo, hi)
    if all(relation in (">", ">=") for relation in relations):
        hi = values[0] - int(relations[0] == ">")
        lo = values[2] + int(relations[1] == ">")
        return Bounds(letter, lo, hi, runs_down=True)
    raise NotationError("the bounds run both ways", node.start, node.end)


def _split_relations(tokens: tuple[Tok, ...]) -> list[tuple[str, tuple[Tok, ...]]]:
    parts: list[tuple[str, list[Tok]]] = [("", [])]
    for token in tokens:
        if token.kind == "REL":
            parts.append((token.text, []))
        else:
            parts[-1][1].append(token)
    return [(relation, tuple(inner)) for relation, inner in parts]
