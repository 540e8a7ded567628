"""The report as SARIF 2.1.0, for code scanners: a result for each claim that is not as it should be.

Nothing else becomes a result. The format could say `kind: pass` of a good claim and `suppressions` of an expected
erratum, but GitHub's code scanning reads neither and would raise an alert for each; how many there are stands in the
run's properties. Source: "SARIF support for code scanning" in GitHub's documentation, and the OASIS standard, whose
section numbers are given below.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from verify.errors import clean
from verify.report.findings import Finding, fingerprints, in_words, of_report
from verify.report.json import evidence
from verify.report.model import Report
from verify.report.regions import Region
from verify.report.rules import RULES, Rule
from verify.version import VERSION

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
MOST = 25_000  # results of a run; GitHub refuses a file with more
ROOT = "ROOT"
_KEYS = tuple(RULES)


def render(report: Report, timings: bool = False) -> str:
    """The report as SARIF text."""
    return json.dumps(as_dict(report, timings), ensure_ascii=False, indent=1) + "\n"


def as_dict(report: Report, timings: bool = False) -> dict[str, Any]:
    """The report as plain data, one run."""
    found = of_report(report)
    kept = sorted(found, key=lambda finding: finding.rule.level != "error")[:MOST] if len(found) > MOST else found
    run = {
        "tool": {"driver": _driver()},
        "invocations": [_invocation(report, len(found) - len(kept))],
        "originalUriBaseIds": {ROOT: {"description": {"text": "The folder in which the command ran."}}},
        "columnKind": "unicodeCodePoints",  # 3.14.17; as in every other form of the report
        "results": [_result(*pair, report, timings) for pair in zip(kept, fingerprints(kept), strict=True)],
        "properties": {"summary": report.summary, "ok": report.ok, "seed": report.seed},
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _driver() -> dict[str, Any]:
    rules = [_rule(key, rule) for key, rule in RULES.items()]
    return {"name": "Backproof", "version": VERSION, "semanticVersion": VERSION, "rules": rules}


def _rule(key: str, rule: Rule) -> dict[str, Any]:
    words = "".join(part.capitalize() for part in key.split("-"))
    return {
        "id": key,
        "name": words,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.meaning},
        "help": {"text": f"{rule.meaning}\n\n{rule.remedy}", "markdown": f"{rule.meaning}\n\n{rule.remedy}"},
        "defaultConfiguration": {"level": rule.level},
        "properties": {"tags": ["mathematics", "backpropagation"], "precision": "very-high"},
    }


def _invocation(report: Report, left_out: int) -> dict[str, Any]:
    """What went wrong beside the documents that could be read, and what is left out."""
    told = [("error", _message(note)) for note in report.notes]
    if left_out:
        cut = f"{left_out} more results are left out: a file holds {MOST} at most, errors before warnings."
        told.append(("warning", cut))
    notifications = [{"level": level, "message": {"text": text}} for level, text in told]
    is_successful = report.is_complete and not report.notes
    return {"executionSuccessful": is_successful, "toolExecutionNotifications": notifications}


def _result(finding: Finding, fingerprint: str, report: Report, timings: bool) -> dict[str, Any]:
    entry, at = finding.entry, finding.region
    words = finding.words if entry is None else tuple(in_words(entry, report.require_proof, with_lines=False))
    location: dict[str, Any] = {"physicalLocation": _physical(at)}
    if entry is not None:
        logical = {"name": clean(entry.id), "kind": "equation"}
        location["logicalLocations"] = [{**logical, "fullyQualifiedName": clean(f"{at.file}::{entry.id}")}]
    found = {
        "ruleId": finding.key,
        "ruleIndex": _KEYS.index(finding.key),
        "level": finding.rule.level,
        "message": {"text": _message(f"{finding.title}: {'; '.join(words)}")},
        "locations": [location],
        # GitHub's own key, primaryLocationLineHash, is left to its upload, which warns of any value but its own
        "partialFingerprints": {"backproofFormula/v1": fingerprint},
    }
    if finding.mended is not None:
        found["fixes"] = list(_fixes(finding, finding.mended))
    if entry is not None and entry.verdict is not None:
        expected = {"id": entry.id, "verdict": entry.verdict.verdict, "expected": entry.expected}
        took = {"seconds": round(entry.verdict.seconds, 6)} if timings else {}
        found["properties"] = {**expected, "latex": entry.latex, **evidence(entry.verdict), **took}
    return found


def _message(text: str) -> str:
    """Plain text: braces stand twice (3.11.5), and no bracket opens a link (3.11.6)."""
    return clean(text).replace("{", "{{").replace("}", "}}").replace("](", "] (")


def _physical(at: Region) -> dict[str, Any]:
    return {"artifactLocation": _artifact(at), "region": _region(at)}


def _artifact(at: Region) -> dict[str, Any]:
    """Relative, with all but letters, digits, -._~ and slashes percent-encoded (3.4.3)."""
    return {"uri": quote(at.file.encode("utf-8", "surrogateescape"), safe="/"), "uriBaseId": ROOT}


def _region(at: Region) -> dict[str, Any]:
    found: dict[str, Any] = {"startLine": at.line, "endLine": at.end_line}
    if at.column is not None and at.end_column is not None:
        found |= {"startColumn": at.column, "endColumn": at.end_column}
        if at.text:
            found["snippet"] = {"text": at.text}
    return found


def _fixes(finding: Finding, at: Region) -> Iterator[dict[str, Any]]:
    """Each mended line in place of what is written, character for character."""
    assert finding.entry is not None
    assert finding.entry.verdict is not None
    deleted = _region(replace(at, text=""))
    for repair in finding.entry.verdict.repairs:
        replaced = {"deletedRegion": deleted, "insertedContent": {"text": repair.latex}}
        change = {"artifactLocation": _artifact(at), "replacements": [replaced]}
        yield {"description": {"text": _message(repair.edit)}, "artifactChanges": [change]}
