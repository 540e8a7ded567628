"""What goes wrong with a run, on standard error."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from verify.errors import clean


def complain(message: str) -> None:
    """A message on standard error, its lines as they are: a caret stands below its sign."""
    Console(stderr=True, highlight=False).print(Text(f"backproof: {clean(message)}", "red"), soft_wrap=True)
