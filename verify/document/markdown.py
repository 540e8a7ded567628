"""Markdown: the declaration blocks, directives, macros and display equations of a text, in order, with their places."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token
from mdit_py_plugins.front_matter import front_matter_plugin

from verify.document.environments import DISPLAYS, extent
from verify.document.macros import DEFINING, Defined, Definitions
from verify.document.passages import Piece

_DISPLAYS = "|".join(re.escape(name) for name in sorted(DISPLAYS, key=len)[::-1])
_OPENING = re.compile(rf"\$\$|\\\[|\\begin\{{({_DISPLAYS})\}}")
_SIGN = re.compile(
    r"(?P<code>`+)|(?P<comment><!--)|(?P<display>\$\$)|(?P<inline>\$)"
    rf"|\\begin\{{(?P<environment>{_DISPLAYS})\}}|(?P<bracket>\\\[)|{DEFINING.pattern}|\\.",
    re.DOTALL,
)
_INLINE = re.compile(r"\$(?![\s$])(?:\\.|[^\\$\n]|\n(?![ \t]*\n))+(?<!\s)\$(?![\d$])", re.DOTALL)
_BACKPROOF = re.compile(r"<!--\s*backproof\b", re.DOTALL)
_LITERAL_HTML = re.compile(r"\s*<(?:pre|script|style|textarea|\?|!\[CDATA)", re.IGNORECASE)
_QUOTE = re.compile(r"[ \t]*(?:>[ \t]?)")
_AFTER_BRACKET = re.compile(r"[ \t.,;:。，；：]*(?:<!--[^\n]*)?(?:\n|$)")


def pieces(text: str, offset: int, definitions: Definitions) -> list[Piece]:
    """What a Markdown text says to Backproof; prose, code and inline mathematics are passed over.

    `offset` is the place of the text in its document; `definitions` bounds how many macros that defines.
    """
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    quotes = 0
    found: list[Piece] = []
    for token in _reader().parse(text):
        if token.type in ("blockquote_open", "blockquote_close"):
            quotes += token.nesting
        if token.map is None or token.type not in ("fence", "html_block", "inline", "display"):
            continue
        start, end = (starts[line] if line < len(starts) else len(text) for line in token.map)
        region = _without_quotes(text[start:end], quotes)
        found.extend(
            _fenced(token, region, offset + start)
            if token.type == "fence"
            else _said(token, region, offset + start, definitions)
        )
    return found


@cache
def _reader() -> MarkdownIt:
    """The block structure of CommonMark, with displays as blocks; what stands within lines is read here."""
    reader = MarkdownIt("commonmark").use(front_matter_plugin).disable(["inline", "reference"])
    reader.block.ruler.before("fence", "display", _display_lines, {"alt": ["paragraph", "blockquote", "list"]})
    return reader


def _display_lines(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A block rule: the lines of the display that begins with line `start`, whatever its lines look like."""
    if state.is_code_block(start):
        return False
    place = state.bMarks[start] + state.tShift[start]
    if not _OPENING.match(state.src, place, state.eMarks[start]):
        return False
    if silent:
        return True
    last = _last_line(state, start, place, _block_end(state, start, end))
    token = state.push("display", "", 0)
    token.map = [start, last + 1]
    state.line = last + 1
    return True


def _block_end(state: StateBlock, start: int, end: int) -> int:
    """The line after the last one before an empty line or the end of the container."""
    known = state.env.get("block")
    if known and known[0] <= start < known[1] and known[2:] == (end, state.blkIndent):
        return int(known[1])
    line = start + 1
    while line < end and not state.isEmpty(line) and state.sCount[line] >= state.blkIndent:
        line += 1
    state.env["block"] = (start, line, end, state.blkIndent)
    return line


def _last_line(state: StateBlock, start: int, place: int, block_end: int) -> int:
    """The line on which the display at `place`, and every other one that begins on its last line, is closed."""
    limit, line = state.eMarks[block_end - 1], start
    opening = _OPENING.match(state.src, place, limit)
    while opening:
        after = extent(state.src, opening.end(), limit, opening[1] or opening.group(), comments=False).after
        while state.eMarks[line] < after:
            line += 1
        opening = _OPENING.search(state.src, after, state.eMarks[line])
    return line


