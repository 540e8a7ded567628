"""Tasks and who does them: every task is seen through, whatever becomes of the process that does it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from time import monotonic
from typing import Any, Protocol

LOOK = 1.0  # seconds between two looks at a crew from which nothing comes
MOST_DEATHS = 2  # of the processes that do one task
PATIENCE = 5  # wall seconds for each second of processor time: other programs take their share
GRACE = 20.0  # seconds for what is no claim's own: reading its document


@dataclass(frozen=True)
class Task:
    """A module's function and its arguments, which must survive pickle.

    After `limit` seconds by the clock the process that does it counts as hung (None: it may take for ever). `about` is
    the caller's own and is sent nowhere.
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    limit: float | None = None
    about: Any = None


@dataclass(frozen=True)
class Done:
    """What the function returned."""

    value: Any


@dataclass(frozen=True)
class Lost:
    """Why a task has no result.

    `is_death`: its process ended under it, so that another try may succeed; `is_guilty`: it was this task's process,
    not one that took the whole crew with it.
    """

    reason: str
    is_death: bool = False
    is_guilty: bool = True


class Crew(Protocol):
    """Who does tasks. `room` is how many are handed over at a time."""

    room: int

    def submit(self, task: Task) -> Future[Any]:
        """Hand a task over."""

    def outcome(self, task: Task, future: Future[Any]) -> Done | Lost:
        """What became of it, once its future is done. Raises `CallError` where the whole crew is gone."""

    def look(self, silence: float) -> None:
        """Called while nothing comes, for so many seconds by now. Raises `CallError` where nothing will."""

    def close(self) -> None:
        """End every process at once."""


def wall_limit(seconds: float) -> float | None:
    """When a task that may use so much processor time counts as hung (0: never)."""
    return PATIENCE * seconds + GRACE if seconds > 0 else None


def listed(tasks: Iterable[Task]) -> Callable[[], Task | None]:
    """What `work` takes its tasks from, where all of them are known, or made one by one."""
    rest = iter(tasks)
    return lambda: next(rest, None)


def work(crew: Crew, take: Callable[[], Task | None]) -> Iterator[tuple[Task, Done | Lost]]:
    """Every task with its outcome, as they come.

    `take` gives the next task, or None where there is none for now; it is asked again after each outcome, so that an
    outcome may lead to more tasks. A task whose process dies is tried once more. Raises `CallError` where no task gets
    through at all.
    """
    flying: dict[Future[Any], tuple[Task, int]] = {}
    again: list[tuple[Task, int]] = []
    heard = monotonic()
    while True:
        while len(flying) < crew.room:
            task, deaths = again.pop() if again else (take(), 0)
            if task is None:
                break
            flying[crew.submit(task)] = (task, deaths)
        if not flying:
            return
        done, _ = wait(flying, timeout=LOOK, return_when=FIRST_COMPLETED)
        if not done:
            crew.look(monotonic() - heard)
            continue
        heard = monotonic()
        for future in [future for future in flying if future in done]:  # in the order in which they were handed over
            task, deaths = flying.pop(future)
            outcome = crew.outcome(task, future)
            deaths += isinstance(outcome, Lost) and outcome.is_guilty
            if not isinstance(outcome, Lost) or not outcome.is_death:
                yield task, outcome
            elif deaths < MOST_DEATHS:
                again.append((task, deaths))
            else:
                yield task, Lost(f"{outcome.reason}, {MOST_DEATHS} times")
