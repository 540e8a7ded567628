"""Identities without time: what is true at every size is equal, what is true at some sizes only differs."""

import itertools
import random

import pytest
import sympy as sp

from derive.language import nodes
from derive.language.build import diag, divide, hadamard, kron, matadd, matmul, negate, transpose, vec
from derive.language.derivatives import Gradient, Jacobian
from derive.language.functions import elementwise
from derive.language.nodes import Commutation, Component, ComponentSum, Delta, Power, Scale, Softmax, Tr
from derive.model import Model
from verify.claim import Assumption, Claim, Condition
from verify.deciders import normal_form

n, m, p = sp.symbols("n m p", integer=True, positive=True)
i, j = sp.symbols("i j", integer=True)
A, B, C, D, W, V = (sp.MatrixSymbol(name, n, n) for name in "ABCDWV")
X, M, P = sp.MatrixSymbol("X", m, p), sp.MatrixSymbol("M", n, m), sp.MatrixSymbol("P", p, n)
s, z, y = (sp.MatrixSymbol(name, n, 1) for name in "szy")
one, ID, unit = sp.OneMatrix(n, 1), sp.Identity(n), sp.Identity(1)
zero, zero_vector, zero_scalar = sp.ZeroMatrix(n, n), sp.ZeroMatrix(n, 1), sp.ZeroMatrix(1, 1)
ones = matmul(one, transpose(one))
T = transpose
f = elementwise("f")
tanh, sigmoid, exp, log, relu, sqrt = (
    elementwise(kind, kind) for kind in ("tanh", "sigmoid", "exp", "log", "relu", "sqrt")
)
STATIC = Model({})


def outcome(left, right, **more):
    return normal_form.decide_at(Claim(left, right, STATIC, **more), {})


def total(vector):
    return matmul(T(one), vector)


def minus(left, right):
    return matadd(left, negate(right))


def commutator(left, right):
    return minus(matmul(left, right), matmul(right, left))


def sign(order):
    return (-1) ** sum(order[a] > order[b] for a in range(len(order)) for b in range(a + 1, len(order)))


S4 = matadd(*(matmul(sign(q), *((A, B, C, D)[place] for place in q)) for q in itertools.permutations(range(4))))
HALL = commutator(matmul(commutator(A, B), commutator(A, B)), C)
CAYLEY = matadd(
    matmul(A, A),
    negate(Scale(Tr(A), A)),
    matmul(sp.Rational(1, 2), Scale(minus(matmul(Tr(A), Tr(A)), Tr(matmul(A, A))), ID)),
)
PAIRS = matadd(Scale(total(s), ones), negate(matmul(s, T(one))), negate(matmul(one, T(s))))  # 1ᵀs - s_i - s_j
DOUBLED = minus(Scale(total(s), one), matmul(2, s))
OUTER = matadd(matmul(s, T(one)), matmul(one, T(s)))
p_z = Softmax(z)
CROSS = negate(matmul(T(y), log(p_z)))

SKEW = [exp(matadd(ones, tensor, negate(T(tensor)))) for tensor in (W, V)]  # a + aᵀ = 2: both products are e²
SKEW_W, SKEW_V = (hadamard(power, T(power)) for power in SKEW)

