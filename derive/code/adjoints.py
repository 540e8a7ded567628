"""Backward values are linear in the δ's: their coefficients are gathered, and what one step sends to another is named.

    δ^z = σ'(z) ⊙ (h ⊙ δ^h - h̃ ⊙ δ^h)   is   (σ'(z) ⊙ (h - h̃)) ⊙ δ^h
    δ^h_t = e_t + Wᵀ δ_{t+1}             is   δ^h_t = e_t + r_{t+1}  with  r_t = Wᵀ δ_t

The coefficients do not depend on the recursion, so all steps' are computed at once; r is zero beyond the last step, and
at the first step it is what the member before the steps receives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from derive.code import values
from derive.code.values import Apply, Read, Scaled, Sum, Times, Value


@dataclass(frozen=True)
class Carried:
    """r_t: what step t sends to step t - shift, for the family that receives it."""

    name: str
    shift: int
    value: Value


def depends(value: Value, names: frozenset[str]) -> bool:
    """Whether a value reads a member of some families."""
    return not names.isdisjoint(values.names_read(value))


def gathered(value: Value, adjoints: frozenset[str]) -> Value:
    """a ⊙ v + b ⊙ v = (a + b) ⊙ v: one coefficient for each thing that depends on the δ's."""
    if not depends(value, adjoints) or isinstance(value, Read):
        return value
    made = values.rebuilt(value, lambda operand: gathered(operand, adjoints))
    return _collected(made, adjoints) if isinstance(made, Sum) else made


def _collected(value: Sum, adjoints: frozenset[str]) -> Value:
    coefficients: dict[Value, list[Value]] = {}
    for term in value.terms:
        coefficient, atom = _split(term, adjoints)
        coefficients.setdefault(atom, []).append(coefficient)
    return values.add(*(values.times(values.add(*found), atom) for atom, found in coefficients.items()))


def _split(term: Value, adjoints: frozenset[str]) -> tuple[Value, Value]:
    """c ⊙ v: the coefficient, and what depends on the δ's."""
    if isinstance(term, Scaled):
        coefficient, atom = _split(term.operand, adjoints)
        return values.scaled(term.number, coefficient), atom
    if isinstance(term, Times):
        free = [factor for factor in term.factors if not depends(factor, adjoints)]
        bound = [factor for factor in term.factors if depends(factor, adjoints)]
        if free and bound:
            return values.times(*free), values.times(*bound)
    return values.number(1), term


@dataclass(frozen=True)
class Sent:
    """What one step sends to another: the `adjoints`, and members of other steps that do not exist beyond the ends.

    `outside` are the families that have a member before the first step (-1) or behind the last (1). Any other family
    has none there, so what needs its member of another step comes from that step, and is 0 beyond the ends.
    """

    adjoints: frozenset[str]
    outside: frozenset[tuple[str, int]]

    def is_sent(self, read: Read) -> bool:
        """Whether a member says from which step a value comes."""
        return read.name in self.adjoints or (read.shift != 0 and (read.name, read.shift) not in self.outside)

    def comes(self, value: Value) -> bool:
        """Whether a value comes from some step."""
        return any(map(self.is_sent, values.reads(value)))

    def without(self, value: Value, beyond: int) -> Value:
        """A value that is linear in what is sent, where nothing is sent from t + beyond."""
        if not any(self.is_sent(read) and read.shift == beyond for read in values.reads(value)):
            return value
        if isinstance(value, Times):
            free = [one for one in value.factors if not depends(one, self.adjoints)]
            bound = [one for one in value.factors if depends(one, self.adjoints)]
            if not bound or any(
                self.is_sent(read) and read.shift == beyond for one in free for read in values.reads(one)
            ):
                return values.number(0, value.size)
        if isinstance(value, Read | Apply):
            return values.number(0, value.size)
        return values.rebuilt(value, lambda operand: self.without(operand, beyond))


def with_carried(lines: Mapping[str, Value], sent: Sent) -> tuple[dict[str, Value], tuple[Carried, ...]]:
    """The δ's, with what they receive from other steps named."""
    found: list[Carried] = []
    changed = {name: _extracted(value, sent, found) for name, value in lines.items()}
    return changed, tuple(found)


def _extracted(value: Value, sent: Sent, found: list[Carried]) -> Value:
    """The value with every largest part that another step sends replaced by a name."""
    if not sent.comes(value):
        return value
    shift = _sent_from(value, sent)
    if shift:
        return _named(value, shift, found)
    if isinstance(value, Sum | Times):
        return _extracted_parts(value, sent, found)
    return values.rebuilt(value, lambda operand: _extracted(operand, sent, found))


def _named(value: Value, shift: int, found: list[Carried]) -> Value:
    sent = values.shifted(value, -shift)
    name = next((one.name for one in found if (one.shift, one.value) == (shift, sent)), "")
    if not name:
        name = f"→{len(found)} received"
        found.append(Carried(name, shift, sent))
    return Read(value.size, name, shift)


def _extracted_parts(value: Sum | Times, sent: Sent, found: list[Carried]) -> Value:
    """What the same step sends is carried as one: terms of a sum, a factor with its coefficients."""
    if isinstance(value, Times):
        return _extracted_factors(value, sent, found)
    groups: dict[int, list[Value]] = {}
    for part in value.terms:
        groups.setdefault(_sent_from(part, sent), []).append(part)
    made = []
    for shift, parts in groups.items():
        made += [_named(values.add(*parts), shift, found)] if shift else [_extracted(one, sent, found) for one in parts]
    return values.spread(values.add(*made), value.size)


def _extracted_factors(value: Times, sent: Sent, found: list[Carried]) -> Value:
    """What the same step sends goes with its coefficients, those that read a member of that step."""
    free, bound = _parted(value, sent)
    shifts = {_sent_from(one, sent) for one in bound}
    if len(shifts) != 1 or shifts == {0}:
        return values.spread(values.times(*(_extracted(one, sent, found) for one in (*free, *bound))), value.size)
    shift = shifts.pop()
    own = [one for one in free if _is_of(one, shift, sent)]
    rest = [one for one in free if one not in own]
    return values.spread(values.times(*rest, _named(values.times(*own, *bound), shift, found)), value.size)


def _parted(value: Times, sent: Sent) -> tuple[list[Value], list[Value]]:
    """The coefficients of a product, and what is sent: what depends on the δ's, else what another step has alone."""
    bound = [one for one in value.factors if depends(one, sent.adjoints)] or [f for f in value.factors if sent.comes(f)]
    return [one for one in value.factors if one not in bound], bound


def _is_of(coefficient: Value, shift: int, sent: Sent) -> bool:
    """Whether a coefficient is known at the step that sends, and not, or not only, at this one."""
    return sent.comes(coefficient) or any(read.shift == shift for read in values.reads(coefficient))


def _sent_from(value: Value, sent: Sent) -> int:
    """How many steps away the step is that sends a whole value; 0 where none does."""
    if not sent.comes(value):
        return 0
    if isinstance(value, Read):
        return value.shift
    if isinstance(value, Times):
        free, bound = _parted(value, sent)
        shifts = {_sent_from(one, sent) for one in bound}
        if len(shifts) > 1:
            return 0
        shift = shifts.pop()
        return shift if all(not values.reads(one) or _is_of(one, shift, sent) for one in free) else 0
    if isinstance(value, Sum):
        shifts = {_sent_from(term, sent) for term in value.terms if sent.comes(term) or values.reads(term)}
        return shifts.pop() if len(shifts) == 1 else 0
    shifts = {_sent_from(operand, sent) for operand in value.operands}
    return shifts.pop() if len(shifts) == 1 else 0
