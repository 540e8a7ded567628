"""`--format github`: one command a line on the right line of the right file, and no document can write a command."""

import json
import re
from dataclasses import replace

import pytest
from click.testing import CliRunner

from tests.verify.report.documents import HEAD, POISON, RIGHT, SHAPE, UNREADABLE, WRONG, hostile, report, run, shown
from verify.cli import main
from verify.cli.verify import verify
from verify.errors import clean
from verify.report import codequality
from verify.report.github import command
from verify.report.model import Comparison, Difference
from verify.report.screens import SCREENS

COMMAND = re.compile(r"::(error|notice) ((?:\w+=[^,:\r\n]*,?)+)::([^\r\n]*)")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def unescaped(text):
    for sign, code in ((":", "%3A"), (",", "%2C"), ("\r", "%0D"), ("\n", "%0A"), ("%", "%25")):
        text = text.replace(code, sign)
    return text


def commands(text):
    """Name, properties and data of each line, which is a command and nothing else."""
    found = []
    for line in re.split("[\r\n]", text.rstrip("\n")):
        match = COMMAND.fullmatch(line)
        assert match, line
        pairs = (pair.split("=", 1) for pair in match[2].split(","))
        found.append((match[1], {key: unescaped(value) for key, value in pairs}, unescaped(match[3])))
    return found


def annotated(text, name="notes.md"):
    done = replace(run(**{name: text}), form="github")
    return commands(shown(done, done.report()))


def test_an_error_on_each_line_that_is_wrong_and_one_notice():
    text = HEAD + RIGHT + WRONG + SHAPE + UNREADABLE
    *errors, (kind, _, numbers) = annotated(text)
    assert [(name, at["file"], at["title"]) for name, at, _ in errors] == [
        ("error", "notes.md", "w: refuted"), ("error", "notes.md", "shape: refuted"),
        ("error", "notes.md", "u: unreadable"),
    ]  # fmt: skip
    for (_, at, message), meant in zip(errors, (WRONG, SHAPE, "Q"), strict=True):
        line = text.split("\n")[int(at["line"]) - 1]
        assert line[int(at["col"]) - 1 : int(at["endColumn"])] in meant
        assert message
    assert "one edit away: Wᵀ should be W" in errors[0][2]
    assert (kind, numbers) == ("notice", "1 proved, 2 refuted, 1 unreadable")


def test_a_formula_over_lines_has_no_columns():
    (_, at, _), _ = annotated(HEAD + "$$s_t\n= W^\\top s_{t-1} \\tag{two}$$\n")
    assert int(at["endLine"]) == int(at["line"]) + 1
    assert "col" not in at


def test_a_good_document_is_one_notice():
    assert annotated(HEAD + RIGHT) == [("notice", {"title": "Backproof"}, "1 proved")]


def test_no_document_writes_a_command():
    text = hostile()
    found = annotated(text)
    assert len(found) > 15
    assert {name for name, _, _ in found[:-1]} == {"error"}
    lines = text.count("\n")
    assert all(at["file"] == "notes.md" and 1 <= int(at["line"]) <= lines for _, at, _ in found[:-1])


@pytest.mark.parametrize("poison", [*POISON, "a\nb", "a\r\n::error::b", "a\rb", "a%0Ab"])
def test_any_text_stays_within_its_command(poison):
    ((name, at, data),) = commands(command("error", poison, {"file": poison, "line": 1}))
    assert (name, at["line"], at["file"]) == ("error", "1", data)
    kept = clean(poison.replace("\r", "CR")).replace("CR", "\r")
    assert data == kept.replace("\u2028", " ")
    assert "\x1b" not in data


def test_a_path_writes_no_command_either():
    name = "a,line=7::b%0A.md"
    (_, at, _), _ = annotated(HEAD + WRONG, name)
    assert at["file"] == name
    assert at["line"] != "7"


def test_what_goes_wrong_with_the_call_is_an_annotation_too(here):
    (here / "notes.md").write_text(HEAD + RIGHT, encoding="utf-8")
    result = CliRunner().invoke(
        main, ["verify", "--format", "github", "--examples", "0", "notes.md", "none\n::error::x"]
    )
    assert result.exit_code == 2
    complaint = commands(result.stderr)
    assert complaint[0][1] == {"title": "Backproof"}
    assert "cannot be read" in complaint[0][2]


def test_what_changed_since_a_lock_is_an_annotation_on_its_line():
    found = report(HEAD + RIGHT)
    (claim,) = found.documents[0].claims
    gone = Difference("notes.md", "x\n::error::y", "gone", "is gone")
    moved = Difference("notes.md", "2.2a", "verdict", "was tested, now proved", claim.place)
    found = replace(found, locked=Comparison("backproof.lock", (moved, gone)))
    first, second, _ = commands(shown(replace(run(), form="github"), found))
    assert first == ("error", {**first[1], "file": "notes.md", "line": "13", "title": "2.2a: changed"}, moved.message)
    assert (second[1]["file"], second[1]["line"]) == ("backproof.lock", "1")
    assert [one["check_name"] for one in json.loads(codequality.render(found))] == ["changed", "changed"]


def test_the_command_offers_every_screen():
    (form,) = [option for option in verify.params if option.name == "form"]
    assert tuple(form.type.choices) == tuple(SCREENS)


def test_a_report_has_the_same_lines_in_each_form():
    """Where a claim is one line, unix and github name the same line."""
    text = HEAD + WRONG + SHAPE + UNREADABLE
    found = report(text)
    unix = shown(replace(run(), form="unix"), found)
    github = commands(shown(replace(run(), form="github"), found))[:-1]
    assert [line.split(":")[1] for line in unix.splitlines()] == [at["line"] for _, at, _ in github]
