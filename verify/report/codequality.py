"""The report as GitLab reads code quality: what is not as it should be, each with its lines and a fingerprint."""

from __future__ import annotations

import json
from typing import Any

from verify.errors import clean
from verify.report.findings import Finding, fingerprints, of_report
from verify.report.model import Report

SEVERITY = {"error": "major", "warning": "minor"}


def render(report: Report, timings: bool = False) -> str:
    """The list as JSON text."""
    found = of_report(report)
    marked = zip(found, fingerprints(found), strict=True)
    return json.dumps([_issue(finding, mark) for finding, mark in marked], ensure_ascii=False, indent=1) + "\n"


def _issue(finding: Finding, fingerprint: str) -> dict[str, Any]:
    at = finding.region
    return {
        "description": clean(f"{finding.title}: {'; '.join(finding.words)}"),
        "check_name": finding.key,
        "fingerprint": fingerprint,
        "severity": SEVERITY[finding.rule.level],
        "location": {"path": at.file, "lines": {"begin": at.line, "end": at.end_line}},
    }
