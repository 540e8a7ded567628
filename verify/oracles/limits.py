"""Why a numeric witness gives no answer, and what it says then."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from derive.errors import BackproofError
from verify.deciders.outcome import Outcome

ENTRIES = 1 << 22  # of an array of floats: 32 MB, and a value with its bound has three
EXACT_ENTRIES = 1 << 13  # of an array of exact numbers, each compared on its own
DIGITS = 1 << 15  # bits of an exact number
TERMS = 1 << 10  # factors of a power, terms of a sum over steps
NODES = 1 << 7  # of an exact formula in one entry: SymPy looks through all of them


class Unsupported(BackproofError):
    """The witness cannot evaluate this construct; the message names it."""


class OutOfScope(BackproofError):
    """A formula writes something that does not exist at these steps."""


class TooLarge(BackproofError):
    """A value would be larger than a witness allows; the message says how large."""


class NotFinite(BackproofError):
    """A value is no number."""


def check_size(what: str, size: int, largest: int) -> None:
    """Raise TooLarge before something larger is made."""
    if size > largest:
        raise TooLarge(f"too large: {size} {what}, and {largest} are the limit")


@np.errstate(all="ignore")  # what is not finite is found in the comparison, and said once
def answered(name: str, examine: Callable[[], Outcome]) -> Outcome:
    """What a witness says; what stops it becomes its answer, so that one witness never stops the others."""
    try:
        return examine()
    except (Unsupported, OutOfScope) as reason:
        return Outcome(name, "unknown", detail=str(reason))
    except TooLarge as reason:
        return Outcome(name, "limit", detail=str(reason))
    except (MemoryError, RecursionError) as reason:
        return Outcome(name, "limit", detail=f"too large: {str(reason) or type(reason).__name__}")
    except NotFinite as reason:
        return Outcome(name, "failed", detail=str(reason))
    except Exception as reason:
        return Outcome(name, "failed", detail=f"{type(reason).__name__}: {reason}")
