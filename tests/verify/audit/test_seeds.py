"""No false alarm and no error missed: a few seeds here, `python -m tests.verify.audit.seeds 1000` for many."""

import pytest

from tests.verify.audit.seeds import rates

SEEDS = 20


@pytest.mark.parametrize("exact", [True, False])
def test_every_right_function_is_accepted_and_every_wrong_one_rejected(exact):
    pytest.importorskip("torch")
    found = {(name, is_right): accepted for name, _, is_right, accepted in rates(SEEDS, exact)}
    assert found == {(name, is_right): SEEDS if is_right else 0 for name, is_right in found}
    assert len(found) > 20
