"""The sparsity picture shows the pattern of np.kron, entry for entry, and says what stands there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.verify.pictures.reading import at, claims, parsed, shapes, text_of
from verify.pictures.patterns import patterns
from verify.pictures.picture import NoPicture
from verify.pictures.sparsity import sparsity_picture

n, m = 3, 4
s, x, ONE = np.arange(1, n + 1)[None, :], np.arange(1, m + 1)[None, :], np.eye(n)
BY_W = r"\frac{\partial \operatorname{vec} \mathrm{Net}_t}{\partial \operatorname{vec} W}"
HELD = BY_W.replace(r"\partial", r"\partial^{+}", 1)
LINES = {
    "K1": r"\frac{\partial \operatorname{vec} W}{\partial \operatorname{vec} W} = I_n \otimes I_n",
    "K2": HELD + r" = s_{t-1}^\top \otimes I_n",
    "K2.U": HELD.replace("W", "U") + r" = x_t^\top \otimes I_n",
    "wrong": HELD + r" = I_n \otimes s_{t-1}^\top",
    "total": BY_W + r" = s_{t-1}^\top \otimes I_n",
    "full": BY_W + r" = G_t + 0 (s_{t-1}^\top \otimes I_n)",
    "plain": r"\frac{\partial \mathrm{Net}_t}{\partial s_{t-1}} = W",
    "row": r"\operatorname{vec}(W)^\top (I_n \otimes I_n) = \operatorname{vec}(W)^\top",
    "rotated": r"W \otimes U = (W \otimes I_n) (I_n \otimes U)",
}


@pytest.fixture(scope="module")
def read() -> Any:
    return claims(LINES)


def drawn(claim: Any) -> tuple[list[Any], list[Any]]:
    """The panels' places: the filled cells, and the points, as (row, column) counted from the first of both."""
    root = parsed(sparsity_picture("id", claim).svg)
    filled = shapes(root, "nonzero")
    cell = at(filled[0], "width")[0]
    corners = [at(one, "x", "y") for one in filled]
    corners += [(cx - cell / 2, cy - cell / 2) for cx, cy in (at(one, "cx", "cy") for one in shapes(root, "zero"))]
    left, top = min(c[0] for c in corners), min(c[1] for c in corners)
    places = [(round((y - top) / cell, 2), round((x - left) / cell, 2)) for x, y in corners]
    return places[: len(filled)], places[len(filled) :]


@pytest.mark.parametrize(
    ("name", "matrix"), [("K1", np.kron(ONE, ONE)), ("K2", np.kron(s, ONE)), ("K2.U", np.kron(x, ONE))]
)
def test_cells_are_filled_where_the_kronecker_product_is_not_zero(read: Any, name: str, matrix: Any) -> None:
    filled, empty = drawn(read[name])
    assert sorted(filled) == [tuple(map(float, place)) for place in np.argwhere(matrix != 0)]
    assert sorted(empty) == [tuple(map(float, place)) for place in np.argwhere(matrix == 0)]


def test_cells_name_the_entry_that_stands_there(read: Any) -> None:
    root = parsed(sparsity_picture("id", read["K2"]).svg)
    shown = [text_of(label) for label in shapes(root, "entry")]
    matrix = np.kron(s, ONE)
    assert shown == [f"s{int(matrix[tuple(place)])}" for place in np.argwhere(matrix != 0)]


def test_heads_are_the_entries_of_the_vecs_in_their_order(read: Any) -> None:
    heads = [text_of(label) for label in shapes(parsed(sparsity_picture("id", read["K2"]).svg), "head")]
    assert heads[:n] == ["Net1", "Net2", "Net3"]
    assert heads[n:] == [f"W{i + 1}{j + 1}" for j in range(n) for i in range(n)]


@pytest.mark.parametrize(("name", "right"), [("wrong", np.kron(ONE, s)), ("total", np.kron(s, ONE))])
def test_where_only_one_side_is_zero_both_are_drawn_and_marked(read: Any, name: str, right: Any) -> None:
    left = np.kron(s, ONE) != 0 if name == "wrong" else np.ones((n, n * n), dtype=bool)
    found = patterns(read[name], 16, 20)
    np.testing.assert_array_equal(found.left.nonzero, left)
    np.testing.assert_array_equal(found.right.nonzero, right != 0)
    root = parsed(sparsity_picture("id", read[name]).svg)
    assert len(shapes(root, "mark")) == 2 * int((left != (right != 0)).sum())
    assert len(shapes(root, "nonzero")) == int(left.sum() + (right != 0).sum())


def test_a_product_of_two_matrices_is_full_and_tells_nothing(read: Any) -> None:
    with pytest.raises(NoPicture, match="alike"):
        sparsity_picture("id", read["rotated"])


@pytest.mark.parametrize(("name", "why"), [("plain", "no Kronecker"), ("row", "a row"), ("full", "alike")])
def test_no_picture_where_it_would_say_nothing(read: Any, name: str, why: str) -> None:
    with pytest.raises(NoPicture, match=why):
        sparsity_picture("id", read[name])


def test_sizes_that_do_not_fit_become_smaller_and_then_no_picture(read: Any) -> None:
    assert patterns(read["K2"], 16, 20).sizes["n"] == 3
    assert patterns(read["K2"], 16, 8).sizes["n"] == 2
    with pytest.raises(NoPicture, match="more than 16 rows or 3 columns"):
        patterns(read["K2"], 16, 3)
