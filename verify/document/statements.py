"""A document as statements in order: what is given, what is claimed link by link, what is skipped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from derive.errors import NotationError
from derive.latex import syntax
from derive.latex.juxtaposed import is_one
from derive.latex.parser import parse
from derive.latex.syntax import Chain, DerivativeOf, Node
from derive.latex.tokenizer import tokenize
from derive.latex.vocabulary import Vocabulary
from verify.claim import Condition
from verify.document.block import Entry, read_block
from verify.document.conditions import SPACES, conditions_of, read_conditions
from verify.document.declarations import Declarations, Meaning, meaning
from verify.document.directives import Directives, read_directives
from verify.document.displays import Formula, formulas
from verify.document.macros import Macros
from verify.document.passages import Passage, Piece
from verify.document.readers import Form, form_of, pieces
from verify.document.source import Source, normal
from verify.errors import DocumentError, Place

# what the typed meaning of declarations rests on: two sets of them that share these share their meaning
_WITH_MEANING = tuple(
    item.name
    for item in fields(Declarations)
    if item.name not in ("assume", "where", "given", "conventions", "generation")
)
_OPENING = re.compile(r"\\(?:left|[bB]igg?l?)\s*$")
MAX_DISPLAYS = 50_000
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
    passage: Passage  # the formula as it is parsed, with the place of each character
    place: Place
    declarations: Declarations
    meaning: Meaning
    directives: Directives
    links: tuple[Link, ...] = ()
    conditions: tuple[Condition, ...] = ()
    problem: Problem | None = None
    has_derivative: bool = False
    names: tuple[str, ...] = ()  # everything that `given` may call it: its id, its tags and labels
    is_named: bool = True  # False where the id is made of the line

    def at(self, start: int, end: int) -> Place:
        """Where characters of the parsed formula were written: at a macro's use for what it expands to."""
        return self.passage.place(start, end)


@dataclass(frozen=True)
class Document:
    """A document's statements in order, and the declarations that were wrong."""

    source: Source
    statements: tuple[Statement, ...]
    errors: tuple[DocumentError, ...] = field(default=())
    pieces: tuple[Piece, ...] = field(default=(), repr=False, compare=False)  # in order: what stands between is prose
    form: Form = "md"

    @property
    def is_declared(self) -> bool:
        """Whether it has a declaration block."""
        return any(piece.kind == "block" for piece in self.pieces)

    @property
    def claims(self) -> tuple[Statement, ...]:
        """The statements that claim something."""
        return tuple(statement for statement in self.statements if statement.role == "claim")


def read(path: str, text: str, form: Form | None = None, folder: Path | None = None) -> Document:
    """Read a document: Markdown, LaTeX or a notebook, by its name where `form` does not say which.

    Files that a LaTeX document reads are looked for in `folder` alone. Raises `DocumentError` for what is no document;
    wrong declarations are collected, and everything else is read all the same.
    """
    found = _Reading(*pieces(path, text, form, folder)).run()
    return replace(found, form=form or form_of(path, normal(text)))


