"""Papers as the command writes them: they verify, they compile, hostile names start nothing, bad calls are told."""

import os
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from derive.language import nodes
from derive.models.systems import system
from derive.papers import layout
from derive.papers.latex import escaped, latex_document, latex_fragment
from derive.papers.markdown import for_github
from derive.papers.paper import paper
from derive.papers.words import title_in
from tests.derive.papers import tex
from verify import pdf as pdf_module
from verify.cli import main
from verify.document.interpret import Interpreter
from verify.document.statements import read
from verify.errors import CallError
from verify.judge import Judge
from verify.limits import Effort
from verify.printing import Request, print_to

CELL = r"""# {title}

```backproof
symbols: {{x_t: m, '{name}_t': n, W: n x m, f: elementwise, L: loss(last {name})}}
time: 1..T
layout: numerator
gradient: shape
matrix: family
vec: column
products: descending
partial: total
given: ['1']
```

$${name}_t = f(W x_t) \tag{{1}}$$
"""


def derive(*arguments, text=None):
    return CliRunner().invoke(main, ["derive", *arguments], input=text)


def rnn_paper(language="en", ids=("K2u", "2.9")):
    chosen = system("rnn")
    found = [one for one in chosen.quantities() if one.name in ids]
    return paper(title_in(language, chosen.title), found, language=language)


def entries(text, path="paper.tex"):
    document = read(path, text)
    assert not document.errors, document.errors
    return [e for e in Judge(document, Effort(examples=0)).entries() if e.role == "claim"]


# --- they verify -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_line_of_a_latex_document_is_proved(language):
    """Each step is a claim of its own, in either language; ids are labels."""
    found = entries(latex_document(rnn_paper(language)))
    assert [e.id for e in found] == ["K2u/1", "K2u/2", "K2u/3", "2.9/1", "2.9/2"]
    assert {e.verdict.verdict for e in found} == {"proved"}


def test_a_long_derivation_is_no_longer_than_a_formula_may_be():
    """What was derived of a GRU's state had more signs than a document's formula may have, and could not be read."""
    chosen = system("gru")
    (one,) = (one for one in chosen.quantities("h") if one.name == "J.h.h-1")
    whole = paper("GRU", [one])
    (display,) = (display for display in whole.displays if display.id == one.name)
    document = read("paper.tex", latex_document(whole))
    (statement,) = document.claims
    (reading,) = Interpreter(document).readings(statement, statement.links[-1])
    assert reading.claim is not None
    assert len(display.rows) - 2 <= len(statement.links) < len(display.rows), "no more is joined than need be"
    assert display.with_fewer_rows().rows[-1].formula == display.rows[-1].formula


def test_every_line_of_a_fragment_is_proved():
    """The declarations stand in its comments."""
    text = latex_fragment(rnn_paper(ids=("2.9",)))
    assert "\\documentclass" not in text
    found = entries(text)
    assert [e.id for e in found] == ["2.9/1", "2.9/2"]
    assert {e.verdict.verdict for e in found} == {"proved"}


def test_a_wrong_line_of_a_document_is_refuted():
    """The document is really read: a step earlier is found."""
    text = latex_document(rnn_paper(ids=("2.9",)))
    wrong = text.replace("&= \\sum_{k=1}^{t} \\delta_k x_k^\\top &&", "&= \\sum_{k=1}^{t} \\delta_k s_{k-1}^\\top &&")
    assert wrong != text
    assert {e.id: e.verdict.verdict for e in entries(wrong)} == {"2.9/1": "proved", "2.9/2": "refuted"}


def test_broken_lines_are_proved_too(monkeypatch):
    """On a narrow page, where formulas go over several lines and brackets are torn apart."""
    monkeypatch.setattr(layout, "LINE", 20.0)
    text = latex_document(rnn_paper(ids=("K2u", "2.2c")))
    assert "\\Bigl(" in text
    assert "&\\qquad \\cdot" in text
    assert {e.verdict.verdict for e in entries(text)} == {"proved"}


