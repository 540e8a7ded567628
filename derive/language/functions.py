"""Functions by name: elementwise ones, opaque or known, and unknown functions of several arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from derive.errors import ShapeError
from derive.language import laws
from derive.language.laws import Law
from derive.language.nodes import Application, AxisSizes, Elementwise, Slot, split_size
from derive.language.shapes import Axes, axes
from derive.language.show import show

OPAQUE = laws.OPAQUE
LEAK = sp.Rational(1, 100)  # the slope of the leaky relu below 0 where none is declared, as PyTorch and JAX have it
KINKED = ("relu", "leaky relu")  # whose derivatives exist for z ≠ 0 alone

# Known kinds and the law of each derivative, as text for reports; `rules.elementwise` holds the formulas.
KINDS: dict[str, str] = {
    "identity": "id' = 1",
    "tanh": "tanh' = 1 - tanh²",
    "sigmoid": "σ' = σ (1 - σ)",
    "relu": "relu' = 1 for z > 0, 0 for z < 0 (z ≠ 0)",
    "leaky relu": "leaky relu' = 1 for z > 0, 1/100 for z < 0 (z ≠ 0)",
    "softplus": "softplus' = σ, softplus(z) = log(1 + exp(z))",
    "gelu": "gelu'(z) = Φ(z) + z φ(z), gelu(z) = z Φ(z)",
    "normal cdf": "Φ' = φ",
    "normal density": "φ'(z) = -z φ(z)",
    "exp": "exp' = exp, exp(-z) = 1/exp(z)",
    "log": "log'(z) = 1/z",
    "reciprocal": "(1/z)' = -1/z²",
    "sqrt": "sqrt'(z) = 1/(2 sqrt(z))",
}


@dataclass(frozen=True)
class ElementwiseFunction:
    """An elementwise function: call it on a matrix expression; `.prime` is its derivative.

    `law` is what a user says of a function of their own.
    """

    name: str
    kind: str = OPAQUE
    order: int = 0
    law: Law | None = None

    def __post_init__(self) -> None:
        if self.kind != OPAQUE and self.kind not in KINDS:
            raise ValueError(f"unknown function kind {self.kind!r}; expected opaque or one of {', '.join(KINDS)}")

    def __call__(self, argument: Any) -> Elementwise:
        return Elementwise(self.name, self.kind if self.law is None else self.law, self.order, argument)

    @property
    def prime(self) -> ElementwiseFunction:
        """The derivative f' (f'' of f', and so on)."""
        return replace(self, order=self.order + 1)


def elementwise(
    name: str,
    kind: str = OPAQUE,
    *,
    value: Callable[[Any], Any] | None = None,
    derivative: Callable[[Any, Any], Any] | None = None,
) -> ElementwiseFunction:
    """An elementwise function by name; `kind` names a known one (`elementwise("f", "tanh")` is a tanh called f).

    A function of one's own has a `value`, a formula of z (n×1, any n), and a rule for its `derivative`, a formula of
    f(z) and z: `elementwise("swish", value=lambda z: hadamard(z, sigma(z)))`. A rule that is not given is derived from
    the value. `verify.function` checks the rule. Raises RuleError for what does not act entry by entry.
    """
    own = laws.law(name, value, derivative)
    if own is not None and kind != OPAQUE:
        raise ValueError(f"{name} is a {kind}, of which all is known; give a value or a kind")
    return ElementwiseFunction(name, kind, law=own)


@dataclass(frozen=True)
class SlottedFunction:
    """An unknown function of several arguments: the names and axes of its slots, the axes of its value."""

    name: str
    slots: tuple[tuple[str, Axes], ...]
    rows: AxisSizes
    cols: AxisSizes

    def __call__(self, *arguments: Any) -> Application:
        """F(a, b, …). Raises ShapeError where the number of arguments or an argument's axes do not fit."""
        if len(arguments) != len(self.slots):
            raise ShapeError(f"{self.name} has {len(self.slots)} arguments, not {len(arguments)}")
        for argument, (slot, wanted) in zip(arguments, self.slots, strict=True):
            if axes(argument) != wanted:
                raise ShapeError(f"{self.name} takes a {wanted} as {slot}, and {show(argument)} is {axes(argument)}")
        return Application(self.name, [slot for slot, _ in self.slots], self.rows, self.cols, *arguments)

    def slot(self, name: str) -> Slot:
        """The slot of a name. Raises KeyError."""
        return slots_of(self.slots)[name]


def slots_of(declared: tuple[tuple[str, Axes], ...]) -> dict[str, Slot]:
    """Slots by their names."""
    return {name: Slot(place, shape.rows, shape.cols) for place, (name, shape) in enumerate(declared, start=1)}


def function(name: str, slots: Mapping[str, Any], rows: Any = 1, cols: Any = 1) -> SlottedFunction:
    """An unknown differentiable function, `F = function("F", {"x": m, "h": n}, n)`, applied as `F(x[t], h[t - 1])`.

    A slot's size is that of a column, or a pair (rows, columns).
    """
    declared = tuple((slot, _axes(size)) for slot, size in slots.items())
    return SlottedFunction(name, declared, split_size(rows), split_size(cols))


def _axes(size: Any) -> Axes:
    rows, cols = size if isinstance(size, tuple) else (size, 1)
    return Axes(split_size(rows), split_size(cols))


def signature(applied: Application) -> str:
    """F(m×1, n×1) → n×1: applications with one signature are of one function."""
    arguments = ", ".join(str(axes(argument)) for argument in applied.arguments)
    return f"{applied.name}({arguments}) → {axes(applied)}"
