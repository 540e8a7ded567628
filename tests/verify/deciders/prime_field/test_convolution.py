"""The prime field on convolutions: exact values at concrete sizes, and never a word about the others."""

import itertools

import numpy as np
import pytest
import sympy as sp

from derive.language.build import matmul, transpose
from derive.language.convolution import SLIDES, Convolution, convolve, correlate, flip
from derive.language.derivatives import Gradient, Jacobian
from derive.model import Model, Time
from verify.claim import Claim
from verify.deciders import prime_field
from verify.deciders.prime_field import bounds
from verify.deciders.prime_field.arrays import Arrays, ndim
from verify.deciders.prime_field.classes import Assumed
from verify.deciders.prime_field.decide import sides_of
from verify.deciders.prime_field.exact import Rationals
from verify.deciders.prime_field.limits import Limits
from verify.deciders.prime_field.problems import Unsupported
from verify.deciders.prime_field.program import Compiler, compiled
from verify.deciders.prime_field.scope import Run

n, m, k, l = sp.symbols("n m k l", integer=True, positive=True)  # noqa: E741
x, w, v = sp.MatrixSymbol("x", n, 1), sp.MatrixSymbol("w", k, 1), sp.MatrixSymbol("v", k, 1)
X, K = sp.MatrixSymbol("X", n, m), sp.MatrixSymbol("K", k, l)
STATIC = Model({}, time=Time(1, sp.Integer(3)))
SIZES = {"n": 6, "m": 5, "k": 3, "l": 2}


def value(expr, *wanted):
    """The formula over the rationals, and the inputs."""
    program = Compiler(Claim(expr, expr, STATIC), Limits()).program()
    run = Run(program.system, Arrays(Rationals(ndim(0), seed=5), SIZES, program.letters, 10**7), {})
    left, _ = sides_of(program, run)
    return left.reshape(left.shape[-2:]), *(run.inputs[name].reshape(run.inputs[name].shape[-2:]) for name in wanted)


def by_definition(kind, a, b):
    """Every entry as the sum over all pairs of indices that the definition joins, without a loop over windows."""
    (n, m), (k, l) = a.shape, b.shape  # noqa: E741
    full = kind.endswith("full")
    found = np.zeros((n + k - 1, m + l - 1) if full else (n - k + 1, m - l + 1), dtype=object)
    for (p, q), (i, j) in itertools.product(np.ndindex(a.shape), np.ndindex(b.shape)):
        if kind.startswith("correlate"):
            i, j = k - 1 - i, l - 1 - j  # a flipped kernel, convolved
        place = (p + i, q + j) if full else (p + i - k + 1, q + j - l + 1)
        if 0 <= place[0] < found.shape[0] and 0 <= place[1] < found.shape[1]:
            found[place] += a[p, q] * (b[i, j] if kind.startswith("convolve") else b[k - 1 - i, l - 1 - j])
    return found


@pytest.mark.parametrize("kind", SLIDES)
@pytest.mark.parametrize(("source", "kernel"), [(x, w), (X, K), (transpose(x), transpose(w)), (X, w)])
def test_values(kind, source, kernel):
    """Σ w_pq x_{i±p, j±q}, of columns, matrices, rows, and of a column over a matrix."""
    names = [str(next(iter(part.atoms(sp.MatrixSymbol))).name) for part in (source, kernel)]
    found, *inputs = value(Convolution(kind, source, kernel), *names)
    a, b = (
        one.T if isinstance(part, sp.Transpose) else one for one, part in zip(inputs, (source, kernel), strict=True)
    )
    assert (found == by_definition(kind, a, b)).all()


def test_numpy_says_the_same_along_one_axis():
    found, a, b = value(correlate(x, w), "x", "w")
    assert (found[:, 0] == np.correlate(a[:, 0], b[:, 0], "valid")).all()
    found, a, b = value(convolve(x, w, full=True), "x", "w")
    assert (found[:, 0] == np.convolve(a[:, 0], b[:, 0], "full")).all()


