"""The numbers a formula is evaluated in: arrays, arrays with a running error bound, and dual numbers over either.

An array's axes are (directions …, instances, back rows, back columns, rows, columns); leading axes that a value does
not depend on may be missing. Complex arrays (complex step) and object arrays (exact rationals) are plain arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Number = Any  # ndarray | Bounded | Dual
UNIT = 2.0**-53  # the relative error of one rounding


class Function(Protocol):
    """A concrete elementwise function with its derivatives.

    `value(k, z)` is f⁽ᵏ⁾(z); `size(k, z)` is the same formula on absolute values, which bounds how large the
    intermediate results were.
    """

    def value(self, order: int, z: Array) -> Array: ...
    def size(self, order: int, z: Array) -> Array: ...


class Bounded:
    """A value, the same formula on absolute values, and a bound on the value's rounding error.

    The bound is a running error analysis to first order (Higham, Accuracy and Stability, §3.3), with sizes of
    *absolute* intermediate results: so it holds for every order of evaluation, forward or backward.
    """

    __slots__ = ("error", "size", "value")
    __array_ufunc__ = None  # ndarray + Bounded comes to Bounded.__radd__

    def __init__(self, value: Array, size: Array | None = None, error: Array | None = None) -> None:
        self.value = value
        self.size = np.abs(value) if size is None else size
        self.error = error  # None: exact

    def __add__(self, other: Any) -> Any:
        if isinstance(other, Dual):
            return NotImplemented
        other = bounded(other)
        size = self.size + other.size
        return Bounded(self.value + other.value, size, UNIT * size + _sum(self.error, other.error))

    __radd__ = __add__

    def __mul__(self, other: Any) -> Any:
        """|ab| bounds; δ(ab) ≤ |a| δb + δa |b| + u |ab|."""
        if isinstance(other, Dual):
            return NotImplemented
        other = bounded(other)
        size = self.size * other.size
        error = UNIT * size
        if self.error is not None:
            error = error + self.error * other.size
        if other.error is not None:
            error = error + self.size * other.error
        return Bounded(self.value * other.value, size, error)

    __rmul__ = __mul__

    def __matmul__(self, other: Any) -> Any:
        """δ(AB) ≤ |A| δB + δA |B| + k u |A| |B|, k the number of summands."""
        if isinstance(other, Dual):
            return NotImplemented
        return _product(self, bounded(other))

    def __rmatmul__(self, other: Any) -> Any:
        return _product(bounded(other), self)


class Dual:
    """a + ε b, ε² = 0: a value and its change. `level` tells the ε of nested derivatives apart."""

    __slots__ = ("change", "level", "value")
    __array_ufunc__ = None

    def __init__(self, level: int, value: Number, change: Number) -> None:
        self.level, self.value, self.change = level, value, change

    def __add__(self, other: Any) -> Any:
        """(a + εb) + (c + εd) = (a + c) + ε (b + d)."""
        if _outer(self, other):
            return other + self
        c, d = self._parts(other)
        return Dual(self.level, self.value + c, self.change if d is None else self.change + d)

    __radd__ = __add__

    def __mul__(self, other: Any) -> Any:
        """(a + εb)(c + εd) = ac + ε (ad + bc)."""
        if _outer(self, other):
            return other * self
        c, d = self._parts(other)
        change = self.change * c
        return Dual(self.level, self.value * c, change if d is None else change + self.value * d)

    __rmul__ = __mul__

    def __matmul__(self, other: Any) -> Any:
        """(A + εB)(C + εD) = AC + ε (AD + BC)."""
        if _outer(self, other):
            return other.__rmatmul__(self)
        c, d = self._parts(other)
        change = self.change @ c
        return Dual(self.level, self.value @ c, change if d is None else change + self.value @ d)

    def __rmatmul__(self, other: Any) -> Any:
        return Dual(self.level, other @ self.value, other @ self.change)

    def _parts(self, other: Any) -> tuple[Number, Number | None]:
        return parts_at(self.level, other)


def parts_at(level: int, number: Number) -> tuple[Number, Number | None]:
    """A number and its change by the ε of a level, None where it has none."""
    same = isinstance(number, Dual) and number.level == level
    return (number.value, number.change) if same else (number, None)


def _outer(one: Dual, other: Any) -> bool:
    return isinstance(other, Dual) and other.level > one.level


def _sum(first: Array | None, second: Array | None) -> Any:
    if first is None:
        return 0.0 if second is None else second
    return first if second is None else first + second


def _product(left: Bounded, right: Bounded) -> Bounded:
    size = left.size @ right.size
    error = left.value.shape[-1] * UNIT * size
    if left.error is not None:
        error = error + left.error @ right.size
    if right.error is not None:
        error = error + left.size @ right.error
    return Bounded(left.value @ right.value, size, error)


def bounded(number: Any) -> Bounded:
    """An exact array as a bounded number."""
    return number if isinstance(number, Bounded) else Bounded(np.asarray(number))


# --- the operations that formulas need, for every number ------------------------------------------------------


def linear(rearrange: Callable[[Array], Array], number: Number) -> Number:
    """A map that only moves entries (transpose, reshape, selection), without rounding."""
    if isinstance(number, Dual):
        return Dual(number.level, linear(rearrange, number.value), linear(rearrange, number.change))
    if isinstance(number, Bounded):
        error = None if number.error is None else rearrange(number.error)
        return Bounded(rearrange(number.value), rearrange(number.size), error)
    return rearrange(number)


def joined(numbers: Sequence[Number], axis: int) -> Number:
    """Numbers side by side along rows (-2) or columns (-1), without rounding."""
    level = max((number.level for number in numbers if isinstance(number, Dual)), default=None)
    if level is not None:
        parts = [parts_at(level, number) for number in numbers]
        changes = [np.zeros(shape_of(value)[-2:]) if change is None else change for value, change in parts]
        return Dual(level, joined([value for value, _ in parts], axis), joined(changes, axis))
    if any(isinstance(number, Bounded) for number in numbers):
        all_bounded = [bounded(number) for number in numbers]
        errors = [np.zeros(one.value.shape[-2:]) if one.error is None else one.error for one in all_bounded]
        values, sizes = ([getattr(one, part) for one in all_bounded] for part in ("value", "size"))
        return Bounded(_side_by_side(values, axis), _side_by_side(sizes, axis), _side_by_side(errors, axis))
    return _side_by_side(numbers, axis)


def _side_by_side(arrays: Sequence[Array], axis: int) -> Array:
    lead = np.broadcast_shapes(*(array.shape[:-2] for array in arrays))
    return np.concatenate([np.broadcast_to(array, (*lead, *array.shape[-2:])) for array in arrays], axis)


def total(number: Number, *axes: int) -> Number:
    """The sum over trailing axes, which stay with length 1."""
    for axis in axes:
        number = _total(number, axis)
    return number


def _total(number: Number, axis: int) -> Number:
    if isinstance(number, Dual):
        return Dual(number.level, _total(number.value, axis), _total(number.change, axis))
    if isinstance(number, Bounded):
        size = number.size.sum(axis, keepdims=True)
        error = number.size.shape[axis] * UNIT * size
        if number.error is not None:
            error = error + number.error.sum(axis, keepdims=True)
        return Bounded(number.value.sum(axis, keepdims=True), size, error)
    return number.sum(axis, keepdims=True)


def apply(function: Function, order: int, z: Number) -> Number:
    """f⁽ᵏ⁾(z); f(a + εb) = f(a) + ε f'(a) b, and δf ≤ |f'| δz + 8 u (|f| + |f'| (|z| + 1)).

    |f| stands for f's formula on absolute values; 8 covers an elementary function's few roundings, and the last part
    the rounding of its argument, or of the argument plus a constant.
    """
    if isinstance(z, Dual):
        slope = apply(function, order + 1, z.value)
        return Dual(z.level, apply(function, order, z.value), slope * z.change)
    if isinstance(z, Bounded):
        slope = np.abs(function.value(order + 1, z.value))
        error = 8 * UNIT * (function.size(order, z.value) + slope * (np.abs(z.value) + 1))
        if z.error is not None:
            error = error + slope * z.error
        return Bounded(function.value(order, z.value), None, error)
    return function.value(order, z)


def value_of(number: Number) -> Array:
    """The plain array of a number."""
    while isinstance(number, Dual | Bounded):
        number = number.value
    return np.asarray(number)


def shape_of(number: Number) -> tuple[int, ...]:
    """The axes of a number's largest array."""
    if isinstance(number, Dual):
        return np.broadcast_shapes(shape_of(number.value), shape_of(number.change))
    return value_of(number).shape
