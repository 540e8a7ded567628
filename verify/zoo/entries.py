"""The entries of the zoo: documents whose front matter says where a formula was published and what it deserves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.resources import files

from verify.document.block import read_block
from verify.document.source import Source
from verify.errors import CallError, DocumentError
from verify.verdict import ORDER

STATUSES = ("false", "conditional", "ill-typed", "disputed")
PUBLISHED, MEND = "published", "mend"  # the ids of the two equations that every entry has
_KEYS = ("source", "where", "evidence", "system", "status", PUBLISHED, MEND)
_FRONT = re.compile(r"\A---\n(.*?\n)---\n", re.DOTALL)
_HEADING = re.compile(r"^# (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Specimen:
    """One entry: what its front matter says, and its document.

    `published` and `mend` are the verdicts that the two formulas deserve, `reason` is value or shape where the
    published one is refuted; `status` is one of STATUSES.
    """

    id: str
    title: str
    source: str
    url: str
    where: str
    evidence: str
    system: str
    status: str
    published: str
    reason: str
    mend: str
    text: str

    @property
    def path(self) -> str:
        """The document's name in messages."""
        return f"zoo/{self.id}.md"

    @property
    def is_wrong(self) -> bool:
        """Whether the published formula should be mended; a disputed one is right."""
        return self.status != "disputed"


def specimens(names: tuple[str, ...] = ()) -> tuple[Specimen, ...]:
    """The entries of these ids, or all, by id. Raises `CallError`, `DocumentError`."""
    found = {
        item.name.removesuffix(".md"): item
        for item in files("verify.zoo").iterdir()
        if item.name.endswith(".md") and item.is_file()
    }
    for name in names:
        if name not in found:
            close = get_close_matches(name, found, n=1)
            hint = f"did you mean {close[0]}?" if close else "`backproof zoo` lists them"
            raise CallError(f"the zoo has no entry {name}; {hint}")
    return tuple(read_specimen(name, found[name].read_text(encoding="utf-8")) for name in sorted(names or found))


def read_specimen(name: str, text: str) -> Specimen:
    """An entry from its document. Raises `DocumentError` where the front matter or the heading is wrong."""
    source = Source(f"zoo/{name}.md", text)
    match = _FRONT.match(text)
    heading = _HEADING.search(text)
    if match is None or heading is None:
        raise DocumentError("an entry begins with a front matter between --- and has a heading", source.place(0))
    keys = read_block(match.group(1), match.start(1), source)
    values = {key: entry.text.strip() for key, (_, entry) in keys.items()}
    for key in _KEYS:
        if not values.get(key):
            raise DocumentError(f"the front matter lacks {key}", source.place(0))
    for key, (place, _) in keys.items():
        if key not in (*_KEYS, "url"):
            raise DocumentError(f"unknown key {key} in the front matter", source.place(place.offset, len(key)))
    verdict, _, reason = values.pop(PUBLISHED).partition(" ")
    at = source.place(keys[PUBLISHED][1].offset)
    if verdict not in ORDER or (reason not in ("value", "shape") if verdict == "refuted" else reason):
        raise DocumentError("published is a verdict, with value or shape behind refuted", at)
    if values["status"] not in STATUSES:
        raise DocumentError(f"status is one of {', '.join(STATUSES)}", source.place(keys["status"][1].offset))
    if values["mend"] not in ORDER:
        raise DocumentError("mend is a verdict", source.place(keys[MEND][1].offset))
    url = values.pop("url", "")
    title = heading.group(1)
    return Specimen(id=name, title=title, url=url, published=verdict, reason=reason, text=text, **values)
