"""The slips of a hand, one function each: from a node to what it may have been meant to be, or may be taken for.

A slip is a rule about nodes, never about one formula, and it comes with its inverse: what plants an error mends it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, Protocol

import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardProduct

from derive.language import nodes
from derive.language.build import hadamard, matadd, matmul, negate, transpose
from derive.language.convolution import CONVOLVE, FULL, SLIDES, Convolution, Flip
from derive.language.derivatives import DerivativeNode
from derive.language.shapes import axes, is_coefficient
from derive.language.show import show
from derive.language.substitute import substitute
from derive.model import Model
from verify.missing import missing_terms

Edited = Iterator[tuple[str, Any]]


class Context(Protocol):
    """What a slip may look at beside its node: the two sides and the model."""

    @property
    def left(self) -> Any: ...
    @property
    def right(self) -> Any: ...
    @property
    def model(self) -> Model: ...
    @property
    def is_typed(self) -> bool: ...


def transposed(node: Any, context: Context) -> Edited:
    """Aᵀ for A and A for Aᵀ, Bᵀ Aᵀ for A B; a vector's alone only where the sides do not fit anyway."""
    if isinstance(node, sp.Transpose):
        yield f"{show(node)} to {show(node.args[0])}", node.args[0]
    elif isinstance(node, sp.MatMul):
        if not (context.is_typed and axes(node).is_scalar):
            yield f"{show(node)} to its transpose", _turned(node)
    elif not isinstance(node, sp.MatAdd | sp.Identity | nodes.Diag) and not (
        context.is_typed and axes(node).is_vector  # it misfits or, inside diag and f, says the same
    ):
        yield f"{show(node)} to its transpose", transpose(node)


def _turned(node: Any) -> Any:
    """(A B)ᵀ = Bᵀ Aᵀ, diag(v)ᵀ = diag(v)."""
    if isinstance(node, sp.MatMul):
        numbers = [factor for factor in node.args if is_coefficient(factor)]
        return matmul(*numbers, *(_turned(factor) for factor in reversed(node.args) if not is_coefficient(factor)))
    return node if isinstance(node, sp.Identity | nodes.Diag) else transpose(node)


def swapped(node: Any, context: Context) -> Edited:
    """Two neighbours of a product change places, or a factor stands elsewhere; so do the factors of ⊗."""
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
        yield from _moved(node)


def _moved(node: Any) -> Edited:
    """A factor two places or more from where it should stand."""
    for place, part in enumerate(node.args):
        rest = node.args[:place] + node.args[place + 1 :]
        for other in range(len(node.args)):
            if abs(other - place) > 1 and not is_coefficient(part) and not is_coefficient(node.args[other]):
                args = (*rest[:other], part, *rest[other:])
                yield f"{show(part)} moved, as {show(matmul(*args))}", matmul(*args)


def shifted(node: Any, context: Context) -> Edited:
    """A member at the next or previous step."""
    if isinstance(node, nodes.Member) and node.indices:
        for shift in (-1, 1):
            moved = node.at(*node.indices[:-1], node.time + shift)
            yield f"{show(node)} to {show(moved)}", moved


def other_order(node: Any, context: Context) -> Edited:
    """f for f', f' for f, f'' for f'."""
    if isinstance(node, nodes.Elementwise) and node.kind != "reciprocal":
        for order in (node.order - 1, node.order + 1):
            if order >= 0:
                changed = nodes.Elementwise(node.args[0], node.args[1], order, node.argument)
                yield f"{show(node)} to {show(changed)}", changed


def dropped(node: Any, context: Context) -> Edited:
    """A factor or a term is lost."""
    if isinstance(node, sp.MatMul | sp.MatAdd | HadamardProduct) and len(node.args) > 1:
        build = {sp.MatMul: matmul, sp.MatAdd: matadd}.get(type(node), hadamard)
        for place, part in enumerate(node.args):
            rest = node.args[:place] + node.args[place + 1 :]
            if any(not is_coefficient(item) for item in rest):
                yield f"{show(part)} dropped", build(*rest)
    if isinstance(node, nodes.Scale):
        yield f"{show(node.scalar)} dropped", node.matrix


