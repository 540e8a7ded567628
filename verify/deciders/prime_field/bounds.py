"""How large the sizes and how many the primes must be: the small-model lemma and the error bound, as numbers.

**Lemma.** Let P(n) be the difference of a claim's sides at size n, its scalar denominators cleared: a sum of
contraction networks over tensors, function atoms and reciprocals with slots. If every network has at most K index
classes, at most L of them with nothing on them that cannot cancel, and P vanishes identically at 1 + L (+ the
degrees of coefficients in n) different sizes n ≥ K, then P vanishes at every size.
*Proof.* Expand reciprocals with slots as Laurent series in an order of variables that every index shares. Write
P(n) = Σ_J g_J, g_J the part whose monomials touch exactly the index values in J; the parts are linearly
independent, |J| ≤ K, and by symmetry g_J depends on |J| alone. Classes that lost all their variables run freely,
so g_J is a polynomial in n of degree at most L with coefficients that do not depend on n, once n ≥ K ≥ |J|. It
vanishes at more points than its degree: it is zero. ∎ With L = 0 this is one size ≥ K. For several sizes: a grid.

*Atoms.* Atoms are variables as long as different formal arguments stay different: for atoms a, b of one function,
n ≥ classes of a's argument + slots of b shows that the pattern of equal arguments is the one at all sizes, except
at roots of the coefficients of the differences. Their degrees, over all pairs and all ways in which slots can
coincide, are added to the number of sizes.

*Unknown functions of several arguments.* D^k F at given arguments is a generic tensor, symmetric in its k places, with
a variable for each entry and its own variables for each formally different choice of arguments. Two choices differ in
some argument; where n ≥ the classes of every argument (an argument's own axes counted), that difference is no zero
polynomial, and the two are different variables. Nothing compares the entries of one value, so the slots of an atom are
the open component letters of its arguments alone; loops inside arguments count as for f.

*Convolution* is a contraction network with an opaque tensor in its place (see `convolution`). Itself it reads entries
at sums of indices and is none: the lemma is silent, and what is equal is so at the sizes that the outcome names.

*A size that is an expression*, as n_a + n_x or n - k + 1, is a sort of its own: no node of the language splits such an
axis, so its tensors are generic and the lemma holds for it by itself; loops count by their degree in the letters. Axes
with a number for a size need no bound: the claim is about that number.

*Error.* A trial errs if atoms with different arguments meet or the final polynomial vanishes at the drawn point:
at most (Σ pairs of atoms deg + D) / p (Schwartz–Zippel; 64-bit hashes count as random functions). A trial is void
if its prime divides all of a polynomial's coefficients; a height of h bits makes at most h / 28 primes void.
Zero denominators are drawn again, which at most doubles the bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from math import ceil, log2, prod
from typing import Any

import sympy as sp

from verify.deciders.prime_field.classes import Assumed, Atom, Classes
from verify.deciders.prime_field.coefficients import MINUS, arithmetic
from verify.deciders.prime_field.fields import TOP
from verify.deciders.prime_field.limits import Limits
from verify.deciders.prime_field.networks import Counts, Networks, larger, minus, plus
from verify.deciders.prime_field.problems import LimitReached
from verify.deciders.prime_field.program import Program
from verify.deciders.prime_field.scope import BOUND, Env, Freed, Run, Window

BELL = (1, 1, 2, 5, 15, 52, 203, 877, 4140, 21147)
PRIME_BITS = TOP - 1
FIRST = 3  # at smaller sizes identities hold that hold nowhere else
SAMPLES = 3  # choices of sizes at which a claim is tried that the lemma does not cover


@dataclass(frozen=True)
class Needs:
    """What one claim at one choice of steps asks for.

    `classes`: K of each sort; `degrees`: of loops in each size; `difference`: the bounds of left - right, which
    hold `counted.atoms` and `counted.inverted`.
    """

    program: Program
    classes: Counts
    degrees: Counts
    difference: Networks
    counted: Classes

    @property
    def covers_all_sizes(self) -> bool:
        """Whether the lemma speaks of the claim: all of it is made of contraction networks."""
        return self.counted.covers_all_sizes

    def at(self, sort: object) -> int:
        """K of one sort; no size is needed more than another where the lemma is silent."""
        return self.classes[self.program.sorts.index(sort)] if self.covers_all_sizes else 0


def needs(program: Program, env: Env, assumed: Assumed, window: Window | None = None, freed: Freed = BOUND) -> Needs:
    """The abstract evaluation, again until the set of names inside reciprocals is stable."""
    while True:
        algebra = Classes(program.sorts, program.symbols, program.letters, assumed, freed.numbers)
        difference = _difference(program, Run(program.system, algebra, env, window, freed), algebra)
        if algebra.dirty == assumed.dirty:
            return _summed(program, algebra, difference)
        assumed = replace(assumed, dirty=frozenset(algebra.dirty))


def _difference(program: Program, run: Run, algebra: Classes) -> Networks:
    zero = algebra.zero(*program.shape)
    left, right = (side(run.root, run.env).get(0, zero) for side in (program.left, program.right))
    return algebra.add(left, algebra.times(MINUS, right))


def _summed(program: Program, algebra: Classes, difference: Networks) -> Needs:
    classes, degrees = algebra.cleared(difference), algebra.cleared_up(difference)
    for atoms in _by_function(algebra.atoms).values():
        classes = larger(classes, _joint(atoms))
        degrees = plus(degrees, _pair_degrees(atoms, algebra))
    return Needs(program, classes, degrees, difference, algebra)


def _by_function(atoms: list[Atom]) -> dict[str, list[Atom]]:
    found: dict[str, list[Atom]] = {}
    for atom in atoms:
        found.setdefault(atom.function, []).append(atom)
    return found


def _joint(atoms: list[Atom]) -> Counts:
    """Classes of a's argument + slots of b (and what clears b's denominators), over all ordered pairs of atoms."""
    classes, others = atoms[0].classes, (0,) * len(atoms[0].classes)
    for atom in atoms:
        classes = larger(classes, atom.classes)
        others = larger(others, plus(atom.slots, minus(atom.classes, atom.argument.total)))
    return plus(classes, others)


def _pair_degrees(atoms: list[Atom], algebra: Classes) -> Counts:
    """Degrees in the sizes of the differences of arguments, over all pairs and coincidences of slots."""
    found = (0,) * len(algebra.symbols)
    if not any(any(atom.up) or any(atom.argument.below) for atom in atoms):
        return found
    for i, a in enumerate(atoms):
        for b in atoms[i:]:
            degree = algebra.cleared_up(algebra.add(a.argument, b.argument))
            patterns = BELL[min(sum(a.slots) + sum(b.slots), len(BELL) - 1)]
            found = plus(found, tuple(patterns * d for d in degree))
    return found


# --- choosing sizes --------------------------------------------------------------------------------------------


def grids(need: Needs, limits: Limits) -> Iterator[list[dict[str, int]]]:
    """Grids from larger and larger sizes on: any of them decides, the first at which every coefficient is defined."""
    yield grid(need, limits)
    for least in range(FIRST + 1, limits.size if need.program.symbols else FIRST):
        try:
            yield grid(need, limits, least)
        except LimitReached:
            return


def grid(need: Needs, limits: Limits, first: int = FIRST) -> list[dict[str, int]]:
    """Choices of sizes, each ≥ K and ≥ first, different sorts different; 1 + degree values for every size."""
    program = need.program
    if not need.covers_all_sizes:
        return [_start(need, limits, least) for least in range(first, first + (SAMPLES if program.symbols else 1))]
    counts = [1 + degree for degree in need.degrees]
    if prod(counts) > limits.sizes:
        raise LimitReached(f"{prod(counts)} choices of sizes; the limit is {limits.sizes}")
    step = len(program.symbols) + 1
    slack = {name: (count - 1) * step for name, count in zip(program.symbols, counts, strict=True)}
    start = _start(need, limits, first, slack)
    found = []
    for shifts in product(*(range(count) for count in counts)):
        found.append({name: start[name] + shift * step for name, shift in zip(program.symbols, shifts, strict=True)})
    return found


def _start(need: Needs, limits: Limits, first: int, slack: Mapping[str, int] | None = None) -> dict[str, int]:
    """The smallest sizes that are large enough and pairwise different; letters may be larger by their slack."""
    program = need.program
    least = {str(sort.name): max(first, need.at(sort)) for sort in program.sorts if sort.is_Symbol}
    order = sorted(program.symbols, key=lambda name: (least.get(name, first), name))
    taken: set[int] = set()
    values: dict[str, int] = {}
    for name in order:
        value = least.get(name, first)
        while value in taken:
            value += 1
        taken.add(value)
        values[name] = value
    for _ in range(limits.size):
        short = next((sort for sort in program.sorts if _is_short(sort, need, values, slack or {})), None)
        if short is None and max(values.values(), default=0) <= limits.size:
            return values
        if short is not None:
            values[_raising(short)] += 1
    raise LimitReached(f"a size of {max(values.values())}; the limit is {limits.size}")


def _raising(sort: Any) -> str:
    """The last letter with which a size grows: n of n - k + 1."""
    names = {str(s.name) for s in sort.free_symbols}
    return max(names - _lowering(sort) or names)


@cache
def _lowering(sort: Any) -> frozenset[str]:
    """The letters with which a size shrinks: k of n - k + 1."""
    return frozenset(str(s.name) for s in sort.free_symbols if sp.diff(sort, s).could_extract_minus_sign())


def small(program: Program, sizes: Mapping[str, int]) -> list[dict[str, int]]:
    """Different sizes from 3 on, if none of these is smaller: what differs there is false, and costs less to see."""
    found = {name: FIRST + place for place, name in enumerate(program.symbols)}
    is_smaller = found != dict(sizes) and all(found[name] <= sizes[name] for name in found)
    has_entries = all(_length(sort, found) >= FIRST for sort in program.sorts if not sort.is_Integer)
    return [found] if is_smaller and has_entries else []


def _length(sort: Any, values: Mapping[str, int]) -> int:
    return int(arithmetic(sort)(values))


def _is_short(sort: Any, need: Needs, values: Mapping[str, int], slack: Mapping[str, int]) -> bool:
    """Whether a size is no number and too small (somewhere on the grid), or equal to another one."""
    if sort.is_Integer:
        return False
    if lowering := _lowering(sort):
        values = {name: value + slack.get(name, 0) * (name in lowering) for name, value in values.items()}
    length = _length(sort, values)
    others = [_length(other, values) for other in need.program.sorts if other != sort]
    return length < max(3, need.at(sort)) or length in others


# --- error bound -----------------------------------------------------------------------------------------------


class Size:
    """Degrees and heights of the polynomials of a claim at chosen sizes."""

    def __init__(self, need: Needs, sizes: Mapping[str, int]) -> None:
        self._need = need
        self._lengths = [_length(sort, sizes) for sort in need.program.sorts]
        self._bases: dict[int, tuple[int, float]] = {}

    def entries(self, slots: Counts) -> int:
        """How many entries a value with these slots has."""
        return prod(length**count for length, count in zip(self._lengths, slots, strict=True))

    def polynomial(self, a: Networks, classes: Counts, is_entry: bool = False) -> tuple[int, float]:
        """Degree and height of the numerator, once all denominators are cleared.

        A reciprocal with slots has to be cleared for each of its entries, but for one (`is_entry`) inside another
        reciprocal with slots, whose entries see their own only.
        """
        degree, height = a.degree, a.height
        height += sum(count * log2(length) for count, length in zip(classes, self._lengths, strict=True))
        for powers in (a.under, a.over):
            for key, power in powers.items():
                times = power * (1 if is_entry else self.entries(self._need.counted.inverted[key].slots))
                own = self._base(key)
                degree, height = degree + times * own[0], height + times * own[1]
        return degree, height

    def _base(self, key: int) -> tuple[int, float]:
        if key not in self._bases:
            base = self._need.counted.inverted[key]
            inner = minus(base.classes, base.slots)
            self._bases[key] = self.polynomial(base.argument, inner, is_entry=any(base.slots))
        return self._bases[key]

    def log_error(self) -> float:
        """log2 of the probability that one trial that is not void errs."""
        total, _ = self.polynomial(self._need.difference, self._need.classes)
        for atoms in _by_function(self._need.counted.atoms).values():
            entries = sum(self.entries(atom.slots) for atom in atoms)
            degree = max(self.polynomial(atom.argument, atom.classes)[0] + atom.argument.low for atom in atoms)
            total += entries * entries * max(degree, 1)  # both arguments' denominators cleared
        return log2(max(total, 1)) + 1 - PRIME_BITS

    def void_trials(self) -> int:
        """How many primes can divide all coefficients of a polynomial that must not vanish."""
        found = int(self.polynomial(self._need.difference, self._need.classes)[1] // PRIME_BITS)
        for atoms in _by_function(self._need.counted.atoms).values():
            heights = [self.polynomial(atom.argument, atom.classes)[1] for atom in atoms]
            void = int((2 * max(heights) + 1) // PRIME_BITS)
            if void:
                patterns = BELL[min(2 * max(sum(atom.slots) for atom in atoms), len(BELL) - 1)]
                found += void * len(atoms) ** 2 * patterns
        return found


def trials(need: Needs, sizes: Mapping[str, int], choices: int, limits: Limits) -> tuple[int, float]:
    """Trials for each choice of sizes, and the probability of a false equal in all."""
    size = Size(need, sizes)
    single = size.log_error()
    if single >= -1:
        raise LimitReached("the degree of the claim leaves no bound on the error below one")
    target = limits.error_exponent + log2(choices)
    count = max(ceil(target / -single), 2)
    total = count + size.void_trials()
    if total > limits.trials:
        raise LimitReached(f"{total} trials for the error bound; the limit is {limits.trials}")
    return total, choices * 2.0 ** (single * count)
