"""The small-model lemma in numbers: classes, sizes, trials; and laws that a wrong bound would break."""

import random

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy.matrices.expressions.hadamard import HadamardPower

from derive.language.build import diag, hadamard, matadd, matmul, sequence, transpose, vec
from derive.language.derivatives import Gradient, Jacobian
from derive.language.functions import elementwise, function
from derive.language.nodes import Scale, Softmax, TimeSum, Tr
from derive.model import Model, Time
from verify.claim import Claim
from verify.deciders.prime_field import bounds, decide_at, differs_at
from verify.deciders.prime_field.arrays import Arrays, ndim
from verify.deciders.prime_field.classes import Assumed
from verify.deciders.prime_field.decide import differences, evaluated
from verify.deciders.prime_field.fields import PrimeField
from verify.deciders.prime_field.limits import Limits
from verify.deciders.prime_field.program import Compiler
from verify.deciders.prime_field.scope import Run

n, m, q = sp.symbols("n m q", integer=True, positive=True)
A, U = sp.MatrixSymbol("A", n, n), sp.MatrixSymbol("U", n, m)
s, v = sp.MatrixSymbol("s", n, 1), sp.MatrixSymbol("v", n, 1)
one, ones, ID = sp.OneMatrix(n, 1), sp.OneMatrix(n, n), sp.Identity(n)
f, tanh, log = elementwise("f"), elementwise("tanh", "tanh"), elementwise("log", "log")
Q, P = function("Q", {"a": n, "b": n}, n), function("P", {"A": (n, n)}, n, n)
STATIC = Model({})
LIMITS = Limits()


def needed(left, right=None):
    right = sp.ZeroMatrix(*left.shape) if right is None else right
    return bounds.needs(Compiler(Claim(left, right, STATIC), LIMITS).program(), {}, Assumed())


def total(vector):
    return matmul(transpose(one), vector)


M = matadd(Scale(total(s), ones), matmul(-1, s, transpose(one)), matmul(-1, one, transpose(s)))
CLASSES = [
    (A, 2),
    (matmul(A, A, A), 4),
    (Tr(matmul(A, A)), 2),
    (hadamard(A, A), 2),
    (matmul(A, diag(s), A), 3),
    (Scale(Tr(A), A), 4 - 1),
    (matmul(transpose(vec(diag(s))), vec(diag(v))), 1),  # both ends of each diagonal are one class
    (hadamard(diag(matmul(A, s)), diag(matmul(A, v))), 3),
    (f(s), 2),  # slot of one, class of the other
    (f(matmul(A, s)), 3),
    (total(f(matadd(Scale(total(s), one), matmul(-1, s)))), 3),
    (matmul(transpose(one), f(M), one), 5),
    (Jacobian(matmul(A, f(matmul(A, s))), s), 3),
    (matmul(A, f(matmul(A, f(matmul(A, s))))), 3),
]


@pytest.mark.parametrize(("expr", "classes"), CLASSES, ids=str)
def test_classes_by_composition(expr, classes):
    """Products add less the joined ones; an atom counts by its slots; pairs of atoms argument + slots."""
    assert needed(expr).classes == (classes,)


def test_each_sort_has_its_own_classes():
    need = needed(matmul(U, transpose(U), A))
    assert (need.at(n), need.at(m)) == (3, 1)


@pytest.mark.parametrize(
    ("expr", "degree"),
    [
        (A, 0),
        (Tr(ID), 1),
        (Scale(Tr(ID), A), 1),
        (Scale(Scale(Tr(ID), Tr(ID)), A), 2),
        (matmul(n**2, A), 2),
        (matmul(1 / n, A), 1),
        (total(s), 0),
        (total(one), 1),
        (matmul(A, one), 0),
        (total(f(s)), 0),
        (total(Softmax(s)), 0),
    ],
    ids=str,
)
def test_degrees_of_loops(expr, degree):
    assert needed(expr).degrees == (degree,)


