"""Markdown: the declaration blocks, directives and display equations of a file, in order, with their places."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.front_matter import front_matter_plugin

from verify.document.source import Source

_COMMENT = re.compile(r"<!--\s*backproof\b(.*?)-->", re.DOTALL)


@dataclass(frozen=True)
class Piece:
    """A stretch of a document: kind block (declarations), directive, or display (an equation's LaTeX)."""

    kind: str
    text: str
    offset: int  # of the text's first character


def pieces(source: Source) -> list[Piece]:
    """What a Markdown document says to Backproof; prose, code and inline mathematics are passed over."""
    reader = MarkdownIt("commonmark").use(dollarmath_plugin, double_inline=True).use(front_matter_plugin)
    found: list[Piece] = []
    for token in reader.parse(source.text):
        found.extend(_of_token(token, source))
    return found


def _of_token(token: Token, source: Source) -> Iterator[Piece]:
    if token.map is None:
        return
    start, end = source.offset(token.map[0]), _end(source, token.map[1])
    if token.type == "fence" and token.info.strip() in ("backproof", "math"):
        body = source.text.find("\n", start) + 1
        kind = "block" if token.info.strip() == "backproof" else "display"
        yield Piece(kind, source.text[body : body + len(token.content)], body)
    elif token.type in ("html_block", "inline"):
        yield from _comments(source, start, end)
    if token.type in ("math_block", "math_block_label", "inline"):
        yield from _displays(source, token, start, end)


def _end(source: Source, line: int) -> int:
    return source.starts[line] if line < len(source.starts) else len(source.text)


def _comments(source: Source, start: int, end: int) -> Iterator[Piece]:
    """<!-- backproof: … --> is a directive, <!-- backproof newline … --> a block."""
    for match in _COMMENT.finditer(source.text, start, end):
        text = match.group(1)
        kind = "directive" if text.lstrip(" ").startswith(":") else "block"
        skipped = len(text) - len(text.lstrip(" ").removeprefix(":")) if kind == "directive" else 0
        yield Piece(kind, text[skipped:], match.start(1) + skipped)


def _displays(source: Source, token: Token, start: int, end: int) -> Iterator[Piece]:
    """$$ … $$ in the token's lines; in running text only where Markdown itself saw a display."""
    limit = end if token.type != "inline" else None
    count = sum(child.type == "math_inline_double" for child in token.children or [])
    place = start
    while limit is not None or count:
        opening = source.text.find("$$", place, end)
        closing = source.text.find("$$", opening + 2, end)
        if opening < 0 or closing < 0:
            return
        yield Piece("display", _QUOTE.sub(_blank, source.text[opening + 2 : closing]), opening + 2)
        place = closing + 2
        count -= 1


_QUOTE = re.compile(r"(?<=\n)[ \t]*(?:>[ \t]?)+")


def _blank(match: re.Match[str]) -> str:
    """The marks of a block quote as blanks, so that places stay right."""
    return " " * len(match.group())
