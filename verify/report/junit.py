"""The report as JUnit XML, which CI systems show: a suite a document, a case a claim.

What is not as it should be is a `failure` with the text of the terminal, a wrong declaration or a file that could not
be read an `error`, what the document skips `skipped` with its reason. Givens are no cases unless they cannot be read.
What changed since a lock is a `failure` each, in a suite of the lock file's name.
Nothing in it depends on the machine or the time; `time` is there only where timings are asked for.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as xml
from collections.abc import Iterable
from itertools import chain

from verify.errors import clean
from verify.judge import Entry
from verify.report.findings import changes
from verify.report.model import DocumentReport, Report
from verify.report.terminal import declaration_text, trouble_text, witness_text
from verify.verdict import Verdict
from verify.version import VERSION

_OUTSIDE_XML = re.compile("[^\t\n\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(report: Report, timings: bool = False) -> str:
    """The report as JUnit XML text."""
    suites = [_suite(document, report, timings) for document in report.shown]
    suites += [suite for suite in (_changed(report), _call(report)) if len(suite)]
    root = _element("testsuites", name="backproof", **_counts(chain(*suites)))
    root.extend(suites)
    xml.indent(root, " ")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{xml.tostring(root, encoding="unicode")}\n'


def properties(entry: Entry) -> list[tuple[str, str]]:
    """What is known of a claim, as names with values; each name once."""
    expected = [] if entry.expected is None else [("expected", entry.expected)]
    return [*properties_of(entry.verdict), *expected] if entry.verdict is not None else []


def properties_of(verdict: Verdict) -> list[tuple[str, str]]:
    """Verdict, scope, and the evidence: witnesses, counterexample, repair."""
    witnesses: dict[str, list[str]] = {}
    for outcome in verdict.witnesses:
        name, _, said = witness_text(outcome).partition(": ")
        witnesses.setdefault(name, []).append(said)
    example = verdict.counterexample
    found = {
        "verdict": verdict.verdict,
        "reason": verdict.reason or "",
        "message": verdict.message,
        "sizes": verdict.sizes,
        "times": verdict.times,
        "assumptions": "; ".join(verdict.assumptions),
        **{f"witness {name}": "; ".join(said) for name, said in witnesses.items()},
        "counterexample": "" if example is None else example.summary(),
        "repair": "; ".join(f"{repair.edit}: {repair.latex}" for repair in verdict.repairs),
    }
    return [(name, _allowed(value)) for name, value in found.items() if value]


def _suite(document: DocumentReport, report: Report, timings: bool) -> xml.Element:
    cases = [_wrong_declaration(number, document) for number in range(len(document.errors))]
    cases += [_case(entry, document, report, timings) for entry in document.entries if _is_case(entry)]
    suite = _element("testsuite", name=document.path, **_counts(cases))
    suite.append(_properties([("backproof", VERSION), ("seed", str(report.seed)), ("examples", str(report.examples))]))
    suite.extend(cases)
    return suite


def _is_case(entry: Entry) -> bool:
    return entry.role != "given" or entry.verdict is not None


def _case(entry: Entry, document: DocumentReport, report: Report, timings: bool) -> xml.Element:
    verdict, place = entry.verdict, entry.place
    case = _element("testcase", name=entry.id, classname=document.path, file=place.path, line=str(place.line))
    if timings and verdict is not None:
        case.set("time", f"{verdict.seconds:.3f}")
    known = properties(entry)
    if known:
        case.append(_properties(known))
    if entry.role == "skipped":
        case.append(_element("skipped", message=entry.skip))
    elif verdict is not None and not entry.is_ok(report.require_proof):
        expected = "" if entry.expected is None else f"the document expects {entry.expected}; "
        message = f"{expected}{verdict.message}"
        case.append(_element("failure", trouble_text(entry), type=verdict.verdict, message=message))
    return case


def _wrong_declaration(number: int, document: DocumentReport) -> xml.Element:
    error = document.errors[number]
    where = {"classname": document.path, "file": error.place.path, "line": str(error.place.line)}
    case = _element("testcase", name=f"declaration {number + 1}", **where)
    case.append(_element("error", declaration_text(error), type="declaration", message=error.message))
    return case


def _call(report: Report) -> xml.Element:
    """What went wrong beside the documents that were read: other files, and an end before the end."""
    told = [*report.notes, *([] if report.is_complete else ["the run ended early: these are the results so far"])]
    cases = []
    for number, text in enumerate(told, start=1):
        cases.append(_element("testcase", name=f"call {number}", classname="backproof verify"))
        cases[-1].append(_element("error", text, type="call", message=text))
    return _suite_of("backproof verify", cases)


def _changed(report: Report) -> xml.Element:
    """What is not as the lock says."""
    name, cases = "" if report.locked is None else report.locked.path, []
    for number, change in enumerate(changes(report), start=1):
        where = {"classname": name, "file": change.region.file, "line": str(change.region.line)}
        cases.append(_element("testcase", name=f"change {number}", **where))
        text = f"{change.title}: {'; '.join(change.words)}"
        cases[-1].append(_element("failure", text, type="changed", message=text))
    return _suite_of(name, cases)


def _suite_of(name: str, cases: list[xml.Element]) -> xml.Element:
    suite = _element("testsuite", name=name, **_counts(cases))
    suite.extend(cases)
    return suite


def _counts(cases: Iterable[xml.Element]) -> dict[str, str]:
    found = [case for case in cases if case.tag == "testcase"]
    kinds = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    counts = {name: sum(case.find(kind) is not None for case in found) for name, kind in kinds.items()}
    return {name: str(count) for name, count in {"tests": len(found), **counts}.items()}


def _properties(pairs: Iterable[tuple[str, str]]) -> xml.Element:
    found = xml.Element("properties")
    found.extend(_element("property", name=name, value=value) for name, value in pairs)
    return found


def _element(tag: str, text: str = "", **attributes: str) -> xml.Element:
    """An element, its text and attributes without what XML cannot hold; ElementTree escapes the rest."""
    found = xml.Element(tag, {name: _allowed(value) for name, value in attributes.items()})
    found.text = _allowed(text) or None
    return found


def _allowed(text: str) -> str:
    """Text without characters that XML 1.0 refuses, and without those that a terminal would obey."""
    return _OUTSIDE_XML.sub("", clean(text))
