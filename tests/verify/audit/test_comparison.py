"""The bound of an entry: it holds for right code, in whatever order it adds, and finds the smallest errors."""

import numpy as np
import pytest

from tests.verify.audit.functions import EXACT, RIGHT, batched, columns
from verify.audit.comparison import compared
from verify.audit.models import model
from verify.audit.running import Running, allowance


def problem(seed=0, dtype=np.float64, **sizes):
    truth = model("rnn")
    return truth, truth.instance(truth.sizes(0, sizes), seed, np.dtype(dtype))


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_right_code_is_within_the_bounds(name, dtype):
    truth, instance = problem(3, dtype)
    found = RIGHT[name](instance.inputs, instance.cotangents)
    assert compared(truth, instance, found).is_equal


@pytest.mark.parametrize("key", ["x", "s0", "U", "W", "b"])
def test_every_single_entry_that_is_off_by_a_millionth_is_found(key):
    truth, instance = problem(1)
    right = batched(instance.inputs, instance.cotangents)
    for place in np.ndindex(*right[key].shape):
        wrong = right[key].copy()
        wrong[place] *= 1 + 1e-6
        found = compared(truth, instance, {**right, key: wrong})
        assert [(one.key, one.index) for one in found.differences] == [(key, place)]
        assert found.counts == {key: 1}
        assert found.differences[0].bound < 1e-6 * abs(right[key][place])


def test_a_bound_does_not_depend_on_the_other_entries():
    """An entry a million times smaller than the others is judged by its own size."""
    truth, instance = problem(2)
    instance.cotangents["s"][:, 0] *= 1e-9
    right = batched(instance.inputs, instance.cotangents)
    wrong = right["s0"].copy()
    wrong[0, 0] *= 1 + 1e-6
    (one,) = compared(truth, instance, {**right, "s0": wrong}).differences
    assert one.index == (0, 0)


def test_numbers_that_are_none_are_beyond_every_bound():
    truth, instance = problem()
    right = batched(instance.inputs, instance.cotangents)
    wrong = right["b"].copy()
    wrong[0] = np.nan
    assert not compared(truth, instance, {**right, "b": wrong}).is_equal


def test_the_bound_covers_an_error_that_a_division_by_a_small_number_makes():
    """1/ρ of a small spread: the true error of float64 is large, and the bound says so."""
    truth = model("layer norm")
    instance = truth.instance(truth.sizes(0), 4)
    instance.inputs["U"][:] *= 1e-4
    instance.inputs["W"][:] *= 1e-4
    wide = [
        {key: a.astype(np.longdouble) for key, a in part.items()} for part in (instance.inputs, instance.cotangents)
    ]
    found = {key: array.astype(float) for key, array in truth.run(*wide).items()}
    plain = {key: array * (1 + 1e-9) for key, array in found.items()}
    assert compared(truth, instance, found).is_equal
    assert not compared(truth, instance, plain).is_equal


def test_a_count_of_roundings_bounds_the_error_of_a_sum_that_cancels():
    """(1e8 + x) - 1e8: R is 2e8, where the value is 1."""
    number = Running(np.array([1e8])) + 1.0 - 1e8
    assert number.value[0] == 1.0
    assert 2e8 < number.count[0] < 5e8
    assert allowance("float64") * number.count[0] > 1e-8


def test_the_same_numbers_in_another_order_stay_within_the_bound():
    """Sums over time in reverse, in float32: T = 200, B = 3."""
    truth, instance = problem(7, "float32", T=200)
    found = columns(instance.inputs, instance.cotangents)
    assert {array.dtype for array in found.values()} == {np.dtype("float32")}
    assert compared(truth, instance, found).is_equal
    assert not compared(truth, instance, {**found, "U": found["U"] * np.float32(1.001)}).is_equal


def test_the_list_of_right_functions_is_not_empty():
    assert set(EXACT) < set(RIGHT)
