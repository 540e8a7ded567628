"""The file's own macros: every kind that is read, every kind that is refused by name, bounds, and exact places."""

import time
from itertools import pairwise

import pytest

from derive.errors import NotationError
from tests.verify.document.places import document, formulas, problem, under_caret
from verify.document import macros
from verify.document.macros import Macros, read_definition
from verify.document.source import Source
from verify.document.statements import read

PATHS = ("notes.md", "notes.tex")


def expanded(definitions, text):
    """The text with the definitions in force."""
    found, place = Macros(), 0
    for match in macros.DEFINING.finditer(definitions):
        if match.start() >= place:
            definition = read_definition(definitions, match.start())
            place = definition.end
            found.define(definition, "here")
    return found.expand(text)


@pytest.mark.parametrize(
    ("definitions", "text", "result"),
    [
        (r"\newcommand{\x}{w}", r"\x+\x", "w+w"),
        (r"\newcommand\x{w}", r"{\x}", "{w}"),
        (r"\newcommand*{\x}{w}", r"\xy \x y", r"\xy w y"),
        (r"\renewcommand{\vec}[1]{\mathbf{#1}}", r"\vec{x}\vec y\vec\alpha", r"\mathbf{x}\mathbf{y}\mathbf{\alpha}"),
        (r"\newcommand{\b}[1]{\mathbf #1}", r"\b x\b{y}", r"\mathbf x\mathbf y"),
        (r"\newcommand{\pd}[2]{\frac{\partial #1}{\partial #2}}", r"\pd{s_t}{W}", r"\frac{\partial s_t}{\partial W}"),
        (r"\newcommand{\pd}[2][E]{\frac{#1}{#2}}", r"\pd{W} \pd[s_{[t]}]{W}", r"\frac{E}{W} \frac{s_{[t]}}{W}"),
        (r"\newcommand{\swap}[2]{#2 #1}", r"\swap{a}{b}", "b a"),
        (r"\newcommand{\in}[1]{(#1)}\newcommand{\out}[1]{\in{#1}}", r"\out{\out{x}}", "((x))"),
        (r"\DeclareMathOperator{\diag}{diag}", r"\diag(w)", r"\operatorname{diag}(w)"),
        (r"\DeclareMathOperator*{\argmax}{arg\,max}", r"\argmax", r"\operatorname{arg\,max}"),
        (r"\def\x{w}", r"W\x", "Ww"),
        (r"\def \x {w}", r"W\x", "Ww"),
        (r"\newcommand{\T}{^\top}", r"W\T w", r"W^\top w"),
        (r"\newcommand{\x}{a}\renewcommand{\x}{b}", r"\x", "b"),
        (r"\newcommand{\x}{a}\providecommand{\x}{b}", r"\x", "a"),
        (r"\providecommand{\x}{b}", r"\x", "b"),
        (r"\providecommand{\frac}{b}", r"\frac", r"\frac"),
        (r"\DeclareRobustCommand{\x}{b}", r"\x", "b"),
        ("\\newcommand{\\x}{%\n  w% a comment\n}", r"\x", "w"),
        (r"\newcommand{\x}{\{w\}}", r"\x", r"\{w\}"),
        (r"\newcommand{\*}{\odot}", r"w \* w", r"w \odot w"),
        (r"\newcommand{\x}[1]{}", r"a\x{long}b", "ab"),
        (r"\newcommand{\x}[1]{#1#1}", r"\alpha\x{b}", r"\alpha bb"),
    ],
)
def test_macros_expand_as_in_latex(definitions, text, result):
    assert expanded(definitions, text) == result


