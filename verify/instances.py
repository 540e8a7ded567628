"""Numeric instances, drawn by Hypothesis: sizes, a last step and a seed; the entries follow from the seed.

An entry is a hash of (seed, name, step, row, column), so it depends neither on the sizes nor on the order of
evaluation: a smaller instance with the same seed has the same entries in its corner, and a hundred instances of
equal sizes are filled at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from zlib import crc32

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from derive.language.nodes import Application, Entries, Member
from derive.model import Model
from verify.claim import Claim
from verify.fitting import fitted, lengths_in

Array = NDArray[Any]
Key = tuple[str, tuple[int, ...]]  # a tensor's name and indices: ("W", ()), ("x", (3,))

MIXER = tuple(np.uint64(c) for c in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
WIDTH = 1 << 16  # the column counts from 0, the row in steps of WIDTH: an entry's number is free of the sizes
PLANS = 6  # how many plans Hypothesis draws before the one that is used
WORD = 64  # bits that a plan follows from
GROUPS = 4  # how many different (sizes, last step) a hundred instances share
STEPS = (3, 4, 5, 6)  # T ≥ 3: shorter runs hide errors


@dataclass(frozen=True)
class Instance:
    """One numeric instance.

    `sizes`: pairs (size letter, value); `last`: the last step; `seed`: what fills the entries. `values` holds
    entries that are fixed instead of drawn (after shrinking): pairs (key, rows of numbers).
    """

    sizes: tuple[tuple[str, int], ...]
    last: int
    seed: int
    values: tuple[tuple[Key, tuple[tuple[float, ...], ...]], ...] = ()

    @property
    def batch(self) -> Batch:
        """The instance as a batch of one."""
        return Batch(self.sizes, self.last, (self.seed,), self.values)


@dataclass(frozen=True)
class Batch:
    """Instances of equal sizes and last step, evaluated together along a leading axis."""

    sizes: tuple[tuple[str, int], ...]
    last: int
    seeds: tuple[int, ...]
    values: tuple[tuple[Key, tuple[tuple[float, ...], ...]], ...] = ()

    def instance(self, i: int) -> Instance:
        """The i-th of them alone."""
        return Instance(self.sizes, self.last, self.seeds[i], self.values)


def batches(instances: Iterable[Instance]) -> tuple[Batch, ...]:
    """Instances grouped by sizes and last step, the smallest first."""
    groups: dict[Any, list[int]] = {}
    for one in instances:
        groups.setdefault((one.last, one.sizes, one.values), []).append(one.seed)
    ordered = sorted(groups, key=lambda key: (key[0], sum(size for _, size in key[1]), key[1:]))
    return tuple(Batch(sizes, last, tuple(groups[last, sizes, values]), values) for last, sizes, values in ordered)


def draw(subject: Claim | Model, count: int, seed: int = 0) -> tuple[Instance, ...]:
    """`count` instances for a model (and all its claims), drawn by Hypothesis as a few groups of equal sizes.

    The same arguments (and version of Hypothesis) give the same ones.
    """
    last = _model(subject).time.last
    groups = _groups(size_letters(subject), isinstance(last, sp.Symbol), seed)[: min(GROUPS, count)]
    ends = [steps if isinstance(last, sp.Symbol) else int(last) for _, steps, _ in groups]
    found = []
    for i in range(count):
        place = i * len(groups) // count
        sizes, _, start = groups[place]
        own = int(hashed((start,), f"instance {i}", 1, 1)[0, 0, 0] * 2**53)
        found.append(Instance(fitting(subject, sizes), ends[place], own))
    return tuple(found)


Group = tuple[tuple[tuple[str, int], ...], int, int]  # sizes by letter, a last step, a seed


@lru_cache(maxsize=256)
def _groups(letters: tuple[str, ...], has_steps: bool, seed: int) -> tuple[Group, ...]:
    """GROUPS groups that Hypothesis draws: sizes pairwise different and ≥ 2, no letter always the same, T = 3 … 6."""
    from hypothesis import HealthCheck, Phase, given, settings  # 0.1 s that only numeric witnesses need
    from hypothesis import seed as seeded

    drawn: list[tuple[Group, ...]] = []

    @seeded(seed)
    @settings(
        max_examples=PLANS, phases=[Phase.generate], database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(_plans(letters, has_steps))
    def collect(plan: tuple[Group, ...]) -> None:
        drawn.append(plan)

    collect()
    return drawn[-1]  # Hypothesis begins with the simplest plan and becomes bolder


def _plans(letters: tuple[str, ...], has_steps: bool) -> Any:
    """Plans of GROUPS groups, each a hash of one word whose bits Hypothesis draws.

    Bits, because whole numbers would not do: Hypothesis mixes in numbers that stand in whatever modules of a
    project are imported, so that the same seed would give other instances to another command.
    """
    from hypothesis import strategies as st

    words = st.tuples(*[st.booleans()] * WORD).map(
        lambda bits: sum(1 << place for place, bit in enumerate(bits) if bit)
    )
    return words.map(lambda word: _plan(letters, has_steps, word))


def _plan(letters: tuple[str, ...], has_steps: bool, word: int) -> tuple[Group, ...]:
    """The groups' sizes are rows of a cyclic Latin square: no two letters of a group are equal, and each varies."""
    values = _shuffled(range(2, max(2 + GROUPS, len(letters) + 2)), word, "sizes")
    steps = _shuffled(STEPS, word, "steps") if has_steps else STEPS
    starts = hashed((word,), "starts", 1, GROUPS)[0, 0] * 2**32
    sizes = [tuple(zip(letters, values[i:] + values[:i], strict=False)) for i in range(GROUPS)]
    return tuple(zip(sizes, steps, map(int, starts), strict=True))


