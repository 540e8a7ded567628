"""Backpropagation of a model as lines of formulas, one for each adjoint and one for each gradient.

The lines are what a hand-written backward pass computes, step by step:

    δ[k] = diag(f'(Net[k])) s̄[k]      s̄[k] = e[k] + Wᵀ δ[k+1]      ∂E/∂W = Σ_k δ[k] s[k-1]ᵀ      ∂E/∂x[k] = Uᵀ δ[k]

A line is a sum of terms, and a hypothesis puts other terms in their places. Behind the last step nothing comes back; at
step 0 the adjoint is the gradient of the initial state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import sympy as sp

from derive.derivation import with_definitions
from derive.errors import BackproofError
from derive.language.build import matadd, matmul
from derive.language.derivatives import Gradient
from derive.language.keys import plain_key
from derive.language.nodes import Elementwise, Member
from derive.language.show import show, show_name
from derive.model import Equation, Loss, Model, members
from derive.naming import delta_names, states, step_letter
from derive.quantities import parameters
from derive.recurrence import definition_of, gradient

Place = tuple[str, int]  # a line's key, and which of its terms


@dataclass(frozen=True)
class Line:
    """left = the sum of the terms; `crosses` says of each term whether it comes from another step.

    `key` is the name of an adjoint, or a gradient's key; `is_sum` says that a gradient is one array for all steps.
    """

    key: str
    left: Any
    terms: tuple[Any, ...]
    crosses: tuple[bool, ...] = ()
    is_sum: bool = False

    @property
    def right(self) -> Any:
        """The right side as one formula, without terms that are 0."""
        kept = [term for term in self.terms if not isinstance(term, sp.ZeroMatrix)]
        return matadd(*kept) if kept else self.terms[0]

    @cached_property
    def text(self) -> str:
        """The line as plain text."""
        return f"{show(self.left)} = {show(self.right)}"

    def without_crossing(self) -> Line:
        """The line without what comes from another step."""
        kept = tuple(term for term, crosses in zip(self.terms, self.crosses, strict=True) if not crosses)
        return Line(self.key, self.left, kept or (sp.ZeroMatrix(*self.left.shape),))

    def with_term(self, place: int, term: Any) -> Line:
        """The line with another term in one place."""
        terms = (*self.terms[:place], term, *self.terms[place + 1 :])
        return Line(self.key, self.left, terms, self.crosses, self.is_sum)


@dataclass(frozen=True, eq=False)
class Formulas:
    """All lines of a model, one object for each model.

    `adjoints` are by their names, `gradients` by the inputs' keys.
    """

    model: Model
    letter: Any
    adjoints: Mapping[str, Line]
    gradients: Mapping[str, Line]
    initial: Mapping[str, str]  # the key of an initial state -> the adjoint that is its gradient at step 0
    starts: frozenset[str]  # the keys of initial states
    direct: Mapping[str, str]  # the name of a direct gradient e -> the output's key
    parameters: Mapping[str, str]  # the name of a parameter -> its key
    names: Mapping[str, str]  # family -> adjoint
    named: Model  # the model that knows these names too

    @cached_property
    def axes(self) -> Mapping[str, tuple[Any, ...]]:
        """The last axes of the inputs, as sizes: U is (n, m), b and x are columns, (n,) and (m,)."""
        leaves = [*parameters(self.model), *_inputs(self.model)]
        shapes = {plain_key(str(leaf.name)): leaf.shape for leaf in leaves}
        return {key: tuple(size for size in shape if size != 1) for key, shape in shapes.items()}

    @cached_property
    def families(self) -> Mapping[str, str]:
        """The family of each adjoint."""
        return {name: family for family, name in self.names.items()}

    @cached_property
    def reached(self) -> Mapping[str, frozenset[str]]:
        """For each line, the lines and initial states that depend on it, itself among them."""
        lines = {**self.adjoints, **self.gradients}
        reads = {key: {m.name for term in line.terms for m in members(term)} for key, line in lines.items()}
        found = {}
        for key in lines:
            seen, waiting = {key}, [key]
            while waiting:
                at = waiting.pop()
                new = {reader for reader, read in reads.items() if at in read} - seen
                seen |= new
                waiting += new
            seen |= {state for state, adjoint in self.initial.items() if adjoint in seen}
            found[key] = frozenset(seen)
        return found

    def legend(self, lines: Sequence[Line]) -> str:
        """What the names in some lines stand for: δ[k] = ∂E/∂Net[k], e[k] the cotangent of s[k]."""
        written = {m.name for line in lines for side in (line.left, line.right) for m in members(side)}
        told = []
        for family, name in self.names.items():
            if name in written:
                by = self.model.by_name[family].left.at(self.letter)
                told.append(f"{show(by.func(name, *by.args[1:]))} = {show(Gradient(_LOSS, by))}")
        told += [
            f"{show_name(name)}[k] the cotangent of {key}[k]" for name, key in self.direct.items() if name in written
        ]
        nodes = (node for line in lines for node in sp.preorder_traversal(line.right))
        known = {node for node in nodes if isinstance(node, Elementwise)}
        told += sorted(
            {f"{show_name(f.name)} = {f.kind}" for f in known if f.name.strip("\\") not in (f.kind, "sigma")}
        )
        return ", ".join(told)


_LOSS = sp.MatrixSymbol("E", 1, 1)


@dataclass(frozen=True)
class Lines:
    """Some lines as they should be and as the code has them, as text, with what the names stand for; empty for none."""

    right: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    legend: str = ""

    @classmethod
    def of(cls, formulas: Formulas, right: Sequence[Line], wrong: Sequence[Line]) -> Lines:
        """The text of lines."""
        legend = formulas.legend([*right, *wrong])
        return cls(tuple(line.text for line in right), tuple(line.text for line in wrong), legend)

    @classmethod
    def joined(cls, lines: Iterable[Lines]) -> Lines:
        """One after the other."""
        lines = list(lines)
        legends = dict.fromkeys(part for one in lines for part in one.legend.split(", ") if part)
        right, wrong = (tuple(text for one in lines for text in getattr(one, side)) for side in ("right", "wrong"))
        return cls(right, wrong, ", ".join(legends))


class _Family:
    """What `Loss.every` asks of a family: its name."""

    def __init__(self, name: str) -> None:
        self.name = name


@lru_cache(maxsize=64)
def formulas(equations: tuple[Equation, ...], outputs: tuple[str, ...], time: Any, expanded: bool = False) -> Formulas:
    """The lines of a model whose outputs (keys) receive cotangents at every step.

    Plain: every family's adjoint has a name, as code computes them. `expanded`: only those that derive names, and
    products are multiplied out. Raises BackproofError where derive derives no such system.
    """
    by_key = {plain_key(equation.name): equation.name for equation in equations}
    unknown = [key for key in outputs if key not in by_key]
    if unknown:
        raise BackproofError(f"the model has no output {', '.join(unknown)}")
    steps = tuple(equation for equation in equations if equation.index is not None)  # without a loss that is a formula
    model = Model(steps, Loss.every(*(_Family(by_key[key]) for key in outputs)), time)
    if any(e.first is not None or e.last is not None for e in model.forward):
        raise BackproofError("an equation holds at some steps only")
    names = dict(delta_names(model))
    if not expanded:
        taken = set(names.values())
        for equation in model.forward:
            if equation.name not in names:
                names[equation.name] = _own_name(equation.name, taken)
                taken.add(names[equation.name])
    return _lines(model, names, outputs, by_key, expanded)


def _own_name(family: str, taken: set[str]) -> str:
    """s̄ for s; λ^{h_tilde} for a name that takes no bar."""
    name = f"\\bar{{{family}}}" if family.isalpha() else f"\\lambda^{{{plain_key(family)}}}"
    return name if name not in taken else f"\\mu^{{{plain_key(family)}}}"


def _lines(
    model: Model, names: dict[str, str], outputs: tuple[str, ...], by_key: dict[str, str], expanded: bool
) -> Formulas:
    letter = step_letter(model)
    adjoints: dict[str, Line] = {}
    gradients: dict[str, Line] = {}
    initial: dict[str, str] = {}
    definitions: dict[str, Equation] = {}
    for family, name in names.items():
        member = model.by_name[family].left.at(letter)
        found = gradient(model, member, names=names)
        definitions.update({equation.name: equation for equation in found.definitions})
        definitions[name] = definition_of(model, found.left, name)
        left = Member(name, member.indices, member.row_axis, member.col_axis)
        adjoints[name] = _line(name, left, found.right, letter, set(names.values()), expanded)
    keys = {str(parameter.name): plain_key(str(parameter.name)) for parameter in parameters(model)}
    for parameter in parameters(model):
        found = gradient(model, parameter, names=names)
        key = keys[str(parameter.name)]
        line = _line(key, found.left, found.right, letter, set(), expanded)
        gradients[key] = Line(key, line.left, line.terms, line.crosses, True)
    for member in _inputs(model):
        found = gradient(model, member.at(letter), names=names)
        key = plain_key(member.name)
        gradients[key] = _line(key, found.left, found.right, letter, set(), expanded)
    for family in states(model):
        key = f"{plain_key(family)}0"
        if not expanded:
            initial[key] = names[family]
            continue
        found = gradient(model, model.by_name[family].left.at(0), names=names)
        gradients[key] = _line(key, found.left, found.right, letter, set(), expanded)
    direct = {
        name: plain_key(equation.right.by.name)
        for name, equation in definitions.items()
        if equation.right.mode == "immediate"
    }
    named = with_definitions(model, tuple(definitions.values()))
    starts = frozenset(f"{plain_key(family)}0" for family in states(model))
    return Formulas(model, letter, adjoints, gradients, initial, starts, direct, keys, names, named)


def _inputs(model: Model) -> list[Member]:
    """A member of each family that equations read and none produces."""
    found = {m.name: m for e in model.forward for m in e.members if model.equation_of(m) is None and m.indices}
    return list(found.values())


def _line(key: str, left: Any, right: Any, letter: Any, adjoints: set[str], expanded: bool) -> Line:
    right = multiplied_out(right) if expanded else right
    terms = right.args if isinstance(right, sp.MatAdd) else (right,)
    crosses = tuple(any(m.name in adjoints and m.time != letter for m in members(term)) for term in terms)
    return Line(key, left, tuple(terms), crosses)


def multiplied_out(expr: Any) -> Any:
    """diag(u) (a + A b) as diag(u) a + diag(u) A b."""
    if isinstance(expr, sp.MatAdd):
        return matadd(*(multiplied_out(arg) for arg in expr.args))
    if isinstance(expr, sp.MatMul) and isinstance(expr.args[-1], sp.MatAdd):
        return matadd(*(matmul(*expr.args[:-1], term) for term in expr.args[-1].args))
    return expr
