"""How far a long run is, on a terminal's standard error; a pipe gets nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from verify.errors import clean


@contextmanager
def progress(what: str, total: int, quiet: bool) -> Iterator[Callable[[str], None]]:
    """A bar; what is yielded moves it by one and names what was done."""
    console = Console(stderr=True, quiet=quiet)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda name: bar.update(task, advance=1, description=escape(clean(name)))
