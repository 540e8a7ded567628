"""What changed since a lock was written, for a person, or one line a change."""

from __future__ import annotations

from dataclasses import replace

from rich.console import Console
from rich.text import Text

from verify.errors import clean
from verify.report.model import Comparison, Difference


def show(comparison: Comparison, console: Console) -> None:
    """The changes by document; what is the same change of several claims is said once."""
    console.print()
    if not comparison.differences:
        console.print(Text(clean(f"nothing changed since {comparison.path}"), "dim"))
        return
    console.print(Text(clean(f"changed since {comparison.path}:"), "bold"))
    document = None
    for one in grouped(comparison.differences):
        if one.document != document:
            document = one.document
            console.print(Text(clean(f"  {document}"), "dim"))
        console.print(Text(clean(f"    {one}"), "yellow"), soft_wrap=not console.is_terminal)
    where = "" if comparison.path == "backproof.lock" else f" -o {comparison.path}"
    console.print(Text(clean(f"if that is meant: backproof lock{where}"), "dim"))


def show_lines(comparison: Comparison, console: Console) -> None:
    """`file:line:column: changed: id: message`; a claim that is gone has its place in the lock file."""
    for one in comparison.differences:
        at = one.place if one.place is not None else f"{comparison.path}:1:1"
        named = f"{one.document}: {one}" if one.place is None else str(one)
        console.print(Text(clean(" ".join(f"{at}: changed: {named}".split()))), soft_wrap=True)


def grouped(found: tuple[Difference, ...]) -> list[Difference]:
    """Differences with the same words as one: `2.3, J: …`."""
    groups: dict[tuple[str, str, str], list[Difference]] = {}
    for one in found:
        groups.setdefault((one.document, one.kind, one.message), []).append(one)
    return [replace(ones[0], id=", ".join(dict.fromkeys(one.id for one in ones if one.id))) for ones in groups.values()]
