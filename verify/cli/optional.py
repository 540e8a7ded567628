"""An option whose value may be left out, and which leaves a document that follows it alone."""

from __future__ import annotations

import click


class WithLocked(click.Command):
    """A command with `--locked`: alone, as --locked=LOCKFILE, or before a name that ends in .lock.

    Click would take whatever follows for the value, and `verify --locked notes.md` is about notes.md.
    """

    name_of_option = "--locked"
    default = "backproof.lock"

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """The arguments with the option's value joined to it."""
        end = args.index("--") if "--" in args else len(args)
        joined: list[str] = []
        waiting = iter(args[:end])
        for arg in waiting:
            if arg != self.name_of_option:
                joined.append(arg)
                continue
            following = next(waiting, None)
            is_value = following is not None and following.endswith(".lock") and not following.startswith("-")
            joined.append(f"{arg}={following if is_value else self.default}")
            if following is not None and not is_value:
                joined.append(following)
        return super().parse_args(ctx, joined + args[end:])