def repeated(node: Any, context: Context) -> Edited:
    """A factor or a term twice."""
    if isinstance(node, sp.MatMul | sp.MatAdd):
        build = matmul if isinstance(node, sp.MatMul) else matadd
        for place, part in enumerate(node.args):
            if not is_coefficient(part):
                yield f"{show(part)} twice", build(*node.args[:place], part, *node.args[place:])


def entrywise(node: Any, context: Context) -> Edited:
    """⊙ for a product and a product for ⊙."""
    if isinstance(node, HadamardProduct):
        yield f"{show(node)} as a matrix product", matmul(*node.args)
    if isinstance(node, sp.MatMul):
        for place in range(len(node.args) - 1):
            first, second = node.args[place : place + 2]
            if not is_coefficient(first):
                joined = hadamard(first, second)
                yield f"{show(joined)} for the product", matmul(*node.args[:place], joined, *node.args[place + 2 :])


def negated(node: Any, context: Context) -> Edited:
    """A sign is wrong."""
    if isinstance(node, sp.MatAdd):
        for place, part in enumerate(node.args):
            yield f"{show(part)} negated", matadd(*node.args[:place], negate(part), *node.args[place + 1 :])
    elif isinstance(node, sp.MatMul | nodes.Member | sp.MatrixSymbol | nodes.TimeSum | Convolution):
        yield f"{show(node)} negated", negate(node)


def doubled(node: Any, context: Context) -> Edited:
    """A factor 2 or ½."""
    if isinstance(node, sp.MatMul | nodes.TimeSum):
        yield f"{show(node)} halved", matmul(sp.Rational(1, 2), node)
    doubling = sp.MatMul | nodes.TimeSum | sp.MatrixSymbol | nodes.Member | nodes.Kronecker | sp.Identity | Convolution
    if isinstance(node, doubling):
        yield f"{show(node)} doubled", matmul(2, node)


def renamed(node: Any, context: Context) -> Edited:
    """One name for another of the same shape (U for W, s for x)."""
    if not isinstance(node, nodes.Member | sp.MatrixSymbol):
        return
    for other in _names(context):
        if isinstance(other, nodes.Member) and isinstance(node, nodes.Member) and node.indices and other.indices:
            if len(other.indices) != len(node.indices):
                continue  # a weight of a layer is none of a layer and a step
            other = other.at(*node.indices)
        elif type(other) is not type(node):
            continue
        if other != node and (axes(other) == axes(node) or not context.is_typed):
            yield f"{show(node)} to {show(other)}", other


def _names(context: Context) -> list[Any]:
    found: dict[str, Any] = {}
    sides = (
        context.left,
        context.right,
        *(e.left for e in context.model.equations),
        *(e.right for e in context.model.equations),
    )
    for side in sides:
        for node in sp.preorder_traversal(side):
            if isinstance(node, nodes.Member | sp.MatrixSymbol):
                found.setdefault(str(node.name), node)
    return [found[name] for name in sorted(found)]


def rebounded(node: Any, context: Context) -> Edited:
    """A bound of a sum or product one off; a product in the other direction."""
    if isinstance(node, nodes.TimeSum | nodes.TimeProduct):
        body, letter, lo, hi, *direction = node.args
        for low, high in ((lo - 1, hi), (lo + 1, hi), (lo, hi - 1), (lo, hi + 1)):
            yield f"bounds {lo}..{hi} to {low}..{high}", node.func(body, letter, low, high, *direction)
    if isinstance(node, nodes.TimeProduct):
        turned = "ascending" if node.direction == "descending" else "descending"
        yield f"the product should be {turned}", nodes.TimeProduct(node.body, node.index, node.lo, node.hi, turned)


