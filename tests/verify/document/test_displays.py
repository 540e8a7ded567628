"""From a display to equations: rows, tags and labels, punctuation, words between statements, layout."""

import pytest

from tests.verify.document.places import document, formulas, problem, under_caret
from verify.document.statements import read


def rows(text, environment="align"):
    found = formulas(f"\\begin{{{environment}}}\n{text}\n\\end{{{environment}}}")
    return {
        name: links if isinstance(links, str) else [" ".join(link.replace("&", "").split()) for link in links]
        for name, links in found.items()
    }


@pytest.mark.parametrize("environment", ["align", "gather", "eqnarray", "flalign*", "alignat"])
def test_rows_with_names_of_their_own_are_equations(environment):
    columns = "{2}" if environment == "alignat" else ""
    found = rows(f"{columns}s_t &= w \\label{{a}} \\\\\n w &= V w \\tag{{2}} \\\\\n W &= V", environment)
    assert found == {"a": ["s_t = w"], "2": ["w = V w"], "L8": ["W = V"]}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("s_t &= w \\\\ &= V w", {"L6": ["s_t = w", "w \\\\ = V w"]}),
        ("s_t &= w \\nonumber \\\\ &= V w \\label{a}", {"a": ["s_t = w", "w \\\\ = V w"]}),
        ("s_t &= w \\label{a} \\\\ &= V w \\notag", {"a": ["s_t = w", "w \\\\ = V w"]}),
        ("s_t &= w \\label{a} \\\\ &= V w \\label{b}", {"a": ["s_t = w"], "b": ["w = V w"]}),
        ("s_t &= w \\tag{a} \\\\ &= V w \\\\ &= W w \\tag{b}", {"a": ["s_t = w"], "b": ["w = V w", "V w \\\\ = W w"]}),
        ("s_t &= w \\label{a} \\\\ &\\quad + V w \\label{b}", {"a": ["s_t = w \\\\ \\quad + V w"]}),
        ("s_t = w, \\quad w = w \\label{a} \\\\ &= V w \\label{b}", {"a": ["s_t = w", "w = w", "w \\\\ = V w"]}),
        ("s_t &= w +\\\\ & V w \\\\ w &= w", {"L6": ["s_t = w + V w", "w = w"]}),
        ("s_t &= \\\\ & w \\label{a} \\\\ w &= w \\label{b}", {"a": ["s_t = w"], "b": ["w = w"]}),
        ("s_t &= w \\\\ -w &= V w", {"L6": ["s_t = w", "-w = V w"]}),
        ("s_t &= w \\label{a} \\\\ -w &= V w \\label{b}", {"a": ["s_t = w"], "b": ["-w = V w"]}),
        ("s_t &= w \\\\ &- w = V w", {"L6": ["s_t = w \\\\ - w", "w \\\\ - w = V w"]}),
        ("s_t &= w, \\\\ w &= V w.", {"L6": ["s_t = w", "w = V w"]}),
        ("s_t &= w,\\\\[2pt] w &= V w;\\\\*[-1.5ex] w &= w。\\\\", {"L6": ["s_t = w", "w = V w", "w = w"]}),
        ("s_t &= w \\label{a}\\\\ \\intertext{and so, by $x$,} &= V w", {"a": ["s_t = w", "w \\\\ = V w"]}),
        ("s_t &= w \\label{a}\\\\ \\intertext{then} w &= w \\label{b}", {"a": ["s_t = w"], "b": ["w = w"]}),
        ("\\label{a} s_t &= w \\\\\\\\ w &= w \\label{b}", {"a": ["s_t = w"], "b": ["w = w"]}),
        ("s_t &= w \\label{eq:a} \\tag{1}", {"1": ["s_t = w"]}),
        ("s_t &= w \\tag{$1'$}", {"1'": ["s_t = w"]}),
        ("s_t &= w \\tag*{2.{a}}", {"2.{a}": ["s_t = w"]}),
    ],
)
def test_rows_go_on_or_begin_anew(text, found):
    assert rows(text) == found


def test_a_row_that_goes_on_keeps_the_places_of_both_rows():
    text = "\\begin{align}\n s_t &= Q w \\label{a} \\\\\n &= V w \\label{b}\n\\end{align}"
    second = document(text).statements[1]
    assert (second.place.line, second.place.column) == (7, 3)
    start = second.passage.text.index("Q")
    place = second.at(start, start + 1)
    assert (place.line, under_caret(place)) == (6, "Q")
    start = second.passage.text.index("V")
    assert (second.at(start, start + 1).line, under_caret(second.at(start, start + 1))) == (7, "V")


def test_outside_of_row_environments_rows_are_links():
    text = "$$\\begin{aligned} s_t &= w, \\\\ w &= V w. \\end{aligned} \\tag{1}$$"
    assert list(formulas(text)) == ["1"]
    assert len(formulas(text)["1"]) == 2


def test_rows_of_a_matrix_are_no_equations():
    text = "\\begin{align} w &= \\begin{bmatrix} a \\\\ b \\end{bmatrix} \\label{a} \\\\ w &= w \\label{b} \\end{align}"
    first, second = document(text).statements
    assert "\\begin{bmatrix} a \\\\ b \\end{bmatrix}" in first.latex
    assert (second.id, second.latex) == ("b", "w &= w")


