"""Functions of several arguments in documents: declared, applied, derived by slot; a published derivation."""

import pytest
import sympy as sp

import derive
from derive.errors import BackproofError
from derive.language.derivatives import Jacobian
from derive.language.show import show
from derive.latex.printer import latex
from verify import api
from verify.document.interpret import Interpreter
from verify.document.statements import read

BLOCK = r"""```backproof
symbols: {x_t: m, h_t: n, w: p, W: n x n, v: n, c: 1,
          F: 'function(x: m, h: n, w: p) -> n', g: 'function(h: n, z: n) -> 1', f: elementwise,
          K: 'function(A: n x n, \theta_1: n) -> n x n', k: 'function(a: 1, b: 1) -> 1'}
time: 1..t
indices: {i: component, j: component}
layout: numerator
gradient: row
matrix: vec
vec: column
given: ['1']
```
$$h_t = F(x_t, h_{t-1}, w) \tag{1}$$
"""


def readings(formula, block=BLOCK):
    document = read("notes.md", f"{block}\n$$ {formula} \\tag{{c}} $$\n")
    assert not document.errors, document.errors
    statement = document.statements[-1]
    if statement.problem is not None:
        return [statement.problem]
    found = Interpreter(document).readings(statement, statement.links[0])
    return [reading.problem or reading.claim for reading in found]


def sides(formula, block=BLOCK):
    (claim,) = readings(formula, block)
    assert hasattr(claim, "left"), claim
    return show(claim.left), show(claim.right)


@pytest.mark.parametrize(
    ("formula", "left"),
    [
        (r"F(x_t, h_{t-1}, w) = v", "F(x[t], h[t-1], w)"),
        (r"F\left(x_t, W h_{t-1}, 0\right) = v", "F(x[t], W h[t-1], 0)"),
        (r"\frac{\partial F(x_t, h_{t-1}, w)}{\partial h_{t-1}} = W", "∂_h F(x[t], h[t-1], w)"),
        (r"\partial F(x_t, h_{t-1}, w)/\partial h_{t-1} = W", "∂_h F(x[t], h[t-1], w)"),
        (r"\partial_h F(x_t, h_{t-1}, w) = W", "∂_h F(x[t], h[t-1], w)"),
        (r"\nabla_h F(x_t, h_{t-1}, w) = W", "∂_h F(x[t], h[t-1], w)"),
        (r"\partial_{h_{t-1}} F(x_t, h_{t-1}, w) = W", "∂_h F(x[t], h[t-1], w)"),
        (r"\partial_h F(x_t, W v, w) W = W", "∂_h F(x[t], W v, w) W"),
        (r"\frac{\partial F(x_t, W v, w)}{\partial (W v)} = W", "∂_h F(x[t], W v, w)"),
        (r"\left(\partial_h F(x_t, h_{t-1}, w)\right)^\top = W", "(∂_h F(x[t], h[t-1], w))ᵀ"),
        (r"\frac{\partial^{+} F(x_t, h_{t-1}, w)}{\partial h_{t-1}} = W", "∂_h F(x[t], h[t-1], w)"),
        (r"\frac{\partial F(x_t, h_t, w)}{\partial h_{t-1}} = W", "∂F(x[t], h[t], w)/∂h[t-1]"),  # no argument: total
        (r"\frac{\partial g(v, v)}{\partial v} = v^\top", "(∂_h g(v, v))ᵀ + (∂_z g(v, v))ᵀ"),
        (r"\frac{\partial (g(v, v) + g(v, h_t))}{\partial v} = v^\top", "(∂(g(v, v) + g(v, h[t]))/∂v)ᵀ"),
        (r"\frac{\partial [F(x_t, v, w)]_i}{\partial v_j} = W_{ij}", "[∂_h F(x[t], v, w)]_i,j"),
        (r"\partial_{\theta_1} \operatorname{vec} K(W, v) = 0", "∂_θ_1 vec(K(W, v))"),
        (r"\frac{\partial K(W, v)}{\partial W} = 0", "∂_A vec(K(W, v))"),
        (r"k(c, 2) = c", "k(c, 2 I)"),
        (r"k(1, c) = c", "k(I, c)"),
        (r"\frac{\partial k(c, c)}{\partial c} = c", "∂_a k(c, c) + ∂_b k(c, c)"),
        (r"\partial_v g(v, W v) = v^\top", "(∂_h g(v, W v))ᵀ"),  # no slot's name, but the first argument
    ],
)
def test_what_is_written_is_read(formula, left):
    assert sides(formula)[0] == left


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        (r"F(x_t, w) = v", "F has the arguments (x, h, w), and 2 are written"),
        (r"F(x_t) = v", "F has the arguments (x, h, w), and 1 are written"),
        (r"F(h_{t-1}, x_t, w) = v", "F takes a m×1 as x, and h[t-1] is n×1"),
        (r"F(x_t, 3, w) = v", "a number stands where a n×1 is expected"),
        (r"F(x_t, h_t = v, w) = v", "an argument is a formula without a relation"),
        (r"F'(x_t, v, w) = v", "F takes no scripts before its argument"),
        (r"\frac{\partial F(x_t, v, w)}{\partial W v + v} = W", "no variable"),
    ],
)
def test_what_does_not_fit_is_named(formula, message):
    (problem,) = readings(formula)
    assert message in problem.message


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ("'function(x: m, h: n)'", "is no function; expected function(x: m, h: n) -> n"),
        ("'function(x: m, x: n) -> n'", "the argument x stands twice"),
        ("'function(x, h: n) -> n'", "'x' is no argument with its size"),
        ("'function(x: m x m x m) -> n'", "has 3 axes"),
        ("'function() -> n'", "is no argument with its size"),
    ],
)
def test_a_wrong_declaration_is_named_at_its_place(declared, message):
    document = read("notes.md", f"```backproof\nsymbols: {{F: {declared}}}\n```\n")
    (error,) = document.errors
    assert (error.place.line, error.place.column) == (2, 14)
    assert message in error.message


