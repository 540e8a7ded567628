"""The command `backproof`. Heavy imports happen inside the commands: `--help` must not wait for SymPy."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from verify.version import VERSION

if TYPE_CHECKING:
    from verify.document.readers import Form

_MAIN_HELP = """Prove or refute written derivations of backpropagation.

\b
Examples:
  backproof verify                     check the built-in suite
  backproof verify notes.md            check your own derivation (Markdown, .tex or .ipynb)
  backproof verify --json - notes.md   the same as JSON
  backproof derive rnn --wrt W         derive a gradient, step by step
  backproof derive rnn --as md | backproof verify -
  backproof zoo                        check the published errata

Exit codes: 0 every claim is as it should be; 1 some claim is not; 2 the call or a declaration is wrong;
3 two witnesses disagree (an error in Backproof: please report it).
"""


@click.group(help=_MAIN_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="backproof")
def main() -> None:
    """The group of commands."""


@main.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option(
    "--from",
    "form",
    type=click.Choice(["md", "tex", "ipynb"]),
    help="Read every FILE as Markdown, LaTeX or a notebook.  [default: by its name; - is Markdown, or LaTeX from "
    "\\documentclass on]",
)
@click.option("--json", "json_path", metavar="FILE", help="Write the report as JSON; - for standard output.")
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
    help="Seconds for one claim; 0 for no limit.",
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
@click.option("--quiet", "-q", is_flag=True, help="No table and no progress; exit code, errors and JSON only.")
def verify(
    files: tuple[str, ...],
    form: Form | None,
    json_path: str | None,
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
    quiet: bool,
) -> None:
    """Check derivation documents: Markdown, LaTeX (.tex) or Jupyter notebooks (.ipynb).

    Without FILE the built-in suite, with - standard input.
    """
    from verify.limits import Effort
    from verify.run import Run

    run = Run(
        files,
        Effort(steps, examples, seed, seconds=time_limit, repair_seconds=repair_limit),
        only,
        require_proof,
        timings,
        json_path,
        quiet,
        certificates,
        form,
    )
    sys.exit(run.execute() if explain is None else run.explain(explain))


@main.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("model")
@click.option(
    "--wrt", multiple=True, metavar="NAME", help="Derive by this name only (W, U, V, b, Net…); may be repeated."
)
@click.option(
    "--as", "form", type=click.Choice(["text", "latex", "md"]), default="text", show_default=True, help="How to print."
)
@click.option(
    "--loss",
    type=click.Choice(["last", "every", "outputs"]),
    default="last",
    show_default=True,
    help="Where the loss looks.",
)
@click.option(
    "--partial",
    type=click.Choice(["total", "immediate"]),
    default=None,
    help="Only the total, or only the immediate, of the derivatives by a shared parameter.  [default: both]",
)
@click.option(
    "--layout",
    type=click.Choice(["numerator", "denominator"]),
    default="numerator",
    show_default=True,
    help="Layout of Jacobians.",
)
@click.option(
    "--vec", "order", type=click.Choice(["column", "row"]), default="column", show_default=True, help="Order of vec."
)
@click.option("--bias", is_flag=True, help="With biases.")
def derive(
    model: str, wrt: tuple[str, ...], form: str, loss: str, partial: str | None, layout: str, order: str, bias: bool
) -> None:
    """Derive a MODEL's Jacobians, its δ recursion and all gradients, every step named.

    \b
    Examples:
      backproof derive rnn
      backproof derive rnn --wrt W --as latex
      backproof derive rnn --loss every --as md > rnn.md
    """
    from derive.errors import BackproofError
    from derive.printed import printed

    try:
        text = printed(model, wrt=wrt, form=form, loss=loss, partial=partial or "", layout=layout, vec=order, bias=bias)
    except BackproofError as error:
        raise click.UsageError(str(error)) from None
    click.echo(text.rstrip("\n"))


@main.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("file")
def replay(file: str) -> None:
    """Check the certificate in FILE: every rule is done again, and both deciders settle every closing claim.

    \b
    Exit codes: 0 it proves its claim; 1 it does not; 2 it cannot be read.
    """
    from verify.replayed import replayed

    code, message = replayed(file)
    click.echo(message, err=code != 0)
    sys.exit(code)


@main.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("entries", nargs=-1, metavar="[ENTRY]...")
@click.option("--json", "json_path", metavar="FILE", help="Write the results as JSON; - for standard output.")
@click.option(
    "--examples", type=click.IntRange(0, 100_000), default=100, show_default=True, help="Numeric instances a model."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Keys every random draw.")
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


@main.command(context_settings={"help_option_names": ["-h", "--help"]})
def models() -> None:
    """List the models and the names that each uses."""
    from derive.printed import described

    click.echo(described())


if __name__ == "__main__":
    main()
