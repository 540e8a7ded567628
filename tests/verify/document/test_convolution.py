"""Convolution in documents: signs as declared, names without a declaration, and what is refused, with its place."""

import pytest

from derive.document import as_document
from derive.language.build import matadd, ones, sequence
from derive.language.convolution import SLIDES, correlate
from derive.language.functions import elementwise
from derive.language.nodes import Scale
from derive.latex.signs import DECLARED_OPERATORS
from derive.model import Loss, Model, Time
from derive.recurrence import gradient
from verify.document.statements import read
from verify.judge import Judge
from verify.limits import Effort

HEAD = r"""```backproof
symbols: {x: n, w: k, v: k, X: n x m, K: k x l, Q: k x k, b: 1, y: n - k + 1, z: 1 + n - k, u: -k + n + 1, a: n - k,
          '\delta': n-k+1, E: loss(y)}
operators: {"*": OPERATOR, "\\star": convolve, "\\circledast": convolve full, "\\ast": correlate full}
layout: numerator
gradient: shape
given: ['1', 'd']
```
$$y = \operatorname{correlate}(x, w) + b \mathbf{1} \tag{1}$$
$$\delta = \frac{\partial E}{\partial y} \tag{d}$$
"""


def entry(formula, operator="correlate", head=HEAD):
    document = read("notes.md", head.replace("OPERATOR", operator) + f"$${formula} \\tag{{c}}$$\n")
    assert not document.errors, document.errors
    (found,) = [e for e in Judge(document, Effort(examples=8)).entries() if e.role == "claim"]
    return found.verdict


def test_the_four_slides_may_be_declared():
    assert set(SLIDES) <= set(DECLARED_OPERATORS)


PROVED = [
    r"\frac{\partial E}{\partial x} = \delta \circledast w",
    r"\frac{\partial E}{\partial x} = \delta \ast \operatorname{flip}(w)",
    r"\frac{\partial E}{\partial x} = \operatorname{convolve}_{\text{full}}(\delta, w)",
    r"\frac{\partial E}{\partial x} = \operatorname{convolve}_{\mathrm{full}}\left(\delta, w\right)",
    r"\frac{\partial E}{\partial w} = x * \delta",
    r"\frac{\partial E}{\partial w} = x \star \operatorname{rot180}(\delta)",
    r"y - b \mathbf{1} = x * w",
    r"(2 x) * w = 2 (x * w)",
    r"x * w + x \star w = \operatorname{correlate}(x, w + \operatorname{flip}(w))",
    r"(x * w)^\top = x^\top * w^\top",
    r"z - z + x * w = u - u + x * w",
    r"\operatorname{rot180}(X) * \operatorname{rot180}(K) = \operatorname{rot180}(X) \star K",
    r"\sum_{i} \left[x * w\right]_i = \mathbf{1}^\top (x * w)",
]  # fmt: skip


@pytest.mark.parametrize("formula", PROVED)
def test_what_is_proved(formula):
    head = HEAD.replace("given:", "indices: {i: component}\ngiven:")
    assert entry(formula, head=head).verdict == "proved", entry(formula, head=head).message


@pytest.mark.parametrize("operator", SLIDES)
def test_a_sign_means_what_is_declared(operator):
    """The same line under each declaration: true of one of them."""
    full = r"_{\mathrm{full}}"
    names = {kind: rf"\operatorname{{{kind.split()[0]}}}" + full * kind.endswith("full") for kind in SLIDES}
    same = {kind: entry(f"x * w = {name}(x, w)", operator).verdict for kind, name in names.items()}
    assert same[operator] == "proved"
    assert [kind for kind, verdict in same.items() if verdict != "refuted"] == [operator]


REFUSED = [
    (r"x * w * v = 0", "unreadable", "convolutions side by side"),
    (r"x * w \odot v = 0", "unreadable", "correlate and ⊙ side by side"),
    (r"x * 2 = x", "unreadable", "of two arrays, not of a number"),
    (r"\operatorname{correlate}(x) = x", "unreadable", "takes two arguments, the kernel last"),
    (r"\operatorname{correlate}(x, w, v) = x", "unreadable", "takes two arguments, the kernel last"),
    (r"\operatorname{correlate}_{\mathrm{same}}(x, w) = x", "unreadable", r"no script but _{\mathrm{full}}"),
    (r"\operatorname{correlate}^2(x, w) = x", "unreadable", r"no script but _{\mathrm{full}}"),
    (r"\operatorname{flip}_{\mathrm{full}}(w) = w", "unreadable", "flip takes no scripts"),
    (r"\operatorname{flip}(X) = X", "unreadable", "rot180 is of both"),
    (r"x * w = a", "refuted", "correlate(x, w) is n - k + 1×1, but a is n - k×1"),
    (r"w * x = y", "refuted", "correlate(w, x) is k - n + 1×1"),
    (r"x * w^\top = y", "refuted", "the kernel wᵀ (1×k) does not fit into x (n×1)"),
]


@pytest.mark.parametrize(("formula", "verdict", "message"), REFUSED)
def test_what_is_refused_says_why(formula, verdict, message):
    found = entry(formula)
    assert message in found.message, found.message
    assert found.verdict == verdict


