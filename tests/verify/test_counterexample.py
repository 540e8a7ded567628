"""Counterexamples: the smallest instance first, exact, with both sides; none for what is true."""

from fractions import Fraction
from itertools import product as choices

import numpy as np
import pytest
import sympy as sp

from derive.language.build import diag, hadamard, matadd, matmul, negate, sequence, transpose
from derive.language.derivatives import Gradient, Jacobian
from derive.language.functions import elementwise
from derive.language.nodes import Component, Norm, Scale, Softmax, TimeProduct, Tr
from derive.model import Loss, Model, Time
from verify.claim import Assumption, Claim, Index
from verify.counterexample import smallest
from verify.deciders import prime_field
from verify.deciders.prime_field.decide import differs_at
from verify.fitting import fitted
from verify.instances import lengths_of
from verify.times import instances

n, m = sp.symbols("n m", integer=True, positive=True)
t, k, r, i, j = sp.symbols("t k r i j", integer=True)
x, s, net, d = sequence("x", m), sequence("s", n), sequence("Net", n), sequence("delta", n)
U, W, E = sp.MatrixSymbol("U", n, m), sp.MatrixSymbol("W", n, n), sp.MatrixSymbol("E", 1, 1)
A, B, C = (sp.MatrixSymbol(name, n, n) for name in "ABC")
v, y = sp.MatrixSymbol("v", n, 1), sp.MatrixSymbol("y", n, 1)
f = elementwise("f")
STATIC = Model({})


def rnn(loss):
    equations = {
        net[t]: matadd(matmul(U, x[t]), matmul(W, s[t - 1])),
        s[t]: f(net[t]),
        d[t]: transpose(Jacobian(E, net[t])),
    }
    return Model(equations, loss=loss, time=Time(1, t))


LAST, EVERY = rnn(Loss.last(s)), rnn(Loss.every(s))


def prime(member):
    return diag(f.prime(member))


def product(direction):
    return TimeProduct(matmul(W, prime(net[r])), r, k, t - 1, direction)


JACOBIAN = Jacobian(net[t], net[t - 1])
KNOWN = {
    "2.2c transposed": (Claim(JACOBIAN, matmul(transpose(W), prime(net[t - 1])), LAST), {"m": 1, "n": 2}, {"t": 2}),
    "2.2c swapped": (Claim(JACOBIAN, matmul(prime(net[t - 1]), W), LAST), {"m": 1, "n": 2}, {"t": 2}),
    "2.2x": (Claim(Jacobian(net[t], s[t - 1]), matmul(W, prime(net[t - 1])), LAST), {"m": 1, "n": 1}, {"t": 2}),
    "2.3, every": (
        Claim(transpose(d[t - 1]), matmul(transpose(d[t]), W, prime(net[t - 1])), EVERY),
        {"m": 1, "n": 1},
        {"t": 2},
    ),
    "2.4 ascending": (
        Claim(
            transpose(d[k]),
            matmul(transpose(d[t]), product("ascending")),
            LAST,
            indices=(Index(k, sp.S.One, t),),
        ),
        {"m": 1, "n": 2},
        {"t": 3, "k": 1},
    ),
    "commuting": (Claim(matmul(A, B), matmul(B, A), STATIC), {"n": 2}, {}),
    "2 = tr I": (Claim(Scale(Tr(sp.Identity(n)), A), matmul(2, A), STATIC), {"n": 1}, {}),
}


@pytest.mark.parametrize("name", KNOWN)
def test_the_smallest_instance_of_known_errors(name):
    claim, sizes, times = KNOWN[name]
    found = smallest(claim)
    assert (found.sizes, found.times) == (sizes, times)
    assert found.left != found.right
    assert found == smallest(claim)


def numbers(nested):
    return np.array([[Fraction(entry) for entry in row] for row in nested], dtype=object)


