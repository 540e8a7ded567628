"""`--junit FILE`: the structure that CI systems read, every verdict in its place, hostile text as text."""

import json
import xml.etree.ElementTree as xml
from pathlib import Path

import pytest
from click.testing import CliRunner

from verify.cli import main
from verify.errors import DocumentError, Place, WitnessConflict
from verify.judge import Entry, Judge
from verify.report.junit import render
from verify.report.model import DocumentReport, Report
from verify.report.terminal import trouble_text
from verify.verdict import Verdict

NOTES = r"""# Notes

```backproof
symbols: {u: n, v: n, w: n}
```

$$v + w = w + v \tag{1}$$

<!-- backproof: given -->
$$u = v + w \tag{def}$$

$$v + v + w = 2 v + w = w + 2 v \tag{2.3}$$

$$v + w = v - w \tag{wrong}$$

<!-- backproof: expect: refuted -->
$$v = 2 v \tag{erratum}$$

<!-- backproof: skip: an analogy -->
$$v \heartsuit w \tag{heart}$$
"""
# The schema that Jenkins publishes for JUnit files, with what has become usual since: the element is called error (the
# schema's `errors` is read by nobody), a case has file and line, and properties of its own.
ATTRIBUTES = {
    "testsuites": ({"name", "tests", "failures", "errors", "skipped"}, set()),
    "testsuite": ({"name", "tests", "failures", "errors", "skipped"}, set()),
    "testcase": ({"name", "classname"}, {"file", "line", "time"}),
    "properties": (set(), set()),
    "property": ({"name", "value"}, set()),
    "failure": ({"type", "message"}, set()),
    "error": ({"type", "message"}, set()),
    "skipped": ({"message"}, set()),
}
CHILDREN = {
    "testsuites": ("testsuite",),
    "testsuite": ("properties", "testcase"),
    "testcase": ("properties", "failure", "error", "skipped"),
    "properties": ("property",),
}
AT_MOST_ONCE = ("properties", "failure", "error", "skipped")


def check_structure(node, parent=None):
    """Elements, attributes, order and number as above; text where text belongs; counts that count."""
    assert parent is None or node.tag in CHILDREN[parent]
    needed, allowed = ATTRIBUTES[node.tag]
    assert needed <= set(node.attrib) <= needed | allowed, node.attrib
    tags = [child.tag for child in node]
    order = CHILDREN.get(node.tag, ())
    assert tags == sorted(tags, key=order.index)
    assert all(tags.count(tag) <= 1 for tag in AT_MOST_ONCE)
    if node.tag not in ("failure", "error"):
        assert not (node.text or "").strip()
    if node.tag in ("testsuites", "testsuite"):
        cases = list(node.iter("testcase"))
        assert int(node.get("tests")) == len(cases)
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(node.get(name)) == sum(case.find(tag) is not None for case in cases)
    for child in node:
        check_structure(child, node.tag)


def read(text):
    root = xml.fromstring(text.encode("utf-8"))
    check_structure(root)
    return root


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Calls `backproof verify` on documents by name; the result and the XML file."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, **documents):
        for name, text in documents.items():
            (tmp_path / f"{name}.md").write_text(text, encoding="utf-8")
        quick = ("--examples", "0", "--repair-limit", "0", "--no-cache", "--junit", "junit.xml")
        result = CliRunner().invoke(main, ["verify", *quick, *arguments])
        written = tmp_path / "junit.xml"
        return result, written.read_text(encoding="utf-8") if written.exists() else ""

    return call


def cases(root):
    return {case.get("name"): case for case in root.iter("testcase")}


def known(case):
    return {item.get("name"): item.get("value") for item in case.iter("property")}


def test_a_document_is_a_suite_and_a_claim_a_case(run):
    result, text = run("notes.md", notes=NOTES)
    assert result.exit_code == 1
    root = read(text)
    (suite,) = root
    assert suite.get("name") == "notes.md"
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors"), suite.get("skipped")) == (
        "6",
        "1",
        "0",
        "1",
    )
    found = cases(root)
    assert list(found) == ["1", "2.3/1", "2.3/2", "wrong", "erratum", "heart"]
    assert {case.get("classname") for case in found.values()} == {case.get("file") for case in found.values()}
    assert found["wrong"].get("line") == "14"
    assert known(found["1"])["verdict"] == "proved"
    assert known(found["1"])["witness prime field"].startswith("equal on ")
    assert known(found["wrong"])["witness normal form"].startswith("differ on 1 instance (")
    assert known(found["erratum"])["expected"] == "refuted"
    assert found["erratum"].find("failure") is None
    assert found["heart"].find("skipped").get("message") == "an analogy"
    assert {"seed", "examples", "backproof"} <= set(known(suite))


def test_a_failure_has_the_terminals_text(run):
    result, text = run("notes.md", notes=NOTES)
    failure = cases(read(text))["wrong"].find("failure")
    assert failure.get("type") == "refuted"
    assert failure.get("message") == "false: n = 1"
    lines = [line.rstrip() for line in result.stdout.split("\n")]
    start = lines.index("notes.md:14:3: wrong: refuted")
    assert failure.text.split("\n") == lines[start : start + len(failure.text.split("\n"))]
    assert failure.text.split("\n")[-1].strip().startswith("normal form: differ")


