"""`backproof replay`: check a certificate."""

from __future__ import annotations

import sys

import click

from verify.cli.group import SETTINGS


@click.command(context_settings=SETTINGS)
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