EQUAL = {
    "diag f(W+V) = diag f(W+Vᵀ)": (Component(f(matadd(W, V)), i, i), Component(f(matadd(W, T(V))), i, i)),
    "(11ᵀ-I) ⊙ (f(W+I) - f(W)) = 0": (hadamard(minus(ones, ID), minus(f(matadd(W, ID)), f(W))), zero),
    "f(W)ᵀ = f(Wᵀ)": (T(f(W)), f(T(W))),
    "f(W+Wᵀ) is symmetric": (f(matadd(W, T(W))), T(f(matadd(W, T(W))))),
    "f(z 1ᵀ) = f(z) 1ᵀ": (f(matmul(z, T(one))), matmul(f(z), T(one))),
    "f(diag z) by cases": (f(diag(z)), matadd(diag(f(z)), hadamard(minus(ones, ID), f(zero)))),
    "tr(MXP) = tr(XPM)": (Tr(matmul(M, X, P)), Tr(matmul(X, P, M))),
    "vec(MXP) = (Pᵀ⊗M) vec X": (vec(matmul(M, X, P)), matmul(kron(T(P), M), vec(X))),
    "vec by rows": (vec(matmul(M, X, P), "row"), matmul(kron(M, T(P)), vec(X, "row"))),
    "K vec M = vec Mᵀ": (matmul(Commutation(n, m), vec(M)), vec(T(M))),
    "Hessian of zᵀAz": (Jacobian(Gradient(matmul(T(z), A, z), z), z), matadd(A, T(A))),
    "d tr(AB)": (Gradient(Tr(matmul(A, B)), A), T(B)),
    "d tr(AA)": (Gradient(Tr(matmul(A, A)), A), matmul(2, T(A))),
    "tanh": (tanh(z), divide(minus(exp(z), exp(negate(z))), matadd(exp(z), exp(negate(z))))),
    "tanh'": (tanh.prime(z), minus(one, hadamard(tanh(z), tanh(z)))),
    "tanh''": (tanh.prime.prime(z), matmul(-2, hadamard(tanh(z), tanh.prime(z)))),
    "tanh is odd": (tanh(negate(z)), negate(tanh(z))),
    "σ'": (sigmoid.prime(z), hadamard(sigmoid(z), minus(one, sigmoid(z)))),
    "σ(-z) = 1 - σ(z)": (sigmoid(negate(z)), minus(one, sigmoid(z))),
    "softmax Jacobian": (Jacobian(p_z, z), minus(diag(p_z), matmul(p_z, T(p_z)))),
    "Σ softmax = 1": (total(p_z), unit),
    "f of softmax": (f(p_z), f(Scale(divide(unit, total(exp(z))), exp(z)))),
    "cross-entropy": (Gradient(CROSS, z), minus(Scale(total(y), p_z), y)),
    "log-sum-exp": (Gradient(log(total(exp(z))), z), p_z),
    "relu": (relu(z), hadamard(z, relu.prime(z))),
    "relu''": (relu.prime.prime(z), zero_vector),
    "√": (hadamard(sqrt(z), sqrt(z)), z),
    "d√": (Jacobian(sqrt(z), z), diag(divide(matmul(sp.Rational(1, 2), one), sqrt(z)))),
    "mean of ones": (matmul(1 / n, T(one), one), unit),
    "1/(n+1)": (Scale(matmul(1 / (n + 1), unit), matadd(matmul(n, z), z)), z),
    "A³": (Power(A, 3), matmul(A, A, A)),
    "Σ_j A_ij s_j": (ComponentSum(matmul(Component(A, i, j), Component(s, j)), j), Component(matmul(A, s), i)),
    "∂f(z)_i/∂z_j": (Component(Jacobian(f(z), z), i, j), Scale(Delta(i, j), Component(f.prime(z), i))),
}
DIFFER = {
    "n = 2: 1ᵀf((1ᵀs)1 - s) = 1ᵀf(s)": (total(f(minus(Scale(total(s), one), s))), total(f(s))),
    "n = 3: f(1ᵀs - s_a - s_b)": (
        minus(matmul(T(one), f(PAIRS), one), total(f(DOUBLED))),
        matmul(2, total(f(s))),
    ),
    "n = 4: Σ_{a≠b}": (
        minus(matmul(T(one), f(PAIRS), one), total(f(DOUBLED))),
        minus(matmul(T(one), f(OUTER), one), total(f(matmul(2, s)))),
    ),
    "Hall": (HALL, zero),
    "S_4": (S4, zero),
    "Cayley-Hamilton": (CAYLEY, zero),
    "(tr I - 2) A": (Scale(minus(Tr(ID), matmul(2, unit)), A), zero),
    "(f(nx)-f(3x))⊙(f(nx)-f(4x))": (
        hadamard(minus(f(matmul(n, s)), f(matmul(3, s))), minus(f(matmul(n, s)), f(matmul(4, s)))),
        zero_vector,
    ),
    "(2^61-1) W": (matmul(2305843009213693951, W), zero),
    "f(W+V) = f(W+Vᵀ)": (f(matadd(W, V)), f(matadd(W, T(V)))),
    "f(W+I) = f(W)": (f(matadd(W, ID)), f(W)),
    "f(W-Wᵀ) symmetric": (f(minus(W, T(W))), T(f(minus(W, T(W))))),
    "tr(ACB)": (Tr(matmul(A, B, C)), Tr(matmul(A, C, B))),
    "vec with swapped factors": (vec(matmul(A, B, C)), matmul(kron(A, T(C)), vec(B))),
    "tanh' = 1 - tanh": (tanh.prime(z), minus(one, tanh(z))),
    "coth for tanh": (tanh(z), divide(matadd(exp(z), exp(negate(z))), minus(exp(z), exp(negate(z))))),
    "softmax with z": (Jacobian(p_z, z), minus(diag(p_z), matmul(p_z, T(z)))),
    "cross-entropy without 1ᵀy = 1": (Gradient(CROSS, z), minus(p_z, y)),
    "f and g": (f(z), elementwise("g")(z)),
    "f and f'": (f(z), f.prime(z)),
    "A diag(tanh') B = A B": (matmul(A, diag(tanh.prime(z)), B), matmul(A, B)),
    "A diag(σ') tanh(s) = A tanh(s)": (matmul(A, diag(sigmoid.prime(z)), tanh(s)), matmul(A, tanh(s))),
}
# tanh(z) = (σ² - (1 - σ)²)/(σ² + (1 - σ)²), σ = σ(z): no law but the exponentials of both says so
BOTH = (
    hadamard(tanh(z), matadd(one, matmul(-2, sigmoid(z)), matmul(2, hadamard(sigmoid(z), sigmoid(z))))),
    minus(matmul(2, sigmoid(z)), one),
)


