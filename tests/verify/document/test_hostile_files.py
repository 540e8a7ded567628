"""Files of a hostile author: reading stays linear in their size, and a good line after them is read."""

import time

import pytest

from verify.document import statements
from verify.document.interpret import Interpreter
from verify.document.statements import read
from verify.errors import DocumentError

SIZE = 60_000


def repeated(text, before="", after=""):
    return before + text * (SIZE // len(text)) + after


MARKDOWN = {
    "dollars": repeated("$$"),
    "dollar lines": repeated("$$\n\n"),
    "brackets": repeated("\\[\n"),
    "environments": repeated("\\begin{align}"),
    "single dollars": repeated("$5$ "),
    "displays on one line": repeated("$$a$$ "),
    "quotes": repeated("> "),
    "quoted brackets": repeated("> \\[\n"),
    "lists": repeated("- "),
    "backticks": "".join("`" * length + " " for length in range(1, 300)),
    "comments": repeated("<!-- x -->"),
    "blocks": repeated("```backproof\ntime: 1..t\n```\n"),
    "tags": repeated("\\tag{a}", "$$", "$$"),
    "open tags": repeated("\\tag{", "$$", "$$"),
    "rows": repeated("a&=b\\\\", "\\begin{align}", "\\end{align}"),
    "breaks": repeated("\\\\", "$$a", "$$"),
    "words": repeated("\\text{and}", "$$", "$$"),
    "dots": repeated(".", "$$a", "$$"),
    "blanks": repeated(" ", "$$a", "$$"),
    "nested environments": repeated("\\begin{cases}", "$$", "$$"),
    "remarks": repeated("% backproof: given\n", "$$", "$$"),
    "nulls": repeated("\0$$\0$$\n"),
}
LATEX = {
    "inline": repeated("\\(", "", "\n\n"),
    "verb": repeated("\\verb|"),
    "verbatim": repeated("\\begin{verbatim}"),
    "braces": repeated("{"),
    "dead text": repeated("\\iffalse "),
    "brackets": repeated("\\["),
    "environments": repeated("\\begin{align}"),
    "ends": repeated("\\end{align}"),
    "blocks": repeated("% backproof\n% a: b\n\n"),
    "inputs": repeated("\\input{a}"),
    "groups": repeated("{\\def\\x{y}}"),
}
FILES = [("notes.md", name) for name in MARKDOWN] + [("notes.tex", name) for name in LATEX]


@pytest.mark.parametrize(("path", "name"), FILES)
def test_reading_is_linear_and_a_good_line_after_it_is_read(path, name):
    began = time.process_time()
    text = (MARKDOWN if path == "notes.md" else LATEX)[name]
    found = read(path, f"{text}\n\n$$a = b \\tag{{kept}}$$\n")
    assert time.process_time() - began < 10
    too_many = (path, name) in (("notes.tex", "groups"),)
    assert found.statements[-1].id == "kept"
    assert (found.statements[-1].problem is not None) == too_many


@pytest.mark.parametrize("path", ["notes.md", "notes.tex", "notes.ipynb"])
def test_a_file_that_is_too_large_is_refused(path):
    with pytest.raises(DocumentError, match="larger than"):
        read(path, "x" * 33_000_000)


@pytest.mark.parametrize("text", ["", "\0", "\ufeff", "\r", "\ufeff\r\n$$a = b$$\r\n", "\x0c\u2028$$a = b$$"])
@pytest.mark.parametrize("path", ["notes.md", "notes.tex"])
def test_odd_characters_are_read(path, text):
    found = read(path, text)
    assert [statement.latex for statement in found.statements] == (["a = b"] if "$$" in text else [])


def test_a_place_in_a_very_long_line_keeps_its_surroundings_alone():
    found = read("notes.md", "x " * 200_000 + "$$a = \\end{q}$$")
    place = found.statements[0].problem.place
    assert place.column == 400_007
    assert len(place.source) <= 400
    line, carets = place.caret().split("\n")
    assert line[carets.index("^") :].startswith("\\end{q}")


def test_carets_stand_under_wide_characters():
    found = read("notes.md", "中文：$$a = \\end{q}$$")
    line, carets = found.statements[0].problem.place.caret().split("\n")
    assert line.index("\\end") + 3 == carets.index("^")  # three signs of two columns each


def test_displays_without_end_are_not_read_to_the_end(monkeypatch):
    """Four megabytes of dollars are a million empty displays: the first ones are read, and no more."""
    assert statements.MAX_DISPLAYS == 50_000
    monkeypatch.setattr(statements, "MAX_DISPLAYS", 5_000)  # a tenth of the time
    began = time.process_time()
    found = read("notes.md", "$$a = a$$\n\n" + "$" * 3_900_000)
    assert time.process_time() - began < 10
    assert found.statements[0].problem is None
    assert len(found.statements) <= 5_000
    assert any("more than 5,000 displays" in error.message for error in found.errors)


def test_a_product_of_thousands_of_factors_is_linear():
    """A A … A: the shape of what stands to the left is carried along, not found anew at each factor."""
    block = "```backproof\nsymbols: {A: n x n}\n```\n"
    document = read("notes.md", f"{block}$$A = {'A ' * 3_900}$$\n")
    (statement,) = document.statements
    began = time.process_time()
    (reading,) = Interpreter(document).readings(statement, statement.links[0])
    assert reading.claim is not None
    assert time.process_time() - began < 5
