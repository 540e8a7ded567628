"""A time limit on one claim: Python code is interrupted by an alarm, where the system has one.

Processor time is measured, so that a verdict does not depend on what else the machine does.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

AGAIN = 0.5  # seconds: a ring within a finalizer or a callback of the garbage collector is swallowed by Python


class Overtime(BaseException):
    """The limit has passed. No `Exception`: code that survives any error must not survive this."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise `Overtime` inside the block after so many seconds of this process's processor time (0: no limit).

    Only in the main thread, and on Unix.
    """
    if seconds <= 0 or threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    is_over = False

    def ring(number: int, frame: FrameType | None) -> None:
        if not is_over:
            raise Overtime

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds, AGAIN)
    try:
        yield
    finally:
        is_over = True
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
