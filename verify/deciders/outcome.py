"""What one witness says of one claim: the evidence, never a bare bool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

OUTCOMES = ("equal", "differ", "unknown", "limit", "failed")


@dataclass(frozen=True)
class Outcome:
    """One witness's answer.

    `outcome`: equal, differ, unknown (outside what the witness decides), limit (a limit was hit), failed (the
    witness broke). `instances` counts what was evaluated, `bound` bounds the probability of a false equal (None
    where the answer is certain). `detail` names the route: sizes and classes, the limit, the construct it cannot
    decide, or what differs. `where` is the instance that differs: {"sizes": {...}, "times": {...}}. `at_sizes` names
    the sizes of which alone an equal is said; empty, it is said of all sizes, and only that helps to prove.
    """

    witness: str
    outcome: str
    instances: int = 0
    bound: float | None = None
    detail: str = ""
    where: Mapping[str, Any] = field(default_factory=dict)
    at_sizes: str = ""

    def __post_init__(self) -> None:
        if self.outcome not in OUTCOMES:
            raise ValueError(f"an outcome is one of {', '.join(OUTCOMES)}, not {self.outcome!r}")

    @property
    def is_equal_for_all_sizes(self) -> bool:
        """Whether it says equal, and not of some sizes alone."""
        return self.outcome == "equal" and not self.at_sizes

    def __bool__(self) -> bool:
        raise TypeError("an outcome is no bool: compare .outcome")
