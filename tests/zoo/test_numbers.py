"""What the zoo expects, confirmed by numbers that know nothing of Backproof: both sides at a random instance."""

import pytest
from arithmetic import outcome
from errata_gated import ERRATA as GATED
from errata_layers import ERRATA as LAYERS
from errata_recurrent import ERRATA as RECURRENT

from verify.document.statements import read
from verify.zoo.entries import specimens

ERRATA = {**RECURRENT, **GATED, **LAYERS}
UNCONFIRMED = {"torch-lstm-doc"}  # nothing to compute: a name is undeclared


def expected(specimen):
    """What the document expects of each equation and link: id -> verdict without its reason."""
    found = {}
    for statement in read(specimen.path, specimen.text).claims:
        for position in range(1, 10):
            links = statement.directives.expect
            found[f"{statement.id}/{position}"] = links.get(str(position), links.get("", "proved"))
        found[statement.id] = statement.directives.expect.get("", "proved")
    return found


def test_every_entry_is_confirmed():
    assert set(ERRATA) == {specimen.id for specimen in specimens()} - UNCONFIRMED
    assert len(ERRATA) == len(RECURRENT) + len(GATED) + len(LAYERS)


@pytest.mark.parametrize("name", sorted(ERRATA))
def test_numbers_agree_with_the_entry(name):
    (specimen,) = specimens((name,))
    wanted = expected(specimen)
    for equation, (left, right) in ERRATA[name]().items():
        verdict, _, reason = outcome(left, right).partition(" ")
        assert verdict == wanted[equation].replace("tested", "proved"), equation
        if equation == "published" and specimen.published == "refuted":
            assert reason == specimen.reason


def test_the_comparison_accepts_and_rejects():
    import numpy as np

    one, two = np.ones((2, 1)), np.ones((1, 2))
    assert outcome(lambda: one, lambda: one * (1 + 1e-12)) == "proved"
    assert outcome(lambda: one, lambda: one * (1 + 1e-6)) == "refuted value"
    assert outcome(lambda: one, lambda: two) == "refuted shape"
    assert outcome(lambda: one, lambda: one @ one) == "refuted shape"
