"""Short pieces of mathematics as text with indices: how they are made, and how wide they are at most."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from unicodedata import combining, east_asian_width

from derive.language.show import show_name
from verify.errors import clean

SMALL = 0.72  # the size of an index beside that of its base
LONGEST = 24  # characters of one run; what is longer ends in …
_NARROW, _WIDE = frozenset("iljtfrI.,;:'|()[]!/ "), frozenset("mwMWQO@%—∂")
_CLOSE = {"{": 1, "}": -1}


@dataclass(frozen=True)
class Label:
    """A base with what stands below and above it; `is_math` sets it in italics."""

    base: str
    below: str = ""
    above: str = ""
    is_math: bool = False

    def width(self, size: float) -> float:
        """An upper estimate of its width in the fonts that are asked for."""
        return _width(self.base, size) + max(_width(self.below, SMALL * size), _width(self.above, SMALL * size))

    @property
    def text(self) -> str:
        """In one line of plain text: Net_{t-1}, W_f."""
        below = f"_{self.below}" if len(self.below) < 2 else f"_{{{self.below}}}"
        above = f"^{self.above}" if len(self.above) < 2 else f"^{{{self.above}}}"
        return self.base + (below if self.below else "") + (above if self.above else "")


def words(text: str) -> Label:
    """Plain words."""
    return Label(clean(text))


@lru_cache(maxsize=1024)
def indexed(latex: str, index: str = "") -> Label:
    """The label of a LaTeX name, W_f, \\mathrm{Net}^{l}, with an index behind what it has below."""
    base, below, above = _scripts(latex)
    below = ",".join(part for part in (_short(below), index.replace("-", "−")) if part)
    return Label(_short(base), below, _short(above), is_math=True)


def _short(latex: str) -> str:
    shown = clean(show_name(latex))
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"


def _scripts(latex: str) -> tuple[str, str, str]:
    """A LaTeX name's base, subscript and superscript."""
    parts, place, depth = {"": "", "_": "", "^": ""}, "", 0
    for sign in latex:
        depth += _CLOSE.get(sign, 0)
        if sign in "_^" and depth == 0:
            place = sign
        else:
            parts[place] += sign
    return parts[""], parts["_"], parts["^"]


def _width(text: str, size: float) -> float:
    return size * sum(map(_em, text))


def _em(sign: str) -> float:
    """The width of a character in em, rather too wide than too narrow."""
    if combining(sign):
        return 0.0
    if east_asian_width(sign) in "WF":
        return 1.05
    if sign in _NARROW:
        return 0.42
    if sign in _WIDE:
        return 1.0
    return 0.76 if sign.isupper() else 0.6