@pytest.mark.parametrize(
    "end", [".", ",", "。", "，", "；", " .", "\\,.", "~.", "\\quad .", ".\\ ", "\\\\", ". \\\\", ";"]
)
def test_punctuation_at_the_end_is_dropped(end):
    assert list(formulas(f"$$s_t = w{end}$$").values()) == [["s_t = w"]]


@pytest.mark.parametrize("formula", ["w = \\left( V w \\right.", "w = w!", "w = \\left. V \\right."])
def test_an_invisible_delimiter_is_no_punctuation(formula):
    (statement,) = document(f"$${formula}$$").statements
    assert statement.passage.text == formula


def test_full_width_signs_are_read_as_the_plain_ones():
    (statement,) = document("$$s_t ＝ W（s_t ＋ w）。$$").statements
    assert statement.passage.text == "s_t = W(s_t + w)"


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("s_t = w \\quad\\text{and}\\quad w = V w", 2),
        ("s_t = w \\text{ and } w = V w", 2),
        ("s_t = w, \\text{ where } w = V w", 2),
        ("s_t = w \\quad \\text{其中} \\quad w = V w", 2),
        ("s_t = w \\quad\\text{for } t > 1", 1),
        ("s_t = w \\quad\\text{if } 1 < t", 1),
        ("s_t = w \\quad \\text{当} t > 1", 1),
        ("\\text{where } s_t = w, \\quad w = V w", 2),
    ],
)
def test_words_between_statements_join_them_or_begin_a_condition(text, links):
    (statement,) = document(f"$${text}$$").statements
    assert statement.problem is None, statement.problem
    assert len(statement.links) == links
    assert bool(statement.conditions) == (links == 1)


@pytest.mark.parametrize(
    "text",
    [
        "s_t = w \\text{ unless } t > 1",
        "s_t = w \\quad \\text{or} \\quad s_t = V w",
        "s_t = w \\quad \\text{if } s_t = V w",
        "s_t = w \\quad \\text{for all } W",
    ],
)
def test_other_prose_makes_no_claim(text):
    """A word that turns a claim around is not passed over."""
    statement = document(f"$${text}$$").statements[0]
    from verify.document.interpret import Interpreter

    if statement.problem is None:
        found = read("notes.md", document(f"$${text}$$").source.text)
        readings = [r for link in statement.links for r in Interpreter(found).readings(statement, link)]
        assert any(reading.problem is not None for reading in readings)


def test_a_function_in_text_is_no_word():
    text = "$$w = \\text{diag}(w) w, \\quad \\text{and}(w) = w$$"
    assert "\\text{and}(w)" in document(text).statements[0].latex


def test_given_may_name_any_tag_or_label_and_ids_stand_once():
    text = "```backproof\nsymbols: {w: n}\ngiven: ['eq:a']\n```\n$$w = w \\tag{1} \\label{eq:a}$$\n"
    found = read("notes.md", text)
    assert not found.errors
    assert [(s.id, s.role, s.names) for s in found.statements] == [("1", "given", ("1", "eq:a"))]


@pytest.mark.parametrize(
    ("text", "message", "meant"),
    [
        ("s_t = w \\end{bmatrix}", "ends no environment that is open here", "\\end{bmatrix}"),
        ("s_t = \\begin{cases} w", "\\end{cases} is expected", "\\begin"),
        ("s_t = \\begin{cases} w \\end{bmatrix}", "ends no environment", "\\end{bmatrix}"),
        ("s_t = w \\tag", "\\tag needs an argument", "\\tag"),
        ("s_t = w \\label{a", "\\label needs an argument", "\\label"),
        ("\\begin{aligned}" * 30 + "w = w" + "\\end{aligned}" * 30, "nested more than 20 deep", "\\begin{aligned}"),
    ],
)
def test_layout_that_does_not_fit_is_told_at_its_place(text, message, meant):
    found = problem(f"$${text}$$\n\n$$w = w$$")
    assert message in found.message
    assert under_caret(found.place) == meant


def test_a_display_in_a_skipped_role_disturbs_nobody():
    found = document("<!-- backproof: skip: prose -->\n$$\\begin{cases} ??? $$\n\n$$w = w \\tag{1}$$")
    assert [(s.role, s.id) for s in found.statements] == [("skipped", "L6"), ("claim", "1")]


def test_comments_in_a_display_are_blank_and_percent_signs_are_not():
    (statement,) = document("$$\ns_t % a remark }\n= Q\n$$").statements
    assert statement.latex == "s_t = Q"
    start = statement.passage.text.index("Q")
    assert (statement.at(start, start + 1).line, statement.at(start, start + 1).column) == (7, 3)


def test_one_name_in_an_environment_names_all_of_its_rows():
    """A label at the last row, or a tag behind the end: the rows are links of one equation."""
    for text in (
        "\\begin{align} s_t &= w \\\\ w &= V w \\label{a} \\end{align}",
        "$$\\begin{align} s_t &= w \\\\ w &= V w \\end{align} \\tag{a}$$",
    ):
        assert list(formulas(text)) == ["a"]
        assert len(formulas(text)["a"]) == 2


def test_an_ellipsis_at_the_end_is_no_punctuation():
    """W s_t … leaves something out: the line is not read as if it ended before."""
    statement = document("$$s_t = w ...$$").statements[0]
    assert statement.latex == "s_t = w ..."
