"""The prime-field witness: one claim at one choice of steps, for all sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import numpy as np

from verify.claim import Claim
from verify.deciders.outcome import Outcome
from verify.deciders.prime_field import bounds
from verify.deciders.prime_field.arrays import Arrays, ndim
from verify.deciders.prime_field.classes import Assumed
from verify.deciders.prime_field.exact import Balls, Rationals
from verify.deciders.prime_field.fields import Array, Field, PrimeField, word
from verify.deciders.prime_field.limits import Limits
from verify.deciders.prime_field.problems import Degenerate, LimitReached, Undefined, Unsupported
from verify.deciders.prime_field.program import Program, compiled
from verify.deciders.prime_field.scope import BOUND, Env, Freed, Run, Window
from verify.times import Times

WITNESS = "prime field"
DEFAULT = Limits()
GENERAL = (Freed(members=True, numbers=True), Freed(generic=True))
FEW = 2  # trials that show most differences
RATIONAL = frozenset({"identity", "reciprocal", "relu", "leaky relu"})  # kinds that take rationals to rationals


def decide_at(claim: Claim, times: Times, *, seed: int = 0, limits: Limits = DEFAULT) -> Outcome:
    """Decide a claim at given steps for every size.

    `times` gives every step letter of the claim a number. `equal` is wrong with probability at most `bound`
    and, where `at_sizes` names some, said of these alone;
    `differ` is certain (concrete functions: confirmed in interval arithmetic). `unknown` names what this witness
    does not decide, `limit` the limit that was hit. Source: the small-model lemma, see `bounds`.
    """
    env = {str(letter.name): int(value) for letter, value in times.items()}
    return answered(lambda: decide(compiled(claim, limits), env, seed, limits))


def answered(decide: Callable[[], Outcome]) -> Outcome:
    """The outcome, whatever stops the decision named in it."""
    try:
        return decide()
    except Unsupported as problem:
        return Outcome(WITNESS, "unknown", detail=str(problem))
    except LimitReached as problem:
        return Outcome(WITNESS, "limit", detail=str(problem))
    except Undefined as problem:
        return Outcome(WITNESS, "unknown", detail=str(problem))
    except Degenerate as problem:
        return Outcome(WITNESS, "unknown", detail=f"{problem} in every draw")
    except RecursionError:
        return Outcome(WITNESS, "limit", detail="formulas or steps nested too deep")
    except MemoryError:
        return Outcome(WITNESS, "limit", detail="its arrays do not fit into memory")


def decide(program: Program, env: Env, seed: int, limits: Limits, window: Window | None = None) -> Outcome:
    """The decision; what holds for every tensor in the place of a convolution's holds for it, at all sizes."""
    if program.has_slides:
        opaque = Assumed(slides_are_opaque=True)
        found = answered(partial(_generally, program, env, seed, limits, window, opaque))
        if found.outcome == "equal":
            return found
    return _generally(program, env, seed, limits, window, Assumed())


def _generally(
    program: Program, env: Env, seed: int, limits: Limits, window: Window | None, assumed: Assumed
) -> Outcome:
    """Counts, sizes, evaluation; where many sizes are needed, more general claims first, which need few (`Freed`)."""
    need = bounds.needs(program, env, assumed, window)
    for freed in GENERAL if any(need.degrees) else ():
        found = answered(partial(_freely, program, env, seed, limits, window, assumed, freed))
        if found.outcome == "equal":
            return found
    return _decided(need, assumed, env, seed, limits, window)


def _freely(
    program: Program, env: Env, seed: int, limits: Limits, window: Window | None, assumed: Assumed, freed: Freed
) -> Outcome:
    """The more general claim, whose failure says nothing."""
    need = bounds.needs(program, env, assumed, window, freed)
    return _decided(need, assumed, env, seed, limits, window, freed)


def _decided(
    need: bounds.Needs,
    assumed: Assumed,
    env: Env,
    seed: int,
    limits: Limits,
    window: Window | None,
    freed: Freed = BOUND,
) -> Outcome:
    """Sizes and evaluation; counted again with weaker assumptions where the evaluation denies one."""
    while True:
        settle = partial(_settled, need, assumed=assumed, env=env, seed=seed, limits=limits, window=window, freed=freed)
        found = _first_defined(bounds.grids(need, limits), settle)
        if isinstance(found, Outcome):
            return found
        assumed = found
        need = bounds.needs(need.program, env, assumed, window, freed)


Grid = list[dict[str, int]]
Found = TypeVar("Found")


