"""A model as a graph of a few steps: members as nodes, what an equation reads as edges, parameters as their names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from derive.language.nodes import Application, Blocks, Elementwise, Member, Softmax, TimeProduct, TimeSum
from derive.language.substitute import substitute
from derive.model import Equation, Model, leaves
from verify.pictures.labels import Label, indexed
from verify.pictures.picture import NoPicture
from verify.times import ground_model

MOST_NODES = 72
Key = tuple[str, int | None]  # a name and its step


@dataclass(frozen=True)
class Node:
    """A member at a step: `kind` is input, computed, loss, or outside of the steps that are shown."""

    key: Key
    label: Label
    kind: str


@dataclass(frozen=True)
class Edge:
    """What an equation reads: from a member to the one that it computes, with the names that act on the way."""

    source: Key
    target: Key
    names: tuple[str, ...] = ()  # LaTeX names of parameters, then of functions, in the equation's order


@dataclass(frozen=True)
class Network:
    """A model over some steps, in columns; `own` are parameters that are added alone, as biases are."""

    nodes: dict[Key, Node]
    edges: tuple[Edge, ...]
    columns: tuple[int | None, ...]
    order: tuple[str, ...]  # the families, as the model has them
    own: tuple[str, ...]


@dataclass(frozen=True)
class Steps:
    """The steps that are drawn: of a run of `last` steps those in `shown`, with the text of each."""

    last: int
    shown: range
    texts: dict[int, str]


def window(model: Model) -> Steps:
    """Three steps in letters: t-1, t, t+1, or the last three; one where no equation reads another step."""
    letter = str(model.time.last)
    is_last = all(when == "last" for one in model.losses for _, when in one.parts)
    steps = {equation.index for equation in model.forward if equation.index is not None}
    count = 3 if _crosses_steps(model) else 1
    if not isinstance(model.time.last, sp.Symbol):
        last = int(model.time.last)
        return Steps(last, range(max(model.time.first, last + 1 - count), last + 1), {})
    if is_last or model.time.last in steps:
        return Steps(5, range(6 - count, 6), {3: f"{letter}−2", 4: f"{letter}−1", 5: letter})
    middle = sorted(map(str, steps))[0] if steps else letter
    return Steps(5, range(2, 5) if count == 3 else range(3, 4), {2: f"{middle}−1", 3: middle, 4: f"{middle}+1"})


def _crosses_steps(model: Model) -> bool:
    return any(member.time != e.index for e in model.forward if e.index is not None for member in e.members)


def run_of(model: Model, last: int) -> Steps:
    """A whole short run in numbers, with what it starts from."""
    return Steps(last, range(model.time.first - 1, last + 2), {})


def network(model: Model, steps: Steps) -> Network:
    """The graph of a model's forward equations. Raises `NoPicture` where it is empty, too large, or reads far back."""
    last = model.time.last
    grounded = ground_model(model, {last: steps.last}) if isinstance(last, sp.Symbol) else model
    built = _Builder(grounded, steps)
    for equation in grounded.forward:
        built.add(equation)
    built.add_losses()
    return built.network()


