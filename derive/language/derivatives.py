"""Derivatives as nodes of the language: what is differentiated, by what, and how the entries are laid out.

Every node has one meaning, whatever conventions a text declares: the reader translates conventions into nodes.

`mode` is `total` or `immediate`. Total: everything that depends on the variable is followed, through all
earlier (or later) members. Immediate, by a *shared parameter* (a symbol without indices): the members of other
steps than the differentiated one's are held; what the same step computes on the way is followed. Immediate, by a
*member*, of a loss: only the loss's own direct dependence on that member is followed.

The variable is a `MatrixSymbol`, a `Member`, a `Slot` of the application that is differentiated, or (in a `Jacobian`)
the `Vec` of one of these.
"""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.core.symbol import Str

from derive.language.nodes import Application, Node, Slot, Vec, length


class DerivativeNode(Node):
    """Common form of the derivative nodes: (what, by, mode)."""

    def __new__(cls, what: Any, by: Any, mode: str | Str = "total") -> DerivativeNode:
        mode = mode if isinstance(mode, Str) else Str(mode)
        if mode.name not in ("total", "immediate"):
            raise ValueError(f"a derivative is 'total' or 'immediate', not {mode.name!r}")
        return super().__new__(cls, what, by, mode)

    what = property(lambda self: self.args[0])
    by = property(lambda self: self.args[1])
    mode = property(lambda self: str(self.args[2].name))


def variable_of(by: Any) -> Any:
    """What is differentiated by, without its vec."""
    return by.matrix if isinstance(by, Vec) else by


def slot_of(node: Any) -> tuple[Application, Slot] | None:
    """The application and the slot of a derivative by a slot; None for any other derivative."""
    slot, what = variable_of(node.by), node.what
    if not isinstance(slot, Slot):
        return None
    while isinstance(what, Vec | sp.Transpose):
        what = what.args[0]
    return (what, slot) if isinstance(what, Application) else None


class Jacobian(DerivativeNode):
    """∂y/∂x in numerator layout for vectors y, x (or vecs): entry (a, b) is ∂y_a/∂x_b."""

    shape = property(lambda self: (sp.Mul(*self.what.shape), sp.Mul(*self.by.shape)))


class Gradient(DerivativeNode):
    """∂E/∂X of a scalar E, in the shape of X: entry (i, j) is ∂E/∂X_ij."""

    shape = property(lambda self: self.by.shape)


class BlockJacobian(DerivativeNode):
    """[∂Y/∂x_ij]: the block matrix whose (i, j) block is ∂Y/∂X_ij; rows (i, a), columns (j, b), slow to fast."""

    shape = property(
        lambda self: (
            self.by.shape[0] * self.what.shape[0],
            self.by.shape[1] * self.what.shape[1],
        )
    )


class FamilyDerivative(DerivativeNode):
    """∂Y/∂X as a family of Y-shaped members, one for each entry of X.

    Matrix operations act on every member. A formula holds at most one such family in each product; the two axes
    of X ride along as *back axes* until `Collect` turns a family of 1×1 members into a matrix of X's shape.
    """

    shape = property(lambda self: self.what.shape)


class Collect(Node):
    """A family of 1×1 members as the matrix of its back axes."""

    def __new__(cls, family: Any) -> Collect:
        return super().__new__(cls, family)

    family = property(lambda self: self.args[0])

    @property
    def shape(self) -> tuple[sp.Expr, sp.Expr]:
        """The back axes' lengths (found by the shape check: the family may sit deep inside)."""
        from derive.language.shapes import axes  # the check needs every node; only this one needs the check

        back = axes(self.args[0]).back
        assert back is not None
        return length(back[0]), length(back[1])
