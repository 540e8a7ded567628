"""The data of a batch: every tensor, function and loss coefficient that the model leaves open, drawn."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Protocol

import numpy as np
import sympy as sp

from derive.language.functions import OPAQUE
from derive.language.nodes import Elementwise, Member
from derive.model import Model
from verify.claim import Assumption, Claim
from verify.instances import Array, Batch, Key, uniform
from verify.oracles.arithmetic import Function
from verify.oracles.functions import Known, Smooth
from verify.oracles.limits import Unsupported

# The assumptions that a draw can satisfy, in the order in which they are imposed; `bound` is set afterwards.
DRAWN = ("positive", "symmetric", "diagonal", "invertible", "orthogonal", "sum_one", "one_hot", "zero")
GRID = 2.0**-40
Constraint = tuple[int, str, int | None, str]  # (place in DRAWN, name, the step where only one is meant, kind)


@lru_cache(maxsize=1024)
def constraints(claim: Claim) -> tuple[Constraint, ...]:
    """What the drawn tensors must satisfy: the assumptions, and positive arguments of log, sqrt and 1/z."""
    assumed = {(subject_of(a), a.kind) for a in claim.assumptions if a.kind != "bound"}
    drawn = {(DRAWN.index(kind), str(x.name), only_step(x), kind) for x, kind in assumed}
    return tuple(sorted(drawn | _positive(claim), key=str))


def only_step(subject: Any) -> int | None:
    """The step of s_0; None where all steps are meant."""
    is_one = isinstance(subject, Member) and subject.indices and subject.time.is_Integer
    return int(subject.time) if is_one else None


def subject_of(assumption: Assumption) -> Any:
    """The one tensor an assumption is about, written alone or inside a formula such as 1ᵀ y_k."""
    if assumption.kind not in DRAWN:
        raise Unsupported(f"the assumption {assumption.kind!r}")
    nodes = sp.preorder_traversal(assumption.subject)
    found = {node for node in nodes if isinstance(node, Member | sp.MatrixSymbol)}
    if len(found) != 1:
        raise Unsupported(f"an assumption about {len(found)} tensors")
    return found.pop()


def _positive(claim: Claim) -> set[Constraint]:
    formulas = [claim.left, claim.right, *(equation.right for equation in claim.model.equations)]
    names = frozenset().union(*map(_positive_names, formulas))
    return {(DRAWN.index("positive"), name, None, "positive") for name in names}


@lru_cache(maxsize=4096)
def _positive_names(formula: Any) -> frozenset[str]:
    """The tensors of which a formula takes the logarithm, the root or the reciprocal."""
    return frozenset(
        str(node.argument.name)
        for node in sp.preorder_traversal(formula)
        if isinstance(node, Elementwise)
        and node.kind in ("log", "sqrt", "reciprocal")
        and isinstance(node.argument, Member | sp.MatrixSymbol)
    )


class Drawn(Protocol):
    """What a world needs of its draws."""

    def tensor(self, key: Key, rows: int, cols: int) -> Array:
        """The entries of an input or parameter."""
        ...

    def function(self, name: str, kind: str) -> Function:
        """A concrete elementwise function."""
        ...


@dataclass(frozen=True)
class Draws:
    """Entries of order 1, matrices scaled so that pre-activations stay bounded: no saturation."""

    batch: Batch
    constraints: tuple[Constraint, ...] = ()

    def tensor(self, key: Key, rows: int, cols: int) -> Array:
        """A tensor (instances, 1, 1, rows, cols)."""
        fixed = self._fixed.get(key)
        if fixed is not None:
            return np.broadcast_to(fixed, (len(self.batch.seeds), 1, 1, rows, cols)) * 1.0
        name, indices = key
        entries = uniform(self.batch.seeds, f"{name}[{','.join(map(str, indices))}]", rows, cols)
        scale = 1.5 / np.sqrt(cols) if cols > 1 else 1.0
        return self.constrained(key, scale * entries)[:, None, None]

    def constrained(self, key: Key, entries: Array) -> Array:
        """The entries made positive, symmetric, diagonal, zero, or with sum one, as is assumed."""
        name, indices = key
        for _, subject, step, kind in self.constraints:
            if subject == name and step in (None, *indices[-1:]):
                entries = constrain(kind, entries)
        return entries

    def is_rounded(self, key: Key) -> bool:
        """Whether a drawn tensor meets its assumptions up to rounding only."""
        name, indices = key
        return any(kind == "orthogonal" and subject == name and step in (None, *indices[-1:])
                   for _, subject, step, kind in self.constraints)  # fmt: skip

    def function(self, name: str, kind: str) -> Function:
        """A known function, or a concrete one for an opaque name."""
        return Known(kind) if kind != OPAQUE else self._smooth(name)

    def _smooth(self, name: str) -> Smooth:
        if name not in self._functions:
            a, b, c, d, e = (uniform(self.batch.seeds, f"{part} of {name}", 1, 1)[:, None, None] for part in "abcde")
            self._functions[name] = Smooth(0.4 + 0.2 * a, 0.6 + 0.3 * b, 0.5 * c, 0.4 + 0.2 * d, 1.5 * e)
        return self._functions[name]

    @cached_property
    def _functions(self) -> dict[str, Smooth]:
        return {}

    @cached_property
    def _fixed(self) -> dict[Key, Array]:
        return {key: np.array(rows, dtype=float) for key, rows in self.batch.values}


def constrain(kind: str, entries: Array) -> Array:
    """Drawn entries that satisfy an assumption; generic otherwise."""
    rows = entries.shape[-2]
    match kind:
        case "positive":
            return abs(entries) + (sp.Rational(1, 2) if entries.dtype == object else 0.5)
        case "sum_one":
            return summing_to_one(entries)
        case "one_hot":
            return (entries == entries.max((-2, -1), keepdims=True)).astype(int)
        case "symmetric":
            return (entries + entries.swapaxes(-1, -2)) / 2
        case "invertible":  # a dominant diagonal: no entry is larger than 1.5 / √n
            return entries + (rows + 1) * np.eye(rows, dtype=int)
        case "orthogonal":
            return orthogonal(entries)
        case "diagonal":
            return entries * np.eye(rows, dtype=int)
        case _:
            return 0 * entries


def meets(kind: str, entries: Array) -> bool:
    """Whether one matrix of floats is what an assumption says, up to rounding where drawn ones are so."""
    rows = entries.shape[-2]
    match kind:
        case "positive":
            return bool((entries > 0).all())
        case "sum_one":
            return bool(entries.sum() == 1)
        case "symmetric":
            return bool((entries == entries.T).all())
        case "invertible":
            return bool(abs(np.linalg.det(entries)) > 2.0**-20)
        case "orthogonal":
            return bool(np.abs(entries.T @ entries - np.eye(rows)).max() < 2.0**-40)
        case _:  # one_hot, diagonal, zero: what is drawn so is left so
            return bool((constrain(kind, entries) == entries).all())


def orthogonal(entries: Array) -> Array:
    """QᵀQ = I: by QR, or for exact entries by Cayley's (I - S)(I + S)⁻¹ of a skew S."""
    if entries.dtype != object:
        return np.linalg.qr(entries)[0]
    one = sp.eye(entries.shape[-1])
    skew = [sp.Matrix((matrix - matrix.T).tolist()) for matrix in entries]
    return np.stack([np.array(((one - s) * (one + s).inv()).tolist(), dtype=object) for s in skew])


