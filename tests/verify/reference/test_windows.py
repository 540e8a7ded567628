"""A series as windows with targets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.reference.windows import windows


def test_two_values_and_the_next():
    """d_1, d_2 → d_3 and d_2, d_3 → d_4."""
    inputs, targets = windows(np.array([10, 20, 30, 40]), 2)
    assert inputs.tolist() == [[[10], [20]], [[20], [30]]]  # time first, then the samples
    assert targets.tolist() == [[30], [40]]


@given(
    count=st.integers(1, 12), width=st.integers(1, 6), ahead=st.integers(1, 4), m=st.integers(1, 3), flat=st.booleans()
)
def test_every_sample_is_a_piece_of_the_series(count, width, ahead, m, flat):
    """x[k, j] = d_{j+k} and y[j] = d_{j+width+ahead-1}, counted from 0; as many samples as fit, or a refusal."""
    flat = flat and m == 1
    series = np.arange(count * m, dtype=float)
    series = series if flat else series.reshape(count, m)
    if count < width + ahead:
        with pytest.raises(ValueError, match=f"{count} values hold no window of {width}"):
            windows(series, width, ahead)
        return
    inputs, targets = windows(series, width, ahead)
    samples = count - width - ahead + 1
    assert inputs.shape == (width, samples, m)
    assert targets.shape == (samples, m)
    for j in range(samples):
        assert (inputs[:, j] == series[j : j + width].reshape(width, m)).all()
        assert (targets[j] == series[j + width + ahead - 1]).all()


@pytest.mark.parametrize(("width", "ahead"), [(0, 1), (1, 0), (-1, 1)])
def test_a_width_below_one_is_refused(width, ahead):
    with pytest.raises(ValueError, match="must be at least 1"):
        windows(np.arange(5), width, ahead)


def test_a_series_of_matrices_is_refused():
    with pytest.raises(ValueError, match=r"a series is \(N,\) or \(N, m\), not \(4, 2, 2\)"):
        windows(np.zeros((4, 2, 2)), 1)