def _first_defined(grids: Iterable[Grid], evaluate: Callable[[Grid], Found]) -> Found:
    """What is found on the first grid on which every coefficient has a value. Raises `Undefined` where none is."""
    reason = Undefined("no sizes at which every coefficient has a value")
    for choices in grids:
        try:
            return evaluate(choices)
        except Undefined as problem:
            reason = problem
    raise reason


def _settled(
    need: bounds.Needs,
    grid: Grid,
    assumed: Assumed,
    env: Env,
    seed: int,
    limits: Limits,
    window: Window | None,
    freed: Freed,
) -> Outcome | Assumed:
    """The outcome on one grid, or the weaker assumptions that the evaluation leaves."""
    count, error = bounds.trials(need, grid[-1], len(grid), limits)
    search = partial(
        _searched, need.program, assumed=assumed, env=env, seed=seed, limits=limits, window=window, freed=freed
    )
    sizes, left = search(grid[:1], FEW) if count >= 4 * FEW else (None, assumed)  # most that is false differs anywhere
    if sizes is None:
        sizes, left = search(grid, count)
    if sizes is not None and freed != BOUND:
        return Outcome(WITNESS, "unknown", count, detail="it fails for other values of the members")
    if sizes is not None and assumed.slides_are_opaque:
        return Outcome(WITNESS, "unknown", count, detail="a law of convolution that is not used")
    if sizes is not None:
        return _different(need.program, env, sizes, count, seed, limits, window)
    if left != assumed:
        return left
    if not need.covers_all_sizes:
        tried = "; ".join(map(_shown, grid)) or "its own sizes"
        detail = f"at {tried} alone: a convolution reads entries at sums of indices"
        return Outcome(WITNESS, "equal", count * len(grid), error, detail, at_sizes=tried)
    route = _route(need.program, need, grid)
    return Outcome(WITNESS, "equal", count * len(grid), error, f"{route}{freed.said}")


def _searched(
    program: Program,
    grid: Grid,
    count: int,
    assumed: Assumed,
    env: Env,
    seed: int,
    limits: Limits,
    window: Window | None = None,
    freed: Freed = BOUND,
) -> tuple[dict[str, int] | None, Assumed]:
    """The first sizes of a grid at which the sides differ, and the assumptions that the evaluation leaves.

    Where tanh and σ may be related to what else occurs, a difference counts in exponentials only.
    """
    for sizes in grid:
        ways = assumed.by_exponentials, assumed.slides_are_opaque, freed
        field, algebra, sides = evaluated(program, env, sizes, count, seed, limits, window, *ways)
        if differences(program, field, algebra, sides).any():
            if not assumed.by_exponentials and field.has_related_functions():
                return None, replace(assumed, by_exponentials=True, exp_cancels="tanh" in program.kinds)
            return sizes, assumed
        assumed = assumed.weakened(algebra.has_equal_atoms, field.has_opposite_exponents())
    return None, assumed


def _route(program: Program, need: bounds.Needs, choices: list[dict[str, int]]) -> str:
    classes = ", ".join(f"{sort}: {need.at(sort)}" for sort in program.sorts if not sort.is_Integer)
    sizes = "; ".join(_shown(choice) for choice in choices[:2]) + ("; …" if len(choices) > 2 else "")
    ignored = f"; without using {', '.join(program.ignored)}" if program.ignored else ""
    return f"at {sizes or 'its own sizes'}" + (f" (index classes {classes})" if classes else "") + ignored


def _shown(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in sizes.items())


def evaluated(
    program: Program,
    env: Env,
    sizes: Mapping[str, int],
    trials: int,
    seed: int,
    limits: Limits,
    window: Window | None = None,
    by_exponentials: bool = True,
    slides_are_opaque: bool = False,
    freed: Freed = BOUND,
) -> tuple[PrimeField, Arrays, tuple[Array, Array]]:
    """Both sides over prime fields; drawn anew while a denominator vanishes."""
    axes = ndim(len(program.letters))
    for attempt in range(limits.redraws):
        field = PrimeField(trials, axes, word(program.key, seed, attempt, *sorted(sizes.items())))
        numbers = {name: field.number(name) for name in sizes} if freed.numbers else None
        ways = True, by_exponentials, slides_are_opaque, numbers
        algebra = Arrays(field, sizes, program.letters, limits.entries, *ways)
        try:
            return field, algebra, sides_of(program, Run(program.system, algebra, env, window, freed))
        except Undefined:
            raise
        except Degenerate as problem:
            reason = problem
    raise reason


def sides_of(program: Program, run: Run) -> tuple[Array, Array]:
    """Left and right side in a run."""
    zero = run.algebra.zero(*program.shape)
    left, right = (side(run.root, run.env).get(0, zero) for side in (program.left, program.right))
    return np.asarray(left), np.asarray(right)