@pytest.mark.parametrize("name", EQUAL)
def test_true_at_every_size(name):
    assert outcome(*EQUAL[name]).outcome == "equal"


@pytest.mark.parametrize("name", DIFFER)
def test_false_at_some_size(name):
    assert outcome(*DIFFER[name]).outcome == "differ"


def test_slopes_refute_without_exponentials():
    """In a contracted slot exponentials leave the reciprocal of a sum, which is unknown; and they cost."""
    session = normal_form.Session()
    for name in ("A diag(tanh') B = A B", "A diag(σ') tanh(s) = A tanh(s)"):
        assert normal_form.decide_at(Claim(*DIFFER[name], STATIC), {}, session=session).outcome == "differ"
    assert session.store.used == {"σ' = σ (1 - σ)"}


def test_two_functions_of_one_argument_are_never_refuted_by_slopes():
    """tanh(z) and σ(z) depend on each other, and so do tanh(z) and tanh(-z)."""
    assert outcome(*BOTH).outcome == "equal"
    for left, right in (BOTH, (tanh(negate(z)), negate(tanh(z))), (sigmoid(negate(z)), minus(one, sigmoid(z)))):
        for weight in (A, T(s)):  # a product with any matrix stays true
            assert outcome(matmul(weight, left), matmul(weight, right)).outcome != "differ"


def test_laws_that_were_used_are_named():
    """tanh by exponentials uses two laws; a matrix identity none."""
    session = normal_form.Session()
    for _ in range(2):  # remembered results bring their laws back
        claim = Claim(*EQUAL["tanh"], STATIC)
        detail = normal_form.decide_at(claim, {}, session=session).detail
        assert "exp(-z) = 1/exp(z)" in detail
        assert "tanh = (e^z - e^-z)/(e^z + e^-z)" in detail
        assert normal_form.decide_at(Claim(*EQUAL["f(W)ᵀ = f(Wᵀ)"], STATIC), {}, session=session).detail == ""


