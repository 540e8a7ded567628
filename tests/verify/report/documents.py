"""Small documents with mistakes, and their reports as the command makes them."""

import io
from functools import cache
from pathlib import Path

from rich.console import Console

from tests.documents import HEAD
from verify.limits import Effort
from verify.run import Run

RIGHT = r"$$\frac{\partial \mathrm{Net}_t}{\partial s_{t-1}} = W \tag{2.2a}$$" + "\n"
WRONG = r"$$\frac{\partial \mathrm{Net}_t}{\partial s_{t-1}} = W^\top \tag{w}$$" + "\n"
SHAPE = r"$$s_t = U \tag{shape}$$" + "\n"
UNREADABLE = r"$$s_t = Q \tag{u}$$" + "\n"
OPEN = HEAD.replace("layout: numerator\n", "") + r"$$\frac{\partial (W s_t)}{\partial s_t} = W \tag{o}$$" + "\n"
EXPECTED = "<!-- backproof: expect: refuted -->\n" + WRONG

# what a document can write that would mean something to a terminal, a runner, Markdown or HTML
POISON = (
    "::set-output name=a::b", "::error::gotcha", "##[add-path]/evil", "%0A::warning::x", "\x1b[31m", "@everyone", "#1",
    "<script>alert(1)</script>", "<img src=x>", "![x](http://evil.example/x.png)", "[x](http://evil.example)",
    "http://evil.example", "```", "`", "| |", "\u202e", "\u2028::error::y", ",line=1", "{0}",
)  # fmt: skip


def hostile():
    """A document each of whose formulas has a name and signs that mean harm."""
    lines = [HEAD]
    for number, poison in enumerate(POISON):
        name = f"n{number} {poison}".replace("}", "").replace("{", "")
        lines.append(f"$$s_t = Q{number} \\text{{{poison}}} \\tag{{{name}}}$$\n")
    lines.append("```backproof\nwhere: '\\href{::error::z}'\n```\n")
    return "\n".join(lines)


def run(**files):
    """The run of some documents in the current folder."""
    for name, text in files.items():
        Path(name).write_text(text, encoding="utf-8")
    return Run(tuple(name for name in files if "skip" not in name), Effort(examples=0))


@cache
def _reported(text, name):
    return run(**{name: text}).report()


def report(text, name="notes.md"):
    """The report on one document, in the current folder."""
    return _reported(text, name)


def shown(run_, report_):
    """What a run prints."""
    console = Console(file=io.StringIO(), width=200, highlight=False)
    run_.show(report_, console)
    run_.sum_up(report_, console)
    return console.file.getvalue()
