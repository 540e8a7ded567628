"""Notebooks: the Markdown cells are one document, each with lines of its own."""

import json

import pytest

from tests.verify.document.places import MARKDOWN, under_caret
from verify.document.statements import read
from verify.errors import DocumentError


def notebook(*cells):
    made = [{"cell_type": kind, "metadata": {}, "source": source} for kind, source in cells]
    return json.dumps({"cells": made, "nbformat": 4, "nbformat_minor": 5, "metadata": {}})


def test_markdown_cells_share_declarations_macros_and_ids():
    text = notebook(
        ("markdown", MARKDOWN.splitlines(keepends=True)),
        ("code", "$$s_t = V$$"),
        ("markdown", "# Title\n$$\\newcommand{\\out}{Q}$$\n$$w = w \\tag{1}$$"),
        ("raw", "$$s_t = V$$"),
        ("markdown", ["text\n", "\n", "$$s_t = \\out$$"]),
    )
    found = read("notes.ipynb", text)
    assert not found.errors
    assert [statement.id for statement in found.statements] == ["1", "cell-5:L3"]
    place = found.statements[1].at(6, 7)
    assert str(place) == "notes.ipynb#cell-5:3:9"
    assert under_caret(place) == "\\out"


def test_a_wrong_declaration_is_placed_in_its_cell():
    found = read("notes.ipynb", notebook(("markdown", "# x"), ("markdown", "```backproof\nlayuot: x\n```")))
    assert [str(error.place) for error in found.errors] == ["notes.ipynb#cell-2:2:1"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON",
        "[" * 100_000,
        "[]",
        "{}",
        '{"cells": 3}',
        '{"worksheets": []}',
        '{"cells": [{"cell_type": "markdown", "source": [1]}]}',
        '{"cells": [{"cell_type": "markdown"}]}',
    ],
)
def test_what_is_no_notebook_is_refused(text):
    with pytest.raises(DocumentError):
        read("notes.ipynb", text)


def test_odd_cells_are_passed_over():
    text = '{"cells": [3, null, {"source": "x"}, {"cell_type": ["markdown"], "source": "$$w = w$$"}]}'
    assert read("notes.ipynb", text).statements == ()


def test_half_a_character_is_replaced_so_that_every_report_can_be_written():
    """JSON can name the half of a pair of surrogates alone, which no UTF-8 file can hold."""
    text = notebook(("markdown", "```backproof\nsymbols: {w: n}\n```\n$$w = w \\tag{a\ud800}$$"))
    assert [statement.id for statement in read("notes.ipynb", text).statements] == ["a\ufffd"]
