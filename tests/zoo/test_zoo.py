"""The zoo's entries, the command that runs them, and the page of the docs."""

import json
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

from verify.cli import main
from verify.document.statements import read
from verify.errors import CallError, DocumentError
from verify.limits import Effort
from verify.zoo.entries import MEND, PUBLISHED, STATUSES, read_specimen, specimens
from verify.zoo.examined import examine
from verify.zoo.page import equations_of, page
from verify.zoo.run import summary

FEW = Effort(examples=12, repair_seconds=10)  # what a repair may take is no matter here
ALL = specimens()
ENTRY = """---
source: nobody
where: nowhere
evidence: none
system: dense
status: 'false'
published: refuted value
mend: proved
---
# A product and its transpose

```backproof
symbols: {A: n x n, B: n x n}
```

<!-- backproof: expect: refuted -->
$$A B = B A \\tag{published}$$

$$A B = A B \\tag{mend}$$
"""


@cache
def examined_one(specimen):
    return examine(specimen, FEW)


def examined_all():
    return tuple(examined_one(specimen) for specimen in ALL)


@pytest.mark.parametrize("specimen", ALL, ids=lambda specimen: specimen.id)
def test_every_verdict_is_as_the_entry_says(specimen):
    assert examined_one(specimen).troubles == ()


def test_one_edit_mends_what_is_one_edit_away():
    """Where the mend is a single edit of the published formula, a repair is offered."""
    near = [examined for examined in examined_all() if examined.specimen.is_wrong and examined.is_one_edit]
    assert near
    assert [examined.specimen.id for examined in near if not examined.repairs] == []


def test_there_are_enough_entries_of_every_status():
    assert len(ALL) >= 33
    assert {specimen.status for specimen in ALL} == set(STATUSES)


@pytest.mark.parametrize("specimen", ALL, ids=lambda specimen: specimen.id)
def test_an_entry_has_both_equations_and_the_front_matter_says_what_the_directives_say(specimen):
    statements = {statement.id: statement for statement in read(specimen.path, specimen.text).statements}
    assert {PUBLISHED, MEND} <= set(equations_of(specimen.text))
    for name, verdict in ((PUBLISHED, specimen.published), (MEND, specimen.mend)):
        said = set(statements[name].directives.expect.values()) if name in statements else {verdict}
        assert verdict in (said or {"proved"})
    assert specimen.is_wrong == (specimen.published not in ("proved", "tested"))


def test_an_entry_that_is_as_it_says_has_no_troubles():
    examined = examine(read_specimen("made-up", ENTRY), FEW)
    assert examined.troubles == ()
    assert (examined.published.verdict, examined.published.reason) == ("refuted", "value")


def test_one_edit_is_computed_from_the_two_formulas():
    assert examine(read_specimen("made-up", ENTRY), FEW).is_one_edit
    far = ENTRY.replace("A B = A B", "A A B = A A B")
    assert not examine(read_specimen("made-up", far), FEW).is_one_edit


@pytest.mark.parametrize(
    ("before", "after", "trouble"),
    [
        ("refuted value", "refuted shape", "published is refuted (value), expected refuted (shape)"),
        ("<!-- backproof: expect: refuted -->", "", "published is refuted, expected proved"),
        ("$$A B = A B", "$$A B = B A", "mend is refuted, expected proved"),
        ("mend: proved", "mend: tested", "mend is proved, expected tested"),
        ("{mend}", "{other}", "the document has no equation mend"),
    ],
)
def test_a_wrong_expectation_is_told(before, after, trouble):
    examined = examine(read_specimen("made-up", ENTRY.replace(before, after)), FEW)
    assert any(trouble in told for told in examined.troubles), examined.troubles
    assert summary((examined,))["as_expected"] == 0


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("system: dense\n", "", "lacks system"),
        ("system: dense\n", "system: dense\ncolour: red\n", "unknown key colour"),
        ("refuted value", "refuted", "with value or shape behind refuted"),
        ("refuted value", "proved value", "published is a verdict"),
        ("status: 'false'", "status: odd", "status is one of"),
        ("mend: proved", "mend: maybe", "mend is a verdict"),
        ("# A product", "A product", "has a heading"),
    ],
)
def test_a_wrong_front_matter_is_refused(before, after, message):
    with pytest.raises(DocumentError, match=message):
        read_specimen("made-up", ENTRY.replace(before, after))


def test_an_unknown_entry_is_named_with_the_nearest():
    with pytest.raises(CallError, match="did you mean pinard-delta"):
        specimens(("pinard-detla",))


def test_the_command_prints_a_table_and_exits_by_the_verdicts():
    result = CliRunner().invoke(main, ["zoo", "gouba-qkt", "--examples", "12"])
    assert result.exit_code == 0
    assert "refuted value" in result.output
    assert "1 of 1 entries as expected" in result.output
    assert CliRunner().invoke(main, ["zoo", "no-such-entry"]).exit_code == 2


def test_json_holds_one_entry_each_and_the_shares(tmp_path):
    path = tmp_path / "zoo.json"
    result = CliRunner().invoke(main, ["zoo", "gouba-qkt", "--examples", "12", "--json", str(path)])
    data = json.loads(path.read_text(encoding="utf-8"))
    assert result.exit_code == 0
    assert data["ok"] is True
    assert data["entries"][0]["id"] == "gouba-qkt"
    assert data["entries"][0]["published"] == {"verdict": "refuted", "reason": "value"}
    assert data["summary"]["entries"] == data["summary"]["as_expected"] == 1


def test_the_page_of_the_docs_is_up_to_date():
    stored = Path(__file__).parents[2] / "docs" / "zoo.md"
    assert stored.read_text(encoding="utf-8") == page(examined_all()), "run: python -m verify.zoo.page docs/zoo.md"


def test_the_page_shows_every_entry():
    text = page(examined_all())
    for specimen in ALL:
        assert f'<a id="{specimen.id}"></a>' in text
        assert equations_of(specimen.text)[PUBLISHED] in text
