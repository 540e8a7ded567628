"""A claim examined by one witness on many instances: at every batch, at some of its steps, for all letters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
import sympy as sp

from verify.claim import Claim
from verify.deciders.outcome import Outcome
from verify.instances import Batch, Instance, batches
from verify.oracles.arithmetic import Bounded, bounded
from verify.oracles.comparison import Comparison, compare, evidence
from verify.oracles.laboratory import Judge, Laboratory, Witness, laboratory
from verify.oracles.letters import Env, integer
from verify.oracles.limits import OutOfScope, Unsupported

PLACES = 4  # how many values of the step letters are tried in a batch: the lowest, the highest, some between


@dataclass(frozen=True)
class Finding:
    """A place where a claim does not hold, and the instance."""

    comparison: Comparison
    instance: Instance
    place: dict[str, Any]


def examine(witness: Witness, claim: Claim, instances: Iterable[Instance]) -> Outcome:
    """One witness's answer: `equal` means that no instance differed; `instances` counts
    those that were clear at every place.

    `unknown` where the witness cannot evaluate the claim, `failed` where a value is not finite. See `limits.answered`
    for what else can stop a witness.
    """
    count = 0
    try:
        for batch in batches(instances):
            clear = np.zeros(len(batch.seeds), dtype=int)  # 0: nothing evaluated, 1: equal so far, -1: once unclear
            for finding, comparison in findings(witness, claim, batch):
                if finding is not None:
                    return differing(witness, finding, count + len(batch.seeds))
                unclear = np.array([verdict == "unclear" for verdict in comparison.verdicts])
                clear = np.where(unclear | (clear < 0), -1, 1)
            count += int((clear > 0).sum())
    except Unsupported as reason:
        return Outcome(witness.name, "unknown", count, detail=str(reason))
    if not count:
        return Outcome(witness.name, "unknown", detail="nothing is in scope, or all is within rounding")
    return Outcome(witness.name, "equal", count)


def differing(witness: Witness, finding: Finding, count: int) -> Outcome:
    """The outcome for a place where the claim does not hold."""
    where = evidence(finding.comparison, finding.place)
    if "broken" in finding.comparison.verdicts:
        return Outcome(witness.name, "failed", count, detail="a value is not finite", where=where)
    c = finding.comparison
    detail = f"{c.left:.17g} against {c.right:.17g} (relative {c.relative:.1e}, bound {c.bound:.1e})"
    return Outcome(witness.name, "differ", count, detail=detail, where=where)


def findings(witness: Witness, claim: Claim, batch: Batch) -> Iterator[tuple[Finding | None, Comparison]]:
    """Every comparison at a batch; a finding with the first instance that does not hold."""
    lab = laboratory(claim, batch)
    judge = lab.judge(witness)
    for times in places(claim, lab):
        for letters in component_letters(claim, lab.env):
            env = {**lab.env, **times, **letters}
            if not all(condition.holds(dict(env)) for condition in claim.conditions):
                continue
            left, right = (bounded(judge.value(side, env)) for side in (claim.left, claim.right))
            comparison = compare(left, right, claim.relation, len(batch.seeds))
            bad = comparison.first("broken") if "broken" in comparison.verdicts else comparison.first("fails")
            yield (None if bad is None else found(claim, batch, bad, times, letters, left, right)), comparison


def found(claim: Claim, batch: Batch, bad: int, times: Env, letters: Env, left: Bounded, right: Bounded) -> Finding:
    """The finding at one instance of a batch."""
    comparison = compare(left, right, claim.relation, len(batch.seeds), only=bad)
    last = claim.model.time.last
    steps = {**({str(last): batch.last} if isinstance(last, sp.Symbol) else {}), **named(times)}
    place: dict[str, Any] = {"sizes": dict(batch.sizes), "times": steps, "seed": batch.seeds[bad]}
    if letters:
        place["letters"] = named(letters)
    return Finding(comparison, batch.instance(bad), place)


@np.errstate(all="ignore")  # what is not finite at one place may hide at another
def side(witness: Witness, formula: Any, claim: Claim, instance: Instance, where: Mapping[str, Any]) -> list[Any]:
    """The numbers of a side of a claim at the place of an outcome, as nested lists; back axes come first."""
    lab = laboratory(claim, instance.batch)
    known = {**dict(where["times"]), **dict(where.get("letters", {}))}
    letters = [*claim.step_letters, *(letter for letter, _ in letters_of_claim(claim))]
    env = {**lab.env, **{letter: known[str(letter)] for letter in letters}}
    found = bounded(lab.judge(witness).value(formula, env)).value
    entries = np.broadcast_to(found, (1, *(1,) * (4 - found.ndim), *found.shape)[-5:])[0]
    return list((entries[0, 0] if entries.shape[:2] == (1, 1) else entries).tolist())


def named(values: Env) -> dict[str, int]:
    """Letters by name."""
    return {str(letter): value for letter, value in values.items()}


def component_letters(claim: Claim, env: Env) -> Iterator[dict[sp.Symbol, int]]:
    """All values of the free component letters."""
    axes = {letter: int(np.prod([integer(size, env) for size in axis])) for letter, axis in letters_of_claim(claim)}
    for values in product(*(range(size) for size in axes.values())):
        yield dict(zip(axes, values, strict=True))


@lru_cache(maxsize=1024)
def letters_of_claim(claim: Claim) -> tuple[tuple[sp.Symbol, Any], ...]:
    """The free component letters with the axes they run over."""
    return tuple(claim.letters.items())


def places(claim: Claim, lab: Laboratory) -> list[dict[sp.Symbol, int]]:
    """Some values of the free step letters at which the claim is in scope: the first, the last, and some between."""
    key = ("places", claim)
    if key not in lab.notes:
        lab.notes[key] = spread([times for times in step_values(claim, lab) if in_scope(claim, lab, times)], PLACES)
    return list(lab.notes[key])


def step_values(claim: Claim, lab: Laboratory) -> Iterator[dict[sp.Symbol, int]]:
    """Values of the step letters within their ranges."""
    span = range(claim.model.time.first - 1, lab.timeline.last + 2)
    letters = [index.letter for index in claim.indices]
    for values in product(*(span for _ in letters)):
        times = dict(zip(letters, values, strict=True))
        env = {**lab.env, **times}
        ranges = ((integer(i.first, env), env[i.letter], integer(i.last, env)) for i in claim.indices)
        if all(lo <= value <= hi for lo, value, hi in ranges):
            yield times


def in_scope(claim: Claim, lab: Laboratory, times: Env) -> bool:
    """Conditions on steps hold, and every member that is written exists."""
    env = {**lab.env, **times}
    known = set(env)
    steps = [c for c in claim.conditions if (c.left.free_symbols | c.right.free_symbols) <= known]
    if not all(condition.holds(dict(env)) for condition in steps):
        return False
    letters = {letter: 0 for letter, _ in letters_of_claim(claim)}
    try:
        for side in (claim.left, claim.right):
            Scout(lab).value(side, {**env, **letters})
    except OutOfScope:
        return False
    return True


class Scout(Judge):
    """A judge that only looks whether everything written exists: derivatives are taken as zero there."""

    def __init__(self, lab: Laboratory) -> None:
        super().__init__(lab, _NoWitness())


class _NoWitness:
    name = "scope"

    def raw(self, lab: Laboratory, node: Any, env: Env) -> Bounded:
        """The ruler's derivative: it evaluates every member that the node writes."""
        return lab.ruler(node, env)


def spread(items: list[Any], count: int) -> list[Any]:
    """At most `count` of the items, evenly spread, the first and the last among them."""
    if len(items) <= count:
        return items
    return [items[round(i * (len(items) - 1) / (count - 1))] for i in range(count)]
