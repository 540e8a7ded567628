"""Arrays by entries: laws that every witness accepts, and slips that are refuted."""

import pytest
import sympy as sp

from derive.errors import RuleError, ShapeError
from derive.language.build import diag, hadamard, matadd, matmul, sequence, transpose
from derive.language.derivatives import Collect, FamilyDerivative, Gradient, Jacobian
from derive.language.functions import elementwise
from derive.language.letters import component_letters
from derive.language.nodes import Component, ComponentSum, Delta, Entries, Scale, TimeSum, Tr
from derive.language.shapes import axes
from derive.language.show import show
from derive.language.substitute import free_letters, substitute
from derive.latex import latex
from derive.model import Loss, Model, Time
from verify.check import settle
from verify.claim import Claim
from verify.induction.certificate import decode, encode
from verify.limits import Effort

n, m = sp.symbols("n m", integer=True, positive=True)
t, k, a, i, j, p, q = sp.symbols("t k a i j p q", integer=True)
A, B, S = sp.MatrixSymbol("A", n, m), sp.MatrixSymbol("B", n, m), sp.MatrixSymbol("S", n, n)
U, W = sp.MatrixSymbol("U", n, m), sp.MatrixSymbol("W", n, n)
u, v, w, c = (sp.MatrixSymbol(name, size, 1) for name, size in (("u", n), ("v", n), ("w", m), ("c", 1)))
f = elementwise("f")
x, s, net = sequence("x", m), sequence("s", n), sequence("Net", n)
E = sp.MatrixSymbol("E", 1, 1)
EFFORT = Effort(examples=12)
STATIC = Model({}, time=Time(1, t))


def column(body, letter=i, size=n):
    return Entries(body, letter, None, size, ())


def matrix(body, row=i, col=j, rows=n, cols=m):
    return Entries(body, row, col, rows, cols)


# Net_t by its entries: [Net_t]_i = Σ_j U_ij [x_t]_j + Σ_j W_ij [s_{t-1}]_j
BY_ENTRIES = matadd(
    ComponentSum(matmul(Component(U, i, j), Component(x[t], j)), j),
    ComponentSum(matmul(Component(W, i, j), Component(s[t - 1], j)), j),
)
RNN = Model({net[t]: column(BY_ENTRIES), s[t]: f(net[t])}, loss=Loss.last(s), time=Time(1, t))


def by_entry(y, variable, mode="total"):
    """∂y/∂X_ij."""
    return column(Component(Gradient(Component(y, a), variable, mode), i, j), a)


IMMEDIATE = FamilyDerivative(net[t], U, "immediate")
LAWS = {
    "entries of A": (matrix(Component(A, i, j)), A),
    "the other way round": (matrix(Component(A, i, j), j, i, m, n), transpose(A)),
    "a product by entries": (column(ComponentSum(matmul(Component(A, i, j), Component(w, j)), j)), matmul(A, w)),
    "a row of A": (matmul(Entries(Component(A, i, j), None, j, (), m), w), Component(matmul(A, w), i)),
    "a column of A": (matmul(transpose(u), column(Component(A, i, j))), Component(matmul(transpose(u), A), None, j)),
    "the identity": (Entries(Delta(i, j), i, j, n, n), sp.Identity(n)),
    "a unit vector": (matmul(S, column(Delta(i, j))), column(Component(S, i, j))),
    "diag": (Entries(Scale(Delta(i, j), Component(u, i)), i, j, n, n), diag(u)),
    "constant": (column(c), Scale(c, sp.OneMatrix(n, 1))),
    "constant along columns": (matrix(Component(u, i)), matmul(u, sp.OneMatrix(1, m))),
    "a trace": (Tr(Entries(Component(S, j, i), i, j, n, n)), Tr(S)),
    "a component again": (Component(matrix(matmul(Component(u, i), Component(w, j))), p, q),
                          matmul(Component(u, p), Component(w, q))),
    "one letter over two axes": (matmul(column(Component(u, i)), transpose(column(Component(w, i), size=m))),
                                 matmul(u, transpose(w))),
    "nested, one letter": (column(matmul(Component(u, i), Component(column(Component(v, i)), i))), hadamard(u, v)),
    "a function": (matrix(Component(f(A), i, j)), f(matrix(Component(A, i, j)))),
    "a function of a sum": (column(f(matadd(Component(u, i), Component(v, i)))), f(matadd(u, v))),
    "a sum that lacks a letter": (ComponentSum(matadd(Component(u, i), Tr(S)), i),
                                  matadd(matmul(sp.OneMatrix(1, n), u), matmul(n, Tr(S)))),
    "Jacobian": (Jacobian(column(ComponentSum(matmul(Component(A, i, j), Component(w, j)), j)), w), A),
    "gradient": (Gradient(ComponentSum(matmul(Component(u, i), Component(u, i)), i), u), matmul(2, u)),
    "derivative by an entry": (by_entry(net[t], U, "immediate"), column(matmul(Delta(a, i), Component(x[t], j)), a)),
    "Jacobian of the recurrence": (Jacobian(net[t], net[t - 1]), matmul(W, diag(f.prime(net[t - 1])))),
    "loss": (Gradient(E, U), TimeSum(matmul(Gradient(E, net[k]), transpose(x[k])), k, 1, t)),
    "chain by entries": (column(ComponentSum(matmul(Component(Gradient(E, net[t]), j), Component(W, j, i)), j)),
                         Gradient(E, s[t - 1])),
    "a family": (Collect(matmul(sp.OneMatrix(1, n), column(Component(IMMEDIATE, i)))),
                 matmul(sp.OneMatrix(n, 1), transpose(x[t]))),
}  # fmt: skip

