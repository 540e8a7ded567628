"""Members on demand: what a name is worth, at the point of the evaluation and inside open derivatives.

A `Run` is one evaluation of a program in one algebra at given steps. Its root `Scope` holds the values themselves;
a derivative opens a child scope in which one name is perturbed by ε of its own: the value is the one that its
equation gives, *plus* ε times a direction, so nested derivatives commute and definitions (δ_t) move as their
formulas do. A child asks its parent for all that does not depend on the perturbed name, or that is held.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from verify.deciders.prime_field import functions, jets
from verify.deciders.prime_field.jets import Algebra, Axis, Jet, Value
from verify.deciders.prime_field.problems import LimitReached, Unsupported

Env = dict[str, int]
Key = tuple[str, tuple[int, ...]]  # a name and its indices; a symbol's are ()
Shape = tuple[Axis, Axis]
Thunk = Callable[["Scope", Env], Jet]


@dataclass(frozen=True)
class Rule:
    """A compiled equation: letter, first and last step (None: the model's), right side, axes of the left."""

    letter: str | None
    first: Callable[[Env], Any]
    last: Callable[[Env], Any]
    body: Thunk
    shape: Shape


@dataclass(frozen=True)
class System:
    """A compiled model: rules by name, loss parts by name, input kinds by name and step (None: at every step)."""

    rules: dict[str, Rule]
    losses: dict[str, tuple[tuple[str, str], ...]]
    last: Callable[[Env], Any]
    last_letter: str | None
    kinds: dict[tuple[str, int | None], str]


class Run:
    """One evaluation: the system, the algebra, the steps; remembers what each member depends on."""

    def __init__(self, system: System, algebra: Algebra, env: Env) -> None:
        self.system, self.algebra, self.env = system, algebra, env
        letter = system.last_letter
        self.base: Env = {letter: env[letter]} if letter is not None else {}
        self.inputs: dict[str, Value] = {}
        self.reads: dict[Key, set[Key]] = {}
        self.trace: list[set[Key]] = [set()]
        self.root = Scope(self)

    def depends(self, key: Key, on: Key) -> bool:
        """Whether a member is computed from another one."""
        if key not in self.reads:
            self.root.member(key)
        return on in self.reads[key]

    def rule(self, key: Key) -> Rule | None:
        """The equation that produces a member at its step, None for an input."""
        name, indices = key
        rule = self.system.rules.get(name)
        if rule is None or rule.letter is None:
            return rule
        if len(indices) != 1:
            raise Unsupported(f"the equation of {name} has more than one index")
        return rule if rule.first(self.base) <= indices[0] <= rule.last(self.base) else None

    def evaluate(self, key: Key, scope: Scope) -> Jet | None:
        """A member by its equation or loss in a scope; None for an input."""
        parts = self.system.losses.get(key[0])
        if parts is not None:
            return jets.loss(self.algebra, key[0], [self._filled(scope, k) for k in self.arguments(parts)])
        rule = self.rule(key)
        if rule is None:
            return None
        return rule.body(scope, self.base if rule.letter is None else {**self.base, rule.letter: key[1][0]})

    def _filled(self, scope: Scope, key: Key) -> Jet:
        """A loss argument, whose value is needed even where it is zero."""
        found = scope.member(key)
        return found if 0 in found else {**found, 0: self.algebra.zero(*self.system.rules[key[0]].shape)}

    def arguments(self, parts: tuple[tuple[str, str], ...]) -> list[Key]:
        """The members on which a loss depends."""
        found: list[Key] = []
        for name, when in parts:
            rule = self.system.rules.get(name)
            last = int(self.system.last(self.base))
            if rule is None:
                raise Unsupported(f"the loss depends on the input {name}")
            if rule.letter is None:
                found.append((name, ()))
            elif when == "last":
                found.append((name, (last,)))
            else:
                found.extend((name, (k,)) for k in range(int(rule.first(self.base)), int(rule.last(self.base)) + 1))
        return list(dict.fromkeys(found))

    def input(self, key: Key, shape: Shape) -> Jet:
        """A free input; 1ᵀy = 1 is drawn as y = z / (1ᵀz), which reaches every such y."""
        name, indices = key
        step = indices[-1] if indices else None
        kind = self.system.kinds.get((name, step)) or self.system.kinds.get((name, None)) or ""
        label = name + "".join(f"@{i}" for i in indices)
        value = self.algebra.tensor(label, *shape, kind)
        if kind == "sum_one":
            total = {0: self.algebra.total(value, *shape)}
            over = functions.reciprocal(self.algebra, total, (), ())
            value = self.algebra.scale(over[0], value)
        self.inputs[label] = value
        return {0: value}


class Scope:
    """Where names have values: the root, or inside a derivative by `by` at `level`."""

    __slots__ = ("by", "direction", "held", "level", "memo", "parent", "run")

    def __init__(
        self,
        run: Run,
        parent: Scope | None = None,
        by: Key | None = None,
        direction: Jet | None = None,
        held: Callable[[Key], bool] | None = None,
    ) -> None:
        self.run, self.parent, self.by, self.direction = run, parent, by, direction
        self.held = held
        self.level: int = 0 if parent is None else parent.level + 1
        self.memo: dict[Key, Jet] = {}

    def member(self, key: Key, shape: Shape | None = None) -> Jet:
        """The value of a name; `shape` is needed where it is an input."""
        found = self.memo.get(key)
        if found is not None and self.parent is not None:
            return found
        if self.parent is None:
            return self._root_member(key, shape, found)
        found = self.memo[key] = self._child_member(key, shape, self.parent)
        return found

    def _root_member(self, key: Key, shape: Shape | None, found: Jet | None) -> Jet:
        run = self.run
        if found is None:
            run.trace.append({key})
            found = run.evaluate(key, self)
            if found is None:
                if shape is None:
                    raise Unsupported(f"nothing says what {key[0]} is")
                found = run.input(key, shape)
            run.reads[key] = run.trace.pop()
            self.memo[key] = found
        run.trace[-1] |= run.reads[key]
        return found

    def _child_member(self, key: Key, shape: Shape | None, parent: Scope) -> Jet:
        if key == self.by:
            assert self.direction is not None
            return jets.add(self.run.algebra, parent.member(key, shape), self.direction)
        if self.held is not None and self.held(key):
            return parent.member(key, shape)
        parent_value = parent.member(key, shape) if key not in self.run.reads else None
        if self.by is None or not self.run.depends(key, self.by):
            return parent_value if parent_value is not None else parent.member(key, shape)
        found = self.run.evaluate(key, self)
        assert found is not None  # an input depends on nothing but itself
        return found

    def perturbed(self, by: Key, shape: Shape, held: Callable[[Key], bool] | None) -> Scope:
        """A child scope in which `by` moves, one direction for each of its entries."""
        if self.level >= MAX_LEVEL:
            raise LimitReached(f"derivatives nested more than {MAX_LEVEL} deep")
        direction = {1 << self.level: self.run.algebra.seed(self.level, *shape)}
        return Scope(self.run, self, by, direction, held)


MAX_LEVEL = 3  # as many as arrays have axes for
