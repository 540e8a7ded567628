"""Formulas in Typst, their widths and their breaks."""

import re

import pytest

from derive.errors import BackproofError
from derive.latex import signs as read
from derive.latex.printer import Printer, fitting
from derive.models.systems import Options, system
from derive.papers.breaking import broken, width
from derive.papers.commands import ACCENTS, FONTS, KNOWN, SYMBOLS, check_formula
from derive.typst.formulas import typst

HOSTILE = [
    "\\write18{ls}",
    "\\input{/etc/passwd}",
    "\\catcode`\\%=12",
    "^^5cwrite18",
    "x % y",
    "x # y",
    "#read(\"/etc/passwd\")",
    "a $ b",
    "a ~ b",
    "\\csname input\\endcsname",
    "\\begin{verbatim}",
    "\\def\\x{y}",
    "\\left\\input x",
    "a & b",
    "a \\\\ b",
    "x\n\\write18{ls}",
    "}\\write18{",
    "{x",
    'x" + read("y")',
    "\u202ex",
]  # fmt: skip


def test_signs_have_their_names():
    """Scripts, primes, fractions, fonts, brackets; letters stay apart, so that none becomes a function."""
    assert typst("\\frac{\\partial E}{\\partial W_{ij}}") == "frac(partial E, partial W_(i j))"
    assert typst("f'(\\mathrm{Net}_{t-1})") == 'f\' \\( upright("Net")_(t - 1) \\)'
    assert typst("\\left[s_t\\right]") == "lr(\\[ s_(t) \\])"
    assert typst("dh_t, W^\\top") == "d h_(t) comma W^(top)"
    assert typst("\\begin{bmatrix} A & B \\\\ C & 0 \\end{bmatrix}") == 'mat(delim: "[", A, B; C, 0)'
    assert typst("\\operatorname{read}(x)") == 'op("read") \\( x \\)'
    assert typst("eval(x)") == "e v a l \\( x \\)"


@pytest.mark.parametrize("formula", HOSTILE)
def test_what_no_paper_holds_is_refused(formula):
    """By either printer, with the formula named."""
    with pytest.raises(BackproofError):
        check_formula(formula)
    with pytest.raises(BackproofError):
        typst(formula)


def test_every_font_and_accent_that_is_read_can_be_set():
    """A completeness test against the reader's tables; rows that are missing are named."""
    assert sorted(set(read.FONTS) - FONTS.keys()) == []
    assert sorted(set(read.ACCENTS) - ACCENTS.keys()) == []


def test_every_command_that_is_printed_has_a_row():
    """Of every model in every mode: the printer writes nothing that Typst has no name for."""
    used = set()
    for name in ("layer norm", "convolution", "softmax cross-entropy", "gelu"):
        for derivation in system(name).quantities():
            printer = Printer(fitting(derivation.left, derivation.right))
            for formula in (derivation.left, derivation.right, *(s.after for s in derivation.steps)):
                text = printer.text(formula)
                used |= set(re.findall(r"\\([A-Za-z]+)", text))
                assert typst(text)
    assert used <= KNOWN
    assert {"frac", "odot", "otimes", "sqrt", "top", "mathbf"} <= used


def test_the_signs_of_typst_compile():
    """Every name of the tables is one of Typst's."""
    compiler = pytest.importorskip("typst", reason="the extra pdf is not installed")
    letters = [f"\\{name}" for name in SYMBOLS if name.isalpha()]
    letters += [f"\\{name}{{x}}" for name in (*FONTS, *ACCENTS)]
    source = "\n".join(f"$ {typst(letter)} $" for letter in letters)
    assert compiler.compile(source.encode(), format="pdf", timestamp=0, ignore_system_fonts=True)


LONG = (
    "A B \\left(C D + E \\operatorname{diag}\\left[f'(x)\\right]\\right) + \\sum_{k=1}^{t} \\delta_k x_k^\\top - F G H"
)


def test_a_line_breaks_outside_brackets_where_it_can():
    """Before + and -; what stands between two breaks is not changed."""
    lines = broken(LONG, 16)
    assert lines == [LONG[: LONG.index(" + \\sum")], LONG[LONG.index("+ \\sum") :]]
    assert broken(LONG, 100) == [LONG]


def test_a_line_breaks_inside_brackets_where_it_must():
    """The brackets that are torn apart get one size, and a product goes on behind a dot."""
    lines = broken(LONG, 9)
    assert len(lines) > 3
    assert max(map(width, lines)) <= 10
    assert "\\Bigl(" in "".join(lines)
    assert "\\left(" not in "".join(lines)
    assert any(line.startswith("\\cdot ") for line in broken("A B C D E F G H", 4))


def test_widths_are_those_of_a_tex_run():
    """In ems, measured once with Computer Modern; an estimate may be off by a tenth."""
    diag = "\\operatorname{diag}\\left[\\sigma'(\\mathrm{Net}^{o}_t)\\right]"
    measured = {f"\\operatorname{{diag}}\\left[\\tanh(c_t)\\right] {diag} I_n": 13.73, "\\sum_{k=1}^{t} \\delta_k": 2.5}
    for formula, expected in measured.items():
        assert width(formula) == pytest.approx(expected, rel=0.15), formula


def test_broken_formulas_keep_every_sign():
    """Nothing is lost and nothing added but dots and the sizes of brackets."""
    chosen = system("gru").quantities("U_n", Options(mode="forward"))[:1]
    for derivation in chosen:
        text = Printer(fitting(derivation.left, derivation.right)).text(derivation.right)
        lines = broken(text, 20)
        assert len(lines) > 2
        joined = " ".join(line.removeprefix("\\cdot ") for line in lines)
        plain = joined.replace("\\Bigl", "\\left").replace("\\Bigr", "\\right")
        assert plain.replace(" ", "") == text.replace(" ", "")
