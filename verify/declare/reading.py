"""Display equations as syntax before anything is declared: functions are told from products first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from derive.errors import NotationError
from derive.latex import syntax
from derive.latex.names import without_font
from derive.latex.parser import parse, parse_tokens
from derive.latex.syntax import Chain, Node
from derive.latex.tokens import Tok, tokenize
from derive.latex.transposes import split_transpose
from verify.document.markdown import pieces
from verify.document.source import Source
from verify.errors import Place

_ASIDE = re.compile(r"\\(?:tag\*?|label)\s*\{([^{}]*)\}|\\(?:nonumber|notag)(?![A-Za-z])")


@dataclass(frozen=True)
class Display:
    """A display equation: its id, place and chains; why it could not be parsed, where it could not."""

    id: str
    has_name: bool  # the id is a \\tag or \\label, not a line
    place: Place
    latex: str
    chains: tuple[Chain, ...]
    problem: str = ""


def displays(source: Source) -> tuple[list[Display], tuple[str, ...]]:
    """Every display in order, and the names that are functions."""
    found = [
        (piece.text, source.place(piece.offset + _indent(piece.text)))
        for piece in pieces(source)
        if piece.kind == "display"
    ]
    texts = [_ASIDE.sub(lambda match: " " * len(match.group()), text) for text, _ in found]
    functions = functions_of(texts)
    read = []
    for (whole, place), text in zip(found, texts, strict=True):
        tag = _ASIDE.search(whole)
        name = (tag.group(1) or "").strip() if tag else ""
        read.append(_display(name, place, text, functions))
    return read, functions


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


def _display(name: str, place: Place, text: str, functions: tuple[str, ...]) -> Display:
    shown, latex = name or f"L{place.line}", " ".join(text.split())
    try:
        return Display(shown, bool(name), place, latex, parse(text, functions))
    except (NotationError, RecursionError) as error:
        return Display(shown, bool(name), place, latex, (), str(error))


# --- functions -----------------------------------------------------------------------------------------------------


def functions_of(texts: list[str]) -> tuple[str, ...]:
    """Names that are applied: with a prime, or in front of a round bracket wherever they stand without scripts.

    f(a + b) is an application where f never stands alone; W (a + b) is a product: a capital letter names a matrix.
    """
    applied: dict[str, None] = {}
    primed: dict[str, None] = {}
    alone: set[str] = set()
    for text in texts:
        try:
            tokens = tokenize(text)
        except NotationError:
            continue
        for kind, name in _uses(tokens):
            if kind == "alone":
                alone.add(name)
            else:
                (primed if kind == "primed" else applied).setdefault(name)
    found = [name for name in {**primed, **applied} if name in primed or not (name in alone or _is_capital(name))]
    return tuple(dict.fromkeys(found))


def _uses(tokens: tuple[Tok, ...]) -> Iterator[tuple[str, str]]:
    """How each name is used: primed, applied, or alone; scripts are looked into."""
    for place, token in enumerate(tokens):
        if token.kind in ("SUB", "SUP"):
            yield from _uses(token.inner)
        if token.kind != "NAME":
            continue
        behind = [*(t.kind for t in tokens[place + 1 : place + 4]), "", "", ""]
        script = tokens[place + 1] if behind[0] == "SUP" else None
        if behind[0] == "PRIME" or (script is not None and _is_prime(script)):
            yield "primed", token.text
        elif script is not None and behind[1:3] == ["RB", "PRIME"]:
            yield "primed", f"{token.text}{script.text}"
        elif behind[0] == "LPAR":
            yield ("applied" if _is_argument(tokens, place + 1) else "alone"), token.text
        elif script is not None and behind[1] == "LPAR" and _is_layer(script):
            yield "applied", f"{token.text}{script.text}"
        elif behind[0] not in ("SUB", "SUP"):
            yield "alone", token.text


def _is_capital(name: str) -> bool:
    return len(letter := without_font(name)) == 1 and letter.isupper()


def _is_prime(script: Tok) -> bool:
    return bool(script.inner) and all(token.text == "\\prime" for token in script.inner)


def _is_layer(script: Tok) -> bool:
    """A superscript that is part of a function's name: letters, and no transpose or power."""
    rest, transposed = split_transpose(script.inner)
    return not transposed and any(token.kind == "NAME" for token in rest)


def _is_argument(tokens: tuple[Tok, ...], opening: int) -> bool:
    """One formula in the bracket; f(x, y) of several arguments is not read in this version."""
    level = 0
    for token in tokens[opening:]:
        level += {"LPAR": 1, "RPAR": -1}.get(token.kind, 0)
        if level == 1 and token.kind in ("COMMA", "REL"):
            return False
        if level == 0:
            break
    return True


# --- walking -------------------------------------------------------------------------------------------------------


def walk(node: Node) -> Iterator[Node]:
    """A node and all below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def children(node: Node) -> Iterator[Node]:
    """The nodes right below: sides, terms, operands, bracketed chains, and formulas inside scripts."""
    for value in vars(node).values():
        for item in value if isinstance(value, tuple) else (value,):
            inner = item[1] if isinstance(item, tuple) and len(item) == 2 else item
            if isinstance(inner, Node):
                yield inner
    yield from scripted(node)


def scripted(node: Node) -> Iterator[Node]:
    """∇_W and e^{z} hold a formula in their scripts."""
    tokens: tuple[Tok, ...] = ()
    if isinstance(node, syntax.Bracket) and node.kind == "tokens":
        tokens = node.scripts.sub
    elif is_exponential(node):
        assert isinstance(node, syntax.Name)
        tokens = node.scripts.sup
    if tokens:
        try:
            yield from (side for chain in parse_tokens(tokens) for side in chain.sides)
        except NotationError:
            return


def is_exponential(node: Node) -> bool:
    """e with a superscript and no subscript."""
    return isinstance(node, syntax.Name) and node.base == "e" and bool(node.scripts.sup) and not node.scripts.sub