def test_an_assumed_sum_is_a_rewrite():
    """Softmax with cross-entropy: ∂E/∂z = o - y where 1ᵀy = 1; only of y, and only that."""
    left, right = DIFFER["cross-entropy without 1ᵀy = 1"]
    assert outcome(left, right, assumptions=(Assumption("sum_one", y),)).outcome == "equal"
    assert outcome(left, right, assumptions=(Assumption("sum_one", total(y), unit),)).outcome == "equal"
    assert outcome(left, right, assumptions=(Assumption("sum_one", s),)).outcome == "differ"
    assert outcome(total(f(y)), unit, assumptions=(Assumption("sum_one", y),)).outcome == "differ"
    assert outcome(f(Scale(total(y), z)), f(z), assumptions=(Assumption("sum_one", y),)).outcome == "equal"


def test_an_unknown_assumption_stops_a_refutation():
    """A claim may hold because of what is assumed: nothing is said then."""
    assert outcome(A, zero, assumptions=(Assumption("orthogonal", A),)).outcome == "unknown"
    assert outcome(A, A, assumptions=(Assumption("orthogonal", A),)).outcome == "equal"


def test_declared_symmetry():
    """A = Aᵀ where A is declared symmetric, and AB = (AB)ᵀ still not."""
    symmetric = (Assumption("symmetric", A),)
    assert outcome(A, T(A), assumptions=symmetric).outcome == "equal"
    assert outcome(f(matadd(A, B)), T(f(matadd(A, T(B)))), assumptions=symmetric).outcome == "equal"
    assert outcome(matmul(A, B), T(matmul(A, B)), assumptions=symmetric).outcome == "differ"
    assert outcome(Gradient(Tr(A), A), ID, assumptions=symmetric).outcome == "unknown"


def test_conditions_on_component_letters():
    """∂f(z)_i/∂z_j is 0 for i ≠ j, f'(z_i) for i = j, and neither without the condition."""
    entry = Component(Jacobian(f(z), z), i, j)
    zero_entry, slope = Component(zero, i, j), Component(f.prime(z), i)
    for right, relation in ((zero_entry, "!="), (zero_entry, "<"), (slope, "=")):
        assert outcome(entry, right, conditions=(Condition(i, relation, j),)).outcome == "equal"
        assert outcome(entry, right).outcome == "differ"
    assert outcome(entry, slope, conditions=(Condition(i, "!=", j),)).outcome == "differ"
    assert outcome(entry, slope, conditions=(Condition(i, "=", sp.Integer(1)),)).outcome == "unknown"


@pytest.mark.parametrize(
    ("left", "right", "reason"),
    [
        (exp(matadd(z, y)), hadamard(exp(z), exp(y)), "exponentials"),
        (exp(matmul(2, z)), hadamard(exp(z), exp(z)), "exponentials"),
        (SKEW_W, SKEW_V, "exponentials"),
        (log(hadamard(z, y)), matadd(log(z), log(y)), "log"),
        (relu(z), matadd(z, relu(negate(z))), "relu"),
        (nodes.Norm(z), nodes.Norm(negate(z)), "norm"),
        (divide(one, minus(z, z)), one, "1/0"),
        (divide(unit, minus(total(p_z), unit)), divide(zero_scalar, minus(total(p_z), unit)), "1/0"),
        (Power(A, sp.Symbol("e", integer=True)), A, "e"),
    ],
    ids=["exp(z+y)", "exp(2z)", "exp(a)exp(-a+2)", "log(zy)", "relu(-z)", "norm", "1/0", "1/(Σ softmax - 1)", "A^e"],
)
def test_outside_the_fragment_nothing_is_claimed(left, right, reason):
    """Laws that are not applied may make a claim true: unknown, with the construct named."""
    found = outcome(left, right)
    assert found.outcome == "unknown"
    assert reason in found.detail


