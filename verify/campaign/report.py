"""What came of a campaign: how many planted errors of each sort were found, and which were not.

The report follows from the journal alone, in the order of the documents: its bytes do not depend on who did the work,
in which order, or how often it was cut short.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from verify.campaign.run import Found, Strand
from verify.errors import clean
from verify.version import VERSION

# from worst to best: a mutant's fate over several seeds is its worst
FATES = ("conflict", "survived", "undecided", "lost", "out of range", "equal", "killed")
MEANINGS = {
    "conflict": "two witnesses that are both sure disagree, which is an error in Backproof",
    "survived": "accepted as tested, and not proved equal",
    "undecided": "neither refuted nor proved equal",
    "lost": "the process that judged it hung or died",
    "out of range": "it names a step that does not exist, and is undecided for that",
    "equal": "proved: this edit leaves the claim true",
}
UNSETTLED = ("conflict", "survived", "undecided", "lost")


@dataclass(frozen=True)
class Mutant:
    """One planted error, over all seeds: `seeds` are those at which it has this fate."""

    claim: str
    place: str
    rule: str
    edit: str
    fate: str
    seeds: tuple[int, ...]
    formula: str = ""
    why: str = ""


@dataclass(frozen=True)
class CampaignReport:
    """Every mutant in order; the claims that have none, and why; whether the campaign came to its end."""

    mutants: tuple[Mutant, ...]
    claims: int
    unplanted: tuple[tuple[str, str, str], ...]  # place, claim, why
    has_lost_claims: bool
    seeds: int
    is_complete: bool

    @property
    def counts(self) -> dict[str, Counter[str]]:
        """How many mutants of each rule have each fate."""
        found: dict[str, Counter[str]] = {}
        for mutant in self.mutants:
            found.setdefault(mutant.rule, Counter())[mutant.fate] += 1
        return dict(sorted(found.items()))

    @property
    def total(self) -> Counter[str]:
        """How many mutants have each fate."""
        return sum(self.counts.values(), Counter())

    @property
    def ok(self) -> bool:
        """Whether every planted error was found or proved to be none, and there was one."""
        is_settled = not any(self.total[fate] for fate in UNSETTLED) and not self.has_lost_claims
        return is_settled and self.is_complete and bool(self.mutants)


def reported(strands: Iterable[Strand], found: Mapping[tuple[str, int], Found]) -> CampaignReport:
    """What is known of every strand."""
    by_claim: dict[str, list[Strand]] = {}
    for strand in strands:
        by_claim.setdefault(strand.name, []).append(strand)
    mutants: list[Mutant] = []
    unplanted = []
    for name, same in by_claim.items():
        notes = [found[strand.key].note for strand in same if found[strand.key].note]
        if notes:
            unplanted.append((same[0].place, name, notes[0]))
        numbers = sorted({number for strand in same for number in found[strand.key].records})
        mutants.extend(_mutant(name, same, number, found) for number in numbers)
    results = [found[strand.key] for strands in by_claim.values() for strand in strands]
    planted = {mutant.claim for mutant in mutants}
    seeds = max((len(same) for same in by_claim.values()), default=0)
    is_lost = any(result.is_lost for result in results)
    is_complete = all(result.is_whole for result in results)
    return CampaignReport(tuple(mutants), len(planted), tuple(unplanted), is_lost, seeds, is_complete)


def _mutant(name: str, strands: list[Strand], number: int, found: Mapping[tuple[str, int], Found]) -> Mutant:
    records = {
        strand.target.effort.seed: record
        for strand in strands
        if (record := found[strand.key].records.get(number)) is not None
    }
    fates = {record["fate"] for record in records.values()}
    fate = "conflict" if {"killed", "equal"} <= fates else min(fates, key=FATES.index)
    seeds = tuple(seed for seed, record in records.items() if fate in ("conflict", record["fate"]))
    shown = records[seeds[0]]
    why = "killed with one seed and proved with another" if {"killed", "equal"} <= fates else shown.get("why", "")
    return Mutant(
        name, strands[0].place, shown["rule"], shown["edit"], fate, seeds, shown.get("formula", ""), why
    )  # fmt: skip


# --- as text -------------------------------------------------------------------------------------------------------


def text(report: CampaignReport) -> str:
    """For a person: a table of the rules, then what was not found, what is no error, and what was not tried."""
    lines = [] if report.is_complete else ["not complete: these are the results so far", ""]
    seeds = f", with {report.seeds} seeds each" if report.seeds > 1 else ""
    lines += [f"{len(report.mutants)} errors planted in {report.claims} claims{seeds}", ""]
    lines += _table(report)
    for fate in (*UNSETTLED, "equal"):
        chosen = [mutant for mutant in report.mutants if mutant.fate == fate]
        if chosen:
            lines += ["", f"{fate} ({MEANINGS[fate]}):"]
            lines += [line for mutant in chosen for line in _told(mutant, report.seeds, fate)]
    if report.unplanted:
        lines += ["", "no errors planted in:", *(f"  {place}: {name}: {why}" for place, name, why in report.unplanted)]
    lines += ["", _verdict(report)]
    return "".join(f"{clean(line)}\n" for line in lines)


def _table(report: CampaignReport) -> list[str]:
    fates = [fate for fate in reversed(FATES) if report.total[fate]]
    rows = [["rule", "planted", *fates]]
    for rule, counts in (*report.counts.items(), ("all", report.total)):
        rows.append([rule, str(counts.total()), *(str(counts[fate] or "") for fate in fates)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]


def _told(mutant: Mutant, seeds: int, fate: str) -> list[str]:
    which = f" (seed {', '.join(map(str, mutant.seeds))})" if seeds > 1 and fate in UNSETTLED else ""
    found = [f"  {mutant.place}: {mutant.claim}: {mutant.rule}: {mutant.edit}{which}"]
    found += [f"      {mutant.formula}"] if mutant.formula else []
    return found + ([f"      {mutant.why}"] if mutant.why and fate in UNSETTLED else [])


def _verdict(report: CampaignReport) -> str:
    total = report.total
    errors = total.total() - total["equal"] - total["out of range"]
    if not report.mutants:
        return "nothing was planted"
    rate = f"{100 * total['killed'] / errors:.2f} %" if errors else "none"
    end = "every planted error was found" if report.ok else "not every planted error is known to be found"
    return f"killed: {total['killed']} of {errors} errors ({rate}); {end}"


# --- as JSON -------------------------------------------------------------------------------------------------------


def as_json(report: CampaignReport) -> str:
    """For a program: counts by rule, and every mutant that was not killed."""
    data: dict[str, Any] = {
        "backproof": VERSION,
        "format": 1,
        "complete": report.is_complete,
        "ok": report.ok,
        "seeds": report.seeds,
        "claims": report.claims,
        "planted": len(report.mutants),
        "fates": _counted(report.total),
        "rules": {rule: _counted(counts) for rule, counts in report.counts.items()},
        "mutants": [
            {**vars(mutant), "seeds": list(mutant.seeds)} for mutant in report.mutants if mutant.fate != "killed"
        ],
        "unplanted": [{"place": place, "claim": name, "why": why} for place, name, why in report.unplanted],
    }
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def _counted(counts: Counter[str]) -> dict[str, int]:
    return {fate: counts[fate] for fate in reversed(FATES)}
