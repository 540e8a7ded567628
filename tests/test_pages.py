"""The pages that show commands: what they show is what happens, command by command, in a folder of their own.

A block behind `<!-- file: NAME -->` is a file; in a `console` block a line with `$` is a command, and the lines below
it are printed by it, in this order, with others between them.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from verify.cli import main
from verify.cli.group import COMMANDS

DOCS = Path(__file__).parents[1] / "docs"
PAGES = ["start", *(f"howto/{path.stem}" for path in sorted((DOCS / "howto").glob("*.md")))]
BLOCK = re.compile(
    r"(?:<!-- file: (?P<file>\S+) -->\n\n)?^(?P<fence>`{3,4})(?P<kind>\w+)\n(?P<text>.*?)^(?P=fence)$", re.M | re.S
)


class Terminal:
    """A shell of three constructions, `a | b`, `a > file` and `echo $?`; `backproof` runs in this process."""

    def __init__(self):
        self.code = 0

    def run(self, line):
        """What a line prints, both streams."""
        if line == "echo $?":
            return f"{self.code}\n"
        command, _, target = line.partition(" > ")
        text = ""
        for part in command.split(" | "):
            text = self.run_one(part, text)
        if target:
            Path(target).write_text(text, encoding="utf-8")
            return ""
        return text

    def run_one(self, command, text):
        name, *arguments = command.split()
        if name == "backproof":
            result = CliRunner().invoke(main, arguments, input=text)
            assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
            self.code = result.exit_code
            return result.output if self.code else result.stdout
        name = sys.executable if name == "python" else name
        command = [name, *(argument.strip("'") for argument in arguments)] if name != "sed" else ["sh", "-c", command]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        self.code = done.returncode
        return done.stdout + done.stderr


def check_console(terminal, text):
    """Every line that is shown is printed by the command above it, in this order."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, *shown = part.rstrip().splitlines()
        printed = iter([line.rstrip() for line in terminal.run(command).splitlines()])
        for line in shown:
            assert any(line.rstrip() == other for other in printed), (
                f"$ {command}\ndoes not print, in this place:\n{line}"
            )


@pytest.mark.parametrize("name", PAGES)
def test_what_a_page_shows_is_what_happens(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BACKPROOF_CACHE", str(tmp_path / ".cache"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(DOCS.parent), os.environ.get("PYTHONPATH", "")]))
    terminal, consoles = Terminal(), 0
    for block in BLOCK.finditer((DOCS / f"{name}.md").read_text(encoding="utf-8")):
        if block["file"]:
            Path(block["file"]).write_text(block["text"], encoding="utf-8")
        elif block["kind"] == "console":
            check_console(terminal, block["text"])
            consoles += 1
    assert consoles, "a page of commands shows some"


def test_a_line_that_is_not_printed_fails():
    with pytest.raises(AssertionError, match="does not print"):
        check_console(Terminal(), "$ backproof models\nwarp drive\n")


def test_lines_in_another_order_fail():
    with pytest.raises(AssertionError, match="does not print"):
        check_console(Terminal(), "$ backproof models\nLosses of outputs\nNetworks\n")


def test_the_page_of_commands_has_every_command():
    page = (DOCS / "command.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"| `backproof {name}" not in page] == []


@pytest.mark.parametrize(
    ("name", "page", "begin"),
    [
        ("verify", "command", "\n## verify\n"),
        ("derive", "command", "\n## derive\n"),
        ("audit", "command", "\n## audit\n"),
        ("campaign", "scale", "\n## `campaign`\n"),
        ("lock", "lock", "\n"),
    ],
)
def test_a_page_has_every_option_of_a_command(name, page, begin):
    section = (DOCS / f"{page}.md").read_text(encoding="utf-8").partition(begin)[2]
    section = section.partition("\n## ")[0] if begin.strip() else section
    options = [parameter for parameter in main.get_command(None, name).params if isinstance(parameter, click.Option)]
    spelt = [[*option.opts, *option.secondary_opts] for option in options]
    assert len(spelt) > 5
    assert [forms for forms in spelt if not any(f"`{form}" in section for form in forms)] == []
