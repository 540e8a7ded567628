"""Papers in Markdown that GitHub sets, and whose every line the verifier proves.

GitHub hands displays to MathJax with some macros taken away (`\\operatorname` among them), keeps `\\\\` at the end of a
line only, sets as a display what stands in a paragraph of its own, and knows a formula in a line by the blank before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from derive.papers.paper import Block, Display, Displays, Heading, Items, Paper, Prose

_OPERATOR = re.compile(r"\\operatorname\{(\w+)\}")


def markdown_document(paper: Paper) -> str:
    """The document: its title, the declaration block, words and displays, each with its id as a tag."""
    title = " ".join(paper.title.split())
    lines = [f"# {title}", "", "```backproof", *paper.declaration, "```", ""]
    lines += [line for block in paper.blocks for line in _block(block)]
    return "\n".join(lines).rstrip() + "\n"


def for_github(formula: str) -> str:
    """The formula without macros that GitHub refuses: an operator is an upright word with an operator's space."""
    upright = _OPERATOR.sub(r"\\mathop{\\mathrm{\1}}", formula)
    return upright.replace(" \\\\ ", " \\\\\n")


def _block(block: Block) -> Iterator[str]:
    if isinstance(block, Heading):
        yield from (f"## {block.text}", "")
    elif isinstance(block, Prose):
        yield from (_said(block.text), "")
    elif isinstance(block, Items):
        marks = [f"**{mark}** " for mark in block.marks] or [""] * len(block.texts)
        yield from [*(f"- {mark}{_said(text)}" for mark, text in zip(marks, block.texts, strict=True)), ""]
    elif isinstance(block, Displays):
        for one in block.equations:
            yield from _display(one)
    else:
        yield from _display(block)


def _said(text: str) -> str:
    """A sentence; its formulas stay between dollars, the first of which GitHub knows by the blank before it."""
    parts = text.split("$")
    prose = [f"{part} " if part and not part[-1].isspace() else part for part in parts[:-1:2]] + [parts[-1]]
    formulas = [*(f"${for_github(part)}$" for part in parts[1::2]), ""]
    return "".join(words + formula for words, formula in zip(prose, formulas, strict=True))


def _display(one: Display) -> Iterator[str]:
    """left = right, the steps between left out."""
    yield from (f"<!-- backproof: {directive} -->" for directive in one.directives)
    yield f"$${for_github(f'{one.left} = {one.rows[-1].formula}')} \\tag{{{one.id}}}$$"
    yield ""
