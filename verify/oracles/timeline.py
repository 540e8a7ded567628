"""A model at one last step: which members there are, and which equation computes each."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import sympy as sp

from derive.language.nodes import Member
from derive.model import Equation, Model, members
from verify.oracles.letters import integer


class Timeline:
    """The steps of a model whose last step is the number `last`."""

    def __init__(self, model: Model, last: int) -> None:
        self.model, self.last = model, last
        self._spans: dict[str, tuple[range, ...]] = {}
        self._produced: dict[str, range] = {}

    def produced(self, name: str) -> range:
        """The steps at which an equation produces a family."""
        if name not in self._produced:
            span = self.model.produced(name)
            self._produced[name] = range(0) if span is None else self._range(span)
        return self._produced[name]

    def exists(self, name: str, step: int) -> bool:
        """Whether a member exists at a step: produced there, or read there as an input, or of a family never read."""
        if name not in self._spans:
            self._spans[name] = tuple(self._range(span) for span in self.model.spans(name))
        spans = self._spans[name]
        return not spans or any(step in span for span in spans)

    def equation(self, name: str, indices: tuple[int, ...]) -> Equation | None:
        """The equation that computes a member or symbol, None for an input."""
        equation = self.model.by_name.get(name)
        if equation is None or equation.index is None:
            return equation
        upper = [int(i) if i.is_Integer else None for i in equation.left.indices[:-1]]
        if not indices or any(u not in (None, i) for u, i in zip(upper, indices, strict=False)):
            return None
        return equation if indices[-1] in self.produced(name) else None

    @cached_property
    def definitions(self) -> frozenset[str]:
        """The names that stand for derivatives."""
        return frozenset(e.name for e in self.model.equations if self.model.is_definition(e))

    @cached_property
    def is_causal(self) -> bool:
        """No equation reads a later step than its own (sums over time are not followed: they count as reading it)."""
        return all(
            equation.index is None or _shift(member, equation.index) <= 0
            for equation in self.model.equations
            if equation.name not in self.definitions
            for member in members(equation.right)
        )

    def family(self, name: str) -> Any:
        """Some member of a family, or the symbol of that name, for its shape."""
        if name in self.model.by_name:
            return self.model.by_name[name].left
        nodes = (node for e in self.model.equations for node in sp.preorder_traversal(e.right))
        return next(node for node in nodes if isinstance(node, Member | sp.MatrixSymbol) and str(node.name) == name)

    def _range(self, span: tuple[Any, Any]) -> range:
        letter = self.model.time.last
        env = {letter: self.last} if isinstance(letter, sp.Symbol) else {}
        first, final = (integer(bound, env) for bound in span)
        return range(first, final + 1)


def _shift(member: Member, index: sp.Symbol) -> int:
    shift = member.time - index
    return int(shift) if shift.is_Integer else 1
