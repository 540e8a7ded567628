"""Slips that hands make in code and not on paper: f' from the wrong value, one step instead of all, z for 1 - z.

Each is a function of a node like those of `verify.slips`, and joins them where code is judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardProduct

from derive.language import nodes
from derive.language.build import hadamard, matadd, matmul, negate, ones, transpose
from derive.language.shapes import axes
from derive.language.show import show
from verify.slips import KINDS, Context, Edited, Slip


def slope(node: Any, context: Context) -> Edited:
    """1 - s for 1 - s², s² for it, the slope at s or of another function: f' computed from the value s = f(z).

    Also from the value of the step before or after, which of the first step is s_0: `1 - s[k-1]²`.
    """
    if not isinstance(node, nodes.Elementwise) or node.order != 1:
        return
    one, z = ones(*node.shape), node.argument
    value = _value(node, context)
    square, rest = hadamard(value, value), matadd(one, negate(value))
    wrong = [
        nodes.Elementwise(node.args[0], node.args[1], 1, value),
        value,
        rest,
        square,
        matadd(one, square),
        matadd(one, negate(hadamard(z, z))),
        hadamard(z, matadd(one, negate(z))),
        hadamard(rest, rest),
    ]
    if node.kind != "tanh":
        wrong.append(matadd(one, negate(square)))
    if node.kind != "sigmoid":
        wrong.append(hadamard(value, rest))
    if isinstance(value, nodes.Member) and node.kind in ("tanh", "sigmoid"):
        wrong += [_from_value(node.kind, value.at(value.time + step)) for step in (-1, 1)]
    for changed in wrong:
        yield f"{show(node)} to {show(changed)}", changed


def _from_value(kind: str, value: Any) -> Any:
    """f' = 1 - s² of tanh, s (1 - s) of the sigmoid, as code computes it from some s."""
    one = ones(*value.shape)
    if kind == "tanh":
        return matadd(one, negate(hadamard(value, value)))
    return hadamard(value, matadd(one, negate(value)))


def _value(node: nodes.Elementwise, context: Context) -> Any:
    """f(z), by the name that the model gives it."""
    value = nodes.Elementwise(node.args[0], node.args[1], 0, node.argument)
    if not isinstance(node.argument, nodes.Member):
        return value
    for equation in context.model.equations:
        right = equation.right
        if isinstance(right, nodes.Elementwise) and right.args[:3] == value.args[:3] and equation.index is not None:
            inner = right.argument
            if isinstance(inner, nodes.Member) and inner.name == node.argument.name:
                return equation.left.at(node.argument.time - (inner.time - equation.index))
    return value


def complement(node: Any, context: Context) -> Edited:
    """z for 1 - z and 1 - z for z."""
    if isinstance(node, sp.MatAdd) and len(node.args) == 2 and isinstance(node.args[0], sp.OneMatrix):
        rest = node.args[1]
        if isinstance(rest, sp.MatMul) and rest.args[0] == -1:
            yield f"{show(node)} to {show(matmul(*rest.args[1:]))}", matmul(*rest.args[1:])
    if isinstance(node, nodes.Member) and node.indices and axes(node).is_vector and not axes(node).is_scalar:
        other = matadd(ones(*node.shape), negate(node))
        yield f"{show(node)} to {show(other)}", other


def one_step(node: Any, context: Context) -> Edited:
    """Only the last step of a sum, or only the first; the sum divided by the number of steps."""
    if isinstance(node, nodes.TimeSum):
        for at, word in ((node.hi, "last"), (node.lo, "first")):
            yield f"only the {word} step summed", nodes.TimeSum(node.body, node.index, at, at)
        count = node.hi - node.lo + 1
        yield f"{show(node)} averaged over the steps", matmul(1 / count, node)


def fixed_step(node: Any, context: Context) -> Edited:
    """A value of the first or the last step, or of two steps away, at every step."""
    if not isinstance(node, nodes.Member) or not node.indices:
        return
    model = context.model
    for time in (sp.Integer(model.time.first) - 1, model.time.last, node.time - 2, node.time + 2):
        if time != node.time:
            moved = node.at(*node.indices[:-1], time)
            yield f"{show(node)} to {show(moved)}", moved


def factor_left_out(node: Any, context: Context) -> Edited:
    """One factor of ⊙ taken for 1, or squared."""
    if isinstance(node, HadamardProduct):
        for part in dict.fromkeys(node.args):
            yield f"{show(part)} twice", hadamard(*node.args, part)


def turned_product(node: Any, context: Context) -> Edited:
    """y xᵀ for x yᵀ: the outer product the other way round."""
    if isinstance(node, sp.MatMul) and isinstance(node.args[-1], sp.Transpose):
        yield f"{show(node)} to its transpose", matmul(node.args[-1].args[0], *map(transpose, reversed(node.args[:-1])))


OF_CODE: dict[str, Slip] = {
    "slope": slope,
    "complement": complement,
    "one step": one_step,
    "fixed step": fixed_step,
    "power": factor_left_out,
    "outer": turned_product,
}

# what a hand slips on most in code comes first; what only texts have (layouts, ∂ of families) is left out
ORDER = (
    "transpose", "drop", "index", "one step", "bounds", "slope", "sign", "derivative order", "swap", "unwrap",
    "complement", "factor 2", "name", "outer", "power", "entrywise", "regroup", "fixed step", "repeat",
    "put in", "wrap",
)  # fmt: skip


def kinds() -> Iterator[tuple[str, Slip]]:
    """All slips for code, the frequent ones first."""
    known = KINDS | OF_CODE
    for name in ORDER:
        yield name, known[name]
