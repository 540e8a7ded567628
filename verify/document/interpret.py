"""From a statement's link to a `Claim`, under one reading of the conventions: the model is what was given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import sympy as sp

from derive.errors import AxisOrderError, ModelError, NotationError, ShapeError
from derive.language.derivatives import DerivativeNode, variable_of
from derive.language.nodes import Slot
from derive.language.show import show
from derive.language.substitute import free_letters, substitute
from derive.latex.conventions import OPTIONS, OpenConvention
from derive.model import Equation, Model, Time
from verify.claim import Claim, Condition, Index
from verify.document.assumptions import assumptions
from verify.document.function_givens import with_laws
from verify.document.givens import Givens, InGiven, connected, core
from verify.document.layers import has_layer_sizes, with_one_size
from verify.document.stacks import Layers
from verify.document.statements import Document, Link, Problem, Statement
from verify.document.words import Choices, reader_of
from verify.errors import DocumentError


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
    """Reads the links of one document."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.givens = Givens(document)

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
        except InGiven as error:
            return Reading(choices, None, error.problem)
        except (ModelError, DocumentError) as error:
            return Reading(choices, None, Problem(str(error), statement.place))

    def claim(self, statement: Statement, link: Link, choices: Choices) -> Claim:
        """The claim of a link under choices. Raises what is wrong; `OpenConvention` where a choice is missing."""
        left, right = self.sides(statement, link, choices)
        model = self.model(statement, (left, right), choices)
        claim = Claim(
            left, right, model, link.chain.relations[0], self._indices(statement, model, left, right),
            self._conditions(statement, model, left, right), assumptions(statement, choices, self.document.source),
        )  # fmt: skip

        _check_variables(claim)
        claim = _with_fixed_letters(claim)
        return with_one_size(claim) if has_layer_sizes(claim) else claim

    def model(self, statement: Statement, sides: tuple[Any, ...], choices: Choices) -> Model:
        """The model that the givens in force make of what a claim names."""
        return self.givens.model(statement, sides, choices)

    def _instances(self, statement: Statement, link: Link, choices: Choices) -> Iterator[tuple[str, Claim]]:
        """A claim over layers and steps at once, for few layers; nothing for any other claim."""
        if len(set(statement.meaning.vocabulary.ranges.values())) > 1:
            yield from self.at_layers(statement, self.sides(statement, link, choices), choices, link.chain.relations[0])

    def sides(self, statement: Statement, link: Link, choices: Choices) -> tuple[Any, ...]:
        """The two sides of a link as written, with layers still as indices. Raises as `claim` does."""
        known = self.givens.laws(statement, choices)
        read = reader_of(statement, choices, self.document.source).sides(link.chain)
        return tuple(with_laws(side, known) for side in read)

    def at_layers(
        self, statement: Statement, sides: tuple[Any, ...], choices: Choices, relation: str = "="
    ) -> Iterator[tuple[str, Claim]]:
        """Two sides over layers and steps as a claim for each few layers; nothing where one kind of step occurs."""
        equations = self.givens.equations_of(statement, sides, choices)
        layers = self._layers(statement, sides, equations)
        if layers is None:
            return
        claim = Claim(sides[0], sides[1], Model(()), relation)  # the shapes of both sides fit
        for count in layers.counts():
            made = layers.equations(connected(sides, list(equations.values())), count)
            losses = layers.losses(statement.meaning.losses, made, count)
            model = Model(made, losses, Time(statement.meaning.first, statement.meaning.last))
            for values in layers.choices(sides, count):
                left, right = (layers.formula(side, values) for side in (claim.left, claim.right))
                if not layers.is_met(statement.conditions, values) or not layers.exists((left, right), made):
                    continue
                one = replace(
                    claim, left=left, right=right, model=model,
                    indices=self._indices(statement, model, left, right),
                    conditions=self._conditions(statement, model, left, right, values),
                )  # fmt: skip
                names = ", ".join(f"{letter} = {value}" for letter, value in values.items())
                yield names, with_one_size(one) if has_layer_sizes(one) else one

    def _layers(self, statement: Statement, sides: tuple[Any, ...], equations: Mapping[str, Equation]) -> Layers | None:
        """What counts layers in a claim over two kinds of steps; None where there is one kind."""
        words, time = statement.meaning.vocabulary, (statement.meaning.first, statement.meaning.last)
        kept = connected(sides, list(equations.values()))
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

    def _indices(self, statement: Statement, model: Model, left: Any, right: Any) -> tuple[Index, ...]:
        words = statement.meaning.vocabulary
        free = free_letters(left) | free_letters(right)
        letters = [symbol for symbol in words.steps.values() if symbol in free and symbol != model.time.last]
        return tuple(Index(letter, *words.ranges[str(letter)]) for letter in letters)

    def _conditions(
        self, statement: Statement, model: Model, left: Any, right: Any, layers: Mapping[sp.Symbol, int] | None = None
    ) -> tuple[Any, ...]:
        """The conditions on letters that a claim writes, with the layers' values put in: t <= l at l = 2 is t <= 2."""
        free = free_letters(left) | free_letters(right) | {model.time.last}
        values = {letter: sp.Integer(value) for letter, value in (layers or {}).items()}
        kept = []
        for one in statement.conditions:
            given = replace(one, left=one.left.xreplace(values), right=one.right.xreplace(values))
            letters = given.left.free_symbols | given.right.free_symbols
            if letters <= free and (letters or given == one):  # what is about layers alone is met at these
                kept.append(given)
        return (*kept, *_different_numbers(left, right))


def _check_variables(claim: Claim) -> None:
    """A derivative by a tensor whose entries depend on each other would need a convention of its own."""
    bound = {
        str(core(a.subject).name)
        for a in claim.assumptions
        if a.kind in _DEPENDENT and hasattr(core(a.subject), "name")
    }
    for side in (claim.left, claim.right):
        for node in sp.preorder_traversal(side):
            if isinstance(node, DerivativeNode):
                variable = variable_of(node.by)
                if not isinstance(variable, Slot) and str(variable.name) in bound:
                    raise NotationError(
                        f"a derivative by {show(variable)}, whose entries depend on each other, is not read", 0, 1
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


def _different_numbers(left: Any, right: Any) -> tuple[Condition, ...]:
    """W_{12}: numbers as components are different entries, whichever they are, since no entry is special."""
    letters = sorted(
        {letter for side in (left, right) for letter in free_letters(side) if letter.name[:1] == "#"}, key=str
    )
    pairs = combinations(letters, 2)
    return tuple(Condition(a, "!=", b) for a, b in pairs if a.name.rpartition("_")[2] == b.name.rpartition("_")[2])