class _Builder:
    def __init__(self, model: Model, steps: Steps) -> None:
        self.model, self.steps = model, steps
        self.nodes: dict[Key, Node] = {}
        self.edges: dict[tuple[Key, Key], Edge] = {}
        self.own: dict[str, None] = {}
        self.inputs = _inputs(model)

    def add(self, equation: Equation) -> None:
        if equation.index is None:
            self._add_at(equation, None)
            return
        made = self.model.produced(equation.name)
        assert made is not None
        if not all(end.is_Integer for end in made):
            raise NoPicture("a range of steps that is no number")
        for step in self._near:
            if step not in self._steps_of(made):
                continue
            if step in self.steps.shown:
                self._add_at(equation, step)
            else:
                self._add_outside(equation, step)

    @property
    def _near(self) -> range:
        """The steps that are shown and their neighbours."""
        return range(self.steps.shown.start - 1, self.steps.shown.stop + 1)

    def add_losses(self) -> None:
        """Opaque losses read their parts at the steps at which these are computed."""
        for name, loss in self.model.loss_by_name.items():
            for part, when in loss.parts:
                equation, made = self.model.by_name.get(part), self.model.produced(part)
                if equation is not None and made is None:
                    self._edge((part, None), (name, None), ())
                for step in self.steps.shown:
                    if step in self._steps_of(made) and (when == "each" or step == self.steps.last):
                        self._edge((part, step), (name, None), ())

    def _steps_of(self, made: tuple[Any, Any] | None) -> range:
        return range(0) if made is None else range(int(made[0]), int(made[1]) + 1)

    def _add_at(self, equation: Equation, step: int | None) -> None:
        target = (equation.name, step)
        self._node(target)
        for source, names in self._read(equation.at(step) if step is not None else equation.right):
            if self._is_shown(source) and (step is not None or source[1] is None or source[1] in self.steps.shown):
                self._edge(source, target, names)

    def _add_outside(self, equation: Equation, step: int) -> None:
        """An equation at a step that is not shown: what it reads there goes on."""
        for source, _ in self._read(equation.at(step)):
            if source[1] in self.steps.shown and source[1] != step:
                self._edge(source, (source[0], step), ())

    def _read(self, formula: Any) -> list[tuple[Key, tuple[str, ...]]]:
        """The nodes that a formula reads, each with what acts on it: factors that are parameters, then functions."""
        if isinstance(formula, Member | sp.MatrixSymbol):
            key = _key(formula)
            return [(key, ())] if self._is_node(key[0]) else []
        parts = [(part, self._read(part)) for part in _parts(formula)]
        alone = {name: None for part, read in parts if not read for name in _names(part)}
        if isinstance(formula, sp.MatAdd):
            self.own |= alone
        acting = () if isinstance(formula, sp.MatAdd | Blocks) else tuple(alone)
        names = (*acting, *_function(formula))
        return [(key, (*inner, *names)) for _, read in parts for key, inner in read]

    def _is_node(self, name: str) -> bool:
        return name in self.model.by_name or name in self.inputs

    def _is_shown(self, key: Key) -> bool:
        return key[1] is None or key[1] in self._near

    def _edge(self, source: Key, target: Key, names: tuple[str, ...]) -> None:
        if source[1] is not None and target[1] is not None and abs(source[1] - target[1]) > 1:
            raise NoPicture("an equation reads further than one step away")
        known = self.edges.get((source, target))
        names = tuple(dict.fromkeys((known.names if known else ()) + names))
        self.edges[source, target] = Edge(source, target, names)
        self._node(source)
        self._node(target)
        if len(self.nodes) > MOST_NODES:
            raise NoPicture(f"more than {MOST_NODES} nodes")

    def _node(self, key: Key) -> None:
        if key not in self.nodes:
            self.nodes[key] = self._made(key)

    def _made(self, key: Key) -> Node:
        name, step = key
        if step is not None and step not in self.steps.shown:
            return Node(key, Label("⋯"), "outside")
        label = indexed(name, "" if step is None else self.steps.texts.get(step, str(step)))
        if name in self.model.loss_by_name or _is_result(name, self.model):
            return Node(key, label, "loss")
        made = self.model.produced(name)
        is_computed = name in self.model.by_name and (step is None or made is None or step in self._steps_of(made))
        return Node(key, label, "computed" if is_computed else "input")

    def network(self) -> Network:
        if not self.edges:
            raise NoPicture("no equation reads anything")
        used = {step for _, step in self.nodes}
        columns = tuple(sorted(step for step in used if step is not None)) or (None,)
        order = tuple(dict.fromkeys([*self.inputs, *self.model.by_name, *self.model.loss_by_name]))
        return Network(self.nodes, tuple(self.edges.values()), columns, order, tuple(self.own))


