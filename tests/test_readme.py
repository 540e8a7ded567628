"""What the README shows is what happens: its document, its Python, its commands."""

import os
import re
import subprocess
import sys
import tempfile
from html import unescape
from pathlib import Path

import pytest
from click.testing import CliRunner

from verify.cli import main

README_FILE = Path(__file__).parent.parent / "README.md"
README = README_FILE.read_text(encoding="utf-8")


def block(language):
    return re.search(rf"`{{3,4}}{language}\n(.*?)`{{3,4}}\n", README, re.DOTALL).group(1)


def document():
    return re.search(r"````markdown\n(.*?)````", README, re.DOTALL).group(1)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.md").write_text(document(), encoding="utf-8")
    return tmp_path


def squeezed(text):
    """Without white space, as a terminal and a pipe break lines in different places, and without floats."""
    return re.sub(r"-?\d+\.\d+(e[-+]\d+)?", "#", "".join(text.split()))


def test_the_picture_of_the_terminal_is_what_is_printed(here):
    """`python docs/readme_pictures.py` makes it anew."""
    svg = (README_FILE.parent / "docs" / "images" / "terminal.svg").read_text(encoding="utf-8")
    shown = unescape("".join(re.findall(r"<text [^>]*>([^<]*)</text>", svg)))
    result = CliRunner().invoke(main, ["verify", "notes.md"])
    assert result.exit_code == 1
    assert squeezed(shown) == squeezed("$ backproof verify notes.md" + result.output)


def test_the_pictures_ask_nobody_and_are_small():
    for name in ("terminal.svg", "report.png"):
        assert f"docs/images/{name}" in README
        found = (README_FILE.parent / "docs" / "images" / name).read_bytes()
        assert len(found) < 300_000
        assert not re.search(rb"url\(\s*[\"']?https?:|href=[\"']https?:", found)
        assert not any(os.fsencode(place) in found for place in (Path.home(), tempfile.gettempdir()))


def test_what_it_links_to_is_there():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (README_FILE.parent / target).exists(), target


def test_the_python_runs(here):
    code = block("python")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_command_is_one(here):
    commands = re.findall(r"^backproof (?:derive|models).*?(?=  #|$)", README, re.MULTILINE)
    assert len(commands) >= 4
    for command in commands:
        first = re.split(r"[|>]", command)[0].split()[1:]
        result = CliRunner().invoke(main, first)
        assert result.exit_code == 0, command
        if "|" in command:
            result = CliRunner().invoke(main, ["verify", "--examples", "2", "-"], input=result.output)
            assert result.exit_code == 0, command
