"""A document's formulas as MathML Core.

What cannot be laid out is shown as the LaTeX that it is, escaped, with a note. Nothing that a document writes
reaches the page but through here or through the templates' escaping.
"""

from __future__ import annotations

import re
from functools import lru_cache

from markupsafe import Markup, escape

from derive.latex.mathml import MAX_SIGNS, laid_out
from verify.errors import clean

_DROPPED = re.compile(r"\\(?:label|tag\*?)\s*\{[^{}]*\}|\\(?:nonumber|notag)(?![A-Za-z])")
_SPLIT = re.compile(r"(\\(?:begin|end)\s*)\{split\}")
_ROWS = re.compile(r"(?<!\\)&|\\\\")
_LEVEL = re.compile(
    r"\\(?P<edge>begin|end)\s*\{[A-Za-z]+\*?\}|(?P<row>\\\\(?:\s*\[[^\]]*\])?)|\\.|(?P<sign>[{}&])", re.DOTALL
)
_WITHIN_TEXT = re.compile(r"\\(text|textrm|mbox)\{([^{}$]*)\$([^$]*)\$")  # \text{if $i = j$}
_LAST_BREAK = re.compile(r"\\\\\s*\Z")
_STYLE = re.compile(r' style="([^"]*)"')
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# what math-core puts into style attributes, which the page's security policy forbids, by the class that stands for it
_CLASSES = {
    "text-align: right": "to-right",
    "text-align: left": "to-left",
    "padding-right: 0": "flush-right",
    "padding-left: 0": "flush-left",
    "padding-left:1em": "apart",
    "border-right: 0.05em solid currentcolor": "rule-right",
    "border-left: 0.05em solid currentcolor": "rule-left",
    "border-top: 0.05em solid currentcolor": "rule-top",
    "border-bottom: 0.05em solid currentcolor": "rule-bottom",
    "width: 100%": "wide",
    "width: 50%": "half",
}


def render_math(latex: str, display: bool = False) -> Markup:
    """A formula as MathML, or as its own source with a note where it cannot be laid out; never raises."""
    found = mathml(latex, display)
    return found if found is not None else _source(latex, display)


@lru_cache(maxsize=4096)
def mathml(latex: str, display: bool = False) -> Markup | None:
    """A formula as MathML, None where it cannot be laid out."""
    found = laid_out(_prepared(latex), display) if len(latex) <= MAX_SIGNS else None
    return None if found is None else Markup(_STYLE.sub(_as_class, found))  # math-core escapes; the tests attack it


def _prepared(latex: str) -> str:
    """The formula alone: its name stands beside it, rows are aligned, what would reorder text is taken out."""
    text = _SPLIT.sub(r"\1{aligned}", _DROPPED.sub("", _CONTROL.sub(" ", clean(latex)))).strip()
    while (found := _WITHIN_TEXT.sub(r"\\\1{\2}\3\\\1{", text)) != text:
        text = found
    return f"\\begin{{aligned}}{text}\\end{{aligned}}" if _ROWS.search(_outermost(text)) else text


def _outermost(text: str) -> str:
    """The text outside braces and environments: an & or a row break there asks for rows around all of it."""
    level, found, place = 0, [], 0
    for match in _LEVEL.finditer(text):
        if level == 0:
            found.append(text[place : match.end() if match["row"] or match["sign"] == "&" else match.start()])
        level += {"begin": 1, "end": -1}.get(match["edge"] or "", {"{": 1, "}": -1}.get(match["sign"] or "", 0))
        place = match.end()
    return "".join([*found, text[place:] if level == 0 else ""])


def in_one_row(latex: str) -> str:
    """A formula without the marks of rows that it was cut out of."""
    level, found, place = 0, [], 0
    for match in _LEVEL.finditer(latex):
        level += {"begin": 1, "end": -1}.get(match["edge"] or "", {"{": 1, "}": -1}.get(match["sign"] or "", 0))
        if level == 0 and (match["row"] or match["sign"] == "&"):
            found.append(latex[place : match.start()])
            place = match.end()
    return " ".join("".join([*found, latex[place:]]).split())


def end_of_row(latex: str) -> str:
    """A formula without a row break behind its last row."""
    return _LAST_BREAK.sub("", latex)


def _as_class(match: re.Match[str]) -> str:
    """Known declarations as classes of the style sheet; colours and unknown ones are dropped."""
    said = (part.strip() for part in match[1].split(";"))
    classes = " ".join(_CLASSES[part] for part in said if part in _CLASSES)
    return f' class="{classes}"' if classes else ""


def _source(latex: str, display: bool) -> Markup:
    text = clean(latex).strip()
    shown = text if len(text) <= MAX_SIGNS else f"{text[:MAX_SIGNS]}…"
    note = Markup('<span class="note">(LaTeX source: this formula cannot be laid out)</span>')
    tag = "div" if display else "span"
    return Markup('<{0} class="unset"><code>{1}</code> {2}</{0}>').format(Markup(tag), escape(shown), note)
