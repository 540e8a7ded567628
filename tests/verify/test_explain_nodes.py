"""Explanations of claims with functions of several arguments, arrays by entries, stacks, inverses, norms."""

import numpy as np
import pytest
import sympy as sp

from derive.errors import BackproofError
from derive.language.build import diag, hadamard, matadd, matmul, sequence, transpose, vec
from derive.language.convolution import SLIDES, Convolution, convolve, correlate, flip
from derive.language.derivatives import BlockJacobian, Gradient, Jacobian
from derive.language.functions import elementwise, function
from derive.language.nodes import (
    Blocks,
    Component,
    ComponentSum,
    Delta,
    Det,
    Entries,
    Inverse,
    Norm,
    Scale,
    Slot,
    Tr,
    Vec,
)
from derive.model import Loss, Model, Time
from tests.verify.explained import check_same, printed
from verify.check import settle
from verify.claim import Assumption, Claim
from verify.explain import program
from verify.explain.matrices import determinant, inverse
from verify.explain.numbers import Jet, plain
from verify.limits import Effort

n, m = sp.symbols("n m", integer=True, positive=True)
t, T, i, j, k = sp.symbols("t T i j k", integer=True)
A, B, C = sp.MatrixSymbol("A", n, m), sp.MatrixSymbol("B", n, n), sp.MatrixSymbol("C", n, n)
u, y, z, c = (sp.MatrixSymbol(name, size, 1) for name, size in (("u", n), ("y", n), ("z", m), ("c", 1)))
G = function("G", {"a": n, "b": m}, 1)
H = function("H", {"A": (n, m), "B": (n, n)}, m, n)
Q = function("Q", {"a": n, "b": n}, n)
f, tanh = elementwise("f"), elementwise("\\tanh", "tanh")
x, h, s = sequence("x", m), sequence("h", n), sequence("s", n)
F = function("F", {"x": m, "h": n}, n)
RNN = Model({h[t]: F(x[t], h[t - 1])}, loss=Loss.last(h), time=Time(1, t))
CURVED = Model({h[t]: F(x[t], tanh(h[t - 1]))}, loss=Loss.last(h), time=Time(1, t))
E = RNN.losses[0].symbol
STATIC = Model({}, time=Time(1, t))
value = G(y, z)
ONE, ZERO = sp.OneMatrix(1, 1), sp.ZeroMatrix(1, 1)


def by_slot(applied, name, of):
    return Jacobian(applied, of.slot(name))


def second(form, first, then):
    return Jacobian(transpose(Jacobian(form, first)), then)


def column(*parts):
    return Blocks(tuple((part,) for part in parts))


INNER = Entries(Component(y, i), i, None, n, ())
EXACT = {
    "values": (STATIC, G(matadd(y, y), z), G(y, z)),
    "arguments have an order": (STATIC, Q(y, matadd(u, u)), Q(matmul(2, u), y)),
    "the other slot": (STATIC, Jacobian(Q(y, u), y), by_slot(Q(y, u), "b", Q)),
    "one argument in two slots": (STATIC, Jacobian(Q(y, y), y), matmul(2, by_slot(Q(y, y), "a", Q))),
    "functions of functions": (STATIC, Jacobian(Q(Q(y, u), u), y),
                               matmul(by_slot(Q(y, u), "a", Q), by_slot(Q(Q(y, u), u), "a", Q))),
    "a gradient by slot": (STATIC, Gradient(value, y), matmul(2, Gradient(value, G.slot("a")))),
    "by a matrix": (STATIC, Jacobian(vec(H(matmul(B, A), B)), vec(A)),
                    Jacobian(vec(H(matmul(B, A), B)), Vec(Slot(1, n, m)))),
    "by rows": (STATIC, Jacobian(vec(H(A, B), "row"), Vec(H.slot("B"), "row")), Jacobian(vec(H(A, B), "row"), vec(B))),
    "in blocks": (STATIC, BlockJacobian(transpose(H(A, B)), H.slot("B")),
                  BlockJacobian(transpose(H(A, C)), H.slot("B"))),
    "inside a trace": (STATIC, Gradient(Tr(matmul(A, H(A, B))), B), Gradient(Tr(matmul(H(A, C), A)), C)),
    "mixed": (STATIC, second(value, y, z), second(G(matmul(2, y), z), y, z)),
    "twice by one": (STATIC, second(value, y, y), matmul(2, second(value, y, y))),
    "a slot moved by an argument": (STATIC, second(value, G.slot("a"), z), matmul(2, second(value, G.slot("a"), z))),
    "a network": (RNN, Jacobian(h[t], h[t - 2]),
                  matmul(by_slot(h_next := F(x[t], h[t - 1]), "h", F), by_slot(h_next, "h", F))),
    "a loss of a network": (RNN, Gradient(E, x[t - 1]), matmul(transpose(by_slot(F(x[t - 1], h[t - 2]), "x", F)),
                                                                Gradient(E, h[t]))),
    "in balls": (CURVED, Jacobian(h[t], h[t - 1]), by_slot(F(x[t], tanh(h[t - 1])), "h", F)),
    "in balls, by x": (CURVED, Jacobian(h[t], x[t]), matmul(2, by_slot(F(x[t], tanh(h[t - 1])), "x", F))),
    "entries transposed": (STATIC, Entries(Component(A, i, j), j, i, m, n), hadamard(transpose(A), transpose(A))),
    "letters swapped": (STATIC, Entries(Component(B, j, i), i, j, n, n), B),
    "an entry of a column": (STATIC, transpose(Entries(Component(B, i, j), i, None, n, ())),
                             Entries(Component(B, j, i), None, i, (), n)),
    "a captured letter": (STATIC, Entries(matmul(Component(u, i), Component(INNER, i)), i, None, n, ()),
                          Scale(matmul(transpose(u), y), sp.OneMatrix(n, 1))),
    "a delta": (STATIC, Entries(Scale(Delta(i, j), Component(u, i)), i, j, n, n), diag(f(u))),
    "a derivative of entries": (STATIC, Jacobian(Entries(ComponentSum(matmul(Component(A, i, j), Component(z, j)), j),
                                                         i, None, n, ()), z), matmul(2, A)),
    "a stack": (STATIC, column(u, z), column(matmul(2, u), z)),
}  # fmt: skip


