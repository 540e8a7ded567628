"""Central differences with Richardson's extrapolation and an error estimate, for any model.

    c(h) = (f(x + h) - f(x - h)) / 2h        R(h) = (4 c(h) - c(2h)) / 3 = f' + O(h⁴)

No derivative formula is used anywhere. The truncation error of R(h) is about |R(2h) - R(h)| / 15; the estimate
leaves out the 15. Rounding adds the errors of f and of x ± h over h.
Where a shift passes the kink of a relu or leaky relu, or the estimate is no small part of the derivative (the step is
too long for a formula that changes so fast), nothing is claimed: the entry's bound is infinite.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from derive.language.functions import KINKED
from verify.instances import Key
from verify.oracles.arithmetic import UNIT, Array, Bounded, Function, bounded
from verify.oracles.derivatives import basis, gathered, no_change, variation, varied_world
from verify.oracles.draws import Drawn
from verify.oracles.laboratory import Laboratory
from verify.oracles.letters import Env

STEP = 2.0**-10
COARSE, NEGLIGIBLE = 1e6, 1e-9
SHIFTS = np.array([1, -1, 2, -2, 4, -4]) * STEP
SHIFTED_RANK = 6  # directions, instances, two back axes, rows, columns


class Differences:
    """The witness: six shifted runs for every entry of a variable, all at once."""

    name = "differences"

    def raw(self, lab: Laboratory, node: Any, env: Env) -> Bounded:
        """The raw derivative and its error: truncation by estimate, rounding by bound."""
        change = variation(lab.plain, node, env)
        units = basis(change.shape, 0)
        shifted = change.present + np.concatenate([shift * units for shift in SHIFTS])
        world = varied_world(lab.plain, change, shifted, "differences")
        world.draws = Guarded(lab.draws)
        found = np.asarray(world.value(node.what, env))
        if found.ndim < units.ndim:
            return bounded(no_change(found, change.shape))
        value, truncation = extrapolated(found.reshape(len(SHIFTS), len(units), *found.shape[1:]))
        here = bounded(lab.bounded.value(node.what, env)).error
        rounding = 0.0 if here is None else 3 * here / STEP
        derivative = gathered(value, change.shape)
        error = gathered(truncation + rounding, change.shape) + 3 * np.abs(derivative) * misplaced(change.present)
        unknown = np.isnan(derivative) | is_coarse(gathered(truncation, change.shape), derivative)
        return Bounded(np.where(unknown, 0.0, derivative), np.abs(derivative) + error, np.where(unknown, np.inf, error))


def is_coarse(truncation: Array, derivative: Array) -> Array:
    """Where the estimated truncation is no small part of the entry, and not negligible beside an instance's largest."""
    size = np.abs(derivative)
    largest = np.nanmax(size, axis=(-4, -3, -2, -1), keepdims=True, initial=0.0)
    return (truncation * COARSE > size) & (truncation > NEGLIGIBLE * largest)


@dataclass(frozen=True)
class Guarded:
    """Draws whose relu, leaky or not, gives NaN where the shifts pass its kink: there a difference is no derivative."""

    draws: Drawn

    def function(self, name: str, kind: str) -> Function:
        """The function as drawn, relu guarded."""
        function = self.draws.function(name, kind)
        return GuardedRelu(function) if kind in KINKED else function

    def tensor(self, key: Key, rows: int, cols: int) -> Array:
        """As drawn."""
        return self.draws.tensor(key, rows, cols)


@dataclass(frozen=True)
class GuardedRelu:
    """relu with NaN where z has different signs along the six shifts, or has itself passed a kink before.

    relu(NaN) is 0, a comparison with NaN being false: behind another relu the NaN must be kept by hand.
    """

    relu: Function

    def value(self, order: int, z: Array) -> Array:
        """relu and its derivatives away from the kink."""
        found = self.relu.value(order, z)
        if z.ndim < SHIFTED_RANK:
            return found
        along = z.reshape(len(SHIFTS), -1, *z.shape[1:])
        signs = along > 0
        passed = ((signs != signs[0]) | np.isnan(along)).any(axis=0)
        return np.where(np.concatenate([passed] * len(SHIFTS)), np.nan, found)

    def size(self, order: int, z: Array) -> Array:
        """As relu's."""
        return self.relu.size(order, z)


def misplaced(x: Array) -> Array:
    """How far, as a part of h, the rounded x ± h lies from where it should: u (|x| + 4h) / h, as a raw derivative."""
    return UNIT * (np.abs(x[..., 0, 0, :, :])[..., None, None, :, :] / STEP + 4)


def extrapolated(values: Array) -> tuple[Array, Array]:
    """R(h) and |R(2h) - R(h)| from the values at ±h, ±2h, ±4h along the first axis."""
    once, twice, four = ((values[i] - values[i + 1]) / (2 * SHIFTS[i]) for i in (0, 2, 4))
    fine, coarse = (4 * once - twice) / 3, (4 * twice - four) / 3
    return fine, np.abs(coarse - fine)
