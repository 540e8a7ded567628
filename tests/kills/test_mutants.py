"""Single edits of the suite's true claims are refuted, or listed as equivalent with their reason.

One edit in `SHARE` of them here, all by `.ci/kills`; what is listed is always looked at.
"""

import os
from collections import defaultdict
from functools import cache
from pathlib import Path
from zlib import crc32

import pytest

from verify.check import settle
from verify.deciders.normal_form import Session
from verify.edits import edits
from verify.limits import Effort
from verify.mutants import fate
from verify.numeric import examine

LIST = Path(__file__).with_name("equivalent.txt")
SHARE = int(os.environ.get("BACKPROOF_KILLS_SHARE", "8"))


@cache
def listed():
    """document::id::edit -> reason."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    rows = [line.split(" | ") for line in lines if line and not line.startswith("#")]
    assert all(len(row) == 2 and row[1].strip() for row in rows), "each line is: edit | reason"
    assert len({row[0] for row in rows}) == len(rows), "an edit stands once"
    return dict(rows)


def is_chosen(name):
    """A share of all edits by a hash of their names, the same ones each time."""
    return crc32(name.encode()) % SHARE == 0 or name in listed()


@pytest.fixture(scope="module")
def session():
    """The normal form unfolds each document's model once for all its claims."""
    found = defaultdict(Session)
    return lambda claim: found[id(claim.model)]  # the suite keeps the models


@pytest.fixture(scope="module")
def all_fates(true_claims, session):
    return {
        f"{name}::{edit.name}": fate(edit, session=session(claim))
        for name, claim in true_claims.items()
        for edit in edits(claim)
        if is_chosen(f"{name}::{edit.name}")
    }


def test_every_planted_error_is_refuted_or_listed(all_fates):
    alive = {name for name, found in all_fates.items() if found.fate == "alive"}
    expected = {name for name in listed() if "::2.11::" not in name}
    assert alive - expected == set(), "planted errors that nothing refutes"
    assert expected - alive == set(), "listed as equivalent, and refuted (or gone)"
    assert sum(found.fate == "killed" for found in all_fates.values()) > 1000 / SHARE


def test_equivalent_edits_are_confirmed_by_the_numeric_witnesses_alone(all_fates):
    for name in listed():
        if name in all_fates:
            outcomes = examine(all_fates[name].edit.claim, Effort(examples=12))
            assert {o.outcome for o in outcomes} <= {"equal", "unknown"}, name
            assert sum(o.outcome == "equal" for o in outcomes) >= 3, name


def test_an_edit_out_of_range_is_never_green(all_fates):
    out = [found for found in all_fates.values() if found.fate == "out of range"]
    assert out
    for found in out[::10]:
        assert settle(found.edit.claim, Effort(examples=0)).verdict == "undecided"


def test_an_edit_that_is_not_settled_is_never_proved(all_fates, session):
    """Few steps are no weaker: what is proved is proved before more of them are tried."""
    few = Effort(examples=0, steps=Effort().small_steps)
    for found in all_fates.values():
        if found.fate == "unsettled":
            assert settle(found.edit.claim, few, session(found.edit.claim)).verdict in ("undecided", "tested")


def test_edits_of_the_inequality_are_refuted_by_numbers_or_listed(suite):
    claim, _ = suite["01-rnn.md::2.11"]
    alive = {
        f"01-rnn.md::2.11::{edit.name}"
        for edit in edits(claim)
        if settle(edit.claim, Effort(examples=200)).verdict not in ("refuted", "undecided")
    }
    assert alive == {name for name in listed() if "::2.11::" in name}
