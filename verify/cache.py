"""Verdicts and repairs kept from run to run: only a claim that changed is decided again.

The key of a verdict is a hash of all that it rests on: the claim with its model, conditions and assumptions, the
effort, Backproof's own source, and the versions of what computes. A changed decider never meets an old verdict. The
folder is trusted as the installed package is: the checksum finds damage, not malice.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from time import process_time
from typing import Any

from derive.model import Model
from verify.check import settle
from verify.claim import Claim
from verify.deciders.normal_form import Limits, Session
from verify.induction.certificate import CertificateError, encode_claim, encode_model
from verify.installation import installed
from verify.kept import NotKept, from_data, to_data
from verify.limits import Effort
from verify.verdict import Verdict

FORMAT = 1
LARGEST = 2_000_000  # bytes of one entry
MOST_BYTES = 64_000_000
MOST_ENTRIES = 20_000
_ENTRY = re.compile(r"[0-9a-f]{64}\.json")
_BESIDE = re.compile(r"[0-9a-f]{8}\..*\.part")
# a claim settled in less time than any decider's clock allows owes its verdict to no clock
CLOCK = Limits().seconds


class Cache:
    """Verdicts by key: in memory for one process, and in a folder where there is one.

    Nothing that goes wrong with the folder is an error: what cannot be read is decided, what cannot be written is
    not kept.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.home = folder
        self.folder = None if folder is None else folder / f"verdicts-{FORMAT}"
        self.known: dict[str, Verdict] = {}
        self.more: dict[str, Any] = {}
        self.models: dict[Model, Any] = {}
        self.hits = self.settled = self.written = 0

    def settle(self, claim: Claim, effort: Effort, session: Session) -> Verdict:
        """The verdict on a claim: the kept one, or a new one, which is kept where it may be.

        Raises `WitnessConflict`; a conflict is never kept.
        """
        key = self._key(claim, effort)
        found = None if key is None else self._get(key, claim)
        if found is not None:
            self.hits += 1
            return found
        began = process_time()
        verdict = settle(claim, effort, session)
        self.settled += 1
        if key is not None and _may_be_kept(verdict, process_time() - began):
            self._put(key, verdict, claim)
        return verdict

    def recall(self, claim: Claim, about: Any) -> Any | None:
        """What `keep` was given for a claim and what else it rests on, None where nothing is kept."""
        key = self._key_of_more(claim, about)
        if key is None:
            return None
        if key not in self.more and self.folder is not None:
            self.more[key] = _read(self._path(key), key)
        return self.more.get(key)

    def keep(self, claim: Claim, about: Any, data: Any) -> None:
        """Keep JSON data beside a claim's verdict."""
        key = self._key_of_more(claim, about)
        if key is not None:
            self.more[key] = data
            self._store(key, data)

    def close(self) -> None:
        """Drop the entries used least recently where the folder has grown too large."""
        if self.folder is not None and self.written:
            _prune(self.folder, MOST_BYTES, MOST_ENTRIES)
            self.written = 0

    def _key(self, claim: Claim, effort: Effort) -> str | None:
        """The hash of all that the verdict rests on, None for a formula that has no canonical text."""
        try:
            if claim.model not in self.models:
                self.models[claim.model] = encode_model(claim.model)
            data = [
                self.models[claim.model],
                claim.relation,
                encode_claim(claim, 0),
                asdict(replace(effort, seconds=0, repair_seconds=0)),
            ]
        except (CertificateError, RecursionError):
            return None
        return hashlib.sha256(json.dumps([ground(), data], sort_keys=True).encode()).hexdigest()

    def _key_of_more(self, claim: Claim, about: Any) -> str | None:
        key = self._key(claim, Effort())
        return None if key is None else hashlib.sha256(json.dumps([key, about], sort_keys=True).encode()).hexdigest()

    def _get(self, key: str, claim: Claim) -> Verdict | None:
        if key not in self.known and self.folder is not None:
            data = _read(self._path(key), key)
            with suppress(ValueError, KeyError, TypeError, RecursionError):
                if data is not None:
                    self.known[key] = from_data(data, claim)
        return self.known.get(key)

    def _put(self, key: str, verdict: Verdict, claim: Claim) -> None:
        self.known[key] = replace(verdict, seconds=0.0)
        if self.folder is not None:
            with suppress(NotKept):
                self._store(key, to_data(verdict, claim))

    def _store(self, key: str, data: Any) -> None:
        if self.folder is not None:
            with suppress(OSError):
                _write(self._path(key), key, data)
                self.written += 1

    def _path(self, key: str) -> Path:
        assert self.folder is not None
        return self.folder / key[:2] / f"{key}.json"


