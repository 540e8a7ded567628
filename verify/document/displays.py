"""From one display to its equations: macros expanded, rows, tags and labels told apart, layout taken out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from derive.errors import NotationError
from derive.latex.signs import RELATIONS
from verify.document.environments import COUNTED, INNER, ROWS
from verify.document.macros import Macros, closing_brace
from verify.document.passages import Passage, Piece, blanked
from verify.document.punctuation import end_of_formula, with_connectives
from verify.document.source import Source

MAX_NESTED = 20  # environments inside one another
MAX_ARGUMENT = 1_000  # characters of a \tag, \label or \intertext

_COMMENT = re.compile(r"\\.|%([^\n]*)", re.DOTALL)
_DIRECTIVE = re.compile(r"\s*backproof\s*:")
_LAYOUT = re.compile(
    r"\\(?P<edge>begin|end)[ \t]*\{(?P<name>[A-Za-z]+\*?)\}"
    r"|\\(?P<command>tag\*?|label|nonumber|notag|(?:short)?intertext|[hv]space\*?|allowdisplaybreaks|displaybreak"
    r"|qedhere|hfill)(?![A-Za-z])"
    r"|\\\\(?P<skip>\*?(?:\[\s*-?[\d.]+\s*(?:pt|em|ex|mu|mm|cm|in|bp|pc|\\[A-Za-z]+)\s*\])?)"
    r"|\\[{}]|[{}]"
)
_OPENER = re.compile(r"\\begin[ \t]*\{[^}]*\}|\\[A-Za-z]+|\$\$|\\\[")
_BARE = ("nonumber", "notag", "allowdisplaybreaks", "displaybreak", "qedhere", "hfill")  # take no argument
_OPTION = re.compile(r"\s*\[[a-z]\]")
_COLUMNS = re.compile(r"\s*\{\s*\d+\s*\}")
_LEADING = re.compile(r"(?:[\s&~]|\{\}|\\[,;:! ]|\\q?quad(?![A-Za-z]))*")
_SIGNS = ("+", "-", "−", "\\cdot", "\\times", "\\odot", "\\circ", "\\otimes", "\\pm")
_STARTING = re.compile(
    "|".join(
        re.escape(word) + ("(?![A-Za-z])" if word[-1].isalpha() else "") for word in sorted(RELATIONS, key=len)[::-1]
    )
)
_UNFINISHED = re.compile(
    r"(?<![\^_])(?:" + "|".join(re.escape(word) for word in sorted([*RELATIONS, *_SIGNS], key=len)[::-1]) + r")[\s&]*$"
)
_FULL_WIDTH = str.maketrans("（）［］＝＋－＜＞", "()[]=+-<>")


@dataclass(frozen=True)
class Formula:
    """One equation of a display: its text, what \\tag and \\label call it, its own directives, what is wrong."""

    passage: Passage
    names: tuple[str, ...] = ()
    directives: tuple[Piece, ...] = ()
    fault: tuple[str, int, int] | None = None  # message, and the characters of the passage that are meant
    own: int = 0  # where its own text begins: before it stands the last side of the row above


@dataclass
class _Layout:
    """What the layout of a display says."""

    gone: list[tuple[int, int]] = field(default_factory=list)  # stretches that are layout, not formula
    breaks: list[tuple[int, int]] = field(default_factory=list)  # \\\\ at the outermost level
    names: list[tuple[int, bool, str]] = field(default_factory=list)  # place, whether a tag, name
    has_rows: bool = False
    last_end: int = -1  # where the last environment of rows ends


def formulas(display: Piece, macros: Macros, source: Source) -> list[Formula]:
    """The equations of a display in order; none where it only defines macros, which are taken."""
    plain = Passage.copied(display.text, display.offset, source)
    if display.fault:
        opening = _OPENER.match(display.text)
        return [Formula(plain, fault=(display.fault, 0, opening.end() if opening else 1))]
    text, directives = _without_comments(display)
    text, defines = _without_definitions(text, display.offset, macros, source)
    if defines and not text.strip():
        return []
    try:
        passage = macros.expand_text(text, display.offset, source)
    except NotationError as error:
        return [Formula(plain, _plain_names(text), tuple(directives), (str(error), error.start, error.end))]
    passage = passage.with_text(passage.text.translate(_FULL_WIDTH))
    try:
        layout = _layout(passage.text, display.environment)
    except NotationError as error:
        return [Formula(passage, (), tuple(directives), (str(error), error.start, error.end))]
    cleared = _with_separated_rows(_row_ends(passage.blanked(layout.gone), layout), layout)
    return _with_directives(list(_statements(cleared, layout)), directives)


def _without_comments(display: Piece) -> tuple[str, list[Piece]]:
    """The text without % comments; those that speak to Backproof are directives."""
    if "%" not in display.text:
        return display.text, []
    found, gone = [], []
    for match in _COMMENT.finditer(display.text):
        if match[1] is None:
            continue
        gone.append(match.span())
        if said := _DIRECTIVE.match(match[1]):
            begin = match.start(1) + said.end()
            found.append(Piece("directive", display.text[begin : match.end()], display.offset + begin))
    return blanked(display.text, gone), found


def _without_definitions(text: str, offset: int, macros: Macros, source: Source) -> tuple[str, bool]:
    gone: list[tuple[int, int]] = []
    for start, found in macros.definitions.within(text, 0, len(text)):
        macros.define(found, str(source.place(offset + start)))
        gone.append((start, found.end))
    return (blanked(text, gone), True) if gone else (text, False)


def _plain_names(text: str) -> tuple[str, ...]:
    """What a display is called that cannot be read further."""
    found = [(name, _argument(text, match.end())) for match in _LAYOUT.finditer(text) if (name := match["command"])]
    named = sorted((name == "label", content[0]) for name, content in found if content and name in _NAMING)
    return tuple(content for _, content in named)


_NAMING = ("tag", "tag*", "label")


# --- layout ------------------------------------------------------------------------------------------------------


def _layout(text: str, environment: str) -> _Layout:
    """What is layout in a display. Raises `NotationError` for environments that do not fit one another."""
    layout = _Layout(has_rows=environment in ROWS)
    if environment in COUNTED and (columns := _COLUMNS.match(text)):
        layout.gone.append(columns.span())
    open_ones: list[tuple[str, int]] = []
    foreign = braces = 0  # environments that are part of the formula (a matrix, cases); braces
    place = 0
    for match in _LAYOUT.finditer(text):
        if match.start() < place:
            continue
        place = match.end()
        if match["edge"]:
            place, foreign = _environment(match, text, layout, open_ones, foreign)
        elif match["command"]:
            place = _command(match, text, layout)
        elif match.group() in "{}":
            braces += 1 if match.group() == "{" else -1
        elif match.group().startswith("\\\\"):
            if match["skip"]:
                layout.gone.append(match.span("skip"))
            if not foreign and braces <= 0:
                layout.breaks.append((match.start(), match.start() + 2))
    if open_ones:
        name, begin = open_ones[-1]
        raise NotationError(f"the environment {name} is not closed: \\end{{{name}}} is expected", begin, begin + 6)
    if len(layout.names) == 1 or any(0 <= layout.last_end <= start for start, _, _ in layout.names):
        layout.has_rows = False  # one name alone, or a \tag behind the environment, names all of its rows
    return layout


def _environment(
    match: re.Match[str], text: str, layout: _Layout, open_ones: list[tuple[str, int]], foreign: int
) -> tuple[int, int]:
    """One \\begin or \\end: where reading goes on, and how many environments around are part of the formula."""
    name, place = match["name"], match.end()
    is_layout = name in INNER and not foreign
    if match["edge"] == "begin":
        open_ones.append((name, match.start()))
        if len(open_ones) > MAX_NESTED:
            raise NotationError(f"environments are nested more than {MAX_NESTED} deep", *match.span())
        if not is_layout:
            return place, foreign + 1
        layout.has_rows |= name in ROWS
        for optional in (_OPTION, *((_COLUMNS,) if name in COUNTED else ())):
            if found := optional.match(text, place):
                place = found.end()
        layout.gone.append((match.start(), place))
        return place, foreign
    if not open_ones or open_ones[-1][0] != name:
        raise NotationError(f"\\end{{{name}}} ends no environment that is open here", *match.span())
    open_ones.pop()
    if foreign:
        return place, foreign - 1
    layout.gone.append(match.span())
    layout.last_end = place if name in ROWS else layout.last_end
    return place, foreign


def _command(match: re.Match[str], text: str, layout: _Layout) -> int:
    """A command that is no part of a formula: where reading goes on."""
    command = match["command"]
    content = None if command in _BARE else _argument(text, match.end())
    if command not in _BARE and content is None:
        raise NotationError(f"\\{command} needs an argument in braces, which are closed", *match.span())
    end = match.end() if content is None else content[1]
    if content is not None and command in _NAMING:
        layout.names.append((match.start(), command != "label", content[0]))
    layout.gone.append((match.start(), end))
    return end


def _argument(text: str, place: int) -> tuple[str, int] | None:
    """The content of the group in braces that follows, and its end."""
    opening = place + len(text[place : place + 100]) - len(text[place : place + 100].lstrip())
    if not text.startswith("{", opening):
        return None
    end = closing_brace(text, opening, opening + MAX_ARGUMENT)
    return None if end < 0 else (text[opening + 1 : end - 1].replace("$", "").strip(), end)


def _row_ends(passage: Passage, layout: _Layout) -> Passage:
    """Without the punctuation at the end of rows, and without a row break after a relation or sign: its row goes on."""
    gone, kept = [], []
    first = 0
    for start, after in layout.breaks:
        end = end_of_formula(passage.text, start, first)
        first = after
        is_unfinished = _UNFINISHED.search(passage.text[max(0, end - 20) : end])
        gone.append((end, after if is_unfinished else start))
        kept += [] if is_unfinished else [(start, after)]
    layout.breaks = kept
    return passage.blanked(gone)


# --- rows --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Row:
    start: int
    end: int
    beginning: str  # relation or sign where it goes on with the row before; empty; or nothing of these
    names: tuple[tuple[bool, str], ...]


def _statements(passage: Passage, layout: _Layout) -> Iterator[Formula]:
    """The equations that the rows make; the whole display where rows are no equations of their own."""
    if not layout.has_rows or not layout.breaks:
        yield _formula(passage, [(is_tag, name) for _, is_tag, name in layout.names])
        return
    for chain in _chains(_rows(passage.text, layout)):
        before: Passage | None = None
        for rows in _segments(chain, passage):
            part = passage.part(rows[0].start, rows[-1].end)
            side = before and _last_side(before)
            names = [name for row in rows for name in row.names]
            yield _continued(side, _formula(part, names)) if side else _formula(part, names)
            before = part


def _chains(rows: list[_Row]) -> list[list[_Row]]:
    """Rows that go on with the row before join it; chains without any name that follow one another are one."""
    chains: list[list[_Row]] = []
    for row in rows:
        if chains and row.beginning:
            chains[-1].append(row)
        elif row.beginning != "empty" or row.names:
            chains.append([row])
    merged: list[list[_Row]] = []
    was_named = True
    for chain in chains:
        is_named = any(row.names for row in chain)
        if is_named or was_named:
            merged.append(chain)
        else:
            merged[-1] += chain
        was_named = is_named
    return merged


def _segments(chain: list[_Row], passage: Passage) -> list[list[_Row]]:
    """A chain cut after each row that has a name, where the next begins with a relation to one clear last side."""
    segments: list[list[_Row]] = [[]]
    for row in chain:
        segments[-1].append(row)
        if row.names:
            segments.append([])
    unnamed = segments.pop()
    if not segments:
        return [unnamed]
    segments[-1] += unnamed
    kept = segments[:1]
    for segment in segments[1:]:
        side = _last_side(passage.part(kept[-1][0].start, kept[-1][-1].end))
        if segment[0].beginning == "relation" and side is not None:
            kept.append(segment)
        else:
            kept[-1] += segment
    return kept


_LEVEL = {"{": 1, "(": 1, "[": 1, "\\{": 1, "}": -1, ")": -1, "]": -1, "\\}": -1, "\\begin": 1, "\\end": -1}
_WORD = re.compile(r":=|\\[A-Za-z]+|\\.|.", re.DOTALL)


def _last_side(passage: Passage) -> Passage | None:
    """What stands after the last relation; None where a comma or a gap makes it more than one statement."""
    level, start = 0, -1
    for match in _WORD.finditer(passage.text):
        word = match.group()
        level += _LEVEL.get(word, 0)
        if level == 0 and word in RELATIONS:
            start = match.end()
        elif level == 0 and word in (",", ";", "，", "；", "\\quad", "\\qquad"):
            return None
    end = end_of_formula(passage.text, len(passage.text))
    return passage.part(start, end) if 0 <= start < end else None


def _rows(text: str, layout: _Layout) -> list[_Row]:
    edges = [0, *(end for _, end in layout.breaks)]
    ends = [*(start for start, _ in layout.breaks), len(text)]
    names = iter(sorted(layout.names))
    waiting = next(names, None)
    rows: list[_Row] = []
    for start, end in zip(edges, ends, strict=True):
        own = []
        while waiting is not None and waiting[0] < end:
            own.append((waiting[1], waiting[2]))
            waiting = next(names, None)
        rows.append(_Row(start, end, _beginning(text, start, end), tuple(own)))
    return rows


def _beginning(text: str, start: int, end: int) -> str:
    """The relation or sign with which a row goes on; `empty` for a row without any content."""
    place = _content(text, start, end)
    if place >= end:
        return "empty"
    if _STARTING.match(text, place, end):
        return "relation"
    if not text.startswith(_SIGNS, place, end):
        return ""
    return "" if _begins_with_minus(text, start, place, end) else "sign"


def _begins_with_minus(text: str, start: int, place: int, end: int) -> bool:
    """-a &= b: a sign before the first & of a row with a relation behind it belongs to a left side of its own."""
    column = text.find("&", place, end)
    if column < 0 or "&" in text[start:place]:
        return False
    return _STARTING.match(text, _content(text, column, end), end) is not None


def _content(text: str, start: int, end: int) -> int:
    leading = _LEADING.match(text, start, end)
    return leading.end() if leading else start


def _with_separated_rows(passage: Passage, layout: _Layout) -> Passage:
    """A row that begins with a minus of its own is kept apart by a comma: a bare row break would join it."""
    if not layout.breaks:
        return passage
    text, found = passage.text, []
    ends = [*(start for start, _ in layout.breaks[1:]), len(text)]
    for (start, after), end in zip(layout.breaks, ends, strict=True):
        place = _content(text, after, end)
        if text.startswith(_SIGNS, place, end) and _begins_with_minus(text, after, place, end):
            found.append(start)
    signs = list(text)
    for start in found:
        signs[start : start + 2] = ", "
    return passage.with_text("".join(signs)) if found else passage


# --- one equation ------------------------------------------------------------------------------------------------


def _formula(passage: Passage, names: list[tuple[bool, str]]) -> Formula:
    """An equation without the punctuation around it; a \\tag names it before a \\label."""
    text = passage.text
    start = len(text) - len(text.lstrip(" \t\n&~，。：；、"))
    end = max(start, end_of_formula(text, len(text)))
    ordered = tuple(dict.fromkeys(name for _, name in sorted(names, key=_labels_last) if name))
    return Formula(with_connectives(passage.part(start, end)), ordered)


def _continued(side: Passage, formula: Formula) -> Formula:
    """A row that begins with a relation, after the side to which it relates."""
    return replace(formula, passage=side.followed_by(formula.passage), own=len(side.text) + 1)


def _labels_last(named: tuple[bool, str]) -> bool:
    return not named[0]


def _with_directives(found: list[Formula], directives: list[Piece]) -> list[Formula]:
    """Each directive within a display speaks of the equation that follows it, after the last one of that one."""
    waiting = list(directives)
    result = []
    for place, formula in enumerate(found):
        end = formula.passage.span(0, len(formula.passage.text))[1]
        is_last = place == len(found) - 1
        own = [piece for piece in waiting if piece.offset < end or is_last]
        waiting = waiting[len(own) :]
        result.append(replace(formula, directives=tuple(own)))
    return result
