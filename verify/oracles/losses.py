"""An opaque loss made concrete: E = Σ (c ⊙ s + q ⊙ s ⊙ s) + h(Σ r ⊙ s) over all its members s.

c, q, r are drawn for every member, h is a smooth function: E couples all members at all steps, is no polynomial,
and no first or second derivative vanishes identically.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from derive.language.functions import OPAQUE
from derive.model import Loss
from verify.instances import Key
from verify.oracles.arithmetic import Number, apply, total, value_of


def members_of(loss: Loss, steps: Any) -> Iterator[Key]:
    """The members a loss depends on directly; `steps(name)` gives the range of steps at which a family is produced."""
    for name, when in loss.parts:
        produced = steps(name)
        yield from ((name, (k,)) for k in (produced[-1:] if when == "last" else produced))


def value(name: str, draws: Any, members: dict[Key, Number]) -> Number:
    """E at the members' values."""
    inner: Number = 0
    outer: Number = 0
    for key, s in members.items():
        c, q, r = coefficients(name, draws, key, s)
        inner = inner + total(r * s, -2, -1)
        outer = outer + total(c * s + q * (s * s), -2, -1)
    return outer + apply(draws.function(f"h of {name}", OPAQUE), 0, inner)


def cotangent(name: str, draws: Any, members: dict[Key, Number], key: Key) -> Number:
    """∂E/∂s = c + 2 q ⊙ s + r h'(Σ r ⊙ s), s the member at `key`, all other members held."""
    inner = sum(total(coefficients(name, draws, k, s)[2] * s, -2, -1) for k, s in members.items())
    c, q, r = coefficients(name, draws, key, members[key])
    return c + 2 * (q * members[key]) + r * apply(draws.function(f"h of {name}", OPAQUE), 1, inner)


def coefficients(name: str, draws: Any, key: Key, member: Number) -> Any:
    """c, q, r of one member, in its shape."""
    rows, cols = value_of(member).shape[-2:]
    family, indices = key
    return tuple(draws.tensor((f"{part} of {name} by {family}", indices), rows, cols) for part in "cqr")
