"""What a run writes to files: one row of a table for each form of a report."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module

from verify.errors import CallError
from verify.files import check_writable, write
from verify.report.model import Report

# the option's name and the module whose `render(report, timings)` gives the text; a new form is one row and one file
FORMS: Mapping[str, str] = {
    "json": "verify.report.json",
    "html": "verify.report.html",
}
STANDARD_OUTPUT = "-"


@dataclass(frozen=True)
class Outputs:
    """The files of a run by form: {"json": "report.json"}; `-` is standard output, which one form may have."""

    paths: Mapping[str, str] = field(default_factory=dict)

    @property
    def takes_standard_output(self) -> bool:
        """Whether a form goes there, so that tables go to standard error."""
        return STANDARD_OUTPUT in self.paths.values()

    def check(self) -> None:
        """Before anything is judged: every path could be written. Raises `CallError`."""
        if list(self.paths.values()).count(STANDARD_OUTPUT) > 1:
            forms = " and ".join(f"--{form}" for form, path in self.paths.items() if path == STANDARD_OUTPUT)
            raise CallError(f"{forms} cannot both go to standard output")
        for form, path in self.paths.items():
            if path != STANDARD_OUTPUT:
                check_writable(f"--{form}", path)

    def write(self, report: Report, timings: bool = False) -> None:
        """Every form; a file that cannot be written costs no other. Raises `CallError` for those at the end."""
        failures = []
        for form, path in self.paths.items():
            text = import_module(FORMS[form]).render(report, timings)
            if path == STANDARD_OUTPUT:
                sys.stdout.write(text)
                continue
            try:
                write(text, path)
            except OSError as error:
                failures.append(f"--{form} {path}: cannot be written: {error.strerror}")
        if failures:
            raise CallError("; ".join(failures))
