"""A claim compiled once: every node becomes a function (scope, steps) → jet, so an evaluation touches no SymPy.

What a node means stands in `meaning`; derivatives are taken by perturbing members (`scope`), never symbolically.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardPower

from derive.language import nodes
from derive.language.derivatives import DerivativeNode
from derive.language.nodes import Member
from derive.language.shapes import axes
from derive.language.show import show
from derive.model import Model
from verify.claim import Assumption, Claim
from verify.deciders.prime_field.coefficients import arithmetic
from verify.deciders.prime_field.fields import word
from verify.deciders.prime_field.jets import Axis
from verify.deciders.prime_field.limits import Limits
from verify.deciders.prime_field.meaning import COMPILE
from verify.deciders.prime_field.problems import Unsupported
from verify.deciders.prime_field.scope import Rule, Shape, System, Thunk

DRAWN = ("sum_one", "symmetric", "diagonal", "zero")  # assumptions that inputs are drawn to meet
DEPENDENT = (*DRAWN, "one_hot")  # assumptions under which the entries of a tensor are not free of each other
DENSE = ("bound", "invertible", "positive", "nonzero")  # an identity where they hold is one everywhere: none needed
CONSTANTS = (sp.Identity, sp.OneMatrix, nodes.Commutation, nodes.Delta)
_NO_POLYNOMIAL = (nodes.Elementwise, nodes.Application, nodes.Softmax, nodes.Power, HadamardPower, DerivativeNode)


@dataclass(frozen=True, eq=False)
class Program:
    """A compiled claim.

    `letters`: component letters and their axes; `sorts`: the basic sizes of all axes; `symbols`: the size letters in
    them; `kinds`: the known functions that occur; `applied`: the slots of unknown functions of several arguments, by
    signature; `has_slides`: whether a kernel slides or an array is flipped; `ignored`: assumptions not drawn so.
    """

    claim: Claim
    left: Thunk
    right: Thunk
    shape: Shape
    system: System
    letters: dict[str, Axis]
    sorts: tuple[Any, ...]
    symbols: tuple[str, ...]
    kinds: frozenset[str]
    applied: dict[str, tuple[tuple[str, Shape], ...]]
    has_slides: bool
    ignored: tuple[str, ...]
    key: int
    limits: Limits


@lru_cache(maxsize=512)
def compiled(claim: Claim, limits: Limits) -> Program:
    """The program of a claim. Raises `Unsupported`, `LimitReached`."""
    if claim.relation != "=":
        raise Unsupported(f"the relation {claim.relation} is settled by numbers only")
    return Compiler(claim, limits).program()


def names_in(expr: Any) -> set[str]:
    """Names of members and symbols in a formula."""
    return {str(n.name) for n in sp.preorder_traversal(expr) if isinstance(n, Member | sp.MatrixSymbol)}


class Compiler:
    """Compiles one claim; collects letters, sizes and functions on the way."""

    def __init__(self, claim: Claim, limits: Limits) -> None:
        self.claim, self.model, self.limits = claim, claim.model, limits
        self.letters: dict[str, Axis] = {}
        # each letter in scope: the name of its axis in the arrays, and the axis
        self.bound: dict[str, tuple[str, Axis]] = {str(k.name): (str(k.name), v) for k, v in claim.letters.items()}
        self.sizes: dict[Any, None] = {}
        self.kinds: set[str] = set()
        self.has_slides = False
        self.applied: dict[str, tuple[tuple[str, Shape], ...]] = {}
        self.slot: tuple[Any, Any] | None = None  # the application and the slot of the derivative that is compiled

    def program(self) -> Program:
        """The whole claim with its model."""
        claim = self.claim
        left, right = self(claim.left), self(claim.right)
        shape = axes(claim.left)
        used = self._used()
        self._check_losses(used)
        rules = {name: rule for name, rule in self._rules(self.model).items() if name in used}
        kinds, ignored = self._assumptions(used)
        last = self.model.time.last
        system = System(
            rules,
            {name: loss.parts for name, loss in self.model.loss_by_name.items()},
            arithmetic(last),
            str(last.name) if isinstance(last, sp.Symbol) else None,
            kinds,
            {place: a.kind for a in claim.assumptions if a.kind in DEPENDENT for place in _places(a.subject)},
        )
        self._note(shape.rows + shape.cols)
        self._check_sizes()
        symbols = {str(s.name) for size in self.sizes for s in size.free_symbols}
        return Program(
            claim=claim,
            left=left,
            right=right,
            shape=shape.plain,
            system=system,
            letters=dict(self.letters),
            sorts=tuple(sorted(self.sizes, key=str)),
            symbols=tuple(sorted(symbols)),
            kinds=frozenset(self.kinds),
            applied=dict(self.applied),
            has_slides=self.has_slides,
            ignored=ignored,
            key=word(show(claim.left), show(claim.right)),
            limits=self.limits,
        )

    def __call__(self, expr: Any) -> Thunk:
        """The function that evaluates a formula."""
        kind = type(expr)
        make = COMPILE.get(kind) or next((m for base, m in COMPILE.items() if issubclass(kind, base)), None)
        if make is None:
            raise Unsupported(f"{kind.__name__} is no node of the formula language")
        return make(self, expr)

    def shape(self, expr: Any) -> Shape:
        """Rows and columns, noted."""
        found = axes(expr)
        self._note(found.rows + found.cols)
        return found.plain

    def _note(self, axis: Axis) -> None:
        self.sizes.update(dict.fromkeys(axis))

    @contextmanager
    def binding(self, letters: Mapping[Any, Axis]) -> Iterator[None]:
        """Compile under a binder of component letters: equal letters over different axes stay apart."""
        outer = self.bound
        places = {str(letter.name): axis for letter, axis in letters.items()}
        self.bound = {**outer, **{name: (f"{name} over {axis}", axis) for name, axis in places.items()}}
        yield
        self.bound = outer

    def letter(self, symbol: Any) -> str:
        """The axis of a component letter, noted."""
        if not isinstance(symbol, sp.Symbol):
            raise Unsupported(f"the component index {symbol} is no letter")
        name = str(symbol.name)
        if name not in self.bound:
            raise Unsupported(f"nothing says over what {name} runs")
        place, axis = self.bound[name]
        self._note(axis)
        self.letters[place] = axis
        return place

    def _check_sizes(self) -> None:
        for size in self.sizes:
            if size.free_symbols and not all(c.is_Integer for c in sp.Poly(size, *size.free_symbols).coeffs()):
                raise Unsupported(f"the size {size} is no polynomial with whole coefficients")

    def _used(self) -> set[str]:
        """All names that the claim can reach."""
        return self._reached(names_in(self.claim.left) | names_in(self.claim.right))

    def _reached(self, start: set[str]) -> set[str]:
        """All names from which some names are computed, these included."""
        found: set[str] = set()
        todo = set(start)
        while todo:
            name = todo.pop()
            if name in found:
                continue
            found.add(name)
            if name in self.model.by_name:
                todo |= names_in(self.model.by_name[name].right)
            if name in self.model.loss_by_name:
                todo |= {part for part, _ in self.model.loss_by_name[name].parts}
        return found

    def _check_losses(self, used: set[str]) -> None:
        """No loss is computed from itself: such equations would have to be solved."""
        for name in sorted(used & set(self.model.loss_by_name)):
            if name in self._reached({part for part, _ in self.model.loss_by_name[name].parts}):
                raise Unsupported(f"the loss {name} depends on what is computed from it")

    def _rules(self, model: Model) -> dict[str, Rule]:
        used = self._used()
        found: dict[str, Rule] = {}
        for equation in model.equations:
            if equation.name not in used:
                continue
            first = model.time.first if equation.first is None else equation.first
            last = model.time.last if equation.last is None else equation.last
            found[equation.name] = Rule(
                None if equation.index is None else str(equation.index.name),
                arithmetic(sp.sympify(first)),
                arithmetic(sp.sympify(last)),
                self(equation.right),
                self.shape(equation.left),
                _is_polynomial(equation.right),
                not equation.right.has(*CONSTANTS),
                _named(equation.right),
            )
        return found

    def _assumptions(self, used: set[str]) -> tuple[dict[tuple[str, int | None], str], tuple[str, ...]]:
        drawn: dict[tuple[str, int | None], str] = {}
        ignored: list[str] = []
        for assumption in self.claim.assumptions:
            if not names_in(assumption.subject) & used or assumption.kind in DENSE:
                continue
            key = self._drawn_key(assumption)
            if key is None or key in drawn:
                ignored.append(assumption.kind)
            else:
                drawn[key] = assumption.kind
        return drawn, tuple(ignored)

    def _drawn_key(self, assumption: Assumption) -> tuple[str, int | None] | None:
        """Which input an assumption shapes; None where it cannot be drawn so."""
        subject = assumption.subject
        if assumption.kind not in DRAWN or not isinstance(subject, Member | sp.MatrixSymbol):
            return None
        if self.model.equation_of(subject) is not None and not _is_before(subject, self.model):
            return None
        if assumption.kind == "sum_one" and not axes(subject).is_vector:
            return None
        return _place(subject)


def _is_polynomial(formula: Any) -> bool:
    """Sums and products alone, of more than one name."""
    inner = formula.args[0] if isinstance(formula, sp.Transpose) else formula
    is_name = isinstance(inner, Member | sp.MatrixSymbol)
    return not is_name and not any(isinstance(node, _NO_POLYNOMIAL) for node in sp.preorder_traversal(formula))


def _named(formula: Any) -> tuple[tuple[str, tuple[Any, ...]], ...] | None:
    """The names in a formula and their steps; None where a range or a derivative has more."""
    nodes_in = list(sp.preorder_traversal(formula))
    if any(isinstance(node, nodes.TimeSum | nodes.TimeProduct | DerivativeNode) for node in nodes_in):
        return None
    found = dict.fromkeys(node for node in nodes_in if isinstance(node, Member | sp.MatrixSymbol))
    return tuple((str(node.name), tuple(map(arithmetic, getattr(node, "indices", ())))) for node in found)


def _place(tensor: Any) -> tuple[str, int | None]:
    is_fixed = isinstance(tensor, Member) and tensor.indices and tensor.time.is_Integer
    return str(tensor.name), int(tensor.time) if is_fixed else None


def _places(subject: Any) -> set[tuple[str, int | None]]:
    """The tensors that an assumption names; None for the step where it holds at every one."""
    return {_place(node) for node in sp.preorder_traversal(subject) if isinstance(node, Member | sp.MatrixSymbol)}


def _is_before(subject: Any, model: Model) -> bool:
    """s_0: a member at a fixed step before its equation's first."""
    made = model.produced(str(subject.name))
    return bool(made is not None and subject.time.is_Integer and made[0].is_Integer and subject.time < made[0])
