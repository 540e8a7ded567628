"""What the names of a text stand for: tensors and families, functions, losses, indices, sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property
from typing import Any

import sympy as sp

from derive.errors import NotationError
from derive.language.functions import SlottedFunction
from derive.language.nodes import Application, AxisSizes
from derive.latex.affine import affine, unwrapped
from derive.latex.lexicon import Lexicon, Phrase, lexicon, without_font
from derive.latex.names import Matched, NamePattern
from derive.latex.syntax import Scripts
from derive.latex.tokens import Tok
from derive.latex.transposes import split_transpose

LOSS = "loss"  # the structure of a family of losses
Selector = Any  # a component letter (symbol), None for ":", or the `Use` of a label


@dataclass(frozen=True)
class Tensor:
    """A declared tensor or family: its LaTeX name without indices, how it is written, and its axes.

    `entries_of` names the tensor whose entries w_{ij} this name writes.
    """

    name: str
    pattern: NamePattern
    rows: AxisSizes
    cols: AxisSizes
    structure: str = ""  # symmetric, diagonal, label …, as declared
    entries_of: str = ""
    phrase: Phrase | None = None
    scripted: Phrase | None = None

    @property
    def is_family(self) -> bool:
        """Whether it carries indices."""
        return bool(self.pattern.slots)

    @property
    def is_scalar(self) -> bool:
        """1×1."""
        return self.rows == () and self.cols == () and not self.entries_of

    def axes_at(self, indices: Mapping[str, sp.Expr]) -> tuple[AxisSizes, AxisSizes]:
        """Its axes at given indices: sizes may depend on them, n_{l-1}."""
        values = {sp.Symbol(letter, integer=True): index for letter, index in indices.items()}
        rows, cols = (tuple(sp.sympify(size).xreplace(values) for size in axis) for axis in (self.rows, self.cols))
        return rows, cols


@dataclass(frozen=True)
class Function:
    """A declared function: elementwise (kind opaque or a known one), softmax, softmax rows, or of several arguments.

    `of_output`: its derivative is written of the output, σ'(s) with s = σ(z). `slope`: of a leaky relu below 0, as
    declared: a number or the name of a scalar.
    """

    name: str
    kind: str
    of_output: bool = False
    several: SlottedFunction | None = None
    slope: str = ""


@dataclass(frozen=True)
class Use:
    """A name as used: which tensor, its indices and axes, selected components, what is left of the superscript."""

    tensor: Tensor
    indices: tuple[sp.Expr, ...]
    rows: AxisSizes
    cols: AxisSizes
    selectors: tuple[Selector, ...]
    transposed: bool
    exponent: tuple[Tok, ...]
    is_moved: bool = False


@dataclass(frozen=True)
class Vocabulary:
    """All names that a formula may use."""

    tensors: tuple[Tensor, ...] = ()
    functions: Mapping[str, Function] = field(default_factory=dict)
    losses: frozenset[str] = frozenset()
    steps: Mapping[str, sp.Symbol] = field(default_factory=dict)  # index letters that are steps
    components: Mapping[str, sp.Symbol] = field(default_factory=dict)  # index letters that are components
    sizes: Mapping[str, Any] = field(default_factory=dict)  # n, n_a; of a family of sizes n_l its function n
    ranges: Mapping[str, tuple[sp.Expr, sp.Expr]] = field(default_factory=dict)  # declared ranges of step letters
    operators: Mapping[str, str] = field(default_factory=dict)
    prime_transposes: bool = False  # X' is Xᵀ
    tolerates_mixed: bool = False  # a row ⊙ a column is read as two columns
    direct: Mapping[str, Application] = field(default_factory=dict)  # losses of plain names: J of loss(a, c) is J(a, c)

    @cached_property
    def lexicon(self) -> Lexicon:
        """What the tokenizer must know of these names."""
        phrases = [t.phrase for t in self.tensors if t.phrase is not None]
        words = {name for name in (*self.functions, *self.losses) if len(name) > 1 and name.isalnum()}
        plain = {without_font(t.pattern.base) for t in self.tensors if t.pattern.base.startswith("\\")}
        words |= {name for name in plain if len(name) > 1 and name.isalpha()}
        return lexicon(
            self.functions,
            {t.pattern.base for t in self.tensors if t.is_family},
            {without_font(t.pattern.text) for t in self.tensors},
            {t.pattern.base for t in self.tensors} | set(self.losses),
            [*phrases, *(Phrase.of_word(word) for word in words)],
            self.operators,
            [t.scripted for t in self.tensors if t.scripted is not None and not t.is_family],
        )

    @property
    def letters(self) -> Mapping[str, sp.Symbol]:
        """All listed index letters."""
        return {**self.steps, **self.components}

    def with_bound(self, letter: str, sort: str, span: tuple[sp.Expr, sp.Expr] | None = None) -> Vocabulary:
        """The vocabulary inside a sum or product: its letter is bound, runs over a span, and hides what it was."""
        symbol = sp.Symbol(letter, integer=True)
        steps = {key: value for key, value in self.steps.items() if key != letter}
        components = {key: value for key, value in self.components.items() if key != letter}
        (steps if sort == "step" else components)[letter] = symbol
        ranges = {key: value for key, value in self.ranges.items() if key != letter}
        return replace(
            self, steps=steps, components=components, ranges=ranges if span is None else {**ranges, letter: span}
        )

    def loss(self, base: str) -> str:
        """The declared opaque loss that a name means, exactly or up to its font; empty for none."""
        if base in self.losses:
            return base
        similar = [name for name in self.losses if without_font(name) == without_font(base)]
        return similar[0] if len(similar) == 1 else ""

    def is_loss(self, name: str) -> bool:
        """Whether a family is one of losses: its derivatives are never immediate."""
        return any(tensor.name == name and tensor.structure == LOSS for tensor in self.tensors)

    @cached_property
    def labels(self) -> frozenset[str]:
        """The names of labels: one-hot vectors that may stand as an index."""
        return frozenset(tensor.name for tensor in self.tensors if tensor.structure == "label")

    def named(self, name: str) -> Tensor:
        """The tensor of a name."""
        return next(tensor for tensor in self.tensors if tensor.name == name)

    # --- finding a name ----------------------------------------------------------------------------------------

    def find(self, base: str, scripts: Scripts, start: int, end: int) -> Use | None:
        """The declared tensor that a written name means, None if its letter is not declared at all.

        The exact font wins; otherwise a match up to font must be unique. Raises `NotationError`.
        """
        exact = [t for t in self.tensors if t.pattern.base == base]
        plain = without_font(base)
        similar = [t for t in self.tensors if without_font(t.pattern.base) == plain and t not in exact]
        for candidates in (exact, similar):
            uses = [use for t in candidates for use in self._uses(t, scripts)]
            best = [use for use in uses if _weight(use) == max(_weight(u) for u in uses)] if uses else []
            if len(best) == 1:
                return best[0]
            if len(best) > 1:
                names = " or ".join(use.tensor.pattern.text for use in best)
                raise NotationError(f"this may be {names}", start, end)
        if exact or similar:
            known = ", ".join(t.pattern.text for t in exact + similar)
            raise NotationError(f"{self._misfit(scripts, exact + similar)}; declared: {known}", start, end)
        return None

    def _uses(self, tensor: Tensor, scripts: Scripts) -> list[Use]:
        sup, transposed = split_transpose(scripts.sup)
        is_bare = len(scripts.sup) == 1
        readings = [(sup, transposed)]
        if transposed and tensor.is_scalar:
            is_sign = scripts.sup[-1].text == "\\top"
            readings = [(sup, True) if is_sign else (scripts.sup, False)]  # of a scalar T is an index or a power
        elif transposed and not is_bare:
            readings.append((scripts.sup, False))
        found = []
        for above, is_transposed in readings:
            for matched in tensor.pattern.matches(scripts.sub, above, self.index_of):
                use = self._use(tensor, matched, is_transposed)
                if use is not None:
                    found.append(use)
            if found:
                break
        return found

    def _use(self, tensor: Tensor, matched: Matched, transposed: bool) -> Use | None:
        below, above = matched.below, matched.above
        if above and not below and all(t.text in self.components for t in above) and not tensor.is_scalar:
            below, above = above, ()  # a component letter above: δ_t^j
        target = self.named(tensor.entries_of) if tensor.entries_of else tensor
        selectors = self.selectors(below, 2 if target.rows and target.cols else 1)
        if selectors is None:
            return None
        indices = dict(matched.indices)
        if tensor.entries_of and not selectors:
            return None
        rows, cols = target.axes_at(indices)
        values = tuple(indices[letter] for letter in self.ordered(tensor.pattern.slots))
        return Use(target, values, rows, cols, selectors, transposed, above, matched.is_moved)

    def ordered(self, letters: tuple[str, ...]) -> tuple[str, ...]:
        """Slot letters with the one of time last."""
        return tuple(sorted(letters, key=lambda letter: self._sort(letter) == self._sort("t")))

    def _sort(self, letter: str) -> Any:
        return self.ranges.get(letter)

    def selectors(self, tokens: tuple[Tok, ...], count: int = 2) -> tuple[Selector, ...] | None:
        """Component letters, numbers, colons and labels in a subscript, `count` at most; None for anything else."""
        tokens = unwrapped(tokens)
        if len(tokens) == 1 and tokens[0].kind == "NUMBER" and len(tokens[0].text) == count > 1:
            tokens = tuple(Tok("NUMBER", digit, tokens[0].start, tokens[0].end) for digit in tokens[0].text)
        found: list[Selector] = []
        place = 0
        while place < len(tokens):
            token = tokens[place]
            place += 1
            if token.kind in ("COMMA", "LBRACK", "RBRACK", "LPAR", "RPAR"):
                continue
            if token.text in self.components:
                found.append(self.components[token.text])
            elif token.kind == "COLON":
                found.append(None)
            elif token.kind == "NUMBER" or (token.kind == "NAME" and token.text in self.sizes):
                found.append(sp.Symbol(f"#{token.text}", integer=True))
            else:
                label, place = self._label(tokens, place - 1)
                if label is None:
                    return None
                found.append(label)
        return tuple(found)

    def _label(self, tokens: tuple[Tok, ...], place: int) -> tuple[Use | None, int]:
        """A declared label with its own scripts, used as a component: \\hat y_{y_t}."""
        base = tokens[place]
        end = place + 1
        scripts: dict[str, tuple[Tok, ...]] = {"_{": (), "^{": ()}
        while end < len(tokens) and tokens[end].kind == "MARK" and tokens[end].text != "}":
            close = next((at for at in range(end, len(tokens)) if tokens[at].text == "}"), len(tokens))
            scripts[tokens[end].text] = tokens[end + 1 : close]
            end = close + 1
        labels = [t for t in self.tensors if t.structure == "label" and t.pattern.base == base.text]
        for tensor in labels:
            for use in self._uses(tensor, Scripts(scripts["_{"], scripts["^{"])):
                return use, end
        return None, end

    def _misfit(self, scripts: Scripts, known: list[Tensor]) -> str:
        letters = (token.text for token in (*scripts.sub, *scripts.sup) if token.kind == "NAME")
        listed = {*self.steps, *self.components, *self.sizes, "T", "\\top"}
        unlisted = next((letter for letter in letters if letter not in listed and letter.isalpha()), "")
        if unlisted:
            return f"the letter {unlisted} is not listed in indices"
        if scripts.is_empty and all(t.is_family for t in known):
            return "it is written without its index"
        if any(t.entries_of for t in known):
            return "it names entries, and is written with component letters"
        return "the indices do not fit"

    def index_of(self, tokens: tuple[Tok, ...]) -> sp.Expr | None:
        """The affine step expression that tokens spell, None if they spell none."""
        return affine(tokens, self.steps)

    def size_of(self, tokens: tuple[Tok, ...]) -> Any:
        """A size as written (n, n_a, n_{l-1}, 2n, n+m), None where tokens spell none."""
        from derive.latex.sizes import size_of  # it reads the same tokens, and needs no vocabulary but this one

        return size_of(tokens, self.sizes, self.steps)

    def is_nonzero(self, number: Any) -> bool:
        """Whether a number in sizes and steps is never 0: step letters whose range begins at 1 are positive."""
        positive = {
            symbol: sp.Dummy(letter, integer=True, positive=True)
            for letter, symbol in self.steps.items()
            if letter not in self.ranges or self.ranges[letter][0].is_positive
        }
        value = sp.sympify(number).xreplace(positive)
        return bool(value.is_positive or value.is_negative)

    def nearest(self, name: str) -> str:
        """ "; did you mean …" for a misspelt name, or nothing."""
        known = [t.pattern.base for t in self.tensors] + list(self.functions) + list(self.losses)
        close = get_close_matches(name, known, n=1, cutoff=0.6)
        return f"; did you mean {close[0]}?" if close else ""


def _weight(use: Use) -> tuple[int, int, bool, int]:
    """Of two patterns that fit, the one that explains more of the scripts is meant, and as declared."""
    explained = len(use.indices) + use.tensor.pattern.literals
    return explained, -len(use.exponent), not use.is_moved, -len(use.selectors)
