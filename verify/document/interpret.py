"""From a statement's link to a `Claim`, under one reading of the conventions: the model is what was given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import sympy as sp

from derive.errors import AxisOrderError, BackproofError, ModelError, NotationError, ShapeError
from derive.language.build import transpose
from derive.language.derivatives import DerivativeNode, variable_of
from derive.language.nodes import Component, Diag, Entries, Member, Norm, Slot
from derive.language.shapes import axes
from derive.language.show import show, show_name
from derive.language.substitute import free_letters, substitute
from derive.latex import syntax
from derive.latex.conventions import OPTIONS, OpenConvention
from derive.latex.elaborate import Reader
from derive.latex.parser import parse
from derive.latex.syntax import Chain
from derive.model import Equation, Model, Time, members
from verify.claim import Assumption, Claim, Condition, Index
from verify.document.block import Entry
from verify.document.layers import has_layer_sizes, with_one_size
from verify.document.stacks import Layers
from verify.document.statements import Document, Link, Problem, Statement
from verify.errors import DocumentError

Choices = dict[str, str]


@dataclass(frozen=True)
class Reading:
    """One reading of a link: the choices made for open conventions, and the claim or why it is ill-typed."""

    choices: Choices
    claim: Claim | None
    problem: Problem | None = None
    instances: tuple[tuple[str, Claim], ...] = ()  # a claim over layers and steps, for few layers: (which, claim)
    is_shape_error: bool = False
    is_order_error: bool = False  # equally many entries, in another order: a false reading rather than none
    shapes: tuple[str, str] = ("", "")


class Interpreter:
    """Reads the links of one document; models are built once for each set of givens and choices."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.models: dict[Any, Model] = {}
        self.equations: dict[Any, Equation] = {}

    def readings(self, statement: Statement, link: Link) -> tuple[Reading, ...]:
        """Every reading of a link: one where no open convention is consulted, else one a choice."""
        return tuple(self._readings(statement, link, {}))

    def _readings(self, statement: Statement, link: Link, choices: Choices) -> Iterator[Reading]:
        try:
            yield self._reading(statement, link, choices)
        except OpenConvention as open_key:
            for option in OPTIONS[open_key.key]:
                yield from self._readings(statement, link, {**choices, open_key.key: option})

    def _reading(self, statement: Statement, link: Link, choices: Choices) -> Reading:
        try:
            instances = tuple(self._instances(statement, link, choices))
            if instances:
                return Reading(choices, instances[-1][1], instances=instances)
            return Reading(choices, self.claim(statement, link, choices))
        except ShapeError as error:
            start = getattr(error, "start", link.chain.start)
            end = getattr(error, "end", link.chain.end)
            place = statement.at(start, end)
            order = isinstance(error, AxisOrderError)
            return Reading(choices, None, Problem(str(error), place), is_shape_error=True, is_order_error=order)
        except NotationError as error:
            place = statement.at(error.start, error.end)
            return Reading(choices, None, Problem(str(error), place))
        except _InGiven as error:
            return Reading(choices, None, error.problem)
        except (ModelError, DocumentError) as error:
            return Reading(choices, None, Problem(str(error), statement.place))

    def claim(self, statement: Statement, link: Link, choices: Choices) -> Claim:
        """The claim of a link under choices. Raises what is wrong; `OpenConvention` where a choice is missing."""
        reader = self._reader(statement, choices)
        left, right = reader.sides(link.chain)
        model = self.model(statement, (left, right), choices)
        claim = Claim(
            left, right, model, link.chain.relations[0], self._indices(statement, model, left, right),
            self._conditions(statement, model, left, right), self._assumptions(statement, model, choices),
        )  # fmt: skip

        _check_variables(claim)
        claim = _with_fixed_letters(claim)
        return with_one_size(claim) if has_layer_sizes(claim) else claim

    def _instances(self, statement: Statement, link: Link, choices: Choices) -> Iterator[tuple[str, Claim]]:
        """A claim over layers and steps at once, for few layers; nothing for any other claim."""
        if len(set(statement.meaning.vocabulary.ranges.values())) < 2:
            return
        sides = self._reader(statement, choices).sides(link.chain)
        equations = self._equations(statement, sides, choices)
        layers = self._layers(statement, sides, equations)
        if layers is None:
            return
        claim = Claim(sides[0], sides[1], Model(()), link.chain.relations[0])  # the shapes of both sides fit
        for count in layers.counts():
            made = layers.equations(_connected(sides, list(equations.values())), count)
            losses = layers.losses(statement.meaning.losses, made, count)
            model = Model(made, losses, Time(statement.meaning.first, statement.meaning.last))
            for values in layers.choices(sides, count):
                left, right = (layers.formula(side, values) for side in (claim.left, claim.right))
                if not layers.is_met(statement.conditions, values) or not layers.exists((left, right), made):
                    continue
                one = replace(
                    claim, left=left, right=right, model=model,
                    indices=self._indices(statement, model, left, right),
                    conditions=self._conditions(statement, model, left, right),
                )  # fmt: skip
                names = ", ".join(f"{letter} = {value}" for letter, value in values.items())
                yield names, with_one_size(one) if has_layer_sizes(one) else one

    def _layers(self, statement: Statement, sides: tuple[Any, ...], equations: Mapping[str, Equation]) -> Layers | None:
        """What counts layers in a claim over two kinds of steps; None where there is one kind."""
        words, time = statement.meaning.vocabulary, (statement.meaning.first, statement.meaning.last)
        kept = _connected(sides, list(equations.values()))
        formulas = [*sides, *(side for e in kept for side in (e.left, e.right))]
        letters = {str(symbol) for formula in formulas for symbol in formula.free_symbols}
        kinds = {words.ranges[letter] for letter in letters if letter in words.ranges}
        others = [kind for kind in kinds if (int(kind[0]), kind[1]) != time]
        if len(kinds) < 2:
            return None
        if len(others) != 1:
            raise NotationError("a claim over three kinds of steps is not read", 0, 1)
        own = {symbol for letter, symbol in words.steps.items() if words.ranges.get(letter) == others[0]}
        return Layers(frozenset(own | others[0][1].free_symbols), others[0])

    def _reader(self, statement: Statement, choices: Choices) -> Reader:
        reader = Reader(statement.meaning.vocabulary, statement.declarations.conventions.reading(choices))
        listed = statement.declarations.immediate
        return (
            replace(reader, immediate=tuple(self._derivative(entry, reader) for entry in listed)) if listed else reader
        )

    def _derivative(self, entry: Entry, reader: Reader) -> tuple[Any, Any]:
        """What and by what a listed derivative is."""
        place = self.document.source.place(entry.offset, len(entry.text))
        try:
            node = parse(entry.text, reader.vocabulary.lexicon)[0].sides[0]
            if not isinstance(node, syntax.DerivativeOf) or node.what is None:
                raise NotationError("a listed derivative is written \\frac{\\partial h_k}{\\partial W}", 0, 1)
            return reader.argument(node.what), reader.argument(node.by)
        except (NotationError, ShapeError) as error:
            raise DocumentError(f"immediate: {error}", place) from None

    def _indices(self, statement: Statement, model: Model, left: Any, right: Any) -> tuple[Index, ...]:
        words = statement.meaning.vocabulary
        free = free_letters(left) | free_letters(right)
        letters = [symbol for symbol in words.steps.values() if symbol in free and symbol != model.time.last]
        return tuple(Index(letter, *words.ranges[str(letter)]) for letter in letters)

    def _conditions(self, statement: Statement, model: Model, left: Any, right: Any) -> tuple[Any, ...]:
        free = free_letters(left) | free_letters(right) | {model.time.last}
        kept = tuple(c for c in statement.conditions if (c.left.free_symbols | c.right.free_symbols) <= free)
        return kept + _different_numbers(left, right)

    # --- the model ---------------------------------------------------------------------------------------------

    def model(self, statement: Statement, sides: tuple[Any, ...], choices: Choices) -> Model:
        """The model that the givens before and after make: forward equations, and the definitions that are used."""
        equations = self._equations(statement, sides, choices)
        first, last, kept = self._time(statement, sides, equations)
        named = _names(*sides, *(equation.right for equation in kept))
        losses = tuple(one for one in statement.meaning.losses if str(one.symbol.name) in named or _is_of(one, kept))
        key = (tuple(kept), losses, first, last)
        if key not in self.models:
            self.models[key] = _built(key)
        return self.models[key]

    def _equations(self, statement: Statement, sides: tuple[Any, ...], choices: Choices) -> dict[str, Equation]:
        """The equations of the givens in force, definitions only where they are used."""
        givens = [s for s in self.document.statements if s.role == "given" and self._in_force(s, statement)]
        equations = {equation.name: equation for equation in statement.meaning.equations}
        definitions = [given for given in givens if given.has_derivative]
        for given in givens:
            if given not in definitions:
                self._add(given, choices, equations)
        needed = _names(*sides, *(equation.right for equation in equations.values()))
        pending = True
        while pending:  # a definition is read only where it is used: its open conventions disturb nobody else
            pending = False
            for given in list(definitions):
                names = self._defines(given)
                if names is None or names & needed:  # what cannot be named is not passed over: it says what is wrong
                    definitions.remove(given)
                    before = set(equations)
                    self._add(given, choices, equations)
                    needed |= _names(*(equations[name].right for name in set(equations) - before))
                    pending = True
        for equation in self._assumed_equations(statement, choices):
            equations.setdefault(equation.name, equation)
        return equations

    def _time(
        self, statement: Statement, sides: tuple[Any, ...], equations: Mapping[str, Equation]
    ) -> tuple[int, Any, list[Equation]]:
        """The range of steps that a claim is about, and the equations that belong to it."""
        meaning, words = statement.meaning, statement.meaning.vocabulary
        everything = list(equations.values())
        if len(set(words.ranges.values())) < 2:
            return meaning.first, meaning.last, everything
        kept = _connected(sides, everything)
        letters = {str(equation.index) for equation in kept if equation.index is not None}
        letters |= {str(letter) for side in sides for letter in free_letters(side)}
        ranges = {words.ranges[letter] for letter in letters if letter in words.ranges}
        if len(ranges) > 1:
            raise NotationError("a claim over two kinds of steps at once is not read in this version", 0, 1)
        first, last = next(iter(ranges), (meaning.first, meaning.last))
        return int(first), last, kept

    def _assumed_equations(self, statement: Statement, choices: Choices) -> list[Equation]:
        """An assumption W = diag(w) says what W is."""
        found = []
        for entry, chain in self._assumed_chains(statement):
            with self._in_assume(entry):
                left, right = self._reader(statement, choices).sides(chain)
                if chain.relations == ("=",) and isinstance(right, Diag) and isinstance(left, sp.MatrixSymbol):
                    found.append(Equation(left, right, id="assume"))
        return found

    def _in_force(self, given: Statement, statement: Statement) -> bool:
        """Givens count until a `reset`; without one, wherever they stand."""
        return given.declarations.generation == statement.declarations.generation

    def _defines(self, given: Statement) -> set[str] | None:
        """The names that a given defines, None where a left side is no name that can be read."""
        names = set()
        for link in given.links:
            try:
                core = _core(self._reader(given, _FIRST).read(link.chain.sides[0]))
            except (BackproofError, RecursionError):
                return None
            if not hasattr(core, "name"):
                return None
            names.add(str(core.name))
        return names

    def _add(self, given: Statement, choices: Choices, equations: dict[str, Equation]) -> None:
        if given.problem is not None:
            raise _InGiven(
                Problem(f"the given equation {given.id} cannot be read: {given.problem.message}", given.problem.place)
            )
        for link in given.links:
            try:
                equation = self._known_equation(given, link, choices)
            except OpenConvention:
                raise
            except BackproofError as error:
                start, end = getattr(error, "start", link.chain.start), getattr(error, "end", link.chain.end)
                place = given.at(start, end)
                raise _InGiven(Problem(f"the given equation {given.id}: {error}", place)) from None
            if equation.name in equations:
                raise _InGiven(Problem(f"two givens define {show_name(equation.name)}", given.place))
            equations[equation.name] = equation

    def _known_equation(self, given: Statement, link: Link, choices: Choices) -> Equation:
        key = (given.id, link.position, tuple(choices.items()))
        if key not in self.equations:
            self.equations[key] = self._equation(given, link, choices)
        return self.equations[key]

    def _equation(self, given: Statement, link: Link, choices: Choices) -> Equation:
        if link.chain.relations[:1] != ("=",):
            raise NotationError("a given equation defines its left side with =", link.chain.start, link.chain.end)
        left, right = self._reader(given, choices).sides(link.chain)
        if isinstance(left, sp.Transpose):
            left, right = left.args[0], transpose(right)
        if isinstance(left, Member) and left.indices:
            if axes(left) != axes(right):
                raise ShapeError(f"{show(left)} is {axes(left)}, but {show(right)} is {axes(right)}")
            return self._equation_at(given, link, left, right)
        if isinstance(left, Component):
            return self._equation_of_entries(given, link, left, right)
        if not isinstance(left, Member | sp.MatrixSymbol):
            raise NotationError("a given equation defines a name on its left side", link.chain.start, link.chain.end)
        return Equation(left, right, id=given.id)

    def _equation_of_entries(self, given: Statement, link: Link, left: Component, right: Any) -> Equation:
        """z_i = … defines z for all i."""
        core, letters = left.matrix, [letter for letter in (left.row, left.col) if letter is not None]
        is_letter = all(not str(letter).startswith("#") for letter in letters)
        if not isinstance(core, Member | sp.MatrixSymbol) or not is_letter or len(set(letters)) < len(letters):
            raise NotationError(
                "a given equation defines all entries of a name, by different letters", link.chain.start, link.chain.end
            )
        shape = axes(core)
        whole = Entries(right, left.row, left.col, shape.rows, shape.cols)
        if isinstance(core, Member) and core.indices:
            return self._equation_at(given, link, core, whole)
        return Equation(core, whole, id=given.id)

    def _equation_at(self, given: Statement, link: Link, left: Member, right: Any) -> Equation:
        """An equation of a family: s_{t-1} = f(Net_{t-1}) says what s_t = f(Net_t) says.

        Where the right side is of other steps alone, v_{l+1} = σ(r_l), it holds wherever these exist.
        """
        letters = left.time.free_symbols
        letter = next(iter(letters), None)
        if len(letters) != 1 or not (left.time - letter).is_Integer:
            raise NotationError(f"a given equation defines {show(left)} at a letter", link.chain.start, link.chain.end)
        shift = left.time - letter
        if shift == 0:
            return Equation(left, right, letter, id=given.id)
        moved = {letter: letter - shift}
        left, right = substitute(left, moved), substitute(right, moved)
        offsets = {member.time - letter for member in members(right) if letter in member.time.free_symbols}
        if 0 in offsets or len(offsets) != 1:
            return Equation(left, right, letter, id=given.id)
        first, last = given.meaning.vocabulary.ranges[str(letter)]
        offset = offsets.pop()
        return Equation(left, right, letter, first - offset, last - offset, id=given.id)

    # --- assumptions -------------------------------------------------------------------------------------------

    def _assumptions(self, statement: Statement, model: Model, choices: Choices) -> tuple[Assumption, ...]:
        found = [_structural(name, kind, statement) for name, kind in statement.meaning.structures.items()]
        for entry, chain in self._assumed_chains(statement):
            with self._in_assume(entry):
                assumption = self._assumption(chain, statement, choices)
                found += [] if assumption is None else [assumption]
        return tuple(found)

    def _assumed_chains(self, statement: Statement) -> Iterator[tuple[Entry, Chain]]:
        for entry in statement.declarations.assume:
            with self._in_assume(entry):
                chains = parse(entry.text, statement.meaning.vocabulary.lexicon)
            yield from ((entry, chain) for chain in chains)

    @contextmanager
    def _in_assume(self, entry: Entry) -> Iterator[None]:
        """What is wrong with an assumption is told at its place."""
        try:
            yield
        except (NotationError, ShapeError) as error:
            place = self.document.source.place(entry.offset, len(entry.text))
            raise DocumentError(f"assume: {error}", place) from None

    def _assumption(self, chain: Chain, statement: Statement, choices: Choices) -> Assumption | None:
        """The assumption that a relation states, None where it defines a tensor (W = diag(w))."""
        if len(chain.relations) != 1:
            raise NotationError("an assumption is one relation", chain.start, chain.end)
        left, right = self._reader(statement, choices).sides(chain)
        relation = chain.relations[0]
        if relation == "=" and isinstance(left, sp.MatMul) and right == sp.OneMatrix(1, 1) and len(left.args) == 2:
            ones, subject = left.args
            if isinstance(ones, sp.OneMatrix | sp.Transpose) and ones.atoms(sp.OneMatrix):
                return Assumption("sum_one", subject)
        if relation == "=" and right == transpose(left):
            return Assumption("symmetric", left)
        if relation == "=" and isinstance(right, sp.ZeroMatrix):
            return Assumption("zero", left)
        if relation == "=" and isinstance(right, Diag) and isinstance(left, sp.MatrixSymbol):
            return None
        if relation == "!=" and isinstance(right, sp.ZeroMatrix):
            return Assumption("nonzero", left)
        if relation == "<=" and isinstance(left, Norm):
            return Assumption("bound", left, right)
        known = "1ᵀy = 1, W = Wᵀ, W = diag(w), s_0 = 0, x ≠ 0, or ‖W‖ ≤ β"
        raise NotationError(f"an assumption is {known}", chain.start, chain.end)


