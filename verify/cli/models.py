"""`backproof models`: list the models."""

from __future__ import annotations

import click

from verify.cli.group import SETTINGS


@click.command(context_settings=SETTINGS)
def models() -> None:
    """List the models and the names that each uses.

    \b
    Example:
      backproof models
    """
    from derive.printed import described

    click.echo(described())
