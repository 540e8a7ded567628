"""Numbers that carry the error of their own computation: a running error analysis of the first order.

Every array a is held with a count R_a of the roundings behind each entry, each weighed by the absolute value that was
rounded and by what it moves: |computed - exact| ≤ c ε R (Wilkinson 1963; Higham, Accuracy and Stability of Numerical
Algorithms, §3.3). Products of matrices count with the sum of their terms' absolute values, and sums with those of
their parts: so the bound holds in whatever order terms are added, and where a factor is multiplied out. The reference
runs on such numbers unchanged:

    a ± b     R = R_a + R_b + |a| + |b|
    a b, A B  R = R_a |b| + |a| R_b + |a| |b|
    a / b     R = R_a / |b| + |a| R_b / b² + |a / b|
    f(a)      R = |f'(a)| R_a + few |f(a)|
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from verify.reference.sequences import Array, Arrays

ROUNDINGS = 64  # c: see `verify.audit.comparison`
FEW = 4  # roundings of an elementary function, in any of its usual forms


def allowance(dtype: Any) -> float:
    """c ε, by which a count of roundings becomes a bound; ε is half the distance of 1 to the next number."""
    return ROUNDINGS * float(np.finfo(str(dtype)).eps) / 2


class Running(NDArrayOperatorsMixin):
    """`value`, and `count` ≥ 0 of the same shape."""

    __slots__ = ("count", "value")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: Array, count: Array | None = None) -> None:
        self.value = value
        self.count = np.zeros(value.shape) if count is None else count

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        rule = RULES.get((ufunc.__name__, method))
        if rule is None:
            raise TypeError(f"no error bound is known for {ufunc.__name__}.{method}")
        target = options.pop("out", None)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            found = rule(*(one if isinstance(one, Running) else Running(np.asarray(one)) for one in inputs), **options)
        if target is None:
            return found
        target[0][...] = found
        return target[0]

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        rule = FUNCTIONS.get(function)
        if rule is None:
            raise TypeError(f"no error bound is known for {function.__name__}")
        return rule(*arguments, **options)

    def moved(self, move: Callable[[Array], Array]) -> Running:
        """Entries in other places."""
        return Running(move(self.value), move(self.count))

    def __getitem__(self, place: Any) -> Running:
        return self.moved(lambda a: np.asarray(a[place]))

    def __setitem__(self, place: Any, other: Any) -> None:
        other = running(other)
        self.value[place], self.count[place] = other.value, other.count

    def __iter__(self) -> Any:
        return (self[k] for k in range(len(self.value)))

    def __len__(self) -> int:
        return len(self.value)

    @property
    def shape(self) -> tuple[int, ...]:
        """The value's."""
        return self.value.shape

    @property
    def ndim(self) -> int:
        """The value's."""
        return self.value.ndim

    @property
    def dtype(self) -> Any:
        """The value's."""
        return self.value.dtype

    @property
    def real(self) -> Running:
        """These numbers are real."""
        return self

    @property
    def T(self) -> Running:
        """Aᵀ."""
        return self.moved(lambda a: a.T)

    def swapaxes(self, one: int, two: int) -> Running:
        """Two axes exchanged."""
        return self.moved(lambda a: a.swapaxes(one, two))

    def reshape(self, *shape: Any) -> Running:
        """Other axes."""
        return self.moved(lambda a: a.reshape(*shape))

    def sum(self, axis: Any = None, keepdims: bool = False) -> Running:
        """Σ."""
        value, count, size = (
            np.asarray(a.sum(axis=axis, keepdims=keepdims)) for a in (self.value, self.count, np.abs(self.value))
        )
        return Running(value, count + size)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Running:
        """Σ / n."""
        total = self.sum(axis, keepdims)
        return total * (total.value.size / self.value.size)

    def max(self, axis: Any = None, keepdims: bool = False) -> Array:
        """The plain number: what is taken off before an exponential changes nothing."""
        return np.asarray(self.value.max(axis=axis, keepdims=keepdims))


def running(number: Any) -> Running:
    """Any number with its error; a plain one is exact."""
    return number if isinstance(number, Running) else Running(np.asarray(number))


# --- one rule an operation ---------------------------------------------------------------------------------------


def of_sum(sign: int) -> Callable[..., Running]:
    """a ± b."""

    def rule(a: Running, b: Running) -> Running:
        return Running(a.value + sign * b.value, a.count + b.count + np.abs(a.value) + np.abs(b.value))

    return rule


def of_product(times: Callable[[Array, Array], Array]) -> Callable[..., Running]:
    """a b, entry by entry or as matrices."""

    def rule(a: Running, b: Running) -> Running:
        one, two = np.abs(a.value), np.abs(b.value)
        return Running(times(a.value, b.value), times(a.count, two) + times(one, b.count + two))

    return rule


def of_quotient(a: Running, b: Running) -> Running:
    """a / b."""
    found, divisor = a.value / b.value, np.abs(b.value)
    return Running(found, a.count / divisor + np.abs(found) * (b.count / divisor + 1))


