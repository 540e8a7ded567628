"""Memory: near to what the formulas need, linear in T; by segments it grows with the square root of T."""

import tracemalloc

import numpy as np
import pytest

from tests.derive.code.generated import drawn, generated, shapes

B, m, n = 4, 2, 48


def peak(code, steps):
    """The largest number of bytes held at once by both passes, beside the arrays given."""
    letters, outputs = shapes(code)
    sizes = {"T": steps, "B": B, "m": m, "n": n}
    rng = np.random.default_rng(0)
    inputs, cotangents = drawn(letters, sizes, rng), drawn({"h": outputs["h"]}, sizes, rng)
    code.gradients(inputs, cotangents)
    tracemalloc.start()
    code.gradients(inputs, cotangents)
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


@pytest.mark.parametrize(("name", "values"), [("lstm", 7), ("gru", 5)])
def test_the_peak_is_near_to_what_the_formulas_need(name, values):
    """The values of every step that the formulas read (i, f, o, g, c, tanh c, h), and the inputs' gradients."""
    steps = 400
    needed = 8 * steps * B * (values * n + m)
    assert peak(generated(name), steps) < 1.5 * needed


def test_the_peak_is_linear_in_the_steps():
    """Twice the steps, twice the memory."""
    code = generated("lstm")
    assert peak(code, 800) < 2.1 * peak(code, 400)


def test_by_segments_memory_grows_with_the_root():
    """Sixteen times the steps: less than four times the memory; all at once takes more than eight times as much."""
    code = generated("lstm", memory="sqrt")
    assert peak(code, 1600) < 4 * peak(code, 100)
    assert peak(generated("lstm"), 1600) > 8 * peak(generated("lstm"), 100)