def test_markdown_holds_nothing_that_github_refuses():
    """No \\operatorname, no line break but at the end of a line, displays in paragraphs of their own."""
    text = derive("rnn", "--wrt", "W", "--as", "md", "--lang", "zh").output
    assert "\\operatorname" not in text
    assert text.startswith("# 循环网络，损失取决于最后一个状态\n")
    for line in text.split("```")[2].splitlines():
        assert line.count("$$") in (0, 2)
        assert "$$" not in line or (line.startswith("$$") and line.endswith("$$"))
        for prose in line.split("$")[:-1:2] if "$$" not in line else ():
            assert not prose or prose.endswith(" "), line  # else GitHub takes the dollar for one
    assert for_github("\\begin{bmatrix} a \\\\ b \\end{bmatrix}") == "\\begin{bmatrix} a \\\\\nb \\end{bmatrix}"
    assert for_github("\\operatorname{vec} W") == "\\mathop{\\mathrm{vec}} W"


# --- they compile ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_paper_compiles(language, tmp_path):
    """A real TeX run, no line of which stands out of the text."""
    if tex.engine(language) is None:
        pytest.skip(f"{tex.ENGINES[language]} is not installed")
    assert tex.overfull(tex.run(latex_document(rnn_paper(language)), tmp_path, language)) == []


def test_a_line_that_stands_out_is_seen(tmp_path):
    """The check of the log can fail."""
    if tex.engine("en") is None:
        pytest.skip("pdflatex is not installed")
    wide = latex_document(rnn_paper()).replace("\\delta_k x_k^\\top", "\\delta_k x_k^\\top" * 30)
    assert tex.overfull(tex.run(wide, tmp_path))[0] > 100


def test_a_pdf_is_the_same_bytes_each_time_and_its_latex_stands_beside(tmp_path):
    """Two runs in two folders."""
    pytest.importorskip("typst", reason="the extra pdf is not installed")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        result = derive("rnn", "--wrt", "U", "--as", "pdf", "-o", str(tmp_path / name / "rnn.pdf"))
        assert result.exit_code == 0, result.output
    first, second = ((tmp_path / name / "rnn.pdf").read_bytes() for name in ("a", "b"))
    assert first == second
    assert first.startswith(b"%PDF")
    assert str(tmp_path).encode() not in first
    assert (tmp_path / "a" / "rnn.tex").read_text() == derive("rnn", "--wrt", "U", "--as", "latex").output
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["rnn.pdf", "rnn.tex"]


# --- bad calls -------------------------------------------------------------------------------------------------------


def test_without_the_extra_the_message_names_it(monkeypatch, tmp_path):
    """And nothing is written."""
    monkeypatch.setitem(sys.modules, "typst", None)
    result = derive("rnn", "--wrt", "U", "--as", "pdf", "-o", str(tmp_path / "rnn.pdf"))
    assert result.exit_code == 2
    assert 'pip install "backproof[pdf]"' in result.output
    assert list(tmp_path.iterdir()) == []


def test_without_chinese_fonts_the_message_says_what_to_install(monkeypatch):
    """No boxes in place of signs."""
    fonts = SimpleNamespace(families=lambda: ["New Computer Modern"])
    monkeypatch.setattr(pdf_module, "_typst", lambda: SimpleNamespace(Fonts=lambda **_: fonts))
    with pytest.raises(CallError, match=r"no font with Chinese signs.*fonts-noto-cjk.*--lang en"):
        pdf_module.pdf(rnn_paper("zh"))


def test_a_terminal_gets_no_bytes(monkeypatch):
    """Before anything is derived."""
    monkeypatch.setattr("sys.stdout", SimpleNamespace(isatty=lambda: True))
    with pytest.raises(CallError, match="no text for a terminal"):
        print_to(None, Request(None, "pdf", (), None, False, "full", None))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--as", "json", "--lang", "zh"), "--lang and --title are for documents"),
        (("--as", "md", "--fragment"), "--fragment is for --as latex"),
        (("--as", "pdf", "-o", "x.tex"), "name the PDF itself"),
        (("--as", "latex", "-o", "missing/x.tex"), "its folder does not exist"),
        (("--as", "latex", "--lang", "fr"), "'fr' is not one of 'en', 'zh'"),
    ],
)
def test_a_wrong_call_says_what_to_do(arguments, message):
    """Exit code 2."""
    result = derive("rnn", *arguments)
    assert result.exit_code == 2
    assert message in result.output


