"""What one session remembers: numbered sizes, atoms and forms, and every result that is worth keeping."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Any, Protocol

import sympy as sp

from verify.deciders.normal_form.partial_fractions import Shifted
from verify.deciders.normal_form.term import Atom, Form, LimitReached, Limits, Monomial, Term, Unsupported

Memo = dict[Any, tuple[Form, frozenset[str]]]


class Laws(Protocol):
    """The laws of function atoms that a product must apply; `functions.LawBook` has them."""

    inverses: dict[int, tuple[int, tuple[int, ...]]]  # 1/a -> a, and which slot of 1/a each slot of a is
    squares: dict[int, Form]  # an atom whose square is the form
    idempotent: set[int]  # atoms that are their own squares
    shifted: dict[int, Shifted]  # 1/(c + d a) -> a, c and d

    def merged(self, atom: int, labels: tuple[int, ...]) -> Form:
        """The atom with equal labels made one slot."""


class Store:
    """Numbers for sizes, atoms and argument forms, so that keys stay small; shared by all claims of a session.

    `used` gathers the names of the laws that the running decision relies on; a remembered result brings the
    laws back that went into it.
    """

    laws: Laws

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.sizes: list[sp.Expr] = []
        self.size_numbers: dict[sp.Expr, int] = {}
        self.atoms: list[Atom] = []
        self.atom_numbers: dict[Atom, int] = {}
        self.forms: list[Form] = []
        self.form_numbers: dict[Hashable, int] = {}
        self.special: set[int] = set()  # atoms that `algebra.settle` must look at
        self.canonical_terms: dict[Term, Term] = {}
        self.components: dict[Any, Any] = {}
        self.applied: Memo = {}
        self.used: set[str] = set()
        self._loops: dict[int, tuple[tuple[Any, Monomial], ...]] = {}
        self._deadline = float("inf")
        self._ticks = 0

    def size(self, size: sp.Expr) -> int:
        """The number of a basic size."""
        number = self.size_numbers.get(size)
        if number is None:
            number = self.size_numbers[size] = len(self.sizes)
            self.sizes.append(size)
        return number

    def atom(self, atom: Atom) -> int:
        """The number of an atom."""
        number = self.atom_numbers.get(atom)
        if number is None:
            number = self.atom_numbers[atom] = len(self.atoms)
            self.atoms.append(atom)
            if atom.flag or atom.kind == "function":
                self.special.add(number)
        return number

    def form(self, form: Form) -> int:
        """The number of a collected form."""
        number = self.form_numbers.get(form.key)
        if number is None:
            number = self.form_numbers[form.key] = len(self.forms)
            self.forms.append(form)
        return number

    def loop(self, size: int) -> tuple[tuple[Any, Monomial], ...]:
        """A size as a polynomial in the size symbols: n_a + n_x has two monomials."""
        known = self._loops.get(size)
        if known is None:
            known = self._loops[size] = self.polynomial(self.sizes[size])
        return known

    def polynomial(self, expr: sp.Expr) -> tuple[tuple[Any, Monomial], ...]:
        """An expression in the sizes as rational multiples of monomials; 1/n is one, 1/(n + m) is not."""
        return tuple(self._monomial(part) for part in sp.Add.make_args(sp.expand(expr)))

    def _monomial(self, part: sp.Expr) -> tuple[Any, Monomial]:
        number, rest = part.as_coeff_Mul()
        powers = []
        for base, exponent in rest.as_powers_dict().items():
            if base == 1:
                continue
            if not (isinstance(base, sp.Symbol) and exponent.is_Integer):
                raise Unsupported(f"the coefficient {part}")
            powers.append((self.size(base), int(exponent)))
        if not number.is_Rational:
            raise Unsupported(f"the coefficient {part}")
        return rational(number), tuple(sorted(powers))

    def recall(self, memo: Memo, key: Hashable, make: Callable[[], Form]) -> Form:
        """A result from a memo, made on the first call; the laws behind it count as used each time."""
        entry = memo.get(key)
        if entry is None:
            outer, self.used = self.used, set()
            try:
                form = make()
                entry = memo[key] = (form, frozenset(self.used))
            finally:
                self.used = outer
        if entry[1]:
            self.used |= entry[1]
        return entry[0]

    def start(self) -> None:
        """Begin a decision: its clock and its list of laws."""
        self.used = set()
        self._deadline = time.process_time() + self.limits.seconds

    def tick(self) -> None:
        """Called in every inner loop: stops a decision that has used up its time."""
        self._ticks += 1
        if self._ticks % 64 == 0 and time.process_time() > self._deadline:
            raise LimitReached(f"seconds > {self.limits.seconds:g}")

    def check_growth(self, terms: int, factors: int = 0) -> None:
        """Stops a decision whose forms grow too large."""
        if terms > self.limits.terms:
            raise LimitReached(f"terms > {self.limits.terms}")
        if factors > self.limits.factors:
            raise LimitReached(f"factors of one form > {self.limits.factors}")


def rational(number: Any) -> Any:
    """A SymPy rational as int or Fraction."""
    from fractions import Fraction

    return int(number) if number.is_Integer else Fraction(int(number.p), int(number.q))
