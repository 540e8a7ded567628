"""Index expressions: sums of step letters and integers, as t-1, T-k+1, 2k."""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from derive.latex.tokens import Tok

MAX_OFFSET = 1_000


def affine(tokens: tuple[Tok, ...], letters: Mapping[str, sp.Symbol]) -> sp.Expr | None:
    """The affine expression that tokens spell over the given letters, None where they spell none.

    One pair of brackets around the whole is allowed: h^{(t-1)}, h^{\\langle t \\rangle}.
    """
    tokens = unwrapped(tokens)
    if not tokens:
        return None
    total: sp.Expr = sp.S.Zero
    sign, coefficient, expects = 1, sp.S.One, True
    for token in tokens:
        if token.kind in ("PLUS", "MINUS"):
            if expects and token is not tokens[0]:
                return None
            sign, coefficient, expects = (1 if token.kind == "PLUS" else -1), sp.S.One, True
        elif token.kind == "NUMBER" and expects and token.text.isdigit():
            coefficient = sp.Integer(token.text)
            if coefficient > MAX_OFFSET:
                return None
            following = tokens[tokens.index(token) + 1 :]
            if following and following[0].kind == "NAME":
                continue
            total, expects = total + sign * coefficient, False
        elif token.kind == "NAME" and token.text in letters and expects:
            total, expects = total + sign * coefficient * letters[token.text], False
        else:
            return None
    return None if expects else total


def unwrapped(tokens: tuple[Tok, ...]) -> tuple[Tok, ...]:
    """Tokens without brackets around the whole."""
    pairs = {"LPAR": "RPAR", "LB": "RB", "LBRACK": "RBRACK"}
    while len(tokens) > 2 and pairs.get(tokens[0].kind) == tokens[-1].kind:
        tokens = tokens[1:-1]
    if len(tokens) > 2 and (tokens[0].text, tokens[-1].text) == ("\\langle", "\\rangle"):
        return tokens[1:-1]
    return tokens
