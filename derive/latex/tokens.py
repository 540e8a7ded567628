"""One token of a formula."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tok:
    """One token: its kind (a terminal of the grammar), text, place, and for a script the tokens inside."""

    kind: str
    text: str
    start: int
    end: int
    inner: tuple[Tok, ...] = ()
