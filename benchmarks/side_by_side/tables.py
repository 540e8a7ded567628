"""The results as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from benchmarks.side_by_side import planted
from benchmarks.side_by_side.checkers import CHECKERS
from benchmarks.side_by_side.comparisons import BASELINE, GENERATED, HAND, LIMIT
from benchmarks.side_by_side.jobs import Job

Entry = tuple[Job, dict[str, Any]]
COLUMNS = (GENERATED, HAND, LIMIT, "torch loop", "JAX scan", "HIPS autograd")


def page(entries: list[Entry], machine: str) -> str:
    """All tables of a run."""
    parts = [f"Measured on {machine}."]
    for kind, table in TABLES.items():
        own = [entry for entry in entries if entry[0]["kind"] == kind]
        if own:
            parts.append(table(own))
    skipped = sorted({f"{name}: {why}" for _, result in entries for name, why in result["skipped"].items()})
    if skipped:
        parts.append("Not measured:\n\n" + "\n".join(f"- {one}" for one in skipped))
    return "\n\n".join(parts) + "\n"


def _grid(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(head), *(list(row) for row in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _gradients(entries: list[Entry]) -> str:
    head = ["(B, T, m, n)", f"{BASELINE}, ms", *COLUMNS, "generated / hand-made", "generated / products"]
    rows = []
    for job, result in entries:
        timings = result["timings"]
        cells = [_where(job), _milliseconds(timings.get(BASELINE))]
        cells += [_ratio(timings.get(name)) for name in COLUMNS]
        rows.append([*cells, _quotient(timings, HAND), _quotient(timings, LIMIT)])
    title = f"## Forward and all gradients, one thread: time / {BASELINE}, median (quartiles)"
    return f"{title}\n\n{_grid(head, rows)}"


def _threads(entries: list[Entry]) -> str:
    rows = []
    for job, result in entries:
        timings = result["timings"]
        cells = [_where(job), _milliseconds(timings.get(BASELINE))]
        rows.append([*cells, *(_ratio(timings.get(name)) for name in COLUMNS[:2])])
    head = ["(B, T, m, n)", f"{BASELINE}, ms", *COLUMNS[:2]]
    return f"## Two threads, the batch split: time / {BASELINE} with two threads\n\n{_grid(head, rows)}"


def _memory(entries: list[Entry]) -> str:
    rows = []
    for job, result in entries:
        for name, peaks in result["peaks"].items():
            told = [f"{top / least:.2f} (of {least / 2**20:.1f} MiB) at T = {steps}" for steps, least, top in peaks]
            rows.append([_where(job), name, *told])
    head = ["(B, T, m, n)", "code", "peak / needed", "at twice the steps"]
    return f"## Peak memory over the arrays that the formulas need\n\n{_grid(head, rows)}"


def _cost(entries: list[Entry]) -> str:
    names = [name for name in CHECKERS if any(name in result["timings"] for _, result in entries)]
    rows = []
    for job, result in entries:
        _, T, m, n = job["point"]
        timings = result["timings"]
        told = [_spread(timings[name]["seconds"], 1000) if name in timings else "–" for name in names]
        rows.append([f"n = {n}, m = {m}, T = {T}", *told])
    return f"## One check of correct gradients, ms, median (quartiles)\n\n{_grid(['sizes', *names], rows)}"


def _power(entries: list[Entry]) -> str:
    rates = {job["checker"]: result["rates"] for job, result in entries if result["rates"]}
    rows = []
    for error in (*planted.ERRORS, ""):
        rows.append([error or "**none: correct gradients**", *(_rate(found.get(error)) for found in rates.values())])
    point = entries[0][0]["point"]
    title = f"## Planted errors: refused of all seeds, (B, T, m, n) = {_point(point)}, float64"
    return f"{title}\n\n{_grid(['error', *rates], rows)}"


def _where(job: Job) -> str:
    return f"{job['model'].upper()} {_point(job['point'])} {job['dtype']}"


def _point(point: Any) -> str:
    return f"({', '.join(str(size) for size in point)})"


def _milliseconds(timing: Any) -> str:
    return "–" if timing is None else _spread(timing["seconds"], 1000)


def _ratio(timing: Any) -> str:
    return "–" if timing is None else _spread(timing["ratio"], 1)


def _spread(spread: Any, scale: float) -> str:
    median, low, high = (scale * spread[key] for key in ("median", "low", "high"))
    return f"{median:.3g} ({low:.3g}–{high:.3g})"


def _quotient(timings: Any, other: str) -> str:
    if GENERATED not in timings or other not in timings:
        return "–"
    return f"{timings[GENERATED]['ratio']['median'] / timings[other]['ratio']['median']:.2f}"


def _rate(found: Any) -> str:
    return "–" if found is None else f"{100 * found[0] / found[1]:.0f} % of {found[1]}"


TABLES: dict[str, Callable[[list[Entry]], str]] = {
    "gradients": _gradients,
    "threads": _threads,
    "memory": _memory,
    "cost": _cost,
    "power": _power,
}
