"""A script that holds a formula of its own: e^{z_t}, \\nabla_{W_t}."""

from __future__ import annotations

from derive.errors import NotationError
from derive.latex.parser import parse_tokens
from derive.latex.syntax import Node
from derive.latex.tokens import Tok
from derive.latex.vocabulary import Vocabulary


def parse_script(tokens: tuple[Tok, ...], vocabulary: Vocabulary) -> Node:
    """The one formula inside a script."""
    chains = parse_tokens(tokens)
    if len(chains) != 1 or len(chains[0].sides) != 1:
        raise NotationError("one formula is expected here", tokens[0].start, tokens[-1].end)
    return chains[0].sides[0]
