"""a · 1/(c + d a) = (1 - c/(c + d a))/d: a product of an atom with the reciprocal of itself and a number.

So 1/(1 - σ) · σ = 1/(1 - σ) - 1 also under a sum, where no denominator can be cleared.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from verify.deciders.normal_form.term import Coefficient, Factor, Form, constant, of_atom


class Shifted(NamedTuple):
    """What a reciprocal 1/(c + d a) is of: the atom a, and which slot of the reciprocal each slot of a is."""

    atom: int
    slots: tuple[int, ...]
    c: Coefficient
    d: Coefficient


def shifted(argument: Form) -> Shifted | None:
    """c + d a over the slots of the argument, None for any other argument of a reciprocal."""
    if len(argument.terms) != 2:
        return None
    numbers = [(term, value) for term, value in argument.terms.items() if not term.factors]
    others = [(term, value) for term, value in argument.terms.items() if len(term.factors) == 1]
    if len(numbers) != 1 or len(others) != 1:
        return None
    (one, c), (term, d) = numbers[0], others[0]
    count = len(argument.slots)
    is_plain = all(not t.loops and len(t.sizes) == len(set(t.open)) == count for t in (one, term))
    ((atom, labels),) = term.factors
    if not is_plain or len(labels) != count or len(set(labels)) != count:
        return None
    return Shifted(atom, tuple(term.open.index(label) for label in labels), c, d)


def base_of(found: Shifted, labels: tuple[int, ...]) -> Factor:
    """The factor a that stands beside a 1/(c + d a) with these labels."""
    return found.atom, tuple(labels[slot] for slot in found.slots)


def image(found: Shifted, reciprocal: int, slots: tuple[int, ...]) -> Form:
    """(1 - c/(c + d a))/d over the reciprocal's slots."""
    (one,), (once,) = constant(slots).terms, of_atom(reciprocal, slots).terms
    return Form(slots, {one: Fraction(1) / found.d, once: -Fraction(found.c) / found.d})
