"""`--sarif`: valid by the official schema, at the right place, with a fix that really mends the line."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from tests.verify.report.documents import EXPECTED, HEAD, OPEN, RIGHT, SHAPE, UNREADABLE, WRONG, hostile, report, run
from verify.report import summary
from verify.report.model import Report
from verify.report.sarif import MOST, _message, as_dict, render

SCHEMA = json.loads((Path(__file__).parent / "schemas" / "sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft4Validator(SCHEMA, format_checker=jsonschema.FormatChecker())


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def checked(found):
    """One run's results, after the whole is valid."""
    log = as_dict(found)
    assert [error.message for error in VALIDATOR.iter_errors(log)] == []
    (only,) = log["runs"]
    for result in only["results"]:
        rule = only["tool"]["driver"]["rules"][result["ruleIndex"]]
        assert rule["id"] == result["ruleId"]
        assert rule["help"]["text"]
    return only


def results(found):
    return {result["properties"]["id"]: result for result in checked(found)["results"] if "properties" in result}


def stretch(result, text):
    """What stands in a document where a result points."""
    at = result["locations"][0]["physicalLocation"]["region"]
    lines = text.split("\n")[at["startLine"] - 1 : at["endLine"]]
    lines[-1] = lines[-1][: at["endColumn"] - 1]
    lines[0] = lines[0][at["startColumn"] - 1 :]
    return "\n".join(lines)


def test_the_schema_refuses_what_is_no_sarif():
    log = as_dict(report(HEAD + WRONG))
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert list(VALIDATOR.iter_errors(log))


def test_each_trouble_is_one_result_under_its_rule():
    found = results(report(HEAD + RIGHT + WRONG + SHAPE + UNREADABLE))
    assert {name: (r["ruleId"], r["level"]) for name, r in found.items()} == {
        "w": ("refuted-value", "error"), "shape": ("refuted-shape", "error"), "u": ("unreadable", "error"),
    }  # fmt: skip
    assert found["w"]["properties"]["counterexample"]["left"] != found["w"]["properties"]["counterexample"]["right"]
    assert {w["name"] for w in found["w"]["properties"]["witnesses"]} >= {"prime field"}


def test_what_is_only_not_known_is_a_warning():
    assert results(report(OPEN))["o"]["level"] == "warning"
    (document,) = report(HEAD + RIGHT).documents
    (claim,) = document.claims
    claim = replace(claim, verdict=replace(claim.verdict, verdict="tested"))
    found = Report((replace(document, entries=(claim,)),))
    assert results(found) == {}
    result = results(replace(found, require_proof=True))["2.2a"]
    assert (result["ruleId"], result["level"]) == ("tested", "warning")


def test_an_expected_erratum_is_no_result_and_a_mended_one_is():
    assert checked(report(HEAD + EXPECTED))["results"] == []
    found = results(report(HEAD + "<!-- backproof: expect: refuted -->\n" + RIGHT))
    assert found["2.2a"]["ruleId"] == "unexpected"


def test_a_wrong_declaration_is_a_result_with_its_place():
    text = HEAD.replace("'d']", "'d', zz]") + RIGHT
    (result,) = checked(report(text))["results"]
    assert result["ruleId"] == "declaration"
    assert stretch(result, text) == "zz"


def test_the_region_is_the_formula_over_lines_and_behind_astral_characters():
    text = HEAD + "𝔸𝔹𝔸 $$s_t\n  = W^\\top s_{t-1} + 0 s_t \\tag{two}$$\n\n𝔸𝔹 $$s_t = Q \\tag{astral}$$\n"
    only = checked(report(text))
    assert only["columnKind"] == "unicodeCodePoints"
    two, astral = only["results"]
    assert stretch(two, text) == "s_t\n  = W^\\top s_{t-1} + 0 s_t"
    assert stretch(astral, text) == "Q"
    assert two["locations"][0]["physicalLocation"]["region"]["snippet"]["text"] == stretch(two, text)


def test_a_row_that_goes_on_with_the_row_above_is_found_in_its_own_row():
    text = HEAD + "\\begin{align}\ns_t &= s_t \\tag{a} \\\\\n &= 2 s_t \\tag{b}\n\\end{align}\n"
    assert stretch(results(report(text))["b"], text).strip("& ") == "= 2 s_t"


def test_a_given_that_cannot_be_read_is_a_result():
    text = HEAD.replace("= U x_t", "= {U x_t") + RIGHT
    assert results(report(text))["1"]["ruleId"] == "unreadable"


def test_a_message_holds_no_placeholder():
    assert _message("{0} and {a}") == "{{0}} and {{a}}"


def test_the_fix_mends_the_document():
    text = HEAD + WRONG + SHAPE
    result = results(report(text))["w"]
    ((change,),) = [fix["artifactChanges"] for fix in result["fixes"]]
    (replaced,) = change["replacements"]
    at = replaced["deletedRegion"]
    lines = text.split("\n")
    line = lines[at["startLine"] - 1]
    mended = replaced["insertedContent"]["text"]
    lines[at["startLine"] - 1] = line[: at["startColumn"] - 1] + mended + line[at["endColumn"] - 1 :]
    assert "w" not in results(report("\n".join(lines)))