@pytest.mark.parametrize(
    ("definitions", "text", "message"),
    [
        (r"\let\x\y", r"\x", r"\let is not read: define \x by \newcommand (at here)"),
        (r"\let\x=w", r"\x", r"\let is not read"),
        (r"\def\x#1{#1}", r"\x{w}", r"\def with arguments is not read: define \x by \newcommand{\x}[1]"),
        (r"\gdef\x{w}", r"\x", r"\gdef is not read"),
        (r"\NewDocumentCommand{\x}{m}{#1}", r"\x{w}", r"\NewDocumentCommand is not read"),
        (r"\DeclarePairedDelimiter{\x}{\|}{\|}", r"\x{w}", r"\DeclarePairedDelimiter is not read"),
        (r"\newcommand{\x}[1]{#2}", r"\x{w}", "takes 1 arguments but uses others"),
        (r"\newcommand{\x}{#}", r"\x", "takes 0 arguments but uses others"),
        (r"\newcommand{\x}{\newcommand{\y}{w}}", r"\x", "defines other macros"),
        (r"\newcommand{\x}{w", r"\x", "a } is missing"),
        (r"\newcommand{\x} w", r"\x", "has no body in braces"),
        (r"\newcommand{\x}[2]{#1#2}", r"\x{w}", r"\x takes 2 arguments, and one is missing"),
        (r"\newcommand{\x}[1]{#1}", r"{\x}", r"\x takes 1 argument, and one is missing"),
        (r"\newcommand{\x}[1]{#1}", r"\x{w", "a } is missing"),
        (r"\newcommand{\x}[1][w]{#1}", r"\x[w", "is not closed"),
        (r"\newcommand{\x}{\x}", r"\x", r"\x expands to more than 20000 signs"),
        (r"\newcommand{\x}{\y}\newcommand{\y}{\x\x}", r"\x", "expands to more than 20000 signs"),
        (r"\newcommand{\x}[1]{#1#1#1#1#1#1#1#1}", r"\x{\x{\x{\x{\x{\x{\x{w}}}}}}}", "expands to more than 20000 signs"),
    ],
)
def test_what_is_not_read_is_refused_where_it_is_used(definitions, text, message):
    with pytest.raises(NotationError) as error:
        expanded(definitions, text)
    assert message in str(error.value)
    assert text[error.value.start : error.value.end].startswith("\\x") or r"\y" in str(error.value)


@pytest.mark.parametrize("path", PATHS)
def test_macros_reach_names_in_the_block_and_formulas(path):
    found = read(
        path,
        {"notes.md": "$\\newcommand{\\h}{s}\\newcommand{\\WW}{\\mathbf{W}}\\newcommand{\\st}{\\odot}$\n\n",
         "notes.tex": "\\newcommand{\\h}{s}\\newcommand{\\WW}{\\mathbf{W}}\n\\newcommand{\\st}{\\odot}\n"}[path]
        + {"notes.md": "```backproof\n{}\n```\n$$\\h_t = \\WW \\st \\h_t \\tag{{1}}$$",
           "notes.tex": "% backproof\n% {}\n% end backproof\n\\[\\h_t = \\WW \\st \\h_t \\tag{{1}}\\]"}[path].format(
            "symbols: {\\h_t: n, \\WW: n x n, 'E': loss(\\h)}"),
    )  # fmt: skip
    assert not found.errors
    (statement,) = found.statements
    assert statement.latex == r"s_t = \mathbf{W} \odot s_t"
    assert list(statement.declarations.symbols) == ["s_t", r"\mathbf{W}", "E"]


def test_two_names_that_are_one_once_expanded_are_refused():
    text = "$\\newcommand{\\h}{s}$\n\n```backproof\nsymbols: {\\h: n, s: m}\n```\n"
    (error,) = read("notes.md", text).errors
    assert "two keys are s" in error.message
    assert (error.place.line, error.place.column) == (4, 11)


