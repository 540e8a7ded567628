"""What the tokenizer must know of the declared names: which are functions, which have several signs."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from derive.latex.signs import FONTS

_FONT = re.compile(r"\\(?:" + "|".join(FONTS) + r")\s*\{([^{}]*)\}")


def without_font(name: str) -> str:
    """A name without its font commands; accents stay."""
    while (plain := _FONT.sub(r"\1", name)) != name:
        name = plain
    return name


@dataclass(frozen=True)
class Phrase:
    """A declared name of several signs (dh, Loss, \\delta\\mathbf{c}, \\nabla_a C) and how it is spelt."""

    name: str
    spelling: re.Pattern[str]

    @classmethod
    def of_word(cls, word: str) -> Phrase:
        """A name of plain letters."""
        return cls(word, re.compile(re.escape(word)))


@dataclass(frozen=True)
class Lexicon:
    """The declared names as far as tokens depend on them.

    `functions`: names of functions (f, f^{l-1}); `families`: bases of names with an index, which beside a function of
    the same letter mean the family; `names`: bases of everything declared, `bare` those declared
    without scripts; `phrases`: names of several signs, the
    longest first; `operators`: the declared meaning of signs; `scripted`: names whose scripts are spelling.
    """

    functions: frozenset[str] = frozenset()
    families: frozenset[str] = frozenset()
    bare: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    phrases: tuple[Phrase, ...] = ()
    operators: Mapping[str, str] = field(default_factory=dict)
    scripted: tuple[Phrase, ...] = ()

    @cached_property
    def _any_phrase(self) -> re.Pattern[str]:
        """Where one phrase or another begins: most places of a formula begin none."""
        return re.compile("|".join(f"(?:{phrase.spelling.pattern})" for phrase in self.phrases) or r"(?!)")

    def phrase_at(self, text: str, place: int) -> tuple[Phrase, int] | None:
        """The longest phrase that stands at a place, and where it ends."""
        if self._any_phrase.match(text, place) is None:
            return None
        matches = ((phrase, phrase.spelling.match(text, place)) for phrase in self.phrases)
        return next((phrase, match.end()) for phrase, match in matches if match is not None)

    def has_scripted(self, base: str, text: str, place: int) -> bool:
        """Whether scripts that stand here make a base a declared name: the variance \\sigma^2 beside a function σ."""
        return any(name.name == base and name.spelling.match(text, place) for name in self.scripted)

    @cached_property
    def function_bases(self) -> frozenset[str]:
        """f of f^{l-1}."""
        return frozenset(re.split(r"[_^]", name)[0] for name in self.functions)

    @cached_property
    def plain_names(self) -> frozenset[str]:
        """All names without fonts."""
        return frozenset(map(without_font, self.names | self.functions))

    def is_declared(self, name: str) -> bool:
        """Whether a name is declared, up to its font."""
        return without_font(name) in self.plain_names


def lexicon(
    functions: Collection[str] = (),
    families: Collection[str] = (),
    bare: Collection[str] = (),
    names: Collection[str] = (),
    phrases: Collection[Phrase] = (),
    operators: Mapping[str, str] | None = None,
    scripted: Collection[Phrase] = (),
) -> Lexicon:
    """A lexicon of any collections; the longest phrase wins."""
    ordered = sorted(phrases, key=lambda phrase: (-len(phrase.name), phrase.name))
    return Lexicon(
        frozenset(functions), frozenset(families), frozenset(bare), frozenset(names), tuple(ordered), operators or {},
        tuple(scripted),
    )  # fmt: skip
