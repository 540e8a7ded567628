"""Declared losses: `loss(last s)`, `loss(each s)`, and `loss(a, c)` of plain names."""

from __future__ import annotations

import re
from typing import Any

import sympy as sp

from derive.language.nodes import Application, Member, length
from derive.latex.vocabulary import Tensor, Vocabulary
from derive.model import Loss
from verify.document.block import Entry
from verify.document.source import Source
from verify.errors import DocumentError

LOSS = re.compile(r"loss\s*\((.*)\)")
OWN = ""  # where a part says neither last nor each


def read_loss(name: str, entry: Entry, vocabulary: Vocabulary, last: sp.Expr, source: Source) -> Loss | Application:
    """The opaque loss of a declaration; one that names plain tensors is an unknown function of them, J(a, c).

    Raises `DocumentError`.
    """
    match = LOSS.fullmatch(entry.text.strip())
    assert match is not None
    parts = [_part(name, part, entry, vocabulary, source) for part in match.group(1).split(",")]
    places = {place for _, place in parts}
    if OWN not in places:
        return Loss(sp.MatrixSymbol(name, 1, 1), tuple((tensor.name, place) for tensor, place in parts))
    if "each" in places:
        raise DocumentError(
            f"the loss {name} names a plain tensor beside members at each step: give it by an equation",
            source.place(entry.offset, len(entry.text)),
        )
    slots = [tensor.name for tensor, _ in parts]
    return Application(name, slots, 1, 1, *(_argument(tensor, place, last) for tensor, place in parts))


def _part(name: str, part: str, entry: Entry, vocabulary: Vocabulary, source: Source) -> tuple[Tensor, str]:
    """A part's tensor, and last, each or OWN."""
    scope, _, family = part.strip().partition(" ")
    place = source.place(entry.offset, len(entry.text))
    scope, family = (scope, family.strip()) if family else (OWN, scope)
    if scope not in ("last", "each", OWN) or not family:
        raise DocumentError(f"a loss is written loss(last s) or loss(each s), not {entry.text!r}", place)
    known = [t for t in vocabulary.tensors if family in (t.pattern.base, t.name, t.pattern.text)]
    if len(known) != 1:
        raise DocumentError(f"the loss {name} depends on {family}, which is not declared", place)
    if known[0].is_family != (scope != OWN):
        hint = f"say last {family} or each {family}" if known[0].is_family else f"say {family} alone"
        raise DocumentError(f"{family} has {'steps' if known[0].is_family else 'no step'}: {hint}", place)
    return known[0], scope


def _argument(tensor: Tensor, place: str, last: sp.Expr) -> Any:
    if place == "last" or max(len(tensor.rows), len(tensor.cols)) > 1:
        return Member(tensor.name, (last,) if place == "last" else (), tensor.rows, tensor.cols)
    return sp.MatrixSymbol(tensor.name, length(tensor.rows), length(tensor.cols))
