"""What the pytest plugin costs a run that does not use it: `pytest --collect-only` with the plugin and without.

    python benchmarks/plugin.py [RUNS]       # a Markdown table on standard output

Runs with and without follow each other in turn, on a project of one empty test. Where Backproof is installed with its
entry point, pytest loads the plugin itself and `-p no:backproof` leaves it out; else `-p verify.pytest_plugin` loads
it. A difference below zero says that the cost is less than what differs from run to run. Whoever installs a plugin also
has pytest read the list of the distribution's files at each start; that is timed by itself, and 0 for an editable
installation.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, distribution, entry_points
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from time import perf_counter, process_time

RUNS = 40
MOST = 20.0  # milliseconds


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    with_it, without = arguments()
    found: dict[str, list[tuple[float, float]]] = {"with": [], "without": []}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_nothing.py").write_text("def test_nothing():\n    pass\n", encoding="utf-8")
        for _ in range(runs + 1):
            found["with"].append(timed(folder, with_it))
            found["without"].append(timed(folder, without))
    print(f"{runs} runs each, {' '.join(['pytest --collect-only', *with_it])}")
    print()
    print("| milliseconds, medians | processor | elapsed |")
    print("|---|---|---|")
    pairs = list(zip(found["with"][1:], found["without"][1:], strict=True))
    found["difference within a pair"] = [(a - c, b - d) for (a, b), (c, d) in pairs]
    rows = {name: [median(column) for column in zip(*times[-runs:], strict=True)] for name, times in found.items()}
    for name, (spent, elapsed) in rows.items():
        print(f"| {name} | {spent:.1f} | {elapsed:.1f} |")
    files = reading_the_list_of_files()
    print(f"| reading the list of files | {files:.1f} | |")
    print()
    total = rows["difference within a pair"][0] + files
    print(f"{total:.1f} ms of processor time together, where {MOST:g} are allowed")
    if total > MOST:
        sys.exit(1)


def arguments() -> tuple[list[str], list[str]]:
    """pytest's arguments with the plugin, and without."""
    if any(point.name == "backproof" for point in entry_points(group="pytest11")):
        return [], ["-p", "no:backproof"]
    return ["-p", "verify.pytest_plugin"], []


def timed(folder: str, arguments: list[str]) -> tuple[float, float]:
    """Milliseconds of one run: of the processor, and elapsed."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *arguments]
    before, began = getrusage(RUSAGE_CHILDREN), perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    elapsed, after = perf_counter() - began, getrusage(RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return 1000 * spent, 1000 * elapsed


def reading_the_list_of_files() -> float:
    """Milliseconds in which pytest reads which modules of the distribution it shall rewrite assertions in."""
    times = []
    for _ in range(20):
        try:
            found = distribution("backproof")
        except PackageNotFoundError:
            return 0.0
        began = process_time()
        _ = [str(file) for file in found.files or ()]
        times.append(1000 * (process_time() - began))
    return median(times)


if __name__ == "__main__":
    main()
