"""The upright or italic d of dJ/dX and \\frac{dL}{dW}: a sign of differentiation where d itself is not declared."""

from __future__ import annotations

from dataclasses import replace

from derive.latex.lexicon import Lexicon, without_font
from derive.latex.tokens import Tok


def with_differentials(tokens: list[Tok], words: Lexicon) -> tuple[Tok, ...]:
    """d above and d below one fraction line are ∂; a declared d, dJ or dX stays the name it is."""
    if "d" in words.bare:
        return _operators(tokens)
    found = list(tokens)
    for place, token in enumerate(tokens):
        for pair in (_in_fraction(tokens, place), _in_slash(tokens, place)) if token.kind in ("FRAC", "NAME") else ():
            for one in pair:
                found[one] = replace(found[one], kind="PARTIAL")
    return _operators(found)


def _operators(tokens: list[Tok]) -> tuple[Tok, ...]:
    """∂_w and ∂⁺_w are one sign with what they derive by inside."""
    found: list[Tok] = []
    for token in tokens:
        if token.kind == "SUB" and found and found[-1].kind == "PARTIAL":
            sign = found.pop()
            token = Tok("DBY", "\\partial", sign.start, token.end, token.inner)
        elif token.kind == "SUB" and len(found) > 1 and found[-1].kind == "SUP" and found[-2].kind == "PARTIAL":
            plus, sign = found.pop(), found.pop()
            token = Tok("DBY", f"\\partial{plus.text}", sign.start, token.end, token.inner)
        found.append(token)
    return tuple(found)


def _is_d(tokens: list[Tok], place: int) -> bool:
    return place < len(tokens) and tokens[place].kind == "NAME" and without_font(tokens[place].text) == "d"


def _in_fraction(tokens: list[Tok], place: int) -> tuple[int, ...]:
    """\\frac{d…}{d…}: the places of both."""
    if tokens[place].kind != "FRAC" or not _is_d(tokens, place + 2):
        return ()
    close = _closing(tokens, place + 1)
    return (place + 2, close + 2) if close and _is_d(tokens, close + 2) else ()


def _closing(tokens: list[Tok], place: int) -> int:
    """The place of the brace that closes the one here, 0 for none."""
    level = 0
    for at in range(place, len(tokens)):
        level += {"LB": 1, "RB": -1}.get(tokens[at].kind, 0)
        if level == 0:
            return at
    return 0


def _in_slash(tokens: list[Tok], place: int) -> tuple[int, ...]:
    """dJ/dX: d, a name with its scripts, a slash, d."""
    if not _is_d(tokens, place):
        return ()
    at = place + 1
    if at >= len(tokens) or tokens[at].kind != "NAME":
        return ()
    at += 1
    while at < len(tokens) and tokens[at].kind in ("SUB", "SUP", "PRIME"):
        at += 1
    is_pair = at < len(tokens) and tokens[at].kind == "SLASH" and _is_d(tokens, at + 1)
    return (place, at + 1) if is_pair else ()
