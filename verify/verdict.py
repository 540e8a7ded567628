"""Verdicts: what is known of a claim, with the evidence. A verdict is never a bare bool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from verify.claim import Claim
from verify.counterexample import Counterexample
from verify.deciders.outcome import Outcome
from verify.errors import Place, clean

# from worst to best: an equation's verdict is its worst link's
ORDER = ("unreadable", "refuted", "undecided", "conditional", "tested", "proved")


@dataclass(frozen=True)
class ReadingVerdict:
    """One reading of open conventions and what it gives."""

    choices: Mapping[str, str]
    verdict: str
    detail: str = ""


@dataclass(frozen=True)
class Repair:
    """One edit after which a refuted line is proved: the mended line, the edit in words, and the verdict on it.

    The LaTeX is what was read again under the document's own declarations and proved; over layers, proved at each of
    those that are tried.
    """

    latex: str
    edit: str
    kind: str
    verdict: Verdict


@dataclass(frozen=True)
class Verdict:
    """What is known of one relation.

    `verdict` is one of ORDER; `reason` is value or shape for a refutation. `sizes` and `times` say for which it
    is known; `witnesses` are the outcomes of everything that ran; `certificate` the proof by induction as data;
    `message` is one sentence for a person; `hint` says what to do; `repairs` are the proved lines one edit away, best
    first, and `repair_note` says where the search for them stopped early. `claim` is what was refuted.
    `is_proved_at_each`: a claim over layers is tested, but at each layer that was tried it is proved, not only tested.
    """

    verdict: str
    message: str = ""
    reason: str | None = None
    hint: str = ""
    sizes: str = "all"
    times: str = "all"
    assumptions: tuple[str, ...] = ()
    readings: tuple[ReadingVerdict, ...] = ()
    witnesses: tuple[Outcome, ...] = ()
    counterexample: Counterexample | None = None
    certificate: Mapping[str, Any] | None = field(default=None, repr=False)
    place: Place | None = None
    repairs: tuple[Repair, ...] = ()
    repair_note: str = ""
    is_proved_at_each: bool = False
    claim: Claim | None = field(default=None, repr=False, compare=False)
    seconds: float = field(default=0.0, compare=False)

    def __post_init__(self) -> None:
        if self.verdict not in ORDER:
            raise ValueError(f"a verdict is one of {', '.join(ORDER)}, not {self.verdict!r}")

    @property
    def advice(self) -> str:
        """The hint, unless an edit says the same."""
        return "" if self.hint in [repair.edit for repair in self.repairs] else self.hint

    @property
    def failing(self) -> str:
        """The reading that the counterexample belongs to, where the readings differ."""
        found = next((one.choices for one in self.readings if one.verdict not in ("proved", "tested")), {})
        return ", ".join(f"{key}: {value}" for key, value in found.items())

    def scope_of(self, repair: Repair) -> str:
        """For which steps and layers a repair is proved, where these are not those of the refuted line; else empty."""
        is_narrower = self.reason == "value" and repair.verdict.times != self.times
        return repair.verdict.times if is_narrower or repair.verdict.verdict != "proved" else ""

    @property
    def has_checks(self) -> bool:
        """Whether any witness ran and came to an answer; what is good without one is an error of ours."""
        return any(outcome.outcome in ("equal", "differ") for outcome in self.witnesses)

    def __repr__(self) -> str:
        """One line, which is what a failed `assert verdict.verdict == "proved"` shows."""
        edits = (f"one edit away: {repair.edit}" for repair in self.repairs)
        told = "; ".join(part for part in (self.message, self.hint, *edits) if part)
        return clean(" ".join(f"<Verdict {self.verdict}: {told}>".split()))

    def _repr_html_(self) -> str:
        from verify.report.html.fragments import of_verdict  # only here: no other use of a verdict needs templates

        return of_verdict(self)

    def __bool__(self) -> bool:
        raise TypeError("a verdict is no bool: compare .verdict, or ask report.ok")
