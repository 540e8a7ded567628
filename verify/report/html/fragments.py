"""A report or a verdict in a notebook: the page's pieces, without its script, its font and the prose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verify.errors import Place
from verify.judge import Entry
from verify.report.html.derivations import latex
from verify.report.html.entries import view
from verify.report.html.page import fragment
from verify.report.html.report_page import views

if TYPE_CHECKING:
    from verify.report.model import Report
    from verify.verdict import Verdict

_SIGNS = {"<=": "\\le", ">=": "\\ge", "!=": "\\ne"}


def of_report(report: Report) -> str:
    """Every equation with what is known of it; anchors would collide with those of other outputs, so there are none."""
    return fragment("fragment.html", documents=views(report))


def of_verdict(verdict: Verdict) -> str:
    """One verdict with its evidence, and the claim where the verdict has it."""
    claim = verdict.claim
    formula = (
        ""
        if claim is None
        else f"{latex(claim.left)} {_SIGNS.get(claim.relation, claim.relation)} {latex(claim.right)}"
    )
    entry = Entry("", "claim", formula, Place("", 0, 0), verdict, claim=claim)
    return fragment("verdict.html", line=view(entry, ""), latex=formula)
