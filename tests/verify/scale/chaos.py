"""What goes wrong with processes: functions for them that die, hang or raise, the first time or every time."""

import os
import signal
import time
from pathlib import Path


def echo(value):
    return value


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def hang():
    while True:
        time.sleep(60)


def broken():
    raise ValueError("broken")


def die_once(path, value):
    if not Path(path).exists():
        Path(path).touch()
        die()
    return value


def slow(seconds, value):
    time.sleep(seconds)
    return value


def judged_but(manuscript, effort, kept, place, names):
    """As `verify.judging.judged`, but the process of 2.3 dies and that of a hangs."""
    from verify import judging

    if "2.3" in names:
        die()
    if "a" in names:
        hang()
    return judging.judged(manuscript, effort, kept, place, names)


def conflicting(manuscript, effort, kept, place, names):
    from verify import judging

    return judging.Conflict(f"{names[0]}: one says equal, one says differ") if "2.3" in names else []


def planted_but(target, start, most=None):
    """As `verify.campaign.planting.planted`, but a process that judges the third mutant of the first claim dies."""
    from verify.campaign import planting

    if target.statement == 2 and (start == 2 if most == 1 else most is None and start <= 2):
        die()
    return planting.planted(target, start, most)
