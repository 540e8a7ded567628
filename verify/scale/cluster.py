"""A crew on other machines, by dask.distributed: a worker that dies has its tasks done by others.

Within each thread of a worker stands a `Pool` of one process, since dask cannot end a task that hangs. The scheduler
and its workers are trusted like the installed package: whoever reaches them can run code there.
"""

from __future__ import annotations

import logging
import multiprocessing
import threading
from collections.abc import Mapping
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from functools import cache
from typing import Any

from verify.errors import CallError
from verify.installation import installed
from verify.scale.alone import broken
from verify.scale.crew import Done, Lost, Task, listed, work
from verify.scale.pool import Pool

CONNECT = 5.0  # seconds in which a scheduler answers, and has a worker
WITHOUT = 30.0  # seconds in which a cluster that has lost every worker may get new ones
DAEMON = "DASK_DISTRIBUTED__WORKER__DAEMON=False"


class Cluster:
    """The workers of one scheduler, all of which have the installation that this process has.

    Raises `CallError` where the scheduler does not answer, has no worker, or one that differs.
    """

    def __init__(self, address: str, modules: tuple[str, ...] = ()) -> None:
        self.address, self.modules = address, modules
        self.client = self._connected()
        try:
            self._check()
            self.executor = self.client.get_executor(pure=False)
            self.room = self._room()
        except BaseException:
            self.client.close()
            raise

    def submit(self, task: Task) -> Future[Any]:
        """Hand a task to the scheduler."""
        found: Future[Any] = self.executor.submit(
            inside, _here(), self.modules, task.function, task.arguments, task.limit
        )
        return found

    def outcome(self, task: Task, future: Future[Any]) -> Done | Lost:
        """What the worker said. Raises `CallError` where the scheduler is gone, or a worker differs."""
        from distributed.scheduler import KilledWorker

        try:
            found = future.result()
        except KilledWorker:
            return Lost("the workers of the cluster that did it died", is_death=True)
        except CancelledError:
            raise self._gone() from None
        except Exception as error:  # whatever a task raised on its worker costs this task alone
            return Lost(broken(error))
        if isinstance(found, str):
            raise self._differs(found)
        result: Done | Lost = found
        return result

    def look(self, silence: float) -> None:
        """Whether the scheduler lives and has workers, which may have become more."""
        if self.client.status != "running":
            raise self._gone()
        self.room = self._room()
        if not self.room and silence > WITHOUT:
            raise CallError(f"--cluster {self.address}: no worker is left since {WITHOUT:g} s")

    def close(self) -> None:
        """Take back what waits, end what runs, leave the cluster as it was."""
        with suppress(Exception):  # it may be gone, which is why we are here
            self.executor.shutdown(wait=False)
            if self.client.status == "running":
                self.client.run(end, on_error="ignore")
        with suppress(Exception):
            self.client.close(timeout=CONNECT)

    def _connected(self) -> Any:
        try:
            from distributed import Client
        except ImportError:
            raise CallError("--cluster needs dask.distributed: pip install 'backproof[cluster]'") from None
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what goes wrong is ours to say
        try:
            return Client(self.address, timeout=CONNECT, set_as_default=False)
        except (OSError, TimeoutError, ValueError, TypeError) as error:
            why = "is no address" if isinstance(error, ValueError | TypeError) else f"no answer within {CONNECT:g} s"
            raise CallError(
                f"--cluster {self.address}: {why}; expected the address that `dask scheduler` prints, tcp://host:8786"
            ) from None

    def _check(self) -> None:
        """Every worker is asked before anything is done. Raises `CallError`."""
        try:
            self.client.wait_for_workers(1, timeout=CONNECT)
        except TimeoutError:
            raise CallError(
                f"--cluster {self.address} has no worker: start some with {DAEMON} dask worker {self.address}"
            ) from None
        try:
            said = self.client.run(trouble, _here())
        except Exception as error:  # dask hands over whatever the import raised there
            raise self._differs(f"a worker cannot import Backproof: {type(error).__name__}: {error}") from None
        for worker, what in sorted(said.items()):
            if what:
                raise self._differs(f"the worker {worker} {what}")

    def _room(self) -> int:
        return 2 * sum(self.client.nthreads().values())

    def _gone(self) -> CallError:
        return CallError(f"--cluster {self.address}: the scheduler is gone")

    def _differs(self, what: str) -> CallError:
        return CallError(f"--cluster {self.address}: {what}")


# --- in a worker ----------------------------------------------------------------------------------------------------

_own = threading.local()
_pools: list[Pool] = []


def trouble(wanted: Mapping[str, str | None]) -> str:
    """What is wrong with this worker, or nothing: another installation than of who asks, no right to have processes."""
    other = [
        f"{name} {_short(_here()[name])}, not {_short(wanted[name])}"
        for name in wanted
        if _here()[name] != wanted[name]
    ]
    if other:
        return f"has another installation than this process: {', '.join(other)}; install the same on both"
    if multiprocessing.current_process().daemon:
        return f"may not start processes, which end tasks that hang: start it with {DAEMON}"
    return ""


@cache
def _here() -> Mapping[str, str | None]:
    return installed()


def _short(version: str | None) -> str:
    return "missing" if version is None else version[:12]


def inside(
    wanted: Mapping[str, str | None], modules: tuple[str, ...], function: Any, arguments: tuple[Any, ...],
    limit: float | None,
) -> Done | Lost | str:  # fmt: skip
    """Do a task in this thread's process; a text says why this worker, which came later, must not."""
    if what := trouble(wanted):
        return f"a worker {what}"
    if not hasattr(_own, "pool"):
        _own.pool = Pool(1, modules)
        _pools.append(_own.pool)
    try:
        return next(outcome for _, outcome in work(_own.pool, listed([Task(function, arguments, limit)])))
    except CallError as error:
        return Lost(str(error))


def end() -> None:
    """End the processes of every thread."""
    while _pools:
        _pools.pop().close()