@pytest.mark.parametrize("path", PATHS)
def test_messages_point_at_the_use_of_a_macro_and_into_its_arguments(path):
    wrap = {"notes.md": "$$\n{}\n$$", "notes.tex": "\\[\n{}\n\\]"}[path]
    define = "$$\\newcommand{\\out}{a Q}\\newcommand{\\pd}[2]{\\frac{#1}{#2}}$$\n\n".replace(
        "$$", "$" if path == "notes.md" else ""
    )

    def meant(formula, part):
        (statement,) = document(define + wrap.format(formula), path).statements
        start = statement.passage.text.index(part)
        return under_caret(statement.at(start, start + len(part)))

    assert meant(r"s_t = w + \out w", "Q") == r"\out"
    assert meant(r"s_t = \pd{w}{  Q}", "Q") == "Q"
    assert meant(r"s_t = \pd{w}{\out}", "Q") == r"\out"
    assert meant(r"s_t = \pd{w}{ab} + V", "V") == "V"
    assert meant(r"s_t = \pd{w}{ab} + V", r"\frac") == r"\pd"


def test_a_macro_that_is_not_read_spoils_the_formulas_that_use_it_alone():
    text = "\\let\\x\\y\n\\[ s_t = \\x \\]\n\\[ s_t = w \\label{good} \\]\n"
    found = formulas(text, "notes.tex")
    assert found.pop("good") == ["s_t = w"]
    place = problem(text, "notes.tex").place
    assert (place.line, place.column, under_caret(place)) == (6, 10, "\\x")
    assert "(at notes.tex:5:1)" in problem(text, "notes.tex").message


def test_definitions_hold_from_their_line_on_and_in_latex_to_the_end_of_their_group():
    text = (
        "\\newcommand{\\x}{w}\n\\[ \\x = w \\]\n{\\renewcommand{\\x}{V} \\[ \\x = w \\] }\n\\[ \\x = w \\]\n"
        "\\begin{lemma}\\renewcommand{\\x}{W}\\[ \\x = w \\]\\end{lemma} \\[ \\x = w \\]\n"
        "\\[ \\renewcommand{\\x}{U} \\x = w \\] \\[ \\x = w \\]"
    )
    latex = [statement.latex for statement in document(text, "notes.tex").statements]
    assert latex == ["w = w", "V = w", "w = w", "W = w", "w = w", "U = w", "w = w"]


def doubling():
    """\ba expands to 2^20 letters."""
    names = "abcdefghijklmnopqrstu"
    pairs = pairwise(names)
    return "".join(f"\\newcommand{{\\b{a}}}{{\\b{b}\\b{b}}}" for a, b in pairs) + "\\newcommand{\\bu}{x}"


BOMBS = {
    "doubling": doubling() + "$$\\ba$$\n\n" * 3_000,
    "itself": "\\newcommand{\\x}{\\x}" + "$$\\x$$\n\n" * 3_000,
    "nested": "\\newcommand{\\x}[1]{#1#1}" + "$$" + "\\x{" * 3_000 + "}" * 3_000 + "$$",
    "unclosed argument": "\\newcommand{\\x}[1]{#1}" + "$$" + "\\x{" * 100_000 + "$$",
    "unclosed body": "\\newcommand{\\x}{" * 50_000,
    "many": "\\newcommand{\\x}{y}" * 50_000,
    "long": "\\newcommand{\\x}{y}$$" + "\\x" * 50_000 + "$$",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_quickly(name):
    began = time.perf_counter()
    found = read("notes.md", BOMBS[name] + "\n\n$$w = w \\tag{kept}$$\n")
    assert time.perf_counter() - began < 15
    last = found.statements[-1]
    assert last.id == "kept"
    too_many = name in ("unclosed body", "many")
    assert (last.problem is not None) == too_many
    assert not too_many or last.problem.message == "more than 1000 macros are defined up to here"


def test_expansion_tells_the_place_of_each_character():
    found = Macros()
    found.define(read_definition(r"\newcommand{\pd}[2]{<#2|#1>}", 0), "here")
    source = Source("x", r"..\pd{ab}{c}d")
    passage = found.expand_text(source.text[2:], 2, source)
    assert passage.text == "<c|ab>d"
    spans = [source.text[slice(*passage.span(place, place + 1))] for place in range(len(passage.text))]
    assert spans == [r"\pd", "c", r"\pd", "a", "b", r"\pd", "d"]
