"""docs/reference.md says what the reference takes: its code runs, and its table has every key with its shape."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from verify.reference import convolution, dense, embedding, gru, jordan, layer_norm, lstm, residual, rnn

TEXT = (Path(__file__).parents[3] / "docs" / "reference.md").read_text(encoding="utf-8")
ROWS = {
    cells[0]: cells[1:]
    for line in TEXT.splitlines()
    if line.startswith("| `")
    for cells in [[cell.strip() for cell in line.strip("|").split("|")]]
}
PLAIN = {
    "`rnn`": rnn.SHAPES,
    "`jordan`": jordan.SHAPES,
    "`residual`": residual.SHAPES,
    "`layer_norm`": layer_norm.SHAPES,
    "`dense`": dense.shapes(2),
    "`convolution`, one axis": convolution.shapes(1),
    "`convolution`, two axes": convolution.shapes(2),
    "`embedding`": embedding.SHAPES,
}


def shapes_in(cell, gates=""):
    """The shapes by key that a cell of the table gives; `_a` stands for every gate."""
    found = {}
    for key, shape in re.findall(r"(\w+): (\w+(?: \w+)*?)(?= \(|,| and | for |$)", cell):
        names = [key[:-1] + gate for gate in gates] if key.endswith("_a") else [key]
        found |= dict.fromkeys(names, shape)
    return found


@pytest.mark.parametrize("name", sorted(PLAIN))
def test_the_table_has_every_key(name):
    needed, optional = ROWS[name][:2]
    assert shapes_in(needed) == dict(PLAIN[name].needed)
    assert shapes_in(optional) == dict(PLAIN[name].optional)


@pytest.mark.parametrize(
    ("name", "gates", "shapes"), [("`lstm`", "ifgo", lstm.shapes()), ("`gru`", "rzn", gru.shapes())]
)
def test_the_table_has_every_gate(name, gates, shapes):
    needed, optional = ROWS[name][:2]
    assert shapes_in(needed, gates) == dict(shapes.needed)
    assert shapes_in(optional, gates) == dict(shapes.optional)


def test_the_coupled_lstm_lacks_what_the_table_leaves_out():
    optional = shapes_in(ROWS["`lstm`, `coupled=True`"][1], "igo")
    assert optional == dict(lstm.shapes(coupled=True).optional)
    assert set(lstm.shapes().needed) - set(lstm.shapes(coupled=True).needed) == {"U_f", "W_f"}


def test_the_code_runs():
    code = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL).group(1)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_routes_without_a_backward_pass_have_the_names_that_are_written():
    from verify.reference import complex_step, sensitivities

    written = set(re.findall(r"\b(\w+_gradients)\b", TEXT))
    assert written == {name for name in vars(sensitivities) if name.endswith("_gradients")}
    assert "`complex_step.slopes(forward, inputs, directions, cotangents)`" in TEXT
    assert list(inspect.signature(complex_step.slopes).parameters) == ["forward", "inputs", "directions", "cotangents"]