class _Reading:
    """Goes through the pieces once, with the declarations and macros in force."""

    def __init__(self, source: Source, found: list[Piece]) -> None:
        self.source, self.pieces = source, found
        self.declarations = Declarations()
        self.macros = Macros()
        self.waiting: list[Piece] = []
        self.statements: list[Statement] = []
        self.ids: set[str] = set()
        self.errors: dict[str, DocumentError] = {}
        self.meanings: dict[tuple[int, ...], tuple[Declarations, Meaning]] = {}
        self.on_line: dict[str, int] = {}
        self.givens: dict[int, tuple[tuple[Entry, ...], frozenset[str]]] = {}

    def run(self) -> Document:
        displays = 0
        for piece in self.pieces:
            displays += piece.kind == "display"
            if displays > MAX_DISPLAYS:
                wrong = f"the document has more than {MAX_DISPLAYS:,} displays; from here on nothing is read"
                self._note(DocumentError(wrong, self.source.place(piece.offset)))
                break
            try:
                self._take(piece)
            except DocumentError as error:
                self._note(error)
        self._check_givens()
        return Document(self.source, tuple(self.statements), tuple(self.errors.values()), tuple(self.pieces))

    def _take(self, piece: Piece) -> None:
        if piece.kind == "display":
            self._take_display(piece)
        elif piece.kind == "directive":
            self.waiting.append(piece)
        elif piece.kind == "definition":
            for start, found in self.macros.definitions.within(piece.text, 0, len(piece.text)):
                self.macros.define(found, str(self.source.place(piece.offset + start)))
        elif piece.kind == "block":
            self._declare(piece)
        elif piece.kind == "open":
            self.macros.open()
        elif piece.kind == "close":
            self.macros.close()
        else:
            raise DocumentError(piece.fault, self.source.place(piece.offset, len(piece.text)))

    def _take_display(self, piece: Piece) -> None:
        for formula in formulas(piece, self.macros, self.source):
            before, self.waiting = self.waiting, []
            try:
                directives = read_directives([*before, *formula.directives], self.source)
                self.statements.append(self._statement(formula, directives))
            except DocumentError as error:
                self._note(error)

    def _declare(self, piece: Piece) -> None:
        """A block as a whole; where something is wrong, key by key: a wrong entry costs its own key alone."""
        keys = self._expanded(read_block(piece.text, piece.offset, self.source))
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

    def _expanded(self, keys: Mapping[str, tuple[Entry, Entry]]) -> Mapping[str, tuple[Entry, Entry]]:
        """Keys with the document's macros expanded in names and values, as in its formulas; ids stay as they are."""
        if not self.macros.table:
            return keys
        return {key: (name, value if key == "given" else self._entry(value)) for key, (name, value) in keys.items()}

    def _entry(self, entry: Entry) -> Entry:
        if isinstance(entry.value, tuple):
            return Entry(tuple(self._entry(item) for item in entry.value), entry.offset)
        if isinstance(entry.value, Mapping):
            pairs = [(self._entry(name), self._entry(value)) for name, value in entry.value.values()]
            found = {name.text: (name, value) for name, value in pairs}
            if len(found) < len(pairs):
                twice = next(name for name, _ in pairs if found[name.text][0] is not name)
                raise DocumentError(
                    f"two keys are {twice.text} once macros are expanded", self.source.place(twice.offset)
                )
            return Entry(found, entry.offset)
        try:
            return Entry(self.macros.expand(entry.text), entry.offset)
        except NotationError as error:
            raise DocumentError(str(error), self.source.place(entry.offset, len(entry.text))) from None

    def _note(self, error: DocumentError) -> None:
        self.errors.setdefault(str(error), error)

    def _meaning(self, declarations: Declarations) -> Meaning:
        key = tuple(id(getattr(declarations, name)) for name in _WITH_MEANING)
        known = self.meanings.get(key)
        if known is None:
            known = self.meanings[key] = (declarations, meaning(declarations, self.source))
        return known[1]

    def _is_given(self, names: tuple[str, ...], declarations: Declarations) -> bool:
        known = self.givens.get(id(declarations.given))
        if known is None:
            ids = frozenset(entry.text for entry in declarations.given)
            known = self.givens[id(declarations.given)] = (declarations.given, ids)
        return not known[1].isdisjoint(names)

    def _statement(self, formula: Formula, directives: Directives) -> Statement:
        passage = formula.passage
        start = len(passage.text) - len(passage.text[formula.own :].lstrip())
        place = passage.place(start, start + 1)
        keys = self._expanded(directives.keys)
        declared = self.declarations.updated(keys, self.source) if keys else self.declarations
        names = (*((directives.id,) if directives.id else ()), *formula.names)
        name = names[0] if names else self._line_id(place.line, self.source.part(passage.origin(start)[0]).label)
        if name in self.ids:
            raise DocumentError(f"the id {name} stands twice in this document", place)
        names, is_named = names or (name,), bool(names)
        role = "skipped" if directives.skip is not None else "claim"
        is_given = self._is_given(names, declared) or directives.is_given
        if role == "claim" and is_given:
            role = "given"
        latex, meant = " ".join(passage.text.split()), self._meaning(declared)
        statement = Statement(
            name, role, latex, passage, place, declared, meant, directives, names=names, is_named=is_named
        )
        self.ids.add(name)
        if formula.fault is not None:
            message, start, end = formula.fault
            return replace(statement, problem=Problem(message, passage.place(start, end)))
        made = statement if role == "skipped" else self._with_links(statement, passage.text)
        own = {f"{name}/{link.position}" for link in made.links} if len(made.links) > 1 else set()
        if own & self.ids:
            raise DocumentError(f"the id {min(own & self.ids)} stands twice: a relation of {name} has it too", place)
        self.ids |= own
        return made

    def _line_id(self, line: int, label: str) -> str:
        """L7, and L7.2 for a second display on that line; in a cell or file of its own cell-2:L7."""
        first = f"{label}:L{line}" if label else f"L{line}"
        count = self.on_line[first] = self.on_line.get(first, 0) + 1
        name = first if count == 1 else f"{first}.{count}"
        return name if name not in self.ids else self._line_id(line, label)

    def _with_links(self, statement: Statement, text: str) -> Statement:
        try:
            chains, conditions = self._parts(statement, text)
            if statement.declarations.where is not None:
                conditions += self._where(statement, statement.declarations.where)
            links = _links(chains, text, statement)
        except NotationError as error:
            problem = Problem(str(error), statement.at(error.start, error.end))
            return replace(statement, problem=problem)
        except RecursionError:
            return replace(statement, problem=Problem("the formula is nested too deep", statement.place))
        has_derivative = any(_mentions_derivative(side) for chain in chains for side in chain.sides)
        return replace(statement, links=links, conditions=conditions, has_derivative=has_derivative)

    def _parts(self, statement: Statement, text: str) -> tuple[list[Chain], tuple[Condition, ...]]:
        """The chains of a display without its conditions, and these."""
        words = statement.meaning.vocabulary
        chains = parse(text, words.lexicon)
        kept: list[Chain] = []
        conditions: tuple[Condition, ...] = ()
        for chain in chains:
            chain, trailing = _without_trailing(chain)
            for part in (*((chain,) if _is_condition(chain, statement) and kept else ()), *trailing):
                conditions += _conditions(text, part, words)
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
        ids = {name for statement in self.statements for name in statement.names}
        seen: set[str] = set()
        for entries, _ in self.givens.values():
            for entry in entries:
                if str(entry.value) not in ids and str(entry.value) not in seen:
                    seen.add(str(entry.value))
                    place = self.source.place(entry.offset, len(str(entry.value)))
                    self._note(DocumentError(f"given names {entry.value!r}, and no equation has that id", place))


