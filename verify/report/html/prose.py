"""Markdown prose as HTML: no HTML of the document's own, formulas as MathML, equations in the places of their signs.

Whatever Backproof reads in a document (displays, declarations, definitions of macros) is replaced by a sign before
the prose is read as Markdown, so that both agree on what a display is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markupsafe import Markup, escape
from mdit_py_plugins.front_matter import front_matter_plugin

OPEN, CLOSE = "\ue000", "\ue001"  # around the number of a piece; private signs, taken out of documents first
FIRST_HEADING = 3  # the page and the document have the two above
LAST_HEADING = 6

_SIGN = re.compile(f"{OPEN}([0-9]+){CLOSE}")
_INLINE = re.compile(
    r"\$(?![\s$])((?:\\.|[^\\$\n]|\n(?![ \t]*\n))+)(?<!\s)\$(?![\d$])|\\\(((?:(?!\\\().)+?)\\\)", re.DOTALL
)
_COMMENT = re.compile(r"<!--(?:(?!<!--).)*?-->", re.DOTALL)
_LINK = re.compile(r"(?:https?://|mailto:|#)", re.IGNORECASE)
Block = Callable[[int], Markup]  # what stands for the piece of a number
Inline = Callable[[str, int], Markup]  # a formula within a line, behind so many pieces


def sign(number: int) -> str:
    """What stands in the text for a piece."""
    return f"{OPEN}{number}{CLOSE}"


def without_signs(text: str) -> str:
    """A document's text in which nothing looks like our signs."""
    return text.replace(OPEN, "\ufffd").replace(CLOSE, "\ufffd")


def rendered(text: str, block: Block, inline: Inline) -> Markup:
    """Markdown as HTML, pieces in their places."""
    tokens = _with_blocks(_reader().parse(text), block)
    env: dict[str, Any] = {"inline": inline, "piece": 0}
    return Markup(_reader().renderer.render(tokens, _reader().options, env))


@cache
def _reader() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).use(front_matter_plugin)
    reader.enable(["table", "strikethrough"])
    reader.block.ruler.before("paragraph", "comment", _comment_block, {"alt": ["paragraph", "blockquote", "list"]})
    reader.inline.ruler.before("escape", "formula", _formula)
    reader.inline.ruler.before("escape", "piece", _piece)
    reader.inline.ruler.before("escape", "comment", _comment)
    reader.inline.add_terminator_char(OPEN)
    return reader


# --- rules of Markdown -------------------------------------------------------------------------------------------


def _comment_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """<!-- … --> at the beginning of a line is no prose."""
    place = state.bMarks[start] + state.tShift[start]
    if state.is_code_block(start) or not state.src.startswith("<!--", place):
        return False
    if place >= state.env.get("unclosed", place + 1):  # looked for once, not at every line
        return False
    closed = state.src.find("-->", place)
    if closed < 0:
        state.env["unclosed"] = place
        return False
    last = start
    while last < end and state.eMarks[last] < closed:
        last += 1
    if last >= end or state.src[closed + 3 : state.eMarks[last]].strip():
        return False
    if not silent:
        state.line = last + 1
    return True


def _comment(state: StateInline, silent: bool) -> bool:
    found = _COMMENT.match(state.src, state.pos) if state.src.startswith("<!--", state.pos) else None
    if found is None:
        return False
    state.pos = found.end()
    return True


def _formula(state: StateInline, silent: bool) -> bool:
    """$…$ and \\(…\\)."""
    found = _INLINE.match(state.src, state.pos) if state.src[state.pos] in "$\\" else None
    if found is None:
        return False
    if not silent:
        state.push("formula", "", 0).content = found[1] or found[2]
    state.pos = found.end()
    return True


def _piece(state: StateInline, silent: bool) -> bool:
    found = _SIGN.match(state.src, state.pos)
    if found is None:
        return False
    if not silent:
        state.push("piece", "", 0).meta = {"number": int(found[1])}
    state.pos = found.end()
    return True


