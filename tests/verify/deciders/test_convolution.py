"""The deciders on convolutions: proofs for every tensor in their place, exact values at concrete sizes, no more."""

import itertools

import numpy as np
import pytest
import sympy as sp

from derive.language.build import matmul, transpose
from derive.language.convolution import SLIDES, Convolution, convolve, correlate, flip
from derive.language.derivatives import Gradient, Jacobian
from derive.language.nodes import Scale, Tr
from derive.language.nodes import length as length_of
from derive.model import Model, Time
from verify.claim import Claim
from verify.deciders import normal_form, prime_field
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


class Truth(Arrays):
    """Arrays whose opaque tensors are the ones that they stand for."""

    def slide_tensor(self, is_full, output, kernel, source):
        o, j, s = np.ogrid[: self.length(output), : self.length(kernel), : self.length(source)]
        found = o == s + j if is_full else s == o + j
        return found.astype(object).reshape(*(1,) * 6, *found.shape)

    def flip_tensor(self, axis):
        return np.eye(self.length(axis), dtype=object)[::-1].reshape(*(1,) * 6, *2 * (self.length(axis),))


EVERY_SHAPE = [
    (x, w), (X, K), (transpose(x), transpose(w)), (X, w), (x, x), (X, X), (x, sp.MatrixSymbol("c", 1, 1)),
    (X, sp.MatrixSymbol("Q", k, k)), (x, flip(w)), (flip(X), flip(K)), (sp.MatrixSymbol("c", 1, 1),) * 2,
]  # fmt: skip


@pytest.mark.parametrize("kind", SLIDES)
@pytest.mark.parametrize(("source", "kernel"), EVERY_SHAPE)
def test_the_slide_is_an_instance_of_the_opaque_tensor(kind, source, kernel):
    """With T_ijl = [l = i + j] and R the reversal, the contraction is the slide: what holds for all of them holds."""
    expr = Convolution(kind, source, kernel)
    program = Compiler(Claim(expr, expr, STATIC), Limits()).program()
    values = [
        sides_of(program, Run(program.system, made(Rationals(ndim(0), seed=5), SIZES, {}, 10**7, **more), {}))[0]
        for made, more in ((Arrays, {}), (Truth, {"slides_are_opaque": True}))
    ]
    assert values[0].shape == values[1].shape
    assert (values[0] == values[1]).all()


def in_numbers(form, store, inputs):
    """A normal form by einsum, its convolution factors the ones that they stand for."""
    lengths = [int(size.xreplace(dict(zip((n, m, k, l), (6, 5, 3, 2), strict=True)))) for size in store.sizes]
    total = 0
    for term, coefficient in form.terms.items():
        operands = []
        for atom, labels in term.factors:
            kind, data, slots = (getattr(store.atoms[atom], key) for key in ("kind", "data", "slots"))
            shape = [lengths[size] for size in slots]
            if kind == "tensor":
                found = inputs[data[0]].reshape(shape)
            else:
                places = np.indices(shape).sum(axis=0)
                found = (places == shape[0] - 1) if kind == "flip" else np.subtract(*_last(np.indices(shape))) == 0
            operands += [np.asarray(found, dtype=object).astype(int), list(labels)]
        total = total + coefficient * np.einsum(*operands, list(term.open))
    return total


def _last(indices):
    i, j, place = indices
    return i + j, place


@pytest.mark.parametrize("kind", SLIDES)
@pytest.mark.parametrize(("source", "kernel"), EVERY_SHAPE[:-1])
def test_the_normal_form_has_the_slide_as_an_instance_too(kind, source, kernel):
    """Its factors T and R read the same entries."""
    expr = Convolution(kind, source, kernel)
    names = sorted({str(symbol.name) for symbol in expr.atoms(sp.MatrixSymbol)})
    found, *inputs = value(expr, *names)
    session = normal_form.Session()
    form = normal_form.normalise(expr, STATIC, session=session).form
    numbers = in_numbers(form, session.store, dict(zip(names, inputs, strict=True)))
    assert (np.reshape(numbers, found.shape) == found).all()


@pytest.mark.parametrize(("one", "other"), [((k,), (n,)), ((n,), (k,)), ((n,), (n,))])
def test_one_tensor_serves_both_orders_of_its_short_sizes(one, other):
    """T^(p,q)_ijl = T^(q,p)_jil."""
    algebra = Arrays(Rationals(ndim(0), seed=5), SIZES, {}, 10**7, slides_are_opaque=True)
    long = (length_of(one) + length_of(other) - 1,)
    first = algebra.slide_tensor(True, long, other, one)  # long, other, one
    second = algebra.slide_tensor(False, other, one, long)  # other, one, long
    assert (first == np.moveaxis(second, -1, -3)).all()
    assert len(set(first.flat)) > 1


def outcome(left, right):
    return prime_field.decide_at(Claim(left, right, STATIC), {})


