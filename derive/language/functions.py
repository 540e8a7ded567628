"""Elementwise functions: opaque ones, and the known ones with the facts that may be used about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from derive.language.nodes import Elementwise

OPAQUE = "opaque"

# Known kinds and the law of each derivative, as text for reports; `rules.elementwise` holds the formulas.
KINDS: dict[str, str] = {
    "identity": "id' = 1",
    "tanh": "tanh' = 1 - tanh²",
    "sigmoid": "σ' = σ (1 - σ)",
    "relu": "relu' = 1 for z > 0, 0 for z < 0 (z ≠ 0)",
    "exp": "exp' = exp, exp(-z) = 1/exp(z)",
    "log": "log'(z) = 1/z",
    "reciprocal": "(1/z)' = -1/z²",
    "sqrt": "sqrt'(z) = 1/(2 sqrt(z))",
}


@dataclass(frozen=True)
class ElementwiseFunction:
    """An elementwise function: call it on a matrix expression; `.prime` is its derivative."""

    name: str
    kind: str = OPAQUE
    order: int = 0

    def __post_init__(self) -> None:
        if self.kind != OPAQUE and self.kind not in KINDS:
            raise ValueError(f"unknown function kind {self.kind!r}; expected opaque or one of {', '.join(KINDS)}")

    def __call__(self, argument: Any) -> Elementwise:
        return Elementwise(self.name, self.kind, self.order, argument)

    @property
    def prime(self) -> ElementwiseFunction:
        """The derivative f' (f'' of f', and so on)."""
        return ElementwiseFunction(self.name, self.kind, self.order + 1)


def elementwise(name: str, kind: str = OPAQUE) -> ElementwiseFunction:
    """An elementwise function by name; `kind` names a known one (`elementwise("f", "tanh")` is a tanh called f)."""
    return ElementwiseFunction(name, kind)