SLIPS = {
    "transposed": (matrix(Component(A, i, j), j, i, m, n), hadamard(transpose(A), transpose(A))),
    "letters swapped": (Entries(Component(S, j, i), i, j, n, n), S),
    "a column for a row": (transpose(column(Component(S, i, j))), Entries(Component(S, j, i), None, i, (), n)),
    "the diagonal alone": (column(Component(S, i, i)), matmul(S, sp.OneMatrix(n, 1))),
    "a captured letter": (column(matmul(Component(u, i), Component(column(Component(v, i)), i))),
                          Scale(matmul(transpose(u), v), sp.OneMatrix(n, 1))),
    "a function": (column(f(Component(u, i))), column(f.prime(Component(u, i)))),
    "a constant counted once": (ComponentSum(matadd(Component(u, i), Tr(S)), i),
                                matadd(matmul(sp.OneMatrix(1, n), u), Tr(S))),
    "derivative by an entry": (by_entry(net[t], U, "immediate"),
        column(matmul(Delta(a, i), Component(s[t - 1], i)), a)),
    "the other entry": (by_entry(net[t], W, "immediate"), column(matmul(Delta(a, j), Component(s[t - 1], i)), a)),
    "chain transposed": (column(ComponentSum(matmul(Component(Gradient(E, net[t]), j), Component(W, i, j)), j)),
                         Gradient(E, s[t - 1])),
    "loss of the step before": (Gradient(E, U), TimeSum(matmul(Gradient(E, net[k]), transpose(x[k])), k, 1, t - 1)),
}  # fmt: skip


@pytest.mark.parametrize("name", LAWS)
def test_a_law_is_proved(name):
    """Both deciders and every numeric witness that can evaluate it."""
    verdict = settle(Claim(*LAWS[name], RNN), EFFORT)
    assert verdict.verdict == "proved", verdict.message
    numeric = [outcome for outcome in verdict.witnesses if outcome.witness not in ("prime field", "normal form")]
    assert sum(outcome.outcome == "equal" for outcome in numeric) >= 3


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_is_refuted(name):
    verdict = settle(Claim(*SLIPS[name], RNN), EFFORT)
    assert verdict.verdict == "refuted", verdict.message
    assert any(outcome.outcome == "differ" for outcome in verdict.witnesses[2:])


BAD = [
    (Entries(Component(A, i, j), i, j, m, n), "runs over two axes"),
    (Entries(A, i, j, n, m), "an entry is a scalar"),
    (Entries(Component(S, i, j), i, i, n, n), "both rows and columns"),
    (Entries(Component(u, i), i, None, (), ()), "needs no letter"),
    (Entries(c, None, None, n, ()), "needs a letter"),
    (Entries(Component(u, i), i, None, (n, m), ()), "needs one basic size"),
]


@pytest.mark.parametrize(("formula", "message"), BAD)
def test_axes_are_compared_strictly(formula, message):
    with pytest.raises(ShapeError, match=message):
        axes(formula)


def test_sides_that_let_a_letter_run_over_two_axes_are_refused():
    with pytest.raises(ShapeError, match="two axes"):
        Claim(Component(u, i), Component(w, i), STATIC)


def test_letters_are_bound_and_others_stay_free():
    row = Entries(Component(A, i, j), None, j, (), m)
    assert component_letters(row) == {i: (n,)}
    assert free_letters(row) == {i, n, m}
    assert component_letters(matmul(column(Component(u, i)), transpose(w))) == {}


def test_substitution_renames_a_bound_letter():
    """A letter that is put in for a free one is not captured."""
    row = Entries(Component(A, i, j), None, j, (), m)
    changed = substitute(row, {i: j})
    assert component_letters(changed) == {j: (n,)}
    assert changed.col not in (i, j)
    assert substitute(row, {j: p}) == row


@pytest.mark.parametrize("law", ["a row of A", "derivative by an entry", "nested, one letter"])
def test_a_certificate_keeps_entries(law):
    for side in LAWS[law]:
        assert decode(encode(side)) == side


PRINTED = [
    (Entries(Component(A, i, j), None, j, (), m), "A_{i:}", "⟨[A]_i,j⟩_jᵀ"),
    (Entries(Component(A, i, j), j, None, m, ()), r"A_{i:}^\top", "⟨[A]_i,j⟩_j"),
    (column(Component(A, i, j)), "A_{:j}", "⟨[A]_i,j⟩_i"),
    (by_entry(net[t], W), r"\frac{\partial \mathrm{Net}_t}{\partial W_{ij}}", None),
    (matrix(matmul(Component(u, i), Component(w, j))), r"\left(u_{i} w_{j}\right)_{ij}", "⟨[u]_i [w]_j⟩_i,j"),
    (Entries(matmul(2, Component(w, j)), None, j, (), m), r"\left(2 w_{j}\right)_{j}^\top", "⟨2 [w]_j⟩_jᵀ"),
]


@pytest.mark.parametrize(("formula", "tex", "plain"), PRINTED)
def test_entries_are_printed(formula, tex, plain):
    assert latex(formula) == tex
    assert plain is None or show(formula) == plain


def test_no_rule_differentiates_entries():
    """derive says so, and names the node."""
    with pytest.raises(RuleError, match="Entries"):
        RNN.jacobian(net[t], x[t])
