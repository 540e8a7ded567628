"""An audit's report as plain text and as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from verify.audit.comparison import Difference
from verify.audit.faults import Fault
from verify.audit.findings import AuditReport, Evidence
from verify.audit.instance import told_sizes
from verify.audit.running import ROUNDINGS
from verify.errors import clean
from verify.version import VERSION

SHOWN = 3  # differences of a gradient that a report shows; the text shows one where many gradients are wrong
MANY = 3


def text(report: AuditReport) -> str:
    """The verdict, what is wrong and where, what was looked at."""
    lines = [f"{report.verdict}: {report.function} against {report.model}"]
    lines += [f"  {kind}: {message}".replace("\n", "\n    ") for kind, message in _told_once(report.faults)]
    wrong = report.first_wrong
    if wrong is not None:
        lines += _wrong(wrong)
    if report.exact is not None:
        lines.append(f"  {report.exact.told()}")
    lines += [f"  not shown: {note}" for note in report.notes]
    if any(one.entries for one in report.evidence):
        lines.append(f"  {_looked_at(report)}")
    if report.diagnosis is not None:
        lines += ["", *str(report.diagnosis).rstrip("\n").split("\n")]
    return clean("\n".join(lines))


GRADIENT = re.compile(r"the gradient of (\S+) (is|holds|changes) (.*)", re.DOTALL)


def _told_once(faults: Iterable[Fault]) -> Iterator[tuple[str, str]]:
    """Kinds and messages; gradients of which the same is said are named together."""
    keys: dict[tuple[str, str], list[str]] = {}
    for fault in faults:
        found = GRADIENT.fullmatch(fault.message)
        same = f"{found[2]} {found[3]}" if found else fault.message
        keys.setdefault((fault.kind, same), []).extend([found[1]] if found else [])
    for (kind, same), named in keys.items():
        yield kind, f"the gradient of {', '.join(named)} {same}" if named else same


def _wrong(evidence: Evidence) -> list[str]:
    lines = []
    shown = SHOWN if len(evidence.counts) <= MANY else 1
    for key, count in evidence.counts.items():
        own = [one for one in evidence.differences if one.key == key][:shown]
        lines.append(f"  the gradient of {key} is wrong: {count} of {evidence.totals[key]} entries")
        lines += [f"    {_entry(one)}" for one in own]
    right = [key for key in evidence.totals if key not in evidence.counts]
    if right:
        lines.append(f"  right: {', '.join(right)}")
    lines.append(f"  at {told_sizes(evidence.sizes)}, seed {evidence.seed}")
    return lines


def _entry(one: Difference) -> str:
    numbers = f"got {one.got:.10g}, expected {one.expected:.10g}, off by {one.size:.2g}"
    return f"{list(one.index)}: {numbers} (bound {one.bound:.1g})"


def _looked_at(report: AuditReport) -> str:
    entries = sum(one.entries for one in report.evidence)
    seeds = sorted({one.seed for one in report.evidence})
    span = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]} to {seeds[-1]}"
    count = len(report.evidence)
    return (
        f"{entries} entries in {count} instance{'s' * (count > 1)}, {report.dtype}, {span}; "
        f"largest difference / bound {report.worst:.2g}"
    )


def as_json(report: AuditReport) -> str:
    """The same as JSON; keys are stable, new ones may be added."""
    return json.dumps(data(report), ensure_ascii=False, indent=1) + "\n"


def data(report: AuditReport) -> dict[str, Any]:
    """The report as plain data."""
    exact = report.exact
    return {
        "backproof": VERSION,
        "format": 1,
        "function": report.function,
        "model": report.model,
        "verdict": report.verdict,
        "ok": report.ok,
        "dtype": report.dtype,
        "keys": list(report.keys),
        "rounding_constant": ROUNDINGS,
        "faults": [{"kind": fault.kind, "message": fault.message} for fault in report.faults],
        "instances": [_instance(one) for one in report.evidence],
        "exact": None
        if exact is None
        else {
            "outcome": exact.outcome,
            "reason": exact.reason,
            "sizes": dict(sorted(exact.sizes.items())),
            "seed": exact.seed,
            "wrong": dict(exact.counts or {}),
            "key": exact.key,
            "index": list(exact.index),
        },
        "not_shown": list(report.notes),
        "diagnosis": None if report.diagnosis is None else _diagnosis(report.diagnosis),
    }


EXPLAINED = ("located", "explanation", "formula_right", "formula_wrong", "legend", "why_not", "snippet")


def _diagnosis(found: Any) -> dict[str, Any]:
    return {"text": str(found), **{name: getattr(found, name) for name in EXPLAINED if hasattr(found, name)}}


def _instance(one: Evidence) -> dict[str, Any]:
    return {
        "sizes": dict(sorted(one.sizes.items())),
        "seed": one.seed,
        "entries": one.entries,
        "worst_ratio": _number(one.worst),
        "wrong": dict(one.counts),
        "differences": [
            {
                "key": d.key,
                "index": list(d.index),
                "got": _number(d.got),
                "expected": _number(d.expected),
                "bound": _number(d.bound),
            }
            for d in one.differences[:SHOWN]
        ],
        "blind": list(one.blind),
    }


def _number(value: float) -> float | str:
    """A number that JSON has; infinities and NaN as text."""
    return value if value - value == 0 else str(value)
