"""What a gradient check costs, and the rate at which each planted error is found."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from benchmarks.side_by_side import planted
from benchmarks.side_by_side.checkers import CHECKERS
from benchmarks.side_by_side.measuring import CLOCKS, Spread, timed
from benchmarks.side_by_side.packages import installed, missing
from benchmarks.side_by_side.problems import Point

SLOW = "gradcheck slow"
AT_MOST = 20  # checks of one kind that are timed


def cost(point: Point, seconds: float, clock: str = "cpu") -> dict[str, Any]:
    """Seconds a check of correct gradients, in turns; what is slow runs fewer times, at least once."""
    checkers = installed(CHECKERS)
    found: dict[str, list[float]] = {name: [] for name in checkers}
    for name, check in checkers.items():
        if name != SLOW:
            check("", point, 0)  # imports and the like are not timed
    share = seconds / len(found)
    for seed in range(AT_MOST):
        for name, check in checkers.items():
            if not found[name] or sum(found[name]) < share:
                found[name].append(timed(lambda check=check, seed=seed: check("", point, seed), CLOCKS[clock]))
    timings = {name: {"seconds": asdict(Spread.of(spent)), "checks": len(spent)} for name, spent in found.items()}
    return {"timings": timings, "skipped": missing(CHECKERS)}


def power(checker: str, seeds: int, correct: int, seconds: float, point: Point) -> dict[str, Any]:
    """How often `checker` refuses each planted error, over `seeds`, and right gradients, over `correct` seeds.

    Each of the two goes on until half of the time is up.
    """
    asked = {checker: CHECKERS[checker]}
    if missing(asked):
        return {"rates": {}, "skipped": missing(asked)}
    check = installed(asked)[checker]
    refused: dict[str, list[bool]] = {error: [] for error in planted.ERRORS}
    for seed in _until(seconds / 2, seeds):
        for error, found in refused.items():
            found.append(not check(error, point, seed))
    refused[""] = [not check("", point, seed) for seed in _until(seconds / 2, correct)]
    return {"rates": {error: [sum(found), len(found)] for error, found in refused.items()}, "skipped": {}}


def _until(seconds: float, count: int) -> Iterator[int]:
    """0, 1, … count - 1, at least one of them, until the time is up."""
    end = time.perf_counter() + seconds
    for seed in range(count):
        if seed and time.perf_counter() > end:
            return
        yield seed
