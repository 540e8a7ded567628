"""The path of a term runs from where the parameter acts at its step to what is differentiated."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.verify.pictures.reading import SVG, claims, parsed, shapes, text_of
from verify.pictures.paths import path_picture
from verify.pictures.picture import NoPicture

LINES = {
    "W": r"\frac{\partial E}{\partial W} = \sum_{k=1}^{t} \delta_k s_{k-1}^\top",
    "shifted": r"\frac{\partial E}{\partial W} = \sum_{k=0}^{t-1} \delta_{k+1} s_k^\top",
    "U": r"\frac{\partial E}{\partial U} = \sum_{k=1}^{t} \delta_k x_k^\top",
    "b": r"\frac{\partial E}{\partial b} = \sum_{k=1}^{t} \delta_k^\top",
    "delta": r"\delta_k^\top = \delta_t^\top \prod_{i=k}^{t-1} W \operatorname{diag}\left[f'(\mathrm{Net}_i)\right]",
    "one step": r"\delta_{t-1}^\top = \delta_t^\top W \operatorname{diag}\left[f'(\mathrm{Net}_{t-1})\right]",
    "two sums": r"\frac{\partial E}{\partial W} = \sum_{k=1}^{t} \delta_k s_{k-1}^\top + \sum_{k=1}^{t} 0 W",
}


@pytest.fixture(scope="module")
def read() -> Any:
    return claims(LINES)


def said(claim: Any) -> list[tuple[str, set[str]]]:
    """Heading and arrows of each path, from the alternative text."""
    alt = path_picture("id", claim).alt
    found = [part.rpartition(". Path: ") for part in re.split(r"(?<=E)\. (?=[kt] = )", alt)]
    return [(head, set(path.rstrip(".").split(", "))) for head, _, path in found]


def way(first: int) -> set[str]:
    """From Net_first to E in a run of three steps."""
    arrows = {"Net_3 to s_3", "s_3 to E"}
    for k in range(first, 3):
        arrows |= {f"Net_{k} to s_{k}", f"s_{k} to Net_{k + 1}"}
    return arrows


@pytest.mark.parametrize(
    ("name", "start"),
    [("W", "s_{before} to Net_{k}"), ("shifted", "s_{before} to Net_{k}"), ("U", "x_{k} to Net_{k}"), ("b", "")],
)
def test_each_term_of_a_gradient(read: Any, name: str, start: str) -> None:
    found = said(read[name])
    assert len(found) == 3
    for k, (heading, arrows) in enumerate(found, start=1):
        first = {start.format(before=k - 1, k=k)} if start else set()
        assert arrows == way(k) | first, heading


def test_a_product_for_each_step(read: Any) -> None:
    found = said(read["delta"])
    assert [heading for heading, _ in found] == ["t = 3, k = 1", "t = 3, k = 2", "t = 3, k = 3"]
    assert [arrows for _, arrows in found] == [way(1), way(2), way(3)]


def test_marked_arrows_are_as_many_as_are_said(read: Any) -> None:
    root = parsed(path_picture("id", read["W"]).svg)
    panels = root.findall(f"{SVG}g")
    assert [len(shapes(panel, "marked")) for panel in panels] == [7, 5, 3]
    names = [sorted(text_of(label) for label in shapes(panel, "name")) for panel in panels]
    assert names == [["W", "W", "W", "f", "f", "f"], ["W", "W", "f", "f"], ["W", "f"]]


@pytest.mark.parametrize(
    ("name", "why"), [("one step", "no derivative with a sum or product"), ("two sums", "not one sum")]
)
def test_no_picture_of_other_claims(read: Any, name: str, why: str) -> None:
    with pytest.raises(NoPicture, match=why):
        path_picture("id", read[name])
