"""Truncated jets: a value with its first-order parts in several independent perturbations ε_1, ε_2, ….

A jet is a mapping from sets of active perturbations (bit masks) to coefficients; ε_k² = 0, so the mixed
coefficient of {1, 2} is a second derivative. An absent coefficient is zero. Coefficients live in an `Algebra`:
arrays over a field, or class counts of contraction networks (`classes`), which follow the very same path.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from verify.deciders.prime_field.coefficients import Coefficient

Value = Any
Jet = dict[int, Value]
Axis = tuple[Any, ...]


class Algebra(Protocol):
    """What an evaluation computes with. Axes are given where they cannot be read off a value."""

    by_exponentials: bool  # how tanh and σ are read, see `functions`
    slides_are_opaque: bool  # how convolutions are read, see `convolution`

    def zero(self, rows: Axis, cols: Axis) -> Value: ...
    def ones(self, rows: Axis, cols: Axis) -> Value: ...
    def identity(self, axis: Axis) -> Value: ...
    def commutation(self, n: Axis, m: Axis) -> Value: ...
    def tensor(self, name: str, rows: Axis, cols: Axis, kind: str) -> Value: ...
    def seed(self, level: int, rows: Axis, cols: Axis) -> Value: ...
    def tangent(self, name: str, level: int, by_rows: Axis, by_cols: Axis, rows: Axis, cols: Axis) -> Value: ...
    def add(self, a: Value, b: Value) -> Value: ...
    def times(self, c: Coefficient, a: Value) -> Value: ...
    def matmul(self, a: Value, b: Value, joined: Axis) -> Value: ...
    def hadamard(self, a: Value, b: Value, rows: Axis, cols: Axis) -> Value: ...
    def scale(self, c: Value, a: Value) -> Value: ...
    def transpose(self, a: Value) -> Value: ...
    def diag(self, a: Value) -> Value: ...
    def vec(self, a: Value, order: str) -> Value: ...
    def kron(self, a: Value, b: Value) -> Value: ...
    def trace(self, a: Value, axis: Axis) -> Value: ...
    def total(self, a: Value, rows: Axis, cols: Axis) -> Value: ...
    def slide(self, x: Value, w: Value, slide: Any) -> Value: ...
    def flip(self, a: Value, shape: tuple[Axis, Axis]) -> Value: ...
    def flip_tensor(self, axis: Axis) -> Value: ...
    def component(self, a: Value, row: str | None, col: str | None) -> Value: ...
    def delta(self, i: str, j: str) -> Value: ...
    def entries(self, a: Value, row: str | None, col: str | None) -> Value: ...
    def component_sum(self, a: Value, letter: str) -> Value: ...
    def function(self, kind: str, name: str, order: int, a: Value, rows: Axis, cols: Axis) -> Value: ...
    def form(self, name: str, base: list[Value], blocks: list[dict[int, Value]]) -> Value: ...
    def point(self, name: str, base: list[Value]) -> Value: ...
    def application(self, name: str, point: Value, blocks: list[dict[int, Value]], rows: Axis, cols: Axis) -> Value: ...
    def jacobian(self, a: Value, level: int, rows: Axis, cols: Axis, order: str) -> Value: ...
    def gradient(self, a: Value, level: int, rows: Axis, cols: Axis) -> Value: ...
    def family(self, a: Value, level: int, rows: Axis, cols: Axis) -> Value: ...
    def block(self, a: Value, level: int, rows: Axis, cols: Axis) -> Value: ...
    def collect(self, a: Value) -> Value: ...


def add(algebra: Algebra, a: Jet, b: Jet) -> Jet:
    """a + b."""
    if not a or not b:
        return a or b
    found = dict(a)
    for mask, value in b.items():
        found[mask] = algebra.add(found[mask], value) if mask in found else value
    return found


def linear(operation: Callable[[Value], Value], a: Jet) -> Jet:
    """A linear map acts on every coefficient."""
    return {mask: operation(value) for mask, value in a.items()}


def bilinear(algebra: Algebra, operation: Callable[[Value, Value], Value], a: Jet, b: Jet) -> Jet:
    """d(ab) = da b + a db: coefficients of disjoint sets multiply."""
    found: Jet = {}
    for left, x in a.items():
        for right, y in b.items():
            if not left & right:
                mask, value = left | right, operation(x, y)
                found[mask] = algebra.add(found[mask], value) if mask in found else value
    return found


def chain(algebra: Algebra, derivative: Callable[[int], Value | None], a: Jet, rows: Axis, cols: Axis) -> Jet:
    """Faà di Bruno: f(a)_S = Σ over partitions of S of f^(blocks)(a_∅) ⊙ Π a_block. None stands for zero."""
    products: dict[tuple[int, int], Value] = {}
    for block in sorted(mask for mask in a if mask):
        for (mask, count), value in list(products.items()):
            if not mask & block:
                product = algebra.hadamard(value, a[block], rows, cols)
                _accumulate(algebra, products, (mask | block, count + 1), product)
        _accumulate(algebra, products, (block, 1), a[block])
    base = derivative(0)
    found: Jet = {} if base is None else {0: base}
    for (mask, count), value in products.items():
        factor = derivative(count)
        if factor is not None:
            _accumulate(algebra, found, mask, algebra.hadamard(factor, value, rows, cols))
    return found


def _accumulate(algebra: Algebra, table: dict[Any, Value], key: Any, value: Value) -> None:
    table[key] = algebra.add(table[key], value) if key in table else value


def several(algebra: Algebra, form: Callable[[list[dict[int, Value]]], Value], arguments: list[Jet]) -> Jet:
    """F(a_1, a_2, …)_S = Σ over partitions of S of D^(blocks)F [a_block, …]; `form` gives D^k F on k blocks."""
    blocks = sorted({mask for argument in arguments for mask in argument if mask})
    parts = {mask: {i: a[mask] for i, a in enumerate(arguments) if mask in a} for mask in blocks}
    found: Jet = {0: form([])}
    chosen: list[tuple[int, list[int]]] = [(0, [])]
    for block in blocks:
        for mask, others in list(chosen):
            if not mask & block:
                chosen.append((mask | block, [*others, block]))
    for mask, partition in chosen[1:]:
        _accumulate(algebra, found, mask, form([parts[block] for block in partition]))
    return found


def loss(algebra: Algebra, name: str, arguments: list[Jet]) -> Jet:
    """E(a_1, a_2, …), D^k E a symmetric form at the one point of the evaluation."""
    base = [argument[0] for argument in arguments]
    return several(algebra, lambda blocks: algebra.form(name, base, blocks), arguments)