def explained(left, right, model, tmp_path, examples=0, fails="they differ at", **more):
    """Refuted, and the program prints what the report shows."""
    verdict = settle(Claim(left, right, model, **more), Effort(examples=examples))
    assert verdict.verdict == "refuted", verdict.message
    text = program(verdict.claim, verdict.counterexample, "this")
    assert "import verify" not in text
    check_same(printed(text, tmp_path), verdict.counterexample, fails)
    return verdict.counterexample, text


@pytest.mark.parametrize("name", EXACT)
def test_an_exact_counterexample(name, tmp_path):
    model, left, right = EXACT[name]
    example, _ = explained(left, right, model, tmp_path, 12 if model is CURVED else 0)
    assert not example.is_numeric


p = sp.Symbol("p", integer=True, positive=True)
w, K = sp.MatrixSymbol("w", p, 1), sp.MatrixSymbol("K", p, p)
SLID = {
    **{kind: (STATIC, Convolution(kind, y, w), Convolution(kind, matmul(2, y), w)) for kind in SLIDES},
    "in two dimensions": (STATIC, convolve(B, K, full=True), correlate(B, K, full=True)),
    "a flip": (STATIC, flip(A), A),
    "a kernel's derivative": (STATIC, Jacobian(correlate(y, w), w), Jacobian(convolve(y, w), w)),
    "a gradient": (STATIC, Gradient(matmul(transpose(correlate(y, w)), correlate(y, w)), y),
                   convolve(correlate(y, w), w, full=True)),
    "in a function": (STATIC, f(correlate(y, w)), convolve(f(y), w)),
}  # fmt: skip


@pytest.mark.parametrize("name", SLID)
def test_a_kernel_slides_in_the_program_too(name, tmp_path):
    """The normal form does not know convolution: numeric witnesses confirm."""
    model, left, right = SLID[name]
    example, _ = explained(left, right, model, tmp_path, 12)
    assert not example.is_numeric


# --- by two numeric witnesses alone --------------------------------------------------------------------------------

NUMERIC = {
    "an inverse": (Inverse(matmul(B, C)), matmul(Inverse(B), Inverse(C))),
    "a gradient through an inverse": (
        Gradient(matmul(transpose(u), Inverse(B), y), B),
        matmul(transpose(Inverse(B)), u, transpose(y), transpose(Inverse(B)))),
    "det": (Det(matadd(B, C)), matadd(Det(B), Det(C))),
    "a gradient of det": (Gradient(Det(B), B), Scale(Det(B), Inverse(B))),
    "the Jacobian of a solution": (Jacobian(matmul(Inverse(B), f(u)), u), Inverse(B)),
    "norms": (Norm(A), Norm(A, "F")),
    "a gradient of a norm": (Gradient(Norm(u), u), u),
    "a norm of a stack": (Norm(column(u, z)), matadd(Norm(u), Norm(z))),
    "a component": (Component(Inverse(B), i, j), Component(Inverse(B), j, i)),
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in NUMERIC if name != "the Jacobian of a solution"])
def test_a_counterexample_of_numeric_witnesses(name, tmp_path):
    """The inputs are what went into the witnesses, digit by digit, so the program sees what they saw."""
    example, _ = explained(*NUMERIC[name], STATIC, tmp_path, 12)
    assert example.is_numeric
    assert not example.times


def test_an_unknown_function_that_numbers_drew_is_no_table():
    """The counterexample holds no values of f: the reason is said, no half of a program is printed."""
    verdict = settle(Claim(*NUMERIC["the Jacobian of a solution"], STATIC), Effort(examples=12))
    assert verdict.verdict == "refuted"
    with pytest.raises(BackproofError, match="drew f at random; the counterexample has no table of it"):
        program(verdict.claim, verdict.counterexample, "this")


