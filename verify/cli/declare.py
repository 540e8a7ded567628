"""`backproof declare`: propose a declaration block."""

from __future__ import annotations

import sys

import click

from verify.cli.group import SETTINGS


@click.command(context_settings=SETTINGS)
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
