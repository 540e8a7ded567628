"""`backproof zoo`: check the published errata."""

from __future__ import annotations

import sys

import click

from verify.cli.effort import EXAMPLES, SEED
from verify.cli.group import SETTINGS


@click.command(context_settings=SETTINGS)
@click.argument("entries", nargs=-1, metavar="[ENTRY]...")
@click.option("--json", "json_path", metavar="FILE", help="Write the results as JSON; - for standard output.")
@EXAMPLES
@SEED
def zoo(entries: tuple[str, ...], json_path: str | None, examples: int, seed: int) -> None:
    """Check the errata zoo: published formulas that are wrong, with what is wrong and how to mend it.

    \b
    Examples:
      backproof zoo
      backproof zoo pinard-delta coursera-9
      backproof zoo --json - > zoo.json

    \b
    Exit codes: 0 every verdict is as the entry says; 1 some verdict is not; 2 the call or an entry is wrong;
    3 two witnesses disagree.
    """
    from verify.limits import Effort
    from verify.zoo.run import run

    sys.exit(run(entries, Effort(examples=examples, seed=seed), json_path))
