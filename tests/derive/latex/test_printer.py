"""The printed LaTeX: golden strings, one row a node, parentheses by precedence, and what is read back."""

import pytest
import sympy as sp

from derive.derivation import jacobian
from derive.errors import BackproofError
from derive.language import nodes
from derive.language.build import diag, divide, hadamard, kron, matadd, matmul, negate, ones, sequence, transpose, vec
from derive.language.convolution import convolve, correlate, flip
from derive.language.derivatives import BlockJacobian, Collect, FamilyDerivative, Gradient, Jacobian
from derive.language.functions import elementwise
from derive.language.shapes import NODE_TYPES
from derive.latex import latex
from derive.latex.conventions import Conventions
from derive.latex.printer import ROWS, TEXTBOOK, Printer, fitting, missing_rows
from derive.models.letters import E, U, W, b, k, n, net, s, t, x, y, z
from derive.models.systems import system

f = elementwise("f")
i, j, a = (sp.Symbol(letter, integer=True) for letter in ("i", "j", "a"))
upper = sequence("\\mathrm{Net}^{l}", n)
W_f = sp.MatrixSymbol("W_f", n, n)
STEP = matmul(W, diag(f.prime(net[i])))

STEP_TEXT = r"W \operatorname{diag}\left[f'(\mathrm{Net}_i)\right]"
GOLDEN = [
    (matmul(W, diag(f.prime(net[t - 1]))), r"W \operatorname{diag}\left[f'(\mathrm{Net}_{t-1})\right]"),
    (transpose(s[t]), r"s_t^\top"),
    (kron(transpose(s[t - 1]), sp.Identity(n)), r"s_{t-1}^\top \otimes I_n"),
    (nodes.TimeSum(matmul(s[k], transpose(s[k - 1])), k, 1, t), r"\sum_{k=1}^{t} s_k s_{k-1}^\top"),
    (nodes.TimeProduct(STEP, i, k, t - 1, "descending"), r"\prod_{i=k}^{t-1} " + STEP_TEXT),
    (Jacobian(net[t], net[t - 1]), r"\frac{\partial \mathrm{Net}_t}{\partial \mathrm{Net}_{t-1}}"),
    (
        Jacobian(vec(net[t]), vec(W), "immediate"),
        r"\frac{\partial^{+} \operatorname{vec} \mathrm{Net}_t}{\partial \operatorname{vec} W}",
    ),
    (Gradient(E, W), r"\frac{\partial E}{\partial W}"),
    (Gradient(E, net[t]), r"\frac{\partial E}{\partial \mathrm{Net}_t}"),
    (transpose(Gradient(E, net[t])), r"\left(\frac{\partial E}{\partial \mathrm{Net}_t}\right)^\top"),
    (
        nodes.Component(Jacobian(net[t], s[t - 1]), i, j),
        r"\left(\frac{\partial \mathrm{Net}_t}{\partial s_{t-1}}\right)_{ij}",
    ),
    (nodes.Component(W, i, j), "W_{ij}"),
    (nodes.Component(s[t], i), r"\left[s_t\right]_{i}"),
    (nodes.Delta(i, j), r"\delta_{ij}"),
    (nodes.ComponentSum(nodes.Component(s[t], i), i), r"\sum_{i} \left[s_t\right]_{i}"),
    (matadd(ones(n, 1), negate(hadamard(f(b), f(b)))), r"\mathbf{1} - f(b) \odot f(b)"),
    (matmul(ones(1, n), b), r"\mathbf{1}^\top b"),
    (upper[t], r"\mathrm{Net}^{l}_t"),
    (transpose(upper[t]), r"\left(\mathrm{Net}^{l}_t\right)^\top"),
    (sequence("z_f", n)[t - 1], "z_{f,t-1}"),
    (elementwise("f^{l-1}").prime(b), "f'^{l-1}(b)"),
    (elementwise("\\tanh", "tanh")(b), r"\tanh(b)"),
    (nodes.Softmax(z[t]), r"\operatorname{softmax}(z_t)"),
    (nodes.Tr(matmul(W, W)), r"\operatorname{tr}(W W)"),
    (nodes.Norm(W), r"\left\|W\right\|"),
    (nodes.Norm(W, "F"), r"\left\|W\right\|_F"),
    (nodes.Power(W, t - k), "W^{t-k}"),
    (nodes.Commutation(n, sp.Integer(2)), "K_{n,2}"),
    (correlate(x[t], b), r"\operatorname{correlate}\left(x_t, b\right)"),
    (convolve(b, flip(b), full=True),
     r"\operatorname{convolve}_{\mathrm{full}}\left(b, \operatorname{flip}\left(b\right)\right)"),
    (transpose(flip(W)), r"\operatorname{rot180}\left(W\right)^\top"),
    (sp.Identity(n - sp.Symbol("k", integer=True, positive=True) + 1), "I_{n-k+1}"),
    (divide(b, matmul(transpose(b), b)), r"\frac{1}{b^\top b} b"),
    (FamilyDerivative(W, W), r"\frac{\partial W}{\partial W}"),
    (Collect(matmul(transpose(s[t]), FamilyDerivative(W, W), s[t])), r"s_t^\top \frac{\partial W}{\partial W} s_t"),
    (BlockJacobian(W, W), r"\frac{\partial W}{\partial W}"),
    (sp.ZeroMatrix(n, n), "0"),
    (matmul(sp.Rational(1, 2), W), r"\frac{1}{2} W"),
    # parentheses: juxtaposition tighter than ⊙ and ⊗, these tighter than +; Σ and Π last or in parentheses
    (matmul(matadd(W, W), b), r"\left(W + W\right) b"),
    (matmul(hadamard(W, W), b), r"\left(W \odot W\right) b"),
    (hadamard(matmul(W, b), b), r"W b \odot b"),
    (hadamard(matadd(b, b), b), r"\left(b + b\right) \odot b"),
    (matmul(W, negate(b)), "-W b"),
    (matadd(b, negate(matadd(b, b))), r"b - \left(b + b\right)"),
    (matadd(negate(b), b), "-b + b"),
    (matmul(kron(W, W), vec(W)), r"\left(W \otimes W\right) \operatorname{vec}(W)"),
    (kron(kron(W, W), W), r"W \otimes W \otimes W"),
    (kron(W, kron(W, W)), r"W \otimes \left(W \otimes W\right)"),
    (hadamard(kron(W, W), kron(W, W)), r"\left(W \otimes W\right) \odot \left(W \otimes W\right)"),
    (matmul(transpose(b), nodes.TimeProduct(STEP, i, 1, t, "descending")), r"b^\top \prod_{i=1}^{t} " + STEP_TEXT),
    (matmul(nodes.TimeProduct(W, i, 1, t, "descending"), b), r"\left(\prod_{i=1}^{t} W\right) b"),
    (nodes.TimeSum(matadd(s[k], b), k, 1, t), r"\sum_{k=1}^{t} \left(s_k + b\right)"),
    (matadd(nodes.TimeSum(s[k], k, 1, t), b), r"\sum_{k=1}^{t} s_k + b"),
    (nodes.Scale(matmul(transpose(b), b), W), r"\left(b^\top b\right) W"),
    (transpose(matmul(W, W)), r"\left(W W\right)^\top"),
    (diag(f(matmul(W, f(b)))), r"\operatorname{diag}\left[f\left(W f(b)\right)\right]"),
    (Jacobian(matadd(matmul(U, x[t]), b), b), r"\frac{\partial \left(U x_t + b\right)}{\partial b}"),
]  # fmt: skip


