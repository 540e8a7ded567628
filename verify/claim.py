"""A claim: one relation between two formulas under a model; and where it is claimed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from derive.language.letters import component_letters
from derive.language.nodes import Member
from derive.language.shapes import axes, misfit
from derive.language.substitute import free_letters
from derive.model import Model


@dataclass(frozen=True)
class Index:
    """A free step letter of a claim and the range in which it runs (bounds are affine in the other letters)."""

    letter: sp.Symbol
    first: sp.Expr
    last: sp.Expr


@dataclass(frozen=True)
class Condition:
    """left REL right, REL one of < <= = !=, between affine expressions in step letters, or component letters."""

    left: sp.Expr
    relation: str
    right: sp.Expr

    def holds(self, values: dict[sp.Symbol, int]) -> bool:
        """Whether the condition holds once every letter has a value."""
        difference = int((self.left - self.right).xreplace({k: sp.Integer(v) for k, v in values.items()}))
        return {"<": difference < 0, "<=": difference <= 0, "=": difference == 0, "!=": difference != 0}[self.relation]

    def __str__(self) -> str:
        return f"{self.left} {self.relation} {self.right}"


@dataclass(frozen=True)
class Claim:
    """left REL right for all sizes, all component letters, and all step letters in range, under the model.

    `last` is the letter of the model's last step (model.time.last); `indices` are the other free step letters.
    `assumptions` are pairs (formula, value): 1ᵀy_k = 1 is (1ᵀ y_k, 1), valid at every step of a member it names.
    Raises `ShapeError` when the two sides differ in shape, or a component letter runs over one axis on the left and
    over another on the right.
    """

    left: Any
    right: Any
    model: Model
    relation: str = "="  # = <= < >= > !=
    indices: tuple[Index, ...] = ()
    conditions: tuple[Condition, ...] = ()
    assumptions: tuple[Assumption, ...] = field(default=())

    def __post_init__(self) -> None:
        from derive.language.show import show

        for side in (self.left, self.right):
            if not getattr(side, "is_Matrix", False):
                raise TypeError(f"a claim is between two formulas, and {side!r} is none")
        left, right = axes(self.left), axes(self.right)
        if left != right:
            raise misfit(left, right)(f"{show(self.left)} is {left}, but {show(self.right)} is {right}")
        component_letters(sp.Tuple(self.left, self.right))  # refuses a letter that runs over two axes

    @property
    def letters(self) -> dict[sp.Symbol, Any]:
        """The free component letters and the axes they run over."""
        return component_letters(sp.Tuple(self.left, self.right))

    @property
    def step_letters(self) -> tuple[sp.Symbol, ...]:
        """The free step letters: the last step's, where it is a letter, then those of `indices`."""
        last = self.model.time.last
        return (*((last,) if isinstance(last, sp.Symbol) else ()), *(index.letter for index in self.indices))

    @property
    def is_timeless(self) -> bool:
        """Neither a step letter nor anything of the model occurs.

        ∂E/∂s_0 names no letter, but E knows the last step.
        """
        free = free_letters(self.left) | free_letters(self.right)
        return not free & set(self.step_letters) and not any(
            _is_of_the_model(node, self.model)
            for side in (self.left, self.right)
            for node in sp.preorder_traversal(side)
        )


def names_in(formula: Any) -> set[str]:
    """The names of members and symbols that a formula writes."""
    return {str(n.name) for n in sp.preorder_traversal(formula) if isinstance(n, Member | sp.MatrixSymbol)}


def _is_of_the_model(node: Any, model: Model) -> bool:
    """A family's member, or a name that an equation or a loss defines."""
    if isinstance(node, Member):
        return bool(node.indices) or node.name in model.by_name
    return isinstance(node, sp.MatrixSymbol) and (node.name in model.by_name or node.name in model.loss_by_name)


@dataclass(frozen=True)
class Assumption:
    """What a document assumes of a tensor: `kind` is sum_one, symmetric, zero, bound …; see `verify.document`."""

    kind: str
    subject: Any
    value: Any = None
