"""What the commands that run in parts have in common: --jobs and --shard as written, and as meant."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from verify.errors import CallError

if TYPE_CHECKING:
    from verify.scale.shard import Shard


def jobs_of(number: int) -> int:
    """How many processes: the number, or for 0 the cores that this process may use."""
    if number:
        return number
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def shard_of(text: str | None) -> Shard | None:
    """What --shard I/N means. Raises `click.UsageError`."""
    from verify.scale.shard import Shard

    try:
        return None if text is None else Shard.of(text)
    except CallError as error:
        raise click.UsageError(str(error)) from None
