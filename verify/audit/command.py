"""`backproof audit`: the function in a process of its own, under a time limit; its end, however it comes, reported."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from queue import Empty, Queue
from threading import Thread, current_thread, main_thread
from typing import Any

from verify.audit.faults import Fault
from verify.audit.findings import AuditReport
from verify.audit.report import data, text
from verify.audit.worker import LOST
from verify.errors import CallError, clean
from verify.files import write

INTERRUPTED = 130


@dataclass(frozen=True)
class Order:
    """What the command asks for: the function and model as written, the plan, how the function is called."""

    function: str
    model: str
    choices: Mapping[str, str]
    plan: Mapping[str, Any]
    how: Mapping[str, Any]
    time_limit: float


@dataclass
class Outcome:
    """What the worker said last, and how it ended."""

    stage: str = "starting"
    said: dict[str, Any] | None = None
    fault: Fault | None = None


def execute(
    function: str,
    model: str,
    *,
    choices: tuple[str, ...],
    arrays: str,
    dtype: str,
    only: tuple[str, ...],
    returns: tuple[str, ...],
    size: tuple[str, ...],
    instances: int,
    seed: int,
    exact: bool,
    time_limit: float,
    json_path: str | None,
    quiet: bool,
) -> int:
    """The command with its options as they are written; the exit code."""
    try:
        plan = {"sizes": sizes_in(size), "instances": instances, "seed": seed, "dtype": dtype, "is_exact": exact}
    except CallError as error:
        print_error(str(error))
        return 2
    how = {"arrays": arrays, "wrt": names_in(only), "order": names_in(returns)}
    own = dict(pair.partition("=")[::2] for pair in choices)
    return run(Order(function, model, own, plan, how, time_limit), json_path, quiet)


def run(order: Order, json_path: str | None = None, quiet: bool = False) -> int:
    """Audit and print; the exit code: 0 accepted, 1 not, 2 the call is wrong, 3 witnesses disagree, 130 interrupted."""
    try:
        with terminated_as_interrupted():
            outcome = watched(order, sys.stderr.isatty() and not quiet)
    except KeyboardInterrupt:
        print_error("interrupted")
        return INTERRUPTED
    said = outcome.said
    if said is not None and "error" in said:
        print_error(said["error"])
        return int(said["code"])
    if said is None:
        fault = outcome.fault or Fault("crash", "it ended without an answer")
        ended = AuditReport(order.function, order.model, order.plan["dtype"], (), faults=(fault,))
        said = {"text": text(ended), "data": data(ended), "code": 1}
    try:
        show(said, json_path, quiet)
    except OSError as error:
        print_error(f"--json {json_path}: cannot be written: {error.strerror}")
        return 2
    return int(said["code"])


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM ends the worker too, as Ctrl-C does: it has a session of its own and would go on."""

    def interrupt(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    if current_thread() is not main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def show(said: Mapping[str, Any], json_path: str | None, quiet: bool) -> None:
    """The report, as text and where asked as JSON; with JSON on standard output the text goes to standard error."""
    if not quiet:
        stream = sys.stderr if json_path == "-" else sys.stdout
        stream.write(clean(said["text"]) + "\n")
    if json_path is None:
        return
    written = json.dumps(said["data"], ensure_ascii=False, indent=1) + "\n"
    if json_path == "-":
        sys.stdout.write(written)
    else:
        write(written, json_path)


def print_error(message: str) -> None:
    """One message on standard error."""
    sys.stderr.write(f"error: {clean(message)}\n")


# --- the worker --------------------------------------------------------------------------------------------------


def watched(order: Order, shows_progress: bool) -> Outcome:
    """Run the worker to its end, or to the time limit."""
    outcome = Outcome()
    with started(order) as process:
        deadline = time.monotonic() + order.time_limit if order.time_limit else float("inf")
        for line in lines(process, deadline):
            if "stage" in line:
                outcome.stage = line["stage"]
                if shows_progress:
                    sys.stderr.write(f"\r\x1b[K{clean(outcome.stage)}")
                    sys.stderr.flush()
            elif "fault" in line:
                kind, message = line["fault"]
                outcome.fault = Fault(kind, f"{message} while {outcome.stage}")
            else:
                outcome.said = line
        if shows_progress:
            sys.stderr.write("\r\x1b[K")
        if outcome.said is None and outcome.fault is None:
            outcome.fault = ended(process, outcome.stage, order.time_limit, time.monotonic() >= deadline)
    return outcome


def ended(process: subprocess.Popen[bytes], stage: str, limit: float, is_late: bool) -> Fault:
    """Why there is no answer."""
    if is_late:
        return Fault("time limit", f"{limit:g} s have passed while {stage} (--time-limit)")
    try:
        code = process.wait(timeout=2)
    except subprocess.TimeoutExpired:
        return Fault("crash", f"the process closed its channel while {stage}")
    if code == LOST:
        return Fault("crash", f"it closed file descriptors that it had not opened while {stage}")
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        return Fault("crash", f"the process was ended by {name} while {stage}")
    return Fault("exit", f"the process ended itself with code {code} while {stage}")


@contextmanager
def started(order: Order) -> Iterator[subprocess.Popen[bytes]]:
    """The worker, in a session of its own, which ends with this block; what it prints goes to standard error.

    Modules of the directory in which the command is called come after ours (-P): one may be called `verify`.
    """
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "verify.audit.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        if process.stdin is not None:
            with suppress(BrokenPipeError):  # it ended at once: why is found where its answer is missing
                process.stdin.write((json.dumps(asdict(order)) + "\n").encode())
                process.stdin.close()
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End the worker and what it has started."""
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def lines(process: subprocess.Popen[bytes], deadline: float) -> Iterator[dict[str, Any]]:
    """The worker's lines until it says its outcome, closes the channel, or the time is over."""
    said: Queue[bytes] = Queue()

    def listen() -> None:
        for one in process.stdout or ():
            said.put(one)
        said.put(b"")

    Thread(target=listen, daemon=True).start()
    while (left := deadline - time.monotonic()) > 0:
        try:
            line = said.get(timeout=min(left, 1.0))
        except Empty:
            continue
        if not line:
            return
        found = line_of(line)
        if found is None:
            continue
        yield found
        if "stage" not in found:
            return


def line_of(written: bytes) -> dict[str, Any] | None:
    """What the worker said, None for what a function has written into its channel."""
    try:
        found = json.loads(written)
    except ValueError:
        return None
    return found if isinstance(found, dict) and KEYS & set(found) else None


KEYS = frozenset({"stage", "fault", "error", "text"})


# --- options -----------------------------------------------------------------------------------------------------


def sizes_in(written: tuple[str, ...]) -> dict[str, int]:
    """--size n=64, T=100 … Raises CallError."""
    found = {}
    for part in ",".join(written).split(","):
        name, sign, number = part.strip().partition("=")
        if not part:
            continue
        if not sign or not number.strip().isdecimal():
            raise CallError(f"a size is written n=64, not {part.strip()!r}")
        if name.strip() in found:
            raise CallError(f"the size {name.strip()} is given twice")
        found[name.strip()] = int(number)
    return found


def names_in(written: tuple[str, ...]) -> tuple[str, ...]:
    """--only U,W, or --only U --only W."""
    return tuple(name.strip() for part in written for name in part.split(",") if name.strip())
