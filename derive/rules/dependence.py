"""What depends on what: through the equations of a model, within a step and across steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from derive.errors import RuleError
from derive.language.nodes import Member
from derive.language.show import show, show_name
from derive.model import Equation, Model, leaves
from derive.remembered import with_the_model


@with_the_model
def read_names(model: Model, name: str) -> frozenset[str]:
    """All names that a family or symbol depends on, itself among them."""
    found, waiting = {name}, [name]
    while waiting:
        equation = model.by_name.get(waiting.pop())
        for leaf in equation.leaves if equation is not None else ():
            if str(leaf.name) not in found:
                found.add(str(leaf.name))
                waiting.append(str(leaf.name))
    return frozenset(found)


def is_recurrent(model: Model, name: str) -> bool:
    """Whether a family depends on earlier members of its own."""
    equation = model.by_name.get(name)
    return equation is not None and any(name in read_names(model, str(leaf.name)) for leaf in equation.leaves)


def check_causal(model: Model, expr: Any) -> None:
    """Jacobians by a member follow the steps forward: nothing on which the formula depends may read a later step."""
    for leaf in leaves(expr):
        found = reads_later(model, str(leaf.name))
        if found is not None:
            equation, member = found
            raise RuleError(f"{show(equation.left)} reads the later {show(member)}: no rule follows time backwards")


@with_the_model
def check_shifts(model: Model) -> None:
    """Rules follow steps by their distance: no equation reads a family that is computed at a fixed step, as h_0."""
    for equation in model.forward:
        for member in equation.members if equation.index is not None else ():
            if model.equation_of(member) is not None:
                shift_of(equation, member)


def check_losses(model: Model) -> None:
    """A loss is of families that equations compute; of an input it would say nothing about the parameters."""
    for loss in model.losses:
        for family, _ in loss.parts:
            if family not in model.by_name:
                raise RuleError(
                    f"the loss {show(loss.symbol)} depends on {show_name(family)}, which no equation computes"
                )


def shift_of(equation: Equation, member: Member) -> int:
    """How many steps away from its own an equation reads a member."""
    shift = member.time - equation.index
    if not shift.is_Integer:
        raise RuleError(
            f"{show(equation.left)} reads {show(member)}, which is no fixed number of steps away: no rule follows that"
        )
    return int(shift)


@with_the_model
def reads_later(model: Model, name: str) -> tuple[Equation, Member] | None:
    """The first equation on which a family depends that reads a produced member of a later step, and that member."""
    needed = read_names(model, name)
    for equation in model.forward:
        for member in equation.members if equation.index is not None and equation.name in needed else ():
            if model.equation_of(member) is not None and (member.time - equation.index).is_positive:
                return equation, member
    return None


@dataclass
class Dependence:
    """Whether formulas depend on one variable; `held` is the one step that an immediate derivative follows."""

    model: Model
    variable: Any
    held: sp.Expr | None = None
    _known: dict[Any, bool] = field(default_factory=dict)

    def of(self, expr: Any) -> bool:
        """Whether a formula depends on the variable."""
        return any(self._of_leaf(leaf) for leaf in leaves(expr))

    def _of_leaf(self, leaf: Any) -> bool:
        if leaf not in self._known:
            self._known[leaf] = self._search(leaf)
        return self._known[leaf]

    def _search(self, leaf: Any) -> bool:
        if leaf == self.variable:
            return True
        if self.model.equation_of(leaf) is None or not self._by_name(leaf):
            return False
        if self.is_held(leaf) or self.model.is_outside(leaf):
            return False
        if not (isinstance(self.variable, Member) and self.variable.indices and isinstance(leaf, Member)):
            return self.held is None or self._by_definition(leaf)
        lag = leaf.time - self.variable.time
        return bool(lag.free_symbols) or (bool(lag >= 0) and self._by_definition(leaf))

    def is_held(self, leaf: Any) -> bool:
        """A member of another step than the one an immediate derivative follows."""
        return self.held is not None and isinstance(leaf, Member) and leaf.time != self.held

    def _by_definition(self, leaf: Any) -> bool:
        return self.of(self.model.definition(leaf))

    def _by_name(self, leaf: Any) -> bool:
        return str(self.variable.name) in read_names(self.model, str(leaf.name))