def test_flip_and_derivatives():
    """rot180; ∂(x ⋆ w)/∂x is the band of w, row by row."""
    found, a = value(flip(X), "X")
    assert (found == np.rot90(a, 2)).all()
    found, b = value(Jacobian(correlate(x, w), x), "w")
    band = np.array([[b[j - i, 0] if 0 <= j - i < 3 else 0 for j in range(6)] for i in range(4)])
    assert (found == band).all()


def outcome(left, right):
    return prime_field.decide_at(Claim(left, right, STATIC), {})


TRUE = {
    "convolve is correlate flipped": (convolve(x, w), correlate(x, flip(w))),
    "full commutes": (convolve(x, w, full=True), convolve(w, x, full=True)),
    "full is associative": (
        convolve(convolve(x, w, full=True), v, full=True), convolve(x, convolve(w, v, full=True), full=True)
    ),
    "a flip of both": (flip(convolve(X, K)), convolve(flip(X), flip(K))),
    "the adjoint of valid is full": (
        matmul(transpose(correlate(x, w)), correlate(x, w)),
        matmul(transpose(x), convolve(correlate(x, w), w, full=True)),
    ),
}  # fmt: skip
FALSE = {
    "convolve is no correlate": (convolve(x, w), correlate(x, w)),
    "full correlate does not commute": (correlate(x, w, full=True), correlate(w, x, full=True)),
    "the adjoint flips": (
        matmul(transpose(correlate(x, w)), correlate(x, w)),
        matmul(transpose(x), correlate(correlate(x, w), w, full=True)),
    ),
}


@pytest.mark.parametrize("sides", TRUE.values(), ids=TRUE)
def test_equal_names_its_sizes_and_is_said_of_no_others(sides):
    found = outcome(*sides)
    assert found.outcome == "equal"
    assert found.at_sizes
    assert found.at_sizes in found.detail
    assert not found.is_equal_for_all_sizes
    assert found.bound < 2.0**-60


@pytest.mark.parametrize("sides", FALSE.values(), ids=FALSE)
def test_differ_is_certain(sides):
    assert outcome(*sides).outcome == "differ"


def test_kernels_fit_and_all_sizes_differ():
    """Three choices of sizes; n, k, n - k + 1 are pairwise different and at least 3."""
    program = compiled(Claim(correlate(X, K), correlate(X, K), STATIC), Limits())
    need = bounds.needs(program, {}, Assumed())
    for sizes in bounds.grid(need, Limits()):
        lengths = [*sizes.values(), sizes["n"] - sizes["k"] + 1, sizes["m"] - sizes["l"] + 1]
        assert len(set(lengths)) == len(lengths)
        assert min(lengths) >= 3


def test_sizes_without_a_kernel_keep_their_proof_for_all_sizes():
    """A size n - k + 1 is a size like any other: C (w ⊗ x) with a free C is covered by the lemma."""
    C = sp.MatrixSymbol("C", n - k + 1, n)
    claim = Claim(Gradient(matmul(transpose(x), transpose(C), C, x), x), matmul(2, transpose(C), C, x), STATIC)
    found = prime_field.decide_at(claim, {})
    assert found.is_equal_for_all_sizes


def test_axes_that_no_sizes_fill_are_a_limit():
    """n - k ≥ 1 and k - n ≥ 1 at once."""
    a, b = sp.MatrixSymbol("a", n - k, 1), sp.MatrixSymbol("b", k - n, 1)
    both = matmul(transpose(a), a, transpose(b), b)
    assert outcome(both, both).outcome == "limit"


def test_a_kernel_that_does_not_fit_is_no_counterexample():
    """At n = 1, k = 2 there is no x ⋆ w."""
    program = compiled(Claim(correlate(x, w), convolve(x, w), STATIC), Limits())
    with pytest.raises(Unsupported, match="kernel"):
        sides_of(program, Run(program.system, Arrays(Rationals(ndim(0), seed=5), {"n": 1, "k": 2}, {}, 10**7), {}))
