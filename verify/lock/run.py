"""Locking and comparing: the documents of a run, the lock file, and what stands between them."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from verify.errors import CallError
from verify.files import check_writable, write
from verify.limits import Effort
from verify.lock.compare import Wanted, differences
from verify.lock.entries import QUANTITIES, STANDARD_INPUT, SUITE, LockedDocument, documents_of, key_of, path_of
from verify.lock.file import read_lock, to_text
from verify.report.model import Comparison, Report
from verify.version import VERSION


@dataclass(frozen=True)
class Lock:
    """A lock file: its path, and what it holds."""

    path: str
    documents: Mapping[str, LockedDocument] = field(default_factory=dict)

    @classmethod
    def read(cls, path: str) -> Lock:
        """The lock file at a path. Raises `CallError` where it cannot be read."""
        return cls(path, read_lock(path))

    def __contains__(self, path: str) -> bool:
        """Whether the document at a path is locked."""
        return key_of(path, self.path) in self.documents

    @property
    def files(self) -> tuple[str, ...]:
        """Where the documents that it names are; standard input and the built-in suite have no file."""
        keys = (key for key in sorted(self.documents) if not _is_built_in(key) and key != STANDARD_INPUT)
        return tuple(path_of(key, self.path) for key in keys)

    @property
    def has_suite(self) -> bool:
        """Whether the built-in suite is locked."""
        return any(map(_is_built_in, self.documents))

    def compare(
        self, report: Report, effort: Effort, suite: frozenset[str], wanted: Mapping[str, Wanted]
    ) -> Comparison:
        """What changed. `wanted` says for a document's path which claims were asked for. Raises `CallError`."""
        new = documents_of(report, effort, self.path, suite)
        if report.quantities is not None:  # the whole suite was asked for: nothing is left of a document that it lost
            lost = {key: replace(old, claims={}) for key, old in self.documents.items() if _is_built_in(key)}
            new = {**lost, **new}
        by_key = {key_of(path, self.path, suite): wanted[path] for path in wanted}
        return Comparison(self.path, differences(self.documents, new, by_key, effort.seed))

    def with_report(self, report: Report, effort: Effort, suite: frozenset[str], prune: bool = False) -> Lock:
        """The lock with the report's documents in the place of what it had of them; pruned, with these alone."""
        new = documents_of(report, effort, self.path, suite)
        is_whole_suite = any(map(_is_built_in, new))
        kept = {} if prune else {k: d for k, d in self.documents.items() if not (is_whole_suite and _is_built_in(k))}
        return Lock(self.path, {**kept, **new})

    def write(self) -> None:
        """Write the file as a whole or not at all. Raises `CallError`."""
        try:
            write(to_text(self.documents, versions()), self.path)
        except OSError as error:
            raise CallError(f"-o {self.path}: cannot be written: {error.strerror}") from None

    @classmethod
    def to_renew(cls, path: str) -> Lock:
        """The lock file at a path, an empty one where there is none. Raises `CallError`, also where none can be."""
        check_writable("-o", path)
        return cls.read(path) if Path(path).exists() else cls(path)


def _is_built_in(key: str) -> bool:
    return key == QUANTITIES or key.startswith(f"{SUITE}/")


def versions() -> dict[str, str]:
    """What computed: for a reader who wonders; never compared."""
    import sympy.external.gmpy as ground

    found = {"backproof": VERSION, "python": platform.python_version()}
    found |= {name: _version(name) for name in ("sympy", "numpy", "python-flint")}
    return {**{name: text for name, text in found.items() if text}, "ground types": str(ground.GROUND_TYPES)}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