@pytest.mark.parametrize("model", [RNN, Model({h[t]: matmul(B, h[t - 1])}, loss=Loss.last(h), time=Time(1, t))])
def test_an_unknown_function_in_the_model_is_one_as_well(model):
    """F, or a loss of which a gradient is asked."""
    verdict = settle(Claim(Norm(Gradient(E, h[t - 1])), Norm(Gradient(E, h[t])), model), Effort(examples=12))
    assert verdict.verdict == "refuted"
    with pytest.raises(BackproofError, match=r"drew [FE] at random"):
        program(verdict.claim, verdict.counterexample, "this")


@pytest.mark.parametrize(
    ("left", "relation", "right"),
    [
        (Norm(matadd(u, y)), ">=", matadd(Norm(u), Norm(y))),
        (matadd(Norm(u), Norm(y)), "<=", Norm(matadd(u, y))),
        (matmul(2, Norm(u)), "<", Norm(u)),
        (Norm(u), ">", matmul(2, Norm(u))),
        (Norm(u), "!=", Norm(transpose(u))),
        (Norm(tanh(u)), "<=", matmul(sp.Rational(1, 2), Norm(u))),
    ],
)
def test_an_inequality(left, relation, right, tmp_path):
    _, text = explained(left, right, STATIC, tmp_path, 12, f"left {relation} right fails at (1, 1)", relation=relation)
    assert text.rstrip().endswith(f'compare(left, right, "{relation}")')


def test_a_bound_is_shown_with_its_value(tmp_path):
    beta = sp.MatrixSymbol("beta", 1, 1)
    model = Model({s[t]: matmul(B, s[t - 1])}, loss=Loss.last(s), time=Time(1, t))
    assumptions = (Assumption("bound", Norm(B), beta),)
    example, _ = explained(
        Norm(s[t]), Norm(Scale(beta, s[t - 2])), model, tmp_path, 12, "left <= right fails at (1, 1)",
        relation="<=", assumptions=assumptions,
    )  # fmt: skip
    assert float(example.values["beta"][0][0]) == pytest.approx(np.linalg.norm(numbers(example.values["B"]), 2))


# --- what a shrunk instance keeps ----------------------------------------------------------------------------------


def numbers(rows):
    return np.array(rows, dtype=float)


KEPT = {
    "orthogonal": (lambda b: abs(b.T @ b - np.eye(len(b))).max() < 1e-12, B, transpose(B)),
    "symmetric": (lambda b: (b == b.T).all(), Inverse(B), matadd(B, B)),
    "diagonal": (lambda b: (b == np.diag(np.diag(b))).all(), Inverse(B), matadd(B, B)),
    "positive": (lambda b: (b > 0).all(), Inverse(B), matadd(B, B)),
    "invertible": (lambda b: abs(np.linalg.det(b)) > 1e-6, Det(B), ZERO),
    "sum_one": (lambda b: b.sum() == 1, Det(B), ONE),
    "one_hot": (lambda b: sorted(b.flat)[-2:] == [0, 1] or b.size == 1, Det(B), Norm(B, "F")),
}


@pytest.mark.parametrize("kind", KEPT)
def test_a_counterexample_of_numeric_witnesses_keeps_what_is_assumed(kind, tmp_path):
    """An orthogonal matrix with its entries set to 0 one by one would refute nothing."""
    is_kept, left, right = KEPT[kind]
    assumptions = (Assumption(kind, B), *((Assumption("invertible", B),) if left.has(Inverse) else ()))
    example, _ = explained(left, right, STATIC, tmp_path, 12, assumptions=assumptions)
    assert is_kept(numbers(example.values["B"]))


def test_only_what_a_claim_reaches_is_shown(tmp_path):
    """Another claim of the model drew C before."""
    settle(Claim(Det(C), Det(matmul(2, C)), STATIC), Effort(examples=12))
    example, _ = explained(Det(B), Det(matmul(2, B)), STATIC, tmp_path, 12)
    assert list(example.values) == ["B"]


# --- the arithmetic that is copied ---------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_inverses_and_determinants_with_derivatives(size):
    """A A⁻¹ = I and det A⁻¹ det A = 1 exactly, with all their first and second derivatives."""
    random = np.random.default_rng(size)
    a = random.integers(-5, 6, (size, size)).astype(object) + 20 * np.eye(size, dtype=int).astype(object)
    for level in (1, 2):
        a = a + np.array([[Jet(level, 0, int(d)) for d in row] for row in random.integers(-3, 4, (size, size))])

    def coefficients(entry):
        return [entry] if not isinstance(entry, Jet) else coefficients(entry.a) + coefficients(entry.b)

    found = inverse(a)
    for place, entry in np.ndenumerate(a @ found):
        first, *rest = coefficients(entry)
        assert (first, set(rest) <= {0}) == (int(place[0] == place[1]), True)
    first, *rest = coefficients((determinant(a) * determinant(found))[0, 0])
    assert (first, set(rest) <= {0}) == (1, True)
    expected = sp.Matrix([[int(plain(entry)) for entry in row] for row in a]).det()
    assert plain(determinant(a)[0, 0]) == expected
