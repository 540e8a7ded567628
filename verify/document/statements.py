"""A document as statements in order: what is given, what is claimed link by link, what is skipped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from derive.errors import NotationError
from derive.latex import syntax
from derive.latex.parser import parse
from derive.latex.syntax import Chain, DerivativeOf, Node
from derive.latex.tokenizer import tokenize
from derive.latex.tokens import Tok
from verify.claim import Condition
from verify.document.block import Entry, read_block
from verify.document.conditions import SPACES, conditions_of, read_conditions
from verify.document.declarations import Declarations, Meaning, meaning
from verify.document.directives import Directives, read_directives
from verify.document.markdown import Piece, pieces
from verify.document.source import MAX_BYTES, Source
from verify.errors import DocumentError, Place

_TAG = re.compile(r"\\(?:tag\*?|label)\s*\{([^{}]*)\}")
_OPENING = re.compile(r"\\(?:left|[bB]igg?l?)\s*$")
MAX_SALVAGED = 100  # symbols that are tried one by one where one of them is wrong
_RELATION_WORDS = {"~": "an approximate or proportional relation is no exact claim", "in": "a membership states a type"}


@dataclass(frozen=True)
class Problem:
    """Why something cannot be read, and where."""

    message: str
    place: Place


@dataclass(frozen=True)
class Link:
    """One relation of a statement: left REL right as syntax; `position` from 1."""

    position: int
    chain: Chain
    latex: str
    problem: Problem | None = None
    skip: str | None = None


@dataclass(frozen=True)
class Statement:
    """A display equation: its id, role (claim, given, skipped), links, conditions and what is in force there."""

    id: str
    role: str
    latex: str
    offset: int
    place: Place
    declarations: Declarations
    meaning: Meaning
    directives: Directives
    links: tuple[Link, ...] = ()
    conditions: tuple[Condition, ...] = ()
    problem: Problem | None = None
    has_derivative: bool = False


@dataclass(frozen=True)
class Document:
    """A document's statements in order, and the declarations that were wrong."""

    source: Source
    statements: tuple[Statement, ...]
    errors: tuple[DocumentError, ...] = field(default=())

    @property
    def claims(self) -> tuple[Statement, ...]:
        """The statements that claim something."""
        return tuple(statement for statement in self.statements if statement.role == "claim")


def read(path: str, text: str) -> Document:
    """Read a Markdown document. Wrong declarations are collected; everything else is read all the same."""
    source = Source(path, text)
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise DocumentError(f"the document is larger than {MAX_BYTES} bytes", source.place(0))
    return _Reading(source).run(pieces(source))


