"""The declaration block's YAML as plain text entries with places; nothing but text, maps and lists is accepted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from verify.document.source import Source
from verify.errors import DocumentError

MAX_BLOCK = 100_000
MAX_DEPTH = 6


@dataclass(frozen=True)
class Entry:
    """A value with its place: text, a tuple of entries, or a mapping from key entries' text to (key, value)."""

    value: Any
    offset: int

    @property
    def text(self) -> str:
        """The value as text (callers have checked that it is)."""
        return str(self.value)


class _Machinery(Exception):
    """What a block may not hold, and where."""

    def __init__(self, what: str, index: Any) -> None:
        super().__init__(what)
        self.index = int(index)


class _Plain(yaml.BaseLoader):
    """Texts, maps and lists as nodes; anchors, aliases and tags are refused before anything is made of them."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _Machinery("anchors and aliases", event.start_mark.index)
        if getattr(event, "tag", None):
            raise _Machinery("tags", event.start_mark.index)
        return super().compose_node(parent, index)


def read_block(text: str, offset: int, source: Source) -> Mapping[str, tuple[Entry, Entry]]:
    """The keys of a block with their places. Raises `DocumentError`."""
    if len(text) > MAX_BLOCK:
        raise DocumentError(f"the block has {len(text)} characters; the limit is {MAX_BLOCK}", source.place(offset))
    try:
        node = _Plain(text).get_single_node()
    except _Machinery as error:
        at = source.place(offset + error.index)
        raise DocumentError(f"{error} are not read in a block", at) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = offset + (mark.index if mark is not None else 0)
        place = min(place, len(source.text) - 1)
        hint = "; a value with braces, a colon or a comma stands in quotes: E: 'loss(last \\mathbf{h})'"
        said = f"the block is no YAML: {error.problem or error.context}"
        raise DocumentError(said + hint * _is_unquoted(text, mark), source.place(place)) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise DocumentError(f"the block is no YAML: {error}", source.place(offset)) from None
    if node is None:
        return {}
    if not isinstance(node, yaml.MappingNode):
        raise DocumentError("the block holds keys with values, as `layout: numerator`", source.place(offset))
    result: Mapping[str, tuple[Entry, Entry]] = _entry(node, offset, source, 0).value
    return result


def _is_unquoted(text: str, mark: Any) -> bool:
    """Whether YAML stumbled over a brace or a colon within a value: of \\mathbf{h} inside { … }."""
    return mark is not None and text[mark.index : mark.index + 1] in ("{", "}", ":")


def _entry(node: Any, offset: int, source: Source, depth: int) -> Entry:
    start = offset + node.start_mark.index
    if depth > MAX_DEPTH:
        raise DocumentError(f"the block is nested more than {MAX_DEPTH} deep", source.place(start))
    if isinstance(node, yaml.ScalarNode):
        return Entry(node.value, start)
    if isinstance(node, yaml.SequenceNode):
        return Entry(tuple(_entry(item, offset, source, depth + 1) for item in node.value), start)
    found: dict[str, tuple[Entry, Entry]] = {}
    for key_node, value_node in node.value:
        key = _entry(key_node, offset, source, depth + 1)
        if not isinstance(key.value, str):
            raise DocumentError("a key is plain text", source.place(key.offset))
        if key.value in found:
            raise DocumentError(f"the key {key.value} stands twice", source.place(key.offset, len(key.value)))
        found[key.value] = (key, _entry(value_node, offset, source, depth + 1))
    return Entry(found, start)
