"""What a gradient check costs, and the rate at which each planted error is found."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from benchmarks.side_by_side import planted
from benchmarks.side_by_side.checkers import checkers, has_audit
from benchmarks.side_by_side.measuring import Spread
from benchmarks.side_by_side.problems import Point

SLOW = "gradcheck slow"
AT_MOST = 20  # checks of one kind that are timed


def cost(point: Point, seconds: float) -> dict[str, Any]:
    """Seconds a check of correct gradients, in turns; what is slow runs fewer times, at least once."""
    found: dict[str, list[float]] = {name: [] for name in checkers()}
    for name, check in checkers().items():
        if name != SLOW:
            check("", point, 0)  # imports and the like are not timed
    share = seconds / max(1, len(found))
    for seed in range(AT_MOST):
        for name, check in checkers().items():
            if not found[name] or sum(found[name]) < share:
                began = time.perf_counter()
                check("", point, seed)
                found[name].append(time.perf_counter() - began)
    timings = {name: {"seconds": asdict(Spread.of(spent)), "checks": len(spent)} for name, spent in found.items()}
    return {"timings": timings, "skipped": _skipped()}


def power(checker: str, seeds: int, seconds: float, point: Point) -> dict[str, Any]:
    """How often `checker` refuses each planted error, and correct gradients; the errors in turns until time is up."""
    check = checkers().get(checker)
    if check is None:
        return {"rates": {}, "skipped": {checker: "not installed"} | _skipped()}
    refused: dict[str, list[bool]] = {error: [] for error in ("", *planted.ERRORS)}
    end = time.perf_counter() + seconds
    for seed in range(seeds):
        for error, found in refused.items():
            found.append(not check(error, point, seed))
        if time.perf_counter() > end:
            break
    return {"rates": {error: [sum(found), len(found)] for error, found in refused.items()}, "skipped": {}}


def _skipped() -> dict[str, str]:
    return {} if has_audit() else {"audit": "verify.backward does not exist"}
