"""Display equations as syntax before anything is declared: functions are told from products first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from derive.errors import NotationError
from derive.latex import syntax
from derive.latex.lexicon import lexicon, without_font
from derive.latex.parser import parse, parse_tokens
from derive.latex.syntax import Chain, Node
from derive.latex.tokenizer import tokenize
from derive.latex.tokens import Tok
from derive.latex.transposes import split_transpose
from verify.document.statements import Statement, read
from verify.errors import Place

_LINE_ID = re.compile(r"(?:.*:)?L\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Display:
    """A display equation: its id, place and chains; why it could not be parsed, where it could not."""

    id: str
    has_name: bool  # the id is a \\tag or \\label, not a line
    place: Place
    latex: str
    chains: tuple[Chain, ...]
    problem: str = ""


def displays(path: str, text: str) -> tuple[list[Display], tuple[str, ...]]:
    """Every display in order, and the names that are functions. Raises `DocumentError` for what is no document."""
    found = read(path, text).statements
    functions = functions_of([statement.passage.text for statement in found])
    return [_display(statement, functions) for statement in found], functions


def _display(statement: Statement, functions: tuple[str, ...]) -> Display:
    is_named = not _LINE_ID.fullmatch(statement.id)
    make = partial(Display, statement.id, is_named, statement.place, statement.latex)
    try:
        return make(parse(statement.passage.text, lexicon(functions)))
    except (NotationError, RecursionError) as error:
        return make((), str(error))


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
        yield from _nodes(value)
    yield from scripted(node)


def _nodes(value: object) -> Iterator[Node]:
    """The nodes in a field: one, a tuple of them, signed terms, rows of cells."""
    if isinstance(value, Node):
        yield value
    for item in value if isinstance(value, tuple) else ():
        yield from _nodes(item)


def scripted(node: Node) -> Iterator[Node]:
    """e^{z} holds a formula in its script."""
    if isinstance(node, syntax.Name) and is_exponential(node):
        try:
            yield from (side for chain in parse_tokens(node.scripts.sup) for side in chain.sides)
        except NotationError:
            return


def is_exponential(node: Node) -> bool:
    """e with a superscript and no subscript."""
    return isinstance(node, syntax.Name) and node.base == "e" and bool(node.scripts.sup) and not node.scripts.sub