def of_power(a: Running, b: Running) -> Running:
    """a^k, k a whole number from 1: a product."""
    found = a
    for _ in range(int(b.value) - 1):
        found = product(found, a)
    return found


def of_function(value: Callable[[Array], Array], slope: Callable[[Array, Array], Array]) -> Callable[..., Running]:
    """f(a); `slope(a, f(a))` is f'(a)."""

    def rule(a: Running) -> Running:
        found = value(a.value)
        return Running(found, np.abs(slope(a.value, found)) * a.count + FEW * np.abs(found))

    return rule


def of_comparison(compare: Callable[[Array, Array], Array]) -> Callable[..., Array]:
    """By the values."""
    return lambda a, b: compare(a.value, b.value)


def of_reduction(a: Running, axis: Any = 0, keepdims: bool = False, **options: Any) -> Running:
    """Σ."""
    return a.sum(axis, keepdims)


product = of_product(np.multiply)
RULES: dict[tuple[str, str], Callable[..., Any]] = {
    ("add", "__call__"): of_sum(1),
    ("subtract", "__call__"): of_sum(-1),
    ("negative", "__call__"): lambda a: Running(-a.value, a.count),
    ("positive", "__call__"): lambda a: a,
    ("multiply", "__call__"): product,
    ("matmul", "__call__"): of_product(np.matmul),
    ("divide", "__call__"): of_quotient,
    ("power", "__call__"): of_power,
    ("square", "__call__"): lambda a: product(a, a),
    ("tanh", "__call__"): of_function(np.tanh, lambda a, f: 1 - f * f),
    ("exp", "__call__"): of_function(np.exp, lambda a, f: f),
    ("log1p", "__call__"): of_function(np.log1p, lambda a, f: 1 / (1 + a)),
    ("log", "__call__"): of_function(np.log, lambda a, f: 1 / a),
    ("sqrt", "__call__"): of_function(np.sqrt, lambda a, f: 0.5 / f),
    ("absolute", "__call__"): lambda a: Running(np.abs(a.value), a.count),
    ("sign", "__call__"): lambda a: np.sign(a.value),
    ("greater", "__call__"): of_comparison(np.greater),
    ("less", "__call__"): of_comparison(np.less),
    ("add", "reduce"): of_reduction,
}


# --- NumPy's functions -------------------------------------------------------------------------------------------


def twice(function: Callable[..., Any]) -> Callable[..., Running]:
    """A function that moves entries, on values and counts alike."""

    def rule(a: Any, *arguments: Any, **options: Any) -> Running:
        return running(a).moved(lambda part: function(part, *arguments, **options))

    return rule


def joined(function: Callable[..., Any]) -> Callable[..., Running]:
    """A function that joins arrays."""

    def rule(arrays: Any, *arguments: Any, **options: Any) -> Running:
        parts = [running(one) for one in arrays]
        columns = ([p.value for p in parts], [p.count for p in parts])
        return Running(*(function(column, *arguments, **options) for column in columns))

    return rule


def where(mask: Any, a: Any, b: Any) -> Running:
    """a or b."""
    one, two = running(a), running(b)
    pairs = ((one.value, two.value), (one.count, two.count))
    return Running(*(np.where(mask, x, y) for x, y in pairs))


def broadcast(*arrays: Any) -> list[Running]:
    """All of one shape."""
    shape = np.broadcast_shapes(*(np.shape(running(one).value) for one in arrays))
    return [running(one).moved(lambda a: np.broadcast_to(a, shape)) for one in arrays]


def tensordot(a: Any, b: Any, axes: Any = 2) -> Running:
    """Σ over pairs of axes."""
    return of_product(lambda x, y: np.tensordot(x, y, axes=axes))(running(a), running(b))


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.stack: joined(np.stack),
    np.concatenate: joined(np.concatenate),
    np.broadcast_arrays: broadcast,
    np.broadcast_to: twice(np.broadcast_to),
    np.moveaxis: twice(np.moveaxis),
    np.pad: twice(np.pad),
    np.zeros_like: lambda a, **options: Running(np.zeros(a.shape)),
    np.ones_like: lambda a, **options: np.ones(a.shape),
    np.full_like: lambda a, number, **options: np.full(a.shape, number),
    np.where: where,
    np.tensordot: tensordot,
    np.sum: lambda a, axis=None, keepdims=False, **options: running(a).sum(axis, keepdims),
    np.iscomplexobj: lambda a: True,  # the formula for complex numbers is written in operations of this module
    np.shape: lambda a: a.shape,
    np.ndim: lambda a: a.ndim,
}


def bounds(run: Callable[[Arrays, Arrays], dict[str, Any]], inputs: Arrays, cotangents: Arrays) -> dict[str, Array]:
    """R + |g| of what `run(inputs, cotangents)` gives, by key: times c ε it bounds the error, entry by entry."""
    given: list[Any] = [{key: Running(array) for key, array in arrays.items()} for arrays in (inputs, cotangents)]
    return {key: found.count + np.abs(found.value) for key, found in run(*given).items()}
