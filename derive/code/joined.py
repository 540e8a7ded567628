"""One product a step for one sample: Net_t = [W U b] [h_{t-1}; x_t; 1].

A product of a matrix and a vector costs little more than its call while both are small, so U x_t + b is computed with
W h_{t-1} instead of before the loop: the rows [h_{t-1} | x_t | 1] lie in one array, of which h is the first columns.
The gradients of W, U and b are one product of the δ's with these rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from derive.code.packing import Pack
from derive.code.places import Places
from derive.code.plan import At, Operand
from derive.code.values import Weight
from derive.language.nodes import Size

NARROW = 128  # columns of U up to which it pays


@dataclass(frozen=True)
class Joined:
    """W h + (U x + b) of a loop: the calls that one product stands for."""

    state: At
    source: At
    product: Pack  # W h, a call of each step
    sum: Pack  # + (U x + b), a call of each step
    driven: Pack  # U x, for all steps
    bias: Pack | None  # + b, for all steps

    @property
    def size(self) -> Size:
        """The length of h."""
        return self.state.variable.size

    @property
    def width(self) -> Size:
        """The length of x."""
        return self.source.variable.size

    @property
    def columns(self) -> str:
        """The columns of x in a row, as a slice."""
        return f"{self.size}:{self.size} + {self.width}"

    @property
    def weights(self) -> list[Weight]:
        """b, if there is one."""
        found = [] if self.bias is None else [o for one in self.bias.instructions for o in one.operands]
        return [one for one in found if isinstance(one, Weight)]

    def replaces(self, pack: Pack) -> bool:
        """Whether a call is one of those that the product stands for."""
        return pack in (self.product, self.sum, self.driven, self.bias)


def joined(before: Sequence[Pack], inside: Sequence[Pack], places: Places) -> Joined | None:
    """The first sum of a loop that one product can stand for."""
    for product in inside:
        state = product.first.operands[0]
        if product.first.op != "products" or len(product.first.factors) > 1 or not _is_state(state, places):
            continue
        for total in inside:
            found = _sum(state, product, total, before)
            if found is not None:
                return found
    return None


def _is_state(operand: Operand, places: Places) -> bool:
    """Whether an operand has an array of its own and is read at another step."""
    return isinstance(operand, At) and operand.shift != 0 and places.buffer(places.of(operand)) is None


def _sum(state: Operand, product: Pack, total: Pack, before: Sequence[Pack]) -> Joined | None:
    if total.first.op != "add" or len(total.instructions) != len(product.instructions):
        return None
    parts: list[Operand] = []
    for one, made in zip(total.instructions, product.instructions, strict=True):
        others = [operand for operand in one.operands if operand != At(made.target)]
        if len(others) != 1 or not isinstance(others[0], At) or others[0].shift:
            return None
        parts.append(others[0])
    makers = [pack for pack in before if [At(one.target) for one in pack.instructions] == parts]
    if len(makers) not in (1, 2):
        return None
    driven, bias = makers[0], makers[1] if len(makers) == 2 else None
    if driven.first.op != "products" or len(driven.first.factors) > 1:
        return None
    source = driven.first.operands[0]
    if not isinstance(source, At) or source.shift or not isinstance(state, At):
        return None
    if bias is not None and not _adds_weights(bias):
        return None
    return Joined(state, source, product, total, driven, bias)


def _adds_weights(pack: Pack) -> bool:
    return pack.first.op == "add" and all(
        one.operands[0] == At(one.target) and isinstance(one.operands[1], Weight) for one in pack.instructions
    )
