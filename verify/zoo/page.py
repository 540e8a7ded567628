"""The zoo as one page of the docs: `python -m verify.zoo.page docs/zoo.md`. The same verdicts give the same bytes."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from verify.counterexample import Counterexample
from verify.limits import Effort
from verify.report.terminal import counterexample_text
from verify.zoo.entries import MEND, PUBLISHED, STATUSES, Specimen, specimens
from verify.zoo.examined import Examined, examine

_INTRODUCTION = """# The errata zoo

Formulas of backpropagation as they were published or reported, each wrong, ill-typed, right under one reading only, or
reported as wrong and right. Every entry is a derivation document of its own in `verify/zoo`: the formula is kept as
published, the declaration adapts to it, and the mended form stands beside it. `backproof zoo` checks them all, and
`backproof zoo ENTRY` one; the tests confirm every expectation by NumPy.

This page is made by `python -m verify.zoo.page docs/zoo.md`, counterexamples and all.

An entry's front matter says where the formula stands (`source`, `url`, `where`, `evidence`), which `system` it belongs
to, its `status` (false, conditional, ill-typed or disputed), the verdict that the equation `published` deserves, with
value or shape as the reason of a refutation, and the verdict of the equation `mend`. Whether one edit leads from the
one to the other is computed from the two formulas.
"""
_EQUATION = re.compile(r"^\$\$(.*?)\$\$$", re.MULTILINE | re.DOTALL)
_TAG = re.compile(r"\s*\\tag\{([^}]*)\}")


EFFORT = Effort(examples=12, repair_seconds=0)  # repairs are not shown


def page(found: tuple[Examined, ...]) -> str:
    """The page's text: an overview of all entries, then each by its system."""
    parts = [_INTRODUCTION, _overview(tuple(examined.specimen for examined in found))]
    for system in sorted({examined.specimen.system for examined in found}):
        parts.append(f"## {system}\n")
        parts.extend(_section(examined) for examined in found if examined.specimen.system == system)
    return "\n".join(parts)


def _overview(entries: tuple[Specimen, ...]) -> str:
    rows = ["| entry | system | status | published | mend |", "|---|---|---|---|---|"]
    for status in STATUSES:
        rows.extend(_overview_row(entry) for entry in entries if entry.status == status)
    return "\n".join(rows) + "\n"


def _overview_row(entry: Specimen) -> str:
    verdict = f"{entry.published} {entry.reason}".strip()
    return f"| [{entry.id}](#{entry.id}) | {entry.system} | {entry.status} | {verdict} | {entry.mend} |"


def _section(examined: Examined) -> str:
    entry = examined.specimen
    where = f"[{entry.source}]({entry.url})" if entry.url else entry.source
    equations = equations_of(entry.text)
    parts = [
        f'<a id="{entry.id}"></a>\n\n### {entry.title}',
        f"Source: {where}; {entry.where}. Evidence: {entry.evidence}.",
        _prose(entry.text),
        f"```yaml\n{_declaration(entry.text)}\n```",
        f"As published:\n\n$${equations[PUBLISHED]}$$",
        _verdict(examined),
        f"Mended:\n\n$${equations[MEND]}$$",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _verdict(examined: Examined) -> str:
    """The verdict that the published formula deserves, and the smallest counterexample where numbers refute it."""
    entry = examined.specimen
    reason = {"value": ", it is false", "shape": ", its shapes do not fit"}.get(entry.reason, "")
    example = examined.published.counterexample
    return f"Verdict: {entry.published}{reason}." + ("" if example is None else _example(example))


def _example(example: Counterexample) -> str:
    return f"\n\n```text\n{counterexample_text(example).plain}\n```"


def _declaration(text: str) -> str:
    return text.split("```backproof\n", 1)[1].split("\n```", 1)[0]


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
    text = page(tuple(examine(specimen, EFFORT) for specimen in specimens()))
    Path(sys.argv[1]).write_text(text, encoding="utf-8")
