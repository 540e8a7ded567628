"""Unknown functions of several arguments: every law holds for every witness, and every witness refuses its opposite."""

import pytest
import sympy as sp

from derive.errors import ShapeError
from derive.language.build import matadd, matmul, negate, sequence, transpose, vec
from derive.language.derivatives import BlockJacobian, Gradient, Jacobian
from derive.language.functions import elementwise, function
from derive.language.nodes import Component, Scale, Slot, Tr, Vec
from derive.language.shapes import axes
from derive.language.show import show
from derive.model import Loss, Model, Time
from verify import counterexample
from verify.check import settle
from verify.claim import Claim
from verify.deciders import normal_form, prime_field
from verify.deciders.prime_field.arrays import Arrays, ndim
from verify.deciders.prime_field.decide import sides_of
from verify.deciders.prime_field.exact import Rationals
from verify.deciders.prime_field.limits import Limits
from verify.deciders.prime_field.program import compiled
from verify.deciders.prime_field.scope import Run
from verify.instances import draw
from verify.oracles.complex_step import ComplexStep
from verify.oracles.components import Components
from verify.oracles.differences import Differences
from verify.oracles.examination import examine
from verify.oracles.tangents import Tangents

n, m, p = sp.symbols("n m p", integer=True, positive=True)
t, T, i, k = sp.symbols("t T i k", integer=True)
x, h = sequence("x", m), sequence("h", n)
w, y, z, u = (sp.MatrixSymbol(name, size, 1) for name, size in (("w", p), ("y", n), ("z", m), ("u", n)))
A, B, C = sp.MatrixSymbol("A", n, m), sp.MatrixSymbol("B", n, n), sp.MatrixSymbol("C", n, n)
F = function("F", {"x": m, "h": n, "w": p}, n)
G = function("G", {"a": n, "b": m}, 1)
H = function("H", {"A": (n, m), "B": (n, n)}, m, n)
Q = function("Q", {"a": n, "b": n}, n)
f = elementwise("f")
RNN = Model({h[t]: F(x[t], h[t - 1], w)}, loss=Loss.last(h), time=Time(1, T))
STATIC = Model({})


def by_slot(applied, name, of):
    """∂/∂(slot) of an application of a function."""
    return Jacobian(applied, of.slot(name))


def second(form, first, then):
    """∂(∂form/∂first)ᵀ/∂then of a scalar."""
    return Jacobian(transpose(Jacobian(form, first)), then)


inner, outer, nested = f(matmul(B, y)), Q(f(matmul(B, y)), y), Q(Q(y, u), u)
value = G(y, z)
product = H(matmul(B, A), B)

LAWS = {  # left, right, and a wrong right
    "equal arguments give equal values": (G(matadd(y, y), z), G(matmul(2, y), z), G(y, z)),
    "arguments have an order": (Q(y, matadd(u, u)), Q(y, matmul(2, u)), Q(matmul(2, u), y)),
    "a slot holds the others": (by_slot(Q(y, u), "a", Q), Jacobian(Q(y, u), y), by_slot(Q(y, u), "b", Q)),
    "one argument in two slots moves both": (
        Jacobian(Q(y, y), y),
        matadd(by_slot(Q(y, y), "a", Q), by_slot(Q(y, y), "b", Q)),
        matmul(2, by_slot(Q(y, y), "a", Q)),
    ),
    "chain rule": (
        Jacobian(outer, y),
        matadd(matmul(by_slot(outer, "a", Q), Jacobian(inner, y)), by_slot(outer, "b", Q)),
        matmul(by_slot(outer, "a", Q), Jacobian(inner, y)),
    ),
    "functions of functions": (
        Jacobian(nested, y),
        matmul(by_slot(nested, "a", Q), by_slot(Q(y, u), "a", Q)),
        matmul(by_slot(Q(y, u), "a", Q), by_slot(nested, "a", Q)),
    ),
    "a gradient is the row transposed": (
        Gradient(value, y),
        transpose(by_slot(value, "a", G)),
        matmul(2, Gradient(value, G.slot("a"))),
    ),
    "matrices, by columns": (
        Jacobian(vec(product), vec(A)),
        matmul(Jacobian(vec(product), Vec(H.slot("A"))), Jacobian(vec(matmul(B, A)), vec(A))),
        Jacobian(vec(product), Vec(H.slot("A"))),
    ),
    "matrices, by rows": (
        Jacobian(vec(H(A, B), "row"), Vec(H.slot("B"), "row")),
        Jacobian(vec(H(A, B), "row"), vec(B, "row")),
        Jacobian(vec(H(A, B), "row"), vec(B)),
    ),
    "matrices, in blocks": (
        BlockJacobian(transpose(H(A, B)), H.slot("B")),
        BlockJacobian(transpose(H(A, B)), B),
        BlockJacobian(transpose(H(A, C)), H.slot("B")),
    ),
    "inside a trace": (
        Gradient(Tr(matmul(A, H(A, B))), B),
        Gradient(Tr(matmul(H(A, B), A)), B),
        Gradient(Tr(matmul(A, H(A, C))), C),
    ),
    "components": (
        Component(by_slot(Q(y, u), "b", Q), i, k),
        Component(Jacobian(Q(y, u), u), i, k),
        Component(Jacobian(Q(y, u), u), k, i),
    ),
}
CURVED = {
    "mixed second derivatives are symmetric": (
        second(value, y, z),
        transpose(second(value, z, y)),
        second(G(matmul(2, y), z), y, z),
    ),
    "second derivatives by one slot are symmetric": (
        second(value, y, y),
        transpose(second(value, y, y)),
        matmul(2, second(value, y, y)),
    ),
    "a slot's derivative moves with all arguments": (
        second(value, G.slot("a"), z),
        transpose(second(value, G.slot("b"), y)),
        matmul(2, second(value, G.slot("a"), z)),
    ),
}
EXACT = {"prime field": prime_field.decide_at, "normal form": normal_form.decide_at}
NUMERIC = {one.name: one for one in (Tangents(), ComplexStep(), Differences())}


