"""Markdown: every way to write a display, what is none, and exact places inside lists, quotes and environments."""

import pytest

from tests.verify.document.places import document, formulas, under_caret
from verify.document.environments import DISPLAYS
from verify.document.statements import read


@pytest.mark.parametrize(
    "text",
    [
        "$$s_t = w$$",
        "$$\ns_t = w\n$$",
        "Prose $$s_t = w$$ and prose.",
        "- item\n\n  $$s_t = w$$",
        "- $$\n  s_t = w\n  $$",
        "> $$\n> s_t = w\n> $$",
        "> > $$\n> > s_t\n> > = w\n> > $$",
        "\\[s_t = w\\]",
        "\\[\ns_t\n= w\n\\].",
        "1. \\[ s_t = w \\]",
        "```math\ns_t = w\n```",
        "> ```math\n> s_t = w\n> ```",
        "$$\\begin{aligned}[t] s_t &= w \\end{aligned}$$",
        "$$\\begin{split} s_t &= w \\end{split}$$",
        "$$\\begin{equation} s_t = w \\end{equation}$$",
        "<div>\n$$s_t = w$$\n</div>",
        "text before\n$$\ns_t\n= w\n$$\ntext after",
        "# title $$s_t = w$$",
    ],
)
def test_a_display_is_read_however_it_stands(text):
    (found,) = formulas(text).values()
    assert [" ".join(link.replace("&", "").split()) for link in found] == ["s_t = w"]


@pytest.mark.parametrize("name", sorted(DISPLAYS))
def test_amsmath_environments_are_displays(name):
    columns = "{2}" if "alignat" in name else ""
    text = f"Some prose.\n\\begin{{{name}}}{columns}\n  s_t = Q\n\\end{{{name}}}\n"
    (statement,) = document(text).statements
    assert statement.latex == "s_t = Q"
    assert (statement.place.line, statement.place.column) == (7, 3)
    assert under_caret(statement.at(6, 7)) == "Q"


@pytest.mark.parametrize(
    "text",
    [
        "`$$s_t = w$$`",
        "``a ` $$s_t = w$$``",
        "```\n$$s_t = w$$\n```",
        "    $$s_t = w$$",
        "\\$\\$s_t = w\\$\\$",
        "inline $s_t = w$ only",
        "see \\[1\\] and \\[2\\]",
        "\\[1\\] An author: a title",
        "<!-- $$s_t = w$$ -->",
        "<pre>\n$$s_t = w$$\n</pre>",
        "```latex\n\\begin{align} s_t = w \\end{align}\n```",
        "`\\begin{align}` begins lines",
        "$$\\newcommand{\\x}{y}$$",
    ],
)
def test_code_prose_and_definitions_are_no_displays(text):
    assert formulas(text) == {}


def test_a_lone_dollar_hides_no_display():
    assert list(formulas("It costs $5:$$s_t = w \\tag{1}$$\n\nand $ 6\n$$s_t = w \\tag{2}$$")) == ["1", "2"]


def test_a_line_that_looks_like_markdown_stays_in_its_display():
    found = formulas("\\[\ns_t\n- w\n+ w\n> 0\n\\]\n\n$$\nw\n=====\n$$")
    assert found["L6"] == ["s_t - w + w > 0"]


def test_a_relation_that_looks_like_a_quote_is_kept():
    """Outside block quotes a > at the beginning of a line is a relation."""
    assert formulas("$$\nw\n> 0\n$$") == {"L6": ["w > 0"]}
    assert formulas("> $$\n> w\n> > 0\n> $$") == {"L6": ["w > 0"]}


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("$$s_t = Q$$", 5, 9),
        ("> - $$\n>   s_t = Q\n>   $$", 6, 11),
        ("1. text\n\n   \\[\n   s_t\n   = Q\n   \\]", 9, 6),
        ("```math\ns_t =\n  Q\n```", 7, 3),
        ("a\tb $$s_t = Q$$", 5, 13),
        ("中文 $$s_t = Q$$ 。", 5, 12),
        ("\\begin{align}\n s_t &= Q \\tag{中}\n\\end{align}", 6, 9),
        ("\r\n\r\n$$\r\ns_t = Q\r\n$$", 8, 7),
    ],
)
def test_places_are_exact(text, line, column):
    from verify.document.interpret import Interpreter

    found = document(text)
    (statement,) = found.statements
    (reading,) = Interpreter(found).readings(statement, statement.links[0])
    assert "Q is not declared" in reading.problem.message
    place = reading.problem.place
    assert (place.line, place.column, under_caret(place)) == (line, column, "Q")


@pytest.mark.parametrize(("opening", "closing"), [("$$", "$$"), ("\\[", "\\]"), ("\\begin{align}", "\\end{align}")])
def test_an_unclosed_display_is_told_and_hides_nothing(opening, closing):
    found = document(f"{opening}\ns_t = w\n\n$$s_t = w \\tag{{1}}$$\n\nProse.\n\n$$s_t = w \\tag{{2}}$$")
    first, *others = found.statements
    assert f"{closing} is expected, and no display holds an empty line" in first.problem.message
    assert (first.problem.place.line, under_caret(first.problem.place)) == (5, opening)
    assert [(s.id, s.problem) for s in others] == [("1", None), ("2", None)]


def test_an_unclosed_environment_ends_before_the_next_display():
    found = formulas("\\begin{align} s_t = w\n\\begin{align} s_t = w \\tag{1} \\end{align}")
    assert "is expected before \\begin{align}" in found["L5"]
    assert found["1"] == ["s_t = w"]


def test_directives_and_blocks_keep_their_places_in_quotes():
    found = read("notes.md", "> ```backproof\n> symbols: {w: n}\n> layuot: x\n> ```\n")
    assert [(e.place.line, e.place.column, under_caret(e.place)) for e in found.errors] == [(3, 3, "layuot")]


def test_a_comment_that_is_not_closed_is_an_error():
    found = read("notes.md", "$$w = w$$ text\n\nx <!-- backproof: given\n\n$$w = w$$\n")
    assert [error.message for error in found.errors] == ["the comment is not closed by -->"]
    assert len(found.statements) == 2


def test_ids_tell_displays_of_one_line_apart():
    assert list(formulas("$$s_t = w$$ and $$s_t = w$$")) == ["L5", "L5.2"]
