"""Unknown functions of several arguments: F(a, b, …), and its derivatives by a slot.

F at a point is a tensor of free entries, and so is each D^k F there, symmetric in its k places: they are drawn by a
hash of all entries of all arguments, so equal arguments give equal values and all else is independent. Over Q a
polynomial with these jets exists at any finite set of points. In the class counts F at given arguments is a generic
tensor of its own (`classes.Classes.point`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from derive.language.functions import signature
from derive.language.nodes import Application
from verify.deciders.prime_field import jets
from verify.deciders.prime_field.jets import Jet
from verify.deciders.prime_field.scope import Env, Scope, Shape, Thunk

if TYPE_CHECKING:  # the compiler calls this function, and it calls it
    from verify.deciders.prime_field.program import Compiler


def of_application(c: Compiler, expr: Application) -> Thunk:
    """F(a, b, …); inside a derivative by a slot this slot alone moves, by the ε of the scope's own level."""
    moving = c.slot if c.slot is not None and c.slot[0] == expr else None
    outer, c.slot = c.slot, None
    arguments = [c(argument) for argument in expr.arguments]
    c.slot = outer
    shapes, (rows, cols) = [c.shape(argument) for argument in expr.arguments], c.shape(expr)
    name = signature(expr)
    c.applied[name] = tuple(zip(expr.names, shapes, strict=True))
    place = None if moving is None else moving[1].number - 1

    def run(scope: Scope, env: Env) -> Jet:
        algebra = scope.run.algebra
        values = [
            _filled(scope, argument(scope, env), shape) for argument, shape in zip(arguments, shapes, strict=True)
        ]
        if place is not None:
            direction = {1 << scope.level: algebra.seed(scope.level, *shapes[place])}
            values[place] = jets.add(algebra, values[place], direction)
        memo = scope.run.memo(id(run), env)
        if "point" not in memo:
            memo["point"] = algebra.point(name, [value[0] for value in values])
        point = memo["point"]
        return jets.several(algebra, lambda blocks: algebra.application(name, point, blocks, rows, cols), values)

    return run


def _filled(scope: Scope, value: Jet, shape: Shape) -> Jet:
    """An argument, whose value is needed even where it is zero."""
    return value if 0 in value else {**value, 0: scope.run.algebra.zero(*shape)}
