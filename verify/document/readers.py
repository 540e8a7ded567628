"""From a file to what it says to Backproof: the formats, how one is told, and how bytes become text."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Literal

from verify.document import markdown, notebook, tex
from verify.document.macros import Definitions
from verify.document.passages import Piece
from verify.document.source import MAX_BYTES, Assembly, Source, normal
from verify.errors import DocumentError

Form = Literal["md", "tex", "ipynb"]
FORMS: tuple[Form, ...] = ("md", "tex", "ipynb")
_SUFFIXES: dict[str, Form] = {".tex": "tex", ".ltx": "tex", ".ipynb": "ipynb"}
# comments, and then \documentclass; or a declaration block in comments, with which a fragment begins
_BEGINS_AS_LATEX = re.compile(r"(?:\s*%[^\n]*\n)*\s*\\documentclass|\s*%+[ \t]*backproof[ \t]*\n")
SUFFIXES = (".md", ".markdown", *_SUFFIXES)


def form_of(path: str, text: str) -> Form:
    """The format of a document: by its name; without one it is Markdown unless it begins as a LaTeX file does."""
    known = _SUFFIXES.get(Path(path).suffix.lower())
    is_file = known is not None or Path(path).suffix
    return known or ("tex" if not is_file and _BEGINS_AS_LATEX.match(text) else "md")


def max_bytes(path: str, form: Form | None = None) -> int:
    """How many bytes of a file are read: more of a notebook, which holds pictures."""
    is_notebook = (form or _SUFFIXES.get(Path(path).suffix.lower())) == "ipynb"
    return notebook.MAX_NOTEBOOK_BYTES if is_notebook else MAX_BYTES


def pieces(path: str, text: str, form: Form | None = None, folder: Path | None = None) -> tuple[Source, list[Piece]]:
    """The pieces of a document in order, and its text with all parts. Raises `DocumentError` where it is none."""
    limit = max_bytes(path, form)
    if len(text.encode("utf-8", "surrogatepass")) > limit:
        raise DocumentError(f"the document is larger than {limit} bytes", Source(path, text[:1000]).place(0))
    assembly = Assembly(path)
    text = normal(text)
    form = form or form_of(path, text)
    if form == "tex":
        found = tex.pieces(text, assembly, path, folder)
    elif form == "ipynb":
        try:
            found = notebook.pieces(text, assembly)
        except notebook.NoNotebook as error:
            raise DocumentError(str(error), Source(path, "").place(0)) from None
    else:
        found = markdown.pieces(text, assembly.add(path, text), Definitions())
    return assembly.source(), found


def read_bytes(path: str, form: Form | None = None) -> str:
    """The text of a file. Raises `OSError`, `UnicodeDecodeError`."""
    with Path(path).open("rb") as stream:
        return stream.read(max_bytes(path, form) + 1).decode("utf-8-sig")


def decoded(name: str, read_as: Form | None = None) -> str:
    """The text of a file, or of standard input for -. Raises `OSError` and `UnicodeDecodeError`."""
    if name != "-":
        return read_bytes(name, read_as)
    return sys.stdin.buffer.read(max_bytes("", read_as) + 1).decode("utf-8-sig")


def why_unread(error: OSError | UnicodeDecodeError) -> str:
    """What the system says of a file that cannot be read."""
    return error.strerror if isinstance(error, OSError) and error.strerror else "it is no UTF-8 text"
