"""The HTML report: one file without any network, the document as written with a verdict beside each equation."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from verify.report.model import Report


def render(report: Report, timings: bool = False) -> str:
    """The report as one page of HTML; the same report gives the same bytes."""
    from verify.report.html.report_page import page

    return page(report, timings)
