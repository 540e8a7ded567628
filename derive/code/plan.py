"""In which order values are computed: what all steps share at once, and the loops over the steps.

Families that wait for one another across steps form a loop (a strongly connected component of the dependency graph);
all else is computed for all steps at once. Inside a loop's formulas too, what does not depend on the loop is computed
before it: U x + b of a cell, the coefficients of the δ's. (Allen & Kennedy, Optimizing Compilers for Modern
Architectures, 2001, chapter 5: loop distribution.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy as sp
from sympy.utilities.iterables import strongly_connected_components

from derive.code import values
from derive.code.lowering import Unsupported
from derive.code.values import Apply, Number, Product, Read, Scaled, Spread, Sum, Times, Total, Value, Weight
from derive.language.nodes import Size


@dataclass(frozen=True)
class Variable:
    """What has a value at each step: a family by its name, or something on the way to one."""

    name: str
    size: Size


@dataclass(frozen=True)
class At:
    """A variable at step t + shift."""

    variable: Variable
    shift: int = 0


Operand = At | Weight | Number


@dataclass(frozen=True)
class Factor:
    """The matrix of a product: c A, transposed or not."""

    number: Any
    matrix: str
    transposed: bool


@dataclass(frozen=True)
class Instruction:
    """target = op(operands) at step t: one call of NumPy. For `products`, target = Σ factor · operand."""

    target: Variable
    op: str
    operands: tuple[Operand, ...]
    factors: tuple[Factor, ...] = ()

    @property
    def reads(self) -> tuple[At, ...]:
        """The operands that are variables."""
        return tuple(one for one in self.operands if isinstance(one, At))


@dataclass(frozen=True)
class Placed(Value):
    """A value that has been given a place of its own size."""

    value: Value


@dataclass
class Phase:
    """What is computed for all steps at once, then a loop over the steps (`step` 1 up, -1 down, 0 none)."""

    names: frozenset[str]
    step: int
    before: list[Instruction] = field(default_factory=list)
    inside: list[Instruction] = field(default_factory=list)


def instructions(phases: Sequence[Phase]) -> Iterator[Instruction]:
    """The instructions of some phases, in order."""
    for phase in phases:
        yield from (*phase.before, *phase.inside)


@dataclass
class Planner:
    """Makes instructions of values; `known` are the values that have been computed, by what they are.

    `repeated` are products that several formulas need.
    """

    repeated: frozenset[Value] = frozenset()
    known: dict[Value, At] = field(default_factory=dict)
    phases: list[Phase] = field(default_factory=list)
    count: int = 0  # of the variables for something on the way

    def plan(self, lines: Mapping[str, Value]) -> None:
        """One phase for each component of the graph of the families in `lines`."""
        edges = [
            (name, read) for name, value in lines.items() for read in sorted(values.names_read(value)) if read in lines
        ]
        for component in strongly_connected_components((list(lines), edges)):
            self._phase({name: lines[name] for name in lines if name in component})

    def _phase(self, lines: Mapping[str, Value]) -> None:
        names = frozenset(lines)
        steps = {-read.shift for value in lines.values() for read in values.reads(value) if read.name in names} - {0}
        if len(steps) > 1:
            raise Unsupported(f"{', '.join(names)} run through the steps in both directions")
        step = steps.pop() if steps else 0
        if not step and any(names & values.names_read(value) for value in lines.values()):
            raise Unsupported(f"{', '.join(names)} need themselves at the same step")
        self.phases.append(Phase(names if step else frozenset(), step))
        for name in _ordered(lines):
            self.define(Variable(name, lines[name].size), lines[name])

    @property
    def phase(self) -> Phase:
        """The phase that is being made."""
        return self.phases[-1]

    def define(self, target: Variable, value: Value) -> None:
        """Instructions that give a family its value."""
        made = self.operand(value, target)
        if made != At(target):
            self._emit(Instruction(target, "copy", (made,)), value)

    def operand(self, value: Value, target: Variable | None = None) -> Operand:
        """The value as an operand, with what has to be computed for it."""
        if isinstance(value, Read):
            return At(Variable(value.name, value.size), value.shift)
        if isinstance(value, Weight | Number):
            return value
        if isinstance(value, Spread):
            return self.operand(value.operand)
        if value in self.known and self.is_visible(value):
            return self.known[value]
        target = target or self._fresh(value)
        _RULES[type(value)](self, value, target)
        self.known[value] = At(target)
        return At(target)

    def placed(self, value: Value) -> At:
        """The value at a place of its own size; a number, a parameter, and a scalar at every place are copied there."""
        found = self.operand(value)
        if isinstance(found, At) and found.variable.size == value.size:
            return found
        key = Placed(value.size, value)
        if key not in self.known or self.known[key].variable not in self._made_here():
            target = self._fresh(value)
            self._emit(Instruction(target, "copy", (found,)), value)
            self.known[key] = At(target)
        return self.known[key]

    def is_visible(self, value: Value) -> bool:
        """Whether a value that is known may be read here: it was computed in this phase, or is dear to compute."""
        return self.known[value].variable in self._made_here() or is_dear(value)

    def _made_here(self) -> set[Variable]:
        return {one.target for one in instructions([self.phase])}

    def _fresh(self, value: Value) -> Variable:
        """A variable for something on the way."""
        self.count += 1
        return Variable(f"~{self.count} {_word(value)}", value.size)

    def _emit(self, instruction: Instruction, value: Value) -> None:
        (self.phase.inside if self._is_inside(value) else self.phase.before).append(instruction)

    def _is_inside(self, value: Value) -> bool:
        return not self.phase.names.isdisjoint(values.names_read(value))

    # --- one rule for each kind of value -------------------------------------------------------------------------

    def product(self, value: Product, target: Variable) -> None:
        """A v."""
        factor = Factor(sp.S.One, value.matrix, value.transposed)
        self._emit(Instruction(target, "products", (self.placed(value.operand),), (factor,)), value)

    def scaled(self, value: Scaled, target: Variable) -> None:
        """c A v is (c A) v; c a ⊙ b is (c a) ⊙ b where a does not depend on the loop."""
        inner = value.operand
        if isinstance(inner, Product):
            factor = Factor(value.number, inner.matrix, inner.transposed)
            self._emit(Instruction(target, "products", (self.placed(inner.operand),), (factor,)), value)
            return
        if isinstance(inner, Times) and self._is_inside(inner):
            free = [one for one in inner.factors if not self._is_inside(one)]
            if free:
                rest = [one for one in inner.factors if self._is_inside(one)]
                coefficient = self.operand(values.scaled(value.number, values.times(*free)))
                self._multiply(target, [coefficient, *map(self.operand, rest)], value)
                return
        scalar = Number(sp.S.One, value.number)
        self._emit(Instruction(target, "multiply", (self.operand(inner), scalar)), value)

    def times(self, value: Times, target: Variable) -> None:
        """What does not depend on the loop is one coefficient."""
        free = [one for one in value.factors if not self._is_inside(one)]
        rest = [one for one in value.factors if self._is_inside(one)]
        if not rest:
            self._multiply(target, [self.operand(one) for one in free], value)
            return
        first = [self.operand(values.times(*free))] if free else []
        self._multiply(target, [*first, *map(self.operand, rest)], value)

    def _multiply(self, target: Variable, operands: list[Operand], value: Value) -> None:
        done = operands[0]
        for operand in operands[1:]:
            self._emit(Instruction(target, "multiply", (done, operand)), value)
            done = At(target)
        if len(operands) == 1:
            self._emit(Instruction(target, "copy", (done,)), value)

    def sum(self, value: Sum, target: Variable) -> None:
        """What does not depend on the loop is one term; products of matrices are one product of blocks."""
        free = [one for one in value.terms if not self._is_inside(one)]
        rest = [one for one in value.terms if self._is_inside(one)]
        if free and rest:
            done: Operand | None = self.operand(values.add(*free))
        else:
            done, rest = None, free or rest
        products = [one for one in rest if isinstance(one, Product) or _is_scaled_product(one)]
        others = [one for one in rest if one not in products]
        if products:
            is_own = done is None and (not others or self.repeated.isdisjoint(products))
            made = self._products(products, target if is_own else None, is_whole=not others)
            done = made if done is None else self._plus(target, done, made, "add", value)
        for term in others:
            done = self._with(target, done, term, value)
        assert done == At(target), done

    def _products(self, terms: list[Value], target: Variable | None, is_whole: bool) -> Operand:
        """Σ A v as one instruction; where other terms will be added, the target is not Σ A v for long."""
        value = values.add(*terms)
        if value in self.known and self.is_visible(value):
            return self.known[value]
        is_kept = is_whole or target is None
        target = target or self._fresh(value)
        factors, operands = [], []
        for term in terms:
            inner = term.operand if isinstance(term, Scaled) else term
            assert isinstance(inner, Product)
            factors.append(
                Factor(term.number if isinstance(term, Scaled) else sp.S.One, inner.matrix, inner.transposed)
            )
            operands.append(self.placed(inner.operand))
        self._emit(Instruction(target, "products", tuple(operands), tuple(factors)), value)
        if is_kept:
            self.known[value] = At(target)
        return At(target)

    def _with(self, target: Variable, done: Operand | None, term: Value, value: Value) -> Operand:
        """done + term; a term with a minus is subtracted."""
        op = "add"
        if isinstance(term, Scaled) and term.number == -1 and done is not None:
            op, term = "subtract", term.operand
        operand = self.operand(term)
        return operand if done is None else self._plus(target, done, operand, op, value)

    def _plus(self, target: Variable, left: Operand, right: Operand, op: str, value: Value) -> Operand:
        self._emit(Instruction(target, op, (left, right)), value)
        return At(target)

    def apply(self, value: Apply, target: Variable) -> None:
        """f(v)."""
        self._emit(Instruction(target, value.kind, (self.operand(value.operand),)), value)

    def total(self, value: Total, target: Variable) -> None:
        """1ᵀ v."""
        self._emit(Instruction(target, "total", (self.placed(value.operand),)), value)


_RULES: dict[type, Any] = {
    Product: Planner.product,
    Scaled: Planner.scaled,
    Times: Planner.times,
    Sum: Planner.sum,
    Apply: Planner.apply,
    Total: Planner.total,
}


def _word(value: Value) -> str:
    """What a value on the way is called in code."""
    if isinstance(value, Sum) and all(isinstance(term, Product) or _is_scaled_product(term) for term in value.terms):
        return _word(value.terms[0])
    if isinstance(value, Scaled):
        return _word(value.operand)
    if isinstance(value, Product) and isinstance(value.operand, Read):
        return f"{value.matrix}_{value.operand.name}"
    if isinstance(value, Apply) and isinstance(value.operand, Read):
        return f"{value.kind}_{value.operand.name}"
    return "part"


def _is_scaled_product(value: Value) -> bool:
    return isinstance(value, Scaled) and isinstance(value.operand, Product)


def is_dear(value: Value) -> bool:
    """Whether a value costs more to compute again than to keep: products with matrices, and functions."""
    return any(isinstance(part, Product | Apply) for part in values.parts(value))


def _ordered(lines: Mapping[str, Value]) -> list[str]:
    """The families of a loop in the order in which one step needs them."""
    found: list[str] = []
    waiting = list(lines)
    while waiting:
        ready = [n for n in waiting if not _needs(lines[n], frozenset(waiting))]
        if not ready:
            raise Unsupported(f"{', '.join(waiting)} wait for one another at the same step")
        found.append(ready[0])
        waiting.remove(ready[0])
    return found


def _needs(value: Value, names: frozenset[str]) -> bool:
    return any(read.shift == 0 and read.name in names for read in values.reads(value))
