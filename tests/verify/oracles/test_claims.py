"""Every numeric witness alone: right claims are equal, wrong ones differ, and what it cannot see is listed."""

from __future__ import annotations

import pytest

from verify.instances import draw
from verify.oracles.registry import ORACLES

NAMES = sorted(ORACLES)
RIGHT = ("2.2c", "2.3", "2.4", "2.7", "2.8", "2.9", "2.b", "K2", "G_t")
WRONG = (
    "missing transpose",
    "W and diag swapped",
    "f for f'",
    "off by one in time",
    "f' at the wrong step",
    "missing time term",
    "missing oldest term",
    "missing bias term",
    "sign",
    "order of the product",
    "kron swapped",
    "total for immediate",
)


def examine(name, claim, count=12, seed=0):
    return ORACLES[name].examine(claim, draw(claim, count, seed))


@pytest.mark.parametrize("row", RIGHT)
@pytest.mark.parametrize("name", NAMES)
def test_right_claims_are_equal(elman, name, row):
    outcome = examine(name, elman().right[row])
    assert outcome.outcome == "equal", outcome
    assert outcome.instances == (1 if name == "components" else 12)


@pytest.mark.parametrize("error", WRONG)
@pytest.mark.parametrize("name", NAMES)
def test_wrong_claims_differ(elman, name, error):
    outcome = examine(name, elman().wrong[error])
    assert outcome.outcome == "differ", outcome
    assert {"sizes", "times", "seed", "entry", "left", "right"} <= set(outcome.where)


@pytest.mark.parametrize("row", ["2.3", "2.4", "2.7"])
@pytest.mark.parametrize("name", NAMES)
def test_a_loss_at_every_step_breaks_the_recursion(elman, name, row):
    """δ_{t-1}ᵀ = δ_tᵀ W diag f' misses the direct term; ∂E/∂W = Σ δ_k s_{k-1}ᵀ does not."""
    assert examine(name, elman(every=True).right[row]).outcome == "differ"
    assert examine(name, elman(every=True).right["2.8"]).outcome == "equal"
