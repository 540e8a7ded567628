"""The options that write a report to a file: one for each form."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

HELP = {
    "json": "Write the report as JSON; - for standard output.",
    "html": "Write the report as one HTML page that needs no network.",
    "junit": "Write the report as JUnit XML.",
    "sarif": "Write what is wrong as SARIF 2.1.0, for code scanners.",
    "codequality": "Write what is wrong as GitLab's code quality reads it.",
    "summary": "Add a summary in Markdown to the end of FILE, such as $GITHUB_STEP_SUMMARY.",
}


def with_outputs(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--json FILE` and its kin; the command gets `paths`, the files that were asked for by form."""

    @wraps(command)
    def called(**options: Any) -> Any:
        given = {form: options.pop(f"{form}_path") for form in HELP}
        return command(paths={form: path for form, path in given.items() if path is not None}, **options)

    for form, text in reversed(HELP.items()):
        called = click.option(f"--{form}", f"{form}_path", metavar="FILE", help=text)(called)
    return called
