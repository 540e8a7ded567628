"""How a declared name is written: a base, scripts in which some places are indices and the rest is spelling."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import sympy as sp

from derive.errors import NotationError
from derive.latex.lexicon import Lexicon, Phrase, without_font
from derive.latex.signs import ACCENTS, FONTS
from derive.latex.tokenizer import tokenize
from derive.latex.tokens import Tok

IndexReader = Callable[[tuple[Tok, ...]], "sp.Expr | None"]


@dataclass(frozen=True)
class Slot:
    """The place of an index in a script, with the letter that the declaration has there."""

    letter: str


Script = tuple[str | Slot, ...]  # spelling and places of indices, as they follow one another


@dataclass(frozen=True)
class Matched:
    """What scripts hold for a declared name: an index a slot, what is left below and above, and how directly."""

    indices: tuple[tuple[str, sp.Expr], ...]  # pairs (letter of the slot, index); a superscript's first
    below: tuple[Tok, ...]
    above: tuple[Tok, ...]
    is_moved: bool = False


@dataclass(frozen=True)
class NamePattern:
    """A declared name: x_t is base x with an index below; W^{l} is base W with the spelling l above."""

    text: str
    base: str
    sub: Script = ()
    sup: Script = ()

    @property
    def slots(self) -> tuple[str, ...]:
        """The letters of its indices, in the order in which a member holds them: above, then below."""
        return tuple(part.letter for part in self.sup + self.sub if isinstance(part, Slot))

    @property
    def literals(self) -> int:
        """How many signs of its scripts are spelling."""
        return sum(len(part) for part in self.sub + self.sup if isinstance(part, str))

    def matches(self, sub: tuple[Tok, ...], sup: tuple[Tok, ...], index_of: IndexReader) -> list[Matched]:
        """The ways in which scripts fit: as declared; else with the index in the other script."""
        below, above = flat(sub), flat(sup)
        placed = self._placed(self.sub, below, self.sup, above, index_of, is_moved=False)
        moved = self._placed(self.sub, above, self.sup, below, index_of, is_moved=True) if self.slots else None
        return [found for found in (placed, moved) if found is not None]

    def _placed(
        self, sub: Script, below: tuple[Tok, ...], sup: Script, above: tuple[Tok, ...], index_of: IndexReader,
        is_moved: bool,
    ) -> Matched | None:  # fmt: skip
        low, high = match_script(sub, below, index_of), match_script(sup, above, index_of)
        if low is None or high is None:
            return None
        if is_moved and not all(index.free_symbols for _, index in (*high[0], *low[0])):
            return None  # w_{12} is an entry, or a name of its own, rather than w^{12}
        rest = (high[1], low[1]) if is_moved else (low[1], high[1])
        return Matched(high[0] + low[0], *rest, is_moved)


def match_script(
    script: Script, tokens: tuple[Tok, ...], index_of: IndexReader
) -> tuple[tuple[tuple[str, sp.Expr], ...], tuple[Tok, ...]] | None:
    """The indices in the slots of a script and the tokens behind them, None where the spelling does not fit."""
    if not script:
        return (), tokens
    first, rest = script[0], script[1:]
    if isinstance(first, str):
        after = _spelt(first, tokens)
        return None if after is None else match_script(rest, after, index_of)
    tokens = _without_comma(tokens)
    for length in range(_reach(tokens), 0, -1):
        index = index_of(tokens[:length])
        found = match_script(rest, _without_comma(tokens[length:]), index_of) if index is not None else None
        if found is not None and index is not None:
            return ((first.letter, index), *found[0]), found[1]
    return None


def _spelt(text: str, tokens: tuple[Tok, ...]) -> tuple[Tok, ...] | None:
    """The tokens behind those that spell a text, fonts aside, None where they spell something else."""
    tokens = tokens if text.startswith(",") else _without_comma(tokens)
    for place, token in enumerate(tokens):
        piece = without_font(token.text).replace(" ", "")
        if not text.startswith(piece):
            return None
        text = text[len(piece) :]
        if not text:
            return tokens[place + 1 :]
    return None


def _without_comma(tokens: tuple[Tok, ...]) -> tuple[Tok, ...]:
    return tokens[1:] if tokens and tokens[0].kind == "COMMA" else tokens


def _reach(tokens: tuple[Tok, ...]) -> int:
    """How far an index may reach: to the next comma or nested script."""
    stops = (place for place, token in enumerate(tokens) if token.kind in ("COMMA", "MARK"))
    return next(stops, len(tokens))


def flat(tokens: Sequence[Tok]) -> tuple[Tok, ...]:
    """Tokens with nested scripts written out between marks: h_{t-1} inside a subscript."""
    found: list[Tok] = []
    for token in tokens:
        if token.kind in ("SUB", "SUP"):
            found.append(Tok("MARK", "_{" if token.kind == "SUB" else "^{", token.start, token.start + 1))
            found += flat(token.inner)
            found.append(Tok("MARK", "}", token.end - 1, token.end))
        else:
            found.append(token)
    return tuple(found)


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


# --- declared names ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spelling:
    """A name as declared: its base (one sign or several), its scripts, and the phrase that spells a base of several."""

    base: str
    sub: tuple[Tok, ...] = ()
    sup: tuple[Tok, ...] = ()
    phrase: Phrase | None = None
    scripted: Phrase | None = None  # a base and the scripts that belong to its name: \sigma and ^2

    def pattern(self, text: str, letters: Collection[str]) -> NamePattern:
        """Listed index letters in its scripts are slots, all else is spelling."""
        return NamePattern(text, self.base, _script(self.sub, letters), _script(self.sup, letters))


def spelling(text: str) -> Spelling:
    """The spelling of a declared name: x_t, \\mathrm{Net}^l_t, dh_t, \\delta\\mathbf{c}^t, \\nabla_a C, \\delta 9.

    Scripts at the end belong to the name's scripts, all before them is its base. Raises `NotationError`.
    """
    word = re.match(r"[A-Za-z]{2,}(?=$|[_^\s])", text.strip())
    plain = (Phrase.of_word(word.group()),) if word else ()
    tokens = list(tokenize(text.strip(), Lexicon(phrases=plain)))
    end = len(tokens)
    while end > 1 and tokens[end - 1].kind in ("SUB", "SUP"):
        end -= 1
    core, scripts = tokens[:end], {token.kind: token.inner for token in tokens[end:]}
    if not core or len(scripts) != len(tokens) - end or core[0].kind not in ("NAME", "FUNC", "NABLA", "PARTIAL"):
        raise NotationError("a name is a letter, command or word with sub- and superscript", 0, max(1, len(text)))
    if len(core) == 1:
        name = core[0].text if core[0].kind == "NAME" else text.strip()[: core[0].end]
        phrase = plain[0] if plain else None
    else:
        name = "".join(_glued(core))
        phrase = Phrase(name, re.compile("".join(_spelt_as(token) for token in core)))
    written = re.compile(r"\s*" + "".join(_spelt_as(token) for token in tokens[end:]))
    scripted = Phrase(name, written) if end < len(tokens) else None
    return Spelling(name, scripts.get("SUB", ()), scripts.get("SUP", ()), phrase, scripted)


def _glued(tokens: Sequence[Tok]) -> list[str]:
    """The texts of tokens; a space where a command would swallow the letter behind it."""
    found: list[str] = []
    for token in tokens:
        text = token.text if token.kind not in ("SUB", "SUP") else token.text.replace(" ", "")
        needs_space = found and re.search(r"\\[a-zA-Z]+$", found[-1]) and text[:1].isalpha()
        found.append(f" {text}" if needs_space else text)
    return found


def _spelt_as(token: Tok) -> str:
    """A pattern for one token of a phrase, however its braces and spaces are set."""
    if token.kind in ("SUB", "SUP"):
        inner = "".join(_spelt_as(part) for part in token.inner)
        sign = re.escape("_" if token.kind == "SUB" else "^")
        return rf"{sign}\s*(?:\{{\s*{inner}\}}|{inner})\s*"
    dressed = re.fullmatch(r"\\([a-zA-Z]+)\{(.*)\}", token.text)
    if dressed and dressed[1] in FONTS + ACCENTS:
        command, inside = dressed.groups()
        bare = rf"|\s+{re.escape(inside)}" if len(inside) == 1 else ""
        return rf"\\{command}(?:\s*\{{\s*{re.escape(inside)}\s*\}}{bare})\s*"
    if token.kind == "FUNC" and not token.text.startswith("\\"):
        return rf"\\?{re.escape(token.text)}(?![a-zA-Z])\s*"
    end = r"(?![a-zA-Z])" if re.fullmatch(r"\\[a-zA-Z]+", token.text) else ""
    return rf"{re.escape(token.text)}{end}\s*"


def _script(tokens: tuple[Tok, ...], letters: Collection[str]) -> Script:
    """Spelling and slots; a listed letter is a slot together with brackets and numbers around it."""
    parts: list[str | Slot] = []
    items = list(flat(tokens))
    words = _words(items)
    place = 0
    while place < len(items):
        token = items[place]
        if token.kind == "NAME" and token.text in letters and place not in words:
            _drop_opening(parts)
            parts.append(Slot(token.text))
            place = _behind_index(items, place + 1)
            continue
        text = without_font(token.text).replace(" ", "")
        if parts and isinstance(parts[-1], str):
            parts[-1] += text
        elif not (token.kind == "COMMA" and parts):  # a comma beside a slot says nothing
            parts.append(text)
        place += 1
    trimmed = [part.removesuffix(",") if isinstance(part, str) else part for part in parts]
    return tuple(part for part in trimmed if part)


def _words(items: list[Tok]) -> set[int]:
    """The places of letters in words: three or more plain letters side by side (next) hold no index."""
    found: set[int] = set()
    run: list[int] = []
    for place, token in enumerate([*items, Tok("END", "", -1, -1)]):
        is_letter = token.kind == "NAME" and len(token.text) == 1
        if is_letter and (not run or items[run[-1]].end == token.start):
            run.append(place)
            continue
        found |= set(run) if len(run) > 2 else set()
        run = [place] if is_letter else []
    return found


def _drop_opening(parts: list[str | Slot]) -> None:
    """A bracket before an index belongs to it: h^{(t)} is h^t, h^{\\langle t \\rangle} too."""
    if parts and isinstance(parts[-1], str):
        for sign in ("\\langle", "(", "[", "<", ","):
            parts[-1] = parts[-1].removesuffix(sign)
        if not parts[-1]:
            parts.pop()


def _behind_index(items: list[Tok], place: int) -> int:
    """Past what belongs to an index: -1 and the bracket that closes it."""
    while place < len(items) and items[place].kind in ("PLUS", "MINUS", "NUMBER"):
        place += 1
    if place < len(items) and (items[place].kind in ("RPAR", "RBRACK") or items[place].text in ("\\rangle", ">")):
        place += 1
    return place


def literal_name(pattern: NamePattern) -> str:
    """The LaTeX of a name without its indices: \\mathrm{Net}^{l} of \\mathrm{Net}^l_t."""
    below, above = ("".join(part for part in script if isinstance(part, str)) for script in (pattern.sub, pattern.sup))
    return pattern.base + (f"_{{{below}}}" if below else "") + (f"^{{{above}}}" if above else "")
