"""The canonical labelling of a term: equal terms get equal tuples, whatever their labels and order were.

Open labels are fixed by their positions, so the term falls apart into components that are joined by summed labels
alone. In each, labels are coloured by what touches them until the colours are stable; a cell with several labels
is split by individualising each of them, unless an automorphism shows that one of them stands for the others.
"""

from __future__ import annotations

from collections.abc import Sequence

from verify.deciders.normal_form.store import Store
from verify.deciders.normal_form.term import Coefficient, Factor, Form, Permutation, Term

# Inside a component an open label is a number ≥ 0, the k-th inner label is -1 - k.
Component = tuple[tuple[Factor, ...], tuple[int, ...]]  # factors, sizes of the inner labels


def collect(store: Store, form: Form) -> Form:
    """The form with canonical terms, equal ones added up."""
    if form.collected:
        return form
    terms: dict[Term, Coefficient] = {}
    for raw, coefficient in form.terms.items():
        term = canonical_term(store, raw)
        total = terms.get(term, 0) + coefficient
        if total:
            terms[term] = total
        else:
            del terms[term]
    return Form(form.slots, terms, collected=True)


def canonical_term(store: Store, term: Term) -> Term:
    """The one tuple that stands for all relabellings of a term."""
    known = store.canonical_terms.get(term)
    if known is None:
        known = store.canonical_terms[term] = _canonical(store, term)
    return known


def _canonical(store: Store, term: Term) -> Term:
    opened: dict[int, int] = {}
    for label in term.open:
        opened.setdefault(label, len(opened))
    parts = sorted(canonical_component(store, *part) for part in _components(store, term, opened))
    sizes = [term.sizes[label] for label in opened]
    factors: list[Factor] = []
    for inside, inner in parts:
        first = len(sizes)
        sizes.extend(inner)
        factors.extend(
            (atom, tuple(label if label >= 0 else first - 1 - label for label in labels)) for atom, labels in inside
        )
    return Term(term.loops, tuple(sizes), tuple(opened[label] for label in term.open), tuple(factors))


def components(term: Term) -> list[list[Factor]]:
    """The factors of a term, grouped by the summed labels that join them."""
    opened = set(term.open)
    home: dict[int, int] = {}  # label -> group
    groups: dict[int, list[Factor]] = {}
    for number, factor in enumerate(term.factors):
        groups[number] = [factor]
        for label in factor[1]:
            if label in opened:
                continue
            other = home.setdefault(label, number)
            if other != number:
                groups[number] = groups.pop(other) + groups[number]
                home = {key: number if group == other else group for key, group in home.items()}
    return list(groups.values())


def _components(store: Store, term: Term, opened: dict[int, int]) -> list[Component]:
    parts = []
    for group in components(term):
        group.sort()
        inner: dict[int, int] = {}
        factors = []
        for atom, labels in group:
            row = []
            for label in labels:
                number = opened.get(label)
                row.append(-1 - inner.setdefault(label, len(inner)) if number is None else number)
            factors.append((atom, tuple(row)))
        parts.append((tuple(factors), tuple(term.sizes[label] for label in inner)))
    return parts


def canonical_component(store: Store, factors: tuple[Factor, ...], sizes: tuple[int, ...]) -> Component:
    """The canonical labelling of one component."""
    key = (factors, sizes)
    known = store.components.get(key)
    if known is None:
        known = store.components[key] = _Labelling(store, factors, sizes).best()
    return known


class _Labelling:
    """Individualisation and refinement of one component."""

    def __init__(self, store: Store, factors: tuple[Factor, ...], sizes: tuple[int, ...]) -> None:
        self.store = store
        self.factors = factors
        self.sizes = sizes
        self.groups: list[tuple[Permutation, ...]] = [store.atoms[atom].group for atom, _ in factors]

    def best(self) -> Component:
        if len(self.sizes) < 2:
            return self.leaf([0] * len(self.sizes))
        return self.search(_ranks(self.sizes))[0]

    def search(self, colours: list[int]) -> tuple[Component, Component]:
        """The least labelling below these colours, and the one at the end of the first path."""
        self.store.tick()
        colours = self.refine(colours)
        cell = _first_cell(colours)
        if not cell:
            leaf = self.leaf(colours)
            return leaf, leaf
        best, first = self.search(_individualise(colours, cell[0]))
        seen = {first}
        for label in cell[1:]:
            split = _individualise(colours, label)
            if self.first_leaf(split) in seen:  # an automorphism maps an explored label here: nothing new below
                continue
            other, path = self.search(split)
            seen.add(path)
            best = min(best, other)
        return best, first

    def first_leaf(self, colours: list[int]) -> Component:
        colours = self.refine(colours)
        while cell := _first_cell(colours):
            colours = self.refine(_individualise(colours, cell[0]))
        return self.leaf(colours)

    def refine(self, colours: list[int]) -> list[int]:
        """Recolour every label by its colour and all that touches it, until no cell splits any more."""
        count = len(set(colours))
        while count < len(colours):
            seen: list[list[object]] = [[] for _ in colours]
            for (atom, labels), group in zip(self.factors, self.groups, strict=True):
                row = tuple([label if label >= 0 else -1 - colours[-1 - label] for label in labels])
                for slot, label in enumerate(labels):
                    if label < 0:
                        view = _view(row, slot, group) if group else (row, slot)
                        seen[-1 - label].append((atom, view))
            colours = _ranks([(colour, sorted(touch)) for colour, touch in zip(colours, seen, strict=True)])  # type: ignore[type-var]
            found = len(set(colours))
            if found == count:
                break
            count = found
        return colours

    def leaf(self, colours: Sequence[int]) -> Component:
        rows = []
        for (atom, labels), group in zip(self.factors, self.groups, strict=True):
            row = tuple([label if label >= 0 else -1 - colours[-1 - label] for label in labels])
            rows.append((atom, least(row, group) if group else row))
        sizes = [0] * len(self.sizes)
        for label, size in enumerate(self.sizes):
            sizes[colours[label]] = size
        return tuple(sorted(rows)), tuple(sizes)


def least(row: tuple[int, ...], group: tuple[Permutation, ...]) -> tuple[int, ...]:
    """The least order of labels that the atom's symmetries allow."""
    return min(row, *(tuple([row[slot] for slot in permutation]) for permutation in group))


def _view(row: tuple[int, ...], slot: int, group: tuple[Permutation, ...]) -> tuple[tuple[int, ...], int]:
    """What a slot sees of its factor, the same for slots that a symmetry exchanges."""
    views = [(row, slot)]
    for permutation in group:
        views.append((tuple([row[s] for s in permutation]), permutation.index(slot)))
    return min(views)


def _ranks(signatures: Sequence[object]) -> list[int]:
    keys = sorted({_frozen(s) for s in signatures})  # type: ignore[type-var]
    rank = {key: number for number, key in enumerate(keys)}
    return [rank[_frozen(signature)] for signature in signatures]


def _frozen(signature: object) -> object:
    return (signature[0], tuple(signature[1])) if isinstance(signature, tuple) else signature


def _individualise(colours: list[int], label: int) -> list[int]:
    split = [2 * colour + 1 for colour in colours]
    split[label] -= 1
    return _ranks(split)


def _first_cell(colours: list[int]) -> list[int]:
    """The labels of the first colour that several labels share."""
    cells: dict[int, list[int]] = {}
    for label, colour in enumerate(colours):
        cells.setdefault(colour, []).append(label)
    return next((cells[colour] for colour in sorted(cells) if len(cells[colour]) > 1), [])
