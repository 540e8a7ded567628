"""The range of steps for which a claim is made, as text: `2 <= t`, `1 <= k <= t - 1`."""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from verify.claim import Claim
from verify.times import Times


def describe(claim: Claim, found: list[dict[sp.Symbol, int]], limit: int | None) -> str:
    """The range that the instances span; `limit` is the last step tried where the range was cut there."""
    letters = [letter for letter in claim.step_letters if any(letter in times for times in found)]
    last = claim.model.time.last
    if not letters or not found:
        return "all"
    parts = []
    if isinstance(last, sp.Symbol):
        first = min(times[last] for times in found)
        parts.append(f"{last} in {first}..{limit}" if limit is not None else f"{first} <= {last}")
    for index in claim.indices:
        lowest = min(times[index.letter] for times in found)
        slack = min(int(times[last]) - times[index.letter] for times in found) if last in found[0] else 0
        top = "" if last not in found[0] else f" <= {last}" if slack == 0 else f" <= {last} - {slack}"
        if last.is_Integer:
            top = f" <= {max(times[index.letter] for times in found)}"
        parts.append(f"{lowest} <= {index.letter}{top}")
    parts += _orders(claim, found)
    return ", ".join(parts)


def _orders(claim: Claim, found: list[dict[sp.Symbol, int]]) -> list[str]:
    """k <= j + 1 where every instance has it and the ranges alone would not."""
    letters = [index.letter for index in claim.indices]
    parts = []
    for a in letters:
        for b in letters:
            slack = min(times[b] - times[a] for times in found)
            apart = min(times[b] for times in found) - max(times[a] for times in found)
            if a != b and slack > apart and slack >= -1:
                parts.append(f"{a} <= {b}" + ("" if slack == 0 else f" - {slack}" if slack > 0 else " + 1"))
    return parts


def describe_instances(found: Sequence[Times]) -> str:
    """A few concrete times as text: t = 1; t = 2, k = 1."""
    return "; ".join(", ".join(f"{letter} = {value}" for letter, value in times.items()) for times in found)
