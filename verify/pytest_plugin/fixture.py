"""The fixture `backproof`: checks for hand-written tests, which fail with the text of the command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import verify
from verify.api import judged, settled
from verify.errors import WitnessConflict, clean
from verify.pytest_plugin.hooks import CONFLICT
from verify.pytest_plugin.judging import UNCHECKED, conflict_text, is_unchecked, own_filters, trouble_of
from verify.pytest_plugin.settings import Settings
from verify.report.junit import properties_of
from verify.report.terminal import troubles, verdict_text

if TYPE_CHECKING:
    from derive.model import Model
    from verify.audit.findings import AuditReport
    from verify.report.model import Report
    from verify.verdict import Verdict


class Backproof:
    """Each method returns what it found where that is as it should be, and fails the test where it is not."""

    def __init__(self, settings: Settings, properties: list[tuple[str, object]]) -> None:
        self.settings = settings
        self._properties = properties

    def __repr__(self) -> str:
        effort = self.settings.effort
        return f"<backproof: seed {effort.seed}, {effort.examples} examples, steps up to {effort.steps}>"

    def _record(self, name: str, value: object) -> None:
        self._properties.append((clean(name), value))

    def document(self, path: str | Path, *, require_proof: bool | None = None) -> Report:
        """Judge a document: every claim proved, tested or as the document expects it, and at least one.

        `require_proof`: whether `tested` fails; None leaves it to `--backproof-require-proof`. Raises `OSError`,
        `UnicodeDecodeError`.
        """
        __tracebackhide__ = True
        proof = self.settings.require_proof if require_proof is None else require_proof
        with self._conflicts(), own_filters():
            report = judged(path, self.settings.effort, proof, self.settings.cache)
        (document,) = report.documents
        for entry in document.claims:
            self._record(f"{path}::{entry.id}", "" if entry.verdict is None else entry.verdict.verdict)
        wrong = list(troubles(document, proof))
        wrong += [text for entry in document.claims if entry.is_ok(proof) and (text := trouble_of(entry, proof))]
        if not document.claims and not wrong:
            wrong = [f"{path}: no claim: no display equation outside given and skip"]
        if wrong:
            pytest.fail("\n\n".join(wrong))
        return report

    def claim(self, left: Any, right: Any, *, model: Model, require_proof: bool | None = None) -> Verdict:
        """Settle left = right under a model: proved or tested. Raises as `verify.claim` does."""
        __tracebackhide__ = True
        from derive.language.show import show

        proof = self.settings.require_proof if require_proof is None else require_proof
        with self._conflicts(), own_filters():
            verdict = settled(left, right, model, self.settings.effort)
        for name, value in properties_of(verdict):
            self._record(name, value)
        is_good = verdict.verdict == "proved" or (verdict.verdict == "tested" and not proof)
        if not is_good:
            pytest.fail(verdict_text(verdict, f"{show(left)} = {show(right)}"))
        if is_unchecked(verdict):
            pytest.fail(f"{show(left)} = {show(right)}: {UNCHECKED}")
        return verdict

    def backward(self, function: Any, *, model: str, **options: Any) -> AuditReport:
        """Audit a hand-written backward pass; the options are those of `verify.backward`. Raises `CallError`."""
        __tracebackhide__ = True
        options = {"seed": self.settings.effort.seed, **options}
        with self._conflicts():
            try:
                report: AuditReport = verify.backward(function, model=model, **options)
            except AssertionError as wrong:
                self._record("verdict", "rejected")
                raise pytest.fail.Exception(str(wrong)) from None
        self._record("verdict", report.verdict)
        self._record("entries", sum(one.entries for one in report.evidence))
        self._record("largest difference / bound", f"{report.worst:.2g}")
        return report

    @contextmanager
    def _conflicts(self) -> Iterator[None]:
        __tracebackhide__ = True
        try:
            yield
        except WitnessConflict as conflict:
            self._record(*CONFLICT)
            raise pytest.fail.Exception(conflict_text(conflict)) from None