# --- blocks ------------------------------------------------------------------------------------------------------


def _with_blocks(tokens: Sequence[Token], block: Block) -> list[Token]:
    """Paragraphs cut where a piece stands; a piece elsewhere (a heading, a table) comes behind its block."""
    found: list[Token] = []
    waiting: list[Token] = []
    level = FIRST_HEADING - 1
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            level = min(int(token.tag[1]) + FIRST_HEADING - 1, level + 1, LAST_HEADING)
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{level}"
        if token.type != "inline" or not any(child.type == "piece" for child in token.children or ()):
            found.append(token)
        elif found[-1].type == "paragraph_open":
            waiting += _cut(found, token, tokens[place + 1], block)
        else:
            waiting += [_made(child, block) for child in token.children or () if child.type == "piece"]
            found.append(token)
        if token.level == 0 and token.nesting <= 0:
            found += waiting
            waiting = []
    return [*_without_empty(found), *waiting]


def _cut(found: list[Token], token: Token, closing: Token, block: Block) -> list[Token]:
    """A paragraph as what stands before each piece, the piece, and what stands behind it.

    Pieces within emphasis or a link, which cannot be cut, are returned.
    """
    opening = found[-1]
    run: list[Token] = []
    within: list[Token] = []
    for child in token.children or ():
        if child.type == "piece" and child.level == 0:
            found += [_text(token, run), closing, _made(child, block), opening]
            run = []
        else:
            run.append(child)
            within += [_made(child, block)] if child.type == "piece" else []
    found.append(_text(token, run))
    return within


def _text(token: Token, run: list[Token]) -> Token:
    while run and _is_blank(run[0]):
        run = run[1:]
    while run and _is_blank(run[-1]):
        run = run[:-1]
    copied = token.copy()
    copied.children = run
    return copied


def _is_blank(token: Token) -> bool:
    return token.type in ("softbreak", "hardbreak") or (token.type == "text" and not token.content.strip())


def _made(child: Token, block: Block) -> Token:
    return Token("block", "", 0, content=str(block(child.meta["number"])), meta=child.meta)


def _without_empty(tokens: list[Token]) -> list[Token]:
    """Without paragraphs in which nothing is left."""
    kept: list[Token] = []
    for token in tokens:
        is_empty = (
            token.type == "paragraph_close"
            and len(kept) > 1
            and kept[-1].type == "inline"
            and not kept[-1].children
            and kept[-2].type == "paragraph_open"
        )
        if is_empty:
            del kept[-2:]
        else:
            kept.append(token)
    return kept


# --- writing -----------------------------------------------------------------------------------------------------


class _Renderer(RendererHTML):
    """What differs from Markdown's usual HTML."""

    def formula(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        inside = tokens[idx].content
        for match in _SIGN.finditer(inside):  # a definition of a macro within $…$
            env["piece"] = int(match[1])
        return str(env["inline"](_SIGN.sub("", inside).strip(), env["piece"]))

    def block(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        env["piece"] = tokens[idx].meta["number"]
        return tokens[idx].content

    def piece(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return '<span class="elsewhere">↓</span>'

    def front_matter(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return ""

    def image(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:  # nothing is loaded
        words = "".join(child.content for child in tokens[idx].children or ())
        return str(Markup('<span class="note">[picture: {}]</span>').format(words))

    def link_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        target = str(tokens[idx].attrGet("href") or "")
        env.setdefault("links", []).append(bool(_LINK.match(target)))
        return f'<a href="{escape(target)}" rel="noopener noreferrer">' if env["links"][-1] else '<span class="link">'

    def link_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return "</a>" if env["links"].pop() else "</span>"

    def table_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return '<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>'

    def table_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return "</table></div>"

    def fence(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return code(tokens[idx].content)

    def code_block(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return code(tokens[idx].content)


def code(text: str) -> str:
    """Lines as they stand."""
    return str(Markup('<pre tabindex="0"><code>{}</code></pre>').format(text.rstrip("\n")))
