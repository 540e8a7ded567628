"""Declared losses: `loss(last s)`, `loss(each s)`, and `loss(a, c)` of plain names."""

from __future__ import annotations

import re
from operator import attrgetter
from typing import Any

import sympy as sp

from derive.language.nodes import Application, Member, length
from derive.latex.vocabulary import Tensor, Vocabulary
from derive.model import Equation, Loss
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
    parts = [_part(name, part, entry, vocabulary, source) for part in _parts(match.group(1))]
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


def family_of_losses(
    tensor: Tensor, entry: Entry, vocabulary: Vocabulary, letter: sp.Symbol, source: Source
) -> Equation:
    """L_t: loss(s_t) is a loss of its own for every t: an unknown function of s_t and of something unknown at t.

    Raises `DocumentError`.
    """
    match = LOSS.fullmatch(entry.text.strip())
    assert match is not None
    tensors = [_named(tensor.pattern.text, part.strip(), entry, vocabulary, source) for part in _parts(match.group(1))]
    slots = [one.name for one in tensors]
    at = {str(letter): letter}
    arguments = [Member(one.name, (letter,) if one.is_family else (), *one.axes_at(at)) for one in tensors]
    own = Member(f"{tensor.name}^{{\\xi}}", (letter,), 1, 1)
    value = Application(tensor.name, [*slots, "\\xi"], 1, 1, *arguments, own)
    return Equation(Member(tensor.name, (letter,), 1, 1), value, letter, id=tensor.name)


def _parts(text: str) -> list[str]:
    """The names between commas that stand in no braces."""
    return re.split(r",(?![^{]*\})", text)


def _part(name: str, part: str, entry: Entry, vocabulary: Vocabulary, source: Source) -> tuple[Tensor, str]:
    """A part's tensor, and last, each or OWN."""
    word = re.match(r"\s*(last|each)\s+(?=\S)", part)
    scope, family = (word.group(1), part[word.end() :].strip()) if word else (OWN, part.strip())
    place = source.place(entry.offset, len(entry.text))
    if not family or re.match(r"[a-z]+\s+\w", family):
        raise DocumentError(f"a loss is written loss(last s) or loss(each s), not {entry.text!r}", place)
    known = _named(name, family, entry, vocabulary, source)
    if known.is_family != (scope != OWN):
        hint = f"say last {family} or each {family}" if known.is_family else f"say {family} alone"
        raise DocumentError(f"{family} has {'steps' if known.is_family else 'no step'}: {hint}", place)
    return known, scope


def _named(name: str, family: str, entry: Entry, vocabulary: Vocabulary, source: Source) -> Tensor:
    """The one tensor of a name, with or without its index."""
    spelled = _plain(family)
    for place_of in ("pattern.text", "name", "pattern.base"):
        written = attrgetter(place_of)
        known = [t for t in vocabulary.tensors if _plain(written(t)) == spelled and not t.entries_of]
        if len(known) == 1:
            return known[0]
    place = source.place(entry.offset, len(entry.text))
    raise DocumentError(f"the loss {name} depends on {family}, which is not declared", place)


def _plain(name: str) -> str:
    return name.replace("{", "").replace("}", "").replace(" ", "")


def _argument(tensor: Tensor, place: str, last: sp.Expr) -> Any:
    if place == "last" or max(len(tensor.rows), len(tensor.cols)) > 1:
        return Member(tensor.name, (last,) if place == "last" else (), tensor.rows, tensor.cols)
    return sp.MatrixSymbol(tensor.name, length(tensor.rows), length(tensor.cols))
