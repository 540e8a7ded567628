"""Sums and products of forms. One operation does it all: `contract` multiplies and merges labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import product
from math import prod

from verify.deciders.normal_form.canonical import collect
from verify.deciders.normal_form.partial_fractions import base_of
from verify.deciders.normal_form.partial_fractions import image as of_reciprocal
from verify.deciders.normal_form.store import Store
from verify.deciders.normal_form.term import Coefficient, Factor, Form, Monomial, Term, times_monomial

Index = Hashable
Operand = tuple[Form, Sequence[Index]]
_AT_ONCE = 64  # products with more terms than this collect like terms on the way


def add(store: Store, *parts: tuple[Coefficient, Form]) -> Form:
    """Σ c A of forms with the same slots."""
    terms: dict[Term, Coefficient] = {}
    for factor, form in parts:
        for term, coefficient in form.terms.items():
            terms[term] = terms.get(term, 0) + factor * coefficient
    store.check_growth(len(terms))
    return Form(parts[0][1].slots, {term: total for term, total in terms.items() if total})


def scale(form: Form, factor: Coefficient) -> Form:
    """c A."""
    if factor == 1:
        return form
    terms = {term: factor * coefficient for term, coefficient in form.terms.items()} if factor else {}
    return Form(form.slots, terms, form.collected)


def contract(
    store: Store, operands: Sequence[Operand], output: Sequence[Index], sizes: Mapping[Index, int] | None = None
) -> Form:
    """The product of the operands with their slots named by indices; an index that is not in `output` is summed.

    An index may occur any number of times on either side (a hyper-edge). `sizes` has the sizes of output indices
    that no operand names: the result does not depend on them.
    """
    if prod(len(form.terms) for form, _ in operands) > _AT_ONCE and len(operands) > 2:
        operands = _fold(store, operands, output)
    slots = _output_slots(operands, output, sizes or {})
    terms: dict[Term, Coefficient] = {}
    factors = 0
    layouts = [layout for _, layout in operands]
    for choice in product(*(form.terms.items() for form, _ in operands)):
        store.tick()
        joined = _join([term for term, _ in choice], layouts, output, slots)
        coefficient: Coefficient = prod(part for _, part in choice)
        for term, value in settle(store, coefficient, *joined):
            known = terms.get(term)
            if known is None:
                terms[term] = value
                factors += len(term.factors)
            elif known + value:
                terms[term] = known + value
            else:
                del terms[term]
                factors -= len(term.factors)
        store.check_growth(len(terms), factors)
    form = Form(slots, terms)
    return collect(store, form) if len(terms) > 8 else form


def _fold(store: Store, operands: Sequence[Operand], output: Sequence[Index]) -> Sequence[Operand]:
    """All operands but the last as one, like terms collected."""
    first, second, *rest = operands
    while rest:
        later = set(output).union(*(layout for _, layout in rest))
        kept = [index for index in dict.fromkeys((*first[1], *second[1])) if index in later]
        first = (collect(store, contract(store, [first, second], kept)), kept)
        second, *rest = rest
    return [first, second]


def _output_slots(operands: Sequence[Operand], output: Sequence[Index], sizes: Mapping[Index, int]) -> tuple[int, ...]:
    found = dict(sizes)
    for form, layout in operands:
        found.update(zip(layout, form.slots, strict=True))
    return tuple([found[index] for index in output])


def _join(
    chosen: Sequence[Term], layouts: Sequence[Sequence[Index]], output: Sequence[Index], slots: Sequence[int]
) -> tuple[Monomial, list[int], list[int], list[Factor]]:
    """The product of terms: labels side by side, then merged by union-find wherever indices agree."""
    parent: list[int] = []
    sizes: list[int] = []
    factors: list[Factor] = []
    where: dict[Index, int] = {}
    loops: Monomial = ()

    def find(label: int) -> int:
        while parent[label] != label:
            label = parent[label]
        return label

    for term, layout in zip(chosen, layouts, strict=True):
        offset = len(parent)
        parent.extend(range(offset, offset + len(term.sizes)))
        sizes.extend(term.sizes)
        loops = times_monomial(loops, term.loops)
        if offset:
            factors.extend([(atom, tuple([label + offset for label in labels])) for atom, labels in term.factors])
        else:
            factors.extend(term.factors)
        for label, index in zip(term.open, layout, strict=True):
            first = where.setdefault(index, label + offset)
            parent[find(label + offset)] = find(first)
    for index, size in zip(output, slots, strict=True):
        if index not in where:
            where[index] = len(parent)
            parent.append(len(parent))
            sizes.append(size)
    number: dict[int, int] = {}
    classes: list[int] = []
    for label in range(len(parent)):
        root = find(label)
        if root not in number:
            number[root] = len(classes)
            classes.append(sizes[root])
        parent[label] = root
    opened = [number[parent[where[index]]] for index in output]
    return (
        loops,
        classes,
        opened,
        [(atom, tuple([number[parent[label]] for label in labels])) for atom, labels in factors],
    )


def settle(
    store: Store, coefficient: Coefficient, loops: Monomial, sizes: list[int], opened: list[int], factors: list[Factor]
) -> Iterable[tuple[Term, Coefficient]]:
    """The term or terms that a raw product stands for: laws of its atoms, free loops, labels numbered anew."""
    gone: set[int] = set()  # summed labels that a law has used up: no loop is left of them
    if not store.special.isdisjoint([atom for atom, _ in factors]):
        image = _replacement(store, loops, sizes, opened, factors)
        if image is not None:
            return [(term, coefficient * value) for term, value in image.terms.items()]
        factors = _cancel(store, factors)
        factors, gone = _sums_to_one(store, factors, opened)
    used: dict[int, int] = {}
    for label in opened:
        used.setdefault(label, len(used))
    for _, labels in factors:
        for label in labels:
            used.setdefault(label, len(used))
    core = (
        tuple([sizes[label] for label in used]),
        tuple([used[label] for label in opened]),
        tuple([(atom, tuple([used[label] for label in labels])) for atom, labels in factors]),
    )
    if len(used) == len(sizes):
        return [(Term(loops, *core), coefficient)]
    results: list[tuple[Monomial, Coefficient]] = [(loops, coefficient)]
    for label in set(range(len(sizes))) - set(used) - gone:
        results = [
            (times_monomial(monomial, power), value * number)
            for monomial, value in results
            for number, power in store.loop(sizes[label])
        ]
    return [(Term(monomial, *core), value) for monomial, value in results]


def _replacement(
    store: Store, loops: Monomial, sizes: list[int], opened: list[int], factors: list[Factor]
) -> Form | None:
    """The product anew, where a law turns one factor (or a pair) into a form; None where no law does."""
    seen: set[Factor] = set()
    for position, (atom, labels) in enumerate(factors):
        image, rest = None, factors[:position] + factors[position + 1 :]
        if store.atoms[atom].kind == "function" and len(set(labels)) < len(labels):
            image = store.laws.merged(atom, labels)
            labels = tuple(dict.fromkeys(labels))
        elif atom in store.laws.squares and (atom, labels) in seen:
            image = store.laws.squares[atom]
            rest.remove((atom, labels))
        elif atom in store.laws.shifted and (base := base_of(store.laws.shifted[atom], labels)) in rest:
            store.used.add("a · 1/(c + d a) = (1 - c/(c + d a))/d")
            image = of_reciprocal(store.laws.shifted[atom], atom, store.atoms[atom].slots)
            rest.remove(base)
        seen.add((atom, labels))
        if image is not None:
            kept = tuple(range(len(sizes)))
            term = Term(loops, tuple(sizes), kept, tuple(rest))
            return contract(store, [(Form(tuple(sizes), {term: 1}), kept), (image, labels)], opened)
    return None


def _cancel(store: Store, factors: list[Factor]) -> list[Factor]:
    """a · (1/a) = 1 where both have the same labels; step² = step."""
    present = Counter(factors)
    for atom, labels in factors:
        if atom in store.laws.idempotent:
            present[atom, labels] = 1
        inverse = store.laws.inverses.get(atom)
        if inverse is None:
            continue
        base, slots = inverse
        target = (base, tuple([labels[slot] for slot in slots]))
        for row in (target, *((base, tuple([target[1][s] for s in p])) for p in store.atoms[base].group)):
            if present[row] > 0 and present[atom, labels] > 0:
                store.used.add("a · (1/a) = 1")
                present[row] -= 1
                present[atom, labels] -= 1
                break
    return list(present.elements())


def _sums_to_one(store: Store, factors: list[Factor], opened: list[int]) -> tuple[list[Factor], set[int]]:
    """Σ_i y_i = 1 for a declared y whose index stands nowhere else."""
    if not any(store.atoms[atom].flag == "sum_one" for atom, _ in factors):
        return factors, set()
    count = Counter(label for _, labels in factors for label in labels)
    count.update(opened)
    free = {
        labels[0]
        for atom, labels in factors
        if store.atoms[atom].flag == "sum_one" and len(labels) == 1 and count[labels[0]] == 1
    }
    return [factor for factor in factors if not free.intersection(factor[1])], free
