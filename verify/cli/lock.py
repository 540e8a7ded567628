"""`backproof lock`: write down what is known of every claim."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from verify.cli.effort import EXAMPLES, NO_CACHE, SEED, STEPS, TIME_LIMIT
from verify.cli.group import SETTINGS

if TYPE_CHECKING:
    from verify.document.readers import Form


@click.command(context_settings=SETTINGS)
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(allow_dash=True))
@click.option("-o", "path", metavar="LOCKFILE", default="backproof.lock", show_default=True, help="The file to write.")
@click.option("--prune", is_flag=True, help="Drop documents that are locked and not named here.")
@click.option(
    "--from",
    "read_as",
    type=click.Choice(["md", "tex", "ipynb"]),
    help="Read every FILE as Markdown, LaTeX or a notebook.  [default: by its name]",
)
@EXAMPLES
@SEED
@STEPS
@TIME_LIMIT
@NO_CACHE
@click.option("--quiet", "-q", is_flag=True, help="Errors only.")
def lock(
    files: tuple[str, ...],
    path: str,
    prune: bool,
    read_as: Form | None,
    examples: int,
    seed: int,
    steps: int,
    time_limit: float,
    no_cache: bool,
    quiet: bool,
) -> None:
    """Write down what is known of every claim, for `backproof verify --locked` to compare with.

    Without FILE the documents that the lock file names; where there is none yet, the built-in suite. Documents that are
    locked already and not named stay as they are; --prune drops them. Commit the file.

    \b
    Examples:
      backproof lock notes.md chapters/*.md     write backproof.lock
      backproof lock                            the same documents again, after a change that is meant
      backproof lock --prune notes.md           this document alone
      backproof verify --locked                 fail on any change

    \b
    Exit codes: 0 written, every claim is as it should be; 1 written, some claim is not; 2 the call, a declaration or
    the old lock file is wrong; 3 two witnesses disagree; 130 interrupted. From 2 on the old lock file stays as it was.
    """
    from verify.cache import Cache, cache_folder
    from verify.limits import Effort
    from verify.lock.command import relock
    from verify.run import Run

    run = Run(
        files,
        Effort(steps, examples, seed, seconds=time_limit, repair_seconds=0),
        quiet=quiet,
        cache=None if no_cache else Cache(cache_folder()),
        read_as=read_as,
    )
    sys.exit(relock(run, path, prune))
