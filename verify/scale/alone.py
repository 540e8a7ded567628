"""The crew of one: tasks are done here and now, in the order in which they come."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

from verify.scale.crew import Done, Lost, Task


class Alone:
    """This process; nobody ends a task that hangs but Ctrl-C."""

    room = 1

    def submit(self, task: Task) -> Future[Any]:
        """Do it."""
        future: Future[Any] = Future()
        try:
            future.set_result(task.function(*task.arguments))
        except Exception as error:  # what a function raises costs its own task
            future.set_exception(error)
        return future

    def outcome(self, task: Task, future: Future[Any]) -> Done | Lost:
        """The result, or the error in words."""
        error = future.exception()
        return Done(future.result()) if error is None else Lost(broken(error))

    def look(self, silence: float) -> None:
        """Never silent: a task is done when it is submitted."""

    def close(self) -> None:
        """Nothing to end."""


def broken(error: BaseException) -> str:
    """An error that a task's function raised, in words."""
    return f"an error in Backproof: {type(error).__name__}: {error}"
