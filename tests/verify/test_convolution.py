"""Claims about convolution: what verdict they get, on whose word, and the smallest counterexample."""

import numpy as np
import pytest
import sympy as sp

from derive.language.build import hadamard, matadd, matmul, ones, sequence, transpose
from derive.language.convolution import SLIDES, Convolution, convolve, correlate, flip
from derive.language.derivatives import Gradient
from derive.language.functions import elementwise, function
from derive.language.nodes import Norm
from derive.model import Equation, Loss, Model
from verify import check
from verify.check import settle
from verify.claim import Claim, Index
from verify.deciders.outcome import Outcome
from verify.fitting import NoSizes, fitted, lengths_in
from verify.instances import draw, fitting
from verify.limits import Effort
from verify.oracles.convolution import convolved, flipped

n, m, k, l = sp.symbols("n m k l", integer=True, positive=True)  # noqa: E741
t = sp.Symbol("t", integer=True)
x, w, y = sp.MatrixSymbol("x", n, 1), sp.MatrixSymbol("w", k, 1), sp.MatrixSymbol("y", n - k + 1, 1)
X, K, Y = sp.MatrixSymbol("X", n, m), sp.MatrixSymbol("K", k, l), sp.MatrixSymbol("Y", n - k + 1, m - l + 1)
E = sp.MatrixSymbol("E", 1, 1)
LINE = Model((Equation(y, correlate(x, w)), Equation(E, function("L", {"y": n - k + 1}, 1)(y))))
PLANE = Model((Equation(Y, convolve(X, K)), Equation(E, function("L", {"Y": (n - k + 1, m - l + 1)}, 1)(Y))))
EFFORT = Effort(examples=12)


def settled(model, left, right):
    return settle(Claim(left, right, model), EFFORT)


TRUE = {
    "∂E/∂x = δ * w, full": (LINE, Gradient(E, x), convolve(Gradient(E, y), w, full=True)),
    "∂E/∂w = x ⋆ δ": (LINE, Gradient(E, w), correlate(x, Gradient(E, y))),
    "∂E/∂X = δ ⋆ K, full": (PLANE, Gradient(E, X), correlate(Gradient(E, Y), K, full=True)),
    "∂E/∂K = rot180(X ⋆ δ)": (PLANE, Gradient(E, K), flip(correlate(X, Gradient(E, Y)))),
}
FALSE = {
    "the kernel is not flipped": (LINE, Gradient(E, x), correlate(Gradient(E, y), w, full=True)),
    "the flip is forgotten": (PLANE, Gradient(E, K), correlate(X, Gradient(E, Y))),
    "a sign": (LINE, Gradient(E, w), matmul(-1, correlate(x, Gradient(E, y)))),
}


LAWS = {
    "full is associative": (
        Model(()), convolve(convolve(x, w, full=True), w, full=True), convolve(x, convolve(w, w, full=True), full=True)
    ),
    "a flip of all": (Model(()), flip(convolve(X, K)), convolve(flip(X), flip(K))),
    "∂E/∂K = rot180(X) * δ": (PLANE, Gradient(E, K), convolve(flip(X), Gradient(E, Y))),
    "1 ⋆ w = (1ᵀw) 1": (Model(()), correlate(ones(n, 1), w), matmul(ones(n - k + 1, 1), ones(1, k), w)),
}  # fmt: skip


@pytest.mark.parametrize("claim", TRUE.values(), ids=TRUE)
def test_a_gradient_is_proved_for_all_sizes(claim):
    """It holds for every tensor in the place of the kernel's; the numeric witnesses, which slide, find it equal."""
    verdict = settled(*claim)
    assert (verdict.verdict, verdict.sizes) == ("proved", "all"), verdict.message
    equal = {outcome.witness for outcome in verdict.witnesses if outcome.outcome == "equal"}
    assert {"prime field", "normal form", "tangents", "complex step", "differences", "components"} <= equal


@pytest.mark.parametrize("claim", LAWS.values(), ids=LAWS)
def test_a_law_of_convolution_is_tested_at_named_sizes(claim):
    """No witness speaks of all sizes. The numeric ones share no code with the prime field."""
    verdict = settled(*claim)
    assert verdict.verdict == "tested"
    assert "k = 3" in verdict.sizes
    assert verdict.sizes in verdict.message
    equal = {outcome.witness for outcome in verdict.witnesses if outcome.outcome == "equal"}
    assert {"prime field", "tangents", "complex step", "differences", "components"} <= equal


@pytest.mark.parametrize("claim", FALSE.values(), ids=FALSE)
def test_what_is_false_is_refuted_with_a_kernel_that_fits(claim):
    verdict = settled(*claim)
    assert verdict.verdict == "refuted"
    sizes = verdict.counterexample.sizes
    assert sizes["n"] >= sizes["k"]
    assert {o.witness for o in verdict.witnesses if o.outcome == "differ"} >= {"prime field", "tangents", "components"}