@pytest.mark.parametrize(
    "formula",
    [
        r"\begin{align} \frac{\partial \mathrm{Net}_t}{\partial s_{t-1}} &= W^\top \tag{w} \end{align}",
        r"$$\newcommand{\tr}{\top} \frac{\partial \mathrm{Net}_t}{\partial s_{t-1}} = W^\tr \tag{w}$$",
        r"$$W = \frac{\partial \mathrm{Net}_t}{\partial s_{t-1}} = W^\top \tag{w}$$",
    ],
)
def test_no_fix_where_the_place_is_not_exact(formula):
    found = [r for r in results(report(HEAD + formula + "\n")).values() if r["properties"]["repair"]]
    assert found
    assert all("fixes" not in result for result in found)


def test_fingerprints_survive_moved_lines_and_tell_equal_formulas_apart():
    def marks(text):
        return [r["partialFingerprints"]["backproofFormula/v1"] for r in checked(report(text))["results"]]

    twice = WRONG + WRONG.replace("{w}", "{v}")
    first = marks(HEAD + twice + SHAPE)
    assert len(set(first)) == 3
    assert marks("moved\n\n" + HEAD + "\n\n" + twice.replace("W^\\top", "W^ \\top") + "\n" + SHAPE) == first
    assert marks(HEAD + WRONG.replace("W^\\top", "2 W^\\top") + SHAPE)[0] not in first


def test_uris_are_relative_and_percent_encoded(here):
    (here / "a b").mkdir()
    name = "a b/c%d#é:1|.md"
    (here / name).write_text(HEAD + WRONG, encoding="utf-8")
    for path in (name, str(here / name), f"./a b/../{name}"):
        (result,) = checked(replace(run(), files=(path,)).report())["results"]
        place = result["locations"][0]["physicalLocation"]["artifactLocation"]
        assert place == {"uri": "a%20b/c%25d%23%C3%A9%3A1%7C.md", "uriBaseId": "ROOT"}


def test_a_notebook_s_cell_is_found_in_its_file():
    cells = [
        {"cell_type": "code", "source": ["s_t = Q\n"], "metadata": {}, "outputs": [], "execution_count": None},
        {"cell_type": "markdown", "source": HEAD.splitlines(keepends=True), "metadata": {}},
        {"cell_type": "markdown", "source": ["text\n", "\n", UNREADABLE], "metadata": {}},
    ]
    text = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1)
    (result,) = checked(report(text, "n.ipynb"))["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "n.ipynb"
    assert "s_t = Q \\\\tag{u}" in text.split("\n")[place["region"]["startLine"] - 1]
    assert "startColumn" not in place["region"]


def test_a_file_that_is_read_by_input_is_named():
    head = HEAD.split("```")[1].removeprefix("backproof\n")
    block = "% backproof\n" + "".join(f"% {line}\n" for line in head.splitlines()) + "% end backproof\n"
    formulas = HEAD.split("```")[2]
    files = {"main.tex": block + formulas + "\\input{skip}\n", "skip.tex": "\n\n" + UNREADABLE}
    (result,) = checked(run(**files).report())["results"]
    place = result["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("skip.tex", 3)


def test_a_hostile_document_stays_valid_and_opens_no_link():
    found = checked(report(hostile()))["results"]
    assert len(found) > 10
    for result in found:
        assert "](" not in result["message"]["text"]
        assert "{0}" not in result["message"]["text"].replace("{{", "")
        assert "\x1b" not in result["message"]["text"]


def test_too_many_results_are_cut_and_counted(monkeypatch):
    found = report(HEAD + WRONG)
    (one,) = found.documents
    monkeypatch.setattr("verify.report.sarif.MOST", 3)
    many = replace(found, documents=(replace(one, entries=one.entries * 5),))
    only = checked(many)
    assert len(only["results"]) == 3
    assert "2 more" in only["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]
    assert MOST == 25_000


def test_a_file_that_cannot_be_read_leaves_nothing_green():
    found = replace(run(**{"notes.md": HEAD + RIGHT}), files=("notes.md", "none.md")).report()
    only = checked(found)
    (told,) = only["invocations"][0]["toolExecutionNotifications"]
    assert told["level"] == "error"
    assert "none.md: cannot be read" in told["message"]["text"]
    assert not only["invocations"][0]["executionSuccessful"]
    assert not only["properties"]["ok"]
    text = summary.render(found)
    assert text.startswith("## Backproof: not as it should be")
    assert "none.md: cannot be read" in text


def test_the_same_bytes_twice_and_an_interrupted_run_says_so():
    found = report(HEAD + WRONG)
    assert render(found) == render(run(**{"notes.md": HEAD + WRONG}).report())
    assert not checked(replace(found, is_complete=False))["invocations"][0]["executionSuccessful"]
