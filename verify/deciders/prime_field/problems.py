"""Why an evaluation stops: a construct it does not decide, a limit, or an unlucky draw."""

from __future__ import annotations

from derive.errors import BackproofError


class Unsupported(BackproofError):
    """The claim holds a construct that exact evaluation does not decide; the message names it."""


class LimitReached(BackproofError):
    """The claim needs more than the limits allow; the message names the limit."""


class Degenerate(BackproofError):
    """A drawn value has no image (the reciprocal of zero): draw again."""


class Undefined(Degenerate):
    """A coefficient has no value at the chosen sizes, as 1/(n - 3) at n = 3: no draw helps, other sizes do."""
