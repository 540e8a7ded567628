"""The range of steps for which a claim is made, as text: `2 <= t`, `1 <= k <= t - 1`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import sympy as sp

from verify.claim import Claim
from verify.times import Times, instances

Bound = tuple[str, Callable[[Times], bool]]  # as text, and whether it holds at given steps


def describe(claim: Claim, found: list[dict[sp.Symbol, int]], limit: int | None) -> str:
    """The range that the instances span; `limit` is the last step tried where the range was cut there.

    A condition of the claim that the ranges do not imply stands behind them: `1 <= t <= T, t < 3`.
    """
    letters = [letter for letter in claim.step_letters if any(letter in times for times in found)]
    if not letters or not found:
        return "all"
    bounds = [*_ranges(claim, found, limit), *_orders(claim, found)]
    return ", ".join([*(text for text, _ in bounds), *_beyond(claim, found, bounds)])


def _ranges(claim: Claim, found: list[dict[sp.Symbol, int]], limit: int | None) -> Iterator[Bound]:
    last = claim.model.time.last
    if isinstance(last, sp.Symbol):
        first = min(times[last] for times in found)
        text = f"{last} in {first}..{limit}" if limit is not None else f"{first} <= {last}"
        yield text, lambda times: times[last] >= first
    for letter in (index.letter for index in claim.indices):
        yield _range(letter, last, found)


def _range(letter: sp.Symbol, last: sp.Expr, found: list[dict[sp.Symbol, int]]) -> Bound:
    lowest = min(times[letter] for times in found)
    if last.is_Integer:
        highest = max(times[letter] for times in found)
        return f"{lowest} <= {letter} <= {highest}", lambda times: lowest <= times[letter] <= highest
    slack = min(times[last] - times[letter] for times in found)
    top = f"{last}" if slack == 0 else f"{last} - {slack}"
    return f"{lowest} <= {letter} <= {top}", lambda times: lowest <= times[letter] <= times[last] - slack


def _orders(claim: Claim, found: list[dict[sp.Symbol, int]]) -> Iterator[Bound]:
    """k <= j + 1 where every instance has it and the ranges alone would not."""
    letters = [index.letter for index in claim.indices]
    for a in letters:
        for b in letters:
            slack = min(times[b] - times[a] for times in found)
            apart = min(times[b] for times in found) - max(times[a] for times in found)
            if a != b and slack > apart and slack >= -1:
                yield _order(a, b, slack)


def _order(a: sp.Symbol, b: sp.Symbol, slack: int) -> Bound:
    text = f"{a} <= {b}" + ("" if slack == 0 else f" - {slack}" if slack > 0 else " + 1")
    return text, lambda times: times[a] <= times[b] - slack


def _beyond(claim: Claim, found: list[dict[sp.Symbol, int]], bounds: Sequence[Bound]) -> Iterator[str]:
    """The claim's conditions on steps that exclude something within the bounds."""
    steps = [c for c in claim.conditions if (c.left.free_symbols | c.right.free_symbols) <= set(found[0])]
    if not steps:
        return
    last = claim.model.time.last
    end = max(times[last] for times in found) if isinstance(last, sp.Symbol) else int(last)
    free = instances(replace(claim, conditions=()), end)
    inside = [times for times in free if all(holds(times) for _, holds in bounds)]
    yield from (str(one) for one in steps if not all(one.holds(times) for times in inside))


def describe_instances(found: Sequence[Times]) -> str:
    """A few concrete times as text: t = 1; t = 2, k = 1."""
    return "; ".join(", ".join(f"{letter} = {value}" for letter, value in times.items()) for times in found)
