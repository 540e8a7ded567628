"""One token of a formula."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tok:
    """One token: its kind (a terminal of the grammar), text, place, and for a script the tokens inside."""

    kind: str
    text: str
    start: int
    end: int
    inner: tuple[Tok, ...] = ()

    @property
    def type(self) -> str:
        """The kind as lark's parser asks for it: it takes any token that has one, so that none is wrapped."""
        return self.kind
