"""Writing files: a path that cannot be written is found early, and no reader ever sees half a file."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp

from verify.errors import CallError


def check_writable(option: str, path: str) -> None:
    """Raises `CallError` where a path names a folder or lies in none."""
    if not path or Path(path).is_dir():
        raise CallError(f"{option} {path!r} names no file")
    if not Path(path).absolute().parent.is_dir():
        raise CallError(f"{option} {path}: its folder does not exist")


def write(content: str | bytes, path: str | Path) -> None:
    """Write beside, then rename: a reader never sees half a file, and two writers do not mix. Raises `OSError`.

    The permissions of a file that is replaced stay; a new one gets what the process's mask leaves.
    """
    target = Path(path)
    if target.exists() and not target.is_file():  # a device or a pipe: there is nothing to replace
        target.write_bytes(_encoded(content))
        return
    target = Path(os.path.realpath(target))  # a link stays one
    handle, beside = mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(_encoded(content))
        os.chmod(beside, target.stat().st_mode & 0o7777 if target.exists() else 0o666 & ~_mask())
        os.replace(beside, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(beside)
        raise


def append(content: str | bytes, path: str | Path) -> None:
    """Write at the end of what a file holds, whole or not at all. Raises `OSError`."""
    with open(path, "ab", buffering=0) as stream:
        before, rest = size(path), memoryview(_encoded(content))
        try:
            while rest:
                rest = rest[stream.write(rest) :]
        except BaseException:
            if Path(path).is_file():  # a device or a pipe keeps what it got
                stream.truncate(before)
            raise


def size(path: str | Path) -> int:
    """How many bytes a file holds; 0 where there is none, or it is no file."""
    return Path(path).stat().st_size if Path(path).is_file() else 0


def _encoded(content: str | bytes) -> bytes:
    """UTF-8, with a ? for what is no character, which the name of a file may hold."""
    return content if isinstance(content, bytes) else content.encode("utf-8", "replace")


def _mask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
