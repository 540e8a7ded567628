"""Derivatives: evaluate what is differentiated where the variable moves, take the coefficient of its ε, lay it out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import sympy as sp

from derive.language import nodes
from derive.language.derivatives import slot_of, variable_of
from derive.language.nodes import Member
from derive.language.show import show
from verify.deciders.prime_field.coefficients import arithmetic
from verify.deciders.prime_field.jets import Jet, Value
from verify.deciders.prime_field.problems import Unsupported
from verify.deciders.prime_field.scope import Env, Key, Scope, Shape, Thunk

if TYPE_CHECKING:  # the compiler calls these functions, and they call it
    from verify.deciders.prime_field.program import Compiler


def _derivative(close: Callable[[Any, Value, int, Shape, str], Value]) -> Callable[[Compiler, Any], Thunk]:
    """∂what/∂by: evaluate `what` where `by` moves, take the coefficient of its ε, lay the directions out."""

    def make(c: Compiler, expr: Any) -> Thunk:
        if slot_of(expr) is not None:
            return _by_slot(c, expr, close)
        target, order = (expr.by.matrix, expr.by.order) if isinstance(expr.by, nodes.Vec) else (expr.by, "row")
        if not isinstance(target, Member | sp.MatrixSymbol):
            raise Unsupported(f"a derivative by {show(expr.by)}, which is no symbol or member")
        what, shape, key = c(expr.what), c.shape(target), _key(target)
        c.shape(expr)
        held = _held(c, expr, target)

        def run(scope: Scope, env: Env) -> Jet:
            by = key(env)
            scope.run.check_free(by)
            inside = what(scope.perturbed(by, shape, held(env, by)), env)
            bit, algebra = 1 << scope.level, scope.run.algebra
            return {
                mask ^ bit: close(algebra, value, scope.level, shape, order)
                for mask, value in inside.items()
                if mask & bit
            }

        return run

    return make


def _by_slot(c: Compiler, expr: Any, close: Callable[[Any, Value, int, Shape, str], Value]) -> Thunk:
    """∂F/∂(slot): the application in `what` moves in one slot (see `applications`), nothing else does."""
    order = expr.by.order if isinstance(expr.by, nodes.Vec) else "row"
    outer, c.slot = c.slot, slot_of(expr)
    what, shape = c(expr.what), c.shape(variable_of(expr.by))
    c.slot = outer
    c.shape(expr)

    def run(scope: Scope, env: Env) -> Jet:
        scope.check_level()
        bit, algebra, inside = 1 << scope.level, scope.run.algebra, what(scope, env)
        return {
            mask ^ bit: close(algebra, value, scope.level, shape, order) for mask, value in inside.items() if mask & bit
        }

    return run


def _key(target: Any) -> Callable[[Env], Key]:
    name = str(target.name)
    places = [arithmetic(index) for index in getattr(target, "indices", ())]
    return lambda env: (name, tuple(place(env) for place in places))


Held = Callable[[Key], bool] | None


def _held(c: Compiler, expr: Any, target: Any) -> Callable[[Env, Key], Held]:
    """What a derivative holds fixed: nothing (total); other steps' members; all other members."""
    if expr.mode == "total":
        return lambda env, by: None
    if isinstance(target, Member) and target.indices:
        if str(getattr(expr.what, "name", "")) not in c.model.loss_by_name:
            raise Unsupported(f"{show(expr)}: the immediate derivative by a member is one of an opaque loss")
        loss = (str(expr.what.name), ())
        return lambda env, by: lambda key: key not in (by, loss)
    inner = expr.what
    while isinstance(inner, nodes.Vec | sp.Transpose | nodes.Component):
        inner = inner.args[0]
    if isinstance(inner, Member) and inner.indices:
        at = arithmetic(inner.time)
        return lambda env, by: _other_step(at(env))
    if isinstance(inner, Member | sp.MatrixSymbol) and c.model.equation_of(inner) is None:
        return lambda env, by: None
    raise Unsupported(f"{show(expr)}: the immediate derivative by a parameter is one of a member")


def _other_step(step: int) -> Callable[[Key], bool]:
    return lambda key: bool(key[1]) and key[1][-1] != step


of_jacobian = _derivative(lambda algebra, value, level, shape, order: algebra.jacobian(value, level, *shape, order))
of_gradient = _derivative(lambda algebra, value, level, shape, order: algebra.gradient(value, level, *shape))
of_family = _derivative(lambda algebra, value, level, shape, order: algebra.family(value, level, *shape))
of_block = _derivative(lambda algebra, value, level, shape, order: algebra.block(value, level, *shape))
