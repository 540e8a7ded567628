"""What a document's givens make: the equations in force at a claim, and the model of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import sympy as sp

from derive.errors import BackproofError, NotationError, ShapeError
from derive.language.build import transpose
from derive.language.laws import Law
from derive.language.nodes import Component, Entries, Member
from derive.language.shapes import axes
from derive.language.show import show, show_name
from derive.language.substitute import free_letters, substitute
from derive.latex.conventions import OPTIONS, OpenConvention
from derive.model import Equation, Model, Time, members
from verify.document.assumptions import assumed_equations
from verify.document.function_givens import Said, is_of_function, laws, said, with_laws
from verify.document.statements import Document, Link, Problem, Statement
from verify.document.words import Choices, reader_of


class Givens:
    """The givens of one document; models are built once for each set of givens and choices."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.models: dict[Any, Model] = {}
        self.known: dict[Any, Equation] = {}
        self.said: dict[Any, Said] = {}

    def model(self, statement: Statement, sides: tuple[Any, ...], choices: Choices) -> Model:
        """The model that the givens before and after make: forward equations, and the definitions that are used."""
        equations = self.equations_of(statement, sides, choices)
        first, last, kept = self._time(statement, sides, equations)
        named = _names(*sides, *(equation.right for equation in kept))
        losses = tuple(one for one in statement.meaning.losses if str(one.symbol.name) in named or _is_of(one, kept))
        key = (tuple(kept), losses, first, last)
        if key not in self.models:
            self.models[key] = _built(key)
        return self.models[key]

    def equations_of(self, statement: Statement, sides: tuple[Any, ...], choices: Choices) -> dict[str, Equation]:
        """The equations of the givens in force, definitions only where they are used."""
        givens = [s for s in self.document.statements if s.role == "given" and self._in_force(s, statement)]
        known = self.laws(statement, choices)
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
        for equation in assumed_equations(statement, choices, self.document.source):
            equations.setdefault(equation.name, equation)
        return {name: replace(e, right=with_laws(e.right, known)) for name, e in equations.items()}

    def laws(self, statement: Statement, choices: Choices) -> dict[str, Law]:
        """What the givens in force say of functions: f(z) = z ⊙ σ(z)."""
        found: dict[tuple[str, int], Said] = {}
        for given in self.document.statements:
            if given.role == "given" and given.problem is None and self._in_force(given, statement):
                for link in given.links:
                    if is_of_function(given, link):
                        one = self._said(given, link, choices)
                        if found.setdefault((one.function, one.order), one) is not one:
                            raise InGiven(Problem(f"two givens say what {show_name(one.function)} is", given.place))
        return laws(found.values())

    def _said(self, given: Statement, link: Link, choices: Choices) -> Said:
        key = (given.id, link.position, tuple(choices.items()))
        if key not in self.said:
            if link.chain.relations != ("=",):
                raise InGiven(Problem(f"the given equation {given.id} says more than what a function is", given.place))
            with self._told(given, link):
                self.said[key] = said(link, *reader_of(given, choices, self.document.source).sides(link.chain))
        return self.said[key]

    def _time(
        self, statement: Statement, sides: tuple[Any, ...], equations: Mapping[str, Equation]
    ) -> tuple[int, Any, list[Equation]]:
        """The range of steps that a claim is about, and the equations that belong to it."""
        meaning, words = statement.meaning, statement.meaning.vocabulary
        everything = list(equations.values())
        if len(set(words.ranges.values())) < 2:
            return meaning.first, meaning.last, everything
        kept = connected(sides, everything)
        letters = {str(equation.index) for equation in kept if equation.index is not None}
        letters |= {str(letter) for side in sides for letter in free_letters(side)}
        ranges = {words.ranges[letter] for letter in letters if letter in words.ranges}
        if len(ranges) > 1:
            raise NotationError("a claim over two kinds of steps at once is not read in this version", 0, 1)
        first, last = next(iter(ranges), (meaning.first, meaning.last))
        return int(first), last, kept

    def _in_force(self, given: Statement, statement: Statement) -> bool:
        """Givens count until a `reset`; without one, wherever they stand."""
        return given.declarations.generation == statement.declarations.generation

    def _defines(self, given: Statement) -> set[str] | None:
        """The names that a given defines, None where a left side is no name that can be read."""
        names = set()
        for link in given.links:
            try:
                left = core(reader_of(given, _FIRST, self.document.source).read(link.chain.sides[0]))
            except (BackproofError, RecursionError):
                return None
            if not hasattr(left, "name"):
                return None
            names.add(str(left.name))
        return names

    def _add(self, given: Statement, choices: Choices, equations: dict[str, Equation]) -> None:
        if given.problem is not None:
            raise InGiven(
                Problem(f"the given equation {given.id} cannot be read: {given.problem.message}", given.problem.place)
            )
        for link in given.links:
            if is_of_function(given, link):
                continue
            with self._told(given, link):
                equation = self._known_equation(given, link, choices)
            if equation.name in equations:
                raise InGiven(Problem(f"two givens define {show_name(equation.name)}", given.place))
            equations[equation.name] = equation

    @contextmanager
    def _told(self, given: Statement, link: Link) -> Iterator[None]:
        """What is wrong with a given is told at its place; an open convention is not wrong."""
        try:
            yield
        except OpenConvention:
            raise
        except BackproofError as error:
            start, end = getattr(error, "start", link.chain.start), getattr(error, "end", link.chain.end)
            raise InGiven(Problem(f"the given equation {given.id}: {error}", given.at(start, end))) from None

    def _known_equation(self, given: Statement, link: Link, choices: Choices) -> Equation:
        key = (given.id, link.position, tuple(choices.items()))
        if key not in self.known:
            self.known[key] = self._equation(given, link, choices)
        return self.known[key]

    def _equation(self, given: Statement, link: Link, choices: Choices) -> Equation:
        if link.chain.relations[:1] != ("=",):
            raise NotationError("a given equation defines its left side with =", link.chain.start, link.chain.end)
        left, right = reader_of(given, choices, self.document.source).sides(link.chain)
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
        subject, letters = left.matrix, [letter for letter in (left.row, left.col) if letter is not None]
        is_letter = all(not str(letter).startswith("#") for letter in letters)
        if not isinstance(subject, Member | sp.MatrixSymbol) or not is_letter or len(set(letters)) < len(letters):
            raise NotationError(
                "a given equation defines all entries of a name, by different letters", link.chain.start, link.chain.end
            )
        shape = axes(subject)
        whole = Entries(right, left.row, left.col, shape.rows, shape.cols)
        if isinstance(subject, Member) and subject.indices:
            return self._equation_at(given, link, subject, whole)
        return Equation(subject, whole, id=given.id)

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


class InGiven(BackproofError):
    """A given equation that the claim needs is wrong."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


_FIRST = {key: options[0] for key, options in OPTIONS.items()}


def core(expr: Any) -> Any:
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


def connected(sides: tuple[Any, ...], equations: list[Equation]) -> list[Equation]:
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


def _built(key: Any) -> Model:
    equations, losses, first, last = key
    return Model(equations, losses, Time(first, last))
