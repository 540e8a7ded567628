"""From a statement's link to a `Claim`, under one reading of the conventions: the model is what was given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from derive.errors import BackproofError, ModelError, NotationError, ShapeError
from derive.language.build import transpose
from derive.language.derivatives import DerivativeNode
from derive.language.nodes import Member, Norm, Vec
from derive.language.shapes import axes
from derive.language.show import show, show_name
from derive.language.substitute import free_letters, substitute
from derive.latex.conventions import OPTIONS, OpenConvention
from derive.latex.elaborate import Reader
from derive.latex.parser import parse
from derive.latex.syntax import Chain
from derive.model import Equation, Model, Time
from verify.claim import Assumption, Claim, Condition, Index
from verify.document.statements import Document, Link, Problem, Statement
from verify.errors import DocumentError

Choices = dict[str, str]


@dataclass(frozen=True)
class Reading:
    """One reading of a link: the choices made for open conventions, and the claim or why it is ill-typed."""

    choices: Choices
    claim: Claim | None
    problem: Problem | None = None
    is_shape_error: bool = False
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
            return Reading(choices, self.claim(statement, link, choices))
        except ShapeError as error:
            start = getattr(error, "start", link.chain.start)
            end = getattr(error, "end", link.chain.end)
            place = statement.at(start, end)
            return Reading(choices, None, Problem(str(error), place), is_shape_error=True)
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
            left, right, model, link.chain.relations[0], self._indices(statement, left, right),
            self._conditions(statement, left, right), self._assumptions(statement, model, choices),
        )  # fmt: skip

        _check_variables(claim)
        return _with_fixed_letters(claim)

    def _reader(self, statement: Statement, choices: Choices) -> Reader:
        return Reader(statement.meaning.vocabulary, statement.declarations.conventions.reading(choices))

    def _indices(self, statement: Statement, left: Any, right: Any) -> tuple[Index, ...]:
        words, last = statement.meaning.vocabulary, statement.meaning.last
        free = free_letters(left) | free_letters(right)
        letters = [symbol for symbol in words.steps.values() if symbol in free and symbol != last]
        return tuple(Index(letter, *words.ranges[str(letter)]) for letter in letters)

    def _conditions(self, statement: Statement, left: Any, right: Any) -> tuple[Any, ...]:
        free = free_letters(left) | free_letters(right) | {statement.meaning.last}
        return tuple(c for c in statement.conditions if (c.left.free_symbols | c.right.free_symbols) <= free)

    # --- the model ---------------------------------------------------------------------------------------------

    def model(self, statement: Statement, sides: tuple[Any, ...], choices: Choices) -> Model:
        """The model that the givens before and after make: forward equations, and the definitions that are used."""
        givens = [s for s in self.document.statements if s.role == "given" and self._in_force(s, statement)]
        equations: dict[str, Equation] = {}
        definitions = [given for given in givens if given.has_derivative]
        for given in givens:
            if given not in definitions:
                self._add(given, choices, equations)
        needed = _names(*sides, *(equation.right for equation in equations.values()))
        pending = True
        while pending:  # a definition is read only where it is used: its open conventions disturb nobody else
            pending = False
            for given in list(definitions):
                if self._defines(given) & needed:
                    definitions.remove(given)
                    before = set(equations)
                    self._add(given, choices, equations)
                    needed |= _names(*(equations[name].right for name in set(equations) - before))
                    pending = True
        key = (tuple(equations.values()), statement.meaning.losses, statement.meaning.first, statement.meaning.last)
        if key not in self.models:
            self.models[key] = _built(key)
        return self.models[key]

    def _in_force(self, given: Statement, statement: Statement) -> bool:
        """Givens count until a `reset`; without one, wherever they stand."""
        return given.declarations.generation == statement.declarations.generation

    def _defines(self, given: Statement) -> set[str]:
        names = set()
        for link in given.links:
            try:
                left = self._reader(given, _FIRST).read(link.chain.sides[0])
            except (BackproofError, RecursionError):
                continue
            names |= {str(_core(left).name)} if hasattr(_core(left), "name") else set()
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
            if not isinstance(left.time, sp.Symbol):
                raise NotationError(
                    f"a given equation defines {show(left)} at a letter", link.chain.start, link.chain.end
                )
            if axes(left) != axes(right):
                raise ShapeError(f"{show(left)} is {axes(left)}, but {show(right)} is {axes(right)}")
            return Equation(left, right, left.time, id=given.id)
        if not isinstance(left, Member | sp.MatrixSymbol):
            raise NotationError("a given equation defines a name on its left side", link.chain.start, link.chain.end)
        return Equation(left, right, id=given.id)

    # --- assumptions -------------------------------------------------------------------------------------------

    def _assumptions(self, statement: Statement, model: Model, choices: Choices) -> tuple[Assumption, ...]:
        found = [_structural(name, kind, statement) for name, kind in statement.meaning.structures.items()]
        words = statement.meaning.vocabulary
        for entry in statement.declarations.assume:
            place = self.document.source.place(entry.offset, len(entry.text))
            try:
                chains = parse(entry.text, words.functions, words.words, words.operators, words.indexed)
                found.extend(self._assumption(chain, statement, choices) for chain in chains)
            except (NotationError, ShapeError) as error:
                raise DocumentError(f"assume: {error}", place) from None
        return tuple(found)

    def _assumption(self, chain: Chain, statement: Statement, choices: Choices) -> Assumption:
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
        if relation == "<=" and isinstance(left, Norm):
            return Assumption("bound", left, right)
        raise NotationError("an assumption is 1ᵀy = 1, W = Wᵀ, s_0 = 0, or ‖W‖ ≤ β", chain.start, chain.end)


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
                core = node.by.args[0] if isinstance(node.by, Vec) else node.by
                if str(core.name) in bound:
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
    return expr.args[0] if isinstance(expr, sp.Transpose) else expr


def _names(*formulas: Any) -> set[str]:
    return {
        str(node.name)
        for formula in formulas
        for node in sp.preorder_traversal(formula)
        if isinstance(node, Member | sp.MatrixSymbol)
    }


def _built(key: Any) -> Model:
    equations, losses, first, last = key
    return Model(equations, losses, Time(first, last))


def _structural(name: str, structure: str, statement: Statement) -> Assumption:
    tensor = next(t for t in statement.meaning.vocabulary.tensors if t.name == name)
    indices = tuple(sp.Symbol(f"i_{place}", integer=True) for place in range(tensor.pattern.slots))
    subject: Any = Member(name, indices, tensor.rows, tensor.cols)
    if not indices:
        subject = sp.MatrixSymbol(name, *subject.shape)
    return Assumption({"sum 1": "sum_one", "one-hot": "one_hot"}.get(structure, structure), subject)
