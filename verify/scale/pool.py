"""A crew of processes on this machine, by Pebble: one that hangs is killed, one that dies takes one task with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import CancelledError, Future
from concurrent.futures.process import BrokenProcessPool
from importlib import import_module
from typing import Any

from pebble import ProcessExpired, ProcessPool

from verify.errors import CallError
from verify.scale.alone import broken
from verify.scale.crew import GRACE, Done, Lost, Task

MOST_BREAKDOWNS = 5  # in a row: then no process lives long enough to do anything
PULSE = 0.5  # seconds between two looks of a worker at whether its parent still lives


class Pool:
    """So many processes, which import `modules` before their first task. Raises `CallError` where none can live."""

    def __init__(self, jobs: int, modules: tuple[str, ...] = ()) -> None:
        self.jobs, self.modules = jobs, modules
        self.room = 2 * jobs  # each has its next task at hand
        self.breakdowns = 0
        self.is_closed = False
        self.longest: float | None = 0.0
        self.pool = self._new()

    def submit(self, task: Task) -> Future[Any]:
        """Hand a task over, to new processes where the old ones have broken down."""
        if self.longest is not None:
            self.longest = None if task.limit is None else max(self.longest, task.limit)
        if not self.pool.active:
            self._replace()
        future: Future[Any] = self.pool.schedule(task.function, args=task.arguments, timeout=task.limit)
        return future

    def outcome(self, task: Task, future: Future[Any]) -> Done | Lost:
        """What the process said, or how it ended."""
        try:
            found: Done | Lost = Done(future.result())
        except ProcessExpired as end:
            return Lost(f"the process that did it died ({_death(end.exitcode)})", is_death=True)
        except TimeoutError:
            found = Lost(f"no answer after {task.limit:g} s, so its process was killed")
        except (BrokenProcessPool, CancelledError):
            return Lost("the processes broke down", is_death=True, is_guilty=False)
        except Exception as error:  # whatever a task raised, in its process or on the way, costs this task alone
            found = Lost(broken(error))
        self.breakdowns = 0
        return found

    def look(self, silence: float) -> None:
        """Longer than any task may take: a process died with a lock or half a message in its hands."""
        if self.longest is not None and silence > self.longest + GRACE:
            self._replace()

    def close(self) -> None:
        """Kill every process; nothing that they do is worth waiting for."""
        self.is_closed = True
        _end(self.pool)

    def _replace(self) -> None:
        if self.is_closed:
            raise CallError("the processes were ended")
        self.breakdowns += 1
        _end(self.pool)
        if self.breakdowns > MOST_BREAKDOWNS:
            raise CallError(
                f"the processes of --jobs {self.jobs} die before they do anything: is there memory for so many? "
                "--jobs 1 needs none"
            )
        self.pool = self._new()

    def _new(self) -> ProcessPool:
        return ProcessPool(self.jobs, context=context(self.modules), initializer=prepare, initargs=(self.modules,))


def context(modules: tuple[str, ...]) -> Any:
    """How processes begin: forked from one that has imported what they need, where the system can.

    Never from this one, which has threads.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(list(modules))
    return found


def prepare(modules: tuple[str, ...]) -> None:
    """A worker's first act: import what tasks need, and see to it that it does not outlive its parent."""
    for name in modules:
        import_module(name)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()


def _end_with(parent: int) -> None:
    """End this process when another process became its parent: the one that started it is gone."""
    while os.getppid() == parent:
        time.sleep(PULSE)
    os._exit(1)


def _end(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]  # Pebble gives it no types
    pool.join()


def _death(code: int | None) -> str:
    """An exit code in words."""
    if code is None or code >= 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = str(-code)
    return f"signal {name}{', perhaps out of memory' if name == 'SIGKILL' else ''}"
