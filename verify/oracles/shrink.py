"""From an instance that refutes a claim to a small one: fewer steps, smaller sizes, few entries, each 0, ±1 or short.

A tensor keeps what is assumed of it.

Greedy, one change at a time, as long as the oracle still says `differ`; the budget bounds how often it is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from verify.claim import Claim
from verify.instances import Instance, Key
from verify.oracles.arithmetic import value_of
from verify.oracles.draws import constraints, meets
from verify.oracles.laboratory import Laboratory, laboratory, parameters_and_inputs
from verify.oracles.registry import Oracle

Entries = dict[Key, tuple[tuple[float, ...], ...]]
BUDGET = 400
SEEDS = 5  # how many drawings of a shape are tried before it counts as one that hides the error


class Shrinker:
    """A claim, the oracle that refutes it, and how many more questions may be put."""

    def __init__(self, oracle: Oracle, claim: Claim, budget: int = BUDGET) -> None:
        self.oracle, self.claim, self.budget = oracle, claim, budget

    def differs(self, instance: Instance) -> bool:
        """Whether the oracle still refutes the claim."""
        self.budget -= 1
        return self.budget >= 0 and self.oracle.examine(self.claim, [instance]).outcome == "differ"

    def shape(self, instance: Instance) -> Instance:
        """The fewest steps, then the smallest size of each letter, that still differ, and the steps once more."""
        instance = self.sizes(self.steps(instance))
        return self.steps(instance)  # what large sizes hide in a short run, small ones may show

    def steps(self, instance: Instance) -> Instance:
        """The fewest steps that differ."""
        shorter = (replace(instance, last=last) for last in range(self.claim.model.time.first, instance.last))
        return self.first(shorter) or instance

    def sizes(self, instance: Instance) -> Instance:
        """The smallest size of each letter, one after the other."""
        for place, (letter, size) in enumerate(instance.sizes):
            head, tail = instance.sizes[:place], instance.sizes[place + 1 :]
            smaller = (replace(instance, sizes=(*head, (letter, one), *tail)) for one in range(1, size))
            instance = self.first(smaller) or instance
        return instance

    def first(self, instances: Iterable[Instance]) -> Instance | None:
        """The first that differs, with its own seed or one of a few others: entries may hide what a shape shows."""
        seeded = (replace(one, seed=(one.seed + k) % 2**53) for one in instances for k in range(SEEDS))
        return next(filter(self.differs, seeded), None)

    def entries(self, instance: Instance) -> Instance:
        """Every entry 0 if it can be, else 1 or -1 if it can be, else a short decimal."""
        values = drawn(self.claim, instance)
        for key, row, col in list(positions(values)):
            entry = values[key][row][col]
            for simple in (0.0, 1.0, -1.0, round(entry, 1), round(entry, 3)):
                if simple == entry:
                    break
                simpler = self.with_entry(values, key, row, col, simple)
                if self.keeps(key, simpler[key]) and self.differs(with_values(instance, simpler)):
                    values = simpler
                    break
        return with_values(instance, values)

    def kinds(self, key: Key) -> set[str]:
        """What is assumed of a tensor."""
        name, indices = key
        found = constraints(self.claim)
        return {kind for _, subject, step, kind in found if subject == name and step in (None, *indices[-1:])}

    def with_entry(self, values: Entries, key: Key, row: int, col: int, value: float) -> Entries:
        """The values with one entry replaced, of a symmetric matrix with its mirror image."""
        changed = with_entry(values, key, row, col, value)
        return with_entry(changed, key, col, row, value) if "symmetric" in self.kinds(key) else changed

    def keeps(self, key: Key, rows: tuple[tuple[float, ...], ...]) -> bool:
        """Whether a tensor still is what is assumed of it."""
        return all(meets(kind, np.array(rows)) for kind in self.kinds(key))


def shrink(oracle: Oracle, claim: Claim, instance: Instance, budget: int = BUDGET) -> Instance:
    """A smaller instance that the oracle still refutes; the instance itself where it refutes none."""
    shrinker = Shrinker(oracle, claim, budget)
    small = shrinker.entries(shrinker.shape(instance))
    return small if oracle.examine(claim, [small]).outcome == "differ" else instance


def drawn(claim: Claim, instance: Instance) -> Entries:
    """The entries of all parameters and inputs, as drawn."""
    lab = laboratory(claim, instance.batch)
    return {key: tuple(map(tuple, array.tolist())) for key, array in arrays(lab).items()}


def arrays(lab: Laboratory) -> dict[Key, np.ndarray]:
    """What the laboratory drew for the one instance."""
    return {key: value[0, 0, 0] for key, value in parameters_and_inputs(lab).items()}


def bounds(claim: Claim, instance: Instance) -> Entries:
    """The numbers that a claim assumes as bounds: they follow from what was drawn."""
    lab = laboratory(claim, instance.batch)
    found = {key: np.broadcast_to(value_of(value), (1, 1, 1, 1, 1)) for key, value in lab.plain.given.items()}
    return {key: tuple(map(tuple, value[0, 0, 0].tolist())) for key, value in found.items()}


def positions(values: Entries) -> Iterator[tuple[Key, int, int]]:
    """All entries."""
    for key, rows in values.items():
        for row, entries in enumerate(rows):
            for col in range(len(entries)):
                yield key, row, col


def with_entry(values: Entries, key: Key, row: int, col: int, value: float) -> Entries:
    """The values with one entry replaced."""
    rows = [list(entries) for entries in values[key]]
    rows[row][col] = value
    return {**values, key: tuple(map(tuple, rows))}


def with_values(instance: Instance, values: Entries) -> Instance:
    """The instance with these entries fixed."""
    return replace(instance, values=tuple(values.items()))
