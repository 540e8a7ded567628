"""Papers in LaTeX: a document that compiles as it stands, or its equations alone, for \\input.

The declarations stand in comments at the head, so that the verifier reads either. Where a line is broken, and whether
the names of rules fit beside it or only their numbers, follows from how wide the formulas are set.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from derive.derivation import Derivation
from derive.errors import BackproofError
from derive.latex.printer import Printer, fitting
from derive.latex.tokenizer import MAX_LENGTH
from derive.papers.commands import GREEK, check_formula
from derive.papers.layout import CHINESE, below, chain
from derive.papers.paper import Block, Display, Displays, Heading, Items, Paper, Prose
from derive.papers.rules import RULES
from derive.papers.words import words

_PROGRAM = {"en": "pdflatex", "zh": "xelatex"}
_HEAD = {
    "en": r"""\documentclass[a4paper,10pt]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage{lmodern}
""",
    "zh": r"""\documentclass[a4paper,10pt,UTF8,scheme=chinese]{ctexart}
""",
}
_EXTRA = {"bm": "bm", "mathscr": "mathrsfs"}  # commands that need a package of their own
_PACKAGES = r"""\usepackage{amsmath,amssymb}
\usepackage[margin=25mm]{geometry}
\pagestyle{plain}
\allowdisplaybreaks[1]
\setlength{\jot}{5pt}
\setlength{\emergencystretch}{3em}
"""


def latex_document(paper: Paper) -> str:
    """A document that compiles: pdfLaTeX for English, XeLaTeX or LuaLaTeX with ctex where Chinese is set."""
    is_chinese = paper.language == "zh" or CHINESE.search(paper.title) is not None
    body = [line for block in paper.blocks for line in _block(block, paper.language)]
    used = [package for command, package in _EXTRA.items() if any(f"\\{command}{{" in line for line in body)]
    extra = "".join(f"\\usepackage{{{package}}}\n" for package in used)
    kind = "zh" if is_chinese else "en"
    lines = [
        f"% !TEX program = {_PROGRAM[kind]}",
        f"% {words(paper.language)[f'engine.{kind}']}",
        *_declared(paper),
        _HEAD[kind] + extra + _PACKAGES + f"\\title{{{escaped(paper.title)}}}\n\\date{{}}\n",
        "\\begin{document}\n\\maketitle\n",
    ]
    return "\n".join([*lines, *body, "\\end{document}"]) + "\n"


def latex_fragment(paper: Paper) -> str:
    """The equations alone, to be read by \\input where amsmath is loaded; declarations and rules are comments."""
    lists = [block for block in paper.blocks if isinstance(block, Items) and block.marks]
    rules = [f"% {mark} {text}" for block in lists for mark, text in zip(block.marks, block.texts, strict=True)]
    lines = [*_declared(paper), *rules, ""]
    for display in paper.displays:
        lines += [*_chain(display, paper.language), ""]
    return "\n".join(lines).rstrip() + "\n"


def latex_steps(derivation: Derivation, layout: str = "numerator") -> str:
    """One derivation on its own, without number or declarations: an `align*` with a row a step."""
    printer = Printer(replace(fitting(derivation.left, derivation.right), layout=layout))
    lefts = [printer.text(derivation.left), *[""] * len(derivation.steps)]
    rows = [
        f"  {left} &= {printer.text(after)}" + (f" && \\text{{{reason}}}" if reason else "")
        for left, (after, reason) in zip(lefts, _reasons(derivation), strict=False)
    ]
    tag = f"% {derivation.name}\n" if derivation.name else ""
    return tag + "\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}"


def _reasons(derivation: Derivation) -> list[tuple[Any, str]]:
    """Each line's formula and the names of its rules."""
    lines = [(s.after, ", ".join(dict.fromkeys(RULES[name].en for name in s.names))) for s in derivation.steps]
    return lines or [(derivation.right, "")]


def escaped(text: str) -> str:
    """Plain text as LaTeX; signs that TeX would act on are masked, those that no font has are named."""
    return "".join(_ESCAPES.get(sign) or _plain(sign) for sign in text)


