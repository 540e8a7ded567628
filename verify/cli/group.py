"""The group of commands: what `backproof --help` says, and where each command is.

A command's module is imported when the command is asked for; heavy imports happen inside the commands, since `--help`
must not wait for SymPy.
"""

from __future__ import annotations

import sys
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

SETTINGS = {"help_option_names": ["-h", "--help"]}
COMMANDS = ("audit", "campaign", "declare", "derive", "lock", "models", "replay", "verify", "zoo")
HELP = """Prove or refute written derivations of backpropagation.

\b
Examples:
  backproof verify                     check the built-in suite
  backproof verify notes.md            check your own derivation (Markdown, .tex or .ipynb)
  backproof verify --watch notes.md    check it again on every save
  backproof declare notes.md           propose the declaration block that a document lacks
  backproof verify --json - notes.md   the same as JSON
  backproof derive rnn --wrt W         derive a gradient, step by step
  backproof derive rnn --as md | backproof verify -
  backproof lock notes.md              write down what is proved; verify --locked fails on any change
  backproof zoo                        check the published errata
  backproof audit pkg.mod:backward --model lstm   check a backward pass

Exit codes: 0 every claim is as it should be; 1 some claim is not; 2 the call or a declaration is wrong;
3 two witnesses disagree (an error in Backproof: please report it).
"""


class Commands(click.Group):
    """Commands by name, each in the module of its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is called; of one that there is not, the nearest is named."""
        near = get_close_matches(args[0], COMMANDS, 1)
        if args[0] not in COMMANDS and not args[0].startswith("-") and near:
            ctx.fail(f"No such command {args[0]!r}. Did you mean {near[0]!r}?")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """The call; Ctrl-C while a command begins or ends is no verdict, though click would exit with 1."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            sys.exit(130)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"verify.cli.{cmd_name}"), cmd_name)
        return command
