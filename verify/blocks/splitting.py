"""A claim about stacked tensors as claims about their blocks: fresh tensors, the model over them, one claim a block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import sympy as sp

from derive.language.nodes import AxisSizes, Blocks, Member, length
from derive.language.shapes import axes
from derive.language.show import show
from derive.model import Equation, Loss, Model
from verify.blocks.grids import Grid, Grids, family_blocks
from verify.blocks.partition import Partition, Unsupported
from verify.claim import Assumption, Claim, names_in

OF_EACH_ENTRY = ("zero", "positive", "nonzero")  # assumptions that hold of a stack where they hold of its blocks


@dataclass(frozen=True)
class Block:
    """The claim about one block; `place` names it: block (1, 2)."""

    place: str
    claim: Claim


def is_blocked(claim: Claim) -> bool:
    """Whether a block matrix stands in the claim, or in what its names are computed from."""
    return any(formula.has(Blocks) for formula in reached(claim))


def split(claim: Claim) -> tuple[Block, ...]:
    """The claims about the blocks: all of them together say what the claim says, at all sizes.

    Raises `Unsupported` where a stacked size has two lists of parts, or no block rule reaches a construct.
    """
    formulas = [*_sides(claim.model), claim.left, claim.right]
    grids = Grids(Partition(formulas), Tensors(formulas).blocks)
    assumptions = tuple(part for a in claim.assumptions for part in _assumptions(grids, a))
    frame = replace(claim, model=_model(grids, claim.model), assumptions=assumptions)
    pairs = [pair for inner in _families(grids, claim) for pair in _pairs(inner(claim.left), inner(claim.right))]
    names = _places(pairs)
    return tuple(
        Block(name, replace(frame, left=left, right=right)) for name, (_, left, right) in zip(names, pairs, strict=True)
    )


def _families(grids: Grids, claim: Claim) -> Iterable[Grids]:
    """A family of derivatives is one for each block of its variable."""
    if axes(claim.left).back is None:
        return [grids]
    left, right = (family_blocks(grids, side) for side in (claim.left, claim.right))
    chosen = zip(sum(left, ()), sum(right, ()), strict=True)
    return [grids.family({**one, **other}) for one, other in chosen]


def _pairs(left: Grid, right: Grid) -> Iterator[tuple[tuple[int, int], Any, Any]]:
    for i, rows in enumerate(zip(left, right, strict=True), start=1):
        for j, (one, other) in enumerate(zip(*rows, strict=True), start=1):
            yield (i, j), one, other


def _places(pairs: list[tuple[tuple[int, int], Any, Any]]) -> list[str]:
    """block 1, block (1, 2); of several families the place counts on."""
    places = [place for place, _, _ in pairs]
    if len(set(places)) < len(places):
        return [f"block {number}" for number, _ in enumerate(places, start=1)]
    rows, cols = (max(place[axis] for place in places) for axis in (0, 1))
    return [f"block {i if cols == 1 else j if rows == 1 else (i, j)}" for i, j in places]


# --- what a claim reaches --------------------------------------------------------------------------------------------


def _sides(model: Model) -> list[Any]:
    return [side for equation in model.equations for side in (equation.left, equation.right)]


def reached(claim: Claim) -> Iterator[Any]:
    """Both sides, and the right sides of all equations from which their names are computed."""
    model, seen, waiting = claim.model, set[str](), [claim.left, claim.right]
    while waiting:
        formula = waiting.pop()
        yield formula
        for name in sorted(names_in(formula) - seen):
            seen.add(name)
            loss = model.loss_by_name.get(name)
            families = [part for part, _ in loss.parts] if loss is not None else [name]
            waiting += [model.by_name[family].right for family in families if family in model.by_name]
            seen |= set(families)


# --- tensors ---------------------------------------------------------------------------------------------------------


class Tensors:
    """Fresh tensors for blocks: W^{(1)}, W^{(1,2)}, with primes where a document has that name already."""

    def __init__(self, formulas: Iterable[Any]) -> None:
        self._taken = set[str]().union(*map(names_in, formulas))
        self._made: dict[tuple[str, str], str] = {}

    def blocks(self, tensor: Any, parts: tuple[tuple[tuple[AxisSizes, AxisSizes], ...], ...]) -> Grid:
        """The blocks of a tensor; members stay members, at the same indices."""
        return tuple(
            tuple(self._block(tensor, self._place(i, j, parts), *axes) for j, axes in enumerate(row, start=1))
            for i, row in enumerate(parts, start=1)
        )

    def _place(self, i: int, j: int, parts: tuple[Any, ...]) -> str:
        if len(parts[0]) == 1:
            return str(i)
        return str(j) if len(parts) == 1 else f"{i},{j}"

    def _block(self, tensor: Any, place: str, rows: AxisSizes, cols: AxisSizes) -> Any:
        name = self._name(str(tensor.name), place)
        if isinstance(tensor, Member):
            return Member(name, tensor.indices, rows, cols)
        if len(rows) > 1 or len(cols) > 1:
            return Member(name, (), rows, cols)
        return sp.MatrixSymbol(name, length(rows), length(cols))

    def _name(self, name: str, place: str) -> str:
        if (name, place) not in self._made:
            names = (f"{name}^{{({place}){chr(39) * primes}}}" for primes in count())
            fresh = next(one for one in names if one not in self._taken)
            self._taken.add(fresh)
            self._made[name, place] = fresh
        return self._made[name, place]


# --- the model -------------------------------------------------------------------------------------------------------


def _model(grids: Grids, model: Model) -> Model:
    """Every equation by blocks; an unknown function of a stack is one of its blocks."""
    equations = [block for equation in model.equations for block in _equations(grids, equation)]
    return Model(equations, [_loss(grids, model, loss) for loss in model.losses], model.time)


def _equations(grids: Grids, equation: Equation) -> Iterator[Equation]:
    for _, left, right in _pairs(grids(equation.left), grids(equation.right)):
        yield replace(equation, left=left, right=right)


def _loss(grids: Grids, model: Model, loss: Loss) -> Loss:
    parts = [
        (str(block.name), when)
        for family, when in loss.parts
        for block in (sum(grids(model.by_name[family].left), ()) if family in model.by_name else _unknown(family))
    ]
    return Loss(loss.symbol, tuple(parts))


def _unknown(family: str) -> tuple[Any, ...]:
    raise Unsupported(f"the loss depends on {family}, which no equation computes")


def _assumptions(grids: Grids, assumption: Assumption) -> Iterator[Assumption]:
    """An assumption about a tensor without stacked axes stays; one about every entry is one about every block."""
    subject = assumption.subject
    tensors = [n for n in sp.preorder_traversal(subject) if isinstance(n, Member | sp.MatrixSymbol)]
    if all(len(grids(tensor)) == len(grids(tensor)[0]) == 1 for tensor in tensors):
        yield assumption
    elif assumption.kind in OF_EACH_ENTRY and tensors == [subject]:
        yield from (replace(assumption, subject=block) for block in sum(grids(subject), ()))
    else:
        raise Unsupported(f"the assumption {assumption.kind} about the stacked {show(subject)}")
