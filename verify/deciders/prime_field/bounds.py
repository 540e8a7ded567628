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

*A size that is an expression*, as n_a + n_x, is a sort of its own: no node of the language splits such an axis, so
its tensors are generic and the lemma holds for it by itself; loops count by their degree in the letters. Axes with
a number for a size need no bound: the claim is about that number.

*Error.* A trial errs if atoms with different arguments meet or the final polynomial vanishes at the drawn point:
at most (Σ pairs of atoms deg + D) / p (Schwartz–Zippel; 64-bit hashes count as random functions). A trial is void
if its prime divides all of a polynomial's coefficients; a height of h bits makes at most h / 28 primes void.
Zero denominators are drawn again, which at most doubles the bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from math import ceil, log2, prod

from verify.deciders.prime_field.classes import Assumed, Atom, Classes, Counts, Networks, larger, plus
from verify.deciders.prime_field.coefficients import MINUS, arithmetic
from verify.deciders.prime_field.fields import TOP
from verify.deciders.prime_field.limits import Limits
from verify.deciders.prime_field.problems import LimitReached
from verify.deciders.prime_field.program import Program
from verify.deciders.prime_field.scope import Env, Run, Window

BELL = (1, 1, 2, 5, 15, 52, 203, 877, 4140, 21147)
PRIME_BITS = TOP - 1


@dataclass(frozen=True)
class Needs:
    """What one claim at one choice of steps asks for: K of each sort, degrees in each size, atoms, height."""

    program: Program
    classes: Counts
    degrees: Counts
    difference: Networks
    atoms: tuple[Atom, ...]
    reciprocals: tuple[Counts, ...]

    def at(self, sort: object) -> int:
        """K of one sort."""
        return self.classes[self.program.sorts.index(sort)]


def needs(program: Program, env: Env, assumed: Assumed, window: Window | None = None) -> Needs:
    """The abstract evaluation, again until the set of names inside reciprocals is stable."""
    while True:
        algebra = Classes(program.sorts, program.symbols, program.letters, assumed)
        difference = _difference(program, Run(program.system, algebra, env, window), algebra)
        if algebra.dirty == assumed.dirty:
            return _summed(program, algebra, difference)
        assumed = Assumed(assumed.slots_vary, assumed.exp_cancels, frozenset(algebra.dirty))


def _difference(program: Program, run: Run, algebra: Classes) -> Networks:
    zero = algebra.zero(*program.shape)
    left, right = (side(run.root, run.env).get(0, zero) for side in (program.left, program.right))
    return algebra.add(left, algebra.times(MINUS, right))


def _summed(program: Program, algebra: Classes, difference: Networks) -> Needs:
    classes, degrees = algebra.cleared(difference), plus(difference.up, difference.down)
    for denominator in difference.denominators.values():
        degrees = plus(degrees, *([denominator.up] * denominator.power))
    by_function: dict[str, list[Atom]] = {}
    for atom in algebra.atoms:
        by_function.setdefault(atom.function, []).append(atom)
    for atoms in by_function.values():
        classes = larger(classes, _joint(atoms))
        degrees = plus(degrees, _pair_degrees(atoms, len(program.symbols)))
    return Needs(program, classes, degrees, difference, tuple(algebra.atoms), tuple(algebra.reciprocals))


def _joint(atoms: list[Atom]) -> Counts:
    """Classes of a's argument + slots of b, over all ordered pairs of atoms of one function."""
    classes, slots = atoms[0].classes, atoms[0].slots
    for atom in atoms[1:]:
        classes, slots = larger(classes, atom.classes), larger(slots, atom.slots)
    return plus(classes, slots)


def _pair_degrees(atoms: list[Atom], symbols: int) -> Counts:
    """Degrees in the sizes of the differences of arguments, over all pairs and coincidences of slots."""
    found = (0,) * symbols
    if not any(any(atom.up) for atom in atoms):
        return found
    for i, a in enumerate(atoms):
        for b in atoms[i:]:
            degree = larger(a.up, b.up)
            patterns = BELL[min(sum(a.slots) + sum(b.slots), len(BELL) - 1)]
            found = plus(found, tuple(patterns * d for d in degree))
    return found


# --- choosing sizes --------------------------------------------------------------------------------------------


