"""The zoo as one page of the docs: `python -m verify.zoo.page docs/zoo.md`. The same entries give the same bytes."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from verify.zoo.entries import MEND, PUBLISHED, STATUSES, Specimen, specimens

_INTRODUCTION = """# The errata zoo

Formulas of backpropagation as they were published or reported, each wrong, ill-typed, right under one reading only, or
reported as wrong and right. Every entry is a derivation document of its own in `verify/zoo`: the formula is kept as
published, the declaration adapts to it, and the mended form stands beside it. `backproof zoo` checks them all, and
`backproof zoo ENTRY` one; the tests confirm every expectation by NumPy.

This page is made from the entries by `python -m verify.zoo.page docs/zoo.md`.

An entry's front matter says where the formula stands (`source`, `url`, `where`, `evidence`), which `system` it belongs
to, its `status` (false, conditional, ill-typed or disputed), the verdict that the equation `published` deserves, with
value or shape as the reason of a refutation, and the verdict of the equation `mend`. Whether one edit leads from the
one to the other is computed from the two formulas.
"""
_EQUATION = re.compile(r"^\$\$(.*?)\$\$$", re.MULTILINE | re.DOTALL)
_TAG = re.compile(r"\s*\\tag\{([^}]*)\}")


def page(entries: tuple[Specimen, ...]) -> str:
    """The page's text: an overview of all entries, then each by its system."""
    parts = [_INTRODUCTION, _overview(entries)]
    for system in sorted({entry.system for entry in entries}):
        parts.append(f"## {system}\n")
        parts.extend(_section(entry) for entry in entries if entry.system == system)
    return "\n".join(parts)


def _overview(entries: tuple[Specimen, ...]) -> str:
    rows = ["| entry | system | status | published | mend |", "|---|---|---|---|---|"]
    for status in STATUSES:
        rows.extend(_overview_row(entry) for entry in entries if entry.status == status)
    return "\n".join(rows) + "\n"


def _overview_row(entry: Specimen) -> str:
    verdict = f"{entry.published} {entry.reason}".strip()
    return f"| [{entry.id}](#{entry.id}) | {entry.system} | {entry.status} | {verdict} | {entry.mend} |"


def _section(entry: Specimen) -> str:
    where = f"[{entry.source}]({entry.url})" if entry.url else entry.source
    equations = equations_of(entry.text)
    shown = "\n\n".join(f"{label}:\n\n$${equations[name]}$$" for label, name in _shown(equations))
    return (
        f'<a id="{entry.id}"></a>\n\n### {entry.title}\n\n{where}; {entry.where}. Evidence: {entry.evidence}.\n\n'
        f"{_prose(entry.text)}\n\n{shown}\n"
    )


def _shown(equations: dict[str, str]) -> list[tuple[str, str]]:
    return [(label, name) for label, name in (("As published", PUBLISHED), ("Mended", MEND)) if name in equations]


def equations_of(text: str) -> dict[str, str]:
    """The display equations of a document by their tags, without them."""
    found = {}
    for match in _EQUATION.finditer(text):
        if tag := _TAG.search(match.group(1)):
            found[tag.group(1)] = _TAG.sub("", match.group(1)).strip()
    return found


def _prose(text: str) -> str:
    """What stands between the heading and the declaration."""
    return text.split("\n# ", 1)[1].split("\n", 1)[1].split("```backproof", 1)[0].strip()


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(specimens()), encoding="utf-8")