def test_both_sides_can_be_recomputed_from_the_values():
    """W diag[f'(Net_1)] and its transposed rival from the table of f' and the shown inputs alone."""
    found = smallest(KNOWN["2.2c transposed"][0])
    values = {name: numbers(value) for name, value in found.values.items()}
    net_1 = values["U"] @ values["x@1"] + values["W"] @ values["s@0"]
    table = found.functions["f'"]
    slope = np.diag([Fraction(table[str(entry)]) for entry in net_1[:, 0]])
    assert (numbers(found.left) == values["W"] @ slope).all()
    assert (numbers(found.right) == values["W"].T @ slope).all()


def test_values_are_small():
    found = smallest(KNOWN["2.2x"][0])
    assert found.values == {"U": [["0"]], "x@2": [["0"]], "W": [["1"]], "x@1": [["0"]], "s@0": [["0"]]}
    assert found.functions["f'"] == {"0": "0"}
    assert (found.left, found.right) == ([["1"]], [["0"]])


def test_the_derivatives_of_an_unknown_loss_are_shown():
    found = smallest(KNOWN["2.3, every"][0])
    assert set(found.functions["E'"]) == {"s@1[1,1]", "s@2[1,1]"}


def test_the_dictionary_has_the_keys_of_the_report():
    found = smallest(KNOWN["2.2x"][0])
    assert set(found.as_dict()) == {"sizes", "times", "values", "functions", "left", "right"}
    assert found.summary() == "t = 2, m = 1, n = 1"


def test_a_component_is_named():
    found = smallest(Claim(Component(A, i, j), Component(A, j, i), STATIC))
    assert found.sizes == {"n": 2}
    assert sorted(found.letters.values()) == [1, 2]
    assert found.as_dict()["indices"] == found.letters
    row, column = found.letters["i"] - 1, found.letters["j"] - 1
    assert found.left == [[found.values["A"][row][column]]]
    assert found.right == [[found.values["A"][column][row]]]


def test_commutators_need_three_rows():
    """[[A,B]²,C] = 0 holds at n = 2 and fails first at n = 3."""
    inner = matadd(matmul(A, B), negate(matmul(B, A)))
    square = matmul(inner, inner)
    hall = Claim(matadd(matmul(square, C), negate(matmul(C, square))), sp.ZeroMatrix(n, n), STATIC)
    assert smallest(hall).sizes == {"n": 3}


def test_concrete_functions_are_shown_in_balls():
    tanh = elementwise("g", "tanh")
    claim = Claim(tanh.prime(v), matadd(sp.OneMatrix(n, 1), negate(tanh(v))), STATIC)
    found = smallest(claim)
    assert found.sizes == {"n": 1}
    point = float(Fraction(found.values["v"][0][0]))
    ((left,),), ((right,),) = found.left, found.right
    assert float(left["mid"]) == pytest.approx(1 - np.tanh(point) ** 2)
    assert float(right["mid"]) == pytest.approx(1 - np.tanh(point))
    assert float(left["rad"]) < 1e-30


def test_relu_stays_rational():
    relu = elementwise("g", "relu")
    found = smallest(Claim(relu(v), v, STATIC))
    assert found.values["v"] == [["-1"]]
    assert (found.left, found.right) == ([["0"]], [["-1"]])


def test_assumptions_hold_in_what_is_shown():
    claim = Claim(matmul(A, B), matmul(B, A), STATIC, assumptions=(Assumption("symmetric", A),))
    shown = numbers(smallest(claim).values["A"])
    assert (shown == shown.T).all()
    loss = Gradient(negate(matmul(transpose(y), elementwise("log", "log")(Softmax(v)))), v)
    assumed = Claim(loss, Softmax(v), STATIC, assumptions=(Assumption("sum_one", y),))
    entries = [entry for row in smallest(assumed).values["y"] for entry in row]
    assert sum(float(e["mid"]) if isinstance(e, dict) else float(Fraction(e)) for e in entries) == pytest.approx(1)


@pytest.mark.parametrize(
    "claim",
    [
        Claim(JACOBIAN, matmul(W, prime(net[t - 1])), LAST),
        Claim(transpose(matmul(A, B)), matmul(transpose(B), transpose(A)), STATIC),
        Claim(Norm(v), Norm(v), STATIC),
    ],
    ids=["2.2c", "(AB)ᵀ", "norm"],
)
def test_what_is_true_or_not_decided_has_none(claim):
    assert smallest(claim) is None


