"""Terms and forms: sums of rational multiples of factors joined by hyper-edges.

A label stands for one index; wherever it occurs, the index has one value. A label that is open shows in the
result, every other label is summed. δ, Identity, Diag and ⊙ are therefore no factors: they make labels equal.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

Coefficient = int | Fraction
Factor = tuple[int, tuple[int, ...]]  # an atom's number and the label in each of its slots
Monomial = tuple[tuple[int, int], ...]  # (number of a size symbol, exponent), sorted; exponents may be negative
Permutation = tuple[int, ...]


@dataclass(frozen=True)
class Limits:
    """How far a form may grow.

    `terms` and `factors` of one form (all its terms together), `seconds` of a decision, `slots` of a function's
    argument. A sum to a power doubles its terms with each factor; the count stops it alike on every machine, long
    before the clock does.
    """

    terms: int = 20_000
    factors: int = 12_000
    seconds: float = 10.0
    slots: int = 5


class Unsupported(Exception):
    """A construct that the normal form does not decide; the message names it."""


class LimitReached(Exception):
    """A limit was hit; the message names it."""


class Function(NamedTuple):
    """f⁽ᵏ⁾: its name (the kind's, where the kind is known), its kind and the order k."""

    name: str
    kind: str
    order: int


@dataclass(frozen=True)
class Atom:
    """What a factor stands for: `kind` and `data` identify it, `slots` are the sizes of its slots.

    `group` holds the slot permutations, the identity left out, under which it does not change; `flag` names a
    law of its own (`sum_one`).
    """

    kind: str  # tensor, function, application, slide, flip, loss, future, history, past, closed
    data: tuple[Hashable, ...]
    slots: tuple[int, ...]
    group: tuple[Permutation, ...] = ()
    flag: str = ""


class Term(NamedTuple):
    """A product of factors over labels 0 … len(sizes) - 1; `open` has the label of each slot of the form."""

    loops: Monomial
    sizes: tuple[int, ...]
    open: tuple[int, ...]
    factors: tuple[Factor, ...]


@dataclass(frozen=True, eq=False)
class Form:
    """A sum of terms over the same open slots. Forms are compared by `key`, once they are collected."""

    slots: tuple[int, ...]
    terms: dict[Term, Coefficient]
    collected: bool = False

    @property
    def key(self) -> tuple[object, ...]:
        """The identity of a collected form."""
        return self.slots, tuple(sorted(self.terms.items()))

    def is_atom(self, number: int) -> bool:
        """The form is this one atom with its slots in order."""
        if len(self.terms) != 1:
            return False
        ((term, coefficient),) = self.terms.items()
        slots = tuple(range(len(self.slots)))
        return coefficient == 1 and term == Term((), self.slots, slots, ((number, slots),))

    @property
    def is_zero(self) -> bool:
        """No term is left."""
        return not self.terms


def constant(slots: tuple[int, ...], value: Coefficient = 1, loops: Monomial = ()) -> Form:
    """The tensor with one value everywhere."""
    if value == 0:
        return Form(slots, {}, collected=True)
    labels = tuple(range(len(slots)))
    return Form(slots, {Term(loops, slots, labels, ()): value}, collected=True)


def identity(slots: tuple[int, ...]) -> Form:
    """δ between each of `slots` and its copy: open slots (slots, slots)."""
    labels = tuple(range(len(slots)))
    return Form(slots * 2, {Term((), slots, labels * 2, ()): 1}, collected=True)


def of_atom(number: int, slots: tuple[int, ...]) -> Form:
    """One atom with its slots open."""
    labels = tuple(range(len(slots)))
    return Form(slots, {Term((), slots, labels, ((number, labels),)): 1})


def times_monomial(first: Monomial, second: Monomial) -> Monomial:
    """The product of two monomials in the sizes."""
    if not first or not second:
        return first or second
    powers = dict(first)
    for size, exponent in second:
        powers[size] = powers.get(size, 0) + exponent
    return tuple(sorted((size, exponent) for size, exponent in powers.items() if exponent))
