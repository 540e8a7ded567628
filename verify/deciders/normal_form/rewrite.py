"""Replace atoms inside a form, down into the arguments of functions, and normalise again."""

from __future__ import annotations

from collections.abc import Callable

from verify.deciders.normal_form import applications
from verify.deciders.normal_form.algebra import add, contract
from verify.deciders.normal_form.canonical import collect
from verify.deciders.normal_form.functions import LawBook
from verify.deciders.normal_form.store import Memo
from verify.deciders.normal_form.term import Coefficient, Form, Function, Term, of_atom

Leaf = Callable[[int], Form | None]
OfFunction = Callable[[Function, Form], Form]


class Rewriting:
    """A substitution of forms for atoms: `leaf` for tensors (None: keep), `function` for f⁽ᵏ⁾ of a rewritten form."""

    def __init__(self, laws: LawBook, leaf: Leaf | None = None, function: OfFunction | None = None) -> None:
        self.laws = laws
        self.store = laws.store
        self.leaf = leaf
        self.function = function or laws.apply
        self.memo: Memo = {}

    def of(self, form: Form) -> Form:
        """The rewritten form, collected."""
        kept: dict[Term, Coefficient] = {}
        parts: list[tuple[Coefficient, Form]] = [(1, Form(form.slots, kept))]
        for term, coefficient in form.terms.items():
            changed = [
                (i, image) for i, (atom, _) in enumerate(term.factors) if (image := self.image(atom)) is not None
            ]
            if changed:
                parts.append((coefficient, self._replace(term, changed)))
            else:
                kept[term] = coefficient
        return form if len(parts) == 1 else collect(self.store, add(self.store, *parts))

    def _replace(self, term: Term, changed: list[tuple[int, Form]]) -> Form:
        places = {position for position, _ in changed}
        rest = tuple(factor for position, factor in enumerate(term.factors) if position not in places)
        kept = tuple(range(len(term.sizes)))
        base = Form(term.sizes, {Term(term.loops, term.sizes, kept, rest): 1})
        images = [(image, term.factors[position][1]) for position, image in changed]
        return contract(self.store, [(base, kept), *images], term.open)

    def image(self, atom: int) -> Form | None:
        """What stands for an atom, None where it stays."""
        found = self.store.recall(self.memo, atom, lambda: self._image(atom))
        return None if found.is_atom(atom) else found

    def _image(self, atom: int) -> Form:
        kept = of_atom(atom, self.store.atoms[atom].slots)
        if self.store.atoms[atom].kind == "function":
            function, argument = self.laws.read(atom)
            changed = self.of(argument)
            if changed is argument and self.function == self.laws.apply:
                return kept
            return self.function(function, changed)
        if self.store.atoms[atom].kind == applications.KIND:
            name, own, by, arguments = applications.read(self.store, atom)
            return applications.applied(self.store, name, own, [self.of(argument) for argument in arguments], by)
        return (self.leaf(atom) if self.leaf else None) or kept