def _parts(formula: Any) -> tuple[Any, ...]:
    """The formulas in a node; of a sum over time, those of each step."""
    if isinstance(formula, TimeProduct):
        raise NoPicture("an equation with a product over steps")
    if isinstance(formula, TimeSum):
        if not (formula.lo.is_Integer and formula.hi.is_Integer):
            raise NoPicture("an equation with a sum over steps in letters")
        steps = range(int(formula.lo), int(formula.hi) + 1)
        if len(steps) > MOST_NODES:
            raise NoPicture(f"an equation with a sum over {len(steps)} steps")
        return tuple(substitute(formula.body, {formula.index: sp.Integer(step)}) for step in steps)
    return tuple(part for part in formula.args if isinstance(part, sp.MatrixExpr))


def _key(leaf: Any) -> Key:
    if not isinstance(leaf, Member) or not leaf.indices:
        return str(leaf.name), None
    if not leaf.time.is_Integer or len(leaf.indices) > 1:
        raise NoPicture("a member with several indices or at a step in letters")
    return leaf.name, int(leaf.time)


def _names(formula: Any) -> tuple[str, ...]:
    """The names in a formula."""
    return tuple(dict.fromkeys(str(leaf.name) for leaf in leaves(formula)))


def _function(node: Any) -> tuple[str, ...]:
    if isinstance(node, Elementwise) and node.kind not in ("reciprocal", "exp", "log", "sqrt"):
        return (node.name,)
    if isinstance(node, Application):
        return (node.name,)
    return ("\\mathrm{softmax}",) if isinstance(node, Softmax) else ()


def _inputs(model: Model) -> tuple[str, ...]:
    """What equations read and nothing computes: families; in a model without steps x, or what is last in a product."""
    computed = model.by_name
    if any(equation.index is not None for equation in model.forward):
        families = (m.name for equation in model.forward for m in equation.members if m.name not in computed)
        return tuple(dict.fromkeys(families))
    products = (node for e in model.forward for node in sp.preorder_traversal(e.right) if isinstance(node, sp.MatMul))
    found: dict[str, None] = {}
    for names in map(_names, products):
        if len(names) > 1 and not any(name in computed for name in names):
            found[next((name for name in names if name in ("x", "X")), names[-1])] = None
    return tuple(found)


def _is_result(name: str, model: Model) -> bool:
    """A scalar without steps that no equation reads: a loss that a formula defines."""
    equation = model.by_name.get(name)
    if equation is None or equation.index is not None or equation.left.shape != (1, 1):
        return False
    return not any(str(leaf.name) == name for other in model.forward for leaf in other.leaves)


def between(edges: Iterable[Edge], start: Key, end: Key) -> frozenset[tuple[Key, Key]]:
    """The edges on paths from one node to another."""
    pairs = [(edge.source, edge.target) for edge in edges]
    after = _reached(start, pairs)
    before = _reached(end, [(target, source) for source, target in pairs])
    return frozenset(pair for pair in pairs if pair[0] in after and pair[1] in before)


def leading_to(found: Network, end: Key) -> Network:
    """The part of a network from which a node is computed."""
    before = _reached(end, [(edge.target, edge.source) for edge in found.edges])
    nodes = {key: node for key, node in found.nodes.items() if key in before}
    edges = tuple(edge for edge in found.edges if edge.target in before)
    columns = tuple(sorted({key[1] for key in nodes if key[1] is not None})) or (None,)
    return replace(found, nodes=nodes, edges=edges, columns=columns)


def _reached(start: Key, pairs: list[tuple[Key, Key]]) -> set[Key]:
    found: set[Key] = set()
    todo = [start]
    while todo:
        key = todo.pop()
        if key not in found:
            found.add(key)
            todo += [target for source, target in pairs if source == key]
    return found
