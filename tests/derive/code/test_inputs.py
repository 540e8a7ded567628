"""What generated code makes of the arrays that it is given, and what it says of wrong ones."""

import numpy as np
import pytest

from tests.derive.code.generated import drawn, generated, shapes

SIZES = {"T": 5, "B": 3, "m": 2, "n": 4}
ODD = {
    "Fortran order": np.asfortranarray,
    "every other entry": lambda array: np.repeat(array, 2, axis=-1)[..., ::2],
    "read-only": lambda array: np.lib.stride_tricks.as_strided(array, writeable=False),
    "lists": lambda array: array.tolist(),
}


def example(name, samples=3):
    """A module with inputs and cotangents."""
    code = generated(name)
    letters, outputs = shapes(code)
    rng = np.random.default_rng(samples)
    sizes = SIZES | {"B": samples}
    return code, drawn(letters, sizes, rng), drawn(outputs, sizes, rng)


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("name", ["rnn", "lstm", "stacked"])
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_any_array_will_do(name, odd, samples):
    """Arrays of any layout, and lists, give the same gradients."""
    code, inputs, cotangents = example(name, samples)
    expected = code.gradients(inputs, cotangents)
    found = code.gradients(*({key: odd(array) for key, array in arrays.items()} for arrays in (inputs, cotangents)))
    for key, array in expected.items():
        np.testing.assert_allclose(found[key], array, rtol=0, atol=64 * np.finfo(float).eps * np.abs(array).max())


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("name", ["rnn", "lstm"])
def test_nothing_that_is_given_is_written_to(name, samples):
    """Inputs and cotangents stay as they are, a second call gives the same bytes, and gradients share no memory."""
    code, inputs, cotangents = example(name, samples)
    before = {key: array.copy() for arrays in (inputs, cotangents) for key, array in arrays.items()}
    first, second = code.gradients(inputs, cotangents), code.gradients(inputs, cotangents)
    for arrays in (inputs, cotangents):
        assert all(np.array_equal(array, before[key]) for key, array in arrays.items())
    assert all(np.array_equal(first[key], second[key]) for key in first)
    given = [*inputs.values(), *cotangents.values()]
    for key, array in first.items():
        others = [other for name, other in first.items() if name != key]
        assert not any(
            np.may_share_memory(array, other) and np.shares_memory(array, other) for other in (*others, *given)
        )


def test_whole_numbers_are_taken_as_float64():
    """x of integers: the type is float64."""
    code, inputs, cotangents = example("rnn")
    whole = {key: np.round(3 * array).astype(int) for key, array in inputs.items()}
    found = code.gradients(whole, cotangents)
    assert {array.dtype for array in found.values()} == {np.dtype(float)}


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (lambda one: one.pop("W"), KeyError, r"missing: \['W'\]"),
        (lambda one: one.update(V=1), KeyError, r"unknown: \['V'\]"),
        (lambda one: one.update(W=np.ones((4, 3))), ValueError, r"W is \(n, n\) with n = 4, not \(4, 3\)"),
        (lambda one: one.update(x=np.ones((5, 2))), ValueError, r"x is \(T, B, m\), not \(5, 2\)"),
        (lambda one: one.update(s0=np.ones((2, 4))), ValueError, r"s0 is \(B, n\) with B = 3, not \(2, 4\)"),
    ],
)
def test_wrong_inputs_are_named(change, error, said):
    """Which key, which shape it should have, which it has."""
    code, inputs, cotangents = example("rnn")
    change(inputs)
    with pytest.raises(error, match=said):
        code.gradients(inputs, cotangents)


@pytest.mark.parametrize(
    ("cotangents", "error", "said"),
    [
        ({}, KeyError, "not none"),
        ({"h": np.ones((5, 3, 4))}, KeyError, "some of s, not h"),
        ({"s": np.ones((5, 4))}, ValueError, r"cotangent of s is \(5, 4\), not \(5, 3, 4\)"),
    ],
)
def test_wrong_cotangents_are_named(cotangents, error, said):
    """Which outputs there are, and the shape that is expected."""
    code, inputs, _ = example("rnn")
    with pytest.raises(error, match=said):
        code.gradients(inputs, cotangents)
