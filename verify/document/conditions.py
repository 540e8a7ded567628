"""Conditions on indices: 1 <= k < t, i != j, in plain or LaTeX spelling, several by comma."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import sympy as sp

from derive.errors import NotationError
from derive.latex.affine import affine
from derive.latex.tokenizer import tokenize
from derive.latex.tokens import Tok
from derive.latex.vocabulary import Vocabulary
from verify.claim import Condition

SPACES = tuple(f"\\{font}{{{letter}}}" for font in ("mathbb", "mathbf", "mathrm") for letter in "RNZC")
_WORDS = (("<=", "\\le "), (">=", "\\ge "), ("!=", "\\ne "), ("≤", "\\le "), ("≥", "\\ge "), ("≠", "\\ne "))


def read_conditions(text: str, vocabulary: Vocabulary) -> tuple[Condition, ...]:
    """The conditions that a text states. Raises `NotationError` (places count in the text)."""
    plain = text
    for word, command in _WORDS:
        plain = plain.replace(word, command)
    return conditions_of(tokenize(plain), vocabulary)


def conditions_of(tokens: Sequence[Tok], vocabulary: Vocabulary) -> tuple[Condition, ...]:
    """The conditions that tokens spell, chains link by link."""
    found: list[Condition] = []
    letters = {**vocabulary.steps, **vocabulary.components}
    for part in _split(tokens, "COMMA"):
        part = [token for token in part if token.kind != "FORALL"]
        if not part or _says_nothing(part, letters):
            continue
        spans = _span_conditions(part, letters)
        if spans is not None:
            found += spans
            continue
        sides = _split(part, "REL")
        relations = [token.text for token in part if token.kind == "REL"]
        values = [affine(tuple(side), letters) for side in sides]
        if not relations or any(value is None for value in values):
            spelling = " ".join(token.text for token in part)
            raise NotationError(
                f"{spelling}: a condition compares listed index letters, as 1 <= k < t", part[0].start, part[-1].end
            )
        for left, relation, right in zip(values, relations, values[1:], strict=False):
            found.append(_condition(left, relation, right, part))
    return tuple(found)


def _says_nothing(part: Sequence[Tok], letters: Mapping[str, sp.Symbol]) -> bool:
    """∀ k, and W ∈ ℝ^{n×m}: what the declarations say already."""
    if all(token.text in letters for token in part):
        return True
    return any(
        token.kind == "REL" and token.text == "in" and following.text in SPACES for token, following in pairwise(part)
    )


def _span_conditions(part: Sequence[Tok], letters: Mapping[str, sp.Symbol]) -> list[Condition] | None:
    """k ∈ 1..T says where a letter runs; of a component, whose axis says it, nothing. None for anything else."""
    places = [at for at, token in enumerate(part) if token.kind == "ENTRY" and token.text == "range"]
    if len(places) != 1 or len(part) < 4 or part[0].text not in letters or part[1].text != "in":
        return None
    lo, hi = affine(tuple(part[2 : places[0]]), letters), affine(tuple(part[places[0] + 1 :]), letters)
    if lo is None or hi is None:
        return [] if lo == 1 else None
    letter = letters[part[0].text]
    return [Condition(lo, "<=", letter), Condition(letter, "<=", hi)]


def _condition(left: sp.Expr, relation: str, right: sp.Expr, part: Sequence[Tok]) -> Condition:
    if relation in (">", ">="):
        return Condition(right, relation.replace(">", "<"), left)
    if relation not in ("<", "<=", "=", "!="):
        raise NotationError(f"a condition has no relation {relation}", part[0].start, part[-1].end)
    return Condition(left, relation, right)


def _split(tokens: Sequence[Tok], kind: str) -> list[list[Tok]]:
    parts: list[list[Tok]] = [[]]
    for token in tokens:
        if token.kind == kind:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts
