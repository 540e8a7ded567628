"""The normal form's own differentiation: drop a factor, and put the atom's derivative in its place."""

from __future__ import annotations

from collections.abc import Callable

from verify.deciders.normal_form import applications
from verify.deciders.normal_form.algebra import add, contract
from verify.deciders.normal_form.canonical import collect
from verify.deciders.normal_form.functions import LawBook
from verify.deciders.normal_form.store import Memo
from verify.deciders.normal_form.term import Coefficient, Form, Term, identity

OfAtom = Callable[[int], Form | None]  # the derivative of an atom that is no function; None where it is 0


class Derivative:
    """d/dX of forms for one variable X, an atom: the slots of X follow the slots of the form.

    `of_tensor` says how an atom other than X and other than a function of a form moves with X.
    """

    def __init__(self, laws: LawBook, by: int, of_tensor: OfAtom) -> None:
        self.laws = laws
        self.store = laws.store
        self.by = by
        self.slots = self.store.atoms[by].slots
        self.of_tensor = of_tensor
        self.memo: Memo = {}

    def of(self, form: Form) -> Form:
        """d(A)/dX: Σ over the factors of every term, each replaced by its derivative."""
        slots = form.slots + self.slots
        parts: list[tuple[Coefficient, Form]] = [(1, Form(slots, {}))]
        for term, coefficient in form.terms.items():
            for position, (atom, _) in enumerate(term.factors):
                change = self.of_atom(atom)
                if not change.is_zero:
                    parts.append((coefficient, self._replace(term, position, change)))
        return collect(self.store, add(self.store, *parts))

    def _replace(self, term: Term, position: int, change: Form) -> Form:
        """The term with one factor's place taken by a form over the factor's slots and those of X."""
        labels = term.factors[position][1]
        new = range(len(term.sizes), len(term.sizes) + len(self.slots))
        kept = range(len(term.sizes))
        rest = term._replace(open=tuple(kept), factors=term.factors[:position] + term.factors[position + 1 :])
        base = Form(term.sizes, {rest: 1})
        return contract(self.store, [(base, kept), (change, (*labels, *new))], (*term.open, *new))

    def of_atom(self, atom: int) -> Form:
        """d(atom)/dX with the atom's slots first."""
        return self.store.recall(self.memo, atom, lambda: self._of_atom(atom))

    def _of_atom(self, atom: int) -> Form:
        if atom == self.by:
            return identity(self.slots)
        if self.store.atoms[atom].kind == "function":
            return self._of_function(atom)
        if self.store.atoms[atom].kind == applications.KIND:
            return self._of_application(atom)
        return self.of_tensor(atom) or Form(self.store.atoms[atom].slots + self.slots, {}, collected=True)

    def _of_function(self, atom: int) -> Form:
        """d f(A) = f'(A) ⊙ dA."""
        function, argument = self.laws.read(atom)
        inner = self.of(argument)
        if inner.is_zero:
            return inner
        outer = self.laws.apply(function._replace(order=function.order + 1), argument)
        own = range(len(argument.slots))
        new = range(len(own), len(own) + len(self.slots))
        return collect(self.store, contract(self.store, [(outer, own), (inner, (*own, *new))], (*own, *new)))

    def _of_application(self, atom: int) -> Form:
        """d F(a, b, …) = ∂_1F da + ∂_2F db + …."""
        slots = self.store.atoms[atom].slots
        own, new = range(len(slots)), [("by", place) for place in range(len(self.slots))]
        parts: list[tuple[Coefficient, Form]] = [(1, Form(slots + self.slots, {}))]
        for place, argument in enumerate(applications.read(self.store, atom)[3]):
            inner = self.of(argument)
            if inner.is_zero:
                continue
            outer, order = applications.derived(self.store, atom, place)
            middle = [("slot", slot) for slot in range(len(argument.slots))]
            layout = dict(zip(order, (*own, *middle), strict=True))
            operands = [(outer, [layout[slot] for slot in range(len(order))]), (inner, (*middle, *new))]
            parts.append((1, contract(self.store, operands, (*own, *new))))
        return collect(self.store, add(self.store, *parts))
