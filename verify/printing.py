"""Where `backproof derive` prints: to standard output, or to files that are whole or not there at all."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from derive.models.registry import System
from derive.papers.latex import latex_document
from derive.printed import Words, paper_of, printed
from derive.quantities import Options
from verify.errors import CallError
from verify.files import check_writable, write


@dataclass(frozen=True)
class Request:
    """What is to be printed, of which system, in which form."""

    chosen: System
    form: str
    wrt: tuple[str, ...]
    options: Options
    batch: bool
    memory: str
    words: Words


def print_to(path: str | None, asked: Request) -> None:
    """Print to a file, or without a path (or to `-`) to standard output; beside a PDF its LaTeX is written.

    Raises `CallError` where that cannot be, before anything is derived, and `BackproofError` for what the system lacks.
    """
    path = None if path == "-" else path
    _check(path, asked.form)
    if asked.form == "pdf":
        _print_pdf(path, asked)
        return
    text = _text(asked).rstrip("\n") + "\n"
    if path is None:
        sys.stdout.write(text)
    else:
        _write({Path(path): text})


def _text(asked: Request) -> str:
    if asked.form == "html":
        from verify.report.html.model_page import page  # only here: other forms need no templates

        asked.words.check(asked.form)
        return page(asked.chosen, asked.wrt, asked.options, asked.batch, asked.memory)
    return printed(
        asked.chosen,
        wrt=asked.wrt,
        form=asked.form,
        options=asked.options,
        batch=asked.batch,
        memory=asked.memory,
        words=asked.words,
    )


def _check(path: str | None, form: str) -> None:
    if path is not None:
        check_writable("--output", path)
    if form != "pdf":
        return
    if path is None and sys.stdout.isatty():
        raise CallError("a PDF is no text for a terminal: name a file (-o paper.pdf), or send it into a pipe")
    if path is not None and Path(path).suffix.lower() == ".tex":
        raise CallError(f"--output {path}: beside the PDF its LaTeX is written as .tex; name the PDF itself")


def _print_pdf(path: str | None, asked: Request) -> None:
    from verify.pdf import pdf

    paper = paper_of(
        asked.chosen,
        wrt=asked.wrt,
        form="pdf",
        options=asked.options,
        batch=asked.batch,
        memory=asked.memory,
        words=asked.words,
    )
    data = pdf(paper)
    if path is None:
        sys.stdout.buffer.write(data)
    else:
        _write({Path(path).with_suffix(".tex"): latex_document(paper), Path(path): data})


def _write(files: dict[Path, str | bytes]) -> None:
    for path, content in files.items():
        try:
            write(content, path)
        except OSError as error:
            raise CallError(f"--output {path}: cannot be written: {error.strerror}") from None
