"""What the names of a text stand for: tensors and families, functions, losses, indices, sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

import sympy as sp

from derive.errors import NotationError
from derive.language.functions import SlottedFunction
from derive.language.nodes import Application, AxisSizes
from derive.latex.affine import affine
from derive.latex.names import NamePattern, same_up_to_font
from derive.latex.syntax import Scripts
from derive.latex.tokens import Tok
from derive.latex.transposes import split_transpose


@dataclass(frozen=True)
class Tensor:
    """A declared tensor or family: its LaTeX name without indices, how it is written, and its axes."""

    name: str
    pattern: NamePattern
    rows: AxisSizes
    cols: AxisSizes
    structure: str = ""  # symmetric, diagonal, …, as declared

    @property
    def is_family(self) -> bool:
        """Whether it carries indices."""
        return self.pattern.slots > 0


@dataclass(frozen=True)
class Function:
    """A declared elementwise function (kind opaque or a known one), softmax, or a function of several arguments."""

    name: str
    kind: str
    several: SlottedFunction | None = None


@dataclass(frozen=True)
class Use:
    """A name as used: which tensor, its indices, component letters, what is left of the superscript."""

    tensor: Tensor
    indices: tuple[sp.Expr, ...]
    components: tuple[sp.Symbol, ...]
    transposed: bool
    exponent: tuple[Tok, ...]


@dataclass(frozen=True)
class Vocabulary:
    """All names that a formula may use."""

    tensors: tuple[Tensor, ...] = ()
    functions: Mapping[str, Function] = field(default_factory=dict)
    losses: frozenset[str] = frozenset()
    steps: Mapping[str, sp.Symbol] = field(default_factory=dict)  # index letters that are steps
    components: Mapping[str, sp.Symbol] = field(default_factory=dict)  # index letters that are components
    sizes: Mapping[str, sp.Symbol] = field(default_factory=dict)
    ranges: Mapping[str, tuple[sp.Expr, sp.Expr]] = field(default_factory=dict)  # declared ranges of step letters
    operators: Mapping[str, str] = field(default_factory=dict)
    direct: Mapping[str, Application] = field(
        default_factory=dict
    )  # losses of plain names: J of J: loss(a, c) is J(a, c)

    @property
    def words(self) -> frozenset[str]:
        """Declared names of several plain letters (dh, Loss), which the tokenizer must not split."""
        names = {tensor.pattern.base for tensor in self.tensors} | set(self.functions) | set(self.losses)
        return frozenset(name for name in names if len(name) > 1 and name.isalnum())

    @property
    def indexed(self) -> frozenset[str]:
        """Names that are families beside functions."""
        return frozenset(tensor.pattern.base for tensor in self.tensors if tensor.is_family)

    def with_bound(self, letter: str, sort: str) -> Vocabulary:
        """The vocabulary inside a sum or product: its letter is bound, and hides what it was."""
        symbol = sp.Symbol(letter, integer=True)
        steps = {key: value for key, value in self.steps.items() if key != letter}
        components = {key: value for key, value in self.components.items() if key != letter}
        (steps if sort == "step" else components)[letter] = symbol
        return replace(self, steps=steps, components=components)

    def find(self, base: str, scripts: Scripts, start: int, end: int) -> Use | None:
        """The declared tensor that a written name means, None if its letter is not declared at all.

        The exact font wins; otherwise a match up to font must be unique. Raises `NotationError`.
        """
        exact = [t for t in self.tensors if t.pattern.base == base]
        similar = [t for t in self.tensors if same_up_to_font(t.pattern.base, base) and t not in exact]
        for candidates in (exact, similar):
            uses = [use for t in candidates if (use := self._match(t, scripts)) is not None]
            best = [use for use in uses if _weight(use) == max(_weight(u) for u in uses)] if uses else []
            if len(best) == 1:
                return best[0]
            if len(best) > 1:
                names = " or ".join(use.tensor.pattern.text for use in best)
                raise NotationError(f"this may be {names}", start, end)
        if exact or similar:
            known = ", ".join(t.pattern.text for t in exact + similar)
            unlisted = self._unlisted(scripts)
            reason = f"the letter {unlisted} is not listed in indices" if unlisted else "the indices do not fit"
            raise NotationError(f"{reason}; declared: {known}", start, end)
        return None

    def _match(self, tensor: Tensor, scripts: Scripts) -> Use | None:
        sup, transposed = split_transpose(scripts.sup)
        for remaining, is_transposed in ((sup, transposed), (scripts.sup, False)):
            found = tensor.pattern.match(scripts.sub, remaining, self.index_of, self.components)
            if found is not None:
                indices, components, exponent = found
                return Use(tensor, indices, components, is_transposed, exponent)
        return None

    def _unlisted(self, scripts: Scripts) -> str:
        """The first letter of the scripts that is no listed index."""
        letters = (token.text for token in (*scripts.sub, *scripts.sup) if token.kind == "NAME")
        known = {*self.steps, *self.components, "T", "\\top"}
        return next((letter for letter in letters if letter not in known and letter.isalpha()), "")

    def index_of(self, tokens: tuple[Tok, ...]) -> sp.Expr | None:
        """The affine step expression that tokens spell, None if they spell none."""
        return affine(tokens, self.steps)

    def last_step(self, name: str) -> sp.Symbol | None:
        """The letter T of a range 1..T as a number, None for any other name."""
        return next((hi for _, hi in self.ranges.values() if hi.is_Symbol and str(hi.name) == name), None)

    def is_count(self, value: sp.Expr) -> bool:
        """The last step of a range from 1 on, which is at least 1."""
        return any(hi == value and lo.is_positive for lo, hi in self.ranges.values())

    def nearest(self, name: str) -> str:
        """ "; did you mean …" for a misspelt name, or nothing."""
        known = [t.pattern.base for t in self.tensors] + list(self.functions) + list(self.losses)
        close = get_close_matches(name, known, n=1, cutoff=0.6)
        return f"; did you mean {close[0]}?" if close else ""


def _weight(use: Use) -> tuple[int, int]:
    """Of two patterns that fit, the one that explains more of the scripts is meant."""
    return len(use.indices) + use.tensor.pattern.literals, -len(use.components) - len(use.exponent)
