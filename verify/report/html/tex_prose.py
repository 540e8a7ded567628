"""LaTeX prose reduced to HTML: sections, lists, emphasis and formulas; what is not known stands there as its source."""

from __future__ import annotations

import re
from collections.abc import Callable

from markupsafe import Markup, escape

from verify.report.html.prose import FIRST_HEADING, OPEN, Block, Inline

MAX_NESTED = 20

_BEGIN = re.compile(r"\\begin\s*\{document\}")
_COMMENT = re.compile(r"(?<!\\)%[^\n]*(?:\n[ \t]*(?=\S))?")
_SIGN = re.compile(
    f"{OPEN}(?P<piece>[0-9]+)."
    r"|\$(?P<dollar>(?:\\.|[^\\$])+)\$|\\\((?P<round>(?:(?!\\\().)+?)\\\)"
    r"|\\begin\s*\{(?P<verbatim>verbatim|Verbatim|lstlisting|alltt)\}(?P<inside>(?:(?!\\begin\s*\{(?P=verbatim)\}).)*?)\\end\s*\{(?P=verbatim)\}"
    r"|\\verb(?P<mark>[^A-Za-z\s*])(?P<verb>[^\n]*?)(?P=mark)"
    r"|\\(?P<edge>begin|end)\s*\{(?P<name>[A-Za-z]+\*?)\}"
    r"|\\(?P<command>[A-Za-z]+)\*?|\\(?P<escaped>.)|(?P<gap>\n[ \t]*\n\s*)|(?P<dash>---?)|(?P<quote>``|'')|(?P<tie>~)"
    r"|(?P<brace>[{}])",
    re.DOTALL,
)
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_OPTION = re.compile(r"\s*\[[^\]\n]*\]")
_HEADINGS = {"part": 0, "chapter": 0, "section": 1, "subsection": 2, "subsubsection": 3, "paragraph": 4, "title": 0}
_SPANS = {"emph": "em", "textit": "em", "textsl": "em", "textbf": "strong", "texttt": "code", "underline": "em"}
_PLAIN = {"text", "textrm", "textsf", "mbox", "textup", "textsc"}
_SILENT = {"label", "maketitle", "noindent", "centering", "bigskip", "medskip", "smallskip", "newpage", "clearpage",
           "tableofcontents", "par", "item", "hfill", "vspace", "hspace", "date", "author", "thanks", "appendix",
           "newcommand", "usepackage", "bibliographystyle", "bibliography", "index", "qedhere", "small",
           "displaystyle", "pagestyle", "thispagestyle", "nocite"}  # fmt: skip
_REFERENCES = {"ref", "eqref", "cref", "Cref", "autoref", "cite", "citep", "citet", "pageref"}
_WORDS = {"ldots": "…", "dots": "…", "LaTeX": "LaTeX", "TeX": "TeX", "quad": " ", "qquad": " ", "textbackslash": "\\",
          "ss": "ß", "S": "§", "newline": " ", "linebreak": " "}  # fmt: skip
_ESCAPED = {"%": "%", "&": "&", "$": "$", "#": "#", "_": "_", "{": "{", "}": "}", " ": " ", "\\": " ", ",": " "}
_LISTS = {"itemize": "ul", "enumerate": "ol", "description": "ul"}
_QUIET = {"document", "center", "figure", "table", "flushleft", "flushright", "small", "proof", "subequations"}


def rendered(text: str, block: Block, inline: Inline, link: Callable[[str], Markup | None]) -> Markup:
    """LaTeX prose as HTML, pieces in their places; `link` gives the link to an equation by its label."""
    body = _COMMENT.sub("", text)
    begin = _BEGIN.search(body)
    if begin:  # of what stands before it the title stays, and the pieces: definitions and declarations
        before = body[: begin.start()]
        titled = before.find("\\title{")
        title = before[titled : _argument(before, titled + 6, _closings(before))[1]] if titled >= 0 else ""
        kept = [title, *re.findall(f"{OPEN}[0-9]+.", before.replace(title, ""))]
        body = "\n\n".join([*kept, body[begin.end() :]])
    writer = _Writer(block, inline, link)
    writer.take(body.partition("\\end{document}")[0])
    writer.end_paragraph()
    return Markup("").join(writer.found)


