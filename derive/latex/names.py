"""How a declared name is written: a base, scripts in which some places are indices and the rest is spelling."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache

import sympy as sp

from derive.latex.tokens import FONTS, Tok

IndexReader = Callable[[tuple[Tok, ...]], "sp.Expr | None"]

_FONT = re.compile(r"\\(?:" + "|".join(FONTS) + r")\{([^{}]*)\}")


def same_up_to_font(first: str, second: str) -> bool:
    """Whether two names differ in their font alone."""
    return without_font(first) == without_font(second)


@cache
def without_font(name: str) -> str:
    """A name without its font commands; accents stay."""
    return _FONT.sub(r"\1", name)


@dataclass(frozen=True)
class Item:
    """One part of a script between commas: spelling before, an index or not, spelling behind."""

    before: tuple[str, ...]
    has_slot: bool
    after: tuple[str, ...] = ()

    def match(self, tokens: tuple[Tok, ...], index_of: IndexReader) -> tuple[bool, sp.Expr | None]:
        """Whether tokens fit, and the index in the slot."""
        texts = tuple(token.text for token in tokens)
        if not self.has_slot:
            return texts == self.before, None
        first, last = len(self.before), len(tokens) - len(self.after)
        if last <= first or texts[:first] != self.before or texts[last:] != self.after:
            return False, None
        index = index_of(tokens[first:last])
        return index is not None, index


@dataclass(frozen=True)
class NamePattern:
    """A declared name: x_t is base x with an index below; W^{l} is base W with the spelling l above."""

    text: str
    base: str
    sub: tuple[Item, ...] = ()
    sup: tuple[Item, ...] = ()

    @property
    def slots(self) -> int:
        """How many indices it has."""
        return sum(item.has_slot for item in self.sub + self.sup)

    @property
    def literals(self) -> int:
        """How many signs of its scripts are spelling."""
        return sum(len(item.before) + len(item.after) for item in self.sub + self.sup)

    def match(
        self,
        sub: tuple[Tok, ...],
        sup: tuple[Tok, ...],
        index_of: IndexReader,
        components: Mapping[str, sp.Symbol],
    ) -> tuple[tuple[sp.Expr, ...], tuple[sp.Symbol, ...], tuple[Tok, ...]] | None:
        """Indices (time last), component letters behind them, and the superscript that is left, or None."""
        below = _match_items(self.sub, split_commas(sub), index_of, components)
        if below is None:
            return None
        above = _match_items(self.sup, split_commas(sup), index_of, {})
        exponent: tuple[Tok, ...] = ()
        if above is None or (not self.sup and sup):
            if self.sup:
                return None
            above, exponent = ((), ()), sup
        return above[0] + below[0], below[1], exponent


def _match_items(
    items: tuple[Item, ...],
    parts: tuple[tuple[Tok, ...], ...],
    index_of: IndexReader,
    components: Mapping[str, sp.Symbol],
) -> tuple[tuple[sp.Expr, ...], tuple[sp.Symbol, ...]] | None:
    """Items against the parts of a script; further parts must be component letters."""
    if len(parts) < len(items):
        return None
    indices: list[sp.Expr] = []
    for item, part in zip(items, parts, strict=False):
        fits, index = item.match(part, index_of)
        if not fits:
            return None
        if index is not None:
            indices.append(index)
    rest = [token for part in parts[len(items) :] for token in part]
    if any(token.text not in components for token in rest):
        return None
    return tuple(indices), tuple(components[token.text] for token in rest)


def split_commas(tokens: tuple[Tok, ...]) -> tuple[tuple[Tok, ...], ...]:
    """The parts of a script between commas at its own level; no part for an empty script."""
    if not tokens:
        return ()
    parts: list[list[Tok]] = [[]]
    level = 0
    for token in tokens:
        level += {"LPAR": 1, "LB": 1, "RPAR": -1, "RB": -1}.get(token.kind, 0)
        if token.kind == "COMMA" and level == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return tuple(tuple(part) for part in parts)


def pattern_of(
    text: str, base: str, sub: tuple[Tok, ...], sup: tuple[Tok, ...], letters: Collection[str]
) -> NamePattern:
    """The pattern of a declared name: listed index letters in its scripts are slots, all else is spelling."""
    return NamePattern(
        text,
        base,
        tuple(_item(part, letters) for part in split_commas(sub)),
        tuple(_item(part, letters) for part in split_commas(sup)),
    )


def _item(part: tuple[Tok, ...], letters: Collection[str]) -> Item:
    """One slot at most: the listed letter, with brackets around it; `l-1` with l listed would be one index."""
    core = [place for place, token in enumerate(part) if token.text in letters]
    if not core:
        return Item(tuple(token.text for token in part), has_slot=False)
    first, last = core[0], core[-1]
    while first > 0 and part[first - 1].kind in ("LPAR",) and last + 1 < len(part):
        first, last = first - 1, last + 1
    return Item(tuple(t.text for t in part[:first]), True, tuple(t.text for t in part[last + 1 :]))


def literal_name(pattern: NamePattern) -> str:
    """The LaTeX of a name without its indices: \\mathrm{Net}^l of \\mathrm{Net}^l_t."""
    below = "".join(_spelling(item) for item in pattern.sub)
    above = "".join(_spelling(item) for item in pattern.sup)
    return pattern.base + (f"_{{{below}}}" if below else "") + (f"^{{{above}}}" if above else "")


def _spelling(item: Item) -> str:
    return "".join(item.before + item.after) if not item.has_slot or item.before or item.after else ""
