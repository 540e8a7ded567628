"""Formulas as MathML: what is drawn, what is shown as source, and that nothing gets through."""

import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from verify.report.html.differing import difference
from verify.report.html.maths import MAX_SIGNS, in_one_row, mathml, render_math


@pytest.mark.parametrize(
    ("latex", "part"),
    [
        (r"\delta_t^\top W", "<msubsup>"),
        (r"\begin{split}a &= b \\ &= c\end{split}", "<mtable"),
        (r"a &= b \\ &= c", "<mtable"),
        (r"a = b \tag{2.3} \label{eq:x}", "<mi>a</mi><mo>=</mo><mi>b</mi>"),
        (r"\widetilde{s}", "<mover"),
        (r"\text{其中}", "其中"),
        (r"\begin{cases}1 & \text{if $i = j$ or $j = k$}\end{cases}", "<mi>i</mi><mo>=</mo><mi>j</mi>"),
        (r"\begin{pmatrix}1 & 2\\3 & 4\end{pmatrix}", "<mtd>"),
    ],
)
def test_formulas_are_laid_out(latex, part):
    assert part in mathml(latex)


@pytest.mark.parametrize("latex", [r"\frac{", r"\nothing x", r"\href{javascript:x}{y}", "{" * 200 + "x" + "}" * 200,
                                   "x" * (MAX_SIGNS + 1), r"\sqrt" * 900 + "{x}", "", r"\left("])  # fmt: skip
def test_what_cannot_be_laid_out_is_shown_as_source(latex):
    shown = render_math(latex, display=True)
    assert 'class="unset"' in shown
    assert "<math" not in shown


def test_no_length_of_formula_ends_the_process():
    """math-core recurses on the process's own stack: braces by the ten thousand ended it."""
    program = "from verify.report.html.maths import render_math\n" + "\n".join(
        f"render_math({text!r} * {count} + 'x' + {close!r} * {count})"
        for text, close in (("{", "}"), ("\\sqrt ", ""), ("\\left(", "\\right)"), ("x^", ""), ("\\hat", " "))
        for count in (90, 1_000, 4_900, 100_000)
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize(
    "latex",
    [
        r"\text{<script>x</script>}",
        r"<script>",
        r"\color{red} x",
        r"\begin{array}{c|c}a&b\\ \hline c&d\end{array}",
        "\u202ex",
        r"\mathrm{a\"b}",
        r"\text{&lt;b&gt;}",
    ],
)
def test_nothing_but_mathematics_comes_out(latex):
    shown = str(render_math(latex))
    assert "<script" not in shown
    assert " style=" not in shown  # the page's policy forbids it
    assert "\u202e" not in shown
    names = set(re.findall(r"<([a-z]+)", shown))
    assert names <= {"math", "mi", "mo", "mn", "mtext", "mrow", "mtable", "mtr", "mtd", "span", "code", "mspace"}


def test_rows_are_taken_out_of_a_relation():
    assert (
        in_one_row(r"W + 0 \\ &= \begin{pmatrix}1&0\\0&1\end{pmatrix}")
        == r"W + 0 = \begin{pmatrix}1&0\\0&1\end{pmatrix}"
    )


def test_the_difference_marks_what_goes_and_what_comes():
    found = difference(r"A = W^\top \left[x\right]", r"A = W \left(y\right)")
    assert found.words_before == "A = W <del>⊤</del> ( <del>x</del> )"
    assert found.words_after == "A = W ( <ins>y</ins> )"
    marked = [e.text for e in ElementTree.fromstring(found.before).iter() if e.get("class") == "gone"]
    assert marked == ["⊤", "x"]


def test_the_same_sign_in_another_place_is_a_difference():
    found = difference("x_t", "x^t")
    assert (found.words_before, found.words_after) == ("x <del>t</del>", "x <ins>t</ins>")


def test_there_is_no_difference_of_what_cannot_be_laid_out():
    assert difference(r"\frac{", "x") is None