@pytest.mark.parametrize(("formula", "expected"), GOLDEN, ids=[text for _, text in GOLDEN])
def test_golden(formula, expected):
    """What a textbook would print."""
    assert latex(formula) == expected


def test_every_node_has_a_row():
    """The table is complete, and holds nothing else."""
    assert missing_rows() == ()
    assert set(ROWS) == set(NODE_TYPES)


def test_a_missing_row_would_be_seen(monkeypatch):
    """The completeness test can fail."""
    monkeypatch.delitem(ROWS, nodes.Diag)
    assert missing_rows() == (nodes.Diag,)
    with pytest.raises(BackproofError, match="Diag is no node"):
        latex(diag(b))


def test_conventions_turn_derivatives():
    """Denominator layout and the shape convention print the same nodes the other way."""
    other = Conventions("denominator", "shape", "family", "column", "descending", "total")
    node = Jacobian(net[t], net[t - 1])
    plain = r"\frac{\partial \mathrm{Net}_t}{\partial \mathrm{Net}_{t-1}}"
    assert latex(node, TEXTBOOK) == plain
    assert latex(transpose(node), other) == plain
    assert latex(node, other) == rf"\left({plain}\right)^\top"
    assert latex(Gradient(E, s[t]), other) == r"\frac{\partial E}{\partial s_t}"
    shifted = Conventions("numerator", "transposed", "family", "column", "descending", "total")
    assert latex(Gradient(E, W), shifted) == r"\left(\frac{\partial E}{\partial W}\right)^\top"


