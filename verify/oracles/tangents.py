"""Forward accumulation: derivatives by dual numbers a + ε b through the formulas, for any model.

The elementwise functions' hand-written derivatives are used; all else follows from (a + εb)(c + εd) = ac + ε(ad + bc).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from verify.oracles.arithmetic import Bounded, Dual, Number
from verify.oracles.derivatives import Variation, basis, gathered, no_change, variation, varied_world
from verify.oracles.letters import Env
from verify.oracles.limits import Unsupported
from verify.oracles.worlds import VariedWorld, World

if TYPE_CHECKING:
    from verify.oracles.laboratory import Laboratory


def tangent(world: World, node: Any, env: Env) -> Number:
    """The raw derivative of a node in a world, which may itself be varied (nested derivatives)."""
    change = variation(world, node, env)
    _check_nesting(world, change)
    level = world.level + 1
    seed = Dual(level, change.present, world.number(basis(change.shape, world.level)))
    found = varied_world(world, change, seed, "tangent").value(node.what, env)
    depends = isinstance(found, Dual) and found.level == level
    return gathered(found.change, change.shape) if depends else no_change(found, change.shape)


def _check_nesting(world: World, change: Variation) -> None:
    """A member that is varied already must not be computed anew on the way to another variable's effect."""
    if change.kind[0] == "slot":
        return  # nothing is computed anew
    while isinstance(world, VariedWorld):
        name, outer = world.key
        upstream = change.key != world.key and not (change.key[1] and outer and change.key[1][-1] > outer[-1])
        if outer and world.timeline.equation(name, outer) is not None and upstream:
            raise Unsupported("a derivative by a member, of a derivative by something that member is computed from")
        world = world.source


class Tangents:
    """The witness: dual numbers over values with running error bounds."""

    name = "tangents"

    def raw(self, lab: Laboratory, node: Any, env: Env) -> Bounded:
        """The raw derivative and a bound of its rounding error."""
        return lab.ruler(node, env)