class _Writer:
    """Collects paragraphs; what is begun (a list, a heading) is ended, whatever the document forgets."""

    def __init__(self, block: Block, inline: Inline, link: Callable[[str], Markup | None], depth: int = 0) -> None:
        self.block, self.inline, self.link, self.depth = block, inline, link, depth
        self.found: list[Markup] = []
        self.line: list[Markup] = []
        self.piece = 0
        self.level = FIRST_HEADING - 1
        self.ends: dict[int, int] = {}

    def take(self, text: str) -> None:
        """Read a stretch of text."""
        self.ends = _closings(text)
        place = 0
        while match := _SIGN.search(text, place):
            self._text(text[place : match.start()])
            place = self._sign(match, text)
        self._text(text[place:])

    def end_paragraph(self) -> None:
        """What was collected is a paragraph, if it is anything."""
        line = Markup("").join(self.line)
        if line.strip():
            self.found.append(Markup("<p>{}</p>").format(line.strip()))
        self.line = []

    def _text(self, text: str) -> None:
        self.line.append(escape(text))

    def _sign(self, match: re.Match[str], text: str) -> int:
        kind = next(name for name in ("piece", "dollar", "round", "verbatim", "mark", "edge", "command", "escaped",
                                      "gap", "dash", "quote", "tie", "brace") if match[name] is not None)  # fmt: skip
        if kind == "edge":
            return self._edge(match, text)
        if kind == "command":
            return self._command(match, text)
        if kind == "piece":
            self.piece = int(match["piece"])
            self._apart(self.block(self.piece))
        elif kind in ("dollar", "round"):
            self.line.append(self.inline(match[kind], self.piece))
        elif kind == "verbatim":
            self._apart(Markup('<pre tabindex="0"><code>{}</code></pre>').format(match["inside"].strip("\n")))
        elif kind == "mark":
            self.line.append(Markup("<code>{}</code>").format(match["verb"]))
        elif kind == "escaped":
            self._text(_ESCAPED.get(match["escaped"], match["escaped"]))
        elif kind == "gap":
            self.end_paragraph()
        elif kind != "brace":
            dashes = {"---": "—", "--": "–", "``": "“", "''": "”", "~": "\u00a0"}
            self._text(dashes[match.group()])
        return match.end()

    def _apart(self, block: Markup) -> None:
        """A block between paragraphs; one that is empty interrupts none."""
        if block:
            self.end_paragraph()
            self.found.append(block)

    def _edge(self, match: re.Match[str], text: str) -> int:
        name, place = match["name"], match.end()
        if match["edge"] == "begin" and name.rstrip("*") in _LISTS and self.depth < MAX_NESTED:
            return self._list(name, text, place)
        self.end_paragraph()
        if match["edge"] == "begin":
            option = _OPTION.match(text, place)
            place = option.end() if option else place
            if name.rstrip("*") not in _QUIET:
                self.line.append(Markup("<strong>{}.</strong> ").format(name.rstrip("*").capitalize()))
        return place

    def _list(self, name: str, text: str, place: int) -> int:
        edge = re.compile(rf"\\(begin|end)\s*\{{{re.escape(name)}\}}")
        level, end, after = 1, len(text), len(text)
        for found in edge.finditer(text, place):
            level += 1 if found[1] == "begin" else -1
            if level == 0:
                end, after = found.span()
                break
        self.end_paragraph()
        items = [part for part in _items(text[place:end]) if part.strip()]
        tag = Markup(_LISTS[name.rstrip("*")])
        shown = Markup("").join(Markup("<li>{}</li>").format(self._inner(item)) for item in items)
        self.found.append(Markup("<{0}>{1}</{0}>").format(tag, shown))
        return after

    def _inner(self, text: str) -> Markup:
        writer = _Writer(self.block, self.inline, self.link, self.depth + 1)
        writer.piece, writer.level = self.piece, self.level
        writer.take(text)
        self.piece = writer.piece
        if writer.found:
            writer.end_paragraph()
        return Markup("").join([*writer.found, *writer.line]).strip()

    def _command(self, match: re.Match[str], text: str) -> int:
        name, place = match["command"], match.end()
        option = _OPTION.match(text, place)
        place = option.end() if option and name not in _WORDS else place
        argument, after = _argument(text, place, self.ends)
        if self.depth >= MAX_NESTED:
            self._text(text[match.start() : after])
        elif name in _HEADINGS and argument is not None:
            self._heading(name, argument)
        elif name in (*_SPANS, *_PLAIN, "footnote") and argument is not None:
            self._span(name, argument)
        elif name in _REFERENCES and argument is not None:
            found = self.link(argument)
            self.line.append(found if found is not None else Markup("[{}]").format(argument))
        elif name in ("input", "include"):
            self._text(f"[{name}: {argument or ''}]")
        elif name in _WORDS:
            self._text(_WORDS[name])
            return match.end()
        elif name in _SILENT:
            return after if argument is not None and name != "item" else place
        else:
            after = place if OPEN in (argument or "") else after  # an equation in a box stands in no box
            self.line.append(Markup('<code class="unset">{}</code>').format(text[match.start() : after]))
        return after

    def _heading(self, name: str, argument: str) -> None:
        self.end_paragraph()
        self.level = min(FIRST_HEADING + _HEADINGS[name], self.level + 1, 6)
        self.found.append(Markup("<h{0}>{1}</h{0}>").format(self.level, self._inner(argument)))

    def _span(self, name: str, argument: str) -> None:
        inside = self._inner(argument)
        tag = _SPANS.get(name)
        if name == "footnote":
            inside = Markup(" ({})").format(inside)
        self.line.append(Markup("<{0}>{1}</{0}>").format(Markup(tag), inside) if tag else inside)


def _items(text: str) -> list[str]:
    """The items of a list; those of a list within it stay together."""
    parts, level, place = [], 0, 0
    for match in re.finditer(
        r"\\(begin|end)\s*\{(?:itemize|enumerate|description)\*?\}|\\item(?![A-Za-z])(?:\s*\[[^\]]*\])?", text
    ):
        if match[1]:
            level += 1 if match[1] == "begin" else -1
        elif level == 0:
            parts.append(text[place : match.start()])
            place = match.end()
    return [*parts, text[place:]]


def _argument(text: str, place: int, ends: dict[int, int]) -> tuple[str | None, int]:
    """The group in braces that follows, and its end."""
    end = ends.get(place)
    return (None, place) if end is None else (text[place + 1 : end - 1], end)


def _closings(text: str) -> dict[int, int]:
    """The end of each group in braces, by the place where it begins: looked for once, whatever is never closed."""
    found: dict[int, int] = {}
    waiting: list[int] = []
    for match in _BRACE.finditer(text):
        if match.group() == "{":
            waiting.append(match.start())
        elif match.group() == "}" and waiting:
            found[waiting.pop()] = match.end()
    return found
