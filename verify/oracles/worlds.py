"""A world: the values of a model's members at one batch, some of them replaced or held.

The base world computes every member by its equation. A *varied* world is one in which a parameter or a member has
another value: it computes anew what follows from that and takes everything else from the world it varies.
Derivatives are read off varied worlds (`derivatives`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy as sp

from derive.language.nodes import Member
from derive.model import Model
from verify.instances import Batch, Key
from verify.oracles import losses
from verify.oracles.arithmetic import Bounded, Dual, Number, apply, bounded
from verify.oracles.draws import Drawn, Draws
from verify.oracles.formulas import VALUES
from verify.oracles.letters import Env, integer
from verify.oracles.limits import ENTRIES, OutOfScope, Unsupported
from verify.oracles.timeline import Timeline

Follows = Callable[[str, tuple[int, ...]], bool]  # whether a world computes a member itself


class World:
    """Values by key (name, indices), computed when asked for. `draws` supplies what the model leaves open."""

    level = 0  # how many varied worlds stand between this one and the base
    entries = ENTRIES  # the most that an array may have

    def __init__(self, timeline: Timeline, draws: Drawn, env: Env) -> None:
        self.timeline, self.model = timeline, timeline.model
        self.draws, self.env = draws, env
        self.varied: dict[Any, VariedWorld] = {}  # worlds varied from this one, by what is varied and how
        self.memo: dict[Key, Number] = {}
        self.given: dict[Key, Number] = {}  # values that replace what would be computed or drawn

    def value(self, expr: Any, env: Env) -> Number:
        """A formula's value at the letters' values."""
        row = VALUES.get(type(expr))
        if row is None:
            raise Unsupported(f"{type(expr).__name__} is no node of the formula language")
        return row(self, expr, env)

    def symbol(self, expr: Any) -> Number:
        """A symbol without indices."""
        return self.at((str(expr.name), ()), expr)

    def member(self, expr: Member, indices: tuple[int, ...]) -> Number:
        """A member at concrete indices; raises OutOfScope where it does not exist."""
        if indices and not self.timeline.exists(expr.name, indices[-1]):
            raise OutOfScope(f"{expr.name} at step {indices[-1]}")
        return self.at((expr.name, indices), expr)

    def at(self, key: Key, expr: Any) -> Number:
        """The value at a key; `expr` tells the shape of what must be drawn."""
        if key in self.given:
            return self.given[key]
        if key not in self.memo:
            self.memo[key] = self.number(self.computed(key, expr))
        return self.memo[key]

    def computed(self, key: Key, expr: Any) -> Number:
        """The equation's right side, the loss, or a draw."""
        name, indices = key
        if name in self.model.loss_by_name and not indices:
            return losses.value(name, self.draws, self.loss_members(name))
        equation = self.timeline.equation(name, indices)
        if equation is not None:
            step = {equation.index: indices[-1]} if equation.index is not None else {}
            return self.value(equation.right, {**self.env, **step})
        return self.drawn(key, expr)

    def drawn(self, key: Key, expr: Any) -> Number:
        """An input or parameter."""
        rows, cols = (integer(size, self.env) for size in expr.shape)
        return self.draws.tensor(key, rows, cols)

    def loss_members(self, name: str) -> dict[Key, Number]:
        """The members an opaque loss depends on directly, with their values."""
        keys = losses.members_of(self.model.loss_by_name[name], self.timeline.produced)
        return {key: self.at(key, self.timeline.family(key[0])) for key in keys}

    def number(self, number: Number) -> Number:
        """A value as this world's kind of number."""
        return number

    def coefficient(self, value: Any) -> Number:
        """A SymPy number as a factor."""
        return nearest(value)

    def apply(self, kind: str, argument: Number) -> Number:
        """A known function of a value."""
        return apply(self.draws.function(kind, kind), 0, self.number(argument))

    def derivative(self, node: Any, env: Env) -> Number:
        """A derivative inside what is differentiated, or inside a definition: by forward accumulation."""
        from verify.oracles.derivatives import laid_out  # it varies worlds: this one needs it for nested ones only
        from verify.oracles.tangents import tangent

        return laid_out(node, tangent(self, node, env))


class BoundedWorld(World):
    """A world of values with running error bounds."""

    def number(self, number: Number) -> Number:
        """An exact array as a bounded number."""
        return number if isinstance(number, Bounded | Dual) else bounded(number)

    def drawn(self, key: Key, expr: Any) -> Number:
        """An input or parameter; one from a QR factorization is off by a few roundings."""
        found = super().drawn(key, expr)
        is_rounded = isinstance(self.draws, Draws) and self.draws.is_rounded(key)
        return Bounded(found, None, np.full_like(found, 16 * found.shape[-1] * 2.0**-53)) if is_rounded else found

    def coefficient(self, value: Any) -> Number:
        """What is a float is exact; all else is rounded once."""
        found = nearest(value)
        return found if value.is_Integer and abs(value) <= 2**53 else rounded(found)


class VariedWorld(World):
    """A world in which one value differs from those of its `source`, and what `follows` is computed anew."""

    def __init__(self, source: World, key: Key, value: Number, follows: Follows) -> None:
        super().__init__(source.timeline, source.draws, source.env)
        self.source, self.key, self.follows, self.level = source, key, follows, source.level + 1
        self.given, self.entries = {key: value}, source.entries

    def at(self, key: Key, expr: Any) -> Number:
        """The source's value, unless it is varied or follows."""
        return super().at(key, expr) if key in self.given or self.follows(*key) else self.source.at(key, expr)

    def drawn(self, key: Key, expr: Any) -> Number:
        """Inputs stay as they are."""
        return self.source.at(key, expr)

    def number(self, number: Number) -> Number:
        """The source's kind."""
        return self.source.number(number)

    def coefficient(self, value: Any) -> Number:
        """The source's kind."""
        return self.source.coefficient(value)


def nearest(value: Any) -> float:
    """The float nearest to a SymPy number; a root is first taken to 30 digits."""
    return float(value if value.is_Rational else value.evalf(30))


def rounded(value: float) -> Bounded:
    """A fraction's nearest float."""
    size = np.array(abs(value))
    return Bounded(np.array(value), size, 2.0**-53 * size)


def environment(model: Model, batch: Batch, letters: Mapping[str, sp.Symbol]) -> dict[sp.Symbol, int]:
    """The values of the size letters and of the last step."""
    env = {letters[name]: size for name, size in batch.sizes if name in letters}
    last = model.time.last
    return {**env, last: batch.last} if isinstance(last, sp.Symbol) else env
