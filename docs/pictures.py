"""Draws the pictures of docs/pictures.md from a document of their own: `python docs/pictures.py`.

With `--look FOLDER` it also writes a page of all of them and of every model's graph, light and dark, to look at.
"""

from __future__ import annotations

import sys
from html import escape
from pathlib import Path

import verify
from derive.models.systems import system, systems
from verify.pictures import Picture, pictures_of_document, pictures_of_entry
from verify.pictures.activations import DRAWN, activation_picture
from verify.pictures.picture import NoPicture
from verify.pictures.unrolled import unrolled_picture
from verify.report.model import DocumentReport

HERE = Path(__file__).parent
DOCUMENT, FOLDER = HERE / "pictures" / "rnn.md", HERE / "pictures"
GRAPHS = ("lstm", "gru", "bidirectional")
KINKED = "relu"
PAGE = """<!doctype html><meta charset="utf-8"><title>Pictures</title><style>
body{{font:15px system-ui,sans-serif;margin:1em;color:{ink};background:{paper};color-scheme:{scheme}}}
figure{{margin:1em 0;max-width:100%}}svg{{max-width:100%;height:auto}}figcaption{{max-width:50em}}</style>{body}"""


def of_document() -> list[Picture]:
    """The pictures of the document and its entries."""
    report: DocumentReport = verify.document(DOCUMENT, examples=0).documents[0]
    return [*pictures_of_document(report), *(one for entry in report.entries for one in pictures_of_entry(entry))]


def files(shown: list[Picture]) -> dict[str, str]:
    """The page's files by name: the document's pictures, some graphs and a kink."""
    found = {f"{picture.name}.svg": picture.file for picture in shown}
    found |= {f"{name}.svg": unrolled_picture(system(name).model).file for name in GRAPHS}
    kinked = activation_picture(KINKED)
    return {**found, f"{kinked.name}.svg": kinked.file}


def all_of_them() -> list[Picture]:
    """The document's pictures, every activation, every model's graph."""
    found = [*of_document(), *map(activation_picture, DRAWN)]
    for name in systems():
        try:
            found.append(unrolled_picture(system(name).model))
        except NoPicture:
            continue
    return found


def page(pictures: list[Picture], scheme: str) -> str:
    """All pictures in one page."""
    figures = (f"<figure>{one.svg}<figcaption>{escape(one.caption)}</figcaption></figure>" for one in pictures)
    ink, paper = ("#e8e8e8", "#151515") if scheme == "dark" else ("#1a1a1a", "#ffffff")
    return PAGE.format(ink=ink, paper=paper, scheme=scheme, body="".join(figures))


def main(arguments: list[str]) -> None:
    for name, svg in files(of_document()).items():
        (FOLDER / name).write_text(svg, encoding="utf-8")
    if arguments[:1] == ["--look"]:
        for scheme in ("light", "dark"):
            target = Path(arguments[1]) / f"pictures-{scheme}.html"
            target.write_text(page(all_of_them(), scheme), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