def test_loops_in_arguments_count_for_every_pair():
    both = matadd(f(matmul(n, s)), f(matmul(3, s)))
    assert needed(both).degrees[0] >= 2
    assert needed(f(matmul(3, s))).degrees == (0,)


def test_sizes_are_large_and_different():
    need = needed(matmul(A, A, A, A, U, transpose(U), s), sp.ZeroMatrix(n, 1))
    (sizes,) = bounds.grid(need, LIMITS)
    assert sizes["n"] >= need.at(n)
    assert sizes["m"] >= 3
    assert sizes["n"] != sizes["m"]


def test_a_size_that_is_an_expression_reaches_its_own_bound():
    wide = sp.MatrixSymbol("H", n + m, n + m)
    need = needed(matmul(*[wide] * 9))
    (sizes,) = bounds.grid(need, LIMITS)
    assert need.at(n + m) == 10
    assert sizes["n"] + sizes["m"] >= 10


def test_an_axis_with_a_number_for_a_size_needs_no_bound_but_has_entries():
    five, two = sp.MatrixSymbol("F", 5, 5), sp.MatrixSymbol("F", 2, 2)
    assert bounds.grid(needed(matmul(five, five, five, five, five, five)), LIMITS) == [{}]
    atoms = [bounds.Size(needed(f(matrix)), {}).log_error() for matrix in (two, five)]
    assert atoms[0] < atoms[1]


def test_more_trials_for_larger_literals_and_for_more_atoms():
    def trials(expr):
        need = needed(expr)
        return bounds.trials(need, bounds.grid(need, LIMITS)[0], 1, LIMITS)

    few, bound = trials(A)
    assert bound <= 2.0**-60
    many, _ = trials(matmul(sp.Integer(10) ** 40, A))
    assert many >= few + 4  # 10^40 has 133 bits
    assert trials(f(matmul(A, f(A))))[0] >= few


# --- laws ------------------------------------------------------------------------------------------------------

laws = settings(deadline=None, derandomize=True, max_examples=60)