def outcomes(claim):
    """Every witness's answer."""
    found = {name: decide(claim, {}).outcome for name, decide in EXACT.items()}
    found |= {name: examine(witness, claim, draw(claim, 4)).outcome for name, witness in NUMERIC.items()}
    return found | {"components": Components().examine(claim, draw(claim, 1)).outcome}


@pytest.mark.parametrize("name", [*LAWS, *CURVED])
def test_every_witness_accepts_the_law_and_refuses_its_opposite(name):
    left, right, wrong = {**LAWS, **CURVED}[name]
    letters = ("i", "k") if name == "components" else ()
    assert {str(letter) for letter in Claim(left, right, STATIC).letters} == set(letters)
    good, bad = outcomes(Claim(left, right, STATIC)), outcomes(Claim(left, wrong, STATIC))
    if name in CURVED:  # the exact components take a quadratic for F: its second derivative shows nothing
        assert good.pop("components") == bad.pop("components") == "unknown"
    assert set(good.values()) == {"equal"}, good
    assert set(bad.values()) == {"differ"}, bad


ZERO = sp.ZeroMatrix(n, n)
SQUARE = matmul(matadd(matmul(B, C), negate(matmul(C, B))), matadd(matmul(B, C), negate(matmul(C, B))))
HALL = matadd(matmul(SQUARE, B), negate(matmul(B, SQUARE)))  # [[B,C]²,B] = 0 at n = 2
R = function("R", {"M": (n, n)}, 1)
S = function("S", {"a": n}, 1)
loops = Tr(sp.Identity(n))


def at_scaled(number):
    return S(matmul(number, y))


FALSE_AT_LARGE_SIZES = {
    "Hall's identity inside, true at n ≤ 2": (R(HALL), R(ZERO)),
    "a loop inside, true at n = 3": (S(Scale(loops, y)), at_scaled(3)),
    "true at n = 3 and 4": (
        Scale(
            matadd(S(Scale(loops, y)), negate(at_scaled(3))),
            matadd(S(Scale(loops, y)), negate(at_scaled(4))),
        ),
        sp.ZeroMatrix(1, 1),
    ),
}


@pytest.mark.parametrize("name", FALSE_AT_LARGE_SIZES)
def test_identities_of_small_sizes_are_refuted(name):
    left, right = FALSE_AT_LARGE_SIZES[name]
    claim = Claim(left, right, STATIC)
    assert prime_field.decide_at(claim, {}).outcome == "differ"
    assert normal_form.decide_at(claim, {}).outcome == "differ"
    assert settle(claim).verdict == "refuted"


def claimed(right, left=None):
    return Claim(Jacobian(h[T], w) if left is None else left, right, RNN)


def at(step, slot):
    return by_slot(F(x[step], h[step - 1], w), slot, F)


