"""The options that say how hard to try, and whether verdicts are kept: the same for each command that judges."""

from __future__ import annotations

import click

EXAMPLES = click.option(
    "--examples", type=click.IntRange(0, 100_000), default=100, show_default=True, help="Numeric instances a model."
)
SEED = click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Keys every random draw.")
STEPS = click.option(
    "--steps",
    type=click.IntRange(1, 12),
    default=6,
    show_default=True,
    help="Last step up to which symbolic times are tried.",
)
TIME_LIMIT = click.option(
    "--time-limit",
    type=click.FloatRange(0),
    default=20,
    show_default=True,
    help="Seconds of processor time for one claim; 0 for no limit.",
)
NO_CACHE = click.option("--no-cache", is_flag=True, help="Decide every claim anew and keep no verdict.")
