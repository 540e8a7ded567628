"""What makes a model ill-formed: each check names the equation and the reason."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import sympy as sp

from derive.errors import ModelError, ShapeError
from derive.language.nodes import Softmax
from derive.language.shapes import axes
from derive.language.show import show, show_name
from derive.language.substitute import free_letters
from derive.model import Equation, Model


def check(model: Model) -> None:
    """Raises `ModelError` or `ShapeError` for the first thing that is wrong with a model."""
    seen: set[str] = set()
    for equation in model.equations:
        if equation.name in seen:
            raise ModelError(f"two equations define {show_name(equation.name)}")
        seen.add(equation.name)
        _check_equation(equation)
        _check_letters(model, equation)
    _check_order(model)
    _check_directions(model)
    for loss in model.losses:
        for family, _ in loss.parts:
            if family not in model.by_name and family not in model.reads:
                raise ModelError(f"the loss {loss.symbol} depends on {show_name(family)}, which no equation has")


def check_states(model: Model) -> None:
    """A family that is read at other steps only, and that no equation produces, is a state whose equation is missing.

    Raises `ModelError`. (An input is read at the step itself; one that is delayed has an equation: v_t = x_t.)
    """
    lags: dict[str, list[tuple[Equation, Any]]] = {}
    for equation in model.equations:
        for member in equation.members if equation.index is not None else ():
            lags.setdefault(member.name, []).append((equation, member))
    for name, reads in lags.items():
        if name not in model.by_name and all(member.time != equation.index for equation, member in reads):
            equation, member = reads[0]
            missing = member.at(*member.indices[:-1], equation.index)
            raise ModelError(
                f"no equation produces the state {show_name(name)}: {show(equation.left)} = {show(equation.right)} "
                f"reads {show(member)}, and nothing says what {show(missing)} is"
            )


@lru_cache(maxsize=1 << 12)
def _check_equation(equation: Equation) -> None:
    """What one equation says by itself; proofs make many models of the same equations."""
    _check_shapes(equation)
    _check_steps(equation)


def _check_shapes(equation: Equation) -> None:
    for node in sp.preorder_traversal(equation.right):
        if isinstance(node, Softmax) and not axes(node.argument).is_vector:
            raise ShapeError(
                f"the equation of {show(equation.left)} has a softmax of the matrix {show(node.argument)}, which is "
                f"{axes(node.argument)}: of rows or of columns? write it of one column"
            )
    left, right = axes(equation.left), axes(equation.right)
    if left != right:
        hint = f"did you mean ({show(equation.right)})ᵀ?" if left == right.transposed else ""
        raise ShapeError(f"{show(equation.left)} is {left}, but {show(equation.right)} is {right}", hint)


def _check_letters(model: Model, equation: Equation) -> None:
    times = {letter for member in equation.members for letter in free_letters(sp.Tuple(*member.indices))}
    known = {equation.index} | model.time.last.free_symbols
    bound = {node.index for node in sp.preorder_traversal(equation.right) if hasattr(node, "lo")}
    for letter in times - known - bound:
        raise ModelError(f"the equation of {show(equation.left)} uses the step {letter}, which nothing binds")


def _check_steps(equation: Equation) -> None:
    """A step is a letter plus a number, forwards or backwards: s_{t-1}, x_{T-t}, not s_{2t}."""
    for member in equation.members:
        for letter in member.time.free_symbols:
            if member.time.as_coefficients_dict()[letter] not in (1, -1):
                raise ModelError(
                    f"the equation of {show(equation.left)} reads {show(member)}: a step is a letter plus a number"
                )


def _check_order(model: Model) -> None:
    """No member needs itself within one step."""
    same_step = {
        equation.name: {m.name for m in equation.members if equation.index is not None and m.time == equation.index}
        for equation in model.equations
        if not model.is_definition(equation)
    }
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            circle = " → ".join(show_name(part) for part in (*path[path.index(name) :], name))
            raise ModelError(f"a step needs itself: {circle}")
        if name not in done:
            for needed in sorted(same_step.get(name, ())):
                visit(needed, (*path, name))
            done.add(name)

    for name in same_step:
        visit(name, ())


def _check_directions(model: Model) -> None:
    """Equations go forwards in time or backwards: no step waits for a later one that waits for it.

    Every circle of equations moves in time by the sum of its lags. All circles that hang together must move the same
    way; one that moves forwards (or not at all) and one that moves backwards (or not at all) cannot both be computed.
    """
    edges = list(_lags(model))
    for group in _circles(edges):
        inside = [edge for edge in edges if edge[0] in group and edge[1] in group]
        if all(_has_circle(group, inside, sign) for sign in (1, -1)):
            names = ", ".join(show_name(name) for name in sorted(group))
            raise ModelError(
                f"no order of steps computes {names}: an earlier step waits for a later one that waits for it"
            )


def _lags(model: Model) -> Iterator[tuple[str, str, int]]:
    """(reader, family read, how many steps later) for every produced family that an equation reads."""
    for equation in model.equations:
        for member in equation.members if equation.index is not None else ():
            lag = member.time - equation.index
            if member.name in model.by_name and lag.is_Integer and not model.is_definition(equation):
                yield equation.name, member.name, int(lag)


def _circles(edges: list[tuple[str, str, int]]) -> list[set[str]]:
    """The groups of families that all read each other, through others or at once."""
    after: dict[str, set[str]] = {}
    for reader, read, _ in edges:
        after.setdefault(reader, set()).add(read)
    reach = {name: _reach(name, after) for name in after}
    groups = [{other for other in reach[name] if name in reach.get(other, ())} for name in after if name in reach[name]]
    return [group for place, group in enumerate(groups) if group not in groups[:place]]


def _reach(name: str, after: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for other in after.get(waiting.pop(), set()) - found:
            found.add(other)
            waiting.append(other)
    return found


def _has_circle(group: set[str], edges: list[tuple[str, str, int]], sign: int) -> bool:
    """Whether a circle moves by sign · (its lags) ≥ 0: longest paths (Bellman and Ford) then grow without end."""
    longest = dict.fromkeys(group, 0)
    weight = len(group) + 1  # a circle has at most len(group) edges: lag · weight + 1 sums to > 0 exactly if lags ≥ 0
    for _ in range(len(group) + 1):
        grown = {
            read: longest[reader] + sign * lag * weight + 1
            for reader, read, lag in sorted(edges, key=lambda edge: longest[edge[0]] + sign * edge[2] * weight)
            if longest[reader] + sign * lag * weight + 1 > longest[read]
        }
        if not grown:
            return False
        longest |= grown
    return True
