"""One run of `backproof verify`: read, judge, report; an interrupt keeps what is known so far."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from importlib.resources import files as resources
from io import TextIOWrapper
from os.path import normpath
from pathlib import Path

from rich.console import Console

from derive.errors import BackproofError
from verify.cache import Cache
from verify.document.readers import Form, decoded, why_unread
from verify.document.statements import Document
from verify.errors import CallError, DocumentError, WitnessConflict
from verify.judge import Entry, Judge, unclaimed
from verify.judging import DERIVED, Judging, Part
from verify.limits import Effort
from verify.lock.run import Lock
from verify.manuscript import Manuscript
from verify.replayed import save
from verify.report import terminal
from verify.report.complaints import complain
from verify.report.model import DocumentReport, Report
from verify.report.outputs import Outputs
from verify.report.progress import progress
from verify.report.screens import SCREENS, Detail, Screen
from verify.scale.shard import Shard

EXIT_OK, EXIT_CLAIMS, EXIT_CALL, EXIT_CONFLICT, EXIT_INTERRUPTED = 0, 1, 2, 3, 130


def exit_code(report: Report, has_call_errors: bool) -> int:
    """The exit code of a run: what is worst decides."""
    if not report.is_complete:
        return EXIT_INTERRUPTED
    if has_call_errors or any(document.errors for document in report.documents):
        return EXIT_CALL
    return EXIT_OK if report.ok else EXIT_CLAIMS


class NothingDeclared(CallError):
    """None of the files that a hook hands over is a document of ours."""


@dataclass
class Run:
    """The options of one run, and what it has found so far."""

    files: tuple[str, ...]
    effort: Effort
    only: tuple[str, ...] = ()
    require_proof: bool = False
    timings: bool = False
    outputs: Outputs = field(default_factory=Outputs)
    quiet: bool = False
    certificates: str | None = None
    cache: Cache | None = None
    form: str = "table"  # a key of SCREENS
    everything: bool = False  # good claims too, in the unix form
    read_as: Form | None = None
    declared: bool = False  # documents that declare nothing are passed over
    lock: Lock | None = None  # what the results are compared with
    with_suite: bool = False  # the built-in suite beside the files
    jobs: int = 1
    shard: Shard | None = None
    done: list[DocumentReport] = field(default_factory=list)
    quantities: DocumentReport | None = None
    failures: list[str] = field(default_factory=list)
    matched: set[str] = field(default_factory=set)

    def execute(self) -> int:
        """Run, print, write; the exit code."""
        console = self.console()
        try:
            self.outputs.check()
            report = self.compared(self.report())
        except NothingDeclared as error:
            self.screen.complain(str(error))
            return EXIT_OK
        except CallError as error:
            self.screen.complain(str(error))
            return EXIT_CALL
        except WitnessConflict as error:
            conflict = f"two witnesses disagree, which is an error in Backproof: {error}"
            so_far = self._report(is_complete=False, notes=(*self.failures, conflict))
            self.show(so_far, console)
            self.screen.complain(conflict)
            self.write(so_far)
            return EXIT_CONFLICT
        for failure in self.failures:
            self.screen.complain(failure)
        self.show(report, console)
        self.sum_up(report, console)
        is_written = self.write(report)
        return exit_code(report, bool(self.failures)) if is_written else EXIT_CALL

    def explain(self, name: str) -> int:
        """Print the program that computes both sides of one refuted claim; the exit code."""
        from verify.explain import program  # only here: nobody else needs its table of nodes

        self.only = (name,)
        self.effort = replace(self.effort, repair_seconds=0)
        try:
            claims = (entry for _, document in self.manuscripts() for entry in self._entries(document))
            entry = next((entry for entry in claims if entry.role == "claim" and entry.verdict is not None), None)
            self._check_filters("--explain")
            if entry is None or entry.verdict is None:
                raise CallError(f"--explain {name}: nothing is claimed there")
            verdict = entry.verdict
            if verdict.claim is None or verdict.counterexample is None:
                raise CallError(f"--explain {name}: it is {verdict.verdict}, which leaves no counterexample to explain")
            try:
                text = program(verdict.claim, verdict.counterexample, entry.id)
            except BackproofError as reason:
                raise CallError(f"--explain {name}: {reason}") from None
            sys.stdout.write(text)
        except WitnessConflict as error:
            complain(f"two witnesses disagree, which is an error in Backproof: {error}")
            return EXIT_CONFLICT
        except BackproofError as error:
            complain(str(error))
            return EXIT_CALL
        return EXIT_OK

    def _entries(self, document: Document) -> Iterator[Entry]:
        return Judge(document, self.effort, self.cache).entries(self._wanted(document.source.path))

    def report(self) -> Report:
        """Read and judge; Ctrl-C gives what is known so far. Raises `CallError` and `WitnessConflict`."""
        try:
            return self._judge(self.manuscripts())
        except KeyboardInterrupt:
            return self._report(is_complete=False)
        finally:
            if self.cache is not None:
                self.cache.close()

    def compared(self, report: Report) -> Report:
        """The report with what changed since the lock, where there is one. Raises `CallError`."""
        if self.lock is None or not report.is_complete:
            return report
        wanted = {document.path: self._wanted(document.path) for document in report.documents}
        try:
            return replace(report, locked=self.lock.compare(report, self.effort, self.suite, wanted))
        except KeyboardInterrupt:
            return replace(report, is_complete=False)

    @property
    def has_suite(self) -> bool:
        """Whether the built-in suite is checked."""
        return self.with_suite or not self.files

    @property
    def suite(self) -> frozenset[str]:
        """The paths under which the built-in suite's documents are reported."""
        return frozenset(path for path, _ in _suite()) - set(self.files) if self.has_suite else frozenset()

    # --- showing -----------------------------------------------------------------------------------------------

    def console(self) -> Console:
        """Where the table goes: standard output, which a report that is written there takes for itself."""
        spare_terminals()
        return _console(self.outputs.takes_standard_output, self.quiet)

    def show(self, report: Report, console: Console) -> None:
        """Every document, in the form that was asked for."""
        for document in report.shown:
            self.screen.show_document(document, report, console, Detail(self.timings, self.everything))
        self.screen.show_locked(report, console)

    def sum_up(self, report: Report, console: Console) -> None:
        """The closing lines of the form."""
        self.screen.show_summary(report, console)

    @property
    def screen(self) -> Screen:
        """The form that was asked for."""
        return SCREENS[self.form]

    # --- reading -----------------------------------------------------------------------------------------------

    def manuscripts(self) -> list[tuple[Manuscript, Document]]:
        """Every document as it is sent and as it is read. Raises `CallError` where there is none."""
        found = []
        for path, text, folder in self._texts():
            manuscript = Manuscript(path, text, self.read_as, folder)
            try:
                found.append((manuscript, manuscript.read()))
            except DocumentError as error:
                self.failures.append(str(error))
        if len({manuscript.path for manuscript, _ in found}) < len(found):
            raise CallError("two documents have one name, that of the built-in suite or <stdin>: rename the file")
        if self.declared:
            found = [pair for pair in found if pair[1].is_declared or self._is_locked(pair[0].path)]
            if not found and not self.failures:
                raise NothingDeclared("no file has a backproof block: nothing is checked")
        for manuscript, document in found:
            if not document.claims and not document.errors:
                self.failures.append(f"{manuscript.path}: no claim: no display equation outside given and skip")
        if not found and self.failures:
            raise CallError("; ".join(self.failures))
        return found

    def _is_locked(self, path: str) -> bool:
        """Whether the lock has a document, which may have lost its block since."""
        return self.lock is not None and path in self.lock

    def _texts(self) -> Iterator[tuple[str, str, Path | None]]:
        """Path, text and folder of each document; standard input has no folder."""
        if self.has_suite:
            yield from ((path, text, None) for path, text in _suite())
        for name in dict.fromkeys(self.files):
            try:
                is_stdin = name == "-"
                yield (
                    "<stdin>" if is_stdin else name,
                    decoded(name, self.read_as),
                    None if is_stdin else Path(name).parent,
                )
            except (OSError, UnicodeDecodeError) as error:
                self.failures.append(f"{name}: cannot be read: {why_unread(error)}")

    # --- judging -----------------------------------------------------------------------------------------------

    def _judge(self, documents: list[tuple[Manuscript, Document]]) -> Report:
        judging = Judging(self.effort, self.cache, self.jobs, self.shard or Shard())
        known = {pair[0].path: pair for pair in documents}
        with_derived = self.has_suite and not self.only
        parts = list(judging.parts(known, lambda path, name: self._wanted(path)(name), with_derived))
        self._check_filters()
        found: dict[Part, list[Entry]] = {}
        try:
            with (
                progress("verifying", sum(part.lines for part in parts), self.quiet) as tick,
                closing(judging.entries(parts, known)) as new,
            ):
                for part, entry in new:
                    found.setdefault(part, []).append(entry)
                    self._keep_certificate("derived" if part.is_derived else part.path, entry)
                    tick(entry.id if part.is_derived else f"{part.path} {entry.id}")
        finally:
            self._collect([document for _, document in documents], parts, found)
        return self._report()

    def _collect(self, documents: list[Document], parts: list[Part], found: Mapping[Part, list[Entry]]) -> None:
        """What was found, in the documents' order; of a run that was cut short the documents that it had come to."""
        by_path: dict[str, dict[int, list[Entry]]] = {}
        for part, claimed in found.items():
            by_path.setdefault(part.path, {})[part.place] = claimed
        is_whole = len(found) == len(parts)
        for document in documents:
            known = by_path.get(document.source.path, {})
            if is_whole or known:
                lines = (
                    [unclaimed(statement)] if statement.role != "claim" else known.get(place, [])
                    for place, statement in enumerate(document.statements)
                )
                entries = tuple(entry for line in lines for entry in line)
                self.done.append(DocumentReport(document.source.path, entries, document.errors, document))
        if DERIVED in by_path:
            derived = by_path[DERIVED]
            self.quantities = DocumentReport(
                DERIVED, tuple(entry for place in sorted(derived) for entry in derived[place])
            )

    def _keep_certificate(self, path: str, entry: Entry) -> None:
        certificate = None if entry.verdict is None else entry.verdict.certificate
        if self.certificates is not None and certificate is not None:
            save(self.certificates, path, entry.id, certificate)

    def _wanted(self, path: str) -> Callable[[str], bool]:
        def wanted(name: str) -> bool:
            for pattern in self.only:
                file, separator, claim = pattern.rpartition("::")
                if claim == name and (not separator or _is_same(path, file)):
                    self.matched.add(pattern)
                    return True
            return not self.only

        return wanted

    def _check_filters(self, option: str = "--only") -> None:
        for pattern in self.only:
            if pattern not in self.matched:
                raise CallError(f"{option} {pattern} matches no claim")

    # --- writing -----------------------------------------------------------------------------------------------

    def _report(self, is_complete: bool = True, notes: tuple[str, ...] | None = None) -> Report:
        """What is known so far; the notes are what went wrong beside the documents that could be read."""
        told = tuple(self.failures) if notes is None else notes
        return Report(
            tuple(self.done), self.effort.seed, self.effort.examples, self.require_proof, self.quantities, is_complete,
            told, shard=self.shard,
        )  # fmt: skip

    def write(self, report: Report) -> bool:
        """Every file that was asked for; False, and the reason on standard error, where one cannot be written."""
        try:
            self.outputs.write(report, self.timings)
        except CallError as error:
            self.screen.complain(str(error))
            return False
        return True


def _is_same(path: str, pattern: str) -> bool:
    """Whether a pattern names a document: by its path however written, or by its file name."""
    return (
        path == pattern
        or Path(path).name == pattern
        or Path(path).absolute() == Path(normpath(Path(pattern).absolute()))
    )


def _suite() -> Iterator[tuple[str, str]]:
    """Path and text of each document of the built-in suite."""
    for item in sorted(resources("verify.suite").iterdir(), key=lambda entry: entry.name):
        if item.name.endswith(".md"):
            yield f"suite/{item.name}", item.read_text(encoding="utf-8")


def spare_terminals() -> None:
    """A terminal that has no ✓ shows a ?."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def _console(to_stderr: bool, quiet: bool) -> Console:
    """A terminal at its own width; a pipe gets whole lines."""
    console = Console(stderr=to_stderr, quiet=quiet, highlight=False)
    if not console.is_terminal:
        console = Console(stderr=to_stderr, quiet=quiet, highlight=False, width=terminal.WIDTH_OF_PIPES)
    return console