def summing_to_one(entries: Array) -> Array:
    """Positive entries over their sum, others moved by one amount, zeros left; the sum is 1 without rounding.

    Floats become multiples of 2^-40, of which sums are exact; what that leaves goes to the last entry, on the diagonal.
    """
    if entries.dtype == object:
        return _moved_to_one(entries)
    moved = np.rint(_moved_to_one(entries) / GRID) * GRID
    moved[..., -1:, -1:] += 1 - total_of(moved)
    return moved


def _moved_to_one(entries: Array) -> Array:
    total, free = total_of(entries), (entries != 0).astype(int)
    is_positive = (entries >= 0).all((-2, -1), keepdims=True)
    moved = entries + free * (1 - total) / np.maximum(1, total_of(free))
    return np.where(is_positive, entries / np.where(is_positive & (total != 0), total, 1), moved)


def total_of(entries: Array) -> Array:
    """The sum of all entries, (…, 1, 1)."""
    return entries.sum((-2, -1), keepdims=True)


def checked_assumptions(model: Model, assumptions: tuple[Assumption, ...]) -> None:
    """Refuse assumptions about what the model computes: only what is drawn can be drawn so."""
    for assumption in assumptions:
        if assumption.kind == "bound":
            continue
        subject = subject_of(assumption)
        step = only_step(subject)
        is_initial = step is not None and step < model.time.first
        if model.equation_of(subject) is not None and not is_initial:
            raise Unsupported(f"an assumption about {subject.name}, which the model computes")
