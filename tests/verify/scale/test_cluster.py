"""`--cluster` on a real scheduler with real worker processes, one of which is killed in the middle."""

import os
import signal
import time
from threading import Thread

import pytest

from tests.verify.scale import chaos
from tests.verify.scale.sessions import HEAVY
from verify.errors import CallError
from verify.scale import cluster as module
from verify.scale.cluster import Cluster
from verify.scale.crew import Done, Lost, Task, listed, work

distributed = pytest.importorskip("distributed", reason="the extra [cluster] is not installed")


@pytest.fixture(scope="module")
def scheduler():
    import dask

    quiet = {"distributed.worker.daemon": False, "distributed.nanny.environ.OMP_NUM_THREADS": 1}
    with (
        dask.config.set(quiet),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
        ) as local,
    ):
        yield local


def test_a_worker_that_is_killed_in_the_middle_loses_nothing(scheduler):
    """Its tasks are done by the other; one that hangs, dies or raises costs itself alone."""
    crew = Cluster(scheduler.scheduler_address)
    tasks = [Task(chaos.slow, (0.1, number), 60, number) for number in range(30)]
    tasks[3:3] = [
        Task(chaos.hang, (), 1.0, "hangs"),
        Task(chaos.die, (), 60, "dies"),
        Task(chaos.broken, (), 60, "raises"),
    ]
    victim = next(iter(scheduler.workers.values())).pid
    found = {}
    for task, outcome in work(crew, listed(tasks)):
        found[task.about] = outcome
        if len(found) == 5:
            os.kill(victim, signal.SIGKILL)
    crew.close()
    assert {key: outcome for key, outcome in found.items() if isinstance(key, int)} == {n: Done(n) for n in range(30)}
    assert found["hangs"] == Lost("no answer after 1 s, so its process was killed")
    assert "died (signal SIGKILL" in found["dies"].reason
    assert found["raises"] == Lost("an error in Backproof: ValueError: broken")


def test_another_installation_is_refused_by_what_differs(scheduler, monkeypatch):
    monkeypatch.setattr(module, "_here", lambda: {**module.installed(), "sympy": "1.0"})
    with pytest.raises(
        CallError, match=r"has another installation than this process: sympy .*, not 1\.0; install the same"
    ):
        Cluster(scheduler.scheduler_address)


def test_workers_that_may_not_start_processes_are_refused(monkeypatch):
    monkeypatch.setattr(module.multiprocessing, "current_process", lambda: type("Daemon", (), {"daemon": True}))
    assert "start it with DASK_DISTRIBUTED__WORKER__DAEMON=False" in module.trouble(module._here())


@pytest.mark.parametrize(
    ("address", "why"), [("tcp://127.0.0.1:1", "no answer within 0.5 s"), ("nonsense", "is no address")]
)
def test_a_dead_address_is_said_at_once(address, why, monkeypatch):
    monkeypatch.setattr(module, "CONNECT", 0.5)
    began = time.monotonic()
    with pytest.raises(
        CallError, match=f"--cluster {address}: {why}; expected the address that `dask scheduler` prints"
    ):
        Cluster(address)
    assert time.monotonic() - began < 5


@HEAVY
def test_a_scheduler_that_goes_is_said():
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0", silence_logs=50
    ) as local:
        crew = Cluster(local.scheduler_address)
        Thread(target=lambda: (time.sleep(0.5), local.close()), daemon=True).start()
        with pytest.raises(CallError, match="the scheduler is gone"):
            list(work(crew, listed([Task(chaos.slow, (3, 1), 60, 1)])))
        crew.close()
    module.end()  # its worker was a thread of this process
