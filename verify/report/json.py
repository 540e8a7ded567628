"""The JSON report: stable keys, sorted where order has no meaning, no timings unless asked."""

from __future__ import annotations

import json
from typing import Any

from verify.deciders.outcome import Outcome
from verify.errors import Place
from verify.judge import Entry
from verify.report.model import Comparison, DocumentReport, Report
from verify.verdict import Verdict
from verify.version import VERSION


def render(report: Report, timings: bool = False) -> str:
    """The report as JSON text."""
    return json.dumps(as_dict(report, timings), ensure_ascii=False, indent=1) + "\n"


def as_dict(report: Report, timings: bool = False) -> dict[str, Any]:
    """The report as plain data; see DESIGN for the keys."""
    found: dict[str, Any] = {
        "backproof": VERSION,
        "format": 1,
        "seed": report.seed,
        **({} if report.shard is None else {"shard": {"index": report.shard.index, "count": report.shard.count}}),
        "documents": [_document(document, report, timings) for document in report.documents],
    }
    if report.quantities is not None:
        found["quantities"] = _document(report.quantities, report, timings)["claims"]
    if report.locked is not None:
        found["locked"] = _locked(report.locked)
    found["summary"] = report.summary
    found["complete"] = report.is_complete
    found["ok"] = report.ok
    return found


def _document(document: DocumentReport, report: Report, timings: bool) -> dict[str, Any]:
    errors = [{**_place(error.place, document.path), "message": error.message} for error in document.errors]
    claims = [_entry(entry, document.path, report, timings) for entry in document.entries]
    return {"path": document.path, "errors": errors, "claims": claims}


def _entry(entry: Entry, path: str, report: Report, timings: bool) -> dict[str, Any]:
    verdict = entry.verdict
    found: dict[str, Any] = {
        "id": entry.id,
        "role": entry.role,
        **_place(entry.place, path),
        "latex": entry.latex,
        "verdict": None if verdict is None else verdict.verdict,
        "reason": None if verdict is None else verdict.reason,
        "expected": entry.expected,
        "ok": entry.is_ok(report.require_proof) if entry.role == "claim" else verdict is None,
    }
    if entry.role == "claim" and verdict is not None:
        found.update(evidence(verdict))
    found["message"] = "" if verdict is None else verdict.message
    if verdict is not None and verdict.hint:
        found["hint"] = verdict.hint
    if verdict is not None and verdict.place is not None:
        found["at"] = _place(verdict.place, path)
    if timings and verdict is not None:
        found["seconds"] = round(verdict.seconds, 6)
    return found


def _locked(comparison: Comparison) -> dict[str, Any]:
    """The lock file, and what changed since it was written; a claim that is gone has its place in the lock."""
    differences = [
        {
            "document": one.document, "id": one.id, "kind": one.kind, "message": one.message,
            **({} if one.place is None else {"path": one.place.path, **_place(one.place, one.place.path)}),
        }
        for one in comparison.differences
    ]  # fmt: skip
    return {"path": comparison.path, "differences": differences}


def _place(place: Place, path: str) -> dict[str, Any]:
    """Line and column; the path too where it is not the document's own: a notebook's cell, a file read by \\input."""
    return {**({} if place.path == path else {"path": place.path}), "line": place.line, "column": place.column}


def evidence(verdict: Verdict) -> dict[str, Any]:
    """What a verdict rests on."""
    example = verdict.counterexample
    repairs = [{"latex": repair.latex, "edit": repair.edit} for repair in verdict.repairs]
    found = {
        "scope": {"sizes": verdict.sizes, "times": verdict.times},
        "assumptions": list(verdict.assumptions),
        "readings": [{**reading.choices, "verdict": reading.verdict} for reading in verdict.readings],
        "witnesses": [_witness(outcome) for outcome in verdict.witnesses],
        "counterexample": None if example is None else example.as_dict(),
        "repair": repairs[0] if repairs else None,
        "certificate": None if verdict.certificate is None else verdict.certificate["claim"],
    }
    return {**found, "repairs": repairs} if len(repairs) > 1 else found


def _witness(outcome: Outcome) -> dict[str, Any]:
    return {
        "name": outcome.witness,
        "outcome": outcome.outcome,
        "instances": outcome.instances,
        "bound": outcome.bound,
        "detail": outcome.detail,
    }
