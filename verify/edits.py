"""Single edits of a formula: every slip of `verify.slips` at every place. One list serves planted errors and repairs.

A claim is edited into other well-typed claims; two sides that do not fit (a `Draft`) into claims that do. Both are
formulas: an ill-typed line is read without the shape check, so that no second list for its syntax is needed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from derive.errors import BackproofError, ShapeError
from derive.language import nodes
from derive.language.build import transpose
from derive.language.derivatives import DerivativeNode
from derive.language.shapes import Axes, axes
from derive.language.show import show
from derive.latex.elaborate import collected
from derive.model import Model
from verify.claim import Claim
from verify.slips import KINDS, OF_VARIABLES, Context, Slip

Make = Callable[[Any, Any], Claim]


@dataclass(frozen=True)
class Draft:
    """Two sides under a model, which need not fit, and how two that fit become a claim.

    `make` raises `BackproofError` for sides of which no claim can be made.
    """

    left: Any
    right: Any
    model: Model
    make: Make
    is_typed: bool = False

    @classmethod
    def of(cls, claim: Claim) -> Draft:
        """A claim as it stands."""
        return cls(claim.left, claim.right, claim.model, lambda a, b: replace(claim, left=a, right=b), True)


@dataclass(frozen=True)
class Edit:
    """One edit: its kind, what it did in words, and the claim after it.

    `side` is left or right, `before` and `after` are the smallest formula around the place that says where it is.
    """

    kind: str
    description: str
    claim: Claim
    side: str = ""
    before: str = ""
    after: str = ""

    @property
    def name(self) -> str:
        """Kind and description in one line."""
        return f"{self.kind}: {self.description}"

    @property
    def words(self) -> str:
        """What should be there instead, for a person."""
        if self.before == self.after or self.kind == "term":
            return self.description.removeprefix(f"{self.side}: ")
        return f"{self.before} should be {self.after}"


def edits(claim: Claim) -> Iterator[Edit]:
    """All well-typed single edits of both sides, each claim once, the claim itself never."""
    return edits_of(Draft.of(claim))


def edits_of(draft: Draft) -> Iterator[Edit]:
    """The same of two sides that need not fit."""
    seen = {(draft.left, draft.right)}
    names: Counter[str] = Counter()
    for side in ("left", "right"):
        for kind, description, formula, words in _edited(side, draft):
            changed = {"left": draft.left, "right": draft.right, side: formula}
            key = (changed["left"], changed["right"])
            if key in seen:
                continue
            seen.add(key)
            try:
                edited = draft.make(*key)
            except BackproofError:
                continue
            names[f"{kind}: {side}: {description}"] += 1
            place = names[f"{kind}: {side}: {description}"]
            told = f"{side}: {description}" + (f", place {place}" if place > 1 else "")
            yield Edit(kind, told, edited, side, *words)


def _edited(side: str, draft: Draft) -> Iterator[tuple[str, str, Any, tuple[str, str]]]:
    """Every edit at every place of one side that gives it the axes it must have."""
    wanted = _wanted(side, draft)
    if wanted is None:
        return
    for near in neighbours(getattr(draft, side), draft, wanted, KINDS):
        yield near.kind, near.description, near.formula, (show(near.place.outer), show(near.place.around(near.changed)))


@dataclass(frozen=True)
class Neighbour:
    """A formula with one slip in it: what the slip did, the place of the node it changed, and what stands there now."""

    kind: str
    description: str
    formula: Any
    place: Place
    changed: Any


def neighbours(formula: Any, context: Context, wanted: Axes, kinds: Mapping[str, Slip]) -> Iterator[Neighbour]:
    """Every slip of some kinds at every place of a formula that gives it the axes it must have."""
    for kind, slip in kinds.items():
        for place in places(formula):
            if place.is_variable and kind not in OF_VARIABLES:
                continue
            for description, changed in _slips(slip, place.node, context):
                result = _fitting(place.rebuild(changed), wanted, context)
                if result is not None:
                    yield Neighbour(kind, description, result, place, changed)


def _slips(slip: Slip, node: Any, context: Context) -> Iterator[tuple[str, Any]]:
    """What one slip makes of a node; a node whose own parts do not fit may be beyond it."""
    try:
        yield from slip(node, context)
    except ShapeError:
        return


def _wanted(side: str, draft: Draft) -> Axes | None:
    """A claim keeps its axes; a side that does not fit gets those of the other, if that has any."""
    other = draft.right if side == "left" else draft.left
    try:
        return axes(other)
    except ShapeError:
        return None


def _fitting(result: Any, wanted: Axes, context: Context) -> Any:
    try:
        if not context.is_typed:
            result = collected(result)  # the reader's last step, which an ill-typed side never reached
        return result if axes(result) == wanted else None
    except ShapeError:
        return None


@dataclass(frozen=True)
class Place:
    """A subformula, what puts another in its place, whether it is the variable of a ∂, and what names it best.

    `outer` is the function application or derivative that it stands in, or itself; `around` rebuilds that.
    """

    node: Any
    rebuild: Callable[[Any], Any]
    is_variable: bool
    outer: Any
    around: Callable[[Any], Any]


def places(formula: Any) -> Iterator[Place]:
    """Every matrix subformula of a formula, itself first."""
    yield Place(formula, _same, False, formula, _same)
    for position, argument in enumerate(formula.args):
        if not isinstance(argument, sp.MatrixExpr):
            continue
        in_variable = isinstance(formula, DerivativeNode) and position == 1
        for place in places(argument):
            rebuild = _rebuilder(formula, position, place.rebuild)
            is_named = isinstance(formula, nodes.Elementwise | DerivativeNode) and place.outer == place.node
            outer, around = (formula, rebuild) if is_named else (place.outer, place.around)
            yield Place(place.node, rebuild, place.is_variable or in_variable, outer, around)


def _same(changed: Any) -> Any:
    return changed


def _rebuilder(formula: Any, position: int, inner: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def rebuild(changed: Any) -> Any:
        args = list(formula.args)
        args[position] = inner(changed)
        if isinstance(formula, sp.Transpose):
            return transpose(args[0])
        if type(formula).__module__.startswith("sympy"):
            return sp.Basic.__new__(type(formula), *args)
        return formula.func(*args)

    return rebuild