def differences(program: Program, field: Field, algebra: Arrays, sides: tuple[Array, Array]) -> Array:
    """Where the sides differ, among the component letters that meet the claim's conditions."""
    found = field.differ(*sides)
    for mask in _conditions(program, algebra):
        found = found & mask
    return np.asarray(found)


def _conditions(program: Program, algebra: Arrays) -> list[Array]:
    if not program.claim.conditions:
        return []
    letters = {str(letter.name): letter for letter in program.claim.letters}
    masks = []
    for condition in program.claim.conditions:
        names = sorted(str(s.name) for s in condition.left.free_symbols | condition.right.free_symbols)
        if not names or not set(names) <= set(letters):
            continue
        lengths = [algebra.length(program.letters[name]) for name in names]
        mask = np.array(
            [
                condition.holds({letters[n]: int(v) for n, v in zip(names, place, strict=True)})
                for place in np.ndindex(*lengths)
            ]
        )
        masks.append(algebra.along(names, mask.reshape(lengths)))
    return masks


def differs_at(
    claim: Claim,
    times: Times,
    sizes: Mapping[str, int] | None = None,
    *,
    trials: int = 1,
    seed: int = 0,
    limits: Limits = DEFAULT,
) -> bool:
    """Whether the sides differ at some drawn point: certain if true, for opaque functions; no claim if false.

    `sizes` by the letters' names; by default any of those that would decide the claim.
    Raises `Unsupported`, `LimitReached`, `Degenerate`.
    """
    if sizes is None:
        return differing_sizes(claim, times, trials=trials, seed=seed, limits=limits) is not None
    env = {str(letter.name): int(value) for letter, value in times.items()}
    program = compiled(claim, limits)
    field, algebra, sides = evaluated(program, env, sizes, trials, seed, limits)
    return bool(differences(program, field, algebra, sides).any())


def differing_sizes(
    claim: Claim, times: Times, *, trials: int = 1, seed: int = 0, limits: Limits = DEFAULT
) -> Mapping[str, int] | None:
    """The first of the sizes that would decide a claim at which its sides differ, None where they do at none.

    Raises `Unsupported`, `LimitReached`, `Degenerate`.
    """
    env = {str(letter.name): int(value) for letter, value in times.items()}
    program = compiled(claim, limits)
    assumed = Assumed()
    while True:
        grids = bounds.grids(bounds.needs(program, env, assumed), limits)
        search = partial(_searched, program, count=trials, assumed=assumed, env=env, seed=seed, limits=limits)
        sizes, left = _first_defined(grids, search)
        if sizes is not None or left == assumed:
            return sizes
        assumed = left


# --- differences -----------------------------------------------------------------------------------------------


def _different(
    program: Program, env: Env, sizes: Mapping[str, int], count: int, seed: int, limits: Limits, window: Window | None
) -> Outcome:
    where: dict[str, Any] = {"sizes": dict(sizes), "times": dict(env)}
    if window is not None:
        return Outcome(WITNESS, "unknown", count, detail="not settled by a window of steps")
    if program.ignored:
        detail = f"differs without the assumption {', '.join(program.ignored)}, which is not used here"
        return Outcome(WITNESS, "unknown", count, detail=detail, where=where)
    if program.kinds - {"identity", "reciprocal"}:
        tried = [*bounds.small(program, sizes), sizes]
        found = next((choice for choice in tried if confirmed(program, env, choice, seed, limits)), None)
        if found is None:
            laws = ", ".join(sorted(program.kinds))
            detail = f"not provable from the laws of {laws}, and not refuted in real arithmetic"
            return Outcome(WITNESS, "unknown", count, detail=detail, where=where)
        sizes, where = found, {**where, "sizes": dict(found)}
    return Outcome(WITNESS, "differ", count, detail=f"at {_shown(sizes)}", where=where)


def confirmed(program: Program, env: Env, sizes: Mapping[str, int], seed: int, limits: Limits) -> bool:
    """Whether real balls, or rationals where they do, separate the sides at some drawn point."""
    axes = ndim(len(program.letters))
    kind = Rationals if program.kinds <= RATIONAL else Balls
    for attempt in range(2 * limits.redraws):
        field = kind(axes, word(program.key, seed, "balls", attempt))
        algebra = Arrays(field, sizes, program.letters, limits.entries)
        try:
            sides = sides_of(program, Run(program.system, algebra, env))
        except Degenerate:
            continue
        if differences(program, field, algebra, sides).any():
            return True
    return False