def test_the_smallest_counterexample_is_the_smallest():
    """At k = 1 a kernel is its own flip; at n = k = 2 it is not."""
    example = settled(Model(()), convolve(x, w), correlate(x, w)).counterexample
    assert dict(example.sizes) == {"k": 2, "n": 2}


def test_the_prime_field_alone_is_not_enough():
    _, left, right = LAWS["a flip of all"]
    verdict = settle(Claim(left, right, Model(())), Effort(examples=0))
    assert verdict.verdict == "undecided"
    assert "the prime field alone" in verdict.message


def test_a_recurrent_convolution_is_proved_for_all_steps():
    """z_t = (s_{t-1} * w, full) * w + u_t, s_t = f(z_t): the adjoint slides w back, unflipped."""
    f, s, u, z = elementwise("f"), sequence("s", n), sequence("u", n), sequence("z", n)
    inner = convolve(convolve(s[t - 1], w, full=True), w)
    model = Model({z[t]: matadd(inner, u[t]), s[t]: f(z[t])}, loss=Loss.last(s))
    through = hadamard(f.prime(z[t]), Gradient(E, s[t]))
    right = correlate(correlate(through, w, full=True), w)
    index = (Index(t, sp.Integer(1), model.time.last),)
    verdict = settle(Claim(Gradient(E, s[t - 1]), right, model, indices=index), EFFORT)
    assert (verdict.verdict, verdict.times) == ("proved", "1 <= T, 1 <= t <= T")
    wrong = convolve(correlate(through, w, full=True), w)
    assert settle(Claim(Gradient(E, s[t - 1]), wrong, model, indices=index), EFFORT).verdict == "refuted"


def test_an_outcome_about_some_sizes_never_proves(monkeypatch):
    """The guard itself: a normal form that claimed to know would not make it proved."""
    monkeypatch.setattr(check.normal_form, "decide_at", lambda *_, **__: Outcome("normal form", "equal", 1))
    verdict = settled(*LAWS["a flip of all"])
    assert verdict.verdict == "tested"


def test_inequalities_see_kernels_that_fit():
    """‖x ⋆ w‖ ≤ ‖x‖ is false, ‖rot180(X)‖_F = ‖X‖_F holds."""
    assert settle(Claim(Norm(correlate(x, w)), Norm(x), Model(()), "<="), Effort(examples=60)).verdict == "refuted"
    assert settled(Model(()), Norm(flip(X), "F"), Norm(X, "F")).verdict == "tested"


# --- sizes -----------------------------------------------------------------------------------------------------


def test_instances_have_room_for_kernels():
    claim = Claim(correlate(X, K), correlate(X, K), Model(()))
    for one in draw(claim, 8):
        sizes = dict(one.sizes)
        assert sizes["n"] - sizes["k"] >= 1
        assert sizes["m"] - sizes["l"] >= 1
    assert dict(fitting(claim, (("k", 2), ("l", 1), ("m", 1), ("n", 1)), 1)) == {"k": 2, "l": 1, "m": 1, "n": 2}


def test_sizes_that_always_fit_stay_as_they_are():
    A = sp.MatrixSymbol("A", n, m)
    claim = Claim(A, A, Model(()))
    assert lengths_in(A) == frozenset()
    assert fitting(claim, (("m", 3), ("n", 2))) == (("m", 3), ("n", 2))


def test_lengths_are_raised_by_a_letter_that_makes_them_grow():
    assert fitted({"k": 5, "n": 2}, [n - k + 1]) == {"k": 5, "n": 5}
    with pytest.raises(NoSizes):
        fitted({"n": 1, "k": 1}, [n - k, k - n])


# --- numbers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SLIDES)
def test_the_numeric_witnesses_slide_as_numpy_does(kind):
    """np.correlate and np.convolve, along one axis."""
    rng = np.random.default_rng(7)
    a, b = rng.uniform(-1, 1, (6, 1)), rng.uniform(-1, 1, (3, 1))
    mode = "full" if kind.endswith("full") else "valid"
    wanted = getattr(np, kind.split()[0])(a[:, 0], b[:, 0], mode)
    assert np.allclose(convolved(Convolution(kind, x, w), a, b)[:, 0], wanted, rtol=1e-15, atol=1e-15)
    assert (flipped(a)[:, 0] == a[::-1, 0]).all()


def test_a_row_slides_as_a_column_does():
    turned = correlate(transpose(x), transpose(w))
    assert settled(Model(()), transpose(correlate(x, w)), turned).verdict == "proved"