def other_mode(node: Any, context: Context) -> Edited:
    """Total for immediate and immediate for total, of a family's member by a parameter."""
    if isinstance(node, DerivativeNode):
        core = node.what
        while isinstance(core, nodes.Vec | sp.Transpose | nodes.Component):
            core = core.args[0]
        by = node.by.matrix if isinstance(node.by, nodes.Vec) else node.by
        if isinstance(core, nodes.Member) and core.indices and not (isinstance(by, nodes.Member) and by.indices):
            mode = "immediate" if node.mode == "total" else "total"
            yield f"{show(node)} as {mode}", node.func(node.what, node.by, mode)


def unwrapped(node: Any, context: Context) -> Edited:
    """A function, diag or norm is forgotten."""
    if isinstance(node, nodes.Elementwise | nodes.Softmax):
        yield f"{show(node)} to {show(node.args[-1])}", node.args[-1]
    if isinstance(node, nodes.Diag):
        ones = sp.OneMatrix(*node.vector.shape)
        yield f"{show(node)} to I", nodes.Diag(ones)
        yield f"{show(node)} to {show(node.vector)}", node.vector


def wrapped(node: Any, context: Context) -> Edited:
    """f or f' of the model around a vector that lacks it; diag around a vector."""
    if isinstance(node, nodes.Member | sp.MatrixSymbol) and axes(node).is_vector and not axes(node).is_scalar:
        for name, kind in _functions(context):
            for order in (0, 1):
                applied = nodes.Elementwise(name, kind, order, node)
                yield f"{show(node)} to {show(applied)}", applied
    is_plain = isinstance(node, nodes.Member | nodes.Elementwise | HadamardProduct)
    if is_plain and axes(node).is_vector and not axes(node).is_scalar:
        yield f"{show(node)} to {show(nodes.Diag(node))}", nodes.Diag(node)


def _functions(context: Context) -> list[tuple[str, str]]:
    """The functions that the forward equations and the sides apply."""
    formulas = [context.left, context.right, *(equation.right for equation in context.model.equations)]
    found = [node for formula in formulas for node in sp.preorder_traversal(formula)]
    return list(dict.fromkeys((n.name, n.kind) for n in found if isinstance(n, nodes.Elementwise)))


def inserted(node: Any, context: Context) -> Edited:
    """A factor that was lost: a parameter, its transpose, or diag(f') of a step in sight."""
    parts = node.args if isinstance(node, sp.MatMul) else (node,) if _is_alone(node, context) else ()
    for place in range(len(parts) + 1 if parts else 0):
        for factor in _factors(context):
            joined = matmul(*parts[:place], factor, *parts[place:])
            yield f"{show(factor)} put in, as {show(joined)}", joined


def _is_alone(node: Any, context: Context) -> bool:
    """A whole side that is one factor."""
    is_factor = not isinstance(node, sp.MatAdd | nodes.TimeSum | nodes.Scale | HadamardProduct)
    return is_factor and node in (context.left, context.right)


def _factors(context: Context) -> list[Any]:
    """Parameters, their transposes, and diag(f'(z)) for the equations f(z) at the steps that the sides write."""
    found: list[Any] = []
    for name in _names(context):
        if isinstance(name, sp.MatrixSymbol) and not axes(name).is_vector:
            found += [name, transpose(name)]
    sides = [node for side in (context.left, context.right) for node in sp.preorder_traversal(side)]
    times = dict.fromkeys(node.time for node in sides if isinstance(node, nodes.Member) and node.indices)
    for equation in context.model.equations:
        function = equation.right
        if isinstance(function, nodes.Elementwise) and equation.index is not None:
            slope = nodes.Elementwise(function.args[0], function.args[1], function.order + 1, function.argument)
            found += [nodes.Diag(substitute(slope, {equation.index: time})) for time in times]
    return list(dict.fromkeys(found))