def vanishing(first, last):
    """(n - first) … (n - last)."""
    return sp.prod(n - size for size in range(first, last + 1))


def test_what_holds_at_small_sizes_is_refuted_at_the_first_larger_one():
    """(n - 1) … (n - 8) A = 0 for n ≤ 8; (n - 1) … (n - 8) (m - 3) X = 0 for n ≤ 8, and for m = 3."""
    found = smallest(Claim(matmul(vanishing(1, 8), A), sp.ZeroMatrix(n, n), STATIC))
    assert (found.sizes, found.left != found.right) == ({"n": 9}, True)
    X = sp.MatrixSymbol("X", n, m)
    found = smallest(Claim(matmul(vanishing(1, 5) * vanishing(1, 2), X), sp.ZeroMatrix(n, m), STATIC))
    assert found.sizes == {"n": 6, "m": 1}
    assert smallest(Claim(matmul(vanishing(1, 3), A), matmul(sp.expand(vanishing(1, 3)), A), STATIC)) is None


def test_coincidences_of_sizes_and_literals_are_refuted_elsewhere():
    """(f(n v) - f(3 v)) ⊙ (f(n v) - f(4 v)) … is 0 at n = 1 … 5 only."""
    factors = [matadd(f(matmul(n, v)), negate(f(matmul(c, v)))) for c in range(1, 6)]
    found = smallest(Claim(hadamard(*factors), sp.ZeroMatrix(n, 1), STATIC))
    assert found.sizes == {"n": 6}


def test_no_smaller_instance_of_a_refuted_line_of_the_suite_differs(suite):
    """Earlier steps differ at no sizes, and at the same steps no smaller sum of sizes does."""
    refuted = [claim for claim, expected in suite.values() if expected == "refuted"]
    assert len(refuted) == 19
    for claim in refuted:
        found = smallest(claim)
        times = {letter: found.times[str(letter)] for letter in claim.step_letters if str(letter) in found.times}
        for earlier in instances(claim, 6):
            if not times or dict(earlier) == times:
                times = dict(earlier)
                break
            assert prime_field.decide_at(claim, earlier).outcome != "differ"
        total = sum(found.sizes.values())
        for choice in choices(range(1, total), repeat=len(found.sizes)):
            sizes = dict(zip(found.sizes, choice, strict=True))
            if sum(choice) < total and fitted(sizes, lengths_of(claim)) == sizes:
                assert not differs_at(claim, times, sizes, trials=4)


def test_in_balls_the_derivatives_of_a_loss_are_those_that_were_used():
    """∂E/∂s_t is the table's entry itself."""
    model = Model({s[t]: elementwise("g", "tanh")(d[t])}, loss=Loss.last(s), time=Time(1, t))
    found = smallest(Claim(Gradient(E, d[t]), Gradient(E, s[t]), model))
    assert isinstance(found.left[0][0], dict)
    assert found.functions["E'"] == {f"s@{found.times['t']}[1,1]": found.right[0][0]}


def test_many_inputs_that_are_0_are_named_on_one_line():
    """A counterexample to an LSTM's line has fifteen of them; a few stand one by one."""
    from verify.counterexample import Counterexample
    from verify.report.terminal import counterexample_text

    zeros = {name: [["0"]] for name in ("a", "b", "c", "d")}
    example = Counterexample({"n": 1}, {"t": 2}, {"W": [["1", "0"]], **zeros}, {}, [["1"]], [["0"]])
    lines = str(counterexample_text(example)).splitlines()
    assert lines[1:3] == ["  W = [[1, 0]]", "  a, b, c, d = 0"]
    few = Counterexample({"n": 1}, {"t": 2}, {"a": [["0"]], "b": [["0"]]}, {}, [["1"]], [["0"]])
    assert "  a = [[0]]" in str(counterexample_text(few)).splitlines()
