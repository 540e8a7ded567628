"""Why a numeric witness gives no answer."""

from __future__ import annotations

from derive.errors import BackproofError


class Unsupported(BackproofError):
    """The witness cannot evaluate this construct; the message names it."""


class OutOfScope(BackproofError):
    """A formula writes something that does not exist at these steps."""
