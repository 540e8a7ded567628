"""Where claims of one model are evaluated at one batch: members are computed once for all claims and witnesses."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import sympy as sp

from derive.language.substitute import free_letters
from derive.model import Model
from verify.claim import Assumption, Claim
from verify.instances import Batch, Key, lengths_of, sizes_in
from verify.oracles.arithmetic import Array, Bounded, Number, bounded, value_of
from verify.oracles.derivatives import laid_out
from verify.oracles.draws import Draws, checked_assumptions, constraints
from verify.oracles.letters import Env, integer
from verify.oracles.limits import OutOfScope
from verify.oracles.tangents import tangent
from verify.oracles.timeline import Timeline
from verify.oracles.worlds import BoundedWorld, World


class Witness(Protocol):
    """Where derivatives come from: everything else of a claim is evaluated alike for all witnesses."""

    name: str

    def raw(self, lab: Laboratory, node: Any, env: Env) -> Bounded:
        """A derivative node's raw entries (see `derivatives`) and bounds of their errors."""
        ...


class Laboratory:
    """A model at a batch: the plain world and the one with error bounds."""

    def __init__(self, model: Model, draws: Draws, bounds: tuple[Assumption, ...], sizes: Env) -> None:
        self.model, self.draws = model, draws
        last = model.time.last
        steps = {last: draws.batch.last} if isinstance(last, sp.Symbol) else {}
        self.env: dict[sp.Symbol, int] = {**sizes, **steps}
        self.timeline = Timeline(model, draws.batch.last if steps else int(last))
        self.plain = World(self.timeline, draws, self.env)
        self.bounded = BoundedWorld(self.timeline, draws, self.env)
        self.judges: dict[str, Judge] = {}
        self.notes: dict[Any, Any] = {}  # what a witness keeps for this model and batch
        self._rulers: dict[Any, Bounded] = {}
        for bound in bounds:
            self._set_bound(bound)

    def judge(self, witness: Witness) -> Judge:
        """The world in which a claim is judged with this witness's derivatives."""
        if witness.name not in self.judges:
            self.judges[witness.name] = Judge(self, witness)
        return self.judges[witness.name]

    def ruler(self, node: Any, env: Env) -> Bounded:
        """The raw derivative by forward accumulation, with the error bound that every route must keep."""
        key = node_key(node, env)
        if key not in self._rulers:
            self._rulers[key] = bounded(tangent(self.bounded, node, env))
        return self._rulers[key]

    def ruled(self, value: Any, node: Any, env: Env) -> Bounded:
        """Another route's raw derivative with the ruler's bound, four times.

        Forward, backward and complex arithmetic round the same products of the same paths, whose absolute
        values the bound adds up; four covers that a route needs more roundings on a path than the ruler.
        """
        measured = self.ruler(node, env)
        error = 0.0 if measured.error is None else 4 * measured.error
        return Bounded(*np.broadcast_arrays(value, measured.size, error))

    def _set_bound(self, assumption: Assumption) -> None:
        """γ with ‖A_k‖ ≤ γ at every step is set to the largest of the norms."""
        letters = [s for s in free_letters(assumption.subject) if s not in self.env or s == self.model.time.last]
        envs: list[dict[sp.Symbol, int]] = [dict(self.env)]
        for letter in letters:
            span = range(self.model.time.first, self.timeline.last + 1)
            envs = [{**env, letter: step} for env in envs for step in span]
        norms = [
            value_of(norm) for norm in (self._if_in_scope(assumption.subject, env) for env in envs) if norm is not None
        ]
        key: Key = (str(assumption.value.name), ())
        self.plain.given[key] = np.maximum.reduce(np.broadcast_arrays(*norms))
        self.bounded.given[key] = bounded(self.plain.given[key])

    def _if_in_scope(self, formula: Any, env: Env) -> Number | None:
        try:
            return self.plain.value(formula, env)
        except OutOfScope:
            return None


class Judge(BoundedWorld):
    """The bounded world of a laboratory, with derivatives and their names (δ) by one witness."""

    def __init__(self, lab: Laboratory, witness: Witness) -> None:
        super().__init__(lab.timeline, lab.draws, lab.env)
        self.lab, self.witness = lab, witness
        self.found: dict[Any, Number] = {}

    def at(self, key: Key, expr: Any) -> Number:
        """Definitions are this world's own; everything else is the laboratory's."""
        return super().at(key, expr) if key[0] in self.timeline.definitions else self.lab.bounded.at(key, expr)

    def derivative(self, node: Any, env: Env) -> Number:
        """By the witness."""
        key = (type(node), node_key(node, env))
        if key not in self.found:
            self.found[key] = laid_out(node, self.witness.raw(self.lab, node, env))
        return self.found[key]


def parameters_and_inputs(lab: Laboratory) -> dict[Key, Array]:
    """What has been drawn so far (an instance is examined first)."""
    return {
        key: value_of(value)
        for key, value in {**lab.plain.memo, **lab.bounded.memo}.items()
        if lab.timeline.equation(*key) is None and key[0] not in lab.model.loss_by_name
    }


@lru_cache(maxsize=1 << 14)
def letters_of(formula: Any) -> tuple[sp.Symbol, ...]:
    """The free letters of a formula, sorted."""
    return tuple(sorted(free_letters(formula), key=lambda letter: str(letter.name)))


def node_key(node: Any, env: Env) -> Any:
    """What a derivative node means: its parts and the values of its free letters."""
    return node.args, tuple(env.get(letter) for letter in letters_of(node))


@lru_cache(maxsize=64)  # all witnesses ask for one claim in turn: comparing whole models again would cost more
def laboratory(claim: Claim, batch: Batch) -> Laboratory:
    """The laboratory for a claim; claims of one model with the same assumptions share it."""
    checked_assumptions(claim.model, claim.assumptions)
    bounds = tuple(a for a in claim.assumptions if a.kind == "bound")
    sizes = _letters(claim, batch)
    short = next((length for length in lengths_of(claim) if integer(length, dict(sizes)) < 1), None)
    if short is not None:
        raise OutOfScope(f"an axis of length {short} has no entry at these sizes")
    return _laboratory(claim.model, Draws(batch, constraints(claim)), bounds, sizes)


@lru_cache(maxsize=128)
def _laboratory(
    model: Model, draws: Draws, bounds: tuple[Assumption, ...], sizes: tuple[tuple[sp.Symbol, int], ...]
) -> Laboratory:
    return Laboratory(model, draws, bounds, dict(sizes))


def _letters(claim: Claim, batch: Batch) -> tuple[tuple[sp.Symbol, int], ...]:
    """Size letters with their values; a claim's own letters, which its model does not know, come after."""
    known = dict(batch.sizes)
    formulas = [side for e in claim.model.equations for side in (e.left, e.right)] + [claim.left, claim.right]
    letters = sorted(set().union(*map(sizes_in, formulas)), key=lambda letter: str(letter.name))
    free = (size for size in range(2, 99) if size not in known.values())
    return tuple((letter, known[letter.name] if letter.name in known else next(free)) for letter in letters)
