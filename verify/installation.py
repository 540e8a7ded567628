"""What is installed here: two processes with the same installation find the same verdicts."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files as resources
from typing import Any

from verify.version import VERSION

_COMPUTES = ("sympy", "mpmath", "numpy", "hypothesis", "python-flint")
_SOURCES = (".py", ".lark")


def installed() -> dict[str, str | None]:
    """The versions of Backproof, of its source, of Python and of what computes, by name."""
    own = {"backproof": VERSION, "its source": source_digest(), "Python": platform.python_version()}
    return {**own, **{name: _version(name) for name in _COMPUTES}}


def source_digest() -> str:
    """SHA-256 over the names and contents of the package's own source files."""
    total = hashlib.sha256()
    for package in ("derive", "verify"):
        for name, data in sorted(_sources(resources(package), package)):
            total.update(f"{name}\0{len(data)}\0".encode())
            total.update(data)
    return total.hexdigest()


def _sources(folder: Any, path: str) -> Iterator[tuple[str, bytes]]:
    for item in folder.iterdir():
        name = f"{path}/{item.name}"
        if item.name.endswith(_SOURCES):
            yield name, item.read_bytes()
        elif item.is_dir() and item.name != "__pycache__":
            yield from _sources(item, name)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
