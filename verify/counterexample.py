"""The smallest counterexample to a claim: steps, then sizes, then small integer values; both sides exact.

Where to look is found with the prime field, which is fast; what is shown is computed anew over the rationals, or
in real balls where a concrete tanh or softmax forces them. An opaque f is shown as a table of its values, an
opaque loss as a table of its derivatives: some polynomial takes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

import numpy as np

from derive.errors import BackproofError
from derive.language.show import show_name
from verify.claim import Claim
from verify.deciders.prime_field.arrays import BACK, LETTERS, Arrays, ndim
from verify.deciders.prime_field.coefficients import arithmetic
from verify.deciders.prime_field.decide import RATIONAL, differences, differing_sizes, differs_at, sides_of
from verify.deciders.prime_field.exact import Balls, Choice, Rationals
from verify.deciders.prime_field.fields import Array, word
from verify.deciders.prime_field.limits import Limits
from verify.deciders.prime_field.problems import Degenerate
from verify.deciders.prime_field.program import Program, compiled
from verify.deciders.prime_field.scope import Env, Run, Shape
from verify.times import Times, instances

LARGEST = 4  # sizes of which all choices are tried; then those up to the ones that decide the claim
MOST = 256  # choices of sizes beyond these
DRAWS = 12
ATTEMPTS = 600  # evaluations spent on small values
SIMPLE = (0, 1, -1, 2)
MANY_ZEROS = 4  # inputs that are 0, from which on they are named together


@dataclass(frozen=True)
class Counterexample:
    """One instance on which the sides differ; numbers are exact rationals as text, or balls {"mid", "rad"}.

    `values` holds the inputs by name[@step], `functions` the tables of unknown functions and of the derivatives of
    unknown losses, `letters` the component (counted from 1) that is shown, empty for whole matrices. Where numeric
    witnesses alone refuted the claim, `is_numeric`, the numbers are decimals: inputs as they went in, sides rounded.
    """

    sizes: Mapping[str, int]
    times: Mapping[str, int]
    values: Mapping[str, Any]
    functions: Mapping[str, Mapping[str, Any]]
    left: Any
    right: Any
    letters: Mapping[str, int] = field(default_factory=dict)
    is_numeric: bool = False

    def summary(self) -> str:
        """Steps, sizes and components in one line."""
        parts = {**self.times, **self.sizes, **self.letters}
        return ", ".join(f"{name} = {value}" for name, value in parts.items()) or "its only instance"

    @property
    def title(self) -> str:
        """What a report calls it: numeric witnesses shrink theirs, and prove none to be the smallest."""
        return "counterexample of a numeric witness" if self.is_numeric else "smallest counterexample"

    @property
    def zeros(self) -> tuple[str, ...]:
        """The inputs that are 0, where they are so many that they share a line."""
        found = tuple(name for name, value in self.values.items() if _is_zero(value))
        return found if len(found) >= MANY_ZEROS else ()

    def as_dict(self) -> dict[str, Any]:
        """Plain data for the JSON report."""
        found = {
            "sizes": dict(self.sizes),
            "times": dict(self.times),
            "values": dict(self.values),
            "functions": {name: dict(table) for name, table in self.functions.items()},
            "left": self.left,
            "right": self.right,
        }
        return {**found, "indices": dict(self.letters)} if self.letters else found


def differ(one: Any, other: Any) -> bool:
    """Whether two entries of the sides are known to differ: exact ones that are not equal, balls that do not meet."""
    if not isinstance(one, Mapping) and not isinstance(other, Mapping):
        return bool(one != other)
    (middle, radius), (centre, reach) = _ball(one), _ball(other)
    return abs(middle - centre) > radius + reach


def _ball(entry: Any) -> tuple[float, float]:
    if isinstance(entry, Mapping):
        return float(entry["mid"]), float(entry["rad"])
    return float(Fraction(entry)), 0.0


def _is_zero(value: object) -> bool:
    """Whether all entries are 0, as text."""
    return all(map(_is_zero, value)) if isinstance(value, list | tuple) else value == "0"


@dataclass
class _Instance:
    """An exact evaluation at chosen values."""

    run: Run
    field: Rationals
    algebra: Arrays
    left: Array
    right: Array
    where: Array


def smallest(
    claim: Claim, *, seed: int = 0, limits: Limits | None = None, steps: int = 6, times: Times | None = None
) -> Counterexample | None:
    """The smallest counterexample up to a last step, None where no exact one is found.

    Smallest: the last step first, then the other steps, then the sum of the sizes (from 1, equal ones allowed).
    `times` looks at these steps only. Reals are used, with balls for values, where a function of the claim has no
    rational values.
    """
    limits = limits or Limits()
    try:
        program = compiled(claim, limits)
    except (BackproofError, RecursionError):
        return None
    if program.ignored:
        return None
    for found in [times] if times is not None else instances(claim, steps):
        example = _at(program, found, seed, limits)
        if example is not None:
            return example
    return None


def _at(program: Program, times: Times, seed: int, limits: Limits) -> Counterexample | None:
    env = {str(letter.name): int(value) for letter, value in times.items()}
    try:
        decisive = differing_sizes(program.claim, times, seed=seed, limits=limits)
        if decisive is None:
            return None
        for sizes in _sizes(program, decisive):
            found = _exact(program, env, sizes, seed, limits) if _differs(program, times, sizes, seed, limits) else None
            if found is not None:
                return found
    except (BackproofError, RecursionError):  # a limit, or a construct that this evaluation does not know
        return None
    return None


def _differs(program: Program, times: Times, sizes: Mapping[str, int], seed: int, limits: Limits) -> bool:
    try:
        return differs_at(program.claim, times, sizes, trials=2, seed=seed, limits=limits)
    except Degenerate:  # at n = 1 a denominator may vanish identically
        return False


def _sizes(program: Program, decisive: Mapping[str, int]) -> Iterator[dict[str, int]]:
    """Choices of sizes, the smallest sum first, up to those at which the prime field differed; every axis has an entry.

    All small ones; then the others, if they are few; last the decisive ones themselves.
    """
    names = program.symbols
    small = list(product(range(1, LARGEST + 1), repeat=len(names)))
    tops = [decisive[name] for name in names]
    larger = product(*(range(1, top + 1) for top in tops)) if prod(tops) <= MOST else [tuple(tops)]
    beyond = [choice for choice in larger if max(choice, default=0) > LARGEST]
    for choice in [*sorted(small, key=_total), *sorted(beyond, key=_total)]:
        sizes = dict(zip(names, choice, strict=True))
        if all(arithmetic(sort)(sizes) >= 1 for sort in program.sorts):
            yield sizes


def _total(choice: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    return sum(choice), choice


# --- exact values ----------------------------------------------------------------------------------------------


def _exact(program: Program, env: Env, sizes: Mapping[str, int], seed: int, limits: Limits) -> Counterexample | None:
    search = _Search(program, env, sizes, limits)
    for attempt in range(DRAWS):
        search.span = 1 if 4 * attempt >= 3 * DRAWS else Rationals.span  # larger ones may grow beyond all digits
        search.seed = word(program.key, seed, "exact", attempt)
        if search.instance({}) is not None:
            return _shown(program, env, sizes, search.simplified())
    return None


class _Search:
    """Looks for small values that keep the sides apart."""

    def __init__(self, program: Program, env: Env, sizes: Mapping[str, int], limits: Limits) -> None:
        self.program, self.env, self.sizes, self.limits = program, env, sizes, limits
        self.seed, self.span = 0, Rationals.span
        self.kind = Rationals if program.kinds <= RATIONAL else Balls
        self.left = ATTEMPTS
        subjects = {a.subject: a.kind for a in program.claim.assumptions if a.kind in ("positive", "nonzero")}
        self.signs = {str(subject.name): kind for subject, kind in subjects.items() if hasattr(subject, "name")}

    def instance(self, choices: Mapping[Choice, int]) -> _Instance | None:
        """The evaluation at these choices, None where the sides agree or a value does not exist."""
        self.left -= 1
        number = self.kind(ndim(len(self.program.letters)), self.seed, choices, self.signs)
        number.span = self.span
        algebra = Arrays(number, self.sizes, self.program.letters, self.limits.entries)
        run = Run(self.program.system, algebra, self.env)
        try:
            left, right = sides_of(self.program, run)
        except Degenerate:
            return None
        where = differences(self.program, number, algebra, (left, right))
        return _Instance(run, number, algebra, left, right, where) if where.any() else None

    def simplified(self) -> _Instance:
        """Greedily: whole names to 0, then entry by entry to 0, 1, -1, 2; tensors before functions."""
        best = self.instance({})
        assert best is not None
        choices = dict(best.field.asked)
        for group in _groups(best):
            best, choices = self._tried(best, choices, {choice: 0 for choice in group if self._allows(choice, 0)})
        settled: set[Choice] = set()
        for _ in range(2):  # once more: values that stood in the way may be simple now
            while choice := next((c for c in _ordered(best) if c not in settled and self.left > 0), None):
                settled.add(choice)
                best, choices = self._simplest(best, choices, choice)
            settled = {c for c in settled if abs(best.field.asked.get(c, 0)) <= 1}
        return best

    def _simplest(
        self, best: _Instance, choices: dict[Choice, int], choice: Choice
    ) -> tuple[_Instance, dict[Choice, int]]:
        for value in SIMPLE:
            if best.field.asked.get(choice) == value:
                break
            if self._allows(choice, value):
                tried, new = self._tried(best, choices, {choice: value})
                if tried is not best:
                    return tried, new
        return best, choices

    def _allows(self, choice: Choice, value: int) -> bool:
        sign = self.signs.get(choice[0].split("@")[0])
        return sign is None or value > 0 or (sign == "nonzero" and value != 0)

    def _tried(
        self, best: _Instance, choices: dict[Choice, int], change: Mapping[Choice, int]
    ) -> tuple[_Instance, dict[Choice, int]]:
        new = {**choices, **change}
        found = self.instance(new) if change and self.left > 0 else None
        return (best, choices) if found is None else (found, {**new, **found.field.asked})


def _ordered(best: _Instance) -> list[Choice]:
    """What was asked for, inputs first."""
    return sorted(best.field.asked, key=lambda choice: (choice[0] not in best.run.inputs, choice[0], str(choice[1])))


def _groups(best: _Instance) -> list[list[Choice]]:
    """The entries of each input."""
    names: dict[str, list[Choice]] = {}
    for choice in _ordered(best):
        if choice[0] in best.run.inputs:
            names.setdefault(choice[0], []).append(choice)
    return list(names.values())


# --- shown -----------------------------------------------------------------------------------------------------


def _shown(program: Program, env: Env, sizes: Mapping[str, int], best: _Instance) -> Counterexample:
    place = _letters(program, best)
    return Counterexample(
        sizes=dict(sizes),
        times={} if _is_static(program, best) else dict(env),
        values={_label(name): _nested(value[(0,) * (value.ndim - 2)]) for name, value in best.run.inputs.items()},
        functions=_tables(program, best),
        left=_side(best.left, place),
        right=_side(best.right, place),
        letters={name: place[i] + 1 for i, name in enumerate(program.letters) if _is_free(program, name)},
    )


def _is_static(program: Program, best: _Instance) -> bool:
    """No step occurs in the claim, and none in what it reaches."""
    return program.claim.is_timeless and not any("@" in name for name in best.run.inputs)


def _is_free(program: Program, letter: str) -> bool:
    return letter in {str(symbol.name) for symbol in program.claim.letters}


def _letters(program: Program, best: _Instance) -> tuple[int, ...]:
    """The first choice of component letters at which the sides differ."""
    first = np.argwhere(best.where)[0]
    return tuple(int(i) for i in first[LETTERS : LETTERS + len(program.letters)])


def _side(side: Array, place: tuple[int, ...]) -> Any:
    """A side at chosen letters; the back axes of a family of derivatives come first."""
    at = tuple(min(i, side.shape[LETTERS + axis] - 1) for axis, i in enumerate(place))
    found = side[(0,) * BACK][(slice(None), slice(None), *at)]
    return _nested(found if found.shape[:2] != (1, 1) else found[0, 0])


def _nested(array: Array) -> Any:
    return _texts(array.tolist())


def _texts(entries: Any) -> Any:
    return [_texts(entry) for entry in entries] if isinstance(entries, list) else _number(entries)


def _number(value: Any) -> Any:
    """An exact rational as text; a ball by middle and radius."""
    if not hasattr(value, "mid"):
        return str(Fraction(value))
    lower, upper = _fraction(value.a), _fraction(value.b)
    if lower == upper:
        return str(lower)
    return {"mid": f"{float(value.mid):.12g}", "rad": f"{float(value.delta) / 2:.2g}"}


def _fraction(end: Any) -> Fraction:
    """An end of a ball, which is a binary number."""
    sign, mantissa, exponent, _ = end._mpi_[0]
    return (-1) ** sign * int(mantissa) * Fraction(2) ** int(exponent)


def _label(name: str) -> str:
    family, *steps = name.split("@")
    return "@".join([show_name(family), *steps])


def _tables(program: Program, best: _Instance) -> dict[str, dict[str, str]]:
    """Unknown functions as tables of values; for balls, as the coefficients of the Taylor polynomial at 0."""
    found: dict[str, dict[str, str]] = {}
    for (name, place), value in best.field.asked.items():
        if name in best.run.inputs:
            continue
        if name in program.applied:
            label, entry = _of_unknown(best, name, program.applied[name], place)
            found.setdefault(label, {})[entry] = str(value)
            continue
        loss, _, order = name.rpartition(" ")
        if loss in program.system.losses:
            if order == "0" and not value:
                continue
            label, entry = show_name(loss) + "'" * int(order), _entry_names(best.run, loss, int(order), int(place))
            found.setdefault(label, {})[entry] = str(Fraction(value, best.field.grain))
        else:
            label = show_name(name) if not isinstance(best.field, Balls) else f"{show_name(name)}^(k)(0)"
            found.setdefault(label, {})[str(place)] = str(value)
    return {name: dict(sorted(table.items())) for name, table in sorted(found.items())}


def _of_unknown(
    best: _Instance, name: str, slots: tuple[tuple[str, Shape], ...], place: tuple[Any, ...]
) -> tuple[str, str]:
    """The table and the entry of one unknown number of F: F'(x = (1, 0), h = (2))[1] by h[1]."""
    label = show_name(name.partition("(")[0])
    if isinstance(best.field, Balls):  # the coefficients of F = q_1(w_1 · a) + q_2(w_2 · a)
        return f"{label} = q1(w1·a) + q2(w2·a)", f"{place[1]}[{place[0] + 1},{place[2] + 1}]"
    value, by, point = place
    entries, shown, start = [], [], 0
    for slot, (rows, cols) in slots:
        count, width = best.algebra.length(rows) * best.algebra.length(cols), best.algebra.length(cols)
        shown.append(f"{show_name(slot)} = ({', '.join(map(str, point[start : start + count]))})")
        entries += [_entry(show_name(slot), i, width) for i in range(count)]
        start += count
    derived = " by " + ", ".join(entries[entry] for entry in by) if by else ""
    return label + "'" * len(by), f"({', '.join(shown)})[{value + 1}]{derived}"


def _entry(slot: str, place: int, width: int) -> str:
    row, col = divmod(place, width)
    return f"{slot}[{row + 1}]" if width == 1 else f"{slot}[{row + 1},{col + 1}]"


def _entry_names(run: Run, loss: str, order: int, place: int) -> str:
    """Which entries a loss is differentiated by, as s@2[1,1]; a place counts entries in base their number."""
    entries: list[str] = []
    for key in run.arguments(run.system.losses[loss]):
        rows, cols = (run.algebra.length(axis) for axis in run.system.rules[key[0]].shape)  # type: ignore[attr-defined]
        label = _label("@".join([key[0], *map(str, key[1])]))
        entries.extend(f"{label}[{i + 1},{j + 1}]" for i in range(rows) for j in range(cols))
    names = []
    for _ in range(order):
        place, digit = divmod(place, len(entries))
        names.append(entries[digit])
    return " ".join(names) or "value"
