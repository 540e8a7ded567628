"""The command `backproof`. Heavy imports happen inside the commands: `--help` must not wait for SymPy."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from verify.version import VERSION

if TYPE_CHECKING:
    from verify.document.readers import Form

_MAIN_HELP = """Prove or refute written derivations of backpropagation.

\b
Examples:
  backproof verify                     check the built-in suite
  backproof verify notes.md            check your own derivation (Markdown, .tex or .ipynb)
  backproof verify --watch notes.md    check it again on every save
  backproof declare notes.md           propose the declaration block that a document lacks
  backproof verify --json - notes.md   the same as JSON
  backproof derive rnn --wrt W         derive a gradient, step by step
  backproof derive rnn --as md | backproof verify -
  backproof zoo                        check the published errata
  backproof audit pkg.mod:backward --model lstm   check a backward pass

Exit codes: 0 every claim is as it should be; 1 some claim is not; 2 the call or a declaration is wrong;
3 two witnesses disagree (an error in Backproof: please report it).
"""


@click.group(help=_MAIN_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="backproof")
def main() -> None:
    """The group of commands."""


@main.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(allow_dash=True))
@click.option(
    "--from",
    "read_as",
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
        None if no_cache and not watch else Cache(None if no_cache else cache_folder()),
        form,
        everything,
        read_as,
    )
    if watch:
        from verify.watch import Watch

        sys.exit(Watch(run, run.console()).forever())
    sys.exit(run.execute() if explain is None else run.explain(explain))


@main.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("model")
@click.option(
    "--wrt", multiple=True, metavar="NAME", help="Derive by this name only (W, U_i, h0, Net…); may be repeated."
)
@click.option(
    "--as",
    "form",
    type=click.Choice(["text", "latex", "md", "json", "numpy"]),
    default="text",
    show_default=True,
    help="How to print; numpy: a module with the forward pass and all gradients, for a batch of sequences.",
)
@click.option(
    "--loss",
    metavar="NAME",
    help="Where the loss looks: last, every, outputs.  [default: last]  Of a document with several losses: which one.",
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
@click.option(
    "--mode",
    type=click.Choice(["reverse", "forward", "second"]),
    default="reverse",
    show_default=True,
    help="Backpropagation; ∂state/∂parameter running forwards (RTRL); or the Hessian times a direction.",
)
@click.option("--bias/--no-bias", default=None, help="With biases, or without.  [default: the model's]")
@click.option("--batch", is_flag=True, help="Over a batch: samples side by side as columns of matrices.")
@click.option(
    "--memory",
    type=click.Choice(["full", "sqrt"]),
    default="full",
    show_default=True,
    help="With --as numpy: keep every step's values for the backward pass, or run segments of √T steps again.",
)
@click.option(
    "--with",
    "choices",
    multiple=True,
    metavar="NAME[=VALUE]",
    help="A choice of the model's own, as `backproof models` lists them; may be repeated.",
)
def derive(
    model: str,
    wrt: tuple[str, ...],
    form: str,
    loss: str | None,
    partial: str | None,
    layout: str,
    order: str,
    mode: str,
    bias: bool | None,
    batch: bool,
    memory: str,
    choices: tuple[str, ...],
) -> None:
    """Derive a MODEL's Jacobians, its δ recursions and all gradients, every step named.

    MODEL is a name that `backproof models` lists, or a document whose `given` equations are the model.

    \b
    Examples:
      backproof derive rnn
      backproof derive lstm --wrt W_f --as latex
      backproof derive gru --with update=1-z --with reset=before
      backproof derive stacked --with layers=8 --with cell=lstm --as json
      backproof derive my_cell.md --as md | backproof verify -
      backproof derive lstm --as numpy > lstm_bptt.py
      backproof derive my_cell.md --as numpy --with f=relu > my_cell.py
    """
    from derive.errors import BackproofError
    from derive.models.registry import choices_of
    from derive.printed import chosen_system, printed, with_known
    from derive.quantities import Options
    from verify.cells import is_document, system_of
    from verify.errors import CallError
    from verify.run import complain

    own = dict(pair.partition("=")[::2] for pair in choices)
    try:
        known = {} if is_document(model) else choices_of(model)
        functions = {key: own.pop(key) for key in [*own] if key not in known} if form == "numpy" else {}
        wanted = {**own, "loss": loss, "bias": bias} if not own.keys() & {"loss", "bias"} else own
        chosen = system_of(model, wanted) if is_document(model) else chosen_system(model, wanted)
        chosen = with_known(chosen, functions)
        options = Options(layout, order, partial or "", mode)
        text = printed(chosen, wrt=wrt, form=form, options=options, batch=batch, memory=memory)
    except CallError as error:  # what is wrong with a document says where
        complain(str(error))
        sys.exit(2)
    except BackproofError as error:
        if is_document(model):  # the call is right: a page of options would hide what is wrong with the model
            complain(f"{'<stdin>' if model == '-' else model}: {error}")
            sys.exit(2)
        raise click.UsageError(str(error)) from None
    click.echo(text.rstrip("\n"))


@main.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("file", type=click.Path(allow_dash=True))
def declare(file: str) -> None:
    """Propose the declaration block that the document FILE lacks, or what its own block leaves out.

    Names, indices, sizes and functions are read off the display equations; `# ?` marks what only the author knows.
    How much of the document becomes readable stands on standard error.

    \b
    Examples:
      backproof declare notes.md                 look at the block, then paste it at the head of the file
      backproof declare notes.md > block.md && cat block.md notes.md | backproof verify -

    \b
    Exit codes: 0 a block is proposed; 2 FILE cannot be read or has no display equation.
    """
    from verify.declared import declared

    code, block, message = declared(file)
    click.echo(block, nl=False)
    click.echo(message, err=True)
    sys.exit(code)


@main.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("file", type=click.Path())
def replay(file: str) -> None:
    """Check the certificate in FILE: every rule is done again, and both deciders settle every closing claim.

    \b
    Example:
      backproof verify --certificates proofs notes.md && backproof replay proofs/notes-2.8.json

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
@click.argument("function", metavar="MODULE:FUNCTION")
@click.option("--model", required=True, metavar="NAME|FILE", help="What it computes: rnn, lstm, gru…, or a document.")
@click.option("--with", "choices", multiple=True, metavar="NAME[=VALUE]", help="A choice of the model's own.")
@click.option("--arrays", type=click.Choice(["numpy", "torch", "jax"]), default="numpy", show_default=True)
@click.option("--dtype", type=click.Choice(["float64", "float32"]), default="float64", show_default=True)
@click.option("--only", multiple=True, metavar="KEYS", help="Compare these gradients alone: U,W.  [default: all]")
@click.option("--returns", multiple=True, metavar="KEYS", help="What a tuple that it returns holds, in order: U,W,b.")
@click.option("--size", multiple=True, metavar="NAME=N", help="Fix sizes: n=64,T=100.  [default: small, all different]")
@click.option("--instances", type=click.IntRange(1, 10_000), default=4, show_default=True, help="How many are drawn.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Keys every random draw.")
@click.option("--exact/--no-exact", default=True, help="Run it modulo a prime too.  [default: exact]")
@click.option("--time-limit", type=click.FloatRange(0), default=60, show_default=True, help="Seconds; 0 for no limit.")
@click.option("--json", "json_path", metavar="FILE", help="Write the report as JSON; - for standard output.")
@click.option("--quiet", "-q", is_flag=True, help="No report and no progress; exit code, errors and JSON only.")
def audit(function: str, model: str, **options: Any) -> None:
    """Audit a hand-written backward pass: every entry of every gradient against the verified formula.

    It is called as function(inputs, cotangents), two dicts by the model's keys, or by parameters of those names
    (x, s0, U, W, b, ds). It runs in a process of its own, which is no sandbox: it is your code.

    \b
    Examples:
      backproof audit pkg.mod:backward --model lstm
      backproof audit mine.py:backward --model rnn --with bias=no --only U,W
      backproof audit mine.py:backward --model my_cell.md --with f=tanh
      backproof audit pkg.mod:backward --model gru --arrays torch --size n=64,T=100

    \b
    Exit codes: 0 it is right; 1 it is not, or does not come to an end; 2 the call is wrong;
    3 two witnesses disagree; 130 interrupted.
    """
    try:
        from verify.audit.command import execute

        sys.exit(execute(function, model, **options))
    except KeyboardInterrupt:  # before the audit began
        sys.exit(130)


@main.command(context_settings={"help_option_names": ["-h", "--help"]})
def models() -> None:
    """List the models and the names that each uses.

    \b
    Example:
      backproof models
    """
    from derive.printed import described

    click.echo(described())


if __name__ == "__main__":
    main()
