"""Single edits of a formula: what a hand slips on. One list serves planted errors and repairs.

An edit kind is one function from a node to its edited versions; no kind exists for one formula only. Ill-typed
results are dropped by the shape check, for a wrong shape needs no witness.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardProduct

from derive.errors import ShapeError
from derive.language import nodes
from derive.language.build import hadamard, matadd, matmul, negate, transpose
from derive.language.derivatives import DerivativeNode
from derive.language.shapes import axes, is_coefficient
from derive.language.show import show
from verify.claim import Claim

Edited = Iterator[tuple[str, Any]]


@dataclass(frozen=True)
class Edit:
    """One edit: its kind, what it did in words, and the claim after it."""

    kind: str
    description: str
    claim: Claim

    @property
    def name(self) -> str:
        """Kind and description in one line."""
        return f"{self.kind}: {self.description}"


def edits(claim: Claim) -> Iterator[Edit]:
    """All well-typed single edits of both sides, each claim once, the claim itself never."""
    seen = {(claim.left, claim.right)}
    names: Counter[str] = Counter()
    for side in ("left", "right"):
        for kind, description, formula in _edited(getattr(claim, side), claim):
            changed = {"left": claim.left, "right": claim.right, side: formula}
            key = (changed["left"], changed["right"])
            if key in seen:
                continue
            seen.add(key)
            try:
                edited = replace(claim, **changed)
            except ShapeError:
                continue
            names[f"{kind}: {side}: {description}"] += 1
            place = names[f"{kind}: {side}: {description}"]
            yield Edit(kind, f"{side}: {description}" + (f", place {place}" if place > 1 else ""), edited)


def _edited(formula: Any, claim: Claim) -> Iterator[tuple[str, str, Any]]:
    """Every edit at every place of one formula."""
    wanted = axes(formula)
    for kind, edit in KINDS.items():
        for node, rebuild, is_variable in places(formula):
            if is_variable and kind not in OF_VARIABLES:
                continue
            for description, changed in edit(node, claim):
                result = rebuild(changed)
                try:
                    if axes(result) == wanted:
                        yield kind, description, result
                except ShapeError:
                    continue


def places(formula: Any) -> Iterator[tuple[Any, Callable[[Any], Any], bool]]:
    """Every matrix subformula, what puts another in its place, and whether it is the variable of a ∂."""
    yield formula, lambda changed: changed, False
    for position, argument in enumerate(formula.args):
        if not isinstance(argument, sp.MatrixExpr):
            continue
        in_variable = isinstance(formula, DerivativeNode) and position == 1
        for node, inner, is_variable in places(argument):
            yield node, _rebuilder(formula, position, inner), is_variable or in_variable


def _rebuilder(formula: Any, position: int, inner: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def rebuild(changed: Any) -> Any:
        args = list(formula.args)
        args[position] = inner(changed)
        if type(formula).__module__.startswith("sympy"):
            return sp.Basic.__new__(type(formula), *args)
        return formula.func(*args)

    return rebuild


# --- the kinds -------------------------------------------------------------------------------------------------


def transposed(node: Any, claim: Claim) -> Edited:
    """Aᵀ for A and A for Aᵀ; a vector's transpose misfits or, inside diag and f, says the same."""
    if isinstance(node, sp.Transpose):
        yield f"{show(node)} to {show(node.args[0])}", node.args[0]
    elif not axes(node).is_vector and not isinstance(node, sp.MatMul | sp.MatAdd | sp.Identity | nodes.Diag):
        yield f"{show(node)} to its transpose", transpose(node)


def swapped(node: Any, claim: Claim) -> Edited:
    """Two neighbours of a product change places; so do the factors of ⊗ and two blocks."""
    if isinstance(node, nodes.Kronecker):
        yield f"{show(node)} to the other order", nodes.Kronecker(node.args[1], node.args[0])
    if isinstance(node, nodes.Blocks) and len(node.args) == 3:
        count, first, second = node.args
        yield f"{show(first)} and {show(second)} swapped", nodes.Blocks(count, second, first)
    if isinstance(node, sp.MatMul):
        for place in range(len(node.args) - 1):
            first, second = node.args[place : place + 2]
            if not is_coefficient(first):
                args = (*node.args[:place], second, first, *node.args[place + 2 :])
                yield f"{show(first)} and {show(second)} swapped", matmul(*args)


def shifted(node: Any, claim: Claim) -> Edited:
    """A member at the next or previous step."""
    if isinstance(node, nodes.Member) and node.indices:
        for shift in (-1, 1):
            moved = node.at(*node.indices[:-1], node.time + shift)
            yield f"{show(node)} to {show(moved)}", moved


def other_order(node: Any, claim: Claim) -> Edited:
    """f for f', f' for f, f'' for f'."""
    if isinstance(node, nodes.Elementwise) and node.kind != "reciprocal":
        for order in (node.order - 1, node.order + 1):
            if order >= 0:
                changed = nodes.Elementwise(node.args[0], node.args[1], order, node.argument)
                yield f"{show(node)} to {show(changed)}", changed