_ESCAPES = {sign: f"\\{sign}" for sign in "{}_&%#$"} | {
    "\\": "\\textbackslash{}",
    "^": "\\textasciicircum{}",
    "~": "\\textasciitilde{}",
    "\n": " ",
    "\t": " ",
    "<": "\\textless{}",
    ">": "\\textgreater{}",
    "|": "\\textbar{}",
    '"': "\\textquotedbl{}",
    "`": "\\textasciigrave{}",
    "　": "\\quad ",
}
_GREEK = dict(zip("αβγδϵζηθικλμνξπρστυϕχψωΓΔΘΛΞΠΣΥΦΨΩ", GREEK, strict=True)) | {"ε": "varepsilon", "φ": "varphi"}
_QUOTES = {"“": "“", "”": "”", "‘": "‘", "’": "’", "–": "--", "—": "---", "…": "\\dots{}"}


def _plain(sign: str) -> str:
    if sign in _GREEK:
        return f"\\ensuremath{{\\{_GREEK[sign]}}}"
    if sign in _QUOTES:
        return _QUOTES[sign]
    if sign.isascii():
        return sign if sign.isprintable() else ""
    if CHINESE.match(sign) or "\u3000" <= sign <= "\u303f":
        return sign
    return sign if "\u00c0" <= sign <= "\u017f" else f"[U+{ord(sign):04X}]"


def _declared(paper: Paper) -> list[str]:
    if not paper.declaration:
        return []
    return ["% backproof", *(f"% {line}" for line in paper.declaration), "% end backproof"]


# --- blocks --------------------------------------------------------------------------------------------------------


def _block(block: Block, language: str) -> Iterator[str]:
    if isinstance(block, Heading):
        yield f"\n\\section{{{escaped(block.text)}}}\n"
    elif isinstance(block, Prose):
        yield f"\n{_said(block.text)}"
    elif isinstance(block, Items):
        yield "\n\\begin{itemize}\n\\setlength{\\itemsep}{2pt}"
        marks = [f"[{escaped(mark)}]" for mark in block.marks] or [""] * len(block.texts)
        yield from (f"\\item{mark} {_said(text)}" for mark, text in zip(marks, block.texts, strict=True))
        yield "\\end{itemize}"
    elif isinstance(block, Displays):
        yield from _below(block)
    else:
        yield from _chain(block, language)


def _said(text: str) -> str:
    """A sentence: its words masked, its formulas as they are."""
    parts = text.split("$")
    return "".join(f"${check_formula(part)}$" if place % 2 else escaped(part) for place, part in enumerate(parts))


def _below(block: Displays) -> Iterator[str]:
    """Equations below each other, each with its own number."""
    yield "\\begin{align}"
    rows = []
    for one, lines in below(block):
        first, *rest = (check_formula(line.formula) for line in lines)
        texts = [f"  {check_formula(one.left)} &= {first}", *(f"  &\\qquad {line}" for line in rest)]
        rows += [f"{text} \\notag" for text in texts[:-1]] + [f"{texts[-1]} \\label{{{_label(one)}}}"]
    yield " \\\\\n".join(rows)
    yield "\\end{align}"


def _label(display: Display) -> str:
    """The id as a label. Raises `BackproofError` for one that TeX could take for something else."""
    if not _LABEL.fullmatch(display.id):
        raise BackproofError(f"{display.id!r} is no label; an id has letters, digits and . _ + - : only")
    return display.id


_LABEL = re.compile(r"[0-9A-Za-z._+:-]+")


def _chain(display: Display, language: str) -> Iterator[str]:
    """A derivation: a line a step, the rules beside it, the number at the result."""
    yield from (f"% backproof: {directive}" for directive in display.directives)
    yield "\\begin{flalign}"
    yield _rows(display, language)
    yield "\\end{flalign}"


def _rows(display: Display, language: str) -> str:
    """The rows of a derivation; the longest are joined where all together are longer than a formula may be."""
    rows = [*chain_rows(display, language)]
    ends = ["\\notag"] * (len(rows) - 1) + [f"\\label{{{_label(display)}}}"]
    text = " \\\\\n".join(f"  {row} {end}" for row, end in zip(rows, ends, strict=True))
    if len(text) <= MAX_LENGTH or len(display.rows) == 1:
        return text
    return _rows(display.with_fewer_rows(), language)


def chain_rows(display: Display, language: str) -> Iterator[str]:
    """The rows of a derivation, cells parted by &."""
    for row in chain(display, language):
        reason = f" && \\text{{{row.reason}}}" if row.reason else " &&"
        sign = "" if row.is_alone else "= " if row.begins else "\\qquad "
        yield f"{check_formula(row.left)} &{sign}{check_formula(row.formula)}{reason}".strip()
