"""The model: the equations of a system, its losses and its time. It refuses to exist when ill-formed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sympy as sp

from derive.errors import ModelError
from derive.language.derivatives import DerivativeNode
from derive.language.nodes import Member
from derive.language.show import show, show_name
from derive.language.substitute import substitute

if TYPE_CHECKING:
    from derive.derivation import Derivation


@dataclass(frozen=True)
class Time:
    """The steps of a sequence: first … last; `last` is a letter (symbolic) or an integer (a concrete run)."""

    first: int = 1
    last: Any = field(default_factory=lambda: sp.Symbol("T", integer=True))

    def concrete(self, steps: int) -> Time:
        """The same sequence with a last step that is a number."""
        return Time(self.first, sp.Integer(steps))


@dataclass(frozen=True)
class Loss:
    """An opaque scalar: a differentiable function of members, each at the last step or at every step.

    `parts` holds (family name, "last" | "each"). A loss that a formula defines is an `Equation` instead.
    """

    symbol: sp.MatrixSymbol
    parts: tuple[tuple[str, str], ...]

    @classmethod
    def last(cls, *families: Any, name: str = "E") -> Loss:
        """E depends directly on the members at the last step only."""
        return cls(sp.MatrixSymbol(name, 1, 1), tuple((family.name, "last") for family in families))

    @classmethod
    def every(cls, *families: Any, name: str = "E") -> Loss:
        """E depends directly on the members at every step."""
        return cls(sp.MatrixSymbol(name, 1, 1), tuple((family.name, "each") for family in families))


@dataclass(frozen=True)
class Equation:
    """left = right, where left is a symbol, or a member whose time is the bound letter `index`.

    It holds for every step first ≤ index ≤ last (both None: the model's own range).
    A letter that occurs free in `right` beside `index` is the model's last step or a size.
    """

    left: sp.MatrixExpr
    right: sp.MatrixExpr
    index: sp.Symbol | None = None
    first: sp.Expr | None = None
    last: sp.Expr | None = None
    id: str = ""

    @property
    def name(self) -> str:
        """The LaTeX name of the family or symbol that is defined."""
        return str(self.left.name)

    @cached_property
    def members(self) -> tuple[Member, ...]:
        """The members that the right side writes."""
        return members(self.right)

    @cached_property
    def leaves(self) -> tuple[Any, ...]:
        """The symbols and members that the right side writes."""
        return leaves(self.right)

    def at(self, time: Any) -> sp.MatrixExpr:
        """The right side at one step."""
        return self.right if self.index is None else substitute(self.right, {self.index: sp.sympify(time, strict=True)})


@dataclass(frozen=True)
class Model:
    """A system: equations by what they define, opaque losses, and the range of time.

    `Model({net[t]: U*x[t] + W*s[t-1], s[t]: f(net[t])}, loss=Loss.last(s))`. Raises `ModelError` or `ShapeError`
    for what `derive.wellformed` lists: two equations for one thing, a step that needs itself, steps that wait for each
    other, sides that differ in shape, a step that nothing binds, a loss on what no equation produces, a state that no
    equation produces.
    """

    equations: tuple[Equation, ...]
    losses: tuple[Loss, ...] = ()
    time: Time = field(default_factory=Time)

    def __init__(
        self,
        equations: Mapping[Any, Any] | Iterable[Equation],
        loss: Loss | Iterable[Loss] | None = None,
        time: Time | None = None,
    ) -> None:
        items = equations.items() if isinstance(equations, Mapping) else None
        made = tuple(_equation(*item) for item in items) if items is not None else tuple(equations)
        losses = () if loss is None else (loss,) if isinstance(loss, Loss) else tuple(loss)
        from derive import wellformed  # which checks models, and so knows them

        object.__setattr__(self, "equations", made)
        object.__setattr__(self, "losses", losses)
        object.__setattr__(self, "time", time or Time())
        wellformed.check(self)
        if items is not None:  # in a document every name is declared; here a state may have been forgotten
            wellformed.check_states(self)

    @cached_property
    def _hash(self) -> int:
        return hash((self.equations, self.losses, self.time))

    def __hash__(self) -> int:  # memories are kept by model, and a model has many equations
        return self._hash

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs: a hash means nothing there, and what was found out is found out again."""
        return {part.name: getattr(self, part.name) for part in fields(self)}

    @cached_property
    def by_name(self) -> dict[str, Equation]:
        """The equation of each defined name."""
        return {equation.name: equation for equation in self.equations}

    @cached_property
    def loss_by_name(self) -> dict[str, Loss]:
        """The opaque loss of each name."""
        return {str(loss.symbol.name): loss for loss in self.losses}

    def equation_of(self, expr: Any) -> Equation | None:
        """The equation that defines a member or symbol, None for an input or parameter."""
        return self.by_name.get(str(expr.name)) if isinstance(expr, Member | sp.MatrixSymbol) else None

    def definition(self, expr: Any) -> sp.MatrixExpr | None:
        """What a member or symbol is defined to be at its own step, None for an input or parameter."""
        equation = self.equation_of(expr)
        if equation is None:
            return None
        return equation.at(expr.time) if isinstance(expr, Member) and expr.indices else equation.right

    def is_outside(self, expr: Any) -> bool:
        """Whether a member is an input though its family is computed: s_0, or r_{T+1}, where its equation has no step.

        Of a step that may lie on either side (s_{t-1}) this is False.
        """
        if not isinstance(expr, Member) or not expr.indices:
            return False
        made = self.produced(expr.name)
        return made is not None and bool((expr.time - made[0]).is_negative or (expr.time - made[1]).is_positive)

    def produced(self, name: str) -> tuple[sp.Expr, sp.Expr] | None:
        """The steps first … last at which an equation produces a family, None where none does."""
        equation = self.by_name.get(name)
        if equation is None or equation.index is None:
            return None
        first = sp.Integer(self.time.first) if equation.first is None else equation.first
        return first, self.time.last if equation.last is None else equation.last

    @cached_property
    def forward(self) -> tuple[Equation, ...]:
        """The equations of the forward computation, without names for derivatives."""
        return tuple(equation for equation in self.equations if not self.is_definition(equation))

    @cached_property
    def readers(self) -> dict[str, tuple[Equation, ...]]:
        """For each family the forward equations that write a member of it."""
        found: dict[str, dict[str, Equation]] = {}
        for equation in self.forward:
            for member in equation.members:
                found.setdefault(member.name, {})[equation.name] = equation
        return {name: tuple(equations.values()) for name, equations in found.items()}

    @cached_property
    def reads(self) -> dict[str, tuple[tuple[sp.Expr, sp.Expr], ...]]:
        """For each family, the ranges of steps at which equations read it: s_{t-1} for t in 1..T gives 0..T-1."""
        found: dict[str, list[tuple[sp.Expr, sp.Expr]]] = {}
        for equation in self.equations:
            span = self.produced(equation.name)
            if span is None or equation.index is None:
                continue
            for member in equation.members:
                shift = member.time - equation.index
                if not shift.free_symbols:
                    found.setdefault(member.name, []).append((span[0] + shift, span[1] + shift))
        return {name: tuple(dict.fromkeys(spans)) for name, spans in found.items()}

    def spans(self, name: str) -> tuple[tuple[sp.Expr, sp.Expr], ...]:
        """All ranges of steps at which a computed family has members: produced by its equation, or read as an input.

        None for a family that no equation computes: its members are free, at whatever step a formula reads them.
        """
        made = self.produced(name)
        return () if made is None else (made, *self.reads.get(name, ()))

    def jacobian(self, y: Any, x: Any, partial: str = "total", layout: str = "numerator") -> Derivation:
        """∂y/∂x with its steps; see `derive.derivation.jacobian`."""
        from derive import derivation

        return derivation.jacobian(self, y, x, partial, layout)

    def gradient(self, variable: Any, loss: Any = None) -> Derivation:
        """∂E/∂X with its steps; see `derive.recurrence.gradient`."""
        from derive import recurrence

        return recurrence.gradient(self, variable, loss)

    def delta(self, member: Member, loss: Any = None) -> Derivation:
        """The recursion of δ = ∂E/∂member with its steps; see `derive.recurrence.delta`."""
        from derive import recurrence

        return recurrence.delta(self, member, loss)

    def derivations(self, mode: str = "reverse") -> tuple[Derivation, ...]:
        """Everything that backpropagation asks of this model, each with its id and its steps.

        `mode` is reverse, forward (real-time recurrent learning) or second (the Hessian times a direction).
        """
        from derive.models.registry import System
        from derive.quantities import Options

        return System("model", "", self).quantities(options=Options(mode=mode))

    def _repr_latex_(self) -> str:
        from derive.notebook import latex_of_model

        return f"$\\displaystyle {latex_of_model(self)}$"

    def is_definition(self, equation: Equation) -> bool:
        """A name for derivatives (δ_t = ∂E/∂Net_t) is no part of the forward computation."""
        return any(isinstance(node, DerivativeNode) for node in sp.preorder_traversal(equation.right))


def members(expr: Any) -> tuple[Member, ...]:
    """The members with indices that a formula writes, in order of appearance, each once."""
    found = (node for node in sp.preorder_traversal(expr) if isinstance(node, Member) and node.indices)
    return tuple(dict.fromkeys(found))


def leaves(expr: Any) -> tuple[Any, ...]:
    """The symbols and members that a formula writes, each once, in order."""
    return tuple(dict.fromkeys(_leaves(expr)))


def _leaves(expr: Any) -> Iterator[Any]:
    if isinstance(expr, Member | sp.MatrixSymbol):
        yield expr
        return
    for arg in getattr(expr, "args", ()):
        yield from _leaves(arg)


def _equation(left: Any, right: Any) -> Equation:
    if not isinstance(left, Member) or not left.indices:
        return Equation(left, right)
    if not isinstance(left.time, sp.Symbol):
        raise ModelError(f"define {show(left)} at a step letter, as {show_name(left.name)}[t] = …")
    return Equation(left, right, left.time)