before = Jacobian(h[T - 1], w)
PLANTED = {
    "the immediate term dropped": claimed(matmul(at(T, "h"), before)),
    "only the immediate term": claimed(at(T, "w")),
    "another step's Jacobian": claimed(matadd(at(T, "w"), matmul(at(T - 1, "h"), before))),
    "another step's parameter": claimed(matadd(at(T - 1, "w"), matmul(at(T, "h"), before))),
    "a transpose too many": claimed(matadd(at(T, "w"), matmul(transpose(at(T, "h")), before))),
    "the wrong member": claimed(matadd(at(T, "w"), matmul(at(T, "h"), Jacobian(h[T], w)))),
    "δ without its transpose": claimed(
        matmul(at(T, "h"), Gradient(RNN.losses[0].symbol, h[T])), Gradient(RNN.losses[0].symbol, h[T - 1])
    ),
}


def test_the_recurrence_is_proved_for_all_steps():
    """∂h_t/∂w = ∂_wF + ∂_hF ∂h_{t-1}/∂w, and δ_{t-1} = (∂_hF)ᵀ δ_t."""
    E = RNN.losses[0].symbol
    for claim in (
        claimed(matadd(at(T, "w"), matmul(at(T, "h"), before))),
        claimed(matmul(transpose(at(T, "h")), Gradient(E, h[T])), Gradient(E, h[T - 1])),
    ):
        assert settle(claim).verdict == "proved"


@pytest.mark.parametrize("name", PLANTED)
def test_planted_errors_are_refuted_with_a_counterexample(name):
    verdict = settle(PLANTED[name])
    assert verdict.verdict == "refuted"
    assert verdict.counterexample is not None
    assert verdict.counterexample.left != verdict.counterexample.right


def test_the_tables_of_a_counterexample_name_points_entries_and_slots():
    found = counterexample.smallest(Claim(Jacobian(Q(y, u), u), by_slot(Q(u, y), "b", Q), STATIC))
    assert found is not None
    assert set(found.functions) == {"Q", "Q'"}
    assert all(name.startswith("(a = (") and " by b[" in name for name in found.functions["Q'"])
    assert set(found.values) == {"y", "u"}


def test_known_functions_beside_unknown_ones_are_refuted_in_real_numbers():
    """F(tanh 2y) is not F(2 tanh y): balls separate the sides."""
    tanh = elementwise("g", "tanh")
    left, right = S(tanh(matmul(2, y))), S(matmul(2, tanh(y)))
    assert prime_field.decide_at(Claim(left, right, STATIC), {}).outcome == "differ"
    assert settle(Claim(Gradient(left, y), Gradient(right, y), STATIC)).verdict == "refuted"


def test_a_slot_must_be_one_of_the_application():
    for wrong in (Slot(3, n, 1), Slot(1, m, 1)):
        with pytest.raises(ShapeError):
            axes(Jacobian(Q(y, u), wrong))
    with pytest.raises(ShapeError, match="no application"):
        axes(Jacobian(matadd(y, u), Slot(1, n, 1)))
    with pytest.raises(ShapeError, match="Q takes a n×1 as b, and z is m×1"):
        Q(y, z)
    with pytest.raises(ShapeError, match="has 2 arguments, not 1"):
        Q(y)


def test_functions_of_one_name_and_other_shapes_are_other_functions():
    """Nothing joins S(y) and a function of the same name on m entries."""
    other = function("S", {"a": m}, 1)
    assert set(outcomes(Claim(S(y), other(z), STATIC)).values()) == {"differ"}


def test_a_message_says_the_slot():
    assert show(by_slot(Q(y, u), "b", Q)) == "∂_b Q(y, u)"


def test_equal_points_are_one_point_whatever_way_they_are_computed():
    """F(½ y + ½ y) is F(y) also in exact numbers, where 1 comes as ½ + ½."""
    half = sp.Rational(1, 2)
    left = Scale(S(matadd(matmul(half, y), matmul(half, y))), u)
    program = compiled(Claim(left, Scale(S(y), u), STATIC), Limits())
    for seed in range(20):
        number = Rationals(ndim(0), seed)
        one, two = sides_of(program, Run(program.system, Arrays(number, {"n": 2}, {}, 10**6), {}))
        assert not number.differ(one, two).any()


def test_a_component_inside_an_argument_is_never_proved():
    """k([y]_i) = k([y]_i) is seen by the prime field; the normal form does not know letters inside F."""
    scalar = function("k", {"a": 1, "b": 1}, 1)
    left = scalar(Component(y, i), Component(u, i))
    good = Claim(left, scalar(Component(y, i), matadd(Component(u, i))), STATIC)
    bad = Claim(left, scalar(Component(y, i), Component(y, i)), STATIC)
    assert prime_field.decide_at(good, {}).outcome == "equal"
    assert prime_field.decide_at(bad, {}).outcome == "differ"
    assert normal_form.decide_at(good, {}).outcome == "unknown"
    assert settle(bad).verdict == "refuted"
