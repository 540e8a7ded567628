"""What the README shows is what happens: its document, its Python, its commands."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from verify.cli import main

README = Path(__file__).parent.parent.joinpath("README.md").read_text(encoding="utf-8")


def block(language):
    return re.search(rf"`{{3,4}}{language}\n(.*?)`{{3,4}}\n", README, re.DOTALL).group(1)


def document():
    return re.search(r"````markdown\n(.*?)````", README, re.DOTALL).group(1)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.md").write_text(document(), encoding="utf-8")
    return tmp_path


def test_the_document_gets_the_report_that_is_shown(here):
    shown = re.search(r"\$ backproof verify notes.md\n(.*?)```", README, re.DOTALL).group(1)
    result = CliRunner().invoke(main, ["verify", "notes.md"])
    assert result.exit_code == 1
    printed = {line.rstrip() for line in result.output.splitlines()}
    missing = [line for line in shown.rstrip().splitlines() if line.strip() != "…" and line.rstrip() not in printed]
    assert missing == []


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
