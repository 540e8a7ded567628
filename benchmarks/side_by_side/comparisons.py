"""The timed comparisons: forward and all gradients of one system at one point, by everyone, in one process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.side_by_side import limit, peers
from benchmarks.side_by_side.generated import load
from benchmarks.side_by_side.measuring import CLOCKS, interleaved
from benchmarks.side_by_side.packages import installed, missing
from benchmarks.side_by_side.problems import MODELS, Arrays, Point, check_agrees, cotangents, inputs, reference
from benchmarks.side_by_side.two_threads import split

BASELINE = "torch.nn"
HAND, GENERATED, LIMIT = "hand-made NumPy", "generated", "products alone"
HANDMADE = ("rnn", "lstm")
Result = dict[str, Any]


def gradients(
    model: str, point: Point, dtype: str, seconds: float, folder: Path | None = None, clock: str = "cpu", part: str = ""
) -> Result:
    """Every peer at one thread, PyTorch's module as the baseline.

    `part` is "check" (nothing is timed), "time" (nothing is checked) or both: the reference leaves a large heap behind,
    out of which PyTorch's big arrays then come without page faults, a quarter of its time for a large LSTM.
    """
    system = MODELS[model]
    values, direct = inputs(system, point, dtype), cotangents(system, point, dtype)
    subjects: dict[str, Callable[[], Any]] = {}
    expected = {} if part == "time" else reference(system, values, direct)
    for name, build in installed(peers.PEERS).items():
        subject = build(system, values, direct)
        if expected:
            check_agrees(name, subject.read(subject.run()), expected, dtype)
        subjects[name] = subject.run
    for name, run in numpy_subjects(model, folder).items():
        if expected:
            check_agrees(name, run(values, direct), expected, dtype)
        subjects[name] = lambda run=run: run(values, direct)
    if part == "check":
        return {"timings": {}, "skipped": {}}
    subjects[LIMIT] = limit.products(system, values, direct)
    return _measured(subjects, seconds, missing(peers.PEERS), clock)


def threads(model: str, point: Point, dtype: str, seconds: float, folder: Path | None = None) -> Result:
    """Two threads: PyTorch's module against the batch split over two Python threads."""
    system = MODELS[model]
    values, direct = inputs(system, point, dtype), cotangents(system, point, dtype)
    expected = reference(system, values, direct)
    torch = {BASELINE: peers.PEERS[BASELINE]}
    subjects: dict[str, Callable[[], Any]] = {}
    if installed(torch):
        subjects[BASELINE] = peers.torch_module(system, values, direct, threads=2).run
    for name, run in numpy_subjects(model, folder).items():
        whole = split(system, run)
        check_agrees(name, whole(values, direct), expected, dtype)
        subjects[name] = lambda whole=whole: whole(values, direct)
    return _measured(subjects, seconds, missing(torch), "wall")


def numpy_subjects(model: str, folder: Path | None) -> dict[str, Callable[[Arrays, Arrays], Arrays]]:
    """What is NumPy, generated and by hand."""
    found: dict[str, Callable[[Arrays, Arrays], Arrays]] = {GENERATED: load(model, folder).gradients}
    if model in HANDMADE:
        found[HAND] = import_module(f"benchmarks.handmade.{model}").gradients
    return found


def _measured(subjects: dict[str, Callable[[], Any]], seconds: float, skipped: dict[str, str], clock: str) -> Result:
    baseline = BASELINE if BASELINE in subjects else next(iter(subjects))
    if BASELINE in skipped:
        skipped[BASELINE] += f": the ratios are to {baseline}"
    found = interleaved(subjects, baseline, seconds, clock=CLOCKS[clock])
    timings = {name: asdict(timing) for name, timing in found.items()}
    return {"baseline": baseline, "timings": timings, "skipped": skipped}