def test_a_flip_of_layers_of_different_sizes_is_refused():
    """One size for all layers decides contractions; a flip is none."""
    head = r"""```backproof
symbols: {'h^{l}': n_l, 'g^{l}': n_l}
indices: {l: 1..L}
given: ['1']
```
$$h^{l} = \operatorname{flip}(g^{l}) \tag{1}$$
"""
    found = entry(r"h^{l} = \operatorname{flip}(g^{l})", head=head)
    assert found.verdict == "unreadable"
    assert "a convolution" in found.message


def test_what_derive_prints_is_proved():
    """Gradients by kernel, bias and input through steps, with symbolic sizes n - k + 1."""
    import sympy as sp

    n, k = sp.symbols("n k", integer=True, positive=True)
    t = sp.Symbol("t", integer=True)
    x, z, s = sequence("x", n), sequence("z", n - k + 1), sequence("s", n - k + 1)
    w, b = sp.MatrixSymbol("w", k, 1), sp.MatrixSymbol("b", 1, 1)
    forward = matadd(correlate(x[t], w), Scale(b, ones(n - k + 1, 1)))
    model = Model({z[t]: forward, s[t]: elementwise("f")(z[t])}, loss=Loss.every(s), time=Time(1, t))
    found = [gradient(model, by).named(name) for name, by in (("w", w), ("b", b), ("x", x[t]))]
    document = read("derived.md", as_document("Derived", found))
    assert not document.errors, document.errors
    verdicts = {e.id: e.verdict.verdict for e in Judge(document, Effort(examples=8)).entries() if e.role == "claim"}
    assert verdicts == {"w": "proved", "b": "proved", "x": "proved"}


MENDED = [
    (r"\frac{\partial E}{\partial x} = \delta \ast w", "correlate_full(δ, w) should be convolve_full(δ, w)"),
    (r"\frac{\partial E}{\partial x} = \delta * w", "correlate(δ, w) should be convolve_full(δ, w)"),
    (r"\frac{\partial E}{\partial w} = \delta * x", "correlate(δ, x) should be correlate(x, δ)"),
    (r"\frac{\partial E}{\partial w} = \operatorname{correlate}(\delta, x)",
     "correlate(δ, x) should be correlate(x, δ)"),
    (r"\frac{\partial E}{\partial w} = x \star \delta", "convolve(x, δ) should be correlate(x, δ)"),
    (r"\frac{\partial E}{\partial w} = \operatorname{flip}(x * \delta)",
     "flip(correlate(x, δ)) should be correlate(x, δ)"),
    (r"\frac{\partial E}{\partial w} = -x * \delta", "-correlate(x, δ) should be correlate(x, δ)"),
]  # fmt: skip


@pytest.mark.parametrize(("formula", "words"), MENDED)
def test_a_slip_is_mended_by_a_line_that_is_proved(formula, words):
    """Refuted by value or by shape, and one edit away from the gradient."""
    found = entry(formula)
    assert found.verdict == "refuted"
    assert [repair.edit for repair in found.repairs][:1] == [words]
    assert entry(found.repairs[0].latex).verdict == "proved"


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("convolve full", r"\frac{\partial E}{\partial x} = \delta * w"),
        ("correlate full", r"\frac{\partial E}{\partial x} = \delta * \operatorname{flip}(w)"),
    ],
)
def test_a_later_block_gives_a_sign_another_meaning(kind, line):
    """The model keeps the sign that is declared at its own line."""
    head = HEAD.replace(r"\operatorname{correlate}(x, w)", "x * w").replace("OPERATOR", "correlate")
    block = f'<!-- backproof\noperators: {{"*": {kind}}}\n-->\n'
    document = read("notes.md", f"{head}{block}\n$${line} \\tag{{c}}$$\n")
    (found,) = [e for e in Judge(document, Effort(examples=8)).entries() if e.role == "claim"]
    assert found.verdict.verdict == "proved", found.verdict.message


def test_a_sum_up_to_a_number_runs_over_steps_where_its_letter_is_one():
    """Channels: Y = Σ_j W_j X S_j of a kernel of three entries is proved, each of its steps decided."""
    head = r"""```backproof
symbols: {X: c x n, Y: d x m, W_j: d x c, S_j: n x m, '\delta': d x m, E: loss(Y)}
indices: {j: 1..3}
layout: numerator
gradient: shape
given: ['1', 'd']
```
$$Y = \sum_{j=1}^{3} W_j X S_j \tag{1}$$
$$\delta = \frac{\partial E}{\partial Y} \tag{d}$$
"""
    found = entry(r"\frac{\partial E}{\partial W_j} = \delta S_j^\top X^\top", head=head)
    assert (found.verdict, found.times) == ("proved", "1 <= j <= 3")
    assert "each of the steps that there are" in found.message
    wrong = entry(r"\frac{\partial E}{\partial X} = \sum_{j=1}^{2} W_j^\top \delta S_j^\top", head=head)
    assert wrong.verdict == "refuted"
