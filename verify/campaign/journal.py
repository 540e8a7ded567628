"""The journal of a campaign: each result is a line of JSON, on the disk before the next is looked for.

The first line says which campaign it is, so that the results of two are never mixed. What a process that was killed
left half written, the end of the last line, is dropped.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from io import BufferedRandom
from types import TracebackType
from typing import Any

from verify.errors import CallError

FORMAT = 1
LARGEST = 2_000_000_000  # bytes


class Journal:
    """The lines of one campaign, those of earlier runs first.

    Raises `CallError` for a file that cannot be opened or written, is in use, or is no journal of this campaign.
    """

    def __init__(self, path: str, campaign: Mapping[str, Any]) -> None:
        self.path = path
        header = {"backproof campaign": FORMAT, **campaign}
        self.first = _line(header)
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            self.file: BufferedRandom = os.fdopen(handle, "r+b")
        except OSError as error:
            raise CallError(f"--journal {path}: cannot be opened: {error.strerror}") from None
        try:
            self._lock()
            self.lines = self._read(header)
        except BaseException:
            self.file.close()
            raise

    def append(self, *records: Mapping[str, Any]) -> None:
        """Put results on the disk. Raises `CallError`; what was there stays."""
        self._write(b"".join(_line(record) for record in records))

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(OSError):
            self.file.close()

    def _lock(self) -> None:
        try:
            import fcntl
        except ImportError:  # no Unix: two campaigns with one journal are the user's to avoid
            return
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CallError(f"--journal {self.path}: another campaign is writing it") from None

    def _read(self, header: Mapping[str, Any]) -> list[dict[str, Any]]:
        try:
            text = self.file.read(LARGEST + 1)
        except OSError as error:
            raise CallError(f"--journal {self.path}: cannot be read: {error.strerror}") from None
        if len(text) > LARGEST:  # what is not read must not be cut off
            raise CallError(f"--journal {self.path}: larger than {LARGEST:,} bytes; name a new file")
        whole = text[: text.rfind(b"\n") + 1]
        if not whole:
            if not self.first.startswith(text):
                raise self._stranger()
            self._cut(0)
            self._write(self.first)
            return []
        first, *rest = whole.splitlines()
        self._check(first, header)
        self._cut(len(whole))
        return [self._record(number, line) for number, line in enumerate(rest, start=2)]

    def _check(self, line: bytes, header: Mapping[str, Any]) -> None:
        """Raises `CallError` for the first line of anything but this campaign."""
        try:
            found = json.loads(line)
            is_journal = isinstance(found, dict) and "backproof campaign" in found
        except ValueError:
            is_journal = False
        if not is_journal:
            raise self._stranger()
        wanted = json.loads(_line(header))
        other = [key for key in dict.fromkeys([*wanted, *found]) if found.get(key) != wanted.get(key)]
        if other:
            keys = ", ".join(other)
            raise CallError(
                f"--journal {self.path} is of another campaign, which differs in: {keys}; finish that one with its own "
                "options, or name a new file for this one"
            )

    def _record(self, number: int, line: bytes) -> dict[str, Any]:
        try:
            found = json.loads(line)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise self.damaged(number)
        return found

    def damaged(self, number: int) -> CallError:
        """What to say of a line that is none of ours."""
        return CallError(f"--journal {self.path}: line {number} is damaged; remove it, and its claim is done again")

    def _stranger(self) -> CallError:
        return CallError(f"--journal {self.path} holds something else than a campaign: name a new file")

    def _cut(self, size: int) -> None:
        """Drop what follows the last whole line."""
        try:
            self.file.truncate(size)
            self.file.seek(size)
        except OSError as error:
            raise CallError(f"--journal {self.path}: cannot be written: {error.strerror}") from None

    def _write(self, data: bytes) -> None:
        try:
            self.file.write(data)
            self.file.flush()
            os.fsync(self.file.fileno())
        except OSError as error:
            raise CallError(
                f"--journal {self.path}: cannot be written: {error.strerror}; what it holds is kept, the same command "
                "goes on from there"
            ) from None


def _line(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record).encode("ascii") + b"\n"
