"""What can go wrong when a formula is made: one root, one class a kind of mistake."""

from __future__ import annotations


class BackproofError(Exception):
    """Root of every exception that Backproof raises on purpose."""


class ShapeError(BackproofError):
    """A formula is ill-typed: two shapes that must agree do not.

    `hint` is the likely intention ("did you mean Wᵀ s?"), empty where there is none.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
        self.hint = hint


class AxisOrderError(ShapeError):
    """Two axes have equally many entries in another order: vec by rows against vec by columns."""


class ModelError(BackproofError):
    """A system of equations is ill-formed: it defines nothing, or something twice, or from its own future."""


class RuleError(BackproofError):
    """No rule applies: the node that cannot be treated is named."""


class NotationError(BackproofError):
    """A formula cannot be read. `start` and `end` are offsets into the formula's text."""

    def __init__(self, message: str, start: int = 0, end: int | None = None) -> None:
        super().__init__(message)
        self.start = start
        self.end = start + 1 if end is None else end
