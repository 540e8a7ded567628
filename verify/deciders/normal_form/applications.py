"""Unknown functions of several arguments as factors: D^k F at given arguments, a tensor of its own.

A factor is keyed by F (with its signature), the numbers of the slots by which it is derived, sorted, and the normal
forms of the arguments; its slots are F's own, then those of each derived argument. Derivatives by one slot twice are
symmetric. Equal arguments have equal normal forms; at different ones all is independent.
"""

from __future__ import annotations

from itertools import permutations
from typing import cast

from verify.deciders.normal_form.canonical import collect
from verify.deciders.normal_form.store import Store
from verify.deciders.normal_form.term import Atom, Form, Permutation, of_atom

KIND = "application"


def applied(store: Store, name: str, own: tuple[int, ...], arguments: list[Form], by: tuple[int, ...] = ()) -> Form:
    """D^k F(a, b, …), k = len(by): F's own slots, then those of the slots `by` (counted from 0, sorted)."""
    forms = [collect(store, argument) for argument in arguments]
    slots = own + tuple(size for place in by for size in forms[place].slots)
    numbers = tuple(store.form(form) for form in forms)
    widths = [len(forms[place].slots) for place in by]
    group = tuple(
        (*range(len(own)), *(len(own) + slot for slot in permutation)) for permutation in exchanges(list(by), widths)
    )
    return of_atom(store.atom(Atom(KIND, (name, own, by, numbers), slots, group)), slots)


def read(store: Store, atom: int) -> tuple[str, tuple[int, ...], tuple[int, ...], list[Form]]:
    """F's name, its own slots, the slots by which it is derived, and the arguments."""
    name, own, by, numbers = cast(tuple[str, tuple[int, ...], tuple[int, ...], tuple[int, ...]], store.atoms[atom].data)
    return name, own, by, [store.forms[number] for number in numbers]


def derived(store: Store, atom: int, place: int) -> tuple[Form, list[int]]:
    """∂/∂(slot) of a factor, and the order in which it has the factor's slots, then the new ones."""
    name, own, by, arguments = read(store, atom)
    new = tuple(sorted((*by, place)))
    at = len(by) if not by else max(i for i, slot in enumerate(new) if slot == place)
    widths = [len(arguments[slot].slots) for slot in new]
    start = len(own) + sum(widths[:at])
    fresh = range(start, start + widths[at])
    count = len(own) + sum(widths)
    order = [slot for slot in range(count) if slot not in fresh] + list(fresh)
    return applied(store, name, own, arguments, new), order


def exchanges(parts: list[int], widths: list[int]) -> tuple[Permutation, ...]:
    """Second derivatives by one thing are symmetric: the permutations of equal blocks of slots."""
    starts = [sum(widths[:i]) for i in range(len(parts))]
    found = []
    for order in permutations(range(len(parts))):
        if [parts[i] for i in order] == parts and order != tuple(range(len(parts))):
            found.append(tuple(slot for i in order for slot in range(starts[i], starts[i] + widths[i])))
    return tuple(found)