class _Reading:
    """Goes through the pieces once, with the declarations in force."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.declarations = Declarations()
        self.waiting: list[Piece] = []
        self.statements: list[Statement] = []
        self.errors: list[DocumentError] = []
        self.meanings: dict[int, tuple[Declarations, Meaning]] = {}

    def run(self, found: list[Piece]) -> Document:
        for piece in found:
            try:
                self._take(piece)
            except DocumentError as error:
                self._note(error)
        self._check_givens()
        return Document(self.source, tuple(self.statements), tuple(self.errors))

    def _take(self, piece: Piece) -> None:
        if piece.kind == "block":
            self._declare(piece)
        elif piece.kind == "directive":
            self.waiting.append(piece)
        else:
            before, self.waiting = self.waiting, []
            directives = read_directives(before, self.source)
            self.statements.append(self._statement(piece, directives))

    def _declare(self, piece: Piece) -> None:
        """A block as a whole; where something is wrong, key by key: a wrong entry costs its own key alone."""
        keys = read_block(piece.text, piece.offset, self.source)
        try:
            whole = self.declarations.updated(keys, self.source)
            meaning(whole, self.source)
            self.declarations = whole
        except DocumentError as error:
            self._note(error)
            self._salvage(keys)

    def _salvage(self, keys: Mapping[str, tuple[Entry, Entry]]) -> None:
        """The keys of a wrong block that are right, those first on which the others lean."""
        for key in sorted(keys, key=lambda name: name not in ("reset", "time", "indices")):
            name, value = keys[key]
            is_map = key == "symbols" and isinstance(value.value, Mapping) and len(value.value) <= MAX_SALVAGED
            if not self._salvaged(key, name, value) and is_map:
                kept: dict[str, tuple[Entry, Entry]] = {}
                for symbol, entry in value.value.items():  # entries of tensors come behind these: one more round
                    if self._salvaged(key, name, replace(value, value={**kept, symbol: entry})):
                        kept[symbol] = entry

    def _salvaged(self, key: str, name: Entry, value: Entry) -> bool:
        """Whether a key with a value is right, and then in force."""
        try:
            changed = self.declarations.updated({key: (name, value)}, self.source)
            meaning(changed, self.source)
        except DocumentError as error:
            self._note(error)
            return False
        self.declarations = changed
        return True

    def _note(self, error: DocumentError) -> None:
        if str(error) not in {str(known) for known in self.errors}:
            self.errors.append(error)

    def _meaning(self, declarations: Declarations) -> Meaning:
        known = self.meanings.get(id(declarations))
        if known is None:
            known = self.meanings[id(declarations)] = (declarations, meaning(declarations, self.source))
        return known[1]

    def _statement(self, piece: Piece, directives: Directives) -> Statement:
        tags = _TAG.findall(piece.text)
        start = piece.offset + len(piece.text) - len(piece.text.lstrip())
        place = self.source.place(start)
        declared = self.declarations.updated(directives.keys, self.source) if directives.keys else self.declarations
        name = directives.id or (tags[0].strip() if tags else self._line_id(place.line))
        if any(statement.id == name for statement in self.statements):
            raise DocumentError(f"the id {name} stands twice in this document", place)
        given = directives.is_given or any(name in (entry.value, f"{entry.value}") for entry in declared.given)
        role = "skipped" if directives.skip is not None else "given" if given else "claim"
        blank = _TAG.sub(lambda match: " " * len(match.group()), piece.text)
        blank = blank.replace("\\nonumber", " " * 9).replace("\\notag", " " * 6)
        latex = " ".join(blank.split())
        statement = Statement(name, role, latex, piece.offset, place, declared, self._meaning(declared), directives)
        return statement if role == "skipped" else self._with_links(statement, blank)

    def _line_id(self, line: int) -> str:
        """L7, and L7.2 for a second display on that line."""
        taken = {statement.id for statement in self.statements}
        names = (f"L{line}" if place == 1 else f"L{line}.{place}" for place in range(1, len(taken) + 2))
        return next(name for name in names if name not in taken)

    def _with_links(self, statement: Statement, text: str) -> Statement:
        try:
            chains, conditions = self._parts(statement, text)
            if statement.declarations.where is not None:
                conditions += self._where(statement, statement.declarations.where)
            links = _links(chains, text, statement, self.source)
        except NotationError as error:
            problem = Problem(str(error), self._place(statement, error))
            return replace(statement, problem=problem)
        except RecursionError:
            return replace(statement, problem=Problem("the formula is nested too deep", statement.place))
        has_derivative = any(_mentions_derivative(side) for chain in chains for side in chain.sides)
        return replace(statement, links=links, conditions=conditions, has_derivative=has_derivative)

    def _place(self, statement: Statement, error: NotationError) -> Place:
        start = min(statement.offset + error.start, len(self.source.text) - 1)
        return self.source.place(start, error.end - error.start)

    def _parts(self, statement: Statement, text: str) -> tuple[list[Chain], tuple[Condition, ...]]:
        """The chains of a display without its conditions, and these."""
        words = statement.meaning.vocabulary
        chains = parse(text, words.lexicon)
        kept: list[Chain] = []
        conditions: tuple[Condition, ...] = ()
        for chain in chains:
            chain, trailing = _without_trailing(chain)
            for part in (*((chain,) if _is_condition(chain, statement) and kept else ()), *trailing):
                piece = text[part.start : part.end].strip().lstrip("(").rstrip(")")
                conditions += conditions_of(_tokens(piece), words)
            if not (_is_condition(chain, statement) and kept):
                kept.append(chain)
        if not any(chain.relations for chain in kept):
            raise NotationError("no relation: an equation states left = right", kept[0].start, kept[0].end)
        return kept, conditions

    def _where(self, statement: Statement, entry: Entry) -> tuple[Condition, ...]:
        try:
            return read_conditions(entry.text, statement.meaning.vocabulary)
        except NotationError as error:
            raise DocumentError(f"where: {error}", self.source.place(entry.offset, len(entry.text))) from None

    def _check_givens(self) -> None:
        """Every id that is given exists."""
        ids = {statement.id for statement in self.statements}
        seen: set[str] = set()
        for declarations, _ in list(self.meanings.values()):
            for entry in declarations.given:
                if str(entry.value) not in ids and str(entry.value) not in seen:
                    seen.add(str(entry.value))
                    place = self.source.place(entry.offset, len(str(entry.value)))
                    self.errors.append(
                        DocumentError(f"given names {entry.value!r}, and no equation has that id", place)
                    )


def _tokens(text: str) -> list[Tok]:
    return list(tokenize(text))


def _links(chains: list[Chain], text: str, statement: Statement, source: Source) -> tuple[Link, ...]:
    found: list[Link] = []
    for chain in chains:
        if not chain.relations:
            place = source.place(statement.offset + chain.start, chain.end - chain.start)
            latex = text[chain.start : chain.end].strip()
            found.append(
                Link(len(found) + 1, chain, latex, Problem("no relation: an equation states left = right", place))
            )
        for left, relation, right in zip(chain.sides, chain.relations, chain.sides[1:], strict=False):
            pair = Chain(left.start, right.end, (left, right), (relation,))
            latex = " ".join(text[_with_opening(text, left.start) : right.end].split())
            problem = None
            if relation == "=" and _is_update(text, left, right):
                place = source.place(statement.offset + left.start, right.end - left.start)
                problem = Problem("an update line is no equation; give the new value a name of its own", place)
            found.append(Link(len(found) + 1, pair, latex, problem, skip=_RELATION_WORDS.get(relation)))
    return tuple(found)


def _is_update(text: str, left: Node, right: Node) -> bool:
    """W = W - η ∇: a name on the left that is a term of the right, as written."""
    if not isinstance(left, syntax.Name) or not isinstance(right, syntax.Sum):
        return False
    name = "".join(text[left.start : left.end].split())
    return any(sign > 0 and "".join(text[t.start : t.end].split()) == name for sign, t in right.terms)


def _with_opening(text: str, start: int) -> int:
    """The start with a \\left before it, which no token keeps."""
    match = _OPENING.search(text, 0, start)
    return match.start() if match else start


def _is_condition(chain: Chain, statement: Statement) -> bool:
    """A chain of index letters and numbers alone, with an order relation."""
    if chain.is_condition:
        return True
    if not chain.relations or all(relation == "=" for relation in chain.relations):
        return False
    last = chain.sides[-1]
    if chain.relations == ("in",):
        return isinstance(last, syntax.Name) and last.base in SPACES
    words = statement.meaning.vocabulary
    letters = {*words.steps, *words.components}

    def is_index(node: Node) -> bool:
        match node:
            case syntax.Name():
                return node.base in letters and node.scripts.is_empty
            case syntax.Number():
                return node.scripts.is_empty
            case syntax.Sum():
                return all(is_index(term) for _, term in node.terms)
        return False

    return all(is_index(side) for side in chain.sides)


def _without_trailing(chain: Chain) -> tuple[Chain, list[Chain]]:
    """A bracketed relation at the end of a chain, (t \\ge 2), is a condition."""
    shorter, tail = _split_tail(chain.sides[-1])
    if tail is None:
        return chain, []
    return replace(chain, sides=(*chain.sides[:-1], shorter)), [Chain(tail.start, tail.end, (), ())]


def _split_tail(node: Node) -> tuple[Node, Node | None]:
    """A formula without the bracketed relation that it ends with; sums and signs are looked into."""
    match node:
        case syntax.Sum():
            sign, last = node.terms[-1]
            inner, tail = _split_tail(last)
            return replace(node, terms=(*node.terms[:-1], (sign, inner))), tail
        case syntax.Big():
            inner, tail = _split_tail(node.body)
            return replace(node, body=inner), tail
        case syntax.Entrywise():
            inner, tail = _split_tail(node.operands[-1])
            return replace(node, operands=(*node.operands[:-1], inner)), tail
        case syntax.Product():
            last = node.factors[-1]
            if isinstance(last, syntax.Bracket):
                is_relation = last.kind == "round" and any(part.relations for part in last.parts)
                if not is_relation:
                    return node, None
                rest = node.factors[:-1]
                return (rest[0] if len(rest) == 1 else replace(node, factors=rest)), last
            inner, tail = _split_tail(last)
            return replace(node, factors=(*node.factors[:-1], inner)), tail
    return node, None


def _mentions_derivative(node: Node) -> bool:
    if isinstance(node, DerivativeOf):
        return True
    for value in vars(node).values():
        for item in value if isinstance(value, tuple) else (value,):
            inner = item[1] if isinstance(item, tuple) and len(item) == 2 else item
            if isinstance(inner, Node) and _mentions_derivative(inner):
                return True
    return False