def test_concrete_sizes_are_never_refuted():
    """Hall's identity holds for 2×2 matrices."""
    small = [sp.MatrixSymbol(name, 2, 2) for name in "ABC"]
    inner = commutator(small[0], small[1])
    found = outcome(commutator(matmul(inner, inner), small[2]), sp.ZeroMatrix(2, 2))
    assert found.outcome == "unknown"
    assert "concrete size 2" in found.detail


def test_a_relation_other_than_equality_is_left_open():
    assert normal_form.decide_at(Claim(Tr(A), Tr(A), STATIC, "<="), {}).outcome == "unknown"


def test_limits_are_named():
    """Π(A + P_k) has 2^18 terms."""
    factors = [matadd(A, sp.MatrixSymbol(f"P{k}", n, n)) for k in range(18)]
    claim = Claim(matmul(*factors), zero, STATIC)
    few = normal_form.decide_at(claim, {}, limits=normal_form.Limits(terms=500))
    assert (few.outcome, few.detail) == ("limit", "terms > 500")
    short = normal_form.decide_at(claim, {}, limits=normal_form.Limits(seconds=0.05))
    assert (short.outcome, short.detail) == ("limit", "seconds > 0.05")


K6 = [(a, b) for a in range(6) for b in range(a)]
PETERSEN = (
    [(a, (a + 1) % 5) for a in range(5)] + [(a, a + 5) for a in range(5)] + [(5 + a, 5 + (a + 2) % 5) for a in range(5)]
)
PRISM = (
    [(a, (a + 1) % 5) for a in range(5)] + [(a, a + 5) for a in range(5)] + [(5 + a, 5 + (a + 1) % 5) for a in range(5)]
)


FRUCHT = [(a, (a + 1) % 12) for a in range(12)] + [(0, 7), (1, 11), (2, 10), (3, 5), (4, 9), (6, 8)]


def graph(edges, order):
    """Σ Π A_ab over the edges ab: a number that depends on the graph alone."""
    letters = [sp.Symbol(f"v{k}", integer=True) for k in order]
    body = hadamard(*(Component(A, letters[a], letters[b]) for a, b in edges))
    for letter in letters:
        body = ComponentSum(body, letter)
    return body


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("edges", "count"), [(K6, 6), (PETERSEN, 10), (FRUCHT, 12)], ids=["K_6", "Petersen", "Frucht"])
def test_graphs_are_canonical(edges, count, seed):
    """Relabelled, reordered and turned edges give the same form; another graph does not."""
    draw = random.Random(seed)
    order = list(range(count))
    draw.shuffle(order)
    turned = [(b, a) if draw.random() < 0.5 else (a, b) for a, b in edges]
    draw.shuffle(turned)
    symmetric = (Assumption("symmetric", A),)
    limits = normal_form.Limits(seconds=1.0)  # milliseconds suffice; without automorphisms it takes minutes
    same = Claim(graph(edges, range(count)), graph(turned, order), STATIC, assumptions=symmetric)
    assert normal_form.decide_at(same, {}, limits=limits).outcome == "equal"
    directed = Claim(graph(edges, range(count)), graph(turned, order), STATIC)
    assert normal_form.decide_at(directed, {}, limits=limits).outcome == "differ"


def test_regular_graphs_that_refinement_cannot_tell_apart():
    """The Petersen graph and the pentagonal prism are both cubic with ten vertices."""
    claim = Claim(
        graph(PETERSEN, range(10)), graph(PRISM, range(10)), STATIC, assumptions=(Assumption("symmetric", A),)
    )
    assert normal_form.decide_at(claim, {}).outcome == "differ"


def test_repeated_closed_components():
    """(dᵀs)^10 in two groupings."""
    dot = matmul(T(z), s)
    left, right = unit, unit
    for _ in range(10):
        left, right = matmul(left, dot), matmul(matmul(T(s), z), right)
    assert outcome(left, right).outcome == "equal"
    assert outcome(left, matmul(2, right)).outcome == "differ"
