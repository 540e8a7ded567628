"""Whatever becomes of a process: every task has one outcome, and no other task loses its own."""

import multiprocessing
import os
import signal
import time

import pytest

from tests.verify.scale import chaos
from tests.verify.scale.sessions import HEAVY
from verify.errors import CallError
from verify.scale.alone import Alone
from verify.scale.crew import Done, Lost, Task, listed, wall_limit, work
from verify.scale.pool import Pool


@pytest.fixture
def pool():
    crew = Pool(2)
    yield crew
    crew.close()
    assert not [process for process in multiprocessing.active_children() if "pebble" in process.name]


def outcomes(crew, tasks):
    return {task.about: outcome for task, outcome in work(crew, listed(tasks))}


def test_one_that_hangs_dies_or_raises_costs_its_own_task_alone(pool, tmp_path):
    tasks = [Task(chaos.echo, (number,), 60, number) for number in range(8)]
    tasks[2:2] = [
        Task(chaos.hang, (), 0.5, "hangs"),
        Task(chaos.die, (), 60, "dies"),
        Task(chaos.die_once, (str(tmp_path / "once"), "second try"), 60, "dies once"),
        Task(chaos.broken, (), 60, "raises"),
    ]
    found = outcomes(pool, tasks)
    assert len(found) == len(tasks)
    assert all(found[number] == Done(number) for number in range(8))
    assert found["hangs"] == Lost("no answer after 0.5 s, so its process was killed")
    assert found["dies"].reason == "the process that did it died (signal SIGKILL, perhaps out of memory), 2 times"
    assert found["dies once"] == Done("second try")
    assert found["raises"].reason == "an error in Backproof: ValueError: broken"


@HEAVY
def test_processes_that_die_between_tasks_are_replaced(pool):
    assert outcomes(pool, [Task(chaos.echo, (1,), None, 1)]) == {1: Done(1)}
    for process in multiprocessing.active_children():
        os.kill(process.pid, signal.SIGKILL)
    assert outcomes(pool, [Task(chaos.echo, (2,), None, 2)]) == {2: Done(2)}


def test_a_pool_that_is_silent_for_too_long_is_replaced_and_its_tasks_are_done_again(pool):
    """A process that is killed with a lock in its hands leaves the others waiting for ever."""
    task = Task(chaos.hang, (), 30.0)
    future = pool.submit(task)
    while not future.running():
        time.sleep(0.01)
    pool.look(30.0)
    assert not future.done()
    pool.look(10_000.0)
    outcome = pool.outcome(task, future)
    assert outcome.is_death
    assert not outcome.is_guilty
    assert outcomes(pool, [Task(chaos.echo, (3,), 30, 3)]) == {3: Done(3)}


@HEAVY
def test_a_pool_in_which_no_process_lives_says_so():
    pool = Pool(1, ("no.such.module",))
    try:
        with pytest.raises(CallError, match="die before they do anything"):
            outcomes(pool, [Task(chaos.echo, (1,), 60, 1)])
    finally:
        pool.close()


def test_alone_the_outcomes_are_the_same():
    found = outcomes(Alone(), [Task(chaos.echo, (1,), None, 1), Task(chaos.broken, (), None, "raises")])
    assert found == {1: Done(1), "raises": Lost("an error in Backproof: ValueError: broken")}


def test_an_outcome_may_lead_to_more_tasks():
    queue = [Task(chaos.echo, (3,))]
    seen = []
    for _, outcome in work(Alone(), lambda: queue.pop() if queue else None):
        seen.append(outcome.value)
        if outcome.value:
            queue.append(Task(chaos.echo, (outcome.value - 1,)))
    assert seen == [3, 2, 1, 0]


def test_without_a_time_limit_nothing_counts_as_hung():
    assert wall_limit(0) is None
    assert wall_limit(1) > 1
