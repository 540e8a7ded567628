"""A document whose given equations are a model: what `backproof derive my_cell.md` derives from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from derive import wellformed
from derive.errors import BackproofError
from derive.language.keys import plain_key
from derive.latex.conventions import OpenConvention
from derive.model import Model
from derive.models.registry import System
from derive.recurrence import losses_of
from derive.rules.dependence import read_names
from verify.document.givens import Givens, InGiven
from verify.document.readers import SUFFIXES, decoded, why_unread
from verify.document.statements import Document, Statement, read
from verify.errors import CallError, DocumentError, clean


def is_document(name: str) -> bool:
    """Whether MODEL names a document: standard input, a file that exists, or a name that ends like one."""
    return name == "-" or Path(name).suffix in SUFFIXES or Path(name).is_file()


def system_of(name: str, choices: Mapping[str, Any]) -> System:
    """The model that a document's givens make, up to its first `reset`.

    Raises `CallError` for a file that cannot be read or gives no model, with the place of what is wrong in it.
    """
    asked = [key for key, value in choices.items() if value is not None and key != "loss"]
    if asked:
        raise CallError(f"{_path(name)} says itself what its model is: it has no choice of {', '.join(asked)}")
    document = _read(name)
    given = _givens(document)
    model = _model(document, given[0])
    if choices.get("loss") is not None:
        model = _with_loss(model, choices["loss"], _path(name))
    sums = tuple(tensor for tensor, kind in given[0].meaning.structures.items() if kind in ("sum 1", "one-hot"))
    families = tuple(family for family in sums if family in model.reads)
    return System(_title(document, name), _title(document, name), model, sum_one=families)


def _read(name: str) -> Document:
    try:
        document = read(_path(name), decoded(name), folder=None if name == "-" else Path(name).parent)
    except (OSError, UnicodeDecodeError) as error:
        raise CallError(f"{clean(_path(name))}: cannot be read: {why_unread(error)}") from None
    except DocumentError as error:
        raise CallError(_told(error.message, error.place)) from None
    if document.errors:
        first = document.errors[0]
        raise CallError(_told(first.message, first.place))
    return document


def _givens(document: Document) -> list[Statement]:
    """The givens of the first part of a document that are no names for derivatives."""
    found = [s for s in document.statements if s.role == "given" and not s.has_derivative]
    if not found:
        raise CallError(
            f"{document.source.path} gives no model: list the forward equations under `given`, or mark each with the "
            "directive <!-- backproof: given -->"
        )
    first = found[0].declarations.generation
    return [one for one in found if one.declarations.generation == first]


def _model(document: Document, anchor: Statement) -> Model:
    try:
        model = Givens(document).model(anchor, (), {})
        wellformed.check_states(model)
    except InGiven as error:
        raise CallError(_told(error.problem.message, error.problem.place)) from None
    except OpenConvention as error:
        raise CallError(_told(f"the givens leave {error.key} open; declare it", anchor.place)) from None
    except BackproofError as error:
        raise CallError(f"{document.source.path}: {error}") from None
    losses = anchor.meaning.losses
    return Model(model.equations, losses, model.time) if losses and not model.losses else model


def _with_loss(model: Model, wanted: str, path: str) -> Model:
    """The model without its other losses."""
    losses = {plain_key(str(loss.name)): loss for loss in losses_of(model)}
    if wanted not in losses:
        raise CallError(f"{path} has no loss {wanted}; it has {', '.join(losses) or 'none'}")
    needed = read_names(model, str(losses[wanted].name))
    others = {str(loss.name) for loss in losses.values()} - needed
    equations = tuple(e for e in model.equations if e.name not in others)
    return Model(equations, tuple(loss for loss in model.losses if str(loss.symbol.name) not in others), model.time)


def _path(name: str) -> str:
    return "<stdin>" if name == "-" else name


def _told(message: str, place: Any) -> str:
    return f"{place}: {message}\n{place.caret()}"


def _title(document: Document, name: str) -> str:
    """The document's first heading, else the file's name."""
    lines = document.source.text.splitlines()
    heading = next((line.lstrip("#").strip() for line in lines if line.startswith("# ")), "")
    return heading or Path(_path(name)).stem
