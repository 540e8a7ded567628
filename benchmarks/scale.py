"""What `--jobs 2` gains on a campaign: pairs of runs, one process and two, whose reports are compared byte for byte.

    python benchmarks/scale.py [PAIRS [LIMIT]]     # a Markdown table on standard output

Each run is a fresh process with a fresh journal. A pair's two runs follow each other in turning order, so that what
else the machine does falls on both. The ratio of a pair is the gain; the spread of the ratios is the noise.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DOCUMENTS = ("01-rnn.md", "04-layers.md", "11-stacked.md")


def main() -> None:
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    limit = sys.argv[2] if len(sys.argv) > 2 else "12"
    suite = Path(__file__).parent.parent / "verify" / "suite"
    files = [str(suite / name) for name in DOCUMENTS]
    ratios, seconds = [], {1: [], 2: []}
    print("| pair | 1 process | 2 processes | gain | load of the machine |")
    print("|---|---|---|---|---|")
    for pair in range(pairs):
        order = (1, 2) if pair % 2 else (2, 1)
        with tempfile.TemporaryDirectory() as folder:
            took = {jobs: _run(jobs, limit, files, Path(folder)) for jobs in order}
            reports = {(Path(folder) / f"{jobs}.json").read_bytes() for jobs in order}
        if len(reports) != 1:
            sys.exit("the reports differ")
        for jobs in order:
            seconds[jobs].append(took[jobs])
        ratios.append(took[1] / took[2])
        print(
            f"| {pair + 1} | {took[1]:.1f} s | {took[2]:.1f} s | {ratios[-1]:.2f} | {os.getloadavg()[0]:.1f} |",
            flush=True,
        )
    medians = [statistics.median(seconds[jobs]) for jobs in (1, 2)]
    print(f"| median | {medians[0]:.1f} s | {medians[1]:.1f} s | {statistics.median(ratios):.2f} | |")
    print(f"\nGains from {min(ratios):.2f} to {max(ratios):.2f}; {os.cpu_count()} cores.")


def _run(jobs: int, limit: str, files: list[str], folder: Path) -> float:
    command = [
        sys.executable, "-m", "verify.cli", "campaign", "--quiet", "--journal", str(folder / f"{jobs}.jsonl"),
        "--jobs", str(jobs), "--limit", limit, "--json", str(folder / f"{jobs}.json"), *files,
    ]  # fmt: skip
    began = time.perf_counter()
    code = subprocess.run(command, check=False).returncode
    if code not in (0, 1):
        sys.exit(f"the campaign ended with code {code}")
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