def _conditions(text: str, part: Chain, words: Vocabulary) -> tuple[Condition, ...]:
    """The conditions that a part of a display states; places of errors count in the display."""
    piece = text[part.start : part.end]
    start = part.start + len(piece) - len(piece.lstrip("( \n"))
    bare = text[start : part.end].rstrip(") \n")
    try:
        return conditions_of(tokenize(bare), words)
    except NotationError as error:
        raise NotationError(str(error), error.start + start, error.end + start) from None


def _links(chains: list[Chain], text: str, statement: Statement) -> tuple[Link, ...]:
    found: list[Link] = []
    for chain in chains:
        if not chain.relations:
            place = statement.at(chain.start, chain.end)
            latex = text[chain.start : chain.end].strip()
            found.append(
                Link(len(found) + 1, chain, latex, Problem("no relation: an equation states left = right", place))
            )
        for left, relation, right in zip(chain.sides, chain.relations, chain.sides[1:], strict=False):
            pair = Chain(left.start, right.end, (left, right), (relation,))
            latex = " ".join(text[_with_opening(text, left.start) : right.end].split())
            problem = None
            if relation == "=" and _is_update(text, left, right):
                place = statement.at(left.start, right.end)
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
                if not is_relation or is_one(node.factors[-2]):  # 1(y = k) is an indicator
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
