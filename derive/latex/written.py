"""Members of declared families as their declaration writes them: h_{t-1}^{(l)} of a declared h_t^{(l)}."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from derive.language.nodes import Member
from derive.latex.binding import index_text
from derive.latex.names import NamePattern, Script
from derive.latex.printer import Written
from derive.latex.vocabulary import Vocabulary


def as_declared(vocabulary: Vocabulary) -> Written:
    """How the printer writes a member; None for what is no declared family."""
    families = {(t.name, len(t.pattern.slots)): t.pattern for t in vocabulary.tensors if t.is_family}

    def written(member: Member) -> str | None:
        pattern = families.get((member.name, len(member.indices)))
        if pattern is None:
            return None
        return _at(pattern, dict(zip(vocabulary.ordered(pattern.slots), member.indices, strict=True)))

    return written


def _at(pattern: NamePattern, indices: Mapping[str, Any]) -> str:
    """The base with its scripts; an index above stands in parentheses, so that nobody takes it for a power."""
    below, above = _script(pattern.sub, indices, "{}"), _script(pattern.sup, indices, "({})")
    below = f"_{below if len(below) == 1 else f'{{{below}}}'}" if below else ""
    return pattern.base + below + (f"^{{{above}}}" if above else "")


def _script(script: Script, indices: Mapping[str, Any], form: str) -> str:
    parts = (part if isinstance(part, str) else form.format(index_text(indices[part.letter])) for part in script)
    return ",".join(parts)