OPAQUE = {
    "convolve is correlate flipped": (convolve(x, w), correlate(x, flip(w))),
    "full commutes": (convolve(x, w, full=True), convolve(w, x, full=True)),
    "the adjoint of valid is full": (
        matmul(transpose(correlate(x, w)), correlate(x, w)),
        matmul(transpose(x), convolve(correlate(x, w), w, full=True)),
    ),
    "its slope": (
        Gradient(matmul(transpose(convolve(x, w)), convolve(x, w)), w), matmul(2, flip(correlate(x, convolve(x, w))))
    ),
    "in two dimensions": (
        Gradient(Tr(matmul(transpose(correlate(X, K)), correlate(X, K))), X),
        matmul(2, convolve(correlate(X, K), K, full=True)),
    ),
}  # fmt: skip
TRUE = {
    "full is associative": (
        convolve(convolve(x, w, full=True), v, full=True), convolve(x, convolve(w, v, full=True), full=True)
    ),
    "a flip of all": (flip(convolve(X, K)), convolve(flip(X), flip(K))),
    "flips that meet": (matmul(transpose(flip(w)), flip(v)), matmul(transpose(w), v)),
    "ones count the kernel": (
        correlate(sp.OneMatrix(n, 1), w), matmul(sp.OneMatrix(n - k + 1, 1), sp.OneMatrix(1, k), w)
    ),
}  # fmt: skip
FALSE = {
    "convolve is no correlate": (convolve(x, w), correlate(x, w)),
    "full correlate does not commute": (correlate(x, w, full=True), correlate(w, x, full=True)),
    "the adjoint flips": (
        matmul(transpose(correlate(x, w)), correlate(x, w)),
        matmul(transpose(x), correlate(correlate(x, w), w, full=True)),
    ),
    "a flip moves entries": (flip(X), X),
}


@pytest.mark.parametrize("sides", OPAQUE.values(), ids=OPAQUE)
def test_what_holds_for_every_tensor_is_proved_for_all_sizes(sides):
    found = outcome(*sides)
    assert found.is_equal_for_all_sizes
    assert "index classes" in found.detail
    assert normal_form.decide_at(Claim(*sides, STATIC), {}).outcome == "equal"


@pytest.mark.parametrize("sides", TRUE.values(), ids=TRUE)
def test_a_law_of_convolution_is_known_at_named_sizes_alone(sides):
    found = outcome(*sides)
    assert found.outcome == "equal"
    assert found.at_sizes
    assert found.at_sizes in found.detail
    assert not found.is_equal_for_all_sizes
    assert found.bound < 2.0**-60
    form = normal_form.decide_at(Claim(*sides, STATIC), {})
    assert form.outcome == "unknown"
    assert "a law of convolution" in form.detail


@pytest.mark.parametrize("sides", FALSE.values(), ids=FALSE)
def test_differ_is_certain(sides):
    """The normal form leaves it open: its tensors are more than these."""
    assert outcome(*sides).outcome == "differ"
    assert normal_form.decide_at(Claim(*sides, STATIC), {}).outcome == "unknown"


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


def pool():
    """Arrays of n entries, of an input and a kernel slid there and back in all ways."""
    there = [Convolution(kind, x, one) for kind in SLIDES[:2] for one in (w, flip(w))]
    back = [Convolution(kind, y, one) for kind in SLIDES[2:] for y in there for one in (w, flip(w))]
    longer = [
        Convolution(
            SLIDES[0],
            Convolution(
                kind,
                x,
                w,
            ),
            w,
        )
        for kind in SLIDES[2:]
    ]
    return [*back, *longer, *(flip(one) for one in (back[0], back[5], longer[0])), convolve(w, there[0], full=True)]


def test_no_pair_is_proved_that_differs_somewhere():
    """Of all pairs of the pool: both deciders prove the same ones, and what is proved is so at sizes of no proof."""
    proved = differing = 0
    for one, other in itertools.combinations(pool(), 2):
        claim = Claim(one, other, STATIC)
        found, form = prime_field.decide_at(claim, {}), normal_form.decide_at(claim, {})
        assert found.is_equal_for_all_sizes == (form.outcome == "equal"), (one, other)
        differs = any(prime_field.differs_at(claim, {}, {"n": n_, "k": k_}) for n_, k_ in ((2, 2), (5, 2), (4, 3)))
        assert differs == (found.outcome == "differ"), (one, other)
        proved, differing = proved + found.is_equal_for_all_sizes, differing + differs
    assert proved > 10
    assert differing > 100


def test_sizes_of_a_loop_over_an_expression_leave_every_axis_its_entries():
    """1ᵀ1 = n - k + 1: where k is larger, n is large enough."""
    p = n - k + 1
    loop = matmul(sp.OneMatrix(1, p), sp.OneMatrix(p, 1))
    claim = Claim(Scale(loop, w), matmul(p, w), STATIC)
    need = bounds.needs(compiled(claim, Limits()), {}, Assumed())
    grid = bounds.grid(need, Limits())
    assert len(grid) > 1
    assert min(sizes["n"] - sizes["k"] + 1 for sizes in grid) >= 3
    assert prime_field.decide_at(claim, {}).is_equal_for_all_sizes
    first = grid[0]["n"] - grid[0]["k"] + 1
    assert prime_field.decide_at(Claim(Scale(loop, w), matmul(first, w), STATIC), {}).outcome == "differ"
