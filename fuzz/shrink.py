"""A shorter text that fails in the same way: whole lines are left out, then stretches of signs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

BUDGET = 600  # texts that are tried


def shrunk(text: str, fails: Callable[[str], bool], budget: int = BUDGET) -> str:
    """The shortest text found from which nothing more can be left out within the budget."""
    left = budget

    def still(candidate: str) -> bool:
        nonlocal left
        left -= 1
        return left >= 0 and fails(candidate)

    lines = _without(text.split("\n"), lambda kept: still("\n".join(kept)))
    return "".join(_without(list("\n".join(lines)), lambda kept: still("".join(kept))))


def _without(items: Sequence[str], still: Callable[[Sequence[str]], bool]) -> Sequence[str]:
    """The items that are needed, stretches of halving lengths left out where the failure stays (ddmin, one-sided)."""
    size = max(1, len(items) // 2)
    while True:
        place = 0
        while place < len(items):
            fewer = [*items[:place], *items[place + size :]]
            if fewer != list(items) and still(fewer):
                items = fewer
            else:
                place += size
        if size == 1:
            return items
        size //= 2
