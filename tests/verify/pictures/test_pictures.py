"""All pictures of a document: what there is, that nothing can be injected, and that equal input gives equal bytes."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sympy as sp

from derive import Loss, Model, elementwise, sequence
from derive.language.build import transpose, vec
from derive.language.derivatives import Jacobian
from derive.language.nodes import Kronecker
from tests.verify.pictures.reading import SVG, parsed, text_of
from verify import document
from verify.claim import Claim, Index
from verify.errors import Place
from verify.judge import Entry
from verify.pictures import Picture, pictures_of_document, pictures_of_entry
from verify.report.model import DocumentReport
from verify.verdict import Verdict

DOCS = Path(__file__).parents[3] / "docs"
ALLOWED = {"svg", "title", "desc", "g", "rect", "line", "polyline", "polygon", "circle", "text", "tspan"}


@pytest.fixture(scope="module")
def report() -> DocumentReport:
    """The document of docs/pictures.md."""
    return document(DOCS / "pictures" / "rnn.md", examples=0).documents[0]


def every(report: DocumentReport) -> list[Picture]:
    return [
        *pictures_of_document(report),
        *(picture for entry in report.entries for picture in pictures_of_entry(entry)),
    ]


def check_safe(picture: Picture) -> None:
    """Well-formed, with a name and a description, and without anything that could run, be fetched or be referred to."""
    root = parsed(picture.svg)
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert [child.tag for child in root][:2] == [f"{SVG}title", f"{SVG}desc"]
    assert text_of(root[1]) == picture.alt
    for element in root.iter():
        assert element.tag.removeprefix(SVG) in ALLOWED, element.tag
        for name, value in element.attrib.items():
            assert name not in ("id", "class", "href", "style"), name
            assert not name.startswith("on"), name
            assert "url(" not in value, value
            assert "nan" not in value.lower(), value
            assert "inf" not in value.lower(), value
    assert re.fullmatch(r"[A-Za-z0-9._-]+", picture.name)
    alone = parsed(picture.file)
    assert [child.tag for child in alone if child.tag == f"{SVG}style"] == [f"{SVG}style"]
    assert len(list(alone.iter())) == len(list(root.iter())) + 1


def test_what_a_document_shows(report: DocumentReport) -> None:
    assert [picture.name for picture in pictures_of_document(report)] == [
        "model-1",
        "tanh-activation",
        "tanh-vanishing",
    ]
    of = {entry.id: [picture.name for picture in pictures_of_entry(entry)] for entry in report.entries}
    assert of == {
        "1": [], "d": [], "J": ["J-errors"], "U": ["U-sparsity"], "W": ["W-sparsity"], "sum": ["sum-paths"],
    }  # fmt: skip


def script() -> Any:
    """docs/pictures.py."""
    return SimpleNamespace(**runpy.run_path(str(DOCS / "pictures.py")))


def test_the_page_shows_what_the_script_draws(report: DocumentReport) -> None:
    """Numbers may differ in the last decimal with another linear algebra."""
    drawn = script().files(every(report))
    on_page = re.findall(r"\]\(pictures/([\w.-]+\.svg)\)", (DOCS / "pictures.md").read_text(encoding="utf-8"))
    assert sorted(on_page) == sorted(drawn) == sorted(path.name for path in (DOCS / "pictures").glob("*.svg"))
    number = re.compile(r"-?\d+(?:\.\d+)?")
    for name, svg in drawn.items():
        kept = (DOCS / "pictures" / name).read_text(encoding="utf-8")
        assert number.sub("0", kept) == number.sub("0", svg), f"{name}: run python docs/pictures.py"
        values = [[float(found) for found in number.findall(text)] for text in (kept, svg)]
        assert values[0] == pytest.approx(values[1], abs=0.011), f"{name}: run python docs/pictures.py"


def test_pictures_are_safe_named_once_and_small(report: DocumentReport) -> None:
    found = every(report)
    assert len({picture.name for picture in found}) == len(found)
    for picture in found:
        check_safe(picture)
        assert len(picture.svg) < 60_000, picture.name
        assert picture.caption


HOSTILE = "\x1b\u202e</svg><script>alert(1)</script>&"


def hostile_claim() -> Claim:
    n, m = sp.symbols("n m", integer=True, positive=True)
    t = sp.Symbol("t", integer=True)
    x, s = sequence(f"x{HOSTILE}", m), sequence(f"s{HOSTILE}", n)
    U, W = sp.MatrixSymbol(f"U{HOSTILE}", n, m), sp.MatrixSymbol(f"W{HOSTILE}", n, n)
    net = sequence(f"net{HOSTILE}", n)
    f = elementwise(f"f{HOSTILE}", "tanh")
    model = Model({net[t]: U * x[t] + W * s[t - 1], s[t]: f(net[t])}, loss=Loss.last(s, name=f"E{HOSTILE}"))
    left = Jacobian(vec(net[t]), vec(W), "immediate")
    right = Kronecker(transpose(s[t - 1]), sp.Identity(n))
    return Claim(left, right, model, indices=(Index(t, sp.Integer(1), model.time.last),))


def test_names_from_a_document_inject_nothing() -> None:
    claim = hostile_claim()
    one = Entry(HOSTILE, "claim", HOSTILE, Place("a.md", 1, 1), Verdict("proved"), text=HOSTILE, claim=claim)
    found = [*pictures_of_entry(one), *pictures_of_document(DocumentReport("a.md", (one,)))]
    assert [picture.name.split("-")[-2] if "sparsity" in picture.name else picture.name for picture in found] == [
        "sparsity", "model-1", "tanh-activation", "tanh-vanishing",
    ]  # fmt: skip
    for picture in found:
        check_safe(picture)
        assert "<script" not in picture.svg
        assert "\x1b" not in picture.svg
        assert "\u202e" not in picture.svg
    shown = text_of(parsed(found[0].svg))
    assert "/svg><script>" in shown, "as text it is there"


def test_an_exception_of_ours_is_no_picture_and_a_bug_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    from derive.errors import ShapeError
    from verify import pictures

    one = Entry("a", "claim", "", Place("a.md", 1, 1), Verdict("proved"))

    def raises(error: Exception) -> Any:
        def draw(*_: object) -> Picture:
            raise error

        return draw

    monkeypatch.setattr(pictures, "error_picture", raises(ShapeError("no")))
    assert pictures_of_entry(one) == ()
    monkeypatch.setattr(pictures, "error_picture", raises(IndexError("a bug")))
    with pytest.raises(IndexError):
        pictures_of_entry(one)


SAME = """
import zlib
from tests.verify.pictures.test_pictures import pictures_of_systems
print(*(zlib.crc32(repr(picture).encode()) for picture in pictures_of_systems()))
"""


def pictures_of_systems() -> list[Picture]:
    """Pictures of some models and of a claim, without verifying anything."""
    from derive.models.systems import system

    found = []
    for name in ("rnn", "gru", "bidirectional"):
        model = system(name).model
        claim = replace(hostile_claim(), model=model, left=sp.Identity(2), right=sp.Identity(2), indices=())
        one = Entry(name, "claim", "", Place("a.md", 1, 1), Verdict("proved"), claim=claim)
        found += pictures_of_document(DocumentReport("a.md", (one,)))
    return [*found, *pictures_of_entry(Entry("K", "claim", "", Place("a.md", 1, 1), None, claim=hostile_claim()))]


def test_equal_models_give_equal_bytes_in_another_process() -> None:
    """In a process with other hashes of names."""
    root = str(Path(__file__).parents[3])
    run = subprocess.run(
        [sys.executable, "-c", SAME], capture_output=True, text=True, check=True,
        env={"PYTHONHASHSEED": "1", "PYTHONPATH": root},
    )  # fmt: skip
    here = [zlib.crc32(repr(picture).encode()) for picture in pictures_of_systems()]
    assert len(here) == 8
    assert run.stdout.split() == list(map(str, here))
