"""Directives before an equation: given, skip: why, expect: verdict, id: NAME, where: …, or any key of the block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from verify.document.block import Entry
from verify.document.declarations import KEYS
from verify.document.passages import Piece
from verify.document.source import Source
from verify.errors import DocumentError

EXPECTED = ("proved", "tested", "conditional", "refuted", "undecided", "unreadable")


@dataclass(frozen=True)
class Directives:
    """What is said of one equation alone."""

    is_given: bool = False
    skip: str | None = None
    expect: Mapping[str, str] = field(default_factory=dict)  # link number ("" for all) -> verdict
    id: str = ""
    keys: Mapping[str, tuple[Entry, Entry]] = field(default_factory=dict)


def read_directives(pieces: list[Piece], source: Source) -> Directives:
    """The directives of the lines before one equation, together. Raises `DocumentError`."""
    found = Directives()
    for piece in pieces:
        offset = piece.offset
        for part in piece.text.split(";"):
            found = _with(found, part, offset, source)
            offset += len(part) + 1
    return found


def _with(found: Directives, part: str, offset: int, source: Source) -> Directives:
    offset += len(part) - len(part.lstrip())
    key, _, value = (word.strip() for word in part.partition(":"))
    place = source.place(offset, max(1, len(part.strip())))
    if not key:
        return found
    if key == "given":
        if value:
            raise DocumentError("given takes no value before an equation", place)
        return _replaced(found, is_given=True)
    if key == "skip":
        if not value:
            raise DocumentError("skip says why, as `skip: an analogy`", place)
        return _replaced(found, skip=value)
    if key == "id":
        if not value:
            raise DocumentError("id names the equation, as `id: 2.3`", place)
        return _replaced(found, id=value)
    if key == "expect":
        return _replaced(found, expect={**found.expect, **_expectation(value, place)})
    if key in found.keys:
        raise DocumentError(f"{key} stands twice before this equation; write both in one, by comma", place)
    if key in KEYS:
        entry = Entry(value.strip("'\""), offset + part.lstrip().find(":") + 1)
        return _replaced(found, keys={**found.keys, key: (Entry(key, offset), entry)})
    raise DocumentError(
        f"unknown directive {key}; expected given, skip, expect, id, where or a key of the block", place
    )


def _expectation(value: str, place: object) -> dict[str, str]:
    """`refuted`, or `/2 refuted` for the second link."""
    link, _, verdict = value.rpartition(" ")
    if verdict not in EXPECTED or (link and not link.strip().lstrip("/").isdigit()):
        raise DocumentError(
            f"expect names a verdict ({', '.join(EXPECTED)}), or a link and a verdict as `/2 refuted`",
            place,  # type: ignore[arg-type]
        )
    return {link.strip().lstrip("/"): verdict}


def _replaced(found: Directives, **changes: object) -> Directives:
    return replace(found, **changes)  # type: ignore[arg-type]
