"""The arithmetic below the witnesses: error bounds that hold, dual numbers, draws that repeat, shrinking."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.language.shapes import NODE_TYPES
from derive.model import Equation, Model
from verify.instances import Instance, batches, draw, uniform
from verify.oracles.arithmetic import Bounded, Dual, apply, bounded, total
from verify.oracles.differences import SHIFTS, extrapolated
from verify.oracles.formulas import VALUES
from verify.oracles.functions import HIGHEST, KNOWN, Known, Smooth
from verify.oracles.registry import ORACLES
from verify.oracles.shrink import shrink

ROUNDS = settings(deadline=None, derandomize=True, max_examples=60)
STEP = 2.0**-400


def test_every_node_has_a_value():
    """The table covers the closed set of the language."""
    assert set(VALUES) == set(NODE_TYPES)


def exact(matrix):
    """A float matrix as fractions."""
    return np.vectorize(Fraction, otypes=[object])(matrix)


@ROUNDS
@given(st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_error_bounds_hold(n, seed):
    """((A B) ⊙ C + A) summed, against exact fractions: every entry within its bound, and the bound is small."""
    r = np.random.default_rng(seed)
    a, b, c = (r.uniform(-1, 1, (n, n)) for _ in range(3))
    found = total((bounded(a) @ bounded(b)) * bounded(c) + bounded(a), -1)
    right = ((exact(a) @ exact(b)) * exact(c) + exact(a)).sum(axis=-1, keepdims=True)
    assert (np.abs(exact(found.value) - right) <= exact(found.error)).all()
    assert (found.error <= 1e-14 * n).all()


@pytest.mark.parametrize("kind", sorted(KNOWN))
@pytest.mark.parametrize("order", range(HIGHEST))
def test_slopes_are_the_complex_step_of_the_order_below(kind, order):
    """f⁽ᵏ⁺¹⁾(z) = Im f⁽ᵏ⁾(z + ih) / h."""
    z = np.linspace(0.3, 2.0, 9)
    z = z if kind in ("log", "sqrt") else np.concatenate([z, -z])
    check_slope(Known(kind), order, z)


@pytest.mark.parametrize("order", range(HIGHEST))
def test_slopes_of_an_opaque_function(order):
    """The drawn function's derivatives, one order after the other."""
    check_slope(Smooth(*(np.array(v) for v in (0.4, 0.6, 0.3, -0.5, 1.1))), order, np.linspace(-3, 3, 13))


def check_slope(function, order, z):
    stepped = function.value(order, z + 1j * STEP).imag / STEP
    found = function.value(order + 1, z)
    assert (np.abs(found - stepped) <= 1e-13 * (1 + np.abs(found))).all()


def test_nested_duals_keep_their_changes_apart():
    """∂²/∂x² of tanh(x) x, each ε by its own level."""
    x = np.array([[0.3]])
    one = np.ones((1, 1))
    inner = Dual(2, Dual(1, x, one), one)
    found = (apply(Known("tanh"), 0, inner) * inner).change.change
    v = sp.Symbol("v")
    assert found[0, 0] == pytest.approx(float((sp.tanh(v) * v).diff(v, 2).subs(v, sp.Float("0.3", 30))), rel=1e-14)


def test_extrapolation_is_exact_for_cubics_and_knows_its_error():
    """R(h) = f' for a cubic; for a quintic its error is below the estimate."""
    for degree in (3, 5):
        values = (0.7 + SHIFTS) ** degree
        found, error = extrapolated(values)
        right = degree * 0.7 ** (degree - 1)
        assert abs(found - right) <= error + 1e-12
        assert error < 1e-8


def test_the_same_seed_draws_the_same(elman):
    """Instances and entries are functions of their arguments; another seed gives others."""
    model = elman().model
    assert draw(model, 100, 1) == draw(model, 100, 1)
    assert draw(model, 100, 1) != draw(model, 100, 2)
    assert len({one.seed for one in draw(model, 100, 1)}) == 100


