"""Tries the whole reader with texts that nobody would write, and prints what breaks it so that it can be replayed.

    python fuzz/reader.py --inputs 1000000 --seconds 3600 --seed 1     # formulas, at most so long
    python fuzz/reader.py --replay 1:4711                              # one document again, in this process

A worker process reads; its memory is limited, each document has so many seconds of processor time, and what the
process does is watched. No crash, no hang, no exception that is not a message with a place, no code run, no other file
opened.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import resource
import signal
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any

from checked import Broken, Watch, check
from shrink import shrunk
from texts import DISPLAYS, ROOT, document

MEMORY = 2_000_000_000  # bytes of address space of the worker
SECONDS = 5.0  # of processor time for one document
PATIENCE = 60.0  # seconds without a sign of life: a hang inside C code, where no alarm is heard
SHOWN = 2_000


class TooLong(BaseException):
    """A document took more processor time than it has; no `Exception`, so that nothing survives it."""


@dataclass
class Tally:
    """What was read so far."""

    documents: int = 0
    equations: int = 0
    claims: int = 0
    slowest: float = 0.0
    failures: dict[str, str] = field(default_factory=dict)

    def add(self, equations: int, claims: int, seconds: float) -> None:
        self.documents += 1
        self.equations += equations
        self.claims += claims
        self.slowest = max(self.slowest, seconds)

    def line(self) -> str:
        return (
            f"{self.documents:,} documents, {self.documents * DISPLAYS:,} formulas put in, "
            f"{self.equations:,} equations found, {self.claims:,} readings became claims; "
            f"slowest document {self.slowest:.2f} s; {len(self.failures)} failures"
        )


def signature(error: BaseException) -> str:
    """What kind of failure it is: the exception and the innermost place of ours."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(str(ROOT))]
    where = f"{Path(frames[-1].filename).relative_to(ROOT)}:{frames[-1].name}" if frames else "?"
    said = f": {error}" if isinstance(error, Broken) else ""
    return f"{type(error).__name__} in {where}{said}"


def attempt(form: Any, text: str, watch: Watch | None = None) -> tuple[int, int, str]:
    """Equations, claims, and the failure's signature, empty for none; within the time of one document."""
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        return *check(form, text, watch), ""
    except (TooLong, Exception) as error:  # whatever it is, it is what is looked for
        return 0, 0, signature(error)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _ring(number: int, frame: FrameType | None) -> None:
    raise TooLong


def work(seed: int, first: int, step: int, now: Any, pipe: Connection) -> None:
    """Read documents first, first + step, … for ever, and say what came of each."""
    signal.signal(signal.SIGPROF, _ring)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with tempfile.TemporaryDirectory() as folder:
        for number in range(5):  # what is imported on the way is imported before the watch begins
            attempt(*document(0, number))
        watch = Watch(Path(folder).resolve()).install()
        number = first
        while True:
            now.value = number
            form, text = document(seed, number)
            began = time.process_time()
            equations, claims, failure = attempt(form, text, watch)
            pipe.send((number, equations, claims, failure, time.process_time() - began))
            if number % 500 == 0:
                gc.collect()
            number += step


def run(seed: int, inputs: int, seconds: float, first: int = 0, report: Any = print) -> Tally:
    """Supervise workers until so many formulas were put in, or so long."""
    tally = Tally()
    context = multiprocessing.get_context("fork")
    end = time.monotonic() + seconds
    while tally.documents * DISPLAYS < inputs and time.monotonic() < end:
        receiver, sender = context.Pipe(duplex=False)
        now = context.Value("q", first)
        worker = context.Process(target=work, args=(seed, first, 1, now, sender), daemon=True)
        worker.start()
        sender.close()
        fault = _supervise(receiver, tally, seed, inputs, end, report)
        if worker.is_alive():
            worker.kill()
        worker.join()
        first = now.value + 1
        if fault:
            _note(tally, fault, seed, now.value, report)
    return tally


def _supervise(receiver: Connection, tally: Tally, seed: int, inputs: int, end: float, report: Any) -> str:
    """Take the worker's results; why it has to be replaced, empty where nothing is wrong."""
    while tally.documents * DISPLAYS < inputs and time.monotonic() < end:
        if not receiver.poll(PATIENCE):
            return "a hang that no alarm ends"
        try:
            number, equations, claims, failure, used = receiver.recv()
        except EOFError:
            return "the worker died"
        tally.add(equations, claims, used)
        if failure:
            _note(tally, failure, seed, number, report)
    return ""


def _note(tally: Tally, failure: str, seed: int, number: int, report: Any) -> None:
    if failure in tally.failures:
        return
    tally.failures[failure] = f"{seed}:{number}"
    report(f"{failure}\n  replay with: python fuzz/reader.py --replay {seed}:{number}")


def replay(which: str) -> int:
    """One document again, its failure with the traceback, and the shortest text found that fails so too."""
    seed, number = map(int, which.split(":"))
    signal.signal(signal.SIGPROF, _ring)
    form, text = document(seed, number)
    with tempfile.TemporaryDirectory() as folder:
        watch = Watch(Path(folder).resolve()).install()
        failure = attempt(form, text, watch)[2]
        return _shown(which, form, text, failure, watch)


def _shown(which: str, form: str, text: str, failure: str, watch: Watch) -> int:
    if not failure:
        print(f"{which}: nothing fails")
        return 0
    small = shrunk(text, lambda candidate: attempt(form, candidate, watch)[2] == failure)
    print(f"{which} ({form}): {failure}\n--- the shortest text found\n{small[:SHOWN]!r}\n---")
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        check(form, small, watch)  # type: ignore[arg-type]
    except (TooLong, Exception):
        traceback.print_exc(limit=-6)
    return 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=3_600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="the number of the first document")
    parser.add_argument("--replay", metavar="SEED:NUMBER")
    options = parser.parse_args()
    if options.replay:
        return replay(options.replay)
    began = time.monotonic()
    tally = run(options.seed, options.inputs, options.seconds, options.first)
    print(f"seed {options.seed}: {tally.line()}; {time.monotonic() - began:.0f} s")
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
