"""The complex step: ∂f/∂x = Im f(x + ih) / h, without subtraction, for any model (Squire & Trapp 1998).

The step is 2^-400: its square vanishes against every value, so the quotient is exact up to rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from verify.oracles.arithmetic import Bounded, Number
from verify.oracles.derivatives import basis, gathered, no_change, variation, varied_world
from verify.oracles.laboratory import Laboratory
from verify.oracles.letters import Env
from verify.oracles.worlds import World

STEP = 2.0**-400


class ComplexStep:
    """The witness: one complex run for all entries of a variable; derivatives inside are taken by dual numbers."""

    name = "complex step"

    def raw(self, lab: Laboratory, node: Any, env: Env) -> Bounded:
        """The raw derivative with the forward route's error bound."""
        return lab.ruled(quotient(lab.plain, node, env), node, env)


def quotient(world: World, node: Any, env: Env) -> Number:
    """Im f(x + ih) / h for every unit direction."""
    change = variation(world, node, env)
    stepped = change.present + 1j * STEP * basis(change.shape, world.level)
    found = varied_world(world, change, stepped, "complex step").value(node.what, env)
    if not np.iscomplexobj(found):
        return no_change(found, change.shape)
    return gathered(found.imag / STEP, change.shape)
