"""LaTeX files: blocks and directives in comments, environments, what is skipped, and files read by \\input."""

import os

import pytest

from tests.verify.document.places import LATEX, document, formulas, under_caret
from verify.document.environments import DISPLAYS
from verify.document.statements import read


def tex(text, **kwargs):
    return formulas(text, "notes.tex", **kwargs)


@pytest.mark.parametrize("name", sorted(DISPLAYS))
def test_environments_are_displays(name):
    columns = "{2}" if "alignat" in name else ""
    found = tex(f"\\begin{{{name}}}{columns}% why\n s_t = w. \\label{{eq}}\n\\end{{{name}}}")
    assert found == {"eq": ["s_t = w"]}


@pytest.mark.parametrize(
    "text",
    [
        "\\[ s_t = w \\]",
        "$$ s_t = w $$",
        "$x$ and \\(y\\) \\[ s_t = w \\]",
        "\\begin{equation}\\begin{aligned}[c] s_t = w \\end{aligned}\\end{equation}",
        "\\begin{equation}\\begin{split} s_t = \\\\ w \\end{split}\\end{equation}",
        "prose } with { braces } \\[ s_t = w \\]",
        "100\\% \\[ s_t = w % a \\] comment\n \\]",
        "\\begin{theorem}[Werbos] \\[ s_t = w \\] \\end{theorem}",
        "\\documentclass{article}\\begin{document}\\[ s_t = w \\]\\end{document}\\[ w = w \\]",
        "it costs 5$ more \\[ s_t = w \\]",
        "\\def\\be{\\begin{equation}}\\def\\ee{\\end{equation}} \\be s_t = w \\ee",
        "\\newcommand{\\bea}{\\begin{align}} \\newcommand{\\eea}{\\end{align}} \\bea s_t = w \\eea",
        "\\newenvironment{eqn}{\\begin{equation}}{\\end{equation}} \\[ s_t = w \\]",
    ],
)
def test_a_display_is_read_however_it_stands(text):
    (found,) = tex(text).values()
    assert [" ".join(link.replace("\\\\", "").split()) for link in found] == ["s_t = w"]


@pytest.mark.parametrize(
    "text",
    [
        "% \\[ s_t = w \\]",
        "\\begin{verbatim}\n\\[ s_t = w \\]\n\\end{verbatim}",
        "\\begin{lstlisting}[language=TeX]\n$$ s_t = w $$\n\\end{lstlisting}",
        "\\begin{comment}\n\\[ s_t = w \\]\n\\end{comment}",
        "\\verb|\\[ s_t = w \\]| and \\verb*+$$w$$+",
        "\\iffalse \\[ s_t = w \\] \\fi",
        "inline $s_t = w$ and \\(s_t = w\\)",
        "\\newcommand{\\shown}{\\[ s_t = w \\]}",
        "a line \\\\[2pt] another",
        "\\begin{document}\\end{document} \\[ s_t = w \\]",
    ],
)
def test_comments_code_and_prose_are_no_displays(text):
    assert tex(text) == {}


def test_directives_and_blocks_stand_in_comments():
    text = "% backproof: given; id: 7\n\\[ s_t = w \\]\n  %backproof: skip: an analogy\n\\[ w = w \\]"
    first, second = document(text, "notes.tex").statements
    assert (first.id, first.role, second.role) == ("7", "given", "skipped")


