"""What a document assumes: 1ᵀy = 1, W = Wᵀ, W = diag(w), s_0 = 0, x ≠ 0, ‖W‖ ≤ β, and declared structure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sympy as sp

from derive.errors import NotationError, ShapeError
from derive.language.build import transpose
from derive.language.nodes import Diag, Member, Norm
from derive.latex.parser import parse
from derive.latex.syntax import Chain
from derive.model import Equation
from verify.claim import Assumption
from verify.document.block import Entry
from verify.document.source import Source
from verify.document.statements import Statement
from verify.document.words import Choices, reader_of
from verify.errors import DocumentError


def assumptions(statement: Statement, choices: Choices, source: Source) -> tuple[Assumption, ...]:
    found = [_structural(name, kind, statement) for name, kind in _structures(statement)]
    for entry, chain in _chains(statement, source):
        with _told(entry, source):
            assumption = _assumption(chain, statement, choices, source)
            found += [] if assumption is None else [assumption]
    return tuple(found)


def _chains(statement: Statement, source: Source) -> Iterator[tuple[Entry, Chain]]:
    for entry in statement.declarations.assume:
        with _told(entry, source):
            chains = parse(entry.text, statement.meaning.vocabulary.lexicon)
        yield from ((entry, chain) for chain in chains)


@contextmanager
def _told(entry: Entry, source: Source) -> Iterator[None]:
    """What is wrong with an assumption is told at its place."""
    try:
        yield
    except (NotationError, ShapeError) as error:
        place = source.place(entry.offset, len(entry.text))
        raise DocumentError(f"assume: {error}", place) from None


def _assumption(chain: Chain, statement: Statement, choices: Choices, source: Source) -> Assumption | None:
    """The assumption that a relation states, None where it defines a tensor (W = diag(w))."""
    if len(chain.relations) != 1:
        raise NotationError("an assumption is one relation", chain.start, chain.end)
    left, right = reader_of(statement, choices, source).sides(chain)
    relation = chain.relations[0]
    if relation == "=" and isinstance(left, sp.MatMul) and right == sp.OneMatrix(1, 1) and len(left.args) == 2:
        ones, subject = left.args
        if isinstance(ones, sp.OneMatrix | sp.Transpose) and ones.atoms(sp.OneMatrix):
            return Assumption("sum_one", subject)
    if relation == "=" and right == transpose(left):
        return Assumption("symmetric", left)
    if relation == "=" and isinstance(right, sp.ZeroMatrix):
        return Assumption("zero", left)
    if relation == "=" and isinstance(right, Diag) and isinstance(left, sp.MatrixSymbol):
        return None
    if relation == "!=" and isinstance(right, sp.ZeroMatrix):
        return Assumption("nonzero", left)
    if relation == "<=" and isinstance(left, Norm):
        return Assumption("bound", left, right)
    known = "1ᵀy = 1, W = Wᵀ, W = diag(w), s_0 = 0, x ≠ 0, or ‖W‖ ≤ β"
    raise NotationError(f"an assumption is {known}", chain.start, chain.end)


def assumed_equations(statement: Statement, choices: Choices, source: Source) -> list[Equation]:
    """An assumption W = diag(w) says what W is."""
    found = []
    for entry, chain in _chains(statement, source):
        with _told(entry, source):
            left, right = reader_of(statement, choices, source).sides(chain)
            if chain.relations == ("=",) and isinstance(right, Diag) and isinstance(left, sp.MatrixSymbol):
                found.append(Equation(left, right, id="assume"))
    return found


def _structures(statement: Statement) -> Iterator[tuple[str, str]]:
    """Declared structure; what is one-hot sums to 1, which the deciders use."""
    for name, kind in statement.meaning.structures.items():
        if kind == "one-hot":
            yield name, "sum 1"
        yield name, kind


def _structural(name: str, structure: str, statement: Statement) -> Assumption:
    tensor = next(t for t in statement.meaning.vocabulary.tensors if t.name == name)
    indices = {letter: sp.Symbol(f"i_{place}", integer=True) for place, letter in enumerate(tensor.pattern.slots)}
    subject: Any = Member(name, tuple(indices.values()), *tensor.axes_at(indices))
    if not indices:
        subject = sp.MatrixSymbol(name, *subject.shape)
    return Assumption({"sum 1": "sum_one", "one-hot": "one_hot"}.get(structure, structure), subject)
