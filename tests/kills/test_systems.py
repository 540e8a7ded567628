"""Single edits of the true claims of the systems' documents: one in `SHARE` of them here, all by `.ci/kills`."""

import os
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path
from zlib import crc32

import pytest

from verify.deciders.normal_form import Session
from verify.edits import edits
from verify.mutants import fate

LIST = Path(__file__).with_name("equivalent_systems.txt")
SHARE = int(os.environ.get("BACKPROOF_KILLS_SHARE", "96"))
CLAIMS = min(8, SHARE)  # one in so many claims, and of those one in SHARE / CLAIMS edits


@cache
def listed():
    """document::id::edit -> reason."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    rows = [line.split(" | ") for line in lines if line and not line.startswith("#")]
    assert all(len(row) == 2 and row[1].strip() for row in rows), "each line is: edit | reason"
    assert len({row[0] for row in rows}) == len(rows), "an edit stands once"
    return dict(rows)


def is_looked_at(claim):
    """A share of the claims by a hash of their names, and those of which edits are listed: edits take long to make."""
    return crc32(claim.encode()) % CLAIMS == 0 or any(name.startswith(f"{claim}::") for name in listed())


def is_chosen(name):
    """A share of their edits, the same ones each time; what is listed is always looked at."""
    return crc32(name.encode()) % (SHARE // CLAIMS) == 0 or name in listed()


@pytest.fixture(scope="module")
def all_fates(systems):
    found, sessions = {}, defaultdict(Session)
    for name, (claim, expected) in systems.items():
        if expected in ("", "proved", "tested") and claim.relation == "=" and is_looked_at(name):
            for edit in edits(claim):
                key = f"{name}::{edit.name}"
                if is_chosen(key):
                    found[key] = fate(edit, session=sessions[id(claim.model)])
    return found


def test_every_planted_error_is_refuted_or_listed(all_fates):
    alive = {name for name, found in all_fates.items() if found.fate == "alive"}
    assert alive - set(listed()) == set(), "planted errors that nothing refutes"
    assert set(listed()) - alive == set(), "listed as equivalent, and refuted (or gone)"


def test_nearly_all_are_settled(all_fates):
    """What the prime field does not settle (the parity of tanh', functions of functions) is left to numbers."""
    counts = Counter(found.fate for found in all_fates.values())
    assert counts["killed"] > 18000 / SHARE * 0.8
    assert counts["unsettled"] < 0.02 * counts["killed"]
