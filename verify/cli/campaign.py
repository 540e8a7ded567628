"""`backproof campaign`: plant errors in claims and see each of them found."""

from __future__ import annotations

import sys

import click

from verify.cli.effort import STEPS
from verify.cli.group import SETTINGS
from verify.cli.scale import jobs_of, shard_of


@click.command(context_settings=SETTINGS)
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path())
@click.option(
    "--journal",
    metavar="FILE",
    required=True,
    help="Where each result is kept as soon as it is known; the same command goes on from there.",
)
@click.option(
    "--limit", metavar="N", type=click.IntRange(1), help="Take N of the errors for each claim.  [default: all]"
)
@click.option(
    "--seeds", metavar="N", type=click.IntRange(1, 10_000), default=1, show_default=True, help="How many seeds."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="The first of the seeds.")
@click.option(
    "--examples",
    type=click.IntRange(0, 100_000),
    default=100,
    show_default=True,
    help="Numeric instances a model, for what the deciders leave open.",
)
@STEPS
@click.option(
    "--time-limit",
    type=click.FloatRange(0),
    default=20,
    show_default=True,
    help="Seconds of processor time for one planted error; 0 for no limit.",
)
@click.option("--jobs", type=click.IntRange(0, 1000), default=1, show_default=True, help="Processes; 0 for one a core.")
@click.option("--cluster", metavar="ADDRESS", help="Work on a dask cluster: its scheduler's address, tcp://host:8786.")
@click.option("--shard", metavar="I/N", help="Take the I-th of N parts of the claims, each with a journal of its own.")
@click.option("--json", "json_path", metavar="FILE", help="Write the report as JSON; - for standard output.")
@click.option("--quiet", "-q", is_flag=True, help="No report and no progress; exit code, errors and JSON only.")
def campaign(
    files: tuple[str, ...],
    journal: str,
    limit: int | None,
    seeds: int,
    seed: int,
    examples: int,
    steps: int,
    time_limit: float,
    jobs: int,
    cluster: str | None,
    shard: str | None,
    json_path: str | None,
    quiet: bool,
) -> None:
    """Plant every single edit in every claim that holds, and check that each error is found.

    An error is found when it is refuted; an edit that leaves the claim true must be proved to do so. Without FILE in
    the built-in suite.

    \b
    Examples:
      backproof campaign --journal notes.jsonl notes.md
      backproof campaign --journal suite.jsonl --jobs 0            again after Ctrl-C or a crash: it goes on
      backproof campaign --journal part.jsonl --shard 2/5 --limit 20
      backproof campaign --journal all.jsonl --seeds 10 --cluster tcp://scheduler:8786

    \b
    Exit codes: 0 every error was found; 1 one survived or was not settled; 2 the call, a document, the journal or the
    cluster is wrong; 3 two witnesses disagree; 130 interrupted (Ctrl-C).
    """
    if cluster is not None and jobs != 1:
        raise click.UsageError("--cluster goes without --jobs: how many work there is the cluster's own")
    from verify.campaign.command import Command
    from verify.campaign.run import Options
    from verify.limits import Effort

    options = Options(
        Effort(steps, examples, seed, seconds=time_limit, repair_seconds=0), seeds, limit, shard_of(shard)
    )
    sys.exit(Command(files, journal, options, jobs_of(jobs), cluster, json_path, quiet).execute())