def _check_variables(claim: Claim) -> None:
    """A derivative by a tensor whose entries depend on each other would need a convention of its own."""
    bound = {
        str(_core(a.subject).name)
        for a in claim.assumptions
        if a.kind in _DEPENDENT and hasattr(_core(a.subject), "name")
    }
    for side in (claim.left, claim.right):
        for node in sp.preorder_traversal(side):
            if isinstance(node, DerivativeNode):
                core = variable_of(node.by)
                if not isinstance(core, Slot) and str(core.name) in bound:
                    raise NotationError(
                        f"a derivative by {show(core)}, whose entries depend on each other, is not read", 0, 1
                    )


_DEPENDENT = ("symmetric", "diagonal", "zero", "sum_one", "one_hot")


def _with_fixed_letters(claim: Claim) -> Claim:
    """A letter that a condition fixes (t = T) is replaced by its value, which must lie in the letter's range."""
    for condition in claim.conditions:
        for index in claim.indices:
            for letter, value in ((condition.left, condition.right), (condition.right, condition.left)):
                if condition.relation == "=" and letter == index.letter and letter not in value.free_symbols:
                    return _with_fixed_letters(_fixed(claim, index, value))
    return claim


def _fixed(claim: Claim, index: Index, value: Any) -> Claim:
    def put(expr: Any) -> Any:
        return substitute(expr, {index.letter: value})

    conditions = [Condition(put(c.left), c.relation, put(c.right)) for c in claim.conditions]
    conditions += [Condition(index.first, "<=", value), Condition(value, "<=", index.last)]
    return replace(
        claim,
        left=put(claim.left),
        right=put(claim.right),
        indices=tuple(other for other in claim.indices if other != index),
        conditions=tuple(c for c in dict.fromkeys(conditions) if not (c.left - c.right).is_zero),
    )


