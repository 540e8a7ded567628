"""What `backproof declare` does with a file."""

from __future__ import annotations

from verify.declare import propose
from verify.document.readers import decoded, why_unread
from verify.errors import DocumentError, clean


def declared(file: str) -> tuple[int, str, str]:
    """The exit code, the block, and what to say of it."""
    path = "<stdin>" if file == "-" else file
    try:
        proposal = propose(path, decoded(file))
    except (OSError, UnicodeDecodeError) as error:
        return 2, "", f"backproof: {clean(file)}: cannot be read: {why_unread(error)}"
    except DocumentError as error:
        return 2, "", f"backproof: {clean(str(error))}"
    counts = f"{proposal.readable} of {proposal.total} relations readable with this block"
    shapes = "" if proposal.typed == proposal.readable else f", {proposal.typed} of them with shapes that fit"
    return 0, clean(proposal.block), clean(f"{path}: {counts}{shapes}")