def grid(need: Needs, limits: Limits) -> list[dict[str, int]]:
    """Choices of sizes, each ≥ K and ≥ 3, different sorts different; 1 + degree values for every size."""
    program = need.program
    counts = [1 + degree for degree in need.degrees]
    if prod(counts) > limits.sizes:
        raise LimitReached(f"{prod(counts)} choices of sizes; the limit is {limits.sizes}")
    start = _start(need, limits)
    step = len(program.symbols) + 1
    found = []
    for shifts in product(*(range(count) for count in counts)):
        found.append({name: start[name] + shift * step for name, shift in zip(program.symbols, shifts, strict=True)})
    return found


def _start(need: Needs, limits: Limits) -> dict[str, int]:
    """The smallest sizes that are large enough and pairwise different."""
    program = need.program
    least = {str(sort.name): max(3, need.at(sort)) for sort in program.sorts if sort.is_Symbol}
    order = sorted(program.symbols, key=lambda name: (least.get(name, 3), name))
    taken: set[int] = set()
    values: dict[str, int] = {}
    for name in order:
        value = least.get(name, 3)
        while value in taken:
            value += 1
        taken.add(value)
        values[name] = value
    for _ in range(limits.size):
        short = [s for s in program.sorts if _length(s, values) < max(3, need.at(s)) or _clashes(s, program, values)]
        if not short:
            break
        values[max(str(s.name) for s in short[0].free_symbols)] += 1
    if max(values.values(), default=0) > limits.size:
        raise LimitReached(f"a size of {max(values.values())}; the limit is {limits.size}")
    return values


def _length(sort: object, values: Mapping[str, int]) -> int:
    return int(arithmetic(sort)(values))


def _clashes(sort: object, program: Program, values: Mapping[str, int]) -> bool:
    return any(other != sort and _length(other, values) == _length(sort, values) for other in program.sorts)


# --- error bound -----------------------------------------------------------------------------------------------


def log_error(need: Needs, sizes: Mapping[str, int]) -> float:
    """log2 of the probability that one trial that is not void errs."""
    lengths = [_length(sort, sizes) for sort in need.program.sorts]
    spread = sum(_entries(slots, lengths) for slots in need.reciprocals)
    by_function: dict[str, tuple[int, int]] = {}
    for atom in need.atoms:
        entries, degree = by_function.get(atom.function, (0, 1))
        top = atom.degree * (1 + spread)
        by_function[atom.function] = (entries + _entries(atom.slots, lengths), max(degree, top))
    pairs = sum(entries * entries * degree // 2 for entries, degree in by_function.values())
    final = need.difference.degree + need.difference.depth * (1 + spread)
    return log2(max(pairs + final, 1)) + 1 - PRIME_BITS


def _entries(slots: Counts, lengths: list[int]) -> int:
    return prod(length**count for length, count in zip(lengths, slots, strict=True))


def void_trials(need: Needs, sizes: Mapping[str, int]) -> int:
    """How many primes can divide all coefficients of a polynomial that must not vanish."""
    lengths = [_length(sort, sizes) for sort in need.program.sorts]

    def height(own: float, classes: Counts) -> float:
        return own + sum(count * log2(length) for count, length in zip(classes, lengths, strict=True))

    spread = 1 + sum(_entries(slots, lengths) for slots in need.reciprocals)
    found = int(height(need.difference.height + need.difference.fall * spread, need.classes) // PRIME_BITS)
    heights = [(atom, height(atom.height * spread + 1, atom.classes)) for atom in need.atoms]
    for atom, own in heights:
        void = int(2 * own // PRIME_BITS)
        found += void * len(need.atoms) * BELL[min(2 * sum(atom.slots), len(BELL) - 1)] if own >= PRIME_BITS / 2 else 0
    return found


def trials(need: Needs, sizes: Mapping[str, int], choices: int, limits: Limits) -> tuple[int, float]:
    """Trials for each choice of sizes, and the probability of a false equal in all."""
    single = log_error(need, sizes)
    if single >= -1:
        raise LimitReached("the degree of the claim leaves no bound on the error below one")
    target = limits.error_exponent + log2(choices)
    count = max(ceil(target / -single), 2)
    total = count + void_trials(need, sizes)
    if total > limits.trials:
        raise LimitReached(f"{total} trials for the error bound; the limit is {limits.trials}")
    return total, choices * 2.0 ** (single * count)