def _without_quotes(text: str, depth: int) -> str:
    """The marks of the block quotes around as blanks, so that places stay right."""
    if not depth:
        return text
    lines = []
    for line in text.splitlines(keepends=True):
        place = 0
        for _ in range(depth):
            mark = _QUOTE.match(line, place)
            place = mark.end() if mark else place
        lines.append(" " * place + line[place:])
    return "".join(lines)


def _fenced(token: Token, region: str, offset: int) -> Iterator[Piece]:
    """A fenced block for Backproof or of mathematics."""
    kind = {"backproof": "block", "math": "display"}.get(token.info.strip())
    if kind is not None:
        lines = region.splitlines(keepends=True)
        body = "".join(lines[1 : 1 + token.content.count("\n")])
        whole = offset + region.find(token.markup), offset + len(region.rstrip())
        yield Piece(kind, body, offset + len(lines[0]), whole=whole)


def _said(token: Token, region: str, offset: int, definitions: Definitions) -> Iterator[Piece]:
    """Comments, definitions of macros and displays in lines of text."""
    is_literal = token.type == "html_block" and _LITERAL_HTML.match(region) is not None
    runs: dict[int, list[int]] | None = None
    place = 0
    while sign := _SIGN.search(region, place):
        place = sign.end()
        if sign["code"]:
            runs = _code_runs(region) if runs is None else runs
            place = _after_code(runs, sign)
        elif sign["comment"]:
            end = region.find("-->", sign.end())
            yield from _comment(region, sign.start(), end, offset)
            place = end + 3 if end >= 0 else len(region)
        elif is_literal:
            continue
        elif sign["inline"]:
            if closed := _INLINE.match(region, sign.start()):
                place = closed.end()
                yield from _defined(definitions.within(region, sign.start(), place), region, offset)
        elif sign["how"]:
            if found := definitions.read(region, sign.start()):
                yield from _defined([(sign.start(), found)], region, offset)
                place = found.end
        elif sign["display"] or sign["environment"] or (sign["bracket"] and _begins_line(region, sign.start())):
            opening = sign["environment"] or sign.group()
            reach = extent(region, sign.end(), len(region), opening, comments=False)
            if opening == "\\[" and not reach.fault and not _AFTER_BRACKET.match(region, reach.after):
                continue
            begin = sign.start() if reach.fault else sign.end()
            whole = offset + sign.start(), offset + reach.after
            text = region[begin : reach.end]
            yield Piece("display", text, offset + begin, sign["environment"] or "", reach.fault, whole)
            place = reach.after


def _begins_line(text: str, place: int) -> bool:
    """Whether only blanks, or a list's mark, stand before a place in its line: \\[ elsewhere is a bracket."""
    line = text[text.rfind("\n", 0, place) + 1 : place]
    return not line.strip() or _ITEM.fullmatch(line) is not None


_ITEM = re.compile(r"\s*(?:[-+*]|\d{1,9}[.)])\s*")


def _defined(found: Iterable[tuple[int, Defined]], text: str, offset: int) -> Iterator[Piece]:
    for start, definition in found:
        whole = offset + start, offset + definition.end
        yield Piece("definition", text[start : definition.end], offset + start, whole=whole)


def _code_runs(text: str) -> dict[int, list[int]]:
    """Where runs of backticks begin, by their length, last first."""
    runs: dict[int, list[int]] = {}
    for match in re.finditer("`+", text):
        runs.setdefault(len(match.group()), []).append(match.start())
    return {length: places[::-1] for length, places in runs.items()}


def _after_code(runs: dict[int, list[int]], opening: re.Match[str]) -> int:
    """The place after the code that a run of backticks opens; after the run itself where nothing closes it."""
    places = runs.get(len(opening.group()), [])
    while places and places[-1] < opening.end():
        places.pop()
    return places.pop() + len(opening.group()) if places else opening.end()


def _comment(text: str, start: int, end: int, offset: int) -> Iterator[Piece]:
    """<!-- backproof: … --> is a directive, <!-- backproof newline … --> a block."""
    said = _BACKPROOF.match(text, start)
    if not said:
        return
    if end < 0:
        fault, whole = "the comment is not closed by -->", (offset + start, offset + said.end())
        yield Piece("error", text[start : said.end()], offset + start, fault=fault, whole=whole)
        return
    content = text[said.end() : end]
    kind = "directive" if content.lstrip(" ").startswith(":") else "block"
    skipped = len(content) - len(content.lstrip(" ").removeprefix(":")) if kind == "directive" else 0
    yield Piece(kind, content[skipped:], offset + said.end() + skipped, whole=(offset + start, offset + end + 3))
