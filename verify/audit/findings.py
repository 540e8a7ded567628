"""What an audit found, as data: frozen, the same bytes for the same call; a report is never a bare bool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from verify.audit.comparison import Difference
from verify.audit.exact import ExactRun
from verify.audit.faults import Fault

VERDICTS = ("accepted", "rejected", "failed")


@dataclass(frozen=True)
class Evidence:
    """One instance: what it was, how many entries were compared, the worst ratio of a difference to its bound.

    `differences` are the entries beyond their bounds, `counts` how many of each key; `blind` what it cannot show.
    """

    sizes: Mapping[str, int]
    seed: int
    entries: int
    worst: float
    differences: tuple[Difference, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    totals: Mapping[str, int] = field(default_factory=dict)
    blind: tuple[str, ...] = ()


@dataclass(frozen=True)
class AuditReport:
    """The verdict on one function, with its evidence.

    `accepted`: every entry of every gradient is right on every instance; `rejected`: some entry is not, or what was
    returned is none of what was asked for; `failed`: no call came to an end, so nothing was compared.
    """

    function: str
    model: str
    dtype: str
    keys: tuple[str, ...]
    evidence: tuple[Evidence, ...] = ()
    faults: tuple[Fault, ...] = ()
    exact: ExactRun | None = None
    notes: tuple[str, ...] = ()
    diagnosis: Any = None

    @property
    def verdict(self) -> str:
        """One of `VERDICTS`."""
        if not any(one.entries for one in self.evidence) and self.exact is None:
            return "failed" if all(fault.kind in STOPS for fault in self.faults) else "rejected"
        is_wrong = bool(self.faults) or any(one.differences for one in self.evidence)
        return "rejected" if is_wrong or (self.exact is not None and self.exact.outcome == "differs") else "accepted"

    @property
    def ok(self) -> bool:
        """Whether it is accepted."""
        return self.verdict == "accepted"

    @property
    def first_wrong(self) -> Evidence | None:
        """The first instance with an entry beyond its bound."""
        return next((one for one in self.evidence if one.differences), None)

    @property
    def worst(self) -> float:
        """The largest ratio of a difference to its bound, over all instances."""
        return max((one.worst for one in self.evidence), default=0.0)

    def __bool__(self) -> bool:
        raise TypeError("a report is no bool: ask for report.ok or report.verdict")

    def __str__(self) -> str:
        from verify.audit.report import text  # the report reads this type

        return text(self)


STOPS = (
    "exception",
    "crash",
    "time limit",
    "exit",
    "numpy replaced",
)  # kinds of faults after which nothing can be compared
