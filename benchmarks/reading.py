"""What reading costs, without deciding: outer readers, tokens, trees, statements, in equations a second.

    python benchmarks/reading.py [--profile]    # a Markdown table on standard output

Two bodies of text: the built-in suite repeated, and displays of every size in all formats, with macros and without.
One process, one core; processor times, the best of three runs, since the machine may be shared.
"""

from __future__ import annotations

import cProfile
import json
import pstats
import sys
import time
from collections.abc import Callable
from importlib.resources import files

from derive.latex.parser import parse_tokens
from derive.latex.tokenizer import tokenize
from verify.document.displays import formulas
from verify.document.macros import Macros
from verify.document.readers import Form, pieces
from verify.document.statements import Document, read

COUNT = 2_000
BLOCK = r"""symbols: {x_t: m, s_t: n, '\mathrm{Net}_t': n, '\delta_t': n, U: n x m, W: n x n, f: elementwise,
  E: loss(last s)}
time: 1..t
indices: {k: t}
layout: numerator
gradient: row"""
PLAIN = (
    r"\mathrm{Net}_t = U x_t + W s_{t-1}, \quad s_t = f(\mathrm{Net}_t)",
    r"\delta_{t-1}^\top = \delta_t^\top W \operatorname{diag}\left[f'(\mathrm{Net}_{t-1})\right]",
    r"\frac{\partial E}{\partial W} = \sum_{k=1}^{t} \delta_k s_{k-1}^\top",
    r"\delta_k^\top = \delta_t^\top \prod_{i=t-1}^{k} W \operatorname{diag}(f'(\mathrm{Net}_i)), \quad 1 \le k < t",
)
MACROS = (
    r"\newcommand{\Net}{\mathrm{Net}}\newcommand{\pd}[2]{\frac{\partial #1}{\partial #2}}"
    r"\newcommand{\T}{^\top}\DeclareMathOperator{\diag}{diag}"
)
SHORT = (
    r"\Net_t = U x_t + W s_{t-1}, \quad s_t = f(\Net_t)",
    r"\delta_{t-1}\T = \delta_t\T W \diag\left[f'(\Net_{t-1})\right]",
    r"\pd{E}{W} = \sum_{k=1}^{t} \delta_k s_{k-1}\T",
    r"\delta_k\T = \delta_t\T \prod_{i=t-1}^{k} W \diag(f'(\Net_i)), \quad 1 \le k < t",
)
PROSE = "So the error goes back one step, as $x$ says; see above (and `code`), which costs a little to read over.\n"


def main() -> None:
    bodies = [
        ("Markdown, `$$`", "md", markdown(PLAIN)),
        ("Markdown, macros", "md", f"${MACROS}$\n\n" + markdown(SHORT)),
        ("Markdown, `align`", "md", aligned(PLAIN, fenced(BLOCK))),
        ("LaTeX, `align`", "tex", aligned(PLAIN, commented(BLOCK))),
        ("LaTeX, macros", "tex", MACROS + "\n" + aligned(SHORT, commented(BLOCK))),
        ("notebook", "ipynb", notebook(PLAIN)),
        ("suite", "md", suite()),
    ]
    print("| text | equations | characters | scanned | rows and macros | tokens | trees | all, to statements |")
    print("|---|---|---|---|---|---|---|---|")
    for name, form, text in bodies:
        print(row(name, form, text), flush=True)
    if "--profile" in sys.argv:
        profile(bodies[3][2])


def row(name: str, form: Form, text: str) -> str:
    """One line of the table: equations a second for each stage alone, and for all together."""
    source, found = pieces("notes", text, form)
    document = read("notes", text, form)
    readable = [statement for statement in document.statements if statement.problem is None]
    assert readable, "nothing could be read"
    words = [(statement.passage.text, statement.meaning.vocabulary) for statement in readable]

    def tokens() -> list:  # type: ignore[type-arg]
        return [tokenize(text, w.lexicon) for text, w in words]

    def rows() -> None:
        macros = Macros()
        for piece in found:
            if piece.kind == "definition":
                for _, definition in macros.definitions.within(piece.text, 0, len(piece.text)):
                    macros.define(definition, "")
            elif piece.kind == "display":
                formulas(piece, macros, source)

    made = tokens()
    stages: list[Callable[[], object]] = [
        lambda: pieces("notes", text, form),
        rows,
        tokens,
        lambda: [parse_tokens(item) for item in made],
        lambda: read("notes", text, form),
    ]
    count = equations(document)
    cells = [f"{count / best(stage):,.0f}/s" for stage in stages]
    return f"| {name} | {count:,} | {len(text):,} | {' | '.join(cells)} |"


def equations(document: Document) -> int:
    return len(document.statements)


def best(stage: Callable[[], object]) -> float:
    times = []
    for _ in range(3):
        began = time.process_time()
        stage()
        times.append(time.process_time() - began)
    return min(times)


def fenced(block: str) -> str:
    return f"```backproof\n{block}\n```\n\n"


def commented(block: str) -> str:
    return "% backproof\n" + "".join(f"% {line}\n" for line in block.split("\n")) + "% end backproof\n"


def markdown(lines: tuple[str, ...]) -> str:
    displays = (f"{PROSE}\n$$\n{lines[place % len(lines)]}. \\tag{{{place}}}\n$$\n\n" for place in range(COUNT))
    return fenced(BLOCK) + "".join(displays)


def aligned(lines: tuple[str, ...], block: str) -> str:
    rows = [f"  {lines[place % len(lines)]} \\label{{eq:{place}}}" for place in range(COUNT)]
    groups = (" \\\\\n".join(rows[place : place + 4]) for place in range(0, COUNT, 4))
    return block + "".join(f"{PROSE}\n\\begin{{align}}\n{group}\n\\end{{align}}\n\n" for group in groups)


def notebook(lines: tuple[str, ...]) -> str:
    texts = markdown(lines).split("\n\n")
    cells = [{"cell_type": "markdown", "source": "\n\n".join(texts[i : i + 8])} for i in range(0, len(texts), 8)]
    return json.dumps({"cells": cells, "nbformat": 4})


def suite() -> str:
    """The built-in documents one after the other, each with ids of its own."""
    texts = [
        item.read_text(encoding="utf-8")
        for item in sorted(files("verify.suite").iterdir(), key=lambda entry: entry.name)
        if item.name.endswith(".md")
    ]
    return "\n\n".join(text.replace("```backproof\n", "```backproof\nreset: true\n", 1) for text in texts)


def profile(text: str) -> None:
    profiler = cProfile.Profile()
    profiler.runcall(pieces, "notes", text, "tex")
    pstats.Stats(profiler).sort_stats("tottime").print_stats(15)


if __name__ == "__main__":
    main()
