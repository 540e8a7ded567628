"""What Jupyter shows of formulas, derivations and models."""

from types import SimpleNamespace

import pytest
import sympy as sp

from derive import Loss, Model, elementwise, hadamard, kron, sequence, show, vec
from derive.language.nodes import Slot, TimeSum
from derive.latex.mathml import mathml
from derive.notebook import latex_in_notebook, load_ipython_extension, unload_ipython_extension

n, m = sp.symbols("n m", integer=True, positive=True)
t, k, T = sp.Symbol("t", integer=True), sp.Symbol("k", integer=True), sp.Symbol("T", integer=True)
x, s, net = sequence("x", m), sequence("s", n), sequence(r"\mathrm{Net}", n)
U, W = sp.MatrixSymbol("U", n, m), sp.MatrixSymbol("W", n, n)
f = elementwise("f")
RNN = Model({net[t]: U * x[t] + W * s[t - 1], s[t]: f(net[t])}, loss=Loss.last(s))
SUM = TimeSum(W, k, 1, T)


@pytest.mark.parametrize(
    ("formula", "latex", "text"),
    [
        (net[t], r"\mathrm{Net}_t", "Net[t]"),
        (U * x[t] + W * s[t - 1], "U x_t + W s_{t-1}", "U*x[t] + W*s[t-1]"),
        (W * (s[t] + s[t - 1]), r"W \left(s_t + s_{t-1}\right)", "W*(s[t] + s[t-1])"),
        # A ⊗ B times C without brackets would be A ⊗ (B C), and a sum sign would take what follows with it
        (kron(W, W) * vec(W), r"\left(W \otimes W\right) \operatorname{vec}(W)", "(W ⊗ W)*vec(W)"),
        (SUM * W, r"\left(\sum_{k=1}^{T} W\right) W", "(Σ_{k=1..T} W)*W"),
        (kron(W, W).T, r"\left(W \otimes W\right)^{T}", "(W ⊗ W).T"),
    ],
)
def test_sympys_sums_and_products_bracket_our_nodes(formula, latex, text):
    assert sp.latex(formula) == latex
    assert str(formula) == text
    assert formula._repr_latex_() == rf"$\displaystyle {latex}$"


def test_what_no_latex_says_is_shown_as_text():
    assert Slot(1, n, 1)._repr_latex_() is None


@pytest.mark.parametrize(
    ("formula", "latex"),
    [
        ((W * s[t]).T, r"s_t^\top W^\top"),
        (hadamard(s[t], s[t - 1]), r"s_t \odot s_{t-1}"),
        (W**2 * s[t], "W^{2} s_t"),  # outside our language: SymPy's own
        (W * U, "W U"),  # nothing of ours in it
    ],
)
def test_with_the_extension_sympys_nodes_are_printed_as_ours(formula, latex):
    assert latex_in_notebook(formula) == rf"$\displaystyle {latex}$"


def test_the_extension_comes_and_goes():
    kinds = {}
    formatter = SimpleNamespace(for_type=kinds.__setitem__, pop=kinds.pop)
    shell = SimpleNamespace(display_formatter=SimpleNamespace(formatters={"text/latex": formatter}))
    load_ipython_extension(shell)
    assert kinds == {sp.MatrixExpr: latex_in_notebook}
    unload_ipython_extension(shell)
    assert kinds == {}


def test_a_model_is_shown_as_its_equations():
    assert RNN._repr_latex_() == (
        r"$\displaystyle \begin{aligned} \mathrm{Net}_t &= U x_t + W s_{t-1} && 1 \le t \le T \\ "
        r"s_t &= f(\mathrm{Net}_t) && 1 \le t \le T \\ E &= E(s_{T}) \end{aligned}$"
    )


def test_a_loss_of_every_step_says_so():
    model = Model({net[t]: U * x[t] + W * s[t - 1], s[t]: f(net[t])}, loss=Loss.every(s))
    assert r"E &= E(s_{1}, \dots, s_{T})" in model._repr_latex_()


def test_a_derivation_is_shown_with_its_steps_and_what_its_names_mean():
    found = RNN.gradient(W)
    html = found._repr_html_()
    assert "<summary>2 steps</summary>" in html
    assert html.count("<tr>") == 1 + len(found.steps)
    assert "δ_t is the name of ∂E/∂Net_t" in html
    assert "with <math><msub><mi>δ</mi><mi>t</mi></msub><mo>=</mo><mfrac>" in html
    assert found._repr_latex_().startswith(r"$\displaystyle \frac{\partial E}{\partial W} = \sum")


def test_conditions_and_single_steps():
    found = RNN.jacobian(net[t], net[k])
    html = found._repr_html_()
    assert "for " in html
    assert "<code>" not in html, "every formula of it is MathML"
    for one in RNN.derivations():
        count = len(one.steps)
        assert f"<summary>{count} step{'s' * (count != 1)}</summary>" in one._repr_html_()


def test_a_tuple_of_derivations_reads_as_a_list_of_formulas():
    first = RNN.derivations()[0]
    assert repr(first) == "<Derivation J.Net.s-1: ∂Net[t]/∂s[t-1] = W>"


def test_nothing_of_a_name_becomes_markup():
    evil = sequence('<img src=x onerror="alert(1)">', n)
    model = Model({evil[t]: f(W * evil[t - 1])}, loss=Loss.last(evil))
    html = "".join(one._repr_html_() for one in model.derivations())
    assert "<img" not in html


@pytest.mark.parametrize("latex", [r"\nosuchcommand{<b>}", "{" * 100_000 + "<b>" + "}" * 100_000])
def test_what_is_beyond_mathml_is_shown_as_it_is_written(latex):
    """The second would end the process."""
    found = mathml(latex)
    assert found.startswith("<code>")
    assert "<b>" not in found


def test_a_power_of_a_matrix_keeps_its_exponent():
    """W W is SymPy's W², and was shown as matpow(W)."""
    W = sp.MatrixSymbol("W", n, n)
    assert show(W * W * W.T) == "W^(2) Wᵀ"