# --- backpropagation through time for an unknown recurrence ---------------------------------------------------------

# After Zhang, Lipton, Li and Smola, Dive into Deep Learning, §9.7 (the general recurrence h_t = f(x_t, h_{t-1}, w_h)).
RECURRENCE = r"""```backproof
symbols: {x_t: m, h_t: n, o_t: q, y_t: q, w_h: p, w_o: r, L: 1, f: 'function(x: m, h: n, w: p) -> n',
          g: 'function(h: n, w: r) -> q', l: 'function(y: q, o: q) -> 1'}
time: 1..T
indices: {t: 1..T, i: t, j: t}
layout: numerator
gradient: row
products: descending
partial: total
given: [h, o, L]
```
$$h_t = f(x_t, h_{t-1}, w_h) \tag{h}$$
$$o_t = g(h_t, w_o) \tag{o}$$
$$L = \frac{1}{T} \sum_{t=1}^{T} l(y_t, o_t) \tag{L}$$
"""


def d(above, below):
    """∂above/∂below as a fraction."""
    return rf"\frac{{\partial {above}}}{{\partial {below}}}"


STATE = d("h_t", "w_h")
STEP, BACK = (d("f(x_t, h_{t-1}, w_h)", by) for by in ("w_h", "h_{t-1}"))
OUT = d("l(y_t, o_t)", "o_t") + d("g(h_t, w_o)", "h_t")
PATH = r"\prod_{j=i+1}^{t} " + d("f(x_j, h_{j-1}, w_h)", "h_{j-1}")
SHORT = PATH.replace("^{t}", "^{t-1}")
EARLIER = r"\sum_{i=1}^{t-1} \left( %s \right) " + d("f(x_i, h_{i-1}, w_h)", "w_h")
MEAN = r"\frac{1}{T} \sum_{t=1}^{T} "
LAST = r"\partial_o l(y_T, o_T) \partial_h g(h_T, w_o)"
LINES = {
    "linear": f"{d('L', 'w_h')} = {MEAN} {d('l(y_t, o_t)', 'w_h')}",
    "chain": f"{d('L', 'w_h')} = {MEAN} {OUT} {STATE}",
    "recurrence": f"{STATE} = {STEP} + {BACK} {d('h_{t-1}', 'w_h')}",
    "sum": f"{STATE} = {STEP} + {EARLIER % PATH}",
    "immediate": rf"\frac{{\partial^{{+}} h_t}}{{\partial w_h}} = {STEP}",
    "state": f"{d('h_t', 'h_{t-1}')} = {BACK}",
    "last": rf"{d('L', 'h_T')} = \frac{{1}}{{T}} {LAST}",
    "output": rf"{d('L', 'w_o')} = {MEAN} \partial_o l(y_t, o_t) \partial_w g(h_t, w_o)",
    "backwards": rf"{d('L', 'h_{t-1}')} = {d('L', 'h_t')} {BACK}"
    r" + \frac{1}{T} \partial_o l(y_{t-1}, o_{t-1}) \partial_h g(h_{t-1}, w_o)",
}
SLIPS = {
    "the immediate term alone": f"{STATE} = {STEP}",
    "the immediate term dropped": f"{STATE} = {BACK} {d('h_{t-1}', 'w_h')}",
    "the product one short": f"{STATE} = {STEP} + {EARLIER % SHORT}",
    "another step": f"{STATE} = {STEP} + {d('f(x_{t-1}, h_{t-2}, w_h)', 'h_{t-2}')} {d('h_{t-1}', 'w_h')}",
    "a transpose": rf"{STATE} = {STEP} + \left({BACK}\right)^\top {d('h_{t-1}', 'w_h')}",
    "immediate for total": f"{d('L', 'w_h')} = {MEAN} {OUT} {STEP}",
    "no mean": f"{d('L', 'h_T')} = {LAST}",
    "no direct term": f"{d('L', 'h_{t-1}')} = {d('L', 'h_t')} {BACK}",
}


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    lines = [f"$${text} \\tag{{{name}}}$$" for name, text in {**LINES, **SLIPS}.items()]
    path = tmp_path_factory.mktemp("documents") / "recurrence.md"
    path.write_text(RECURRENCE + "\n\n".join(lines) + "\n", encoding="utf-8")
    return api.document(path)


