"""Members on demand: what a name is worth, at the point of the evaluation and inside open derivatives.

A `Run` is one evaluation of a program in one algebra at given steps. Its root `Scope` holds the values themselves;
a derivative opens a child scope in which one name is perturbed by ε of its own: the value is the one that its
equation gives, *plus* ε times a direction, so nested derivatives commute and definitions (δ_t) move as their
formulas do. A child asks its parent for all that does not depend on the perturbed name, or that is held.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from verify.deciders.prime_field import jets
from verify.deciders.prime_field.jets import Algebra, Axis, Jet, Value
from verify.deciders.prime_field.problems import LimitReached, Unsupported

Env = dict[str, int]
Key = tuple[str, tuple[int, ...]]  # a name and its indices; a symbol's are ()
Shape = tuple[Axis, Axis]
Thunk = Callable[["Scope", Env], Jet]


@dataclass(frozen=True)
class Rule:
    """A compiled equation: letter, first and last step (None: the model's), right side, axes of the left.

    `is_polynomial`: its right side is sums and products alone, and no name; `is_generic`: of tensors, without I and 1.
    `named`: the names in it and their steps, None where a range or a derivative has more.
    """

    letter: str | None
    first: Callable[[Env], Any]
    last: Callable[[Env], Any]
    body: Thunk
    shape: Shape
    is_polynomial: bool = False
    is_generic: bool = False
    named: tuple[tuple[str, tuple[Callable[[Env], Any], ...]], ...] | None = None


@dataclass(frozen=True)
class Window:
    """Some steps of a longer run, the rest of it opaque (see `window`).

    Members that an equation produces before `past` are opaque states; None: the run starts inside. `last` is the
    last step in the window; `leaving` are the members (with their axes) that later steps read, None where it is the
    run's last step. `computed_from` gives for each name the names that it depends on at any step.
    """

    past: int | None
    last: int
    leaving: tuple[tuple[Key, Shape], ...] | None
    computed_from: Mapping[str, frozenset[str]]


REST = "the rest of "  # what a loss depends on outside the window: a scalar for each loss


@dataclass(frozen=True)
class System:
    """A compiled model: rules by name, loss parts by name, input kinds by name and step (None: at every step)."""

    rules: dict[str, Rule]
    losses: dict[str, tuple[tuple[str, str], ...]]
    last: Callable[[Env], Any]
    last_letter: str | None
    kinds: dict[tuple[str, int | None], str]
    dependent: dict[tuple[str, int | None], str]  # what is assumed of tensors whose entries are not free


@dataclass(frozen=True)
class Freed:
    """What an evaluation takes as free: the claim is then a more general one, whose failure says nothing.

    `members`: each polynomial equation y = g has an input r of its own added, y = g + r. So values of y are free, and
    its derivatives are those of g. What holds for every r holds for r = 0. `generic` says the same of equations without
    constants alone: of U x + W s, not of (I - 1 1ᵀ/n) a, whose entries sum to 0.
    `numbers`: a size n in a coefficient, as in 1/n, is any number. What holds for every number holds for n.
    """

    members: bool = False
    generic: bool = False
    numbers: bool = False

    def frees(self, rule: Rule) -> bool:
        """Whether the values that an equation gives are free."""
        is_asked = self.members or (self.generic and rule.is_generic)
        return is_asked and rule.is_polynomial and rule.named is not None

    @property
    def said(self) -> str:
        """As the report says it, after the sizes."""
        free = ["members' values"] * (self.members or self.generic) + ["numbers beside them"] * self.numbers
        return f"; {' and '.join(free)} free" if free else ""


BOUND = Freed()


class Run:
    """One evaluation: the system, the algebra, the steps; remembers what each member depends on."""

    def __init__(
        self, system: System, algebra: Algebra, env: Env, window: Window | None = None, freed: Freed = BOUND
    ) -> None:
        self.system, self.algebra, self.env, self.window, self.freed = system, algebra, env, window, freed
        letter = system.last_letter or ""
        self.base: Env = {letter: env[letter]} if letter in env else {}
        self.inputs: dict[str, Value] = {}
        self._memos: dict[tuple[int, tuple[int, ...]], dict[Any, Value]] = {}
        self.reads: dict[Key, set[Key]] = {}
        self._names: dict[Key, set[Key]] = {}
        self.trace: list[set[Key]] = [set()]
        self.root = Scope(self)

    def memo(self, node: int, env: Env) -> dict[Any, Value]:
        """What a function application at given steps remembers."""
        return self._memos.setdefault((node, tuple(env.values())), {})

    def depends(self, key: Key, on: Key) -> bool:
        """Whether a member is computed from another one."""
        if key not in self.reads:
            self.root.member(key)
        return on in self.reads[key] or (not on[1] and any(self.moves(past, on) for past in self.past_of(key)))

    def past_of(self, key: Key) -> set[Key]:
        """The opaque states from which a member is computed."""
        window = self.window
        return set() if window is None else {k for k in self.reads[key] if self.is_past(k)}

    def is_past(self, key: Key) -> bool:
        """Whether a member is an opaque state from before the window."""
        if self.window is None:
            return False
        return key[0].startswith(REST) or (
            self.window.past is not None
            and key[0] in self.system.rules
            and bool(key[1])
            and key[1][-1] < self.window.past
        )

    def moves(self, past: Key, parameter: Key) -> bool:
        """Whether an opaque state depends on a parameter, by the names in its equations."""
        assert self.window is not None
        return parameter[0] in self.window.computed_from[past[0].removeprefix(REST)]

    def rule(self, key: Key) -> Rule | None:
        """The equation that produces a member at its step, None for an input."""
        name, indices = key
        rule = self.system.rules.get(name)
        if rule is None or rule.letter is None:
            return rule
        if self.is_past(key):
            return None
        if len(indices) != 1:
            raise Unsupported(f"the equation of {name} has more than one index")
        return rule if rule.first(self.base) <= indices[0] <= rule.last(self.base) else None

    def evaluate(self, key: Key, scope: Scope) -> Jet | None:
        """A member by its equation or loss in a scope; None for an input."""
        parts = self.system.losses.get(key[0])
        if parts is not None:
            inside = [self._filled(scope, k) for k in self.arguments(parts)]
            return jets.loss(self.algebra, key[0], inside + self._outside(key[0], scope))
        rule = self.rule(key)
        if rule is None:
            return None
        if not self.freed.frees(rule):
            return rule.body(scope, self._env(rule, key))
        if scope.parent is None:
            return self.input(key, rule.shape)  # g + r, r free: any value
        return {**rule.body(scope, self._env(rule, key)), 0: scope.run.root.member(key)[0]}

    def _env(self, rule: Rule, key: Key) -> Env:
        return self.base if rule.letter is None else {**self.base, rule.letter: key[1][0]}

    def named(self, key: Key) -> set[Key] | None:
        """What a member with a free value is computed from, by the names in equations: its own was not evaluated."""
        rule = None if key[0] in self.system.losses else self.rule(key)
        if rule is None or not self.freed.frees(rule):
            return None
        return self._named(key)

    def _named(self, key: Key) -> set[Key]:
        found = self.reads.get(key) or self._names.get(key)
        if found is None:
            found = self._names[key] = self._named_anew(key)
        return found

    def _named_anew(self, key: Key) -> set[Key]:
        rule = None if key[0] in self.system.losses else self.rule(key)
        if rule is None and key[0] not in self.system.losses:
            return {key}
        if rule is None or rule.named is None:
            self.root.member(key)
            return self.reads[key]
        env, found = self._env(rule, key), {key}
        for name, places in rule.named:
            found |= self._named((name, tuple(place(env) for place in places)))
        return found

    def _filled(self, scope: Scope, key: Key, shape: Shape | None = None) -> Jet:
        """A loss argument, whose value is needed even where it is zero."""
        shape = shape or self.system.rules[key[0]].shape  # the last output may be an input, where the run is short
        found = scope.member(key, shape)
        return found if 0 in found else {**found, 0: self.algebra.zero(*shape)}

    def _outside(self, loss: str, scope: Scope) -> list[Jet]:
        """What a loss depends on through the rest of the run; an immediate derivative does not follow it."""
        if self.window is None:
            return []
        through = scope if scope.held is None or scope.parent is None else scope.parent
        found = [self._filled(through, key, shape) for key, shape in self.window.leaving or ()]
        has_history = self.window.past is not None and any(when == "each" for _, when in self.system.losses[loss])
        if has_history or self.window.leaving is not None:
            found.append(through.member((REST + loss, ()), ((), ())))
        return found

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
                found.extend([(name, (last,))] if self.window is None or self.window.leaving is None else [])
            else:
                found.extend((name, (k,)) for k in self._inside(rule))
        return list(dict.fromkeys(found))

    def _inside(self, rule: Rule) -> range:
        """The steps at which an equation produces, as far as they lie in the window."""
        first, last = int(rule.first(self.base)), int(rule.last(self.base))
        if self.window is None:
            return range(first, last + 1)
        past = self.window.past
        return range(first if past is None else max(first, past), min(last, self.window.last) + 1)

    def check_free(self, key: Key) -> None:
        """Raises `Unsupported` where a derivative by this name needs a convention: its entries are not free."""
        name, indices = key
        dependent = self.system.dependent
        kind = dependent.get((name, None)) or dependent.get((name, indices[-1] if indices else None))
        if kind:
            raise Unsupported(f"a derivative by {name} ({kind}), whose entries depend on each other")

    def input(self, key: Key, shape: Shape) -> Jet:
        """A free input; 1ᵀy = 1 is drawn as y = z / (1ᵀz), which reaches every such y."""
        name, indices = key
        step = indices[-1] if indices else None
        kind = self.system.kinds.get((name, step)) or self.system.kinds.get((name, None)) or ""
        label = name + "".join(f"@{i}" for i in indices)
        value = self.algebra.tensor(label, *shape, kind)
        if kind == "sum_one":
            over = self.algebra.function("reciprocal", "sum", 0, self.algebra.total(value, *shape), (), ())
            value = self.algebra.scale(over, value)
        self.inputs[label] = value
        return {0: value}


class Scope:
    """Where names have values: the root, or inside a derivative by `by` at `level`."""

    __slots__ = ("by", "direction", "held", "level", "memo", "parent", "run", "shape")

    def __init__(
        self,
        run: Run,
        parent: Scope | None = None,
        by: Key | None = None,
        direction: Jet | None = None,
        held: Callable[[Key], bool] | None = None,
        shape: Shape | None = None,
    ) -> None:
        self.run, self.parent, self.by, self.direction = run, parent, by, direction
        self.held, self.shape = held, shape
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
            traced = run.trace.pop()
            run.reads[key] = run.named(key) or traced
            self.memo[key] = found
        run.trace[-1] |= run.reads[key]
        return found

    def _child_member(self, key: Key, shape: Shape | None, parent: Scope) -> Jet:
        if key == self.by:
            assert self.direction is not None
            return jets.add(self.run.algebra, parent.member(key, shape), self.direction)
        if self.held is not None and self.held(key):
            return parent.member(key, shape)
        if self.run.is_past(key):
            return self._past_member(key, shape, parent)
        parent_value = parent.member(key, shape) if key not in self.run.reads else None
        if self.by is None or not self.run.depends(key, self.by):
            return parent_value if parent_value is not None else parent.member(key, shape)
        found = self.run.evaluate(key, self)
        assert found is not None  # an input depends on nothing but itself
        return self._with_outer_directions(key, found)

    def _with_outer_directions(self, key: Key, found: Jet) -> Jet:
        """A member computed anew still moves by itself where an outer derivative perturbs it."""
        scope = self.parent
        while scope is not None:
            if scope.by == key and scope.direction is not None:
                found = jets.add(self.run.algebra, found, scope.direction)
            scope = scope.parent
        return found

    def _past_member(self, key: Key, shape: Shape | None, parent: Scope) -> Jet:
        """An opaque state moves with a parameter in an opaque way, and with no member of the window."""
        value = parent.member(key, shape)
        if self.by is None or self.by[1] or not self.run.moves(key, self.by):
            return value
        assert self.shape is not None
        own = shape or self.run.system.rules[key[0]].shape
        name = f"d {key[0]}{key[1]} / d {self.by[0]}"
        tangent = self.run.algebra.tangent(name, parent.level, *self.shape, *own)
        return jets.add(self.run.algebra, value, {1 << parent.level: tangent})

    def check_level(self) -> None:
        """Raises `LimitReached` where one more derivative has no axis."""
        if self.level >= MAX_LEVEL:
            raise LimitReached(f"derivatives nested more than {MAX_LEVEL} deep")

    def perturbed(self, by: Key, shape: Shape, held: Callable[[Key], bool] | None) -> Scope:
        """A child scope in which `by` moves, one direction for each of its entries."""
        if self.level and self.run.window is not None:
            raise Unsupported("a second derivative at symbolic steps")
        self.check_level()
        direction = {1 << self.level: self.run.algebra.seed(self.level, *shape)}
        return Scope(self.run, self, by, direction, held, shape)


MAX_LEVEL = 3  # as many as arrays have axes for
