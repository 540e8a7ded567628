"""`backproof verify`: check derivation documents."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from verify.cli.effort import EXAMPLES, NO_CACHE, SEED, STEPS, TIME_LIMIT
from verify.cli.group import SETTINGS
from verify.cli.optional import WithLocked
from verify.cli.outputs import with_outputs
from verify.cli.scale import jobs_of, shard_of

if TYPE_CHECKING:
    from verify.document.readers import Form


@click.command(cls=WithLocked, context_settings=SETTINGS)
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(allow_dash=True))
@click.option(
    "--from",
    "read_as",
    type=click.Choice(["md", "tex", "ipynb"]),
    help="Read every FILE as Markdown, LaTeX or a notebook.  [default: by its name; - is Markdown, or LaTeX from "
    "\\documentclass on]",
)
@with_outputs
@click.option(
    "--only", metavar="FILE::ID", multiple=True, help="Check these claims alone (or just ID); may be repeated."
)
@EXAMPLES
@SEED
@STEPS
@click.option(
    "--certificates", metavar="DIR", help="Write the proofs by induction as files; `backproof replay` checks one."
)
@TIME_LIMIT
@click.option(
    "--repair-limit",
    type=click.FloatRange(0),
    default=2,
    show_default=True,
    help="Seconds for the search for a repair of a refuted claim; 0 for none.",
)
@click.option(
    "--explain",
    metavar="ID",
    help="Print a NumPy program that computes both sides of this refuted claim; nothing else is checked.",
)
@click.option(
    "--locked",
    metavar="[LOCKFILE]",
    help="Fail on any change since `backproof lock` wrote LOCKFILE (backproof.lock); without FILE its documents are "
    "checked. LOCKFILE ends in .lock, or is joined: --locked=LOCKFILE.",
)
@click.option("--require-proof", is_flag=True, help="Let `tested` fail unless the document expects it.")
@click.option("--timings", is_flag=True, help="Show how long each claim took.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "unix", "github"]),
    default="table",
    show_default=True,
    help="unix: one line `file:line:column: verdict: id: message` a claim that is not as it should be; "
    "github: annotations on the source lines.",
)
@click.option("--all", "everything", is_flag=True, help="With --format unix: list good claims too.")
@click.option("--declared", is_flag=True, help="Pass over files that have no backproof block.")
@click.option("--watch", is_flag=True, help="Check again on every save and print what changed; Ctrl-C ends it.")
@NO_CACHE
@click.option(
    "--jobs",
    type=click.IntRange(0, 1000),
    default=1,
    show_default=True,
    help="Processes that judge; 0 for as many as there are cores.",
)
@click.option("--shard", metavar="I/N", help="Check the I-th of N parts of the claims: for N machines.")
@click.option("--quiet", "-q", is_flag=True, help="No table and no progress; exit code, errors and JSON only.")
def verify(
    files: tuple[str, ...],
    read_as: Form | None,
    paths: dict[str, str],
    only: tuple[str, ...],
    examples: int,
    seed: int,
    steps: int,
    certificates: str | None,
    time_limit: float,
    repair_limit: float,
    explain: str | None,
    locked: str | None,
    require_proof: bool,
    timings: bool,
    form: str,
    everything: bool,
    declared: bool,
    watch: bool,
    no_cache: bool,
    jobs: int,
    shard: str | None,
    quiet: bool,
) -> None:
    """Check derivation documents: Markdown, LaTeX (.tex) or Jupyter notebooks (.ipynb).

    Without FILE the built-in suite, with - standard input.

    \b
    Examples:
      backproof verify notes.md                          a table, and what is wrong
      backproof verify --only notes.md::2.3 notes.md     one claim
      backproof verify --format unix notes.md            for grep, vim and Emacs
      backproof verify --watch notes.md                  again on every save
      backproof verify --locked                          what changed since `backproof lock`
      backproof verify --json report.json --require-proof chapters/*.md
      backproof verify --format github --sarif out.sarif --summary "$GITHUB_STEP_SUMMARY" notes.md
      backproof verify --jobs 0 --shard 2/5 chapters/*.md   all cores; the second of five machines
      backproof verify --html report.html notes.md       the document with a verdict beside each equation

    \b
    Exit codes: 0 every claim is as it should be; 1 some claim is not; 2 the call or a declaration is wrong;
    3 two witnesses disagree; 130 interrupted (Ctrl-C), which is how --watch ends.

    Verdicts are kept in a cache folder (BACKPROOF_CACHE moves it): only what changed is decided again.
    """
    if watch and (not files or "-" in files):
        raise click.UsageError("--watch needs a FILE to look at; standard input and the built-in suite do not change")
    if everything and form != "unix":
        raise click.UsageError("--all goes with --format unix; the table lists every claim anyway")
    if watch and "summary" in paths:
        raise click.UsageError("--summary adds to its FILE, and --watch would do so at every save")
    if locked is not None and (watch or explain is not None or shard is not None):
        other = "--watch" if watch else "--explain" if explain is not None else "--shard"
        raise click.UsageError(f"--locked does not go with {other}: it compares all claims")
    if watch and (jobs != 1 or shard is not None):
        raise click.UsageError("--watch goes without --jobs and --shard: what has not changed costs nothing anyway")
    if explain is not None and (jobs != 1 or shard is not None):
        raise click.UsageError("--explain checks one claim: it goes without --jobs and --shard")
    from verify.cache import Cache, cache_folder
    from verify.limits import Effort
    from verify.report.outputs import Outputs
    from verify.run import Run

    run = Run(
        files,
        Effort(steps, examples, seed, seconds=time_limit, repair_seconds=repair_limit),
        only,
        require_proof,
        timings,
        Outputs(paths),
        quiet,
        certificates,
        None if no_cache and not watch else Cache(None if no_cache else cache_folder()),
        form,
        everything,
        read_as,
        declared,
        jobs=jobs_of(jobs),
        shard=shard_of(shard),
    )
    if watch:
        from verify.watch import Watch

        sys.exit(Watch(run, run.console()).forever())
    if locked is not None:
        from verify.lock.command import compare_with

        sys.exit(compare_with(run, locked))
    sys.exit(run.execute() if explain is None else run.explain(explain))