def scaled(node: Any, context: Context) -> Edited:
    """A scalar that was taken for 1: the sum 1ᵀv of a vector in sight."""
    if isinstance(node, nodes.Member | sp.MatrixSymbol) and axes(node).is_vector and not axes(node).is_scalar:
        for vector in _vectors(context):
            total = matmul(sp.OneMatrix(1, vector.shape[0]), vector)
            yield f"{show(node)} times {show(total)}", nodes.Scale(total, node)


def _vectors(context: Context) -> list[Any]:
    """The columns that the sides write."""
    found = [node for side in (context.left, context.right) for node in sp.preorder_traversal(side)]
    names = [node for node in found if isinstance(node, nodes.Member | sp.MatrixSymbol)]
    return [node for node in dict.fromkeys(names) if axes(node).cols == () and len(axes(node).rows) == 1]


def completed(node: Any, context: Context) -> Edited:
    """A contribution of the dependency graph to ∂E/∂y is forgotten."""
    if node == context.right:
        for term, reason in missing_terms(context.left, context.model):
            yield f"the term {show(term)} is missing: {reason}", matadd(node, term)


def rearranged(node: Any, context: Context) -> Edited:
    """vec(A) vec(B)ᵀ for A ⊗ B and back: the same entries in other places."""
    if isinstance(node, nodes.Kronecker):
        first, second = node.args
        outer = matmul(nodes.Vec(first), transpose(nodes.Vec(second)))
        yield f"{show(node)} to {show(outer)}", outer
    if isinstance(node, sp.MatMul):
        for place, (first, second) in enumerate(pairwise(node.args)):
            turned = second.args[0] if isinstance(second, sp.Transpose) else None
            if isinstance(first, nodes.Vec) and isinstance(turned, nodes.Vec):
                joined = nodes.Kronecker(first.matrix, turned.matrix)
                yield (
                    f"{show(matmul(first, second))} to {show(joined)}",
                    matmul(*node.args[:place], joined, *node.args[place + 2 :]),
                )


def regrouped(node: Any, context: Context) -> Edited:
    """(A b) ⊙ c for A (b ⊙ c) and back."""
    if isinstance(node, sp.MatMul) and isinstance(node.args[-1], HadamardProduct):
        *front, last = node.args
        for place, part in enumerate(last.args):
            rest = last.args[:place] + last.args[place + 1 :]
            yield f"{show(node)} with {show(part)} alone in the product", hadamard(matmul(*front, part), *rest)
    if isinstance(node, HadamardProduct):
        for place, part in enumerate(node.args):
            rest = node.args[:place] + node.args[place + 1 :]
            if isinstance(part, sp.MatMul):
                joined = matmul(*part.args[:-1], hadamard(part.args[-1], *rest))
                yield f"{show(node)} with all of ⊙ in the product {show(part)}", joined


def slid(node: Any, context: Context) -> Edited:
    """Correlated for convolved, full for valid, the kernel for the input; a flip that is forgotten, or too much."""
    if isinstance(node, Flip):
        yield f"{show(node)} to {show(node.matrix)}", node.matrix
    if isinstance(node, Convolution):
        changed = [Convolution(kind, node.source, node.kernel) for kind in SLIDES if kind != node.kind]
        if node.kind != CONVOLVE + FULL:  # which commutes
            changed.append(Convolution(node.kind, node.kernel, node.source))
        for other in [*changed, Flip(node)]:
            yield f"{show(node)} to {show(other)}", other


OF_VARIABLES = ("index", "name")  # ∂/∂(-W) is no slip of a hand

Slip = Callable[[Any, Context], Edited]

KINDS: dict[str, Slip] = {
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
    "wrap": wrapped,
    "put in": inserted,
    "scale": scaled,
    "term": completed,
    "rearrange": rearranged,
    "regroup": regrouped,
    "convolution": slid,
}
