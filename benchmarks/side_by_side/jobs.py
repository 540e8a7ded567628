"""The jobs of a run: each is one comparison, done in a process of its own, and gives one JSON object."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.side_by_side.checkers import CHECKERS
from benchmarks.side_by_side.problems import MODELS, POINTS, TINY, Point

Job = dict[str, Any]
KINDS = ("gradients", "threads", "memory", "cost", "power")
DTYPES = ("float32", "float64")
LARGE = 3.0  # times the seconds of the other points, for the large ones
SEEDS = 100
ACCEPTED_SEEDS = 1000  # over which right gradients must be accepted


def jobs(kinds: Iterable[str], models: Iterable[str], seconds: float, quick: bool, clock: str = "cpu") -> list[Job]:
    """What to run, in the tables' order."""
    found: list[Job] = []
    points = TINY if quick else POINTS
    timed = [(kind, points if kind == "gradients" else points[-1:]) for kind in KINDS[:2] if kind in kinds]
    for kind, at in timed:
        for model in models:
            for point in at:
                share = seconds * (LARGE if point == POINTS[-1] else 1)
                found += [_job(kind, share, model=model, point=point, dtype=dtype, clock=clock) for dtype in DTYPES]
    if "memory" in kinds:
        found += [_job("memory", seconds, model=model, point=points[-1], dtype="float64") for model in models]
    if "cost" in kinds:
        sizes = (Point(1, 4, 2, 2),) if quick else (Point(1, 20, 8, 8), Point(1, 100, 32, 32), Point(1, 100, 64, 64))
        found += [_job("cost", 3 * seconds, point=size, clock=clock) for size in sizes]
    if "power" in kinds:
        point = Point(1, 6, 2, 3) if quick else Point(1, 20, 8, 8)
        seeds, correct = (2, 2) if quick else (SEEDS, ACCEPTED_SEEDS)
        found += [
            _job("power", 6 * seconds, checker=name, point=point, seeds=seeds, correct=correct) for name in CHECKERS
        ]
    return found


def _job(kind: str, seconds: float, **rest: Any) -> Job:
    return {"kind": kind, "seconds": seconds} | rest


def done(job: Job, modules: Path | None) -> dict[str, Any]:
    """Do one job here, in this process."""
    from benchmarks.side_by_side import checking, comparisons, memory

    point, seconds = Point(*job["point"]), job["seconds"]
    if job["kind"] == "gradients":
        return comparisons.gradients(
            job["model"], point, job["dtype"], seconds, modules, job["clock"], job.get("part", "")
        )
    if job["kind"] == "threads":
        return comparisons.threads(job["model"], point, job["dtype"], seconds, modules)
    if job["kind"] == "memory":
        return memory.measured(MODELS[job["model"]], point, job["dtype"], modules)
    if job["kind"] == "cost":
        return checking.cost(point, seconds, job["clock"])
    if job["kind"] == "power":
        return checking.power(job["checker"], job["seeds"], job["correct"], seconds, point)
    raise ValueError(f"kind is one of {', '.join(KINDS)}, not {job['kind']!r}")
