"""A reader of formulas for one statement of a document, under one reading of its conventions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from derive.errors import NotationError, ShapeError
from derive.latex import syntax
from derive.latex.elaborate import Reader
from derive.latex.parser import parse
from verify.document.block import Entry
from verify.document.source import Source
from verify.document.statements import Statement
from verify.errors import DocumentError

Choices = dict[str, str]


def reader_of(statement: Statement, choices: Choices, source: Source) -> Reader:
    """The reader of a statement's formulas. Raises `DocumentError` for a wrong entry of `immediate`."""
    reader = Reader(statement.meaning.vocabulary, statement.declarations.conventions.reading(choices))
    listed = statement.declarations.immediate
    return replace(reader, immediate=tuple(_listed(entry, reader, source) for entry in listed)) if listed else reader


def _listed(entry: Entry, reader: Reader, source: Source) -> tuple[Any, Any]:
    """What and by what a listed derivative is."""
    try:
        node = parse(entry.text, reader.vocabulary.lexicon)[0].sides[0]
        if not isinstance(node, syntax.DerivativeOf) or node.what is None:
            raise NotationError("a listed derivative is written \\frac{\\partial h_k}{\\partial W}", 0, 1)
        return reader.argument(node.what), reader.argument(node.by)
    except (NotationError, ShapeError) as error:
        raise DocumentError(f"immediate: {error}", source.place(entry.offset, len(entry.text))) from None
