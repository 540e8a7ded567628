"""The file's own macros: what defines one, and formulas with all of them expanded, every character at its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from derive.errors import NotationError
from verify.document.passages import Passage, Run
from verify.document.source import Source

MAX_DEFINITION = 5_000  # characters of one definition
MAX_DEFINITIONS = 1_000  # in one document; what follows more of them is not read
MAX_SIGNS = 20_000  # that one formula may expand to
MAX_GROWTH = 2_000_000  # signs that all macros of one document may put in, together

DEFINING = re.compile(
    r"\\(?P<how>(?:re)?newcommand|providecommand|DeclareRobustCommand|DeclareMathOperator|[gex]?def|let|futurelet"
    r"|(?:New|Renew|Provide|Declare)(?:Expandable)?DocumentCommand|DeclarePairedDelimiterX?P?P?)(?![A-Za-z@])\*?"
)
_READ = {"newcommand", "renewcommand", "providecommand", "DeclareRobustCommand", "DeclareMathOperator", "def"}
_NAME = re.compile(r"\s*(?:\{\s*(\\(?:[A-Za-z@]+|.))\s*\}|(\\(?:[A-Za-z@]+|.)))", re.DOTALL)
_ARITY = re.compile(r"\s*\[\s*([0-9]+)\s*\]")
_LEXEME = re.compile(r"\\(?:[A-Za-z]+|.)|#[0-9]|%[^\n]*\n?[ \t]*|.", re.DOTALL)
_BRACE = re.compile(r"\\.|%[^\n]*|[{}]", re.DOTALL)
_COMMAND = re.compile(r"\\(?:[A-Za-z]+|.)", re.DOTALL)
# \providecommand leaves these alone: LaTeX and amsmath define them themselves
_LATEX = (
    " frac dfrac tfrac sqrt partial nabla sum prod int hat tilde bar dot ddot vec overline underline widehat widetilde "
    " mathrm mathbf mathit mathsf mathtt mathcal mathbb mathfrak boldsymbol text textbf textrm operatorname left right "
    " cdot times circ otimes odot oplus top prime le leq ge geq ne neq in forall exists exp ln log tanh sinh cosh sin "
    " cos tan det min max sup inf lim arg dim ker "
)


@dataclass(frozen=True)
class Definition:
    """A macro: how many arguments it takes, the default of the first if it may be left out, what it expands to."""

    name: str
    arity: int
    default: tuple[str, ...] | None
    body: tuple[str, ...]
    refusal: str = ""  # why it is not read; told where it is used

    @property
    def text(self) -> str:
        """What it expands to, as written."""
        return "".join(self.body).strip()


class Defined(NamedTuple):
    """A definition as it stands in a text, where it ends, and whether it only provides what nobody defined."""

    definition: Definition
    end: int
    provides: bool


def read_definition(text: str, start: int, is_read: bool = True) -> Defined | None:
    """The definition that begins at `start` (at a match of `DEFINING`); None where no name follows."""
    match = DEFINING.match(text, start)
    named = match and _NAME.match(text, match.end())
    if not match or not named:
        return None
    how, name = match["how"], named[1] or named[2]
    if not is_read:
        return Defined(Definition(name, 0, None, (), "it is one macro too many"), named.end(), False)
    try:
        definition, end = _defined(how, name, text, named.end())
    except _Unread as unread:
        definition, end = Definition(name, 0, None, (), unread.reason), unread.end
    return Defined(definition, end, how == "providecommand")


class Definitions:
    """Reads the definitions of one document; beyond the limit their names alone, in a time that is bounded."""

    def __init__(self) -> None:
        self.count = 0

    def read(self, text: str, start: int) -> Defined | None:
        """The definition that begins at `start`; None where no name follows."""
        self.count += 1
        return read_definition(text, start, self.count <= MAX_DEFINITIONS)

    def within(self, text: str, start: int, end: int) -> Iterator[tuple[int, Defined]]:
        """The definitions between two places, each with its own place, none within another."""
        for match in DEFINING.finditer(text, start, end):
            found = self.read(text, match.start()) if match.start() >= start else None
            if found is not None:
                start = found.end
                yield match.start(), found


class _Unread(Exception):
    def __init__(self, reason: str, end: int) -> None:
        self.reason, self.end = reason, end


def _defined(how: str, name: str, text: str, place: int) -> tuple[Definition, int]:
    if how not in _READ:
        raise _Unread(f"\\{how} is not read: define {name} by \\newcommand", _end_of_line_or_groups(how, text, place))
    arity, default = 0, None
    if how == "def":
        body = text.find("{", place, place + 200)
        if text[place : max(body, place)].strip():
            raise _Unread(
                f"\\def with arguments is not read: define {name} by \\newcommand{{{name}}}[1]{{…}}",
                _group(text, body, name) if body >= 0 else place,
            )
    elif how != "DeclareMathOperator" and (counted := _ARITY.match(text, place)):
        arity, place = int(counted[1]), counted.end()
        opening = _skip_space(text, place)
        if text.startswith("[", opening):
            place = _bracket(text, opening, name)
            default = _lexemes(text[opening + 1 : place - 1])
    opening = _skip_space(text, place)
    if not text.startswith("{", opening):
        raise _Unread(f"the definition of {name} has no body in braces", place)
    end = _group(text, opening, name)
    body_text = text[opening + 1 : end - 1]
    if how == "DeclareMathOperator":
        body_text = f"\\operatorname{{{body_text.strip()}}}"
    return _checked(Definition(name, arity, default, _lexemes(body_text)), end), end


def _checked(definition: Definition, end: int) -> Definition:
    """A definition that can be expanded. Raises `_Unread`."""
    wrong = [sign for sign in definition.body if sign[0] == "#" and not sign[1:].isdigit()]
    wrong += [sign for sign in definition.body if sign[0] == "#" and sign[1:].isdigit()
              and not 1 <= int(sign[1:]) <= definition.arity]  # fmt: skip
    if definition.arity > 9 or wrong:
        raise _Unread(f"the definition of {definition.name} takes {definition.arity} arguments but uses others", end)
    if DEFINING.search(definition.text):
        raise _Unread(f"{definition.name} defines other macros, which is not read", end)
    return definition


def _lexemes(text: str) -> tuple[str, ...]:
    return tuple(sign for sign in _LEXEME.findall(text) if sign[0] != "%")


def _skip_space(text: str, place: int) -> int:
    while place < len(text) and text[place].isspace():
        place += 1
    return place


def _group(text: str, opening: int, name: str) -> int:
    """The end of the group in braces that begins at `opening`. Raises `_Unread`."""
    end = closing_brace(text, opening, opening + MAX_DEFINITION)
    if end < 0:
        raise _Unread(
            f"the definition of {name} is not closed within {MAX_DEFINITION} characters: a }} is missing", opening
        )
    return end


def _bracket(text: str, opening: int, name: str) -> int:
    end = text.find("]", opening, opening + MAX_DEFINITION)
    if end < 0:
        raise _Unread(f"the default of {name} is not closed: a ] is missing", opening)
    return end + 1


def closing_brace(text: str, opening: int, limit: int) -> int:
    """The place after the brace that closes the one at `opening`; -1 where none does before `limit`."""
    level = 0
    for match in _BRACE.finditer(text, opening, limit):
        level += {"{": 1, "}": -1}.get(match.group(), 0)
        if level == 0:
            return match.end()
    return -1


def _end_of_line_or_groups(how: str, text: str, place: int) -> int:
    """The end of a definition that is not read: of what \\let takes, or of the groups that follow."""
    if how in ("let", "futurelet"):
        match = re.compile(r"\s*=?\s*(?:\\(?:[A-Za-z@]+|.)|\S)", re.DOTALL).match(text, place)
        return match.end() if match else place
    while (opening := _skip_space(text, place)) < len(text) and text[opening] in "{[#":
        if text[opening] == "{":
            place = closing_brace(text, opening, opening + MAX_DEFINITION)
        else:
            place = text.find("]" if text[opening] == "[" else "{", opening, opening + MAX_DEFINITION)
            place += text[opening] == "[" and place >= 0
        if place < 0:
            return opening
    return place


class _Sign(NamedTuple):
    """A lexeme, and the stretch of the formula for which it stands; copied where it is that stretch itself."""

    text: str
    start: int
    end: int
    copied: bool


class Macros:
    """The macros in force at a place of a document; groups (`open`, `close`) end what is defined within them."""

    def __init__(self) -> None:
        self.table: dict[str, Definition] = {}
        self.outer: list[dict[str, Definition]] = []
        self.definitions = Definitions()  # within displays
        self.left = MAX_GROWTH
        self.count = 0

    def open(self) -> None:
        """Begin a group."""
        self.outer.append(self.table)
        self.table = dict(self.table)

    def close(self) -> None:
        """End the last group: its definitions end with it."""
        if self.outer:
            self.table = self.outer.pop()

    def define(self, found: Defined, where: str) -> None:
        """Take a definition that stands at `where`."""
        self.count += 1
        definition = found.definition
        if found.provides and (definition.name in self.table or f" {definition.name[1:]} " in _LATEX):
            return
        if definition.refusal:
            definition = replace(definition, refusal=f"{definition.refusal} (at {where})")
        self.table[definition.name] = definition

    def expand_text(self, text: str, offset: int, source: Source) -> Passage:
        """A text of the document with every macro expanded; `passage.place` gives places in the author's file.

        Raises `NotationError`, whose places count in `text`, where a macro is not read, lacks an argument or grows
        beyond the limits; after too many definitions always, since any command may have another meaning.
        """
        if self.count > MAX_DEFINITIONS:
            raise NotationError(f"more than {MAX_DEFINITIONS} macros are defined up to here", 0, 1)
        if not self.table or not any(command in self.table for command in _COMMAND.findall(text)):
            return Passage.copied(text, offset, source)
        expanded = self._expanded([_Sign(m.group(), *m.span(), True) for m in _LEXEME.finditer(text)])
        return _joined(expanded, offset, source)

    def expand(self, text: str) -> str:
        """A text with every macro expanded, for names in declarations. Raises `NotationError`."""
        return self.expand_text(text, 0, Source("", text)).text

    def _expanded(self, signs: list[_Sign]) -> list[_Sign]:
        waiting, found, grown = signs[::-1], [], 0
        limit = max(MAX_SIGNS, 10 * len(signs))
        while waiting:
            sign = waiting.pop()
            macro = self.table.get(sign.text)
            if macro is None:
                found.append(sign)
                continue
            if macro.refusal:
                raise NotationError(f"{sign.text}: {macro.refusal}", sign.start, sign.end)
            body = _filled(macro, sign, waiting)
            grown += len(body) + 1
            self.left -= len(body) + 1
            if grown > limit or self.left < 0:
                whole = f"{limit} signs" if grown > limit else f"{MAX_GROWTH} signs in all formulas together"
                raise NotationError(f"{sign.text} expands to more than {whole}", sign.start, sign.end)
            waiting.extend(reversed(body))
        return found


def _filled(macro: Definition, use: _Sign, waiting: list[_Sign]) -> list[_Sign]:
    """The body with the arguments, taken from what is waiting, in their places."""
    arguments: list[list[_Sign]] = []
    if macro.arity and macro.default is not None:
        default = [_Sign(text, use.start, use.end, False) for text in macro.default]
        arguments.append(_optional(waiting, use) or default)
    while len(arguments) < macro.arity:
        arguments.append(_argument(waiting, use, macro))
    size = len(macro.body) + sum(len(arguments[int(text[1]) - 1]) for text in macro.body if text[0] == "#")
    if size > MAX_SIGNS:
        raise NotationError(f"{use.text} expands to more than {MAX_SIGNS} signs", use.start, use.end)
    body: list[_Sign] = []
    for text in macro.body:
        body += arguments[int(text[1]) - 1] if text[0] == "#" else [_Sign(text, use.start, use.end, False)]
    return body


def _optional(waiting: list[_Sign], use: _Sign) -> list[_Sign]:
    """The argument in brackets, if one follows."""
    _drop_space(waiting)
    if not waiting or waiting[-1].text != "[":
        return []
    found: list[_Sign] = []
    level = 0
    waiting.pop()
    while waiting:
        sign = waiting.pop()
        if sign.text == "]" and level == 0:
            return found or [_Sign(" ", use.start, use.end, False)]
        level += {"{": 1, "}": -1}.get(sign.text, 0)
        found.append(sign)
    raise NotationError(f"the argument [ of {use.text} is not closed", use.start, use.end)


def _argument(waiting: list[_Sign], use: _Sign, macro: Definition) -> list[_Sign]:
    """A group in braces, without them, or one sign."""
    _drop_space(waiting)
    if not waiting or waiting[-1].text == "}":
        wanted = f"{macro.arity} argument{'s' if macro.arity > 1 else ''}"
        raise NotationError(f"{use.text} takes {wanted}, and one is missing", use.start, use.end)
    first = waiting.pop()
    if first.text != "{":
        return [first]
    found: list[_Sign] = []
    level = 1
    while waiting:
        sign = waiting.pop()
        level += {"{": 1, "}": -1}.get(sign.text, 0)
        if level == 0:
            return found
        found.append(sign)
    raise NotationError(f"the argument of {use.text} is not closed: a }} is missing", use.start, use.end)


def _drop_space(waiting: list[_Sign]) -> None:
    while waiting and waiting[-1].text.isspace():
        waiting.pop()


def _joined(signs: list[_Sign], offset: int, source: Source) -> Passage:
    """The signs as one text; a command is kept apart from a letter that an argument puts after it."""
    texts: list[str] = []
    runs: list[Run] = []
    at, previous, copied_to = 0, "", -1
    for sign in signs:
        if previous[:1] == "\\" and previous[-1].isalpha() and sign.text[0].isalpha():
            texts.append(" ")
            at, copied_to = at + 1, -1
        if not sign.copied:
            run = Run(at, offset + sign.start, sign.end - sign.start)
            if not runs or (runs[-1].start, runs[-1].width) != (run.start, run.width):
                runs.append(run)
            copied_to = -1
        else:
            if copied_to != sign.start:
                runs.append(Run(at, offset + sign.start))
            copied_to = sign.end
        texts.append(sign.text)
        at += len(sign.text)
        previous = sign.text
    return Passage("".join(texts), tuple(runs) or (Run(0, offset),), source)
