"""Where a form that is not zero is false: the fragment in which the normal form is argued to be canonical.

Inputs are generic tensors of symbolic sizes, opaque functions have free values and derivatives at different
arguments, an opaque loss has free symmetric derivatives, and so has an unknown function of several arguments at each of
its arguments. Then non-isomorphic terms are linearly independent at
large sizes (the term with the most labels has a monomial of its own), atoms of one function with different
arguments are different variables, and a form without terms is the only form that vanishes at every size.

Known functions obey laws. exp (and with it tanh and σ, rational in exp) is canonical where the arguments that occur
are linearly independent over the rationals modulo constants: exponentials of such functions are algebraically
independent (Ax; the structure theorem of Risch). It is enough that each argument has a term that stands nowhere
else (in no slot order), carries all its slots, and has as many labels as any other of its terms. What else may
satisfy laws that are not applied is named, and nothing is claimed. tanh and σ themselves, their derivatives written as
polynomials, are as independent as exponentials are: each is a fraction of one exponential that is no constant. Only
must no argument stand under two of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import permutations
from typing import Any

from verify.deciders.normal_form import applications
from verify.deciders.normal_form.build_convolution import KINDS as SLIDES
from verify.deciders.normal_form.canonical import canonical_term
from verify.deciders.normal_form.functions import LawBook
from verify.deciders.normal_form.term import Form, Function, Term

_EXPONENTIAL = ("exp", "tanh", "sigmoid")


def outside(laws: LawBook, form: Form) -> str:
    """Why a non-zero form need not be false: the construct, or "" inside the fragment."""
    atoms = dict.fromkeys(_atoms(laws, form))
    for reason in (_sizes(laws, form, atoms), _opaque(laws, atoms), _functions(laws, form, atoms)):
        if reason:
            return reason
    return ""


def is_canonical(laws: LawBook, form: Form) -> bool:
    """Whether a form that is not zero is false as it stands: no law that is not applied yet can make it zero."""
    kinds: dict[Any, str] = {}
    for atom in dict.fromkeys(_atoms(laws, form)):
        if laws.store.atoms[atom].kind == "function":
            function, argument = laws.read(atom)
            if function.kind in _EXPONENTIAL and (
                function.order or kinds.setdefault(argument.key, function.kind) != function.kind
            ):
                return False
    return not outside(laws, form)


def _atoms(laws: LawBook, form: Form) -> Iterator[int]:
    """Every atom of a form and of the arguments inside it."""
    seen: set[int] = set()
    queue = [form]
    while queue:
        for term in queue.pop().terms:
            for atom, _ in term.factors:
                if atom not in seen:
                    seen.add(atom)
                    yield atom
                    queue.extend(arguments_of(laws, atom))


def arguments_of(laws: LawBook, atom: int) -> list[Form]:
    """The arguments of a function's factor, none for any other one."""
    kind = laws.store.atoms[atom].kind
    if kind == "function":
        return [laws.read(atom)[1]]
    return applications.read(laws.store, atom)[3] if kind == applications.KIND else []


def _sizes(laws: LawBook, form: Form, atoms: dict[int, None]) -> str:
    """A concrete size: identities such as Hall's hold at small sizes only."""
    forms = [form, *(argument for atom in atoms for argument in arguments_of(laws, atom))]
    for size in {size for part in forms for term in part.terms for size in term.sizes}:
        if laws.store.sizes[size].is_number:
            return f"the concrete size {laws.store.sizes[size]}"
    return ""


def _opaque(laws: LawBook, atoms: dict[int, None]) -> str:
    kinds = {laws.store.atoms[atom].kind for atom in atoms} - {"tensor", "function", "loss", applications.KIND}
    names = {"closed": "a sum or product over symbolic steps", **dict.fromkeys(SLIDES, "a law of convolution")}
    return next((names.get(kind, "steps outside the window") for kind in sorted(kinds)), "")


def _functions(laws: LawBook, form: Form, atoms: dict[int, None]) -> str:
    """Known functions whose values may obey laws that are not applied."""
    arguments: list[Form] = []
    for atom in atoms:
        if laws.store.atoms[atom].kind != "function":
            continue
        function, argument = laws.read(atom)
        if function.kind in _EXPONENTIAL:
            arguments.append(argument)
        elif function.kind == "reciprocal":
            if len(argument.terms) > 1 or not _is_monomial(argument):
                return "the reciprocal of a sum"
        elif function.kind == "relu":
            return "relu"
        elif function.kind != "opaque":
            return function.kind
    return "" if _independent(laws, arguments) else "exponentials whose arguments may depend on each other"


def _is_monomial(argument: Form) -> bool:
    ((term, _),) = argument.terms.items()
    return len(term.sizes) == len(set(term.open)) and len(term.factors) == 1


def _independent(laws: LawBook, arguments: list[Form]) -> bool:
    distinct = list({argument.key: argument for argument in arguments}.values())
    shapes = [{_closed(laws, term) for term in argument.terms} for argument in distinct]
    return all(
        _has_own_term(laws, argument, set().union(*shapes[:i], *shapes[i + 1 :])) for i, argument in enumerate(distinct)
    )


def _has_own_term(laws: LawBook, argument: Form, others: set[Term]) -> bool:
    """A term of the most labels that carries every slot, stands in no other argument, and pins the slots' order."""
    most = max((len(term.sizes) for term in argument.terms), default=0)
    own = Counter(_closed(laws, term) for term in argument.terms)
    for term in argument.terms:
        touched = {label for _, labels in term.factors for label in labels}
        largest = len(term.sizes) == most and term.factors and set(term.open) <= touched
        closed = _closed(laws, term)
        if largest and own[closed] == 1 and closed not in others and _pins_slots(laws, term):
            return True
    return False


def _pins_slots(laws: LawBook, term: Term) -> bool:
    """No other labels could be the open ones: a monomial of the term tells the indices that it belongs to."""
    if len(term.open) > 2 or len(set(term.open)) < len(term.open):
        return False
    own = canonical_term(laws.store, term)
    choices = permutations(range(len(term.sizes)), len(term.open))
    return all(canonical_term(laws.store, term._replace(open=c)) != own for c in choices if c != term.open)


def _closed(laws: LawBook, term: Term) -> Term:
    """A term with its slots forgotten, to see whether it stands in another argument in any slot order."""
    return canonical_term(laws.store, term._replace(open=(), loops=()))


def uses(laws: LawBook, form: Form) -> set[Function]:
    """The functions that occur anywhere in a form."""
    return {laws.read(atom)[0] for atom in _atoms(laws, form) if laws.store.atoms[atom].kind == "function"}