def test_a_directive_within_rows_speaks_of_the_next_equation():
    text = (
        "\\begin{align}\n s_t &= w \\label{a} \\\\\n % backproof: given\n w &= w \\label{b} \\\\\n"
        " W &= W \\label{c}\n % backproof: skip: why\n\\end{align}"
    )
    assert [(s.id, s.role) for s in document(text, "notes.tex").statements] == [
        ("a", "claim"), ("b", "given"), ("c", "skipped"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("block", "line", "meant", "message"),
    [
        ("% backproof\n% layuot: x\n% end backproof\n", 2, "layuot", "did you mean layout?"),
        ("  % backproof\n  %   time: a..T\n  % end backproof\n", 2, "a..T", "begins at a number"),
        ("% backproof\n% symbols: {w: n}\n\\[ w = w \\]\n", 1, "% backproof", "% end backproof"),
    ],
)
def test_a_wrong_block_is_told_at_its_place(block, line, meant, message):
    found = read("notes.tex", block)
    assert message in found.errors[0].message
    assert (found.errors[0].place.line, under_caret(found.errors[0].place)) == (line, meant)


def test_verbatim_that_is_not_closed_hides_nothing():
    found = read("notes.tex", LATEX + "\\begin{verbatim}\n\\[ s_t = w \\]\n")
    assert [error.message for error in found.errors] == ["\\end{verbatim} is missing"]
    assert len(found.statements) == 1


# --- \input --------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    home = tmp_path / "paper"
    (home / "parts").mkdir(parents=True)
    (home / "parts" / "one.tex").write_text("\n\\[ s_t = Q \\]\n\\input{parts/two}\n")
    (home / "parts" / "two.tex").write_text("\\[ w = w \\]")
    (home / "loop.tex").write_text("\\input{loop}\\[ w = w \\]")
    (home / "binary.tex").write_bytes(b"\xff\xfe\x00\\[ w = w \\]")
    (home / "drawing.pgf").write_text("\\[ w = w \\]")
    (tmp_path / "secret.tex").write_text("\\[ secret = w \\]")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.tex").write_text("\\[ secret = w \\]")
    os.symlink(tmp_path / "secret.tex", home / "link.tex")
    os.symlink(tmp_path / "outside", home / "linked")
    os.symlink(home / "parts" / "two.tex", home / "inside.tex")
    os.mkfifo(home / "pipe.tex")
    return home


def paper(folder, text):
    return read(str(folder / "paper.tex"), LATEX + text, folder=folder)


def test_input_files_are_read_with_places_of_their_own(folder):
    found = paper(folder, "\\input{parts/one} \\include{inside.tex}\n\\[ w = w \\]")
    assert not found.errors
    assert [s.id for s in found.statements] == ["parts/one.tex:L2", "parts/two.tex:L1", "parts/two.tex:L1.2", "L6"]
    place = found.statements[0].at(6, 7)
    assert (place.path, place.line, place.column, under_caret(place)) == (str(folder / "parts/one.tex"), 2, 10, "Q")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("\\input{../secret}", "without .."),
        ("\\input{parts/../../secret}", "without .."),
        ("\\input{/etc/passwd}", "without .."),
        ("\\input{~/secret}", "without .."),
        ("\\input{|ls}", "without .."),
        ("\\input{link}", "out of the document's own folder"),
        ("\\input{linked/secret}", "out of the document's own folder"),
        ("\\input{loop}", "the file reads itself"),
        ("\\input{binary}", "no UTF-8"),
        ("\\input{pipe}", "no such file"),
        ("\\input{absent}", "no such file"),
        ("\\input absent", "no such file"),
        ("\\input{parts}", "no such file"),
        ("\\input{a\0b}", "null"),
    ],
)
def test_input_reads_nothing_outside_the_folder(folder, command, message):
    found = paper(folder, f"{command}\n\\[ s_t = w \\label{{kept}} \\]")
    assert message in found.errors[0].message
    assert not any("secret" in statement.latex for statement in found.statements)
    assert found.statements[-1].id == "kept"
    assert "\\input" in under_caret(found.errors[0].place)


def test_what_is_no_latex_is_passed_over_and_standard_input_has_no_folder(folder):
    assert paper(folder, "\\input{drawing.pgf}").statements == ()
    found = read("<stdin>", LATEX + "\\input{parts/one}", form="tex")
    assert "no folder" in found.errors[0].message


def test_depth_count_and_size_of_input_are_bounded(folder, monkeypatch):
    for number in range(12):
        (folder / f"d{number}.tex").write_text(f"\\input{{d{number + 1}}}")
    assert "more than 10 deep" in paper(folder, "\\input{d0}").errors[0].message
    (folder / "wide.tex").write_text("\\input{parts/two}" * 250)
    assert any("more than 200 files" in error.message for error in paper(folder, "\\input{wide}").errors)
    (folder / "large.tex").write_text("x" * 3_000_000)
    found = paper(folder, "\\input{large}\\input{large}\\[ w = w \\]")
    assert "larger than" in found.errors[0].message
    assert len(found.statements) == 1
