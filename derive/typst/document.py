"""Papers in Typst: the source of the PDF. Words are strings, never markup, so that no title can call a function."""

from __future__ import annotations

from collections.abc import Iterator

from derive.papers.layout import CHINESE, Line, below, chain
from derive.papers.paper import Block, Display, Displays, Heading, Items, Paper, Prose
from derive.typst.formulas import quoted, typst

CHINESE_FONTS = (
    "Noto Serif CJK SC",
    "Noto Serif SC",
    "Source Han Serif SC",
    "Songti SC",
    "SimSun",
    "Noto Sans CJK SC",
    "PingFang SC",
    "Microsoft YaHei",
)
LATIN_FONT = "New Computer Modern"

_HEAD = """\
#set page(paper: "a4", margin: 25mm, numbering: "1")
#set par(justify: true, leading: 0.6em, spacing: 0.9em)
#set heading(numbering: "1")
#show heading: set block(above: 1.6em, below: 1em)
#set list(indent: 1em, spacing: 0.7em)
#show terms.item: item => block(above: 0.8em, below: 0.8em, par(
  hanging-indent: 2.6em, box(width: 2.6em, strong(item.term)) + item.description,
))
#show math.equation: set text(font: "New Computer Modern Math", top-edge: "bounds", bottom-edge: "bounds")
#let thick = 5em / 18
#let wide(side) = if side == none { 0pt } else { measure(side).width }
#let equations(..lines) = context {
  let widest = calc.max(..lines.pos().map(line => wide(line.left)))
  let shift(line) = if line.left == none { widest + thick } else { widest - wide(line.left) }
  block(above: 1.2em, below: 1.2em, width: 100%, grid(
    columns: (1fr, auto, 1fr), row-gutter: 0.8em, align: (left, left + horizon, right + horizon),
    ..lines.pos().map(line => ([], [#h(shift(line))#line.formula], line.number)).flatten(),
  ))
}
#let chain(side, ..lines) = context {
  let shift(line) = if line.first { 0pt } else { wide(side) + thick }
  block(above: 1.6em, below: 1.6em, width: 100%, grid(
    columns: (auto, 1fr, auto, auto), column-gutter: (1em, 0em, 0.8em), row-gutter: 0.8em,
    align: (left + horizon, left, left + horizon, right + horizon),
    ..lines.pos().map(line => ([#h(shift(line))#line.formula], [], line.reason, line.number)).flatten(),
  ))
}
"""


def needs_chinese(paper: Paper) -> bool:
    """Whether a font with Chinese signs is needed."""
    return paper.language == "zh" or CHINESE.search(paper.title) is not None


def typst_document(paper: Paper, fonts: tuple[str, ...] = ()) -> str:
    """The source; `fonts` follow the Latin one, for signs that it lacks."""
    names = ", ".join(map(quoted, (LATIN_FONT, *fonts)))
    lines = [
        f"#set document(title: {quoted(paper.title)}, date: none)",
        f"#set text(font: ({names},), size: 10pt, lang: {quoted(paper.language)})",
        _HEAD,
        f"#align(center, text(size: 1.6em, {quoted(paper.title)}))",
        "#v(1em)",
    ]
    numbers = {display.id: number for number, display in enumerate(paper.displays, start=1)}
    lines += [line for block in paper.blocks for line in _block(block, paper.language, numbers)]
    return "\n".join(lines) + "\n"


def _block(block: Block, language: str, numbers: dict[str, int]) -> Iterator[str]:
    if isinstance(block, Heading):
        yield f"\n= #{quoted(block.text)}\n"
    elif isinstance(block, Prose):
        yield f"\n{_said(block.text)}\n"
    elif isinstance(block, Items):
        marks = [f"/ #{quoted(mark)}: " for mark in block.marks] or ["- "] * len(block.texts)
        yield from (f"{mark}{_said(text)}" for mark, text in zip(marks, block.texts, strict=True))
        yield ""
    elif isinstance(block, Displays):
        yield from _below(block, numbers)
    else:
        yield from _chain(block, language, numbers)


def _said(text: str) -> str:
    """A sentence: its words as strings, its formulas as mathematics."""
    parts = text.split("$")
    said = (f"${typst(part)}$" if place % 2 else f"#{quoted(part)};" for place, part in enumerate(parts) if part)
    return "".join(said)


def _below(block: Displays, numbers: dict[str, int]) -> Iterator[str]:
    yield "#equations("
    for one, lines in below(block):
        for place, line in enumerate(lines):
            number = f"[({numbers[one.id]})]" if place == len(lines) - 1 else "[]"
            yield f"  (left: {_left(line)}, formula: {_formula(line)}, number: {number}),"
    yield ")"


def _chain(display: Display, language: str, numbers: dict[str, int]) -> Iterator[str]:
    lines = [*chain(display, language)]
    yield f"#chain({_left(lines[0])},"
    for place, line in enumerate(lines):
        number = f"[({numbers[display.id]})]" if place == len(lines) - 1 else "[]"
        reason = f"[#{quoted(line.reason)}]" if line.reason else "[]"
        first = "false" if place else "true"
        yield f"  (first: {first}, formula: {_formula(line)}, reason: {reason}, number: {number}),"
    yield ")"


def _left(line: Line) -> str:
    return f"$display({typst(line.left)})$" if line.left else "none"


def _formula(line: Line) -> str:
    """The line with its left side in one formula, so that the sign stands on the axis of both."""
    left = f"{typst(line.left)} " if line.left else ""
    sign = "" if line.is_alone else "= " if line.begins else 'quad "" '
    return f"$display({left}{sign}{typst(line.formula)})$"