def _shuffled(values: Sequence[int], word: int, label: str) -> tuple[int, ...]:
    places = hashed((word,), label, 1, len(values))[0, 0].argsort(kind="stable")
    return tuple(values[place] for place in places)


def instances(subject: Claim | Model, smallest: int = 1, largest: int = 4, steps: int = 5) -> Any:
    """A Hypothesis strategy for instances of a claim or model: sizes and a seed are drawn, the entries follow.

    Sizes run from `smallest` to `largest`, last steps from the model's first to `steps`; both shrink to the smallest.
    """
    from hypothesis import strategies as st  # only tests draw this way; the import costs 0.1 s

    letters, model = size_letters(subject), _model(subject)
    sizes = st.tuples(*(st.tuples(st.just(letter), st.integers(smallest, largest)) for letter in letters))
    last = model.time.last
    ends = st.integers(model.time.first, steps) if isinstance(last, sp.Symbol) else st.just(int(last))
    return st.builds(Instance, sizes, ends, st.integers(0, 2**32 - 1))


@lru_cache(maxsize=1024)
def size_letters(subject: Claim | Model) -> tuple[str, ...]:
    """The letters that stand for sizes in a model and, of a claim, in both sides; sorted."""
    found = {letter.name for formula in _formulas(subject) for letter in sizes_in(formula)}
    return tuple(sorted(found))


@lru_cache(maxsize=4096)
def sizes_in(formula: Any) -> frozenset[sp.Symbol]:
    """The letters in the shapes of a formula's tensors and constants."""
    found: set[sp.Symbol] = set()
    for node in sp.preorder_traversal(formula):
        if isinstance(node, Member | Application):
            found |= node.args[2].free_symbols | node.args[3].free_symbols
        elif isinstance(node, Entries):
            found |= node.args[3].free_symbols | node.args[4].free_symbols
        elif isinstance(node, sp.MatrixSymbol | sp.Identity | sp.OneMatrix | sp.ZeroMatrix):
            found |= node.shape[0].free_symbols | node.shape[1].free_symbols
    return frozenset(found)


def fitting(subject: Claim | Model, sizes: tuple[tuple[str, int], ...], least: int = 2) -> tuple[tuple[str, int], ...]:
    """Sizes raised until no axis n - k + 1 is shorter than `least`: kernels fit, and have room to slide."""
    lengths = lengths_of(subject)
    return tuple(fitted(dict(sizes), lengths, least).items()) if lengths else sizes


@lru_cache(maxsize=1024)
def lengths_of(subject: Claim | Model) -> frozenset[Any]:
    """The lengths of axes that a choice of sizes can make less than 1."""
    return frozenset().union(*(lengths_in(formula) for formula in _formulas(subject)))


def _formulas(subject: Claim | Model) -> list[Any]:
    formulas = [side for equation in _model(subject).equations for side in (equation.left, equation.right)]
    return formulas + ([subject.left, subject.right] if isinstance(subject, Claim) else [])


def _model(subject: Claim | Model) -> Model:
    return subject.model if isinstance(subject, Claim) else subject


# --- entries ---------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1 << 14)
def uniform(seeds: tuple[int, ...], label: str, rows: int, cols: int) -> Array:
    """Entries in [-1, 1), (instances, rows, cols), from a hash of (seed, label, row, column); not to be written to."""
    found = 2 * hashed(seeds, label, rows, cols) - 1
    found.setflags(write=False)
    return found


def hashed(seeds: Sequence[int], label: str, rows: int, cols: int) -> Array:
    """Entries in [0, 1) by SplitMix64 (Steele, Lea & Flood 2014)."""
    with np.errstate(over="ignore"):  # arithmetic modulo 2^64 is meant
        stream = mixed(np.asarray(seeds, dtype=np.uint64) * MIXER[0] + np.uint64(crc32(label.encode())))
        number = np.arange(rows, dtype=np.uint64)[:, None] * np.uint64(WIDTH) + np.arange(cols, dtype=np.uint64)
        return (mixed(stream[:, None, None] + (number + np.uint64(1)) * MIXER[0]) >> np.uint64(11)) * 2.0**-53


def mixed(z: Array) -> Array:
    """SplitMix64's finalizer."""
    z = (z ^ (z >> np.uint64(30))) * MIXER[1]
    z = (z ^ (z >> np.uint64(27))) * MIXER[2]
    return z ^ (z >> np.uint64(31))