@pytest.mark.parametrize("name", LINES)
def test_the_published_lines_hold(report, name):
    assert report[name].verdict == "proved"


@pytest.mark.parametrize("name", SLIPS)
def test_every_slip_is_refuted_with_a_counterexample(report, name):
    found = report[name]
    assert found.verdict == "refuted"
    assert found.counterexample is not None


# --- losses of plain names --------------------------------------------------------------------------------------------

LOSS = r"""```backproof
symbols: {a: n, b: m, c: p, W: n x p, s_t: n, J: 'loss(a, c)', E: 'loss(last s, c)', f: elementwise}
time: 1..t
layout: numerator
gradient: shape
given: ['1', '2']
```
$$a = f(W c) \tag{1}$$
$$s_t = f(s_{t-1} + W c) \tag{2}$$
"""
DIRECT, DIRECT_C = (rf"\frac{{\partial^{{+}} J}}{{\partial {by}}}" for by in "ac")


@pytest.mark.parametrize(
    ("formula", "verdict"),
    [
        (rf"{d('J', 'c')} = \left({d('a', 'c')}\right)^\top {DIRECT} + {DIRECT_C}", "proved"),
        (rf"\frac{{\partial J}}{{\partial a}} = {DIRECT}", "proved"),
        (rf"\frac{{\partial J}}{{\partial W}} = \left(f'(W c) \odot {DIRECT}\right) c^\top", "proved"),
        (r"\frac{\partial J}{\partial b} = 0", "proved"),
        (r"\frac{\partial J}{\partial c} = \frac{\partial^{+} J}{\partial c}", "refuted"),
        (rf"\frac{{\partial J}}{{\partial W}} = {DIRECT} c^\top", "refuted"),
        (r"\frac{\partial E}{\partial s_t} = \frac{\partial^{+} E}{\partial s_t}", "proved"),
        (r"\frac{\partial E}{\partial c} = \frac{\partial^{+} E}{\partial c}", "refuted"),
        (r"\frac{\partial^{+} J}{\partial b} = 0", "unreadable"),
    ],
)
def test_total_and_direct_derivatives_of_a_loss_of_plain_names(tmp_path, formula, verdict):
    path = tmp_path / "loss.md"
    path.write_text(f"{LOSS}\n$${formula} \\tag{{c}}$$\n", encoding="utf-8")
    assert api.document(path)["c"].verdict == verdict


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ("loss(q)", "depends on q, which is not declared"),
        ("loss(s, a)", "s has steps: say last s or each s"),
        ("loss(last a)", "a has no step: say a alone"),
        ("loss(each s, a)", "give it by an equation"),
    ],
)
def test_a_loss_that_cannot_be_meant_is_named(declared, message):
    document = read("notes.md", f"```backproof\nsymbols: {{a: n, s_t: n, J: '{declared}'}}\ntime: 1..t\n```\n")
    assert message in document.errors[0].message


# --- what derive prints -----------------------------------------------------------------------------------------------


def test_what_is_derived_of_an_unknown_recurrence_is_printed_and_proved(tmp_path):
    """Jacobians, the δ recursion, the sums over steps: arguments that are formulas are derived by the slot's name."""
    n, m, p = sp.symbols("n m p", integer=True, positive=True)
    t, k = sp.symbols("t k", integer=True)
    x, h = derive.sequence("x", m), derive.sequence("h", n)
    w, W = sp.MatrixSymbol("w", p, 1), sp.MatrixSymbol("W", n, n)
    F = derive.function("F", {"x": m, "h": n, "w": p}, n)
    model = derive.Model({h[t]: F(x[t], W * h[t - 1], w)}, derive.Loss.last(h), derive.Time(1, t))
    names = {"h": "\\delta"}
    found = (
        derive.jacobian(model, h[t], w).named("J"),
        derive.jacobian(model, h[t], h[k]).named("P"),
        derive.delta(model, h[k], names=names).named("D"),
        derive.gradient(model, w, names=names).named("w"),
        derive.gradient(model, W, names=names).named("W"),
    )
    path = tmp_path / "derived.md"
    path.write_text(derive.as_document("An unknown recurrence", found), encoding="utf-8")
    report = api.document(path)
    assert {one.name: report[one.name].verdict for one in found} == dict.fromkeys("JPDwW", "proved")
    assert "\\partial_{h} F" in derive.as_latex(found)  # the steps are written too


def test_a_total_derivative_that_would_read_as_the_one_by_a_slot_is_not_printed():
    n = sp.Symbol("n", integer=True, positive=True)
    v, Q = sp.MatrixSymbol("v", n, 1), derive.function("Q", {"a": n, "b": n}, n)
    with pytest.raises(BackproofError, match="would be read as the derivative by a slot"):
        latex(Jacobian(Q(v, v), v))
    assert latex(Jacobian(Q(v, v), Q.slot("b"))) == r"\partial_{b} Q(v, v)"