def test_the_same_bytes_each_time_and_times_only_when_asked(run):
    _, first = run("notes.md", notes=NOTES)
    _, second = run("notes.md")
    assert first == second
    assert " time=" not in first
    assert "timestamp" not in first
    timed = cases(read(run("--timings", "notes.md")[1]))
    assert float(timed["1"].get("time")) >= 0
    assert timed["heart"].get("time") is None


def test_what_is_wrong_beside_the_claims_is_an_error(run):
    (good, bad) = (NOTES, NOTES.replace("symbols:", "layuot: numerator\nsymbols:"))
    result, text = run("good.md", "bad.md", "gone.md", good=good, bad=bad)
    assert result.exit_code == 2
    root = read(text)
    assert [suite.get("name") for suite in root] == ["good.md", "bad.md", "backproof verify"]
    declaration = cases(root[1])["declaration 1"].find("error")
    assert declaration.get("message") == "unknown key layuot; did you mean layout?"
    assert declaration.text.endswith("    layuot: numerator\n    ^^^^^^")
    assert cases(root[2])["call 1"].find("error").text.startswith("gone.md: cannot be read: No such file")


def test_a_run_that_ends_early_is_not_green(run, monkeypatch):
    def entry(self, statement, link):
        raise WitnessConflict("one and another")

    monkeypatch.setattr(Judge, "entry", entry)
    result, text = run("notes.md", notes=NOTES)
    assert result.exit_code == 3
    told = [error.text for error in read(text).iter("error")]
    assert any("two witnesses disagree, which is an error in Backproof: one and another" in line for line in told)
    assert any("ended early" in line for line in told)


def test_what_changed_since_a_lock_is_a_failure(run):
    """The exit code says 1, and so must this form."""
    run("notes.md", notes=NOTES)
    CliRunner().invoke(main, ["lock", "--no-cache", "--examples", "0", "notes.md"])
    _, same = run("--locked", "notes.md")
    _, moved = run("--locked", "notes.md", notes=NOTES.replace("v + w = v - w", "v + w = w + v"))
    changes = [case for case in read(moved).iter("testcase") if case.get("name").startswith("change ")]
    assert [case.get("classname") for case in changes] == ["backproof.lock"] * len(changes)
    assert changes
    assert all(case.find("failure").get("type") == "changed" for case in changes)
    assert "change 1" not in cases(read(same))


def test_a_given_that_cannot_be_read_is_a_failure(run):
    _, text = run("notes.md", notes=NOTES.replace("$$u = v + w", "$$u = v +"))
    assert cases(read(text))["def"].find("failure").get("type") == "unreadable"


def test_what_is_only_tested_fails_under_require_proof(run):
    notes = NOTES.replace("$$v + w = w + v", r"$$\lVert v \rVert \le 2 \lVert v \rVert")
    quick = ("--examples", "2", "notes.md")
    assert cases(read(run(*quick, notes=notes)[1]))["1"].find("failure") is None
    failure = cases(read(run("--require-proof", *quick)[1]))["1"].find("failure")
    assert failure.get("type") == "tested"


def test_standard_output_is_left_to_one_form(run):
    result, _ = run("--junit", "-", "notes.md", notes=NOTES)
    read(result.stdout)
    assert "wrong: refuted" in result.stderr
    assert run("--junit", "-", "--json", "-", "notes.md")[0].exit_code == 2
    both, text = run("--json", "report.json", "notes.md")
    assert both.exit_code == 1
    report = json.loads(Path("report.json").read_text(encoding="utf-8"))
    assert set(cases(read(text))) < {claim["id"] for claim in report["documents"][0]["claims"]}


HOSTILE = "]]>&lt;<failure/>\"' \x00\x1b[31m\x85\u202e\ud800\ufffe\uffff --> <!-- \t\n end"


def test_hostile_text_is_text_wherever_it_stands():
    place = Place(HOSTILE, 3, 1, HOSTILE)
    verdict = Verdict("refuted", HOSTILE, "value", hint=HOSTILE, assumptions=(HOSTILE,))
    entries = (
        Entry(HOSTILE, "claim", HOSTILE, place, verdict, HOSTILE),
        Entry(HOSTILE, "skipped", HOSTILE, place, None, skip=HOSTILE),
    )
    document = DocumentReport(HOSTILE, entries, (DocumentError(HOSTILE, place),))
    text = render(Report((document,), notes=(HOSTILE,)))
    root = read(text.encode("utf-8").decode("utf-8"))
    assert [len(list(root.iter(tag))) for tag in ("failure", "error", "skipped")] == [1, 2, 1]
    for character in "\x00\x1b\x85\u202e\ud800\ufffe\uffff":
        assert character not in text
    seen = root[0][1].find("error").get("message")
    assert seen == "]]>&lt;<failure/>\"' [31m --> <!-- \t\n end"
    assert "]]>&lt;<failure/>" in root[0][2].find("failure").text


def test_the_text_of_a_trouble_has_no_colours(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "20")
    entry = Entry("w", "claim", "v = 2 v", Place("notes.md", 3, 1), Verdict("refuted", "false " * 20, "value"))
    assert trouble_text(entry) == "notes.md:3:1: w: refuted\n    " + ("false " * 20).strip()


def test_the_check_of_the_structure_can_fail():
    good = xml.fromstring(render(Report((), notes=("gone",))))
    check_structure(good)
    good.find("testsuite").set("errors", "0")
    with pytest.raises(AssertionError):
        check_structure(good)
