"""A part of a run: --shard 2/5 is the second of five, which together do everything once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from verify.errors import CallError

T = TypeVar("T")
_WRITTEN = re.compile(r"(\d{1,6})/(\d{1,6})", re.ASCII)


@dataclass(frozen=True)
class Shard:
    """The `index`-th of `count` shards, counted from 1."""

    index: int = 1
    count: int = 1

    @classmethod
    def of(cls, text: str) -> Shard:
        """What `i/n` says. Raises `CallError`."""
        match = _WRITTEN.fullmatch(text)
        shard = None if match is None else cls(int(match[1]), int(match[2]))
        if shard is None or not 1 <= shard.index <= shard.count:
            raise CallError(f"--shard {text}: write i/n with 1 <= i <= n, as 2/5 for the second of five")
        return shard

    def deal(self, items: Iterable[T]) -> Iterator[T]:
        """Every n-th item: neighbours, which cost alike, fall to different shards, which get equally many but for one.

        The same items in the same order are dealt out in the same way, on every machine.
        """
        return islice(items, self.index - 1, None, self.count)

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"