# --- hostile documents -----------------------------------------------------------------------------------------------

NAMES = ["\\input", "\\write", "\\csname", "\\immediate", "\\catcode", "\\openin", "\\special", "\\directlua"]
TITLES = [
    "\\write18{touch pwned}",
    "\\input{/etc/hostname}",
    "} \\input{secret} {",
    "a % b",
    "^^5cinput secret",
    '#read("secret")',
    '"); #read("secret") //',
    "$ #eval(\"1\") $",
    "~ & _ ^ # { }",
    "α → 损失 😀",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["latex", "pdf"])
def test_a_hostile_name_is_refused(name, form, tmp_path):
    """It reaches neither TeX nor Typst."""
    source = tmp_path / "cell.md"
    source.write_text(CELL.format(title="cell", name=name), encoding="utf-8")
    result = derive(str(source), "--as", form, "-o", str(tmp_path / "out.pdf"))
    assert result.exit_code == 2
    assert not (tmp_path / "out.pdf").exists()
    assert "Traceback" not in result.output


def test_a_hostile_title_is_text(tmp_path):
    """In a real TeX run, each title is set and nothing is read or written."""
    (tmp_path / "secret").write_text("SECRET")
    (tmp_path / "secret.tex").write_text("\\errmessage{it was read}")
    one = rnn_paper()
    titles = [title for title in TITLES if "损" not in title]
    document = latex_document(one).replace("\\maketitle", "\n\n".join(map(escaped, titles)))
    for title in titles:
        assert not re.search(r"\\(input|write|csname)", escaped(title))
    if tex.engine("en") is None:
        pytest.skip("pdflatex is not installed: only the source was checked")
    log = tex.run(document, tmp_path)
    assert "it was read" not in log
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("title", TITLES)
def test_a_hostile_title_is_text_for_typst(title):
    """It compiles, and is one string of the source."""
    typst = pytest.importorskip("typst", reason="the extra pdf is not installed")
    from derive.typst.document import typst_document
    from derive.typst.formulas import quoted

    chosen = system("squared error")
    source = typst_document(paper(title, chosen.quantities()[:1]))
    assert source.count(quoted(title)) == 2
    assert title.startswith("#") is False or f"\n{title}" not in source
    assert typst.compile(source.encode(), format="pdf", timestamp=0, ignore_system_fonts=True)


def test_papers_are_not_loaded_for_help():
    """--help stays quick."""
    code = "import sys; from verify.cli import main; main(['derive', '--help'], standalone_mode=False); "
    code += "print([name for name in ('sympy', 'typst') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("option", [(), ("--fragment",)])
def test_latex_is_known_for_what_it_is_on_standard_input(option):
    """By its \\documentclass behind the declarations, or by their block alone."""
    text = derive("rnn", "--wrt", "s0", "--as", "latex", *option).output
    result = CliRunner().invoke(main, ["verify", "-", "--examples", "0", "--no-cache"], input=text)
    assert result.exit_code == 0, result.output
    assert "proved" in result.output


def test_lines_that_no_text_can_write_are_joined_with_the_next():
    """f' of 1/z and of a root, and ones turned without a size: their rules stand at the line that writes them out."""
    found = [one for one in system("layer norm").quantities("a") if one.name in ("J.Net.a", "delta.a")]
    assert any(step.after.has(nodes.Elementwise) for one in found for step in one.steps)
    text = latex_document(paper("x", found))
    for sign in ("reciprocal'", "sqrt'", "\\left(\\mathbf{1}^\\top\\right)^\\top"):
        assert sign not in text
    joined = [row for display in paper("x", found).displays for row in display.rows if len(row.rules) > 3]
    assert joined