def _may_be_kept(verdict: Verdict, seconds: float) -> bool:
    """Whether another run would find the same: no witness broke, and no clock decided what is less than sure."""
    if any(outcome.outcome == "failed" for outcome in verdict.witnesses):
        return False
    return verdict.verdict in ("proved", "refuted") or seconds < CLOCK


# --- what a verdict rests on beside its claim ----------------------------------------------------------------------


@cache
def ground() -> str:
    """The format, what is installed, and the platform, as one text."""
    return json.dumps([FORMAT, platform.machine(), sys.platform, installed()])


# --- the folder ----------------------------------------------------------------------------------------------------


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path | None:
    """BACKPROOF_CACHE, else the platform's folder for caches; None where there is no home."""
    if chosen := environment.get("BACKPROOF_CACHE"):
        return Path(chosen)
    absolute = Path(environment.get("XDG_CACHE_HOME", ""))
    if absolute.is_absolute():  # a relative one is to be ignored, says the XDG specification
        return absolute / "backproof"
    if sys.platform == "win32" and environment.get("LOCALAPPDATA"):
        return Path(environment["LOCALAPPDATA"]) / "backproof" / "Cache"
    try:
        home = Path.home()
    except RuntimeError:
        return None
    return home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "backproof"


def _checksum(key: str, data: Any) -> str:
    """Over the key too: an entry under another's name is damaged."""
    return hashlib.sha256(f"{key}\n{json.dumps(data)}".encode()).hexdigest()


def _read(path: Path, key: str) -> Any | None:
    """The data in a file, None where there is none or it is damaged."""
    try:
        with path.open("rb") as stream:
            text = stream.read(LARGEST + 1)
        if len(text) > LARGEST:
            return None
        entry = json.loads(text)
        found = entry["kept"]
        if entry["key"] != key or entry["checksum"] != _checksum(key, found):
            return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    with suppress(OSError):
        os.utime(path)  # what is used stays
    return found


def _write(path: Path, key: str, data: Any) -> None:
    """Write beside, then rename: two processes may write the same entry, and a reader sees a whole one."""
    text = json.dumps({"key": key, "checksum": _checksum(key, data), "kept": data})
    if len(text) > LARGEST:
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(prefix=f"{key[:8]}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.replace(beside, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(beside)
        raise


def _prune(folder: Path, most_bytes: int, most_entries: int) -> None:
    """Remove the oldest entries, a tenth more than must go; nothing that is no entry is touched."""
    found = sorted(_entries(folder), reverse=True)
    total = 0
    limits = (most_bytes, most_entries)
    if sum(size for _, size, _ in found) <= most_bytes and len(found) <= most_entries:
        return
    for place, (_, size, path) in enumerate(found, start=1):
        total += size
        if total > 0.9 * limits[0] or place > 0.9 * limits[1]:
            with suppress(OSError):
                path.unlink()


def _entries(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """Time, size and path of every entry, and of what an interrupted write left behind."""
    with suppress(OSError):
        for shard in folder.iterdir():
            with suppress(OSError):
                for path in shard.iterdir():
                    if _ENTRY.fullmatch(path.name) or _BESIDE.fullmatch(path.name):
                        with suppress(OSError):
                            status = path.stat()
                            yield status.st_mtime, status.st_size, path