def test_a_hundred_instances_are_a_few_batches_that_can_tell(elman):
    """Sizes pairwise different and ≥ 2, T ≥ 3."""
    groups = batches(draw(elman().model, 100, 0))
    assert len(groups) == 4
    assert sum(len(group.seeds) for group in groups) == 100
    for group in groups:
        sizes = [size for _, size in group.sizes]
        assert min(sizes) >= 2
        assert len(set(sizes)) == len(sizes)
        assert group.last >= 3


@pytest.mark.parametrize("letters", [1, 2, 3, 4])
def test_no_size_is_always_the_same(letters):
    """A model with one size letter must not be tried at n = 2 alone: identities of 2×2 matrices would pass."""
    sizes = [sp.Symbol(name, integer=True, positive=True) for name in "abcd"[:letters]]
    left, right = (
        sp.MatrixSymbol("A", sizes[0], sizes[-1]),
        sp.MatrixSymbol("B", sizes[1 % letters], sizes[-2 % letters]),
    )
    model = Model(
        [Equation(sp.MatrixSymbol("L", *left.shape), left), Equation(sp.MatrixSymbol("R", *right.shape), right)]
    )
    drawn = [dict(group.sizes) for group in batches(draw(model, 100, 0))]
    for size in sizes:
        assert len({group[size.name] for group in drawn}) >= 2


def test_a_smaller_tensor_is_the_corner_of_a_larger():
    """Entries do not depend on the sizes, nor on the other instances of a batch."""
    assert (uniform((5, 6), "W[]", 3, 4)[:1, :2, :3] == uniform((5,), "W[]", 2, 3)).all()
    entries = uniform(tuple(range(2000)), "W[]", 2, 2)
    assert abs(entries.mean()) < 0.02
    assert abs(entries.std() - 3**-0.5) < 0.01


def test_batched_instances_are_the_single_ones(elman):
    """One leading axis: an instance's outcome does not depend on its neighbours."""
    claim = elman().wrong["missing transpose"]
    many = draw(claim, 8, 3)
    for oracle in (ORACLES["bptt"], ORACLES["tangents"]):
        together = oracle.examine(claim, many).where
        one = next(i for i in many if i.seed == together["seed"])
        assert oracle.examine(claim, [one]).where == together


SMALLEST = {  # the smallest shapes that show each error: last step, n
    "missing transpose": (2, 2),
    "W and diag swapped": (2, 2),
    "sign": (2, 1),
    "missing time term": (2, 1),
    "missing oldest term": (1, 1),
    "missing bias term": (2, 1),
    "order of the product": (3, 2),
    "kron swapped": (1, 2),
    "total for immediate": (2, 1),
}


@pytest.mark.parametrize("error", sorted(SMALLEST))
@pytest.mark.parametrize("name", ["bptt", "tangents"])
def test_shrinking_finds_the_smallest_shapes_and_few_entries(elman, name, error):
    claim = elman().wrong[error]
    small = shrink(ORACLES[name], claim, draw(claim, 1, 4)[0])
    assert (small.last, dict(small.sizes)["n"]) == SMALLEST[error]
    entries = np.concatenate([np.ravel(rows) for _, rows in small.values])
    assert (entries != 0).sum() <= 6
    assert ORACLES[name].examine(claim, [small]).outcome == "differ"


def test_nothing_is_shrunk_that_holds(elman):
    claim = elman().right["2.2c"]
    one = draw(claim, 1)[0]
    assert shrink(ORACLES["tangents"], claim, one) == one


def test_bounded_numbers_are_exact_until_rounded():
    """An input carries no error; a sum of two does."""
    a = bounded(np.array([[0.1]]))
    assert a.error is None
    assert isinstance(a + a, Bounded)
    assert (a + a).error > 0


def test_an_instance_is_a_batch_of_one():
    one = Instance((("n", 2),), 3, 9)
    assert batches([one]) == (one.batch,)
