"""Interleaved timing: every subject runs in every round, and a ratio is taken within a round.

On a machine that others use too, the time of one run says little; the ratio of two runs that follow one another says
more, and the median over many rounds more still. Where one thread works, its processor time is the wall time of a
machine that has nothing else to do: what else runs changes it only by what it does to the caches.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Clock = Callable[[], float]
CLOCKS: dict[str, Clock] = {"cpu": time.process_time, "wall": time.perf_counter}
BATCH = 0.002  # seconds: what runs faster is run several times in a row
SLOW_EVERY = 3  # a slow subject runs in every third round


@dataclass(frozen=True)
class Spread:
    """Median and quartiles."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        if len(values) < 2:
            return cls(values[0], values[0], values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high)


@dataclass(frozen=True)
class Timing:
    """Of one subject: seconds a run, its ratio to the baseline's run of the same round, in how many rounds."""

    seconds: Spread
    ratio: Spread
    rounds: int


def interleaved(
    subjects: Mapping[str, Callable[[], object]],
    baseline: str,
    seconds: float,
    at_least: int = 5,
    slow: float = 4.0,
    clock: Clock = time.perf_counter,
) -> dict[str, Timing]:
    """Rounds for about `seconds` of wall time, `at_least` so many.

    A subject `slow` times as slow as the baseline skips two rounds of three.
    """
    first = {name: _warmed(run, clock) for name, run in subjects.items()}
    repeats = {name: max(1, int(BATCH / max(spent, 1e-7))) for name, spent in first.items()}
    skipping = {name for name in subjects if first[name] > slow * first[baseline] and first[name] > BATCH}
    times: dict[str, list[float]] = {name: [] for name in subjects}
    ratios: dict[str, list[float]] = {name: [] for name in subjects}
    end = time.perf_counter() + seconds
    turn = 0
    while turn < at_least or time.perf_counter() < end:
        here = {}
        for name, run in subjects.items():
            if name not in skipping or turn % SLOW_EVERY == 0:
                here[name] = timed(run, clock, repeats[name])
        for name, spent in here.items():
            times[name].append(spent)
            ratios[name].append(spent / here[baseline])
        turn += 1
    return {name: Timing(Spread.of(times[name]), Spread.of(ratios[name]), len(times[name])) for name in subjects}


def timed(run: Callable[[], object], clock: Clock, repeats: int = 1) -> float:
    """Seconds a run."""
    began = clock()
    for _ in range(repeats):
        run()
    return (clock() - began) / repeats


def _warmed(run: Callable[[], object], clock: Clock) -> float:
    run()  # what is built, compiled or read at the first run
    return timed(run, clock)
