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
