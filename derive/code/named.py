"""Values written with the names that they have: what equals a family's formula at a step is that family at that step.

The equation of a family holds at the steps 1 … T alone. So a value may be named by a member of another step only where
what that step sends multiplies it, which is 0 beyond the ends.
"""

from __future__ import annotations

from collections.abc import Mapping

from derive.code import values
from derive.code.adjoints import depends
from derive.code.values import Read, Times, Value

HERE = frozenset({0})


class Names:
    """The families by their formulas, moved so that the first member read is at step t."""

    def __init__(self, definitions: Mapping[str, Value]) -> None:
        self.found: dict[Value, tuple[str, int]] = {}
        for name, value in definitions.items():
            if not isinstance(value, Read) and values.reads(value):
                shift = _first_shift(value)
                self.found.setdefault(values.shifted(value, -shift), (name, shift))

    def named(self, value: Value, shifts: frozenset[int] = HERE) -> Value:
        """The value, with the largest parts that are families at t + one of `shifts` replaced."""
        if values.reads(value) and not isinstance(value, Read):
            first = _first_shift(value)
            hit = self.found.get(values.shifted(value, -first))
            if hit is not None and first - hit[1] in shifts:
                return Read(value.size, hit[0], first - hit[1])
        return values.rebuilt(value, lambda operand: self.named(operand, shifts))

    def named_as_sent(self, value: Value, adjoints: frozenset[str]) -> Value:
        """A value that is linear in the adjoints: what multiplies one of another step may be named by that step."""
        if not depends(value, adjoints):
            return self.named(value)
        if isinstance(value, Times):
            shifts = {read.shift for read in values.reads(value) if read.name in adjoints}
            allowed = HERE | shifts if len(shifts) == 1 else HERE
            factors = [
                self.named_as_sent(one, adjoints) if depends(one, adjoints) else self.named(one, allowed)
                for one in value.factors
            ]
            return values.spread(values.times(*factors), value.size)
        return values.rebuilt(value, lambda operand: self.named_as_sent(operand, adjoints))


def _first_shift(value: Value) -> int:
    return next(part.shift for part in values.parts(value) if isinstance(part, Read))
