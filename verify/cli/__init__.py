"""The command `backproof`."""

from __future__ import annotations

import click

from verify.cli.group import HELP, SETTINGS, Commands
from verify.version import VERSION


@click.group(cls=Commands, help=HELP, context_settings=SETTINGS)
@click.version_option(VERSION, prog_name="backproof")
def main() -> None:
    """The group of commands."""
