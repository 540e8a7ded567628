"""What generated code computes at a step: a small language of columns, one for each sample of the batch.

A `Value` is a column of `size` entries at step t (a scalar has size 1), for every sample: an array (B, size) at one
step, (T, B, size) over all of them. Parameters are the same at every step: a `Weight` is a column (size,), a matrix
stands in a `Product` only. The functions `add`, `times`, … build values in a flat form, so that what is computed twice
is written alike: equal values are computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

import sympy as sp

from derive.language.functions import LEAK
from derive.language.nodes import Size


@dataclass(frozen=True)
class Value:
    """A column of `size` entries at step t, for every sample."""

    size: Size

    @property
    def operands(self) -> tuple[Value, ...]:
        """The values that it is computed from."""
        found: list[Value] = []
        for field in fields(self):
            content = getattr(self, field.name)
            found += content if isinstance(content, tuple) else [content] if isinstance(content, Value) else []
        return tuple(found)


@dataclass(frozen=True)
class Read(Value):
    """The member of a family at step t + shift."""

    name: str
    shift: int = 0


@dataclass(frozen=True)
class Weight(Value):
    """A parameter that is a column, times a number."""

    name: str
    number: Any = sp.S.One


@dataclass(frozen=True)
class Number(Value):
    """The same number, an expression in the sizes, at every place."""

    number: Any


@dataclass(frozen=True)
class Product(Value):
    """A v, or Aᵀ v where `transposed`, for the parameter A."""

    matrix: str
    transposed: bool
    operand: Value


@dataclass(frozen=True)
class Sum(Value):
    """a + b + …"""

    terms: tuple[Value, ...]


@dataclass(frozen=True)
class Scaled(Value):
    """c a, for an expression c in the sizes."""

    number: Any
    operand: Value


@dataclass(frozen=True)
class Times(Value):
    """a ⊙ b ⊙ …; a scalar multiplies every entry."""

    factors: tuple[Value, ...]


@dataclass(frozen=True)
class Apply(Value):
    """f(a), entry by entry, for the known function of this kind; softmax acts on the column."""

    kind: str
    operand: Value


@dataclass(frozen=True)
class Total(Value):
    """1ᵀ a: the sum of a column's entries."""

    operand: Value


@dataclass(frozen=True)
class Spread(Value):
    """1 a: a scalar at every place of a column."""

    operand: Value


def number(value: Any, size: Size = sp.S.One) -> Value:
    """The same number at every place."""
    return Number(size, sp.sympify(value, strict=True))


def wider(values: tuple[Value, ...]) -> Size:
    """The size of what is added or multiplied: that of the columns among scalars."""
    return next((value.size for value in values if value.size != 1), sp.S.One)


def is_zero(value: Value) -> bool:
    """Whether a value is 0."""
    return isinstance(value, Number) and value.number == 0


def add(*terms: Value) -> Value:
    """a + b + …, flat, without zeros."""
    flat = [part for term in terms for part in (term.terms if isinstance(term, Sum) else (term,))]
    kept = tuple(part for part in flat if not is_zero(part))
    size = wider(terms)
    if not kept:
        return Number(size, sp.S.Zero)
    return spread(kept[0], size) if len(kept) == 1 else Sum(size, kept)


def scaled(factor: Any, value: Value) -> Value:
    """c a."""
    factor = sp.sympify(factor, strict=True)
    if isinstance(value, Scaled):
        return scaled(factor * value.number, value.operand)
    if isinstance(value, Number | Weight):
        return replace(value, number=factor * value.number)
    if factor == 0:
        return Number(value.size, sp.S.Zero)
    return value if factor == 1 else Scaled(value.size, factor, value)


def times(*values: Value) -> Value:
    """a ⊙ b ⊙ …, flat, numbers in front, without ones."""
    size, factor = wider(values), sp.S.One
    factors: list[Value] = []
    for value in values:
        for part in value.factors if isinstance(value, Times) else (value,):
            if isinstance(part, Scaled):
                factor, part = factor * part.number, part.operand
            if isinstance(part, Number):
                factor *= part.number
                continue
            part = part.operand if isinstance(part, Spread) else part
            factors += part.factors if isinstance(part, Times) else (part,)
    if not factors or factor == 0:
        return Number(size, factor)
    found = factors[0] if len(factors) == 1 else Times(wider(tuple(factors)), tuple(factors))
    return scaled(factor, spread(found, size))


def spread(value: Value, size: Size) -> Value:
    """A scalar at every place of a column of this size."""
    if value.size == size:
        return value
    return replace(value, size=size) if isinstance(value, Number) else Spread(size, value)


def product(matrix: str, transposed: bool, operand: Value, size: Size) -> Value:
    """A v; numbers stand in front."""
    if is_zero(operand):
        return Number(size, sp.S.Zero)
    if isinstance(operand, Scaled):
        return scaled(operand.number, product(matrix, transposed, operand.operand, size))
    return Product(size, matrix, transposed, operand)


def total(operand: Value) -> Value:
    """1ᵀ a; numbers stand in front."""
    if isinstance(operand, Scaled):
        return scaled(operand.number, total(operand.operand))
    if isinstance(operand, Spread):
        return scaled(operand.size, operand.operand)
    return scaled(operand.size, number(operand.number)) if isinstance(operand, Number) else Total(sp.S.One, operand)


def apply(kind: str, operand: Value) -> Value:
    """f(a); a function that others make is made of them."""
    if kind in COMPOSED:
        return COMPOSED[kind](operand)
    return Apply(operand.size, kind, operand)


def leaky_relu(z: Value) -> Value:
    """leaky relu(z) = z (a + (1 - a) relu'(z)), a its slope below 0."""
    slope = add(number(LEAK, z.size), scaled(1 - LEAK, apply("step", z)))
    return times(z, slope)


def gelu(z: Value) -> Value:
    """gelu(z) = z Φ(z)."""
    return times(z, apply("normal cdf", z))


COMPOSED: dict[str, Callable[[Value], Value]] = {"identity": lambda z: z, "leaky relu": leaky_relu, "gelu": gelu}


def rebuilt(value: Value, change: Callable[[Value], Value]) -> Value:
    """The value with its operands changed, in flat form."""
    if isinstance(value, Sum):
        return add(*map(change, value.terms))
    if isinstance(value, Times):
        return spread(times(*map(change, value.factors)), value.size)
    if isinstance(value, Scaled):
        return scaled(value.number, change(value.operand))
    if isinstance(value, Product):
        return product(value.matrix, value.transposed, change(value.operand), value.size)
    if isinstance(value, Apply):
        return apply(value.kind, change(value.operand))
    if isinstance(value, Total):
        return total(change(value.operand))
    return spread(change(value.operand), value.size) if isinstance(value, Spread) else value


def parts(value: Value) -> Iterator[Value]:
    """The value and all that it is computed from, operands first."""
    for operand in value.operands:
        yield from parts(operand)
    yield value


@lru_cache(maxsize=65536)
def reads(value: Value) -> frozenset[Read]:
    """The members that a value reads."""
    return frozenset(part for part in parts(value) if isinstance(part, Read))


def names_read(value: Value) -> frozenset[str]:
    """The families that a value reads."""
    return frozenset(read.name for read in reads(value))


def shifted(value: Value, steps: int) -> Value:
    """The value `steps` steps later."""
    if isinstance(value, Read):
        return replace(value, shift=value.shift + steps)
    return rebuilt(value, lambda operand: shifted(operand, steps)) if value.operands else value
