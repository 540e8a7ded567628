"""Which layers of the reference network a model consists of: names to roles, read off the equations.

A layer is a cell of `systems`, or Net_t = U source_t + W state_{t-1} + b, state_t = f(Net_t); written as one equation
or two, with U, W, b or f left out where the model does without. The layers must form a chain.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from derive.language.nodes import Elementwise, Member, Softmax
from derive.model import Equation, Model
from verify.oracles.limits import Unsupported
from verify.oracles.systems import CellLayer, cell_layers, names_of

IDENTITY = ("identity", "identity")


@dataclass(frozen=True)
class Layer:
    """Names of one layer: its pre-activation (None where it has no name), state, source, parameters by role."""

    net: str | None
    state: str | None
    activation: tuple[str, str]  # (name, kind)
    source: str | None = None
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def output(self) -> str:
        """What the next layer and the next step read."""
        found = self.state or self.net
        assert found is not None
        return found

    @property
    def values(self) -> dict[str, str | None]:
        """The names of the reference's values."""
        return {"Net": self.net, "s": self.state}

    @property
    def initial(self) -> dict[str, str]:
        """The initial state's key, by its state's; without s_t = f(Net_t) the state has the name of Net."""
        return {"s" if self.state is not None else "Net": "s0"} if self.is_recurrent else {}

    @property
    def is_recurrent(self) -> bool:
        """It reads its own previous state."""
        return "W" in self.parameters


@dataclass(frozen=True)
class Affine:
    """The parts of a sum: weights of members at this step or the one before, and a bias."""

    now: tuple[tuple[str, str], ...]  # (parameter, member)
    before: tuple[tuple[str, str], ...]
    bias: tuple[str, ...]


AnyLayer = Layer | CellLayer


def layers(model: Model) -> tuple[AnyLayer, ...]:
    """The chain of layers, the lowest first; raises Unsupported where the model is none."""
    known = tuple(cell_layers(model))
    found: list[AnyLayer] = [*known, *_layers(model, set().union(*map(names_of, known)))]
    if not found:
        raise Unsupported("a model without the reference's layers")
    sources = {layer.source: layer for layer in found}
    outputs = {layer.output for layer in found}
    bottom = [layer for layer in found if layer.source not in outputs]
    if len(bottom) != 1 or len(sources) != len(found):
        raise Unsupported("layers that form no chain")
    chain = bottom
    while chain[-1].output in sources and len(chain) <= len(found):
        chain.append(sources[chain[-1].output])
    if len(chain) != len(found):
        raise Unsupported("layers that form no chain")
    _check_given(model, chain)
    return tuple(chain)


def _check_given(model: Model, chain: list[AnyLayer]) -> None:
    """The input and the parameters are computed from nothing: the reference knows no path through them."""
    for name in (chain[0].source, *(name for layer in chain for name in layer.parameters.values())):
        if name in model.by_name:
            raise Unsupported(f"{name}, which the model computes and the reference takes as given")


def _layers(model: Model, taken: set[str]) -> Iterator[Layer]:
    """The Elman layers, of what no other cell computes."""
    equations = [
        e for e in model.equations if e.index is not None and not model.is_definition(e) and e.name not in taken
    ]
    used = {e.right.argument for e in equations if isinstance(e.right, Elementwise | Softmax)}
    for equation in equations:
        _check_range(equation)
        if isinstance(equation.right, Softmax) or _is_function(equation.right):
            yield _activated(model, equation)
        elif equation.left not in used:
            parts = affine(equation.right, equation.index)
            if parts is not None:
                yield _layer(equation.name, None, IDENTITY, parts)
            elif equation.left.shape != (1, 1):  # a scalar may be a loss
                raise Unsupported(f"{equation.name} is no layer of the reference network")


def _is_function(formula: Any) -> bool:
    return isinstance(formula, Elementwise) and formula.order == 0


def _check_range(equation: Equation) -> None:
    if equation.first is not None or equation.last is not None or len(equation.left.indices) != 1:
        raise Unsupported(f"{equation.name} has steps of its own")


def _activated(model: Model, equation: Equation) -> Layer:
    """state_t = f(Net_t) with Net_t named, or free, or written out."""
    argument = equation.right.argument
    kind = ("softmax", "softmax") if isinstance(equation.right, Softmax) else (equation.right.name, equation.right.kind)
    if not isinstance(argument, Member):
        parts = affine(argument, equation.index)
        if parts is None:
            raise Unsupported(f"the argument of {equation.name} is no sum of weighted members")
        return _layer(None, equation.name, kind, parts)
    if argument.time != equation.index:
        raise Unsupported(f"{equation.name} is a function of another step")
    inner = model.by_name.get(argument.name)
    if inner is None:
        return Layer(None, equation.name, kind, argument.name)
    if isinstance(inner.right, Softmax) or _is_function(inner.right):  # it is a layer of its own, and the source
        return Layer(None, equation.name, kind, argument.name)
    parts = affine(inner.right, inner.index)
    if parts is None:
        raise Unsupported(f"{argument.name} is no sum of weighted members")
    return _layer(argument.name, equation.name, kind, parts)


def _layer(net: str | None, state: str | None, kind: tuple[str, str], parts: Affine) -> Layer:
    own = state or net
    if len(parts.now) > 1 or len(parts.bias) > 1 or len(parts.before) > 1:
        raise Unsupported(f"{own} has more than one source, bias or recurrent weight")
    if any(member != own for _, member in parts.before):
        raise Unsupported(f"{own} reads the previous step of another layer")
    if not parts.now:
        raise Unsupported(f"{own} has no source at its own step")
    (weight, source), *_ = parts.now
    roles = {"U": weight, **({"W": parts.before[0][0]} if parts.before else {})}
    return Layer(net, state, kind, source, {**roles, **({"b": parts.bias[0]} if parts.bias else {})})


def affine(formula: Any, index: Any) -> Affine | None:
    """A sum of P v_t, P v_{t-1} and biases; None where something else is written."""
    now: list[tuple[str, str]] = []
    before: list[tuple[str, str]] = []
    bias: list[str] = []
    for term in formula.args if isinstance(formula, sp.MatAdd) else (formula,):
        if isinstance(term, sp.MatrixSymbol):
            bias.append(str(term.name))
        elif _is_weighted(term, index):
            weight, member = term.args
            (now if member.time == index else before).append((str(weight.name), member.name))
        else:
            return None
    return Affine(tuple(now), tuple(before), tuple(bias))


def _is_weighted(term: Any, index: Any) -> bool:
    if not isinstance(term, sp.MatMul) or len(term.args) != 2:
        return False
    weight, member = term.args
    if not (isinstance(weight, sp.MatrixSymbol) and isinstance(member, Member) and member.indices):
        return False
    return member.time - index in (0, -1)
