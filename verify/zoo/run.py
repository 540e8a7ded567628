"""One run of `backproof zoo`: every entry judged, a table, what is not as expected, the share that is mended."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from verify.errors import CallError, DocumentError, WitnessConflict, clean
from verify.files import write
from verify.limits import Effort
from verify.report.model import SIGNS
from verify.report.terminal import STYLES
from verify.run import EXIT_CALL, EXIT_CLAIMS, EXIT_CONFLICT, EXIT_OK
from verify.version import VERSION
from verify.zoo.entries import Specimen, specimens
from verify.zoo.examined import Examined, examine


def run(names: tuple[str, ...], effort: Effort, json_path: str | None = None) -> int:
    """Judge these entries, or all; print and write; the exit code of `backproof zoo`."""
    console = _console(json_path == "-")
    try:
        found = _examined(specimens(names), effort)
    except (CallError, DocumentError) as error:
        console.print(Text(f"backproof: {clean(str(error))}", "red"))
        return EXIT_CALL
    except WitnessConflict as error:
        console.print(Text(f"backproof: two witnesses disagree, which is an error in Backproof: {error}", "red"))
        return EXIT_CONFLICT
    _show(found, console)
    try:
        _write(found, json_path)
    except OSError as error:
        console.print(Text(f"backproof: --json {json_path}: cannot be written: {error.strerror}", "red"))
        return EXIT_CALL
    return EXIT_CLAIMS if any(examined.troubles for examined in found) else EXIT_OK


def _examined(chosen: tuple[Specimen, ...], effort: Effort) -> tuple[Examined, ...]:
    return tuple(examine(specimen, effort) for specimen in chosen)


def summary(found: tuple[Examined, ...]) -> dict[str, int]:
    """The counts of a run: entries, as expected, wrong ones, those of them one edit away, and those mended."""
    wrong = [examined for examined in found if examined.specimen.is_wrong]
    return {
        "entries": len(found),
        "as_expected": sum(not examined.troubles for examined in found),
        "wrong": len(wrong),
        "one_edit_away": sum(examined.is_one_edit for examined in wrong),
        "mended": sum(bool(examined.repairs) for examined in wrong),
        "one_edit_away_and_mended": sum(examined.is_one_edit and bool(examined.repairs) for examined in wrong),
    }


# --- what a person sees ------------------------------------------------------------------------------------------


def _show(found: tuple[Examined, ...], console: Console) -> None:
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("entry", "system", "published", "expected", "mend", "one edit away", "repaired"):
        table.add_column(name, no_wrap=True)
    for examined in found:
        table.add_row(*_row(examined))
    console.print(table)
    for examined in found:
        for trouble in examined.troubles:
            console.print(Text(f"\nzoo/{examined.specimen.id}.md: {clean(trouble)}", "red"))
    counts = summary(found)
    console.print(
        Text(
            f"\n{counts['as_expected']} of {counts['entries']} entries as expected; of {counts['wrong']} wrong ones "
            f"{counts['mended']} mended by one edit ({counts['one_edit_away_and_mended']} of the "
            f"{counts['one_edit_away']} whose mend is one edit away)"
        )
    )


def _row(examined: Examined) -> list[Text]:
    specimen = examined.specimen
    expected = f"{specimen.published} {specimen.reason}".strip()
    return [
        Text(specimen.id),
        Text(specimen.system, "dim"),
        _verdict(examined.published.verdict, examined.published.reason),
        Text(expected, "dim" if not examined.troubles else "red"),
        _verdict(examined.mend.verdict, None),
        Text("yes" if examined.is_one_edit else "", "dim"),
        Text(clean(examined.repairs[0]) if examined.repairs else "", "green"),
    ]


def _verdict(name: str, reason: str | None) -> Text:
    return Text(f"{SIGNS[name]} {name}{f' {reason}' if reason else ''}", STYLES[name])


# --- what a program reads ----------------------------------------------------------------------------------------


def _write(found: tuple[Examined, ...], json_path: str | None) -> None:
    if json_path is None:
        return
    text = json.dumps(_data(found), indent=2, ensure_ascii=False) + "\n"
    if json_path == "-":
        sys.stdout.write(text)
    else:
        write(text, json_path)


def _data(found: tuple[Examined, ...]) -> dict[str, Any]:
    return {
        "backproof": VERSION,
        "format": 1,
        "entries": [_entry(examined) for examined in found],
        "summary": summary(found),
        "ok": not any(examined.troubles for examined in found),
    }


def _entry(examined: Examined) -> dict[str, Any]:
    specimen = examined.specimen
    return {
        "id": specimen.id,
        "source": specimen.source,
        "url": specimen.url or None,
        "system": specimen.system,
        "status": specimen.status,
        "published": {"verdict": examined.published.verdict, "reason": examined.published.reason},
        "expected": {"verdict": specimen.published, "reason": specimen.reason or None},
        "mend": examined.mend.verdict,
        "one_edit_away": examined.is_one_edit,
        "repairs": list(examined.repairs),
        "troubles": list(examined.troubles),
    }


def _console(to_stderr: bool) -> Console:
    """A terminal at its own width; a pipe gets whole lines."""
    console = Console(stderr=to_stderr, highlight=False)
    return console if console.is_terminal else Console(stderr=to_stderr, highlight=False, width=200)
