"""The benchmarks start: a script that nobody runs is a figure that nobody can check."""

import importlib.util
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "benchmarks"


def loaded(name):
    spec = importlib.util.spec_from_file_location(f"benchmarks_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.py")))
def test_it_can_be_loaded(name):
    assert callable(loaded(name).main)


def test_the_document_has_its_hundred_claims_and_its_one_change():
    document = loaded("document")
    text = document.document()
    claims = document.read("document.md", text).claims
    assert sum(len(statement.links) or 1 for statement in claims) == document.WANTED
    changed = document.with_one_change(text)
    assert [a == b for a, b in zip(text.splitlines(), changed.splitlines(), strict=True)].count(False) == 1


@pytest.mark.parametrize("name", ["RNN", "LSTM"])
def test_the_witnesses_agree_on_what_is_timed(name):
    witnesses = loaded("witnesses")
    found = witnesses.measured(name, 3, 4, seconds=0)
    assert found["error"] < 1e-13
    assert all(found[route] > 0 for route in witnesses.ROUTES)
    assert found["parameters"] == {"RNN": 3 * 9 + 2 * 3, "LSTM": 4 * (2 * 9 + 3)}[name]


@pytest.mark.parametrize("route", ["forward tangents", "complex step"])
def test_a_witness_that_is_off_shows_in_the_table(route):
    """One gradient times 1 + 1e-6: a fast route that is wrong is no figure."""
    witnesses = loaded("witnesses")
    inputs = witnesses.drawn("RNN", 3, 4)
    directions = {key: witnesses.entries(key, inputs[key].shape) for key in "UWbVc"}
    routes, _ = witnesses.routes_of("RNN", inputs, directions)
    found = {name: run() for name, run in routes.items()}
    assert witnesses.disagreement(found, directions) < 1e-13
    found[route]["W"] = found[route]["W"] * (1 + 1e-6)
    assert witnesses.disagreement(found, directions) > 1e-9
