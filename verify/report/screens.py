"""How a run is shown: one row of a table for each `--format`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rich.console import Console

from verify.report import github, locked, terminal, unix
from verify.report.complaints import complain
from verify.report.model import DocumentReport, Report


@dataclass(frozen=True)
class Detail:
    """What may be shown beside what is wrong: how long each claim took, and good claims in a form that lists none."""

    timings: bool = False
    everything: bool = False


@dataclass(frozen=True)
class Screen:
    """One form: what it prints of a document, of changes since a lock, at the end, and where the run fails.

    `is_for_machines`: every line names a place or is a command, so nothing else may stand between.
    """

    show_document: Callable[[DocumentReport, Report, Console, Detail], None]
    show_summary: Callable[[Report, Console], None]
    show_locked: Callable[[Report, Console], None]
    complain: Callable[[str], None] = complain
    is_for_machines: bool = True


def _interrupted(report: Report, console: Console) -> None:
    """No summary, so that every line names a place."""
    if not report.is_complete:
        complain("interrupted: these are the results so far")


SCREENS: Mapping[str, Screen] = {
    "table": Screen(
        lambda document, report, console, detail: terminal.show_document(document, report, console, detail.timings),
        terminal.show_summary,
        lambda report, console: locked.show(report.locked, console) if report.locked else None,
        is_for_machines=False,
    ),
    "unix": Screen(
        lambda document, report, console, detail: unix.show_document(document, report, console, detail.everything),
        _interrupted,
        lambda report, console: locked.show_lines(report.locked, console) if report.locked else None,
    ),
    "github": Screen(
        lambda document, report, console, detail: github.show_document(document, report, console),
        github.show_summary,
        github.show_locked,
        github.complain,
    ),
}
