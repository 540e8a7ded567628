"""Generated code and the audit beside their peers: speed, gradient checks, planted errors, memory.

    pip install -e ".[peers]"
    python benchmarks/speed.py                             # all of it
    python benchmarks/speed.py --only gradients --models rnn lstm
    python benchmarks/speed.py --quick                     # tiny sizes: does it run?

One process per comparison; inside it everyone runs in every round, ratios are taken within a round, and the median over
all rounds is told with its quartiles. What runs on one thread is told in processor time, which other work on the
machine does not lengthen (`--clock wall`: in wall time); two threads in wall time. Every subject's gradients are first
compared with the hand-written reference.
Writes results.json, speed.md and speed.png to --out. What is not installed, or does not exist, is named and left out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SINGLE = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "NUMEXPR_NUM_THREADS")
XLA = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


def main(arguments: Sequence[str] | None = None) -> None:
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    from benchmarks.side_by_side import machine, plot, tables
    from benchmarks.side_by_side.jobs import KINDS, done, jobs
    from benchmarks.side_by_side.problems import MODELS

    options = _options(KINDS, list(MODELS), arguments)
    if options.one:
        print(json.dumps(done(json.loads(options.one), options.modules)))
        return
    options.out.mkdir(parents=True, exist_ok=True)
    machines = f"{machine.line()}; {machine.load()}"
    entries: list[tuple[dict[str, Any], dict[str, Any]]] = []
    for job in jobs(options.only, options.models, options.seconds, options.quick, options.clock):
        entries.append((job, _in_its_own_process(job, options.modules)))
        print(_told(*entries[-1]), file=sys.stderr, flush=True)
    page = tables.page(entries, machines)
    (options.out / "results.json").write_text(json.dumps(entries, indent=1), encoding="utf-8")
    (options.out / "speed.md").write_text(page, encoding="utf-8")
    if not plot.drawn(entries, options.out / "speed.png"):
        print("no plot: Matplotlib or the timings are missing", file=sys.stderr)
    print(page)


def _options(kinds: Iterable[str], models: list[str], arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="tiny sizes and hardly any rounds")
    parser.add_argument("--only", nargs="+", choices=list(kinds), default=list(kinds), help="which comparisons")
    parser.add_argument("--models", nargs="+", choices=models, default=models, help="which systems")
    parser.add_argument("--seconds", type=float, help="for each comparison; the large ones get more (default 10)")
    parser.add_argument("--clock", choices=["cpu", "wall"], default="cpu", help="of what runs on one thread")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "speed", help="folder for what is written")
    parser.add_argument("--modules", type=Path, help="folder of generated MODEL.py, instead of printing them now")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    found = parser.parse_args(arguments)
    if found.seconds is None:
        found.seconds = 0.02 if found.quick else 10.0
    return found


def _in_its_own_process(job: dict[str, Any], modules: Path | None) -> dict[str, Any]:
    """Done in a fresh process; gradients are checked in one of their own before, whose heap the timing does not see."""
    if job["kind"] == "gradients" and "part" not in job:
        _in_its_own_process(job | {"part": "check"}, modules)
        job = job | {"part": "time"}
    command = [sys.executable, str(Path(__file__).resolve()), "--one", json.dumps(job)]
    command += ["--modules", str(modules)] if modules else []
    environment = os.environ | dict.fromkeys(SINGLE, "1") | {"XLA_FLAGS": XLA, "JAX_PLATFORMS": "cpu"}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, env=environment)
    if ran.returncode != 0:
        raise SystemExit(f"{job} ended with exit code {ran.returncode}: see above")
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


def _told(job: dict[str, Any], result: dict[str, Any]) -> str:
    what = " ".join(str(job[key]) for key in ("kind", "model", "checker", "point", "dtype") if key in job)
    ratios = {name: one["ratio"]["median"] for name, one in result.get("timings", {}).items() if "ratio" in one}
    return f"{what}: {', '.join(f'{name} {ratio:.3f}' for name, ratio in ratios.items()) or 'done'}"


if __name__ == "__main__":
    main()
