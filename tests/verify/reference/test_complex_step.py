"""One direction a block, all blocks in one run: against the hand-written backward passes, and what it rejects."""

from __future__ import annotations

import numpy as np
import pytest

from tests.verify.reference.systems import RECURRENT, TELLING, uniform
from tests.verify.reference.test_sensitivities import of_elman
from verify.reference import complex_step, rnn
from verify.reference.complex_step import runs, slopes

CASES = {"RNN": of_elman, **RECURRENT}


def directions_of(case):
    return {key: uniform(array.shape, "direction", key) for key, array in case.inputs.items()}


def differences(case, gradients, **changes):
    """|slope - ⟨gradient, direction⟩| by the sum of the products' sizes, for each block."""
    directions = directions_of(case)
    found = slopes(case.forward, case.inputs, directions, case.cotangents, **changes)
    assert set(found) == set(case.inputs)
    products = {key: gradients[key] * direction for key, direction in directions.items()}
    return {key: abs(found[key] - p.sum()) / np.abs(p).sum() for key, p in products.items()}


@pytest.mark.parametrize("name", CASES)
def test_every_block_has_its_slope(name):
    case = CASES[name](TELLING)
    assert max(differences(case, case.adjoints()).values()) < 1e-13


@pytest.mark.parametrize("name", ["RNN", "LSTM, peepholes", "GRU, reset after, update z", "layer norm"])
def test_a_small_error_in_one_entry_is_rejected(name):
    """The last entry of a block times 1 + 1e-6: that block alone differs, at a thousand times the noise."""
    case = CASES[name](TELLING)
    for key in case.inputs:
        wrong = {k: array.copy() for k, array in case.adjoints().items()}
        wrong[key].flat[-1] *= 1 + 1e-6
        found = differences(case, wrong)
        assert found.pop(key) > 1e-10
        assert max(found.values()) < 1e-13


def test_blocks_go_together_as_far_as_memory_allows(monkeypatch):
    sizes = {"U": 4, "W": 4, "b": 2, "V": 100, "c": 1}
    assert list(runs(sizes, 30)) == [["U", "W", "b"], ["V"], ["c"]]
    assert list(runs(sizes, 10**6)) == [list(sizes)]
    case = CASES["LSTM"](TELLING)
    monkeypatch.setattr(complex_step, "runs", lambda sizes: runs(sizes, 40))
    assert max(differences(case, case.adjoints()).values()) < 1e-13


def test_a_direction_for_nothing_is_refused():
    case = CASES["RNN"](TELLING)
    with pytest.raises(KeyError, match="directions for b_i, which are not among the inputs U"):
        slopes(case.forward, case.inputs, {"b_i": np.ones(3)}, case.cotangents)
    with pytest.raises(KeyError, match="cotangents of h"):
        slopes(case.forward, case.inputs, {"b": np.ones(3)}, {"h": case.cotangents["s"]})


def test_an_output_that_alone_has_many_copies():
    """As many matrices V as steps: each has its own outputs, and V_k is not taken for the matrix of step k."""
    case = of_elman(TELLING)
    many = uniform((TELLING.steps, TELLING.p, TELLING.n), "V")
    together = rnn.forward({**case.inputs, "V": many})["z"]
    assert together.shape == (TELLING.steps, len(many), TELLING.batch, TELLING.p)
    for k, v in enumerate(many):
        assert np.allclose(together[:, k], rnn.forward({**case.inputs, "V": v})["z"], rtol=1e-14, atol=1e-14)
