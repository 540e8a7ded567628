"""The systems that are compared, the points (B, T, m, n), and inputs and cotangents drawn for them.

Arrays are time-major, keyed by the model's symbols: x (T, B, m) · s0, h0, c0 (B, n) · U_a (n, m) · W_a (n, n) ·
b_a (n); a cotangent (T, B, n) at every step. Weights are scaled so that tanh and σ neither saturate nor vanish.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

Arrays = dict[str, np.ndarray]


class Point(NamedTuple):
    """Batch, steps, inputs a step, units."""

    B: int
    T: int
    m: int
    n: int


POINTS = (Point(1, 20, 8, 16), Point(1, 1000, 32, 64), Point(32, 100, 64, 128), Point(64, 200, 256, 256))
TINY = (Point(1, 4, 2, 3), Point(3, 5, 2, 4))


@dataclass(frozen=True)
class Model:
    """A system: the sequence that it gives, its states before the first step, its gates in PyTorch's order."""

    name: str
    output: str
    starts: tuple[str, ...]
    gates: tuple[str, ...]
    extra: tuple[str, ...] = ()  # vectors (n) besides the biases

    def keys(self, letter: str) -> list[str]:
        """U_i, U_f, … or U."""
        return [f"{letter}_{gate}" if gate else letter for gate in self.gates]

    @property
    def parameters(self) -> list[str]:
        """Every parameter's key."""
        return [*self.keys("U"), *self.keys("W"), *self.keys("b"), *self.extra]


MODELS = {
    "rnn": Model("rnn", "s", ("s0",), ("",)),
    "lstm": Model("lstm", "h", ("h0", "c0"), ("i", "f", "g", "o")),
    "gru": Model("gru", "h", ("h0",), ("r", "z", "n"), ("c_n",)),
}


def inputs(model: Model, point: Point, dtype: str, seed: int = 0) -> Arrays:
    """x, the starts and every parameter."""
    B, T, m, n = point
    draws = np.random.default_rng(seed)

    def normal(*shape: int, scale: float = 1.0) -> np.ndarray:
        return (scale * draws.standard_normal(shape)).astype(dtype)

    found = {"x": normal(T, B, m)} | {key: normal(B, n) for key in model.starts}
    found |= {key: normal(n, m, scale=m**-0.5) for key in model.keys("U")}
    found |= {key: normal(n, n, scale=n**-0.5) for key in model.keys("W")}
    return found | {key: normal(n, scale=0.5) for key in (*model.keys("b"), *model.extra)}


def cotangents(model: Model, point: Point, dtype: str, seed: int = 1) -> Arrays:
    """∂E/∂ of the output at every step."""
    B, T, _, n = point
    return {model.output: np.random.default_rng(seed).standard_normal((T, B, n)).astype(dtype)}


def reference(model: Model, values: Arrays, direct: Arrays) -> Arrays:
    """The gradients by the hand-written reference, in float64: every subject is compared with them, then timed."""
    from importlib import import_module

    module = import_module(f"verify.reference.{model.name}")
    values = {key: array.astype(np.float64) for key, array in values.items()}
    direct = {key: array.astype(np.float64) for key, array in direct.items()}
    found = module.backward(values, module.forward(values), direct)
    return {key: found[key] for key in values}


def check_agrees(name: str, found: Arrays, expected: Arrays, dtype: str) -> None:
    """Raises AssertionError where a subject is wrong: its time would be no yardstick."""
    tolerance = 1e-3 if dtype == "float32" else 1e-9
    for key, right in expected.items():
        got = np.asarray(found[key]).reshape(right.shape)
        off = float(np.abs(got - right).max() / max(1.0, np.abs(right).max()))
        if not off < tolerance:
            raise AssertionError(f"{name}: the gradient of {key} is off by {off:.1g} of its largest entry")
