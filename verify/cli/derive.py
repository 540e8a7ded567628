"""`backproof derive`: print a model's derivations."""

from __future__ import annotations

import sys

import click

from verify.cli.group import SETTINGS


@click.command(context_settings=SETTINGS)
@click.argument("model")
@click.option(
    "--wrt", multiple=True, metavar="NAME", help="Derive by this name only (W, U_i, h0, Net…); may be repeated."
)
@click.option(
    "--as",
    "form",
    type=click.Choice(["text", "latex", "pdf", "md", "html", "json", "numpy"]),
    default="text",
    show_default=True,
    help="How to print; latex and pdf: a paper; numpy: a module with the forward pass and all gradients, for a batch.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Write there, - for standard output; beside a PDF its .tex is written too.  [default: -]",
)
@click.option("--fragment", is_flag=True, help="With --as latex: the equations alone, for \\input.")
@click.option(
    "--lang",
    "language",
    type=click.Choice(["en", "zh"]),
    default=None,
    help="Language of the words in latex, pdf and md.  [default: en]",
)
@click.option("--title", metavar="TEXT", help="Title of the document.  [default: the model's]")
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
    output: str | None,
    fragment: bool,
    language: str | None,
    title: str | None,
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
      backproof derive lstm --wrt W_f --as latex > lstm.tex
      backproof derive lstm --as pdf -o lstm.pdf --lang zh
      backproof derive gru --with update=1-z --with reset=before
      backproof derive stacked --with layers=8 --with cell=lstm --as json
      backproof derive my_cell.md --as md | backproof verify -
      backproof derive lstm --as numpy > lstm_bptt.py
      backproof derive lstm --as html > lstm.html        a page with every step
      backproof derive my_cell.md --as numpy --with f=relu > my_cell.py
    """
    from derive.errors import BackproofError
    from derive.models.registry import choices_of
    from derive.printed import Words, chosen_system, with_known
    from derive.quantities import Options
    from verify.cells import is_document, system_of
    from verify.errors import CallError
    from verify.printing import Request, print_to
    from verify.report.complaints import complain

    own = dict(pair.partition("=")[::2] for pair in choices)
    try:
        known = {} if is_document(model) else choices_of(model)
        functions = {key: own.pop(key) for key in [*own] if key not in known} if form == "numpy" else {}
        wanted = {**own, "loss": loss, "bias": bias} if not own.keys() & {"loss", "bias"} else own
        chosen = system_of(model, wanted) if is_document(model) else chosen_system(model, wanted)
        chosen = with_known(chosen, functions)
        options = Options(layout, order, partial or "", mode)
        words = Words(language or "", title or "", fragment)
        print_to(output, Request(chosen, form, wrt, options, batch, memory, words))
    except CallError as error:  # what is wrong with a document says where
        complain(str(error))
        sys.exit(2)
    except BackproofError as error:
        if is_document(model):  # the call is right: a page of options would hide what is wrong with the model
            complain(f"{'<stdin>' if model == '-' else model}: {error}")
            sys.exit(2)
        raise click.UsageError(str(error)) from None