class Formulas:
    """Random closed formulas without loops, with ones inside arguments, where pairs of atoms matter."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, *options):
        return self.random.choice(options)()

    def number(self):
        return self.random.choice([1, -1, 2, -2])

    def sum(self):
        return self.pick(lambda: total(v), lambda: matmul(transpose(v), v), lambda: Tr(A))

    def argument(self, depth):
        vector = self.vector(depth - 1)
        return self.pick(
            lambda: matadd(Scale(self.sum(), one), matmul(self.number(), vector)),
            lambda: matadd(matmul(self.number(), vector), v),
            lambda: vector,
        )

    def matrix_argument(self, depth):
        column, row = matmul(v, transpose(one)), matmul(self.number(), one, transpose(v))
        return self.pick(
            lambda: matadd(Scale(self.sum(), ones), matmul(self.number(), column), row),
            lambda: matadd(column, row),
            lambda: matadd(A, matmul(self.number(), transpose(A))),
            lambda: matadd(self.matrix(depth - 1), column),
        )

    def vector(self, depth):
        if depth <= 0:
            return v
        return self.pick(
            lambda: matmul(A, self.vector(depth - 1)),
            lambda: matadd(self.vector(depth - 1), matmul(self.number(), self.vector(depth - 1))),
            lambda: hadamard(self.vector(depth - 1), self.vector(depth - 1)),
            lambda: f(self.argument(depth)),
            lambda: f(self.argument(depth)),
            lambda: matmul(f(self.matrix_argument(depth)), self.random.choice([one, v])),
        )

    def matrix(self, depth):
        if depth <= 0:
            return A
        return self.pick(
            lambda: transpose(self.matrix(depth - 1)),
            lambda: matmul(self.vector(depth - 1), transpose(self.vector(depth - 1))),
            lambda: matadd(self.matrix(depth - 1), transpose(self.matrix(depth - 1))),
            lambda: diag(self.vector(depth - 1)),
            lambda: f(self.matrix_argument(depth)),
            lambda: hadamard(self.matrix(depth - 1), self.matrix(depth - 1)),
        )

    def scalar(self):
        depth = self.random.choice([1, 2, 2, 3])
        return self.pick(
            lambda: total(self.vector(depth)),
            lambda: matmul(transpose(self.vector(depth)), self.vector(depth)),
            lambda: Tr(self.matrix(depth)),
            lambda: matmul(transpose(one), self.matrix(depth), one),
        )


def relations(formulas, size, seed=0):
    """The number of independent linear relations between the values of formulas at a size (None: atoms coincide)."""
    programs = [Compiler(Claim(e, sp.ZeroMatrix(1, 1), STATIC), LIMITS).program() for e in formulas]
    rows = []
    for point in range(len(formulas) + 2):
        field = PrimeField(1, ndim(0), (seed, point).__hash__())
        algebra = Arrays(field, {"n": size}, {}, 10**8, observe=True)
        runs = [(p.left, Run(p.system, algebra, {})) for p in programs]
        rows.append([int(left(run.root, {}).get(0, np.zeros(1)).ravel()[0]) for left, run in runs])
        if algebra.has_equal_atoms:
            return None
    return len(formulas) - rank(rows, field.primes[0])


def rank(rows, p):
    """Gauß modulo p."""
    found = 0
    for column in range(len(rows[0])):
        pivot = next((row for row in range(found, len(rows)) if rows[row][column] % p), None)
        if pivot is None:
            continue
        rows[found], rows[pivot] = rows[pivot], rows[found]
        inverse = pow(rows[found][column], -1, p)
        for row in range(found + 1, len(rows)):
            factor = rows[row][column] * inverse
            rows[row] = [(x - factor * y) % p for x, y in zip(rows[row], rows[found], strict=True)]
        found += 1
    return found


@laws
@given(st.integers(0, 10**9))
def test_what_is_related_at_the_bound_is_related_above_it(seed):
    """Among random formulas, no linear relation holds at n = K that fails at K + 1."""
    source = Formulas(seed)
    formulas = list(dict.fromkeys(source.scalar() for _ in range(9)))
    need = needed(matadd(*formulas))
    (classes,) = need.classes
    if any(need.degrees) or classes > 8:
        return
    assert relations(formulas, classes) == relations(formulas, classes + 1)


def test_the_law_can_fail():
    """At n = 2, below the bound of 3, 1ᵀf((1ᵀs)1 - s) = 1ᵀf(s) is a relation that n = 3 does not have."""
    formulas = [total(f(matadd(Scale(total(v), one), matmul(-1, v)))), total(f(v))]
    assert relations(formulas, 2) == 1
    assert relations(formulas, 3) == relations(formulas, 4) == 0
    assert needed(matadd(*formulas)).classes == (3,)


@laws
@given(st.integers(0, 10**9))
def test_the_verdict_is_the_same_above_the_bound(seed):
    """Random claims, and each formula beside its transpose: the verdict at K is the one at K + 1 and K + 2."""
    source = Formulas(seed)
    left = source.vector(2)
    mirrored = transpose(matmul(transpose(left), ID))
    for right in (source.vector(2), mirrored):
        claim = Claim(left, right, STATIC)
        verdict = decide_at(claim, {}).outcome
        assert verdict in ("equal", "differ")
        (sizes, *_) = bounds.grid(needed(left, right), LIMITS)
        for more in (0, 1, 2):
            assert differs_at(claim, {}, {"n": sizes["n"] + more}) == (verdict == "differ")
    assert decide_at(Claim(left, mirrored, STATIC), {}).outcome == "equal"


# --- unknown functions of several arguments ----------------------------------------------------------------------


class Applied(Formulas):
    """Random formulas with functions of several arguments and their derivatives by a slot beside f."""

    def applied(self, depth):
        return Q(self.argument(depth), self.vector(depth - 1))

    def vector(self, depth):
        if depth <= 0:
            return v
        return self.pick(
            lambda: super(Applied, self).vector(depth),
            lambda: self.applied(depth),
            lambda: matmul(self.slope(depth), self.vector(depth - 1)),
            lambda: matmul(P(self.matrix_argument(depth)), one),
        )

    def slope(self, depth):
        return Jacobian(self.applied(depth), Q.slot(self.random.choice(["a", "b"])))

    def matrix(self, depth):
        if depth <= 0:
            return A
        return self.pick(
            lambda: super(Applied, self).matrix(depth),
            lambda: self.slope(depth),
            lambda: P(self.matrix_argument(depth)),
            lambda: Jacobian(self.vector(depth - 1), v),
        )


@laws
@given(st.integers(0, 10**9))
def test_the_bound_holds_for_unknown_functions_of_several_arguments(seed):
    """The verdict at K is the one at K + 1 and K + 2, and so are the relations between formulas."""
    source = Applied(seed)
    left, right = source.vector(2), source.vector(2)
    claim = Claim(left, right, STATIC)
    verdict = decide_at(claim, {}).outcome
    assert verdict in ("equal", "differ")
    (sizes, *_) = bounds.grid(needed(left, right), LIMITS)
    for more in (0, 1, 2):
        assert differs_at(claim, {}, {"n": sizes["n"] + more}) == (verdict == "differ")
    formulas = list(dict.fromkeys(source.scalar() for _ in range(6)))
    need = needed(matadd(*formulas))
    (classes,) = need.classes
    if not any(need.degrees) and classes <= 7:
        assert relations(formulas, classes) == relations(formulas, classes + 1)


def test_arguments_are_told_apart_from_their_own_classes_on():
    """[[A,Aᵀ]²,A] vanishes at n = 2: K of P([[A,Aᵀ]²,A]) counts the classes of the argument."""
    commutator = matadd(matmul(A, transpose(A)), matmul(-1, transpose(A), A))
    square = matmul(commutator, commutator)
    hall = matadd(matmul(square, A), matmul(-1, A, square))
    assert needed(P(hall)).classes >= (6,)
    assert needed(Q(v, v)).classes == (1,)


# --- unrolled networks of known functions ----------------------------------------------------------------------

STEPS = 4


def unrolled():
    """h_k = tanh(W h_{k-1} + U x_k), E = Σ -yᵀ log softmax(V h_k); Σ_k diag(1 - h_k²) ∂E/∂h_k h_{k-1}ᵀ = ∂E/∂W."""
    t, k = sp.symbols("t k", integer=True)
    h, x, y = sequence("h", n), sequence("x", m), sequence("y", q)
    W, V, E = sp.MatrixSymbol("W", n, n), sp.MatrixSymbol("V", q, n), sp.MatrixSymbol("E", 1, 1)
    losses = TimeSum(matmul(-1, transpose(y[k]), log(Softmax(matmul(V, h[k])))), k, sp.S.One, t)
    equations = {h[t]: tanh(matadd(matmul(W, h[t - 1]), matmul(U, x[t]))), E: losses}
    model = Model(equations, time=Time(1, t))
    slope = diag(matadd(one, matmul(-1, HadamardPower(h[k], 2))))
    terms = matmul(slope, Gradient(E, h[k]), transpose(h[k - 1]))
    return Claim(Gradient(E, W), TimeSum(terms, k, sp.S.One, t), model), t


def test_an_unrolled_network_of_tanh_and_softmax_needs_few_points():
    """Exponentials of tanh took 24 choices of sizes with 137 trials each at 2 steps, and left no bound at 4."""
    claim, t = unrolled()
    outcome = decide_at(claim, {t: STEPS})
    assert outcome.outcome == "equal"
    assert outcome.instances < 100
    assert outcome.bound <= 2.0**-60


def test_tanh_as_exponentials_is_as_true():
    """Both readings of tanh and σ, evaluated for each identity: the same one is equal in both."""
    claim, _ = unrolled()
    program = Compiler(claim, LIMITS).program()
    for by_exponentials in (False, True):
        sizes = {"n": 3, "m": 4, "q": 5}
        field, algebra, sides = evaluated(program, {"t": 2}, sizes, 2, 0, LIMITS, None, by_exponentials)
        assert not differences(program, field, algebra, sides).any()
        assert not field.has_related_functions()
