"""What the lines and wide spaces of a display mean: statements, cases, comments at the end of a line."""

from __future__ import annotations

from dataclasses import replace

from derive.errors import NotationError
from derive.latex import signs
from derive.latex.tokens import Tok

JOINING = ("REL", "PLUS", "MINUS", "CDOT", "ENTRY", "SLASH", "COMMA", "NEWLINE", "FORALL")


def in_statements(tokens: list[Tok]) -> list[Tok]:
    """The tokens of a display with a comma between any two statements, and nothing else between them."""
    return _join_lines(_statements(_without_comments(_cases(tokens))))


def _cases(tokens: list[Tok]) -> list[Tok]:
    """\\left\\{ and a matrix, closed by \\right. alone, are cases."""
    found = list(tokens)
    for place in range(len(tokens) - 1):
        opening, begin = tokens[place], tokens[place + 1]
        if opening.kind != "LSET" or begin.kind != "BEGIN":
            continue
        level, end = 0, place + 1
        for end in range(place + 1, len(tokens)):
            level += {"BEGIN": 1, "END": -1}.get(tokens[end].kind, 0)
            if level == 0:
                break
        if end + 1 == len(tokens) or tokens[end + 1].kind != "RSET":
            found[place] = replace(opening, kind="QUAD")
            found[place + 1] = replace(begin, text="cases")
    return found


def _statements(tokens: list[Tok]) -> list[Tok]:
    """a = b \\quad c = d are two statements: a wide space with a relation of its own on either side parts them."""
    found: list[Tok] = []
    level, relations = 0, [0]  # of the stretches between commas and spaces
    places: list[int] = []
    for token in tokens:
        level += signs.DEPTH.get(token.kind, 0) + {"BEGIN": 1, "END": -1}.get(token.kind, 0)
        if token.kind == "QUAD":
            if level == 0 and places[-1:] != [len(found)]:
                places.append(len(found))
                relations.append(0)
            continue
        if level == 0 and token.kind in ("COMMA", "NEWLINE", "FORALL"):
            places.append(-1)
            relations.append(0)
        relations[-1] += level == 0 and token.kind == "REL"
        found.append(token)
    parted = [p for i, p in enumerate(places) if p >= 0 and relations[i] and relations[i + 1] and _parts(found, p)]
    for place in reversed(parted):
        found.insert(place, Tok("COMMA", ",", found[place].start, found[place].start))
    return found


def _parts(tokens: list[Tok], place: int) -> bool:
    """Whether an operand ends before a place and another begins there."""
    is_inside = 0 < place < len(tokens)
    return is_inside and tokens[place - 1].kind not in JOINING and tokens[place].kind not in JOINING


def _without_comments(tokens: list[Tok]) -> list[Tok]:
    """Prose at the end of a line is a comment on it; prose anywhere else is refused."""
    found: list[Tok] = []
    for place, token in enumerate(tokens):
        following = tokens[place + 1].kind if place + 1 < len(tokens) else "NEWLINE"
        is_comment = following in ("NEWLINE", "PROSE", "COMMA") and found and found[-1].kind not in JOINING
        if token.kind == "PROSE" and not is_comment:
            raise NotationError(f"\\text{{{token.text}}}: prose inside a formula is not read", token.start, token.end)
        found += [] if token.kind == "PROSE" else [token]
    return found


def _join_lines(tokens: list[Tok]) -> list[Tok]:
    """A line break goes on with a chain where the next line begins with a relation or sign, else separates."""
    joined: list[Tok] = []
    for place, token in enumerate(tokens):
        if token.kind != "NEWLINE":
            joined.append(token)
            continue
        following = tokens[place + 1].kind if place + 1 < len(tokens) else "END"
        if following not in ("REL", "PLUS", "MINUS", "END", "CDOT", "ENTRY", "NEWLINE") and joined:
            joined.append(replace(token, kind="COMMA"))
    return joined
