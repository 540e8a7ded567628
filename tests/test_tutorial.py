"""docs/tutorial.ipynb: every cell runs, and every verdict that the text names is what the cell above it shows.

A text cell that begins with **`word`** speaks of the output of the cell before it.
"""

import re
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "docs" / "tutorial.ipynb"
VERDICT = re.compile(r"\*\*`(\w+)`\*\*")


def shown(cell):
    """All text that a cell put out."""
    texts = [str(out.get("text", "")) + str(out.get("data", {}).get("text/plain", "")) for out in cell.outputs]
    return "\n".join(texts)


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    folder = tmp_path_factory.mktemp("tutorial")
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(folder)}}).execute()
    return notebook.cells


def test_it_is_kept_without_outputs():
    assert all(not cell.outputs for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code")


def test_the_verdicts_are_as_the_text_says(cells):
    said = [(before, VERDICT.match(cell.source)) for before, cell in pairwise(cells)]
    told = [(before, match[1]) for before, match in said if match]
    assert {word for _, word in told} == {"proved", "refuted", "rejected", "accepted"}
    for before, word in told:
        assert re.search(rf"\b{word}\b", shown(before)), f"{word} is not what it shows:\n{shown(before)}"


def test_formulas_are_shown_as_formulas(cells):
    kinds = [set(out.data) for cell in cells if cell.cell_type == "code" for out in cell.outputs if "data" in out]
    assert sum("text/html" in kind for kind in kinds) >= 6, "derivations with their steps, a verdict, a report"
    assert sum("text/latex" in kind for kind in kinds) >= 7


def test_all_lines_of_the_own_cell_are_proved(cells):
    line = next(shown(cell) for cell in cells if cell.cell_type == "code" and "leaky.md" in cell.source)
    derived, counts = line.split(" derived; ")
    assert eval(counts) == {"proved": int(derived)}  # our own notebook's output