class _InGiven(BackproofError):
    """A given equation that the claim needs is wrong."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


_FIRST = {key: options[0] for key, options in OPTIONS.items()}


def _core(expr: Any) -> Any:
    """What a formula turns or selects from."""
    while isinstance(expr, sp.Transpose | Component):
        expr = expr.args[0]
    return expr


def _names(*formulas: Any) -> set[str]:
    return {
        str(node.name)
        for formula in formulas
        for node in sp.preorder_traversal(formula)
        if isinstance(node, Member | sp.MatrixSymbol)
    }


def _connected(sides: tuple[Any, ...], equations: list[Equation]) -> list[Equation]:
    """The equations that hang together with what a claim names."""
    reached = _names(*sides)
    kept: list[Equation] = []
    pending = True
    while pending:
        new = [e for e in equations if e not in kept and (_names(e.left, e.right) & reached)]
        kept += new
        reached |= _names(*(side for e in new for side in (e.left, e.right)))
        pending = bool(new)
    return [equation for equation in equations if equation in kept]


def _is_of(loss: Any, equations: list[Equation]) -> bool:
    """Whether all that a loss looks at is computed or read by the equations."""
    names = _names(*(side for e in equations for side in (e.left, e.right)))
    return all(name in names for name, _ in loss.parts)


def _different_numbers(left: Any, right: Any) -> tuple[Condition, ...]:
    """W_{12}: numbers as components are different entries, whichever they are, since no entry is special."""
    letters = sorted(
        {letter for side in (left, right) for letter in free_letters(side) if letter.name[:1] == "#"}, key=str
    )
    pairs = combinations(letters, 2)
    return tuple(Condition(a, "!=", b) for a, b in pairs if a.name.rpartition("_")[2] == b.name.rpartition("_")[2])


def _built(key: Any) -> Model:
    equations, losses, first, last = key
    return Model(equations, losses, Time(first, last))


def _structural(name: str, structure: str, statement: Statement) -> Assumption:
    tensor = next(t for t in statement.meaning.vocabulary.tensors if t.name == name)
    indices = {letter: sp.Symbol(f"i_{place}", integer=True) for place, letter in enumerate(tensor.pattern.slots)}
    subject: Any = Member(name, tuple(indices.values()), *tensor.axes_at(indices))
    if not indices:
        subject = sp.MatrixSymbol(name, *subject.shape)
    return Assumption({"sum 1": "sum_one", "one-hot": "one_hot"}.get(structure, structure), subject)
