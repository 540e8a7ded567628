"""`backproof audit`: check a hand-written backward pass."""

from __future__ import annotations

import sys
from typing import Any

import click

from verify.cli.effort import SEED
from verify.cli.group import SETTINGS


@click.command(context_settings=SETTINGS)
@click.argument("function", metavar="MODULE:FUNCTION")
@click.option("--model", required=True, metavar="NAME|FILE", help="What it computes: rnn, lstm, gru…, or a document.")
@click.option("--with", "choices", multiple=True, metavar="NAME[=VALUE]", help="A choice of the model's own.")
@click.option("--arrays", type=click.Choice(["numpy", "torch", "jax"]), default="numpy", show_default=True)
@click.option("--dtype", type=click.Choice(["float64", "float32"]), default="float64", show_default=True)
@click.option("--only", multiple=True, metavar="KEYS", help="Compare these gradients alone: U,W.  [default: all]")
@click.option("--returns", multiple=True, metavar="KEYS", help="What a tuple that it returns holds, in order: U,W,b.")
@click.option("--size", multiple=True, metavar="NAME=N", help="Fix sizes: n=64,T=100.  [default: small, all different]")
@click.option("--instances", type=click.IntRange(1, 10_000), default=4, show_default=True, help="How many are drawn.")
@SEED
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
    from verify.audit.command import execute

    sys.exit(execute(function, model, **options))
