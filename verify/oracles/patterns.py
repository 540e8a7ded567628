"""Patterns of equations: names in them stand for roles, and matching one against a model says which name has which.

Sums and ⊙ match in any order. A value without a name of its own may be written out where it is read. Nothing is
rewritten: what is written otherwise does not match.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from derive.language.functions import OPAQUE
from derive.language.nodes import Elementwise, Member, Softmax
from derive.model import Equation, Model

Bound = dict[str, Any]  # a role's name, None where it is written out; a function's (name, kind)


@dataclass(frozen=True)
class Value:
    """A value, a state or the input, at the equation's own step or the one before."""

    role: str
    shift: int = 0


@dataclass(frozen=True)
class Parameter:
    """A parameter; `optional` as a term of a sum."""

    role: str


@dataclass(frozen=True)
class Of:
    """An elementwise function of a pattern."""

    function: str
    argument: Any


@dataclass(frozen=True)
class Times:
    """A v."""

    weight: Parameter
    vector: Any


@dataclass(frozen=True)
class Hadamard:
    """Two factors, in any order."""

    factors: tuple[Any, Any]


@dataclass(frozen=True)
class Sum:
    """Terms in any order; the optional ones may be absent."""

    terms: tuple[Any, ...]
    optional: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Rest:
    """1 - v."""

    value: Value


Equations = Mapping[str, Any]  # a pattern for each value's role; the input has none


def matches(equations: Equations, output: str, model: Model, name: str) -> Iterator[Bound]:
    """Every way in which a member of the model is the output of the patterns' system."""
    yield from _settled(equations, model, {output: name}, ())


def _settled(equations: Equations, model: Model, bound: Bound, done: tuple[str, ...]) -> Iterator[Bound]:
    """Bindings under which each named value has its pattern's equation."""
    role = next((r for r, name in bound.items() if r in equations and name is not None and r not in done), None)
    if role is None:
        yield bound
        return
    equation = model.by_name.get(bound[role])
    if equation is None or not is_of_every_step(equation):
        return
    for found in _Matching(equations, equation.index).match(equations[role], equation.right, bound):
        yield from _settled(equations, model, found, (*done, role))


def is_of_every_step(equation: Equation) -> bool:
    """An equation for each step from the first to the last."""
    whole = equation.first is None and equation.last is None
    return equation.index is not None and whole and len(equation.left.indices) == 1


@dataclass(frozen=True)
class _Matching:
    """One equation, with its index."""

    equations: Equations
    index: Any

    def match(self, pattern: Any, formula: Any, bound: Bound) -> Iterator[Bound]:
        """The bindings under which a pattern is the formula."""
        match pattern:
            case Value():
                yield from self._value(pattern, formula, bound)
            case Parameter():
                if isinstance(formula, sp.MatrixSymbol):
                    yield from named(pattern.role, str(formula.name), bound)
            case Of():
                function = function_of(formula)
                if function is not None:
                    for found in named(pattern.function, function, bound, several=True):
                        yield from self.match(pattern.argument, formula.argument, found)
            case Times():
                if isinstance(formula, sp.MatMul) and len(formula.args) == 2:
                    for found in self.match(pattern.weight, formula.args[0], bound):
                        yield from self.match(pattern.vector, formula.args[1], found)
            case Hadamard():
                if isinstance(formula, sp.HadamardProduct) and len(formula.args) == 2:
                    yield from self._terms(pattern.factors, (), formula.args, bound)
            case Sum():
                terms = formula.args if isinstance(formula, sp.MatAdd) else (formula,)
                yield from self._terms(pattern.terms, pattern.optional, terms, bound)
            case Rest():
                yield from self._rest(pattern, formula, bound)

    def _value(self, pattern: Value, formula: Any, bound: Bound) -> Iterator[Bound]:
        if isinstance(formula, Member):
            if len(formula.indices) == 1 and formula.time - self.index == pattern.shift:
                yield from named(pattern.role, formula.name, bound)
        elif pattern.shift == 0 and pattern.role in self.equations and bound.get(pattern.role) is None:
            written_out = {**bound, pattern.role: None}
            yield from self.match(self.equations[pattern.role], formula, written_out)

    def _terms(
        self, wanted: tuple[Any, ...], optional: tuple[Any, ...], terms: tuple[Any, ...], bound: Bound
    ) -> Iterator[Bound]:
        """Each term is one of the patterns', and no pattern that is not optional is left."""
        if not terms:
            if not wanted:
                yield bound
            return
        for pool, is_wanted in ((wanted, True), (optional, False)):
            for k, pattern in enumerate(pool):
                rest = pool[:k] + pool[k + 1 :]
                left = (rest, optional) if is_wanted else (wanted, rest)
                for found in self.match(pattern, terms[0], bound):
                    yield from self._terms(*left, terms[1:], found)

    def _rest(self, pattern: Rest, formula: Any, bound: Bound) -> Iterator[Bound]:
        """1 - v as a sum of the vector of ones and -1 v."""
        if not isinstance(formula, sp.MatAdd) or len(formula.args) != 2:
            return
        for one, other in (formula.args, formula.args[::-1]):
            is_minus = isinstance(other, sp.MatMul) and len(other.args) == 2 and other.args[0] == -1
            if isinstance(one, sp.OneMatrix) and is_minus:
                yield from self.match(pattern.value, other.args[1], bound)


def function_of(formula: Any) -> tuple[str, str] | None:
    """(name, kind) of an underived function of something; the name of a known one is its kind's, however written."""
    if isinstance(formula, Softmax):
        return "softmax", "softmax"
    if not isinstance(formula, Elementwise) or formula.order != 0:
        return None
    return (formula.name if formula.kind == OPAQUE else formula.kind), formula.kind


def named(role: str, name: Any, bound: Bound, several: bool = False) -> Iterator[Bound]:
    """The role with that name, unless it has another already; a tensor has one role, a function may have several."""
    if role in bound:
        if bound[role] == name:
            yield bound
    elif several or name not in bound.values():
        yield {**bound, role: name}
