"""What `backproof campaign` does: reads, opens the journal, calls a crew together, and says what came of it."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from verify.campaign.journal import Journal
from verify.campaign.report import CampaignReport, as_json, reported, text
from verify.campaign.run import MODULES, Campaign, Options, header, strands
from verify.document.statements import Document
from verify.errors import CallError
from verify.files import check_writable, write
from verify.manuscript import Manuscript
from verify.report.complaints import complain
from verify.run import EXIT_CALL, EXIT_CLAIMS, EXIT_CONFLICT, EXIT_INTERRUPTED, EXIT_OK, Run, spare_terminals
from verify.scale.alone import Alone
from verify.scale.crew import Crew

STANDARD_OUTPUT = "-"


@dataclass(frozen=True)
class Command:
    """One call of the command."""

    files: tuple[str, ...]
    journal: str
    options: Options
    jobs: int = 1
    cluster: str | None = None
    json_path: str | None = None
    quiet: bool = False

    def execute(self) -> int:
        """Run, print, write; the exit code."""
        spare_terminals()
        try:
            if self.json_path not in (None, STANDARD_OUTPUT):
                check_writable("--json", str(self.json_path))
            check_writable("--journal", self.journal)
            documents, has_failures = self._documents()
            if self.cluster is not None:
                _check_is_sent([document for _, document in documents])
            todo = strands(documents, self.options)
            with Journal(self.journal, header([document for _, document in documents], self.options)) as journal:
                return self._through(Campaign(todo, journal, self.quiet), has_failures)
        except CallError as error:
            complain(str(error))
            return EXIT_CALL

    def _through(self, campaign: Campaign, has_failures: bool) -> int:
        """The campaign to its end, or as far as it comes; the report either way."""
        code = EXIT_OK
        try:
            if not campaign.is_whole:
                self._work(campaign)
        except KeyboardInterrupt:
            complain(f"interrupted: what is known is in {self.journal}; the same command goes on from there")
            code = EXIT_INTERRUPTED
        except CallError as error:
            complain(str(error))
            code = EXIT_CALL
        report = reported(campaign.strands, campaign.found)
        self._tell(report)
        return code or (EXIT_CALL if has_failures else _code(report))

    def _work(self, campaign: Campaign) -> None:
        crew = self._crew()
        try:
            campaign.run(crew)
        finally:
            crew.close()

    def _crew(self) -> Crew:
        if self.cluster is not None:
            from verify.scale.cluster import Cluster  # only here: few have the extra

            return Cluster(self.cluster, MODULES)
        if self.jobs > 1:
            from verify.scale.pool import Pool

            return Pool(self.jobs, MODULES)
        return Alone()

    def _documents(self) -> tuple[list[tuple[Manuscript, Document]], bool]:
        """The documents, and whether something is wrong with one."""
        run = Run(self.files, self.options.effort)
        found = run.manuscripts()
        failures = [*run.failures, *(str(error) for _, document in found for error in document.errors)]
        for failure in failures:
            complain(failure)
        return found, bool(failures)

    def _tell(self, report: CampaignReport) -> None:
        if self.json_path is not None and self.json_path != STANDARD_OUTPUT:
            try:
                write(as_json(report), self.json_path)
            except OSError as error:
                raise CallError(f"--json {self.json_path}: cannot be written: {error.strerror}") from None
        elif self.json_path == STANDARD_OUTPUT:
            sys.stdout.write(as_json(report))
        if not self.quiet and self.json_path != STANDARD_OUTPUT:
            sys.stdout.write(text(report))


def _check_is_sent(documents: list[Document]) -> None:
    """Raises `CallError` for a document of several files: what is sent to a cluster is its own text alone."""
    for document in documents:
        for part in document.source.parts:
            if part.path != document.source.path:
                raise CallError(f"--cluster: {document.source.path} reads {part.path}, which is not sent with it")


def _code(report: CampaignReport) -> int:
    if report.total["conflict"]:
        return EXIT_CONFLICT
    return EXIT_OK if report.ok else EXIT_CLAIMS
