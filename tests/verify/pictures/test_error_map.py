"""Error maps: both sides and their difference, entry for entry, as the counterexample has them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from tests.verify.pictures.reading import parsed, shapes, text_of
from tests.verify.report.documents import OPEN, report
from verify.counterexample import Counterexample
from verify.errors import Place
from verify.judge import Entry
from verify.pictures.error_map import error_picture
from verify.pictures.picture import NoPicture
from verify.verdict import Verdict


def entry(left: Any, right: Any, text: str = "A = B") -> Entry:
    found = Counterexample({"n": 2}, {"t": 1}, {}, {}, left, right)
    verdict = Verdict("refuted", reason="value", counterexample=found)
    return Entry("J", "claim", "A = B", Place("a.md", 1, 1), verdict, text=text)


def test_numbers_and_marks() -> None:
    left, right = [["0", "1"], ["-3/4", "22/7"]], [["0", "1/2"], ["-3/4", "-1"]]
    root = parsed(error_picture(entry(left, right)).svg)
    numbers = [text_of(label).replace("−", "-") for label in shapes(root, "number")]
    assert numbers[:4] == ["0", "1", "-3/4", "22/7"]
    assert numbers[4:8] == ["0", "1/2", "-3/4", "-1"]
    assert [Fraction(number) for number in numbers[8:]] == [0, Fraction(1, 2), 0, Fraction(29, 7)]
    assert ["differs" in cell.get("data-kind", "") for cell in shapes(root, "cell")] == [False, True, False, True] * 3
    assert len(shapes(root, "mark")) == 2 * 3


def test_the_darkest_cell_holds_the_largest_number() -> None:
    cells = shapes(parsed(error_picture(entry([["1", "-8"]], [["4", "0"]])).svg), "cell")
    shades = [float(cell.get("fill-opacity", "1")) for cell in cells]
    assert shades.index(max(shades)) == 1
    assert shades[2] == pytest.approx(shades[1] / 2)


def test_balls_differ_where_they_have_no_point_in_common() -> None:
    left = [[{"mid": "0.5", "rad": "0.1"}, {"mid": "0.5", "rad": "0.1"}]]
    root = parsed(error_picture(entry(left, [[{"mid": "0.65", "rad": "0.1"}, "1"]])).svg)
    assert ["differs" in cell.get("data-kind", "") for cell in shapes(root, "cell")] == [False, True] * 3


@pytest.mark.parametrize(
    ("left", "right", "why"),
    [
        ([["1"]], [["2"]], "one entry"),
        ([["1", "2"]], [["1"], ["2"]], "two shapes"),
        ("1", "2", "no matrix"),
        ([["1", "a"]], [["1", "2"]], "no number"),
        ([["1"] * 13], [["2"] * 13], "more than 12"),
    ],
)
def test_what_is_not_drawn(left: Any, right: Any, why: str) -> None:
    with pytest.raises(NoPicture, match=why):
        error_picture(entry(left, right))


def test_an_entry_without_a_counterexample_has_none() -> None:
    with pytest.raises(NoPicture, match="no counterexample"):
        error_picture(Entry("J", "claim", "", Place("a.md", 1, 1), Verdict("proved")))


def test_the_caption_is_of_the_reading_that_is_refuted(tmp_path, monkeypatch):
    """In layout numerator the formula holds: the numbers are those of the other layout."""
    monkeypatch.chdir(tmp_path)
    (line,) = report(OPEN).documents[0].claims
    assert line.text == "∂(W s[t])/∂s[t] = W"
    assert error_picture(line).caption.startswith("(∂(W s[t])/∂s[t])ᵀ = W, at t = 1, m = 1, n = 2")
