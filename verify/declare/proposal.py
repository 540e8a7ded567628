"""The proposed block, and how much of the document it makes readable."""

from __future__ import annotations

from dataclasses import dataclass, replace

from derive.latex.conventions import OPTIONS
from verify.declare.draft import Draft, drafted
from verify.declare.reading import displays
from verify.document.interpret import Interpreter
from verify.document.readers import pieces
from verify.document.source import Source
from verify.document.statements import Document, Link, Statement, read
from verify.errors import DocumentError
from verify.judge import link_id

_SHOWN = 30  # equations that stay unreadable and are named in the block


@dataclass(frozen=True)
class Proposal:
    """A declaration block in its fence, and what it makes of the document.

    `total` counts relations, `readable` those in which every name has a meaning, `typed` those whose shapes fit too
    in some reading of the open conventions; `unreadable` says why the others are not read.
    """

    block: str
    total: int
    readable: int
    typed: int
    unreadable: tuple[str, ...] = ()


def propose(path: str, text: str) -> Proposal:
    """The block for a document; what it declares itself is kept. Raises `DocumentError` where it has no equation.

    The name of a vector is read as a column, or as a row where that makes more of the document fit.
    """
    source = Source(path, text)
    found, functions = displays(path, text)
    if not found:
        raise DocumentError("no display equation, so there is nothing to declare", source.place(0))
    symbols, others = _declared(path, text)
    lines = {display.latex: display.place.line for display in reversed(found)}
    drafts = [drafted(found, functions, symbols, others, vectors) for vectors in ("column", "row")]
    tried = [(_tried(source, draft, lines), draft) for draft in drafts]
    return max(tried, key=lambda pair: (pair[0].readable, pair[0].typed, -pair[1].odd))[0]


def with_block(text: str, block: str) -> str:
    """The document with the block behind its own first block, else at its head."""
    own = [piece for piece in pieces("", text)[1] if piece.kind == "block"]
    if own:
        place = text.find("\n", own[0].offset + len(own[0].text)) + 1 or len(text)
    else:
        place = text.find("\n---\n", 3) + 5 if text.startswith("---\n") and "\n---\n" in text else 0
    return f"{text[:place]}\n{block}\n{text[place:]}"


def _declared(path: str, text: str) -> tuple[dict[str, str], frozenset[str]]:
    """The symbols that the document's own blocks declare, and the other keys that they hold."""
    try:
        document = read(path, text)
    except DocumentError:
        return {}, frozenset()
    symbols: dict[str, str] = {}
    keys: set[str] = set()
    for statement in document.statements:
        own = statement.declarations
        symbols.update({name: value.text for name, (_, value) in own.symbols.items() if isinstance(value.value, str)})
        keys |= {key for key in ("time", "indices", "given") if getattr(own, key)}
    return symbols, frozenset(keys)


# --- what it makes of the document ---------------------------------------------------------------------------------


def _tried(source: Source, draft: Draft, lines: dict[str, int]) -> Proposal:
    """The draft as a block, with remarks on what stays open and what stays unreadable."""
    document = read(source.path, with_block(_with_givens(source, draft), draft.block()))
    interpreter = Interpreter(document)
    total = readable = typed = 0
    consulted: dict[str, list[str]] = {}
    reasons: list[str] = [f"the block: {error.message}" for error in document.errors]
    for statement, link in _relations(document):
        total += 1
        name = _shown(statement, link, lines)
        problem, is_typed, keys = _outcome(interpreter, statement, link)
        readable += not problem
        typed += is_typed
        reasons += [f"{name}: {problem}"] if problem else []
        for key in keys:
            consulted.setdefault(key, []).append(name)
    whole = replace(draft, conventions=_open(consulted), remarks=(*draft.remarks, *reasons[:_SHOWN]))
    return Proposal(whole.block(), total, readable, typed, tuple(reasons))


def _with_givens(source: Source, draft: Draft) -> str:
    """The text with the directives that the draft asks for."""
    lines = source.text.split("\n")
    for place in sorted(draft.unnamed, key=lambda place: -place.line):
        start = place.line - 1 if "$$" in lines[place.line - 1] else place.line - 2
        lines.insert(max(0, start), "\n<!-- backproof: given -->")
    return "\n".join(lines)


def _relations(document: Document) -> list[tuple[Statement, Link | None]]:
    """Every relation that is claimed or given; a display that cannot be parsed counts as one."""
    found: list[tuple[Statement, Link | None]] = []
    for statement in document.statements:
        if statement.role != "skipped":
            links = [link for link in statement.links if link.skip is None]
            found += [(statement, link) for link in links] if not statement.problem else [(statement, None)]
    return found


def _shown(statement: Statement, link: Link | None, lines: dict[str, int]) -> str:
    """An equation without a name by its line as it is now: the block will move it."""
    if statement.id.startswith(f"L{statement.place.line}"):
        return f"line {lines.get(statement.latex, statement.place.line)}"
    return statement.id if link is None else link_id(statement, link)


def _outcome(interpreter: Interpreter, statement: Statement, link: Link | None) -> tuple[str, bool, list[str]]:
    """Why a relation is unreadable, whether its shapes fit, and which open conventions it consults."""
    problem = statement.problem if link is None else link.problem
    if link is None or problem is not None:
        return (problem.message if problem is not None else "unreadable"), False, []
    try:
        readings = interpreter.readings(statement, link)
    except RecursionError:
        return "the formula is nested too deep", False, []
    unread = [reading.problem for reading in readings if reading.problem and not reading.is_shape_error]
    is_typed = any(reading.claim is not None for reading in readings)
    keys = [key for key in OPTIONS if any(key in reading.choices for reading in readings)]
    return (unread[0].message if unread and not is_typed else ""), is_typed, keys


def _open(consulted: dict[str, list[str]]) -> tuple[str, ...]:
    """Conventions are the author's: each one that some equation consults, as a comment."""
    lines = []
    for key, options in OPTIONS.items():
        if key in consulted:
            names = list(dict.fromkeys(consulted[key]))
            shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
            lines.append(f"# {key}: {options[0]}  # ? or {' or '.join(options[1:])}; read by {shown}")
    return tuple(lines)