def test_what_conventions_cannot_say_is_refused():
    """Nothing is printed that would be read otherwise."""
    with pytest.raises(BackproofError, match="cannot be written under matrix: family; it needs matrix: block"):
        latex(BlockJacobian(W, W), TEXTBOOK)
    with pytest.raises(BackproofError, match="cannot be written under vec: column; it needs vec: row"):
        latex(vec(W, "row"), TEXTBOOK)
    with pytest.raises(BackproofError, match="it needs products: ascending"):
        latex(nodes.TimeProduct(W, i, 1, t, "ascending"), TEXTBOOK)
    with pytest.raises(BackproofError, match="no node of the formula language"):
        latex(sp.Inverse(W))


def test_descending_under_ascending_runs_its_bounds_down():
    """Bounds that run down are descending whatever is declared; Π_{i=t-1}^{k} would be read as an empty range."""
    ascending = Conventions("numerator", "row", "family", "column", "ascending", "total")
    assert latex(nodes.TimeProduct(W, i, 1, t, "descending"), ascending) == r"\prod_{t \ge i \ge 1} W"
    k = sp.Symbol("k", integer=True)
    assert latex(nodes.TimeProduct(W, i, k, t - 1, "descending"), ascending) == r"\prod_{t-1 \ge i \ge k} W"


def test_fitting_reads_what_a_formula_needs():
    """Rows and blocks choose their own conventions."""
    assert fitting(vec(W, "row")).vec == "row"
    assert fitting(BlockJacobian(W, W)).matrix == "block"
    assert fitting(W) == TEXTBOOK


def test_no_placeholder_of_sympy_is_printed():
    """Every formula and step of every system prints, without dummies, arrows or SymPy's own commands."""
    for name, choices in (
        ("rnn", {"loss": "outputs", "bias": True}),
        ("rnn", {"loss": "every"}),
        ("layers", {}),
        ("dense", {}),
    ):
        for derivation in system(name, **choices).quantities():
            texts = [derivation.latex(), *(latex(one.after) for one in derivation.steps)]
            for text in texts:
                assert not any(sign in text for sign in ("mapsto", "mathbb{I}", "mathbb{0}", "Dummy", "\\circ", "{T}"))
                assert text.count("{") == text.count("}")
                assert text.count("\\left") == text.count("\\right")


def test_notebooks_and_sympy_print_our_nodes():
    """sympy.latex, _repr_latex_ and str go through the language's own printers."""
    assert sp.latex(net[t - 1]) == r"\mathrm{Net}_{t-1}"
    assert diag(b)._repr_latex_() == r"$\displaystyle \operatorname{diag}\left[b\right]$"
    found = jacobian(system("rnn").model, net[t], s[t - 1])
    assert found._repr_latex_() == r"$\displaystyle \frac{\partial \mathrm{Net}_t}{\partial s_{t-1}} = W$"


def test_printer_reuses_one_convention():
    """A printer is its conventions."""
    assert Printer(TEXTBOOK).text(y[t]) == "y_t"


def test_letters_of_components():
    """A component of a product stands in parentheses."""
    assert latex(nodes.Component(matmul(W, s[t]), a)) == r"\left(W s_t\right)_{a}"
    assert latex(nodes.Component(W_f, i, j)) == r"\left(W_f\right)_{ij}"
