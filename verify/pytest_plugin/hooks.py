"""What pytest calls: options, which files are documents, the fixture, assertions.

Every pytest run of whoever has Backproof installed imports this module, so it imports nothing but pytest; documents,
SymPy and all that judges come with the first document or the first use of the fixture.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from verify.limits import Effort

if TYPE_CHECKING:
    from verify.pytest_plugin.collection import DocumentFile
    from verify.pytest_plugin.fixture import Backproof

PATTERNS = ("*.md", "*.markdown", "*.tex", "*.ltx", "*.ipynb")
CONFLICT = ("verdict", "conflict")  # the property of a test in which two witnesses disagreed
NOTHING = (
    "backproof: no equation was collected. A document has a backproof block that says what its letters are, and "
    "each display equation that is neither given nor skipped is a test."
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, with the defaults of `backproof verify`."""
    group = parser.getgroup("backproof", "derivation documents (Backproof)")
    group.addoption(
        "--backproof", action="store_true", help="Collect each display equation of Markdown, LaTeX and notebook "
        "documents that have a backproof block as a test.",
    )  # fmt: skip
    group.addoption("--backproof-require-proof", action="store_true", help="Let `tested` fail unless it is expected.")
    group.addoption("--backproof-no-cache", action="store_true", help="Decide every claim anew and keep no verdict.")
    for name, kind, low, high, default, means in (
        ("examples", int, 0, 100_000, Effort.examples, "numeric instances a model"),
        ("seed", int, 0, math.inf, Effort.seed, "keys every random draw"),
        ("steps", int, 1, 12, Effort.steps, "last step up to which symbolic times are tried"),
        ("time-limit", float, 0, sys.maxsize, Effort.seconds, "seconds of processor time for one claim; 0: no limit"),
        ("repair-limit", float, 0, sys.maxsize, Effort.repair_seconds, "seconds for the search for a repair; 0: none"),
    ):
        group.addoption(
            f"--backproof-{name}", metavar="N", type=_between(kind, low, high), default=default,
            help=f"{means.capitalize()} (default: {default:g}).",
        )  # fmt: skip
    parser.addini("backproof", "collect the equations of documents, as --backproof does", type="bool", default=False)
    parser.addini(
        "backproof_files", f"which files may be documents (default: {' '.join(PATTERNS)})", type="args",
        default=list(PATTERNS),
    )  # fmt: skip


def _between(kind: Callable[[str], float], low: float, high: float) -> Callable[[str], float]:
    """A reader of numbers within bounds, for argparse."""

    def number(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            bounds = f"at least {low}" if high >= sys.maxsize else f"from {low} to {high}"
            raise argparse.ArgumentTypeError(f"{text!r} is no number {bounds}")
        return value

    return number


def is_on(config: pytest.Config) -> bool:
    """Whether equations are collected."""
    return bool(config.getoption("backproof") or config.getini("backproof"))


def pytest_configure(config: pytest.Config) -> None:
    """The marker of every equation, and the watch for conflicts."""
    config.addinivalue_line("markers", "backproof: an equation of a derivation document, collected by --backproof.")
    config.pluginmanager.register(Conflicts(), "backproof-conflicts")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> DocumentFile | None:
    """A file that may be a document; whether it is one is known once it is read."""
    if not is_on(parent.config) or not _may_be_document(file_path, parent):
        return None
    from verify.pytest_plugin.collection import DocumentFile

    return DocumentFile.from_parent(parent, path=file_path)


def _may_be_document(path: Path, parent: pytest.Collector) -> bool:
    """By the patterns; a file named in the call by its ending too."""
    patterns = [*parent.config.getini("backproof_files"), *(PATTERNS if parent.session.isinitpath(path) else ())]
    return any(path.match(pattern) for pattern in patterns)


@pytest.fixture
def backproof(request: pytest.FixtureRequest) -> Backproof:
    """Checks that fail the test with the text of `backproof verify`.

    `backproof.document(path)` judges a document, `backproof.claim(left, right, model=…)` an equation of two formulas,
    `backproof.backward(function, model="rnn")` a hand-written backward pass. Verdicts and evidence become properties of
    the test (JUnit); seed, examples, steps and the cache are those of the options `--backproof-…`.
    """
    from verify.pytest_plugin.fixture import Backproof
    from verify.pytest_plugin.settings import settings_of

    return Backproof(settings_of(request.config), request.node.user_properties)


@pytest.hookimpl(wrapper=True)
def pytest_assertrepr_compare(op: str, left: object, right: object) -> Generator[None, list[Any], list[Any]]:
    """What a failed `assert verdict.verdict == "proved"` says, and a mistaken `assert verdict == "proved"`.

    Of two of our words no difference of letters is shown: without one, pytest says where the word comes from, which
    is the verdict with its evidence.
    """
    told = yield
    verdicts = sys.modules.get("verify.verdict")
    if verdicts is None or op not in ("==", "!="):
        return told
    if all(isinstance(side, str) and side in verdicts.ORDER for side in (left, right)):
        return []
    if isinstance(left, verdicts.Verdict) and isinstance(right, str):
        return [[f"{left!r} {op} {right!r}", "a verdict is no text: compare verdict.verdict"]]
    return told


def pytest_terminal_summary(terminalreporter: Any, exitstatus: int, config: pytest.Config) -> None:
    """Why nothing was collected."""
    is_filtered = bool(terminalreporter.stats.get("deselected"))
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and is_on(config) and not is_filtered:
        terminalreporter.write_line(NOTHING)


class Conflicts:
    """Two witnesses that disagree are an error of ours: the run ends with pytest's code for internal errors, 3."""

    def __init__(self) -> None:
        self.tests: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Also of the reports that the workers of xdist send."""
        if report.when == "call" and CONFLICT in map(tuple, report.user_properties):
            self.tests.append(report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Before the summary is printed."""
        if self.tests:
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Loudly, below everything."""
        for nodeid in self.tests:
            terminalreporter.write_sep("!", "two witnesses disagree: an error in Backproof", red=True)
            terminalreporter.write_line(f"{nodeid}: please report it, with the document")