def dropped(node: Any, claim: Claim) -> Edited:
    """A factor or a term is lost."""
    if isinstance(node, sp.MatMul | sp.MatAdd | HadamardProduct) and len(node.args) > 1:
        build = {sp.MatMul: matmul, sp.MatAdd: matadd}.get(type(node), hadamard)
        for place, part in enumerate(node.args):
            rest = node.args[:place] + node.args[place + 1 :]
            if any(not is_coefficient(item) for item in rest):
                yield f"{show(part)} dropped", build(*rest)
    if isinstance(node, nodes.Scale):
        yield f"{show(node.scalar)} dropped", node.matrix


def repeated(node: Any, claim: Claim) -> Edited:
    """A factor or a term twice."""
    if isinstance(node, sp.MatMul | sp.MatAdd):
        build = matmul if isinstance(node, sp.MatMul) else matadd
        for place, part in enumerate(node.args):
            if not is_coefficient(part):
                yield f"{show(part)} twice", build(*node.args[:place], part, *node.args[place:])


def entrywise(node: Any, claim: Claim) -> Edited:
    """⊙ for a product and a product for ⊙."""
    if isinstance(node, HadamardProduct):
        yield f"{show(node)} as a matrix product", matmul(*node.args)
    if isinstance(node, sp.MatMul):
        for place in range(len(node.args) - 1):
            first, second = node.args[place : place + 2]
            if not is_coefficient(first):
                joined = hadamard(first, second)
                yield f"{show(joined)} for the product", matmul(*node.args[:place], joined, *node.args[place + 2 :])


def negated(node: Any, claim: Claim) -> Edited:
    """A sign is wrong."""
    if isinstance(node, sp.MatAdd):
        for place, part in enumerate(node.args):
            yield f"{show(part)} negated", matadd(*node.args[:place], negate(part), *node.args[place + 1 :])
    elif isinstance(node, sp.MatMul | nodes.Member | sp.MatrixSymbol | nodes.TimeSum):
        yield f"{show(node)} negated", negate(node)


def doubled(node: Any, claim: Claim) -> Edited:
    """A factor 2."""
    if isinstance(node, sp.MatMul | nodes.TimeSum | sp.MatrixSymbol | nodes.Member | nodes.Kronecker | sp.Identity):
        yield f"{show(node)} doubled", matmul(2, node)


def renamed(node: Any, claim: Claim) -> Edited:
    """One name for another of the same shape (U for W, s for x)."""
    if not isinstance(node, nodes.Member | sp.MatrixSymbol):
        return
    for other in _names(claim):
        if isinstance(other, nodes.Member) and isinstance(node, nodes.Member) and node.indices and other.indices:
            other = other.at(*node.indices)
        elif type(other) is not type(node):
            continue
        if other != node and axes(other) == axes(node):
            yield f"{show(node)} to {show(other)}", other


def _names(claim: Claim) -> list[Any]:
    found: dict[str, Any] = {}
    sides = (
        claim.left,
        claim.right,
        *(e.left for e in claim.model.equations),
        *(e.right for e in claim.model.equations),
    )
    for side in sides:
        for node in sp.preorder_traversal(side):
            if isinstance(node, nodes.Member | sp.MatrixSymbol):
                found.setdefault(str(node.name), node)
    return [found[name] for name in sorted(found)]


def rebounded(node: Any, claim: Claim) -> Edited:
    """A bound of a sum or product one off; a product in the other direction."""
    if isinstance(node, nodes.TimeSum | nodes.TimeProduct):
        body, letter, lo, hi, *direction = node.args
        for low, high in ((lo - 1, hi), (lo + 1, hi), (lo, hi - 1), (lo, hi + 1)):
            yield f"bounds {lo}..{hi} to {low}..{high}", node.func(body, letter, low, high, *direction)
    if isinstance(node, nodes.TimeProduct):
        turned = "ascending" if node.direction == "descending" else "descending"
        yield f"the product {turned}", nodes.TimeProduct(node.body, node.index, node.lo, node.hi, turned)


def other_mode(node: Any, claim: Claim) -> Edited:
    """Total for immediate and immediate for total, of a family's member by a parameter."""
    if isinstance(node, DerivativeNode):
        core = node.what
        while isinstance(core, nodes.Vec | sp.Transpose | nodes.Component):
            core = core.args[0]
        by = node.by.matrix if isinstance(node.by, nodes.Vec) else node.by
        if isinstance(core, nodes.Member) and core.indices and not (isinstance(by, nodes.Member) and by.indices):
            mode = "immediate" if node.mode == "total" else "total"
            yield f"{show(node)} as {mode}", node.func(node.what, node.by, mode)


def unwrapped(node: Any, claim: Claim) -> Edited:
    """A function, diag or norm is forgotten."""
    if isinstance(node, nodes.Elementwise | nodes.Softmax):
        yield f"{show(node)} to {show(node.args[-1])}", node.args[-1]
    if isinstance(node, nodes.Diag):
        ones = sp.OneMatrix(*node.vector.shape)
        yield f"{show(node)} to I", nodes.Diag(ones)


OF_VARIABLES = ("index", "name")  # ∂/∂(-W) is no slip of a hand

KINDS: dict[str, Callable[[Any, Claim], Edited]] = {
    "transpose": transposed,
    "swap": swapped,
    "index": shifted,
    "derivative order": other_order,
    "drop": dropped,
    "repeat": repeated,
    "entrywise": entrywise,
    "sign": negated,
    "factor 2": doubled,
    "name": renamed,
    "bounds": rebounded,
    "partial": other_mode,
    "unwrap": unwrapped,
}
