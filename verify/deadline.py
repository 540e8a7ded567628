"""A time limit on one claim: Python code is interrupted by an alarm, where the system has one.

Processor time is measured, so that a verdict does not depend on what else the machine does.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


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

    def ring(number: int, frame: FrameType | None) -> None:
        raise Overtime

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
