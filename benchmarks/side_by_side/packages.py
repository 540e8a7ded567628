"""What can run here: tables of subjects by name, each with the package that it needs."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import TypeVar

Subject = TypeVar("Subject")


def installed(table: Mapping[str, tuple[str, Subject]]) -> dict[str, Subject]:
    """The subjects whose packages are there."""
    return {name: subject for name, (package, subject) in table.items() if find_spec(package)}


def missing(table: Mapping[str, tuple[str, Subject]]) -> dict[str, str]:
    """Why the others are not measured."""
    return {name: f"{package} is not installed" for name, (package, _) in table.items() if not find_spec(package)}
