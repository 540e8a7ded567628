"""`backproof verify`: check derivation documents."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from verify.cli.group import SETTINGS

if TYPE_CHECKING:
    from verify.document.readers import Form


@click.command(context_settings=SETTINGS)
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(allow_dash=True))
@click.option(
    "--from",
    "read_as",
    type=click.Choice(["md", "tex", "ipynb"]),
    help="Read every FILE as Markdown, LaTeX or a notebook.  [default: by its name; - is Markdown, or LaTeX from "
    "\\documentclass on]",
)
@click.option("--json", "json_path", metavar="FILE", help="Write the report as JSON; - for standard output.")
@click.option("--html", "html_path", metavar="FILE", help="Write the report as one HTML page that needs no network.")
@click.option(
    "--only", metavar="FILE::ID", multiple=True, help="Check these claims alone (or just ID); may be repeated."
)
@click.option(
    "--examples", type=click.IntRange(0, 100_000), default=100, show_default=True, help="Numeric instances a model."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Keys every random draw.")
@click.option(
    "--steps",
    type=click.IntRange(1, 12),
    default=6,
    show_default=True,
    help="Last step up to which symbolic times are tried.",
)
@click.option(
    "--certificates", metavar="DIR", help="Write the proofs by induction as files; `backproof replay` checks one."
)
@click.option(
    "--time-limit",
    type=click.FloatRange(0),
    default=20,
    show_default=True,
    help="Seconds of processor time for one claim; 0 for no limit.",
)
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
@click.option("--require-proof", is_flag=True, help="Let `tested` fail unless the document expects it.")
@click.option("--timings", is_flag=True, help="Show how long each claim took.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "unix"]),
    default="table",
    show_default=True,
    help="unix: one line `file:line:column: verdict: id: message` a claim that is not as it should be.",
)
@click.option("--all", "everything", is_flag=True, help="With --format unix: list good claims too.")
@click.option("--watch", is_flag=True, help="Check again on every save and print what changed; Ctrl-C ends it.")
@click.option("--no-cache", is_flag=True, help="Decide every claim anew and keep no verdict.")
@click.option("--quiet", "-q", is_flag=True, help="No table and no progress; exit code, errors and JSON only.")
def verify(
    files: tuple[str, ...],
    read_as: Form | None,
    json_path: str | None,
    html_path: str | None,
    only: tuple[str, ...],
    examples: int,
    seed: int,
    steps: int,
    certificates: str | None,
    time_limit: float,
    repair_limit: float,
    explain: str | None,
    require_proof: bool,
    timings: bool,
    form: str,
    everything: bool,
    watch: bool,
    no_cache: bool,
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
      backproof verify --json report.json --require-proof chapters/*.md
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
        Outputs({form: path for form, path in (("json", json_path), ("html", html_path)) if path is not None}),
        quiet,
        certificates,
        None if no_cache and not watch else Cache(None if no_cache else cache_folder()),
        form,
        everything,
        read_as,
    )
    if watch:
        from verify.watch import Watch

        sys.exit(Watch(run, run.console()).forever())
    sys.exit(run.execute() if explain is None else run.explain(explain))
